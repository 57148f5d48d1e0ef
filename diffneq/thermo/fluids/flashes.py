"""States from pressure and enthalpy, pressure and entropy, or internal energy and volume.

Each is one increasing function of temperature: h or s at fixed p (slope c_p or c_p/T), u at fixed volume (slope c_v, of
both phases together where there are two). Found by a bracketed Newton's method, made differentiable by the implicit
function theorem.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from diffneq.thermo.fluids.bulk import Bulk, bulk
from diffneq.thermo.fluids.density import density_start, outside, solve_density
from diffneq.thermo.fluids.helmholtz import Fluid
from diffneq.thermo.fluids.iteration import Trial, increasing_zero
from diffneq.thermo.fluids.saturation import Saturation, gap, saturation_at_pressure, saturation_at_temperature
from diffneq.thermo.fluids.states import State
from diffneq.thermo.fluids.status import NO_STATE
from diffneq.thermo.potentials.implicit import rooted

_INNER = 40  # steps of the density


@jax.jit
def at_pressure_enthalpy(model: Fluid, p: ArrayLike, h: ArrayLike) -> State:
    """The state with pressure p (Pa) and enthalpy h (J/basis): one phase, or two and their quality.

    A pure function of arrays of any shapes that broadcast, differentiable in p, h and the parameters of the model.

    >>> from diffneq.thermo.fluids import water
    >>> with jax.enable_x64(True):
    ...     state = at_pressure_enthalpy(water(), 1e6, 2.0e6)
    >>> round(float(state.T), 3), round(float(state.quality), 4)
    (453.028, 0.6143)
    """
    return _at_pressure(model, p, h, "h")


@jax.jit
def at_pressure_entropy(model: Fluid, p: ArrayLike, s: ArrayLike) -> State:
    """The state with pressure p (Pa) and entropy s (J/(basis K)); see `at_pressure_enthalpy`."""
    return _at_pressure(model, p, s, "s")


def _at_pressure(model: Fluid, p: ArrayLike, target: ArrayLike, name: str) -> State:
    p, target = jnp.broadcast_arrays(jnp.asarray(p, float), jnp.asarray(target, float))
    frozen, p0, target0 = jax.lax.stop_gradient((model, p, target))
    saturation = saturation_at_pressure(frozen, p0)
    boils = saturation.status & 15 == 0
    T_s = jnp.where(boils, saturation.T, frozen.critical.T)
    ends = [
        bulk(frozen, T_s, jnp.where(boils, rho, frozen.critical.rho)) for rho in (saturation.liquid, saturation.vapour)
    ]
    least, most = (getattr(end, name) for end in ends)
    two = boils & (target0 >= least) & (target0 <= most)
    T, rho, found = _one_phase(frozen, p0, target0, name, boils, T_s, (least, most))
    x = jnp.where(two, (target0 - least) / jnp.where(two, most - least, 1.0), 0.0)
    pick = lambda a, b: jnp.where(two, a, b)
    start = (pick(T_s, T), pick(saturation.liquid, rho), pick(saturation.vapour, rho), x)

    def residual(z):
        liquid, vapour = bulk(model, z[0], z[1]), bulk(model, z[0], z[2])
        scale = model.gas_constant * (z[0] if name == "h" else 1.0)
        mean = (1.0 - z[3]) * getattr(liquid, name) + z[3] * getattr(vapour, name)
        return (vapour.p / p - 1.0, (mean - target) / scale, *_phases(two, liquid, vapour, z[3]))

    return _finished(model, residual, start, two, two | found, lambda T, liquid: p)


def _one_phase(model: Fluid, p, target, name: str, boils, T_s, ends) -> tuple[Array, Array, Array]:
    """(T, rho, found) of homogeneous states."""
    liquid = target < ends[0]
    dense = jnp.where(boils, liquid, True)
    low = jnp.where(boils & ~liquid, T_s, 0.8 * model.validity.T_low)
    high = jnp.where(boils & liquid, T_s, 3.0 * model.validity.T_high)

    def trial(T, rho):
        rho, _ = solve_density(model, T, p, dense, rho, _INNER)
        state = bulk(model, T, rho)
        slope = state.cp / (1.0 if name == "h" else T)
        return Trial(getattr(state, name) - target, slope, 0, rho)

    start = jnp.where(boils, T_s * jnp.where(liquid, 0.98, 1.02), T_s)
    T, settled, _ = increasing_zero(trial, start, low, high, density_start(model, start, p, dense))
    rho, converged = solve_density(model, T, p, dense, density_start(model, T, p, dense), _INNER)
    state = bulk(model, T, rho)
    unit = model.gas_constant * (T if name == "h" else 1.0)
    right = jnp.abs(getattr(state, name) - target) < 1e-6 * jnp.maximum(unit, state.cp * unit / model.gas_constant)
    return T, rho, settled & converged & right


@jax.jit
def at_energy_volume(model: Fluid, u: ArrayLike, v: ArrayLike) -> State:
    """The state with internal energy u (J/basis) and volume v (m3/basis): what becomes of an isolated rigid vessel.

    >>> from diffneq.thermo.fluids import water
    >>> with jax.enable_x64(True):
    ...     state = at_energy_volume(water(), 1.5e6, 0.05)
    >>> round(float(state.T), 2), round(float(state.quality), 4)
    (471.57, 0.3752)
    """
    u, v = jnp.broadcast_arrays(jnp.asarray(u, float), jnp.asarray(v, float))
    frozen, u0, v0 = jax.lax.stop_gradient((model, u, v))
    rho0 = 1.0 / v0

    def trial(T, _):
        saturation, two = _coexistence(frozen, T, rho0)
        liquid = bulk(frozen, T, jnp.where(two, saturation.liquid, rho0))
        vapour = bulk(frozen, T, jnp.where(two, saturation.vapour, rho0))
        x = _quality(v0, liquid, vapour, two)
        slope = jnp.where(two, _stiffness(liquid, vapour, x), liquid.cv)
        return Trial((1.0 - x) * liquid.u + x * vapour.u - u0, slope)

    start = jnp.full(u.shape, 1.0) * frozen.critical.T
    T, found, _ = increasing_zero(
        trial, start, 0.8 * frozen.validity.T_low + 0.0 * u0, 3.0 * frozen.validity.T_high + 0.0 * u0
    )
    saturation, two = _coexistence(frozen, T, rho0)
    pick = lambda rho: jnp.where(two, rho, rho0)
    x = _quality(v0, bulk(frozen, T, pick(saturation.liquid)), bulk(frozen, T, pick(saturation.vapour)), two)
    last = trial(T, ())
    found = found & (jnp.abs(last.value) < 1e-6 * last.slope * T)

    def residual(z):
        liquid, vapour = bulk(model, z[0], z[1]), bulk(model, z[0], z[2])
        volume, energy = ((1.0 - z[3]) * a + z[3] * b for a, b in ((1.0 / z[1], 1.0 / z[2]), (liquid.u, vapour.u)))
        scale = model.gas_constant * z[0]
        return (volume / v - 1.0, (energy - u) / scale, *_phases(two, liquid, vapour, z[3]))

    start = (T, pick(saturation.liquid), pick(saturation.vapour), x)
    return _finished(model, residual, start, two, found, lambda T, vapour: bulk(model, T, vapour).p)


def _coexistence(model: Fluid, T: Array, rho: Array) -> tuple[Saturation, Array]:
    """(saturation at T, does a fluid of this density separate)."""
    saturation = saturation_at_temperature(model, T)
    two = (saturation.status & 15 == 0) & (rho < saturation.liquid) & (rho > saturation.vapour)
    return saturation, two


def _quality(v: Array, liquid: Bulk, vapour: Bulk, two: Array) -> Array:
    spread = jnp.where(two, 1.0 / vapour.rho - 1.0 / liquid.rho, 1.0)
    return jnp.where(two, (v - 1.0 / liquid.rho) / spread, 0.0)


def _stiffness(liquid: Bulk, vapour: Bulk, x: Array) -> Array:
    """(du/dT)_v of coexisting phases: along the coexistence line, with the change of quality that keeps v."""
    volumes, energies = [], []
    slope = (vapour.s - liquid.s) / (1.0 / vapour.rho - 1.0 / liquid.rho)  # Clapeyron
    for phase in (liquid, vapour):
        dv = -(slope - phase.dp_dT) / phase.dp_drho / phase.rho**2
        volumes.append(dv)
        energies.append(phase.cv + (phase.T * phase.dp_dT - phase.p) * dv)
    mean = lambda pair: (1.0 - x) * pair[0] + x * pair[1]
    dx = -mean(volumes) / (1.0 / vapour.rho - 1.0 / liquid.rho)
    return mean(energies) + dx * (vapour.u - liquid.u)


def _phases(two: Array, liquid: Bulk, vapour: Bulk, x: Array) -> tuple[Array, Array]:
    """Equal p and g where there are two phases; else both densities are one and the quality is zero."""
    equal_p, equal_g = gap(liquid, vapour)
    return jnp.where(two, equal_p, liquid.rho / vapour.rho - 1.0), jnp.where(two, equal_g, x)


def _finished(model: Fluid, residual, start, two: Array, found: Array, pressure) -> State:
    T, liquid, vapour, x = rooted(residual, start)
    p = pressure(T, vapour)
    blank = lambda a: jnp.where(found, a, jnp.nan)
    status = jnp.where(found, outside(model, T, p), NO_STATE)
    return State(blank(T), blank(p), blank(liquid), blank(vapour), jnp.where(two & found, x, jnp.nan), status)
