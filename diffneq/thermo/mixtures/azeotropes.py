"""Azeotropes: all compositions that boil without change, the pure substances among them, and what kind each is."""

import itertools
from typing import Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from diffneq.thermo.mixtures.checks import check_float64, positive, within_range
from diffneq.thermo.mixtures.grids import grid
from diffneq.thermo.mixtures.mixture import Mixture
from diffneq.thermo.mixtures.points import boiling_temperatures, bubble_pressure, bubble_temperature
from diffneq.thermo.mixtures.properties import log_gamma
from diffneq.thermo.mixtures.roots import converged, frozen, root
from diffneq.thermo.mixtures.status import LIQUID_UNSTABLE, OUT_OF_RANGE
from diffneq.thermo.mixtures.tangent import CERTIFIED, lowest, safe_log

Role = Literal["stable node", "unstable node", "saddle"]
_ROW = 101
_LATTICE = 8
_APART = 1e-5
_INSIDE = 1e-7  # of a mole fraction that is not zero


class Singular(NamedTuple):
    """A composition with y = x at T (K) and P (Pa): pure, or an azeotrope.

    `eigenvalues` of the residue-curve map dx/dt = x - y there, and the `role` that they make: curves begin at an
    unstable node (it boils lowest around) and end at a stable node. `status` has LIQUID_UNSTABLE where the liquid
    splits in two, so that no such azeotrope exists.
    """

    components: tuple[str, ...]
    T: Float[Array, ""]
    P: Float[Array, ""]
    x: Float[Array, " n"]
    eigenvalues: np.ndarray
    role: Role
    status: int

    @property
    def kind(self) -> str:
        """In words."""
        if len(self.components) == 1:
            return "pure"
        if len(self.eigenvalues) == 1:
            extreme = "minimum" if self.role == "unstable node" else "maximum"
            return f"{extreme}-boiling azeotrope"
        boiling = {"unstable node": "minimum-boiling ", "stable node": "maximum-boiling ", "saddle": "saddle "}
        return f"{boiling[self.role]}azeotrope"


def state_of(T_given: bool, given, s):
    """(T, P) from what is given and the logarithm of the other."""
    return (given, jnp.exp(s)) if T_given else (jnp.exp(s), given)


def _conditions(mixture: Mixture, T_given: bool, given, active, u):
    """ln K_i = 0 of the components that are there, x_i = 0 of the others, sum x = 1."""
    T, P = state_of(T_given, given, u[0])
    x = u[1:]
    equal = jnp.where(active, mixture.log_K(T, P, x, x), x)
    return jnp.append(equal, jnp.sum(x) - 1.0)


@eqx.filter_jit
def azeotrope_near(
    mixture: Mixture, given: ArrayLike, x: ArrayLike, T_given: bool = False
) -> tuple[Array, Array, Array]:
    """(T, P, x) with ln K_i = 0 next to a composition; a square system, differentiable in everything.

    Arguments: `given`, P (Pa), or T (K) where `T_given`; x (n,), zeros stay zero. NaN where Newton's method finds none.
    """
    x, given = jnp.asarray(x, float), jnp.asarray(given, float)
    active = x > 0.0
    start = _start(frozen(mixture), T_given, given, x)
    found = root(lambda u: _conditions(mixture, T_given, given, active, u), start, 0.1)
    T, P = state_of(T_given, given, found.u[0])
    good = converged(found)
    hide = lambda value: jnp.where(good, value, jnp.nan)
    return hide(T), hide(P), hide(jnp.where(active, found.u[1:], 0.0))


def _start(mixture: Mixture, T_given: bool, given, x):
    if T_given:
        s = jnp.log(x @ jnp.exp(mixture.saturation.log(given)))
    else:
        s = jnp.log(x @ boiling_temperatures(mixture.saturation, given))
    return jnp.concatenate([s[None], x])


@eqx.filter_jit
def _many(mixture: Mixture, given, starts, T_given: bool):
    """All starts at once: (T, P, x)."""
    return jax.vmap(lambda x: azeotrope_near(mixture, given, x, T_given))(starts)


