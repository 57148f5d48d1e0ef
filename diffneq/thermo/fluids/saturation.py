"""Liquid and vapour in equilibrium, p(T, rho_l) = p(T, rho_v) and g(T, rho_l) = g(T, rho_v).

With J = p/(R T) and K = g/(R T), Newton's method for both densities at fixed T eliminates to one line; with p given, T
is a third unknown (R. Akasaka, J. Therm. Sci. Technol. 3 (2008) 442, for the form in alpha).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from diffneq.thermo.fluids.bulk import Bulk, bulk
from diffneq.thermo.fluids.helmholtz import Fluid
from diffneq.thermo.fluids.status import EXTRAPOLATED, NO_COEXISTENCE, NOT_CONVERGED
from diffneq.thermo.potentials.implicit import rooted

_STEPS = 30  # at most; five or six do away from the critical point
_CLOSE = 1e-13  # relative change of the densities, or of what is left of their difference
_ROUNDING = 1e-6  # close to the critical point no smaller steps are to be had: (dp/drho)_T vanishes


class Saturation(NamedTuple):
    """Coexisting liquid and vapour; NaN where there are none."""

    T: Float[Array, "*batch"]  # K
    p: Float[Array, "*batch"]  # Pa
    liquid: Float[Array, "*batch"]  # density, basis/m3
    vapour: Float[Array, "*batch"]
    status: Int[Array, "*batch"]


@jax.jit
def saturation_at_temperature(model: Fluid, T: ArrayLike) -> Saturation:
    """p(T) and the densities of saturated liquid and vapour.

    Arguments: `model`, of a fluid; `T`, K, any shape. A pure function: derivatives with respect to T and to every
    parameter of the model, of any order, follow from the implicit function theorem. At and above the critical
    temperature all values are NaN and `status` says so.

    >>> from diffneq.thermo.fluids import water
    >>> with jax.enable_x64(True):
    ...     slope = jax.grad(lambda T: saturation_at_temperature(water(), T).p)(373.15)
    >>> round(float(slope), 3)  # Pa/K
    3619.337
    """
    T = jnp.asarray(T, float)
    below, at = _below(model, T, model.critical.T)
    frozen, there = jax.lax.stop_gradient((model, at))
    start = frozen.coexistence_start(there)
    step = lambda carry: _at_temperature(frozen, there, *carry)
    (liquid, vapour), converged = _iterate(step, start)

    def residual(z):
        l, v = bulk(model, at, z[0]), bulk(model, at, z[1])
        return gap(l, v)

    liquid, vapour = rooted(residual, (liquid, vapour))
    return _finished(model, T, bulk(model, at, vapour).p, liquid, vapour, below, converged)


@jax.jit
def saturation_at_pressure(model: Fluid, p: ArrayLike) -> Saturation:
    """T(p) and the densities of saturated liquid and vapour; p in Pa. See `saturation_at_temperature`.

    >>> from diffneq.thermo.fluids import water
    >>> with jax.enable_x64(True):
    ...     round(float(saturation_at_pressure(water(), 101325.0).T), 4)
    373.1243
    """
    p = jnp.asarray(p, float)
    below, at = _below(model, p, model.critical.p)
    frozen, there = jax.lax.stop_gradient((model, at))
    T = boiling_start(frozen, there)
    step = lambda carry: _at_pressure(frozen, there, *carry)
    (T, liquid, vapour), converged = _iterate(step, (T, *frozen.coexistence_start(T)))

    def residual(z):
        l, v = bulk(model, z[0], z[1]), bulk(model, z[0], z[2])
        return (jnp.log(v.p / at), *gap(l, v))

    T, liquid, vapour = rooted(residual, (T, liquid, vapour))
    return _finished(model, T, p, liquid, vapour, below, converged)


def boiling_start(model: Fluid, p: Array) -> Array:
    """T at which `pressure_start` is p, by Newton's method in 1/T."""
    critical = model.critical

    def step(_, T):
        value, slope = jax.jvp(lambda x: jnp.log(model.pressure_start(1.0 / x)), (1.0 / T,), (jnp.ones_like(T),))
        inverse = 1.0 / T - (value - jnp.log(p)) / slope
        return jnp.minimum(1.0 / jnp.maximum(inverse, 0.1 / critical.T), critical.T * (1.0 - 1e-12))

    start = critical.T / (1.0 - jnp.log(p / critical.p) / 7.0)
    return jax.lax.fori_loop(0, 8, step, jnp.minimum(start, critical.T))


