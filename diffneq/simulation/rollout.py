"""A short run as one pure function of its parameters, for `jax.grad` and `jax.jvp`.

    state, records = rollout(model, dynamics, drive, start=(positions, velocities), key=key, steps=100)

It takes the same steps as `simulate`, and every float leaf of model, dynamics and drive can be differentiated.
Trajectories of many particles are chaotic: derivatives grow as exp(lambda t) and are of use over a few collision
times only.
"""

from __future__ import annotations

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array, lax

from diffneq.dynamics.state import State
from diffneq.particles.neighbours import ALL_PAIRS, ListPlan, Neighbours, build_one
from diffneq.particles.space import reanchor, to_anchor
from diffneq.simulation.recovery import Lists


def list_plan(model, skin: float | None = None) -> ListPlan | None:
    """The shape of the neighbour lists of a model; None for a model that needs no list.

    Arguments: `skin`, width beyond the cutoff [L]; default chosen from the density.
    """
    if _needs_no_list(model):
        return None
    size = sum(model.counts)
    if size <= ALL_PAIRS:  # all pairs, whatever the numbers are
        return ListPlan(size, float("inf"), float("inf"), max(1, size - 1), (), 0)
    if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(model)):
        raise ValueError(
            "The shape of the lists must be known before tracing: make it with plan = list_plan(model) outside "
            "of jax.grad or jax.jit, then call rollout(..., plan=plan)."
        )
    return Lists.choose(model, skin).plan


def _needs_no_list(model) -> bool:
    try:
        return getattr(model, "cutoff", None) is None
    except jax.errors.ConcretizationTypeError:  # a range that is being differentiated is a range
        return False


def initial_state(model, positions, velocities, key: Array) -> State:
    """The state of one replica from positions and velocities (N, d) [L], [L/t]; forces are still zero.

    Differentiable in positions, velocities and box lengths.
    """
    positions, velocities = jnp.asarray(positions), jnp.asarray(velocities)
    shape = (sum(model.counts), model.box.dimension)
    if positions.shape != shape or velocities.shape != shape:
        raise ValueError(
            f"start: positions and velocities must have shape {shape}, got {positions.shape}, {velocities.shape}."
        )
    anchor, rest = to_anchor(model.box, tuple(positions[:, a] for a in range(shape[1])))
    velocity = tuple(velocities[:, a] for a in range(shape[1]))
    words = jax.random.key_data(jax.random.fold_in(key, 1)).reshape(-1)[:2]
    return State(rest, velocity, tuple(jnp.zeros_like(v) for v in velocity), anchor, jnp.uint32(0), words)


