"""Neighbour lists of fixed width: every pair nearer than cutoff + skin, both ways, one row of K slots a particle.

The list is built on a fixed cadence for all replicas at once and stays valid while nobody has moved more than half
the skin. Each build reports the largest row and the fullest cell it met, so that a list that overflowed is noticed
and rebuilt with more room; nothing is ever dropped in silence. How pairs are found: `sparse_search`, `dense_search`.
"""

from __future__ import annotations

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq.particles import share
from diffneq.particles.bits import take
from diffneq.particles.dense_search import dense_rows
from diffneq.particles.space import Box, Vector
from diffneq.particles.sparse_search import sparse_rows

# Below this size the list of all pairs is cheaper than any search, unless rows are far shorter than that.
ALL_PAIRS = 200

# From this many particles a cell on, pairs of cells are quicker than looking around from each particle.
_CROWDED = 5.0

# The search works in single precision: its radius is larger by more than its rounding, so that it misses nobody.
_SLACK = 1e-6


class ListPlan(eqx.Module):
    """Static shape of a neighbour list: what has to be known to compile it.

    Arguments:
        size: particles N.
        radius: search radius, cutoff + skin [L].
        skin: how much wider than the cutoff the list is [L]; infinite where all pairs are listed.
        slots: row width K.
        cells: cells along each direction: at least three, or one; empty where no cells are used.
        cell_slots: particles that a cell can hold.
    """

    size: int = eqx.field(static=True)
    radius: float = eqx.field(static=True)
    skin: float = eqx.field(static=True)
    slots: int = eqx.field(static=True)
    cells: tuple[int, ...] = eqx.field(static=True)
    cell_slots: int = eqx.field(static=True)

    @property
    def all_pairs(self) -> bool:
        return not np.isfinite(self.skin)

    @property
    def crowded(self) -> bool:
        """Whether the search goes by pairs of cells; empty places of the other search need five cells somewhere."""
        return self.size > _CROWDED * math.prod(self.cells) or max(self.cells) < 5

    @property
    def edge(self) -> float:
        """Square of the search radius, rounding included."""
        return (self.radius * (1 + _SLACK)) ** 2


class Neighbours(eqx.Module):
    """A built list: integer positions at the build, rows, and the fill that the build met.

    Arguments:
        anchor: d integer arrays (N,), see `space`.
        index: (K, N) neighbours; an empty slot holds the row's own particle. For all replicas (K, R, N).
        fill: largest number of neighbours of any particle (may exceed K: overflow).
        cell_fill: largest number of particles in a cell (may exceed the plan: overflow).
        order: None, or (N,) the particle of each rank: rows then come by rank, and name their neighbours by rank.
        row: None, or (N,) the row of each particle.
        own: None, or (n,) what each of the rows of one device's part stands for: a rank, or without `order` a particle.
    """

    anchor: Vector
    index: Array
    fill: Array
    cell_fill: Array
    order: Array | None = None
    row: Array | None = None
    own: Array | None = None

    def by_particle(self) -> Array:
        """(K, N) the rows of one replica in terms of particles."""
        if self.order is None or self.row is None:
            return self.index
        return take(self.order, self.index[:, self.row])


def replica_axes(neighbours: Neighbours) -> Neighbours:
    """The axes along which `jax.vmap` finds the replicas of a list of all replicas."""
    axes = jax.tree.map(lambda _: 0, neighbours)
    return eqx.tree_at(lambda n: n.index, axes, 1)


