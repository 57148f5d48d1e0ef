"""What a step carries, and what it reports."""

from __future__ import annotations

from typing import Any, Protocol

import equinox as eqx
import jax.numpy as jnp
from jax import Array

from diffneq.drives import Clock
from diffneq.particles.space import Vector


class State(eqx.Module):
    """All that a checkpoint of one replica needs.

    Arguments:
        displacement: d arrays (N,), displacement from the anchors [L].
        velocity: d arrays (N,) [L/t].
        force: d arrays (N,), conservative force at these positions [m L/t^2].
        anchor: d integer arrays (N,), see `particles.space`.
        step: scalar uint32, steps done.
        key: (2,) uint32, key data of this run.
    """

    displacement: Vector
    velocity: Vector
    force: Vector
    anchor: Vector
    step: Array
    key: Array


class Info(eqx.Module):
    """What a step did: work of the drive on the system and heat taken in from baths [energy], scalars.

    `observed` holds what else the equation of motion finds out, name -> scalar; records average it over their steps.
    """

    work: Array
    heat: Array
    observed: dict[str, Array] = eqx.field(default_factory=dict)


class Dynamics(Protocol):
    """An equation of motion with its time step.

    `needs_noise` says whether a run needs a key; `check` refuses a model that it does not fit; `step` advances by `dt`.
    One whose Info has `observed` says so beforehand: `units`, name -> unit (see `observed_units`). One that sums over
    all particles says `can_share = False`, and is not spread over devices. One that moves a parameter of the model has
    `present(model, state)`, the model as it is then: energies and records are taken of that.
    """

    dt: Array

    def check(self, model: Any) -> None: ...

    def step(self, model: Any, state: State, neighbours: Any, drive: Any) -> tuple[State, Info]: ...


def observed_units(dynamics) -> dict[str, str]:
    """Name -> unit of what the dynamics observe in each step besides work and heat."""
    return dict(getattr(dynamics, "units", {}))


def present_model(model, dynamics, state: State):
    """The model as it is now: there are dynamics that move a parameter of it, and say so by `present`."""
    present = getattr(dynamics, "present", None)
    return model if present is None else present(model, state)


def inverse_mass(model) -> Array:
    """1/m of each particle, (N,); zero for a species that does not move, which then needs no special care."""
    rates = [
        jnp.where(moves, 1.0 / model.mass[kind], jnp.zeros_like(model.mass[kind]))
        for kind, moves in enumerate(model.mobile)
    ]
    return per_particle(model, jnp.stack(rates))


def per_particle(model, values: Array) -> Array:
    """Spread one value a species, (S,), over the particles, (N,): species are stored one after another."""
    if len(model.counts) == 1:
        return jnp.broadcast_to(values[0], (model.counts[0],))
    return jnp.concatenate([jnp.broadcast_to(values[s], (n,)) for s, n in enumerate(model.counts)])


def kick(model, state: State, drive, clock: Clock, h: Array, neighbours, rate: Array) -> tuple[Vector, Array]:
    """v + (h/m)(F + F_drive(t)), and the work of the drive, sum F_drive . (v + v')/2 h, exact for this map."""
    pull = model.drive_force(state.displacement, neighbours, drive(clock)) if drive is not None else None
    velocity, work = [], jnp.zeros((), h.dtype)
    for axis, (v, f) in enumerate(zip(state.velocity, state.force, strict=True)):
        push = None if pull is None else pull[axis]
        new = v + (h * rate) * (f if push is None else f + push)
        if push is not None:
            work = work + jnp.sum(push * (v + new)) * (h / 2)
        velocity.append(new)
    return tuple(velocity), work


def drift(state: State, velocity: Vector, h: Array) -> Vector:
    """u + h v."""
    return tuple(u + h * v for u, v in zip(state.displacement, velocity, strict=True))
