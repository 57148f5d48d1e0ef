"""Bubble points and dew points: where a liquid begins to boil, where a vapour begins to condense."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from diffneq.thermo.mixtures.checks import check_float64, composition, positive, within_range
from diffneq.thermo.mixtures.grids import grid
from diffneq.thermo.mixtures.lanes import in_lanes
from diffneq.thermo.mixtures.mixture import Mixture
from diffneq.thermo.mixtures.properties import log_gamma
from diffneq.thermo.mixtures.roots import Root, converged, frozen, root
from diffneq.thermo.mixtures.saturation import VapourPressures
from diffneq.thermo.mixtures.status import (
    LIQUID_UNSTABLE,
    NOT_CERTIFIED,
    NOT_CONVERGED,
    OUT_OF_RANGE,
    VIRIAL_DOUBTFUL,
    combined,
)
from diffneq.thermo.mixtures.tangent import CERTIFIED, height, lowest, safe_log

_PASSES = 14
_LEAP = 0.15  # largest change of ln T in a pass


class Point(eqx.Module):
    """A liquid x and a vapour y in equilibrium at T (K) and P (Pa), one of them in a vanishing amount.

    `certificate`: the height over R T of the lowest liquid above the tangent plane; below -1e-9 another liquid would
    have formed before. `status`: bits, see `status.explain`. NaN where a temperature had to be extrapolated unasked.
    """

    T: Float[Array, "*batch"]
    P: Float[Array, "*batch"]
    x: Float[Array, "*batch n"]
    y: Float[Array, "*batch n"]
    certificate: Float[Array, "*batch"]
    status: Int[Array, "*batch"]


class Given(NamedTuple):
    """Which of the four: the phase and the variable that are given."""

    liquid_given: bool
    T_given: bool


def boiling_temperatures(saturation: VapourPressures, P: Float[Array, ""]) -> Float[Array, " n"]:
    """T_i with P_sat,i(T_i) = P, by Newton's method in 1/T within 30 % of the ranges; a start for others."""
    goal = jnp.log(P)

    def step(u, _):
        value, slope = jax.jvp(lambda u: saturation.log(1.0 / u), (u,), (jnp.ones_like(u),))
        u = u - (value - goal) / slope
        return jnp.clip(u, 1.0 / (1.3 * saturation.high), 1.0 / (0.7 * saturation.low)), None

    return 1.0 / jax.lax.scan(step, 2.0 / (saturation.low + saturation.high), None, length=25)[0]


def unpack(kind: Given, given, z, u):
    """(T, P, x, y) from what is given and the unknowns u = (ln P or ln T, the other phase)."""
    T, P = (given, jnp.exp(u[0])) if kind.T_given else (jnp.exp(u[0]), given)
    return (T, P, z, u[1:]) if kind.liquid_given else (T, P, u[1:], z)


def _conditions(mixture: Mixture, kind: Given, given, z, u):
    """y_i = K_i x_i for all components, and the sum of the phase that is looked for is one."""
    T, P, x, y = unpack(kind, given, z, u)
    K = jnp.exp(mixture.log_K(T, P, x, y))
    other = x * K if kind.liquid_given else y / K
    return jnp.append(u[1:] - other, jnp.sum(u[1:]) - 1.0)


def _moved(mixture: Mixture, kind: Given, given, s, excess):
    """s = ln P or ln T after a Newton step on excess(T, P) = 0, which is ln P of the phases less ln P."""
    if kind.T_given:
        return s + excess(given, jnp.exp(s))
    value, slope = jax.jvp(lambda s: excess(jnp.exp(s), given), (s,), (jnp.ones_like(s),))
    return s - jnp.clip(value / slope, -_LEAP, _LEAP)


def _begin(mixture: Mixture, kind: Given, given, z):
    if kind.T_given:
        return jnp.log(z @ jnp.exp(mixture.saturation.log(given)))
    return jnp.log(z @ boiling_temperatures(mixture.saturation, given))


def _bubble_start(mixture: Mixture, kind: Given, given, x, points):
    def step(carry, _):
        s, y = carry
        excess = lambda T, P: jnp.log(x @ jnp.exp(mixture.log_K(T, P, x, y)))
        s = _moved(mixture, kind, given, s, excess)
        T, P, _, _ = unpack(kind, given, x, jnp.append(s, y))
        W = x * jnp.exp(mixture.log_K(T, P, x, y))
        return (s, W / jnp.sum(W)), None

    s, y = jax.lax.scan(step, (_begin(mixture, kind, given, x), x), None, length=_PASSES)[0]
    return jnp.append(s, y)


def _dew_start(mixture: Mixture, kind: Given, given, y, points):
    """ln P of the dew point is the least sum x_i ln(x_i gamma_i f_i/(y_i phi_i)) of any liquid x."""
    plane = lambda T, P: safe_log(y) + mixture.log_phi(T, P, y) - mixture.pure(T, P)

    def step(carry, _):
        s, _ = carry
        T, P, _, _ = unpack(kind, given, y, jnp.append(s, y))
        x = lowest(mixture.liquid, T, plane(T, P), points).x
        excess = lambda T, P: height(mixture.liquid, T, plane(T, P), x) - jnp.log(P)
        return (_moved(mixture, kind, given, s, excess), x), None

    s, x = jax.lax.scan(step, (_begin(mixture, kind, given, y), y), None, length=_PASSES)[0]
    return jnp.append(s, x)