def plan_list(box: Box, size: int, cutoff: float, skin: float, slots: int | None = None, cell_slots: int | None = None):
    """Choose cells and first guesses of the capacities from the mean density.

    Raises:
        ValueError: where the box is too small for one image of each pair.
    """
    heights, volume = spans_of(box)
    radius = cutoff + skin
    check_room(heights, cutoff)
    density = size / volume
    ball = {1: 2.0, 2: np.pi, 3: 4 * np.pi / 3}[len(heights)] * radius ** len(heights)
    guess = slots or _room(density * ball, 2.5)
    if size <= ALL_PAIRS and (3 * guess > size or np.any(heights < 2 * radius)):
        return ListPlan(size, float(radius), float("inf"), size - 1 if size > 1 else 1, (), 0)
    if np.any(heights < 2 * radius):
        raise ValueError(f"The box {heights} is shorter than twice cutoff + skin = {radius:g}; use a smaller skin.")
    cells = np.floor(heights / (radius * (1 + _SLACK))).astype(int)
    # No more than a few cells a particle are of use, and each direction's number must fit 16 bits.
    while np.prod(cells) > 4 * size or np.any(cells >= 2**16):
        cells = np.maximum(cells * 0.9, 1).astype(int)
    cells = np.where(cells < 3, 1, cells)
    plan = ListPlan(size, float(radius), float(skin), min(_blocks(guess), _blocks(size)), tuple(map(int, cells)), 0)
    in_cell = size / float(np.prod(cells))
    # Few large cells fluctuate less than independent counts would; the search takes their places by eights.
    places = min(cell_slots or (8 * -(-_room(in_cell, 1.3) // 8) if plan.crowded else _room(in_cell, 2.0)), size)
    return ListPlan(plan.size, plan.radius, plan.skin, plan.slots, plan.cells, places)


def spans_of(box: Box) -> tuple[np.ndarray, float]:
    """Distances of opposite faces, and the volume; the largest where replicas differ."""
    heights = np.array([float(np.max(np.asarray(h))) for h in box.heights])
    return heights, float(np.prod([float(np.max(np.asarray(p))) for p in box.extent]))


def check_room(heights, cutoff: float) -> None:
    """ValueError where a box of these distances of opposite faces holds more than one image of a pair."""
    heights = np.asarray(heights, float)
    if np.any(heights < 2 * cutoff):
        faces = ", ".join(f"{h:.6g}" for h in heights)
        raise ValueError(
            f"The box is shorter than twice the cutoff {cutoff:g}: its opposite faces are ({faces}) apart; use a "
            "larger box, such as a supercell, or a less oblique one."
        )


def _room(mean: float, deviations: float) -> int:
    """A first guess of the largest of many counts; the first build corrects it."""
    return int(np.ceil(mean + deviations * np.sqrt(mean) + 3))


def _blocks(slots: int) -> int:
    return 4 * -(-slots // 4)


def widen(plan: ListPlan, fill: int, cell_fill: int) -> ListPlan:
    """The plan with room for what a build met, and a little more."""
    slots, cell_slots = plan.slots, plan.cell_slots
    if fill > slots:
        slots = min(_blocks(fill + max(1, fill // 16)), _blocks(plan.size))
    if cell_fill > cell_slots:
        cell_slots = min(cell_fill + 1, plan.size)
    return ListPlan(plan.size, plan.radius, plan.skin, slots, plan.cells, cell_slots)


def build(plan: ListPlan, box: Box, anchor: Vector) -> Neighbours:
    """Lists of all replicas: `anchor` d integer arrays (R, N), or this device's part of them (see `share`).

    Every array of the result has a leading axis R, but for `index`, which is (K, R, N); see `replica_axes`.
    """
    replicas, count = anchor[0].shape
    size = plan.size
    none = jnp.zeros(replicas, jnp.int32)
    if plan.all_pairs:
        row = (jnp.arange(size)[None, :] + jnp.arange(1, plan.slots + 1)[:, None]) % size
        index = jnp.broadcast_to(row.astype(jnp.int32)[:, None, :], (plan.slots, replicas, size))
        return Neighbours(anchor, index, none + plan.slots, none)
    torus = jax.tree.map(lambda p: p.astype(jnp.float32), box.torus)
    first, everyone = share.first(count), share.whole(anchor)
    order = row = None
    if plan.crowded:
        rows, found, order, own, fullest = dense_rows(plan, torus, everyone, (first, count))
        row = _row_of(order, own, first)
    else:
        own = jnp.broadcast_to(jnp.arange(count, dtype=jnp.int32)[None, :] + first, (replicas, count))
        rows, found, fullest = sparse_rows(plan, torus, everyone, own)
    index = rows.reshape(plan.slots, replicas, count)
    fill = share.largest(jnp.max(found.reshape(replicas, count), axis=1))
    return Neighbours(anchor, index, fill, none + fullest, order, row, own if count < size else None)


def _row_of(order: Array, own: Array, first) -> Array:
    """The row (R, n) of each particle first, ..., first + n - 1, where row k is that of rank own[k]."""
    replicas, count = own.shape
    start = jnp.arange(replicas, dtype=jnp.int32)[:, None] * count
    particle = jnp.take_along_axis(order, own, axis=1) - first + start
    number = jnp.broadcast_to(jnp.arange(count, dtype=jnp.int32)[None, :], own.shape)
    flat = jnp.zeros(replicas * count, jnp.int32)
    flat = flat.at[particle.reshape(-1)].set(number.reshape(-1), mode="promise_in_bounds", unique_indices=True)
    return flat.reshape(replicas, count)


def build_one(plan: ListPlan, box: Box, anchor: Vector) -> Neighbours:
    """The list of a single replica: `anchor` d integer arrays (N,)."""
    every = build(plan, box, tuple(x[None] for x in anchor))
    return jax.tree.map(lambda x, axis: jnp.squeeze(x, axis), every, replica_axes(every))