def singular_points(mixture: Mixture, P: float | None = None, T: float | None = None) -> list[Singular]:
    """All solutions of y = x at a pressure P (Pa), or at a temperature T (K): pure substances and azeotropes.

    On the edges all zeros of ln K_1 - ln K_2 along a row of bubble points are refined; inside, Newton's method starts
    from a lattice of compositions. Sorted as they boil, the lowest temperature (highest pressure) first.

    Raises:
        ValueError: neither or both of P and T, T outside a range.

    >>> from diffneq.thermo.mixtures import mixture
    >>> with jax.enable_x64(True):
    ...     [point.kind for point in singular_points(mixture(["ethanol", "water"]), P=101325.0)]
    ['minimum-boiling azeotrope', 'pure', 'pure']
    """
    check_float64()
    if (P is None) == (T is None):
        raise ValueError("singular_points: give either the pressure P or the temperature T.")
    T_given = T is not None
    given = within_range(mixture, T, False) if T is not None else positive(P, "P")  # pyright: ignore[reportArgumentType]
    n = len(mixture.names)
    starts = np.concatenate([np.eye(n), *_edges(mixture, given, T_given), _lattice(n)])
    T_all, P_all, x_all = (np.asarray(a) for a in _many(mixture, given, jnp.asarray(starts), T_given))
    kept: list[int] = []
    for k, x in enumerate(x_all):
        there = starts[k] > 0
        fits = np.all(np.isfinite(x)) and np.all(x[there] > _INSIDE)
        if fits and not any(np.max(np.abs(x - x_all[other])) < _APART for other in kept):
            kept.append(k)
    found = [_described(mixture, T_all[k], P_all[k], x_all[k]) for k in kept]
    return sorted(found, key=lambda point: -float(point.P) if T_given else float(point.T))


def azeotropes(mixture: Mixture, P: float | None = None, T: float | None = None) -> list[Singular]:
    """The `singular_points` of two or more components whose liquid is stable, in range of all vapour pressures."""
    refused = LIQUID_UNSTABLE | OUT_OF_RANGE
    return [s for s in singular_points(mixture, P, T) if len(s.components) > 1 and not s.status & refused]


def _edges(mixture: Mixture, given, T_given: bool) -> list[np.ndarray]:
    """Starts on every edge, where ln K_1 - ln K_2 changes sign along the bubble points."""
    n = len(mixture.names)
    s = np.linspace(0.0, 1.0, _ROW)
    row = np.clip(s**2 * (3.0 - 2.0 * s), 1e-6, 1.0 - 1e-6)
    pairs = list(itertools.combinations(range(n), 2))
    x = np.zeros((len(pairs), _ROW, n))
    for k, (i, j) in enumerate(pairs):
        x[k, :, i], x[k, :, j] = row, 1.0 - row
    solve = bubble_pressure if T_given else bubble_temperature
    y = np.asarray(solve(mixture, given, x, extrapolate=True).y)
    starts = []
    for k, (i, j) in enumerate(pairs):
        relative = np.log(y[k, :, i] / x[k, :, i]) - np.log(y[k, :, j] / x[k, :, j])
        at = np.flatnonzero(np.sign(relative[1:]) * np.sign(relative[:-1]) < 0)
        starts.append(0.5 * (x[k, at] + x[k, at + 1]))
    return starts


def _lattice(n: int) -> np.ndarray:
    """Starts inside faces of three and more components."""
    sets = [s for size in range(3, n + 1) for s in itertools.combinations(range(n), size)]
    starts = []
    for chosen in sets:
        inner = itertools.combinations(range(1, _LATTICE), len(chosen) - 1)
        parts = np.array([np.diff([0, *bars, _LATTICE]) for bars in inner]) / _LATTICE
        full = np.zeros((len(parts), n))
        full[:, chosen] = parts
        starts.append(full)
    return np.concatenate([np.zeros((0, n)), *starts])


@eqx.filter_jit
def residue_slopes(mixture: Mixture, T, P, x: Float[Array, " n"], T_given: bool) -> Float[Array, "k k"]:
    """d(x - y)/dx along the bubble points, the last mole fraction being the dependent one, (n-1, n-1)."""

    def vapour(T, P, x):
        return x * jnp.exp(mixture.log_K(T, P, x, x))

    by_x = jax.jacfwd(vapour, argnums=2)(T, P, x)
    by_s = jax.jacfwd(vapour, argnums=1 if T_given else 0)(T, P, x)
    slope = by_x - by_s[:, None] * (jnp.sum(by_x, axis=0) / jnp.sum(by_s))[None, :]
    matrix = jnp.eye(len(x)) - slope
    return (matrix[:, :-1] - matrix[:, -1:])[:-1]


@eqx.filter_jit
def _judged(mixture: Mixture, T, P, x, points):
    liquid = lowest(mixture.liquid, T, safe_log(x) + log_gamma(mixture.liquid, T, x), points)
    return liquid.h < CERTIFIED, mixture.saturation.outside(T)


def _described(mixture: Mixture, T, P, x) -> Singular:
    T, P, x = (jnp.asarray(a) for a in (T, P, x))
    unstable, outside = _judged(mixture, T, P, x, grid(len(x)))
    values = np.linalg.eigvals(np.asarray(residue_slopes(mixture, T, P, x, False)))
    real = np.sort(values.real)
    role: Role = "unstable node" if np.all(real > 0) else "stable node" if np.all(real < 0) else "saddle"
    names = tuple(name for name, value in zip(mixture.names, x, strict=True) if value > 0)
    status = int(LIQUID_UNSTABLE * bool(unstable) | OUT_OF_RANGE * bool(outside))
    return Singular(names, T, P, x, real, role, status)
