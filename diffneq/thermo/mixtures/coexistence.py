"""Two liquids and a vapour of a binary: heteroazeotropes."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffneq.thermo.mixtures.azeotropes import state_of
from diffneq.thermo.mixtures.checks import check_float64, positive, within_range
from diffneq.thermo.mixtures.flash import liquid_phases
from diffneq.thermo.mixtures.mixture import Mixture
from diffneq.thermo.mixtures.points import bubble_pressure, bubble_temperature
from diffneq.thermo.mixtures.properties import log_gamma
from diffneq.thermo.mixtures.roots import converged, frozen, root


class ThreePhase(NamedTuple):
    """Two liquids and a vapour of a binary: T (K), P (Pa), x_1 of both liquids, y_1.

    A heteroazeotrope where y_1 lies between the liquids; `status` 1 where there is no such state.
    """

    T: Float[Array, ""]
    P: Float[Array, ""]
    x: Float[Array, "2"]
    y: Float[Array, ""]
    status: Array

    @property
    def heteroazeotrope(self) -> Array:
        """Whether the vapour lies between the liquids."""
        return (self.y > jnp.min(self.x)) & (self.y < jnp.max(self.x))


@eqx.filter_jit
def _three_phase(mixture: Mixture, given, start, T_given: bool):
    def equations(u):
        T, P = state_of(T_given, given, u[0])
        first, second = u[1:3], u[3:5]
        a = jnp.log(first) + log_gamma(mixture.liquid, T, first)
        b = jnp.log(second) + log_gamma(mixture.liquid, T, second)
        y = first * jnp.exp(mixture.log_K(T, P, first, u[5:7]))
        sums = jnp.stack([jnp.sum(first) - 1.0, jnp.sum(second) - 1.0, jnp.sum(u[5:7]) - 1.0])
        return jnp.concatenate([a - b, sums, u[5:7] - y])

    found = root(equations, start, 0.1 * jnp.abs(start) + 1e-3)
    u, good = found.u, converged(found) & (jnp.abs(found.u[1] - found.u[3]) > 1e-6)
    T, P = state_of(T_given, given, u[0])
    return tuple(jnp.where(good, value, jnp.nan) for value in (T, P, u[jnp.array([1, 3])], u[5])), ~good


def three_phase(
    mixture: Mixture, P: float | None = None, T: float | None = None, within: float | None = None
) -> ThreePhase:
    """The two liquids and the vapour that coexist in a binary at a pressure P (Pa), or at a temperature T (K).

    A square system for (T or P, x', x'', y), differentiable. It starts from the miscibility gap at the bubble point of
    x_1 = `within` (by default of the mixture that is least stable there); status 1 where there is no gap.

    Raises:
        ValueError: not a binary; neither or both of P and T.
    """
    check_float64()
    if len(mixture.names) != 2 or (P is None) == (T is None):
        raise ValueError("three_phase: for binaries, with either the pressure P or the temperature T.")
    T_given = T is not None
    given = within_range(mixture, T, False) if T is not None else positive(P, "P")  # pyright: ignore[reportArgumentType]
    row = np.linspace(0.02, 0.98, 49)
    x = np.stack([row, 1.0 - row], axis=1)
    solve = bubble_pressure if T_given else bubble_temperature
    quiet = frozen(mixture)
    rows = solve(quiet, jax.lax.stop_gradient(given), x, extrapolate=True)
    middle = int(np.argmin(np.asarray(rows.certificate))) if within is None else int(np.argmin(np.abs(row - within)))
    feed = x[middle] if within is None else np.array([within, 1.0 - within])
    split = liquid_phases(quiet.liquid, rows.T[middle], feed)
    s = jnp.log(rows.P[middle] if T_given else rows.T[middle])
    parts = jnp.where(jnp.isfinite(split.x), split.x, 0.5)
    start = jnp.concatenate([s[None], parts[0], parts[1], rows.y[middle]])
    (T_, P_, both, y), bad = _three_phase(mixture, given, start, T_given)
    return ThreePhase(T_, P_, both, y, bad.astype(int))
