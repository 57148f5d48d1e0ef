"""Langevin dynamics whose bath sees velocities relative to the mean of their species: no current feels its friction."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jax import Array

from diffneq.drives import Clock
from diffneq.dynamics.langevin import Langevin
from diffneq.dynamics.noise import normals
from diffneq.dynamics.state import Info, State, drift, inverse_mass, kick, per_particle
from diffneq.dynamics.walls import check_walls
from diffneq.particles.space import Vector


def species_means(model, vector: Vector) -> Vector:
    """The mean of each species, spread over its particles: d arrays (N,)."""
    columns = []
    for column in vector:
        pieces, start = [], 0
        for count in model.counts:
            pieces.append(jnp.broadcast_to(jnp.mean(column[start : start + count]), (count,)))
            start += count
        columns.append(jnp.concatenate(pieces))
    return tuple(columns)


class PeculiarLangevin(eqx.Module):
    """m dv_i = (F_i + F_drive(t)) dt - m g w_i dt + sqrt(2 m g k_B T) (dB_i - dB_s), w_i = v_i - v_s.

    v_s is the mean velocity of the particle's species and dB_s that of its noises: the bath gives no net force to any
    species, at any instant. Currents of the form sum_s c_s N_s v_s therefore have neither friction nor noise of the
    bath in them, momentum is conserved, and a steady current is cooled by its peculiar velocities alone. The canonical
    distribution stays invariant; the d components of each v_s are thermalised by the other particles. By BAOAB, whose
    O acts on w: w -> c w + sqrt((1 - c^2) k_B T/m) (xi - xi_s), c = exp(-g dt).

    Under `Langevin` free charges have the resistivity m g/(n q^2) of their bath; here it is zero.

    Arguments:
        dt: time step [t].
        temperature: k_B T of the bath [energy].
        damping_rate: g [1/t], a scalar or one for each species, shape (S,).

    Raises:
        ValueError: for parameters that are not sound; `check`, where every species is a single particle.

    Source: thermostats on peculiar velocities, D. J. Evans, G. P. Morriss, Statistical Mechanics of Nonequilibrium
    Liquids, 2nd ed. (2008), chapter 6; BAOAB, B. Leimkuhler, C. Matthews, J. Chem. Phys. 138, 174102 (2013).

    >>> import diffneq, jax
    >>> from diffneq.particles.pair_laws import WCA
    >>> salt = diffneq.models.Fluid(WCA(1.0, 1.0), (8.0, 8.0), (10, 10), charge=(1.0, -1.0))
    >>> def momentum(steps):
    ...     dynamics = PeculiarLangevin(0.002, 1.0, 0.5)
    ...     state = diffneq.simulate(salt, dynamics, steps=steps, keys=jax.random.key(0), progress=False).state
    ...     return sum(v.sum(axis=1) for v in state.velocity)
    >>> bool(abs(momentum(200) - momentum(10)).max() < 1e-3)
    True
    """

    langevin: Langevin

    can_share = False  # the mean of a species is a sum over all its particles

    def __init__(self, dt, temperature, damping_rate):
        self.langevin = Langevin(dt, temperature, damping_rate)

    @property
    def dt(self) -> Array:
        return self.langevin.dt

    @property
    def temperature(self) -> Array:
        return self.langevin.temperature

    @property
    def damping_rate(self) -> Array:
        return self.langevin.damping_rate

    @property
    def needs_noise(self) -> bool:
        return True

    def check(self, model) -> None:
        """ValueError where these dynamics do not fit the model."""
        check_walls("PeculiarLangevin", model, None)
        self.langevin.check(model)
        if not any(n > 1 and moves for n, moves in zip(model.counts, model.mobile, strict=True)):
            raise ValueError(
                "PeculiarLangevin: no species has two particles or more, so there are no velocities relative to the "
                "mean of a species; use Langevin."
            )

    def step(self, model, state: State, neighbours, drive=None) -> tuple[State, Info]:
        h, rate = self.dt, inverse_mass(model)
        velocity, work = kick(model, state, drive, Clock(state.step, h), h / 2, neighbours, rate)
        moved = drift(state, velocity, h / 2)
        velocity, heat = self.bath(model, state, velocity)
        moved = tuple(u + (h / 2) * v for u, v in zip(moved, velocity, strict=True))
        force = model.forces(moved, neighbours)
        state = State(moved, velocity, force, state.anchor, state.step + 1, state.key)
        velocity, more = kick(model, state, drive, Clock(state.step, h), h / 2, neighbours, rate)
        return eqx.tree_at(lambda s: s.velocity, state, velocity), Info(work + more, heat)

    def bath(self, model, state: State, velocity: Vector) -> tuple[Vector, Array]:
        """The O step and its heat."""
        lost = jnp.broadcast_to(self.damping_rate, (len(model.counts),)) * self.dt
        slowed = self.relaxed(model, velocity, jnp.exp(-lost))
        spread = per_particle(model, jnp.sqrt(-jnp.expm1(-2 * lost)))
        strength = spread * jnp.sqrt(self.temperature * inverse_mass(model))
        noise = _relative(model, _noise(model, state))
        new = tuple(v + strength * xi for v, xi in zip(slowed, noise, strict=True))
        gained = sum((w - v) * (w + v) for w, v in zip(new, velocity, strict=True))
        return new, jnp.sum(per_particle(model, model.mass) * gained) / 2

    def relaxed(self, model, vector: Vector, share: Array) -> Vector:
        """The vector with `share` (S,) of what it is relative to the mean of each species."""
        kept = per_particle(model, share)
        return tuple(u + kept * (v - u) for u, v in zip(species_means(model, vector), vector, strict=True))


def _noise(model, state: State) -> Vector:
    """Standard normals of all particles, numbered as `Langevin` numbers them."""
    pieces, start = [], 0
    for count in model.counts:
        dtype = state.velocity[0].dtype
        pieces.append(normals(state.key, state.step, 0, start, count, len(state.velocity), dtype))
        start += count
    return tuple(jnp.concatenate([piece[a] for piece in pieces]) for a in range(len(state.velocity)))


def _relative(model, vector: Vector) -> Vector:
    return tuple(v - u for u, v in zip(species_means(model, vector), vector, strict=True))