def _below(model: Fluid, value: Array, critical: Array) -> tuple[Array, Array]:
    """(is there coexistence, the value or a harmless one)."""
    below = (value < critical) & (value > 0.0)
    return below, jnp.where(below, value, 0.9 * critical)


def gap(liquid: Bulk, vapour: Bulk) -> tuple[Array, Array]:
    """Differences of p and g, in R T of the vapour's own size."""
    scale = vapour.R * vapour.T
    return (liquid.p - vapour.p) / (vapour.rho * scale), (liquid.g - vapour.g) / scale


def _at_temperature(model: Fluid, T: Array, liquid: Array, vapour: Array) -> tuple[Array, Array]:
    l, v = _both(model, T, liquid, vapour)
    p = (l.g - l.p / l.rho - v.g + v.p / v.rho) / (1.0 / v.rho - 1.0 / l.rho)
    middle = model.critical.rho
    return _moved(l, (p - l.p) / l.dp_drho, middle), _moved(v, (p - v.p) / v.dp_drho, middle)


def _at_pressure(model: Fluid, p: Array, T: Array, liquid: Array, vapour: Array) -> tuple[Array, Array, Array]:
    l, v = _both(model, T, liquid, vapour)
    unequal = l.g + (p - l.p) / l.rho - v.g - (p - v.p) / v.rho
    dT = jnp.clip(unequal / (l.s - v.s), -0.05 * T, 0.05 * T)
    dT = jnp.where(T + dT < model.critical.T, dT, 0.5 * (model.critical.T - T))
    moved = lambda b: _moved(b, (p - b.p - b.dp_dT * dT) / b.dp_drho, model.critical.rho)
    return T + dT, moved(l), moved(v)


def _both(model: Fluid, T: Array, liquid: Array, vapour: Array) -> tuple[Bulk, Bulk]:
    """One evaluation of the model for both phases: one program to compile, not two."""
    state = bulk(model, jnp.stack([T, T]), jnp.stack([liquid, vapour]))
    pick = lambda k: jax.tree.map(lambda x: x[k] if x.ndim > T.ndim else x, state)
    return pick(0), pick(1)


def _moved(state: Bulk, change: Array, middle: Array) -> Array:
    """The next density: of Newton's method, or from inside the spinodal a little way out."""
    step = jnp.where(state.dp_drho > 0.0, change, 0.2 * (state.rho - middle))
    # Never across the critical density, never far at once
    most = jnp.minimum(0.5 * jnp.abs(state.rho - middle), 0.2 * state.rho)
    return state.rho + jnp.clip(step, -most, jnp.maximum(most, 0.02 * state.rho))


def _iterate(step, start: tuple[Array, ...]) -> tuple[tuple[Array, ...], Array]:
    """(solution, has it converged), each lane until it stands still, at most _STEPS steps."""

    def body(carry):
        count, here, last, _ = carry
        new = step(here)
        change = jnp.max(jnp.stack([jnp.abs(a / b - 1.0) for a, b in zip(new, here, strict=True)]), axis=0)
        # A step no smaller than the one before, both tiny: rounding decides.
        still = (change < _CLOSE) | ((change < _ROUNDING) & (change >= 0.5 * last))
        return count + 1, new, change, still

    going = lambda carry: (carry[0] < _STEPS) & ~jnp.all(carry[3])
    start = tuple(jnp.broadcast_arrays(*start))
    first = (0, start, jnp.full(start[0].shape, jnp.inf), jnp.zeros(start[0].shape, bool))
    _, here, change, still = jax.lax.while_loop(going, body, first)
    return here, still | (change < _ROUNDING)


def _finished(model: Fluid, T, p, liquid, vapour, below, converged) -> Saturation:
    converged = converged & (liquid > vapour * (1.0 + 1e-10))
    outside = (T < model.validity.T_low) & below
    status = jnp.where(below, jnp.where(converged, 0, NOT_CONVERGED), NO_COEXISTENCE)
    status = status | jnp.where(outside, EXTRAPOLATED, 0)
    blank = lambda x: jnp.where(below & converged, x, jnp.nan)
    return Saturation(jnp.where(below, T, jnp.nan), blank(p), blank(liquid), blank(vapour), status)
