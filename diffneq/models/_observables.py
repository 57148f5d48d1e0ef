"""What models of point particles have in common: species, coupling to a field, current, kinetic energy."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq._parameters import check_finite, check_positive, float_leaf
from diffneq.dynamics.state import per_particle
from diffneq.particles.space import Vector

UNITS = {
    "current": "e L/t",
    "kinetic_energy": "k_B T",
    "potential_energy": "k_B T",
    "work": "k_B T",
    "heat": "k_B T",
}


def check_counts(owner: str, counts) -> tuple[int, ...]:
    """The numbers of particles, one a species."""
    if not hasattr(counts, "__len__") or not counts or any(int(n) != n or n < 1 for n in counts):
        raise ValueError(
            f"{owner}: counts is a tuple with the number of particles of each species, (200,) for one; got {counts}."
        )
    return tuple(int(n) for n in counts)


def species_leaf(owner: str, name: str, value, species: int, positive: bool = False) -> Array:
    """One number for each species, (S,), from one for each or one for all."""
    leaf = float_leaf(value)
    if leaf.shape not in ((), (species,)):
        raise ValueError(
            f"{owner}: {name} is one number, or one for each of the {species} species; got shape {leaf.shape}."
        )
    check_finite(owner, **{name: leaf})
    if positive:
        check_positive(owner, **{name: leaf})
    return jnp.broadcast_to(leaf, (species,))


def kinds(counts: tuple[int, ...]) -> np.ndarray:
    """Species of each particle, (N,)."""
    return np.repeat(np.arange(len(counts), dtype=np.int32), counts)


def push(model, field: Array, dimension: int) -> tuple:
    """q E on each particle along the first axis; None along the others."""
    return (per_particle(model, model.charge) * field,) + (None,) * (dimension - 1)


def current(model, velocity: Vector) -> Array:
    """J = sum q v_x."""
    total, start = jnp.zeros((), model.charge.dtype), 0
    for kind, count in enumerate(model.counts):
        total = total + model.charge[kind] * jnp.sum(velocity[0][start : start + count])
        start += count
    return total


def kinetic_energy(model, velocity: Vector) -> Array:
    """sum m v^2 / 2."""
    mass = per_particle(model, model.mass)
    return jnp.sum(mass * sum(v * v for v in velocity)) / 2


def at_record(model, state, neighbours, wanted: tuple[str, ...]) -> dict[str, Array]:
    """Those of the kinetic and the potential energy that are wanted."""
    out = {}
    if "kinetic_energy" in wanted:
        out["kinetic_energy"] = kinetic_energy(model, state.velocity)
    if "potential_energy" in wanted:
        out["potential_energy"] = model.potential_energy(state.displacement, neighbours)
    return out
