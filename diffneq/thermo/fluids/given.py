"""States from temperature and density, or from a quality and temperature or pressure."""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import ArrayLike

from diffneq.thermo.fluids.bulk import bulk
from diffneq.thermo.fluids.density import outside
from diffneq.thermo.fluids.helmholtz import Fluid
from diffneq.thermo.fluids.saturation import Saturation, saturation_at_pressure, saturation_at_temperature
from diffneq.thermo.fluids.states import State
from diffneq.thermo.fluids.status import FAILURES, METASTABLE, NO_STATE, UNSTABLE


@functools.partial(jax.jit, static_argnames="homogeneous")
def at_temperature_density(model: Fluid, T: ArrayLike, rho: ArrayLike, homogeneous: bool = False) -> State:
    """The state with temperature T (K) and density rho (basis/m3): two phases where they are the equilibrium.

    With `homogeneous` the fluid is kept from separating: between the coexistence curve and the spinodal it is then
    metastable, inside the spinodal unstable, and the status says so.

    >>> from diffneq.thermo.fluids import water
    >>> with jax.enable_x64(True):
    ...     round(float(at_temperature_density(water(), 500.0, 100.0).quality), 5)
    0.11799
    """
    T, rho = jnp.broadcast_arrays(jnp.asarray(T, float), jnp.asarray(rho, float))
    saturation = saturation_at_temperature(model, T)
    inside = (saturation.status & FAILURES == 0) & (rho < saturation.liquid) & (rho > saturation.vapour)
    two = inside & (not homogeneous)
    liquid, vapour = jnp.where(two, saturation.liquid, rho), jnp.where(two, saturation.vapour, rho)
    state = bulk(model, T, liquid)
    spread = jnp.where(two, 1.0 / vapour - 1.0 / liquid, 1.0)
    x = jnp.where(two, (1.0 / rho - 1.0 / liquid) / spread, jnp.nan)
    p = jnp.where(two, saturation.p, state.p)
    unstable = (T < model.critical.T) & ~(state.dp_drho > 0.0) & ~two
    status = jnp.where(unstable, UNSTABLE, jnp.where(inside & ~two, METASTABLE, 0))
    # A stretched liquid has a negative pressure and is metastable, not out of range.
    return State(T, p, liquid, vapour, x, status | outside(model, T, jnp.abs(p)))


@jax.jit
def at_temperature_quality(model: Fluid, T: ArrayLike, quality: ArrayLike) -> State:
    """Coexisting phases at T (K), with the share `quality` of vapour."""
    T, x = jnp.broadcast_arrays(jnp.asarray(T, float), jnp.asarray(quality, float))
    return _with_quality(saturation_at_temperature(model, T), x)


@jax.jit
def at_pressure_quality(model: Fluid, p: ArrayLike, quality: ArrayLike) -> State:
    """Coexisting phases at p (Pa), with the share `quality` of vapour."""
    p, x = jnp.broadcast_arrays(jnp.asarray(p, float), jnp.asarray(quality, float))
    return _with_quality(saturation_at_pressure(model, p), x)


def _with_quality(found: Saturation, x) -> State:
    status = found.status | jnp.where((x >= 0.0) & (x <= 1.0), 0, NO_STATE)
    return State(found.T, found.p, found.liquid, found.vapour, x, status)