def _certificate(mixture: Mixture, kind: Given, T, P, x, y, start, points):
    """The height of the lowest liquid above the plane of the two phases."""
    if kind.liquid_given:
        return lowest(mixture.liquid, T, safe_log(x) + log_gamma(mixture.liquid, T, x), points).h
    plane = safe_log(y) + mixture.log_phi(T, P, y) - mixture.pure(T, P) + jnp.log(P)
    return height(mixture.liquid, T, plane, start)


def solve(mixture: Mixture, kind: Given, given, z, points) -> tuple[Root, Array, Array]:
    """The root of one lane, the certificate and the status."""
    quiet, still, fixed = frozen((mixture, given, z))
    begin = _bubble_start if kind.liquid_given else _dew_start
    start = begin(quiet, kind, still, fixed, points)
    found = root(lambda u: _conditions(mixture, kind, given, z, u), start, 0.5)
    T, P, x, y = unpack(kind, still, fixed, jax.lax.stop_gradient(found.u))
    height_of = _certificate(quiet, kind, T, P, x, y, start[1:], points)
    bits = (
        (NOT_CONVERGED, ~converged(found)), (OUT_OF_RANGE, quiet.saturation.outside(T)),
        (LIQUID_UNSTABLE if kind.liquid_given else NOT_CERTIFIED, height_of < CERTIFIED),
        (VIRIAL_DOUBTFUL, quiet.doubtful(T, P, y)),
    )  # fmt: skip
    return found, height_of, combined(bits)


@eqx.filter_jit
def _lanes(mixture: Mixture, kind: Given, given, z, points, extrapolate) -> Point:
    def one(given, z):
        found, certificate, status = solve(mixture, kind, given, z, points)
        T, P, x, y = unpack(kind, given, z, found.u)
        hidden = ~extrapolate & ((status & OUT_OF_RANGE) > 0)
        show = lambda value: jnp.where(hidden, jnp.nan, value)
        return Point(show(T), show(P), x, show(y) if kind.liquid_given else y, certificate, status), show(x)

    result, shown = jax.vmap(one)(given, z)
    return result if kind.liquid_given else eqx.tree_at(lambda p: p.x, result, shown)


def _solve(mixture: Mixture, kind: Given, given: ArrayLike, z: ArrayLike, extrapolate: bool) -> Point:
    """Checks, one axis of lanes, and back to the shape of what was given."""
    check_float64()
    n = len(mixture.names)
    z = composition(z, n, "x" if kind.liquid_given else "y")
    given = within_range(mixture, given, extrapolate) if kind.T_given else positive(given, "P")
    shape = jnp.broadcast_shapes(given.shape, z.shape[:-1])
    solve = lambda given, z: _lanes(mixture, kind, given, z, grid(n), jnp.asarray(extrapolate))
    return in_lanes(solve, shape, [(given, 0), (z, 1)])


def bubble_pressure(mixture: Mixture, T: ArrayLike, x: ArrayLike, extrapolate: bool = False) -> Point:
    """P with sum_i K_i(T, P, x, y) x_i = 1.

    Arguments: T (K) and x (.., n) are broadcast; `extrapolate` vapour pressures beyond their ranges, marked in the
    status. A liquid that is not stable is marked too: what boils then is the pair it splits into (`flash`).

    Raises:
        ValueError: x that does not sum to one, T outside a range.

    >>> from diffneq.thermo.mixtures import mixture
    >>> with jax.enable_x64(True):
    ...     point = bubble_pressure(mixture(["ethanol", "water"]), 343.15, [0.5, 0.5])
    ...     round(float(point.P)), round(float(point.y[0]), 4)
    (68232, 0.6578)
    """
    return _solve(mixture, Given(True, True), T, x, extrapolate)


def bubble_temperature(mixture: Mixture, P: ArrayLike, x: ArrayLike, extrapolate: bool = False) -> Point:
    """T with sum_i K_i(T, P, x, y) x_i = 1; see `bubble_pressure`. Lanes outside a range are NaN."""
    return _solve(mixture, Given(True, False), P, x, extrapolate)


def dew_pressure(mixture: Mixture, T: ArrayLike, y: ArrayLike, extrapolate: bool = False) -> Point:
    """P with sum_i y_i/K_i(T, P, x, y) = 1, the lowest of all such pressures: ln P = min_x h(x), searched globally.

    Arguments and errors as of `bubble_pressure`, with the vapour y (.., n).
    """
    return _solve(mixture, Given(False, True), T, y, extrapolate)


def dew_temperature(mixture: Mixture, P: ArrayLike, y: ArrayLike, extrapolate: bool = False) -> Point:
    """T with sum_i y_i/K_i(T, P, x, y) = 1, the highest of all such temperatures; see `dew_pressure`."""
    return _solve(mixture, Given(False, False), P, y, extrapolate)
