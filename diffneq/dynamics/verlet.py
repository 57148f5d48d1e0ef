"""Velocity Verlet."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jax import Array

from diffneq._parameters import check_finite, check_positive, float_leaf
from diffneq.drives import Clock
from diffneq.dynamics.state import Info, State, drift, inverse_mass, kick
from diffneq.dynamics.walls import ThermalWalls, check_walls


class Verlet(eqx.Module):
    """m dv/dt = F(x) + F_drive(x, t), dx/dt = v, by velocity Verlet; local error of the energy O(dt^3).

    Arguments:
        dt: time step [t].
        walls: `ThermalWalls` or None; the only place where heat is exchanged.

    Raises:
        ValueError: where dt is not positive and finite.

    Source: W. C. Swope, H. C. Andersen, P. H. Berens, K. R. Wilson, J. Chem. Phys. 76, 637 (1982).

    >>> Verlet(dt=0.005).dt.item() > 0
    True
    """

    dt: Array
    walls: ThermalWalls | None

    def __init__(self, dt, walls: ThermalWalls | None = None):
        self.dt = float_leaf(dt)
        check_finite("Verlet", dt=self.dt)
        check_positive("Verlet", dt=self.dt)
        self.walls = walls

    @property
    def needs_noise(self) -> bool:
        return self.walls is not None

    def check(self, model) -> None:
        """ValueError where these dynamics do not fit the model."""
        check_walls("Verlet", model, self.walls)

    def step(self, model, state: State, neighbours, drive=None) -> tuple[State, Info]:
        h, rate = self.dt, inverse_mass(model)
        velocity, work = kick(model, state, drive, Clock(state.step, h), h / 2, neighbours, rate)
        moved, heat = drift(state, velocity, h), jnp.zeros((), h.dtype)
        if self.walls is not None:
            moved, velocity, heat = self.walls.collide(model, state, moved, velocity, h, stream=4)
        force = model.forces(moved, neighbours)
        state = State(moved, velocity, force, state.anchor, state.step + 1, state.key)
        velocity, more = kick(model, state, drive, Clock(state.step, h), h / 2, neighbours, rate)
        return eqx.tree_at(lambda s: s.velocity, state, velocity), Info(work + more, heat)
