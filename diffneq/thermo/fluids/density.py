"""The density at given temperature and pressure: p(T, rho) = p on the dense or on the dilute branch."""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Int

from diffneq.thermo.fluids.bulk import bulk
from diffneq.thermo.fluids.helmholtz import Fluid
from diffneq.thermo.fluids.iteration import Trial, increasing_zero
from diffneq.thermo.fluids.saturation import saturation_at_temperature
from diffneq.thermo.fluids.states import State
from diffneq.thermo.fluids.status import EXTRAPOLATED, METASTABLE, NO_STATE
from diffneq.thermo.potentials.implicit import rooted

STIFFNESS = 7.0  # of a liquid: its pressure goes about as rho^7 (Murnaghan)


@functools.partial(jax.jit, static_argnames="phase")
def at_temperature_pressure(model: Fluid, T: ArrayLike, p: ArrayLike, phase: str | None = None) -> State:
    """The state with p(T, rho) = p: the stable one, or that of a phase, metastable or not.

    Arguments: `T`, K; `p`, Pa; `phase`, None for the stable one, else "liquid" or "vapour". A pure function of arrays
    of any shapes that broadcast, differentiable in T, p and the parameters of the model.

    Raises ValueError: another phase.

    >>> from diffneq.thermo.fluids import water
    >>> with jax.enable_x64(True):
    ...     round(float(at_temperature_pressure(water(), 300.0, 1e5).rho), 4)
    996.5563
    """
    if phase not in (None, "liquid", "vapour"):
        raise ValueError(f"phase must be 'liquid', 'vapour' or None for the stable one, got {phase!r}.")
    T, p = jnp.broadcast_arrays(jnp.asarray(T, float), jnp.asarray(p, float))
    boiling = saturation_at_temperature(*jax.lax.stop_gradient((model, T))).p
    # Where there is no coexistence below T_c the start decides: p is then far from it, or the critical point is near.
    boiling = jnp.where(jnp.isnan(boiling), jax.lax.stop_gradient(model.pressure_start(T)), boiling)
    stable = p >= boiling
    dense = stable if phase is None else jnp.full(T.shape, phase == "liquid")
    rho, converged = branch_density(model, T, p, dense)
    status = outside(model, T, p) | jnp.where(converged, 0, NO_STATE)
    status = status | jnp.where((dense != stable) & (T < model.critical.T), METASTABLE, 0)
    rho = jnp.where(converged, rho, jnp.nan)
    return State(T, p, rho, rho, jnp.full(T.shape, jnp.nan), status)


def branch_density(model: Fluid, T: Array, p: Array, dense: Array, steps: int = 60) -> tuple[Array, Array]:
    """(rho, has it converged) on the dense or the dilute branch; above T_c there is but one."""
    frozen, T0, p0 = jax.lax.stop_gradient((model, T, p))
    rho, converged = solve_density(frozen, T0, p0, dense, density_start(frozen, T0, p0, dense), steps)
    (rho,) = rooted(lambda z: ((bulk(model, T, z[0]).p - p) / (z[0] * model.gas_constant * T),), (rho,))
    return rho, converged


def density_start(model: Fluid, T: Array, p: Array, dense: Array) -> Array:
    """Where to begin: the saturated liquid, the ideal gas, or a cubic equation of state above T_c."""
    critical = model.critical
    subcritical = T < critical.T
    liquid = model.coexistence_start(jnp.where(subcritical, T, 0.9 * critical.T))[0]
    gas = jnp.minimum(p / (model.gas_constant * T), 0.9 * critical.rho)
    return jnp.where(subcritical, jnp.where(dense, liquid, gas), model.supercritical_start(T, p))


def solve_density(model: Fluid, T: Array, p: Array, dense: Array, start: Array, steps: int = 60) -> tuple[Array, Array]:
    """(rho, has it converged) from a start; derivatives are not followed."""
    critical = model.critical
    subcritical = T < critical.T

    def trial(rho, _):
        state = bulk(model, T, rho)
        unstable = subcritical & ~(state.dp_drho > 0.0)
        return Trial(state.p - p, state.dp_drho, jnp.where(unstable, jnp.where(dense, -1, 1), 0))

    low = jnp.where(subcritical & dense, critical.rho, 0.0)
    high = jnp.where(subcritical & ~dense, critical.rho, model.densest)
    power = jnp.where(start > critical.rho, STIFFNESS, 1.0)
    rho, converged, _ = increasing_zero(trial, start, low, high, steps=steps, power=power)
    last = trial(rho, ())
    return rho, converged & (last.side == 0) & (jnp.abs(last.value) <= 1e-6 * (p + rho * model.gas_constant * T))


def outside(model: Fluid, T: Array, p: Array) -> Int[Array, "*batch"]:
    """The bit for states outside the range of the model."""
    valid = model.validity
    inside = (T >= valid.T_low) & (T <= valid.T_high) & (p <= valid.p_high) & (p > 0.0)
    return jnp.where(inside, 0, EXTRAPOLATED)
