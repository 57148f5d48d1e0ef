"""The right side of the second-moment sum rule: how the potential curves when all carriers are shifted together."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq.dynamics.state import State
from diffneq.particles.neighbours import Neighbours, build_one
from diffneq.particles.space import reanchor
from diffneq.simulation.rollout import list_plan


def shift_curvature(model, species: int = 0) -> Callable[[State], Array]:
    """d^2U/ds^2 for x_j -> x_j + s of all particles j of a species = sum_j d^2U_other/dx_j^2, (R,) [energy/L^2].

    U_other is the potential of these particles in the field of all others: forces among themselves do not feel a
    common shift. Two forward derivatives of the potential energy of the model.

    Arguments: `model` with `counts` and `potential_energy`; `species`, its number. The function returned takes the
    `State` of R replicas. Raises `ValueError` where the neighbour list is too short for a state.

    >>> from diffneq.models import Conductor
    >>> from diffneq import simulate
    >>> model = Conductor.preset("soft", electrons=60)
    >>> run = simulate(model, model.dynamics(), steps=300, keys=jax.random.key(0), progress=False)
    >>> shift_curvature(model)(run.state).shape
    (1,)
    """
    plan = list_plan(model)
    bounds = np.concatenate([[0], np.cumsum(model.counts)])
    index = np.arange(bounds[-1])
    chosen = (index >= bounds[species]) & (index < bounds[species + 1])

    @jax.jit
    @jax.vmap
    def curvature(state: State):
        anchor, rest = reanchor(model.box, state.anchor, state.displacement)
        none = jnp.zeros((), jnp.int32)
        empty = Neighbours(anchor, jnp.zeros((0, 0), jnp.int32), none, none)  # for a model that needs no list
        neighbours = empty if plan is None else build_one(plan, model.box, anchor)
        moving = jnp.asarray(chosen, rest[0].dtype)
        energy = lambda s: model.potential_energy((rest[0] + s * moving, *rest[1:]), neighbours)
        slope = lambda s: jax.jvp(energy, (s,), (jnp.ones_like(s),))[1]
        zero = jnp.zeros((), rest[0].dtype)
        bend = jax.jvp(slope, (zero,), (jnp.ones_like(zero),))[1]
        if plan is None or plan.all_pairs:
            return bend, jnp.zeros((), bool)
        return bend, (neighbours.fill > plan.slots) | (neighbours.cell_fill > plan.cell_slots)

    def checked(state: State) -> Array:
        bend, short = curvature(state)
        if bool(jnp.any(short)):
            raise ValueError("shift_curvature: more neighbours than the list has room for; the state is too dense.")
        return bend

    return checked