def rollout(
    model: Any,
    dynamics: Any,
    drive: Any = None,
    *,
    start: Any,
    key: Array,
    steps: int,
    rebuild_every: int = 10,
    plan: ListPlan | str | None = "auto",
) -> tuple[State, dict[str, Array]]:
    """Take `steps` steps of one replica: the last state, and what `every_step` of the model, work, heat and so on were.

    Reverse differentiation keeps of n steps about 2 sqrt(n) states: those at the ends of long stretches and, one
    stretch after another, those of its steps; the run is computed twice more. Forward differentiation keeps none.

    Arguments:
        model, dynamics, drive: as in `simulate`, one replica.
        start: `(positions, velocities)`, arrays (N, d), or a `State` of one replica.
        key: typed key of the noise; a `State` brings its own.
        steps: number of steps.
        rebuild_every: steps between two builds of the lists.
        plan: `list_plan(model)`, to be made outside where `model` is traced.

    Returns:
        `(state, records)`, records name -> (steps,), one entry a step.

    Raises:
        ValueError: for shapes that do not fit; at run time `RuntimeError` where a list was too short or somebody moved
        more than half the skin between two builds.

    >>> import diffneq, jax
    >>> from diffneq.simulation.rollout import rollout
    >>> model = diffneq.models.Fluid(diffneq.particles.pair_laws.Hertzian(40.0, 1.0), (8.0, 8.0), (20,), charge=1.0)
    >>> positions, velocities = (jax.numpy.stack(x, 1) for x in model.initial(jax.random.key(0), 1.0))
    >>> def current(field):
    ...     drive = diffneq.drives.Constant(field)
    ...     _, records = rollout(model, diffneq.dynamics.Verlet(0.01), drive, start=(positions, velocities),
    ...                          key=jax.random.key(1), steps=10)
    ...     return records["current"][-1]
    >>> round(float(jax.grad(current)(0.0)), 4)  # all charges fall freely together: N t
    2.0
    """
    shape = list_plan(model) if isinstance(plan, str) else plan
    state = start if isinstance(start, State) else initial_state(model, *start, key)
    state, neighbours = _relist(model, shape, state)
    state = eqx.tree_at(lambda s: s.force, state, model.forces(state.displacement, neighbours))

    def stretch(state: State, length: int):
        state, neighbours = _relist(model, shape, state)

        @jax.checkpoint
        def step(state):
            state, info = dynamics.step(model, state, neighbours, drive)
            return state, {**model.every_step(state), **info.observed, "work": info.work, "heat": info.heat}

        def one(carry, _):
            state, records = step(carry[0])
            moved = lax.stop_gradient(sum(u * u for u in state.displacement))
            return (state, jnp.maximum(carry[1], jnp.max(moved))), records

        nothing = jnp.zeros((), state.velocity[0].dtype)
        (state, moved), records = lax.scan(one, (state, nothing), None, length=length)
        return state, (records, _invalid(model, shape, neighbours, jnp.sqrt(moved)))

    state, records, invalid = _stretches(stretch, state, int(steps), int(rebuild_every))
    sentence = (
        "rollout: a neighbour list was too short, or somebody moved too far between two builds (half the skin, or "
        "a quarter of the box); use a smaller rebuild_every, or plan=list_plan(model, skin) with a larger skin."
    )
    return eqx.error_if((state, records), jnp.any(invalid), sentence)


def _stretches(stretch, state: State, steps: int, length: int):
    """All steps by stretches of `length`, in about sqrt(steps) groups: the reverse mode keeps the ends of these."""
    whole, rest = divmod(steps, length)
    size = max(1, round(math.sqrt(steps) / length))
    many, few = divmod(whole, size)
    parts = []

    def group(count: int):
        return eqx.filter_checkpoint(lambda s: lax.scan(lambda s, _: stretch(s, length), s, None, length=count))

    if many:
        state, part = lax.scan(lambda s, _: group(size)(s), state, None, length=many)
        parts.append(jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), part))
    if few:
        state, part = group(few)(state)
        parts.append(part)
    parts = [({name: x.reshape(-1) for name, x in records.items()}, invalid) for records, invalid in parts]
    if rest:
        state, (records, invalid) = eqx.filter_checkpoint(lambda s: stretch(s, rest))(state)
        parts.append((records, invalid[None]))
    records = {name: jnp.concatenate([part[0][name] for part in parts]) for name in parts[0][0]}
    return state, records, jnp.concatenate([part[1] for part in parts])


def _relist(model, plan: ListPlan | None, state: State) -> tuple[State, Neighbours]:
    anchor, rest = reanchor(model.box, state.anchor, state.displacement)
    if plan is None:
        none = jnp.zeros((), jnp.int32)
        neighbours = Neighbours(anchor, jnp.zeros((0, 0), jnp.int32), none, none)
    else:
        neighbours = build_one(plan, lax.stop_gradient(model.box), anchor)
    return eqx.tree_at(lambda s: (s.anchor, s.displacement), state, (anchor, rest)), neighbours


def _invalid(model, plan: ListPlan | None, neighbours: Neighbours, moved: Array) -> Array:
    quarter = jnp.min(jnp.stack(lax.stop_gradient(model.box).heights)) / 4
    if plan is None or plan.all_pairs:
        return ~(moved < quarter)
    full = (neighbours.fill > plan.slots) | (neighbours.cell_fill > plan.cell_slots)
    return full | ~(moved < plan.skin / 2)
