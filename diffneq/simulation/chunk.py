"""A stretch of steps as one compiled program: rebuild the lists, take steps, average, report; for all replicas at once.

Nothing here fails: what went wrong is reported in `Report` and dealt with by the loop in `simulate`.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.sharding import PartitionSpec

from diffneq.dynamics.state import State, observed_units, present_model
from diffneq.particles import share
from diffneq.particles.neighbours import ListPlan, Neighbours, build, replica_axes
from diffneq.particles.space import reanchor
from diffneq.simulation.layout import Schedule

Tree = Any


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


def prepared(batch: Batch) -> Batch:
    """The batch with models that have made what they need once in a chunk: those that have `prepared()`.

    Dynamics that move a parameter of the model would outrun what was made from it, and go without.
    """
    model, dynamics, drive = batch.system
    prepare = getattr(model, "prepared", None)
    if prepare is None or hasattr(dynamics, "present"):
        return batch
    if not jax.tree.leaves(batch.axes[0]):  # all replicas share it
        return Batch((prepare(), dynamics, drive), (None, *batch.axes[1:]))
    every = jax.vmap(lambda one: one.prepared(), in_axes=(batch.axes[0],))(model)
    if jax.tree.structure(every) == jax.tree.structure(model):  # nothing was made: what replicas share stays shared
        return batch
    return Batch((every, dynamics, drive), (0, *batch.axes[1:]))


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
    return share.total(kinetic + model.potential_energy(state.displacement, neighbours))


class _Tally(eqx.Module):
    """Sums over the steps of a record, and marks kept since the start of the chunk."""

    sums: dict[str, Array]
    moved: Array
    failed: Array


def _advance(length: Array):
    """Take `length` steps of one replica."""

    def one_replica(model, dynamics, drive, state, neighbours, tally):
        limit = jnp.min(jnp.stack(model.box.heights)) / 4

        def one_step(_, carry):
            state, tally = carry
            state, info = dynamics.step(model, state, neighbours, drive)
            seen = present_model(model, dynamics, state).every_step(state)
            values = {**seen, **info.observed, "work": info.work, "heat": info.heat}
            sums = {name: tally.sums[name] + value for name, value in values.items()}
            moved = jnp.sqrt(jnp.max(sum(u * u for u in state.displacement)))
            lost = ~(moved < limit) & (tally.failed == 0)  # also true for nan
            failed = jnp.where(lost, state.step, tally.failed)
            return state, _Tally(sums, jnp.maximum(tally.moved, moved), failed)

        return lax.fori_loop(0, length, one_step, (state, tally))

    return one_replica


def _energies(batch: Batch, state: State, neighbours: Neighbours) -> Array:
    return batch.map(lambda m, d, _, s, n: total_energy(present_model(m, d, s), s, n), state, neighbours)


def _start_tally(batch: Batch, state: State, failed: Array) -> _Tally:
    shapes = jax.eval_shape(lambda s: batch.map(lambda m, _, __, x: m.every_step(x), s), state)
    sums = {name: jnp.zeros(shape.shape, shape.dtype) for name, shape in shapes.items()}
    none = jnp.zeros(state.step.shape, state.velocity[0].dtype)
    sums |= dict.fromkeys((*observed_units(batch.system[1]), "work", "heat"), none)
    return _Tally(sums, none, failed)


def _record(batch: Batch, schedule: Schedule, state, neighbours, tally: _Tally):
    """The record that ends here."""
    means = {
        name: total if name in ("work", "heat") else total / schedule.record_every
        for name, total in share.total(tally.sums).items()
    }
    now = lambda m, d, _, s, n: present_model(m, d, s).at_record(s, n, schedule.record)
    taken = batch.map(now, state, neighbours)
    return {**means, **share.total(taken)}


def _blank(function, *arguments):
    """Zeros in the shape of what a function returns."""
    return jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(function, *arguments))


def _run(batch: Batch, plan: ListPlan | None, schedule: Schedule, state: State, failed: Array):
    batch = prepared(batch)
    largest = lambda a, b: jax.tree.map(jnp.maximum, a, b)

    def stretch(carry):
        step, state, neighbours, tally, fills, records = carry
        state, neighbours = lax.cond(
            schedule.list_is_due(step), lambda s, _: relist(batch, plan, s), lambda s, n: (s, n), state, neighbours
        )
        fills = largest(fills, (neighbours.fill, neighbours.cell_fill))
        end = schedule.stretch_end(step)
        state, tally = batch.map(_advance(end - step), state, neighbours, tally)
        close = schedule.ends_record(end)
        record = lambda s, n, t: _record(batch, schedule, s, n, t)
        taken = lax.cond(close, record, lambda *a: _blank(record, *a), state, neighbours, tally)
        # What no record ends with is written into the last row, which nobody reads.
        row = jnp.where(close, end // schedule.record_every - 1, schedule.rows)
        records = jax.tree.map(lambda all, one: lax.dynamic_update_index_in_dim(all, one, row, 0), records, taken)
        sums = jax.tree.map(lambda x: jnp.where(close, jnp.zeros_like(x), x), tally.sums)
        return end, state, neighbours, eqx.tree_at(lambda t: t.sums, tally, sums), fills, records

    none = jnp.zeros(state.step.shape, jnp.int32)
    before = _blank(lambda s: relist(batch, plan, s)[1], state)
    tally = _start_tally(batch, state, failed)
    one = _blank(lambda s, n, t: _record(batch, schedule, s, n, t), state, before, tally)
    records = jax.tree.map(lambda x: jnp.zeros((schedule.rows + 1, *x.shape), x.dtype), one)
    carry = (jnp.int32(0), state, before, tally, (none, none), records)
    _, state, _, tally, fills, records = lax.while_loop(lambda carry: carry[0] < schedule.steps, stretch, carry)
    # The state itself keeps its anchors: they move once, where the next list is due, whatever the chunks are.
    listed, neighbours = relist(batch, plan, state)
    energy = _energies(batch, listed, neighbours)
    fills = largest(fills, (neighbours.fill, neighbours.cell_fill))
    return state, records, Report(*fills, share.largest(tally.moved), share.earliest(tally.failed), energy)


def _prepare(batch: Batch, plan: ListPlan | None, state: State):
    batch = prepared(batch)
    state, neighbours = relist(batch, plan, state)
    first = lambda m, d, _, s, n: present_model(m, d, s).forces(s.displacement, n)
    force = batch.map(first, state, neighbours)
    state = eqx.tree_at(lambda s: s.force, state, force)
    energy = _energies(batch, state, neighbours)
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


def _everywhere(body, batch: Batch, mesh, split_arrays: tuple, shared=()):
    """Run `body(batch, *split_arrays, *shared)` on each device's share of the replicas; no device waits for another."""
    if mesh is None:
        return body(batch, *split_arrays, *shared)
    if mesh.axis_names == (share.AXIS,):
        return _by_particles(body, batch, mesh, split_arrays, shared)
    split = PartitionSpec("run")
    specs = (
        _specs(batch),
        jax.tree.map(lambda _: split, split_arrays),
        jax.tree.map(lambda _: PartitionSpec(), shared),
    )
    local = lambda system, arrays, shared: body(Batch(system, batch.axes), *arrays, *shared)
    shapes = jax.eval_shape(lambda: body(batch, *split_arrays, *shared))
    out = (
        jax.tree.map(lambda _: split, shapes[0]),
        jax.tree.map(lambda _: PartitionSpec(None, "run"), shapes[1]),
        jax.tree.map(lambda _: split, shapes[2]),
    )
    run = jax.shard_map(local, mesh=mesh, in_specs=specs, out_specs=out, check_vma=False)
    return run(batch.system, split_arrays, shared)


