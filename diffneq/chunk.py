"""A stretch of steps as one compiled program: rebuild the lists, take steps, average, report; for all replicas at once.

Nothing here fails: what went wrong is reported in `Report` and dealt with by the loop in `simulate`.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.sharding import PartitionSpec

from diffneq.dynamics.state import State
from diffneq.particles.neighbours import ListPlan, Neighbours, build, replica_axes
from diffneq.particles.space import reanchor

Tree = Any


class Schedule(eqx.Module):
    """How the steps of a chunk are laid out; all static.

    Arguments:
        steps: steps in the chunk, a multiple of the larger of the next two.
        record_every: steps in a record; it and `cadence` divide one another.
        cadence: steps between two builds of the lists.
        record: names of what is taken at the end of a record.
    """

    steps: int = eqx.field(static=True)
    record_every: int = eqx.field(static=True)
    cadence: int = eqx.field(static=True)
    record: tuple[str, ...] = eqx.field(static=True)


class Report(eqx.Module):
    """What happened, one entry a replica.

    Arguments:
        fill, cell_fill: largest row and fullest cell of any list.
        moved: farthest that a particle got from its anchor between two builds [L].
        failed: step after which the state was not finite, or a particle crossed a quarter of the box between two
            builds; 0 where all is well.
        energy: kinetic plus potential energy at the end.
    """

    fill: Array
    cell_fill: Array
    moved: Array
    failed: Array
    energy: Array


class Batch(eqx.Module):
    """The system of all replicas, with the axes along which its leaves are split (None: shared by all)."""

    system: Tree
    axes: Tree = eqx.field(static=True)

    def map(self, function, *arrays):
        """`function(model, dynamics, drive, *arrays)` for every replica."""
        axes = (replica_axes(a) if isinstance(a, Neighbours) else 0 for a in arrays)
        return jax.vmap(function, in_axes=(*self.axes, *axes))(*self.system, *arrays)


def relist(batch: Batch, plan: ListPlan | None, state: State) -> tuple[State, Neighbours]:
    """New anchors and new lists for all replicas."""
    anchor, rest = batch.map(lambda m, _, __, a, u: reanchor(m.box, a, u), state.anchor, state.displacement)
    if plan is None:  # a model that keeps no list; its positions are rebased all the same
        none = jnp.zeros(state.step.shape, jnp.int32)
        neighbours = Neighbours(anchor, jnp.zeros((0, *state.step.shape, 0), jnp.int32), none, none)
    else:
        neighbours = build(plan, batch.system[0].box, anchor)
    state = eqx.tree_at(lambda s: (s.anchor, s.displacement), state, (anchor, rest))
    return state, neighbours


def total_energy(model, state: State, neighbours: Neighbours) -> Array:
    """Kinetic plus potential energy of one replica."""
    start, kinetic = 0, jnp.zeros((), state.velocity[0].dtype)
    for kind, count in enumerate(model.counts):
        squares = sum(jnp.sum(v[start : start + count] ** 2) for v in state.velocity)
        kinetic = kinetic + model.mass[kind] * squares / 2
        start += count
    return kinetic + model.potential_energy(state.displacement, neighbours)


class _Tally(eqx.Module):
    """Sums over the steps of a record, and marks kept since the start of the chunk."""

    sums: dict[str, Array]
    moved: Array
    failed: Array


def _advance(steps: int):
    """Take `steps` steps of one replica."""

    def one_replica(model, dynamics, drive, state, neighbours, tally):
        limit = jnp.min(jnp.stack(model.box.extent)) / 4

        def one_step(carry, _):
            state, tally = carry
            state, info = dynamics.step(model, state, neighbours, drive)
            values = {**model.every_step(state), "work": info.work, "heat": info.heat}
            sums = {name: tally.sums[name] + value for name, value in values.items()}
            moved = jnp.sqrt(jnp.max(sum(u * u for u in state.displacement)))
            lost = ~(moved < limit) & (tally.failed == 0)  # also true for nan
            failed = jnp.where(lost, state.step, tally.failed)
            return (state, _Tally(sums, jnp.maximum(tally.moved, moved), failed)), None

        return lax.scan(one_step, (state, tally), None, length=steps)[0]

    return one_replica


def _start_tally(batch: Batch, state: State, failed: Array) -> _Tally:
    shapes = jax.eval_shape(lambda s: batch.map(lambda m, _, __, x: m.every_step(x), s), state)
    sums = {name: jnp.zeros(shape.shape, shape.dtype) for name, shape in shapes.items()}
    none = jnp.zeros(state.step.shape, state.velocity[0].dtype)
    return _Tally({**sums, "work": none, "heat": none}, none, failed)


def _close_record(batch: Batch, schedule: Schedule, state, neighbours, tally: _Tally):
    """The record that ends here, and a tally with empty sums."""
    record = {
        name: total if name in ("work", "heat") else total / schedule.record_every for name, total in tally.sums.items()
    }
    taken = batch.map(lambda m, _, __, s, n: m.at_record(s, n, schedule.record), state, neighbours)
    empty = jax.tree.map(jnp.zeros_like, tally.sums)
    return {**record, **taken}, eqx.tree_at(lambda t: t.sums, tally, empty)


def _run(batch: Batch, plan: ListPlan | None, schedule: Schedule, state: State, failed: Array):
    per_record, cadence = schedule.record_every, schedule.cadence
    largest = lambda a, b: jax.tree.map(jnp.maximum, a, b)

    def listed(carry):
        state, tally, fills = carry
        state, neighbours = relist(batch, plan, state)
        return state, neighbours, tally, largest(fills, (neighbours.fill, neighbours.cell_fill))

    def long_list(carry, _):  # several records with one list
        state, neighbours, tally, fills = listed(carry)

        def record(inner, _):
            state, tally = batch.map(_advance(per_record), inner[0], neighbours, inner[1])
            taken, tally = _close_record(batch, schedule, state, neighbours, tally)
            return (state, tally), taken

        (state, tally), records = lax.scan(record, (state, tally), None, length=cadence // per_record)
        return (state, tally, fills), records

    def long_record(carry, _):  # several lists in one record
        def stretch(carry, _):
            state, neighbours, tally, fills = listed(carry[:3])
            state, tally = batch.map(_advance(cadence), state, neighbours, tally)
            return (state, tally, fills, neighbours), None

        blank = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(lambda c: listed(c)[1], carry))
        (state, tally, fills, last), _ = lax.scan(stretch, (*carry, blank), None, length=per_record // cadence)
        taken, tally = _close_record(batch, schedule, state, last, tally)
        return (state, tally, fills), taken

    none = jnp.zeros(state.step.shape, jnp.int32)
    carry = (state, _start_tally(batch, state, failed), (none, none))
    body = long_list if cadence >= per_record else long_record
    (state, tally, fills), records = lax.scan(body, carry, None, length=schedule.steps // max(cadence, per_record))
    records = {name: x.reshape(-1, x.shape[-1]) for name, x in records.items()}
    state, neighbours = relist(batch, plan, state)
    energy = batch.map(lambda m, _, __, s, n: total_energy(m, s, n), state, neighbours)
    fills = largest(fills, (neighbours.fill, neighbours.cell_fill))
    return state, records, Report(*fills, tally.moved, tally.failed, energy)


def _prepare(batch: Batch, plan: ListPlan | None, state: State):
    state, neighbours = relist(batch, plan, state)
    force = batch.map(lambda m, _, __, u, n: m.forces(u, n), state.displacement, neighbours)
    state = eqx.tree_at(lambda s: s.force, state, force)
    energy = batch.map(lambda m, _, __, s, n: total_energy(m, s, n), state, neighbours)
    none = jnp.zeros_like(energy)
    return state, {}, Report(neighbours.fill, neighbours.cell_fill, none, none.astype(jnp.uint32), energy)


def _specs(batch: Batch):
    """Replicas over devices: split what has a replica axis, copy the rest."""
    split, whole = PartitionSpec("run"), PartitionSpec()

    def spec(axis, tree):
        if axis is None or axis == 0:
            return jax.tree.map(lambda _: whole if axis is None else split, tree)
        raise ValueError("in_axes must be 0 or None.")

    leaves = lambda axes, tree: jax.tree.map(spec, axes, tree, is_leaf=lambda x: x is None)
    return tuple(leaves(a, t) for a, t in zip(batch.axes, batch.system, strict=True))


def _everywhere(body, batch: Batch, mesh, state: State, *rest):
    """Run `body(batch, state, *rest)` on each device's share of the replicas; no device waits for another."""
    if mesh is None:
        return body(batch, state, *rest)
    split = PartitionSpec("run")
    specs = (_specs(batch), jax.tree.map(lambda _: split, (state, *rest)))
    local = lambda system, arrays: body(Batch(system, batch.axes), *arrays)
    shapes = jax.eval_shape(lambda: body(batch, state, *rest))
    out = (
        jax.tree.map(lambda _: split, shapes[0]),
        jax.tree.map(lambda _: PartitionSpec(None, "run"), shapes[1]),
        jax.tree.map(lambda _: split, shapes[2]),
    )
    run = jax.shard_map(local, mesh=mesh, in_specs=specs, out_specs=out, check_vma=False)
    return run(batch.system, (state, *rest))


@eqx.filter_jit
def prepare(batch: Batch, plan: ListPlan | None, mesh, state: State):
    """Lists, forces and energies of a starting state: `(state, {}, report)`."""
    return _everywhere(lambda b, s: _prepare(b, plan, s), batch, mesh, state)


@eqx.filter_jit
def run_chunk(batch: Batch, plan: ListPlan | None, schedule: Schedule, mesh, state: State, failed: Array):
    """Run the chunk: `(state, records, report)`, records (n_records, R)."""
    return _everywhere(lambda b, s, f: _run(b, plan, schedule, s, f), batch, mesh, state, failed)
