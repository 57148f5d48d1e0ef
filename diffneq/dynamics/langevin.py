"""Langevin dynamics by the BAOAB splitting, with a damping rate for each species."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq._parameters import check_finite, check_positive, float_leaf
from diffneq.drives import Clock
from diffneq.dynamics.noise import normals
from diffneq.dynamics.state import Info, State, drift, inverse_mass, kick
from diffneq.dynamics.walls import ThermalWalls, check_walls
from diffneq.particles.space import Vector


class Langevin(eqx.Module):
    """m dv = (F + F_drive(t)) dt - m g v dt + sqrt(2 m g k_B T) dB, dx = v dt, by BAOAB.

    A half kick, a half drift, v -> c v + sqrt((1 - c^2) k_B T / m) xi with c = exp(-g dt), a half drift, a
    half kick. Positions in a harmonic well have exactly their canonical variance, at any stable dt. A species whose
    damping rate is zero feels no noise and draws none.

    Arguments:
        dt: time step [t].
        temperature: k_B T of the bath [energy].
        damping_rate: g [1/t], a scalar or one for each species, shape (S,).
        walls: `ThermalWalls` or None.

    Raises:
        ValueError: where dt or the temperature is not positive, or a damping rate is negative.

    Source: B. Leimkuhler, C. Matthews, J. Chem. Phys. 138, 174102 (2013).

    >>> Langevin(dt=0.01, temperature=1.0, damping_rate=(0.0, 0.1)).thermostatted
    (False, True)
    """

    dt: Array
    temperature: Array
    damping_rate: Array
    walls: ThermalWalls | None
    thermostatted: tuple[bool, ...] | None = eqx.field(static=True)

    def __init__(self, dt, temperature, damping_rate, walls: ThermalWalls | None = None):
        self.dt, self.temperature = float_leaf(dt), float_leaf(temperature)
        self.damping_rate = float_leaf(damping_rate)
        check_finite("Langevin", dt=self.dt, temperature=self.temperature, damping_rate=self.damping_rate)
        check_positive("Langevin", dt=self.dt, temperature=self.temperature)
        check_positive("Langevin", zero=True, damping_rate=self.damping_rate)
        self.walls = walls
        if isinstance(self.damping_rate, jax.core.Tracer) or self.damping_rate.ndim == 0:
            self.thermostatted = None
        else:
            self.thermostatted = tuple(bool(g > 0) for g in np.asarray(self.damping_rate))

    @property
    def needs_noise(self) -> bool:
        return True

    def check(self, model) -> None:
        """ValueError where these dynamics do not fit the model."""
        check_walls("Langevin", model, self.walls)
        rates, species = jnp.shape(self.damping_rate), len(model.counts)
        if len(rates) > 0 and rates[-1] != species:
            raise ValueError(
                f"Langevin: damping_rate is one number, or one for each of the {species} species; got shape {rates}."
            )

    def step(self, model, state: State, neighbours, drive=None) -> tuple[State, Info]:
        h, rate = self.dt, inverse_mass(model)
        velocity, work = kick(model, state, drive, Clock(state.step, h), h / 2, neighbours, rate)
        moved, heat = drift(state, velocity, h / 2), jnp.zeros((), h.dtype)
        if self.walls is not None:
            moved, velocity, more = self.walls.collide(model, state, moved, velocity, h / 2, stream=4)
            heat = heat + more
        velocity, more = self.bath(model, state, velocity)
        heat = heat + more
        moved = tuple(u + (h / 2) * v for u, v in zip(moved, velocity, strict=True))
        if self.walls is not None:
            moved, velocity, more = self.walls.collide(model, state, moved, velocity, h / 2, stream=6)
            heat = heat + more
        force = model.forces(moved, neighbours)
        state = State(moved, velocity, force, state.anchor, state.step + 1, state.key)
        velocity, more = kick(model, state, drive, Clock(state.step, h), h / 2, neighbours, rate)
        return eqx.tree_at(lambda s: s.velocity, state, velocity), Info(work + more, heat)

    def bath(self, model, state: State, velocity: Vector) -> tuple[Vector, Array]:
        """The O step and its heat, species by species; those that have no bath are not touched."""
        rates = jnp.broadcast_to(self.damping_rate, (len(model.counts),))
        coupled = self.thermostatted or (True,) * len(model.counts)
        pieces: list[Vector] = []
        heat = jnp.zeros((), self.dt.dtype)
        start = 0
        for kind, count in enumerate(model.counts):
            here = tuple(v[start : start + count] for v in velocity)
            if coupled[kind] and model.mobile[kind] and count:
                here, more = self._ornstein_uhlenbeck(model.mass[kind], rates[kind], state, here, start)
                heat = heat + more
            pieces.append(here)
            start += count
        if len(pieces) == 1:
            return pieces[0], heat
        return tuple(jnp.concatenate([piece[a] for piece in pieces]) for a in range(len(velocity))), heat

    def _ornstein_uhlenbeck(self, mass, damping_rate, state: State, velocity: Vector, start: int):
        keep = jnp.exp(-damping_rate * self.dt)
        # expm1 keeps the strength of a weak bath: 1 - c^2 loses all digits as g dt -> 0. Two roots, so that
        # the derivative with respect to the temperature is not 0/0 where the rate is zero.
        strength = jnp.sqrt(-jnp.expm1(-2 * damping_rate * self.dt)) * jnp.sqrt(self.temperature / mass)
        count = velocity[0].shape[0]
        noise = normals(state.key, state.step, 0, start, count, len(velocity), velocity[0].dtype)
        new = tuple(keep * v + strength * xi for v, xi in zip(velocity, noise, strict=True))
        gained = sum((w - v) * (w + v) for w, v in zip(new, velocity, strict=True))
        return new, jnp.sum(gained * (mass / 2))
