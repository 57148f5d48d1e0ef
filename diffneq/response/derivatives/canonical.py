"""The canonical density and what the equations of motion do to it: the dissipation function, by autodiff.

rho(x, v) ~ exp(-(K(v) + U(x))/k_B T), d rho/dt = L* rho, Omega = (L* rho)/rho: zero where rho is stationary.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial

from diffneq.drives import Clock
from diffneq.dynamics.state import State, inverse_mass, per_particle
from diffneq.particles.space import Vector
from diffneq.response.derivatives.problem import ParameterPath, Problem, System, derivative_at_zero

# Omega of the reference, over the thermal rate sum_i |v_i . F_i|/k_B T, is round-off where rho is stationary.
_STATIONARY = 2e-3


def bath_temperature(dynamics) -> Array:
    """k_B T of the baths.

    Raises:
        ValueError: for an equation of motion without a bath.
    """
    for bath in (dynamics, getattr(dynamics, "walls", None)):
        temperature = getattr(bath, "temperature", None)
        if temperature is not None:
            return temperature
    raise ValueError(
        f"{type(dynamics).__name__} has no bath, so no canonical density is known; use a method that needs none: "
        "'coupled' or 'tangent'."
    )


def energy(system: System, state: State, neighbours) -> Array:
    """K + U of one state [energy]."""
    mass = per_particle(system.model, system.model.mass)
    kinetic = jnp.sum(mass * sum(v * v for v in state.velocity)) / 2
    return kinetic + system.model.potential_energy(state.displacement, neighbours)


def log_density(system: System, state: State, neighbours) -> Array:
    """ln rho + constant = -(K + U)/k_B T."""
    return -energy(system, state, neighbours) / bath_temperature(system.dynamics)


def acceleration(system: System, state: State, neighbours, forces: bool = True) -> Vector:
    """(F + F_drive)/m, d arrays (N,); zero for what does not move. Without `forces`, F_drive/m alone."""
    model, dynamics, drive = system
    pull: Any = (None,) * len(state.displacement)
    if drive is not None:
        pull = model.drive_force(state.displacement, neighbours, drive(Clock(state.step, dynamics.dt)))
    rate, nothing = inverse_mass(model), tuple(jnp.zeros_like(u) for u in state.displacement)
    own = model.forces(state.displacement, neighbours) if forces else nothing
    return tuple(rate * (f if p is None else f + p) for f, p in zip(own, pull, strict=True))


def damping(system: System) -> Array:
    """Damping rate of each particle, (N,); zero for an equation of motion without friction."""
    rates = getattr(system.dynamics, "damping_rate", jnp.zeros((), system.model.mass.dtype))
    rates = jnp.broadcast_to(rates, (len(system.model.counts),))
    return per_particle(system.model, rates * jnp.asarray(system.model.mobile, rates.dtype))


def _velocity_part(reference: System, force: Vector, friction: Array, diffusion: Array, velocity: Vector) -> Array:
    """[-d_v.(b rho) + d_v^2 (D rho)]/rho with b = force - friction v, by autodiff in v; b_i depends on v_i alone."""
    mass = per_particle(reference.model, reference.model.mass)
    warmth = jax.lax.stop_gradient(bath_temperature(reference.dynamics))
    log_rho = lambda v: -mass * v * v / (2 * warmth)  # of each component; what depends on x drops out
    ones = jnp.ones_like(mass)
    total = jnp.zeros((), mass.dtype)
    for f, v in zip(force, velocity, strict=True):
        slope = lambda v: jax.jvp(log_rho, (v,), (ones,))[1]
        s, curvature = jax.jvp(slope, (v,), (ones,))
        b, divergence = jax.jvp(lambda v, f=f: f - friction * v, (v,), (ones,))
        total = total + jnp.sum(-divergence - b * s + diffusion * (s * s + curvature))
    return total


def dissipation(reference: System, system: System, forces: bool, state: State, neighbours) -> Array:
    """Omega = rho^-1 (L* - L_0*) rho of `system` against the canonical density of `reference` [1/t].

    The difference of the two generators is formed first, so that Omega of a weak field loses no digits.
    For a field E on charges it comes out as E sum_i q_i v_xi/k_B T. `forces` is False where the models are the same,
    so that the forces between particles, which cancel, need not be found.

    Source: D. J. Evans, D. J. Searles, Adv. Phys. 51, 1529 (2002), generalised to baths by L*.
    """
    ours, theirs = (acceleration(s, state, neighbours, forces) for s in (system, reference))
    force = tuple(a - b for a, b in zip(ours, theirs, strict=True))
    friction = damping(system) - damping(reference)
    return _velocity_part(reference, force, friction, _diffusion(system) - _diffusion(reference), state.velocity)


def _diffusion(system: System) -> Array:
    """D = g k_B T/m, the strength of the noise on the velocities, (N,)."""
    if not hasattr(system.dynamics, "damping_rate"):
        return jnp.zeros(sum(system.model.counts), system.model.mass.dtype)
    return damping(system) * bath_temperature(system.dynamics) * inverse_mass(system.model)


def dissipation_rate(system: System, theta: ParameterPath, state: State, neighbours) -> Array:
    """d Omega/d(theta) at the reference: linear response is R(t) = int_0^t <d Omega/d theta (0) A(s)> ds."""
    change = lambda x: dissipation(system, theta.shifted(system, x), theta.of_model, state, neighbours)
    return derivative_at_zero(change, system)


def force_slope(system: System, theta: ParameterPath, state: State, neighbours) -> Vector:
    """d(F/m)/d(theta), d arrays (N,)."""
    change = lambda x: acceleration(theta.shifted(system, x), state, neighbours, theta.of_model)
    return derivative_at_zero(change, system)


def stationarity(system: System, state: State, neighbours) -> tuple[Array, Array]:
    """L_0* rho/rho of the canonical density, and the size of the terms that cancel in it [1/t]."""
    slope = jax.grad(lambda u: system.model.potential_energy(u, neighbours))(state.displacement)
    warmth = bath_temperature(system.dynamics)
    flow = sum(jnp.sum(v * g) for v, g in zip(state.velocity, slope, strict=True)) / warmth
    size = sum(jnp.sum(jnp.abs(v * g)) for v, g in zip(state.velocity, slope, strict=True)) / warmth
    force = acceleration(system, state, neighbours)
    rest = _velocity_part(system, force, damping(system), _diffusion(system), state.velocity)
    return flow + rest, size + jnp.sum(damping(system)) + 1e-30


def check_canonical(problem: Problem, ensemble) -> None:
    """ValueError where the reference does not leave the canonical density of its bath as it is."""
    bath_temperature(problem.dynamics)
    rate, size = ensemble.evaluate(Partial(stationarity, problem.system))
    doubt = float(np.max(np.abs(np.asarray(rate)) / np.asarray(size)))
    if not doubt < _STATIONARY:
        raise ValueError(
            f"The reference does not leave the canonical density stationary (by {doubt:.1e} of the thermal rate): it "
            "is driven, or its baths differ. Use a method that needs no density: 'coupled', 'tangent' or "
            "'likelihood_ratio'."
        )