def _by_particles(body, batch: Batch, mesh, split_arrays: tuple, shared):
    """The same where each device holds a part of the particles of every replica."""
    model, *others = batch.system
    part, same = PartitionSpec(None, share.AXIS), PartitionSpec()
    vector = (part,) * model.box.dimension
    state = State(vector, vector, vector, vector, same, same)
    arrays = tuple(state if isinstance(x, State) else same for x in split_arrays)

    def local(system, arrays, shared):
        with share.split_over():
            return body(Batch((system[0].share(mesh.size), *system[1:]), batch.axes), *arrays, *shared)

    run = jax.shard_map(local, mesh=mesh, in_specs=(same, arrays, same), out_specs=(state, same, same), check_vma=False)
    return run((model, *others), split_arrays, shared)


@eqx.filter_jit
def prepare(batch: Batch, plan: ListPlan | None, mesh, state: State):
    """Lists, forces and energies of a starting state: `(state, {}, report)`."""
    return _everywhere(lambda b, s: _prepare(b, plan, s), batch, mesh, (state,))


def run_chunk(batch: Batch, plan: ListPlan | None, schedule: Schedule, mesh, state: State, failed: Array):
    """Run the chunk: `(state, records, report)`, records (n_records, R)."""
    state, records, report = _compiled(batch, plan, schedule, mesh, state, failed)
    return state, {name: np.asarray(x)[: schedule.records] for name, x in records.items()}, report


@eqx.filter_jit
def _compiled(batch: Batch, plan: ListPlan | None, schedule: Schedule, mesh, state: State, failed: Array):
    body = lambda b, s, f, beat: _run(b, plan, beat, s, f)
    return _everywhere(body, batch, mesh, (state, failed), (schedule,))
