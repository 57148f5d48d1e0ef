"""Neighbour lists of fixed width: every pair nearer than cutoff + skin, both ways, one row of K slots a particle.

The list is built on a fixed cadence for all replicas at once and stays valid while nobody has moved more than half
the skin. Each build reports the largest row and the fullest cell it met, so that a list that overflowed is noticed
and rebuilt with more room; nothing is ever dropped in silence.
"""

from __future__ import annotations

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from diffneq.particles.space import Box, Vector, integer_separation

# Below this size the list of all pairs is cheaper than any search.
ALL_PAIRS = 150


class ListPlan(eqx.Module):
    """Static shape of a neighbour list: what has to be known to compile it.

    Arguments:
        size: particles N.
        radius: search radius, cutoff + skin [L].
        skin: how much wider than the cutoff the list is [L]; infinite where all pairs are listed.
        slots: row width K.
        cells: cells along each direction, empty where no cells are used.
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


class Neighbours(eqx.Module):
    """A built list: integer positions at the build, rows, and the fill that the build met.

    Arguments:
        anchor: d integer arrays (N,), see `space`.
        index: (K, N) neighbours; an empty slot holds the particle itself.
        fill: largest number of neighbours of any particle (may exceed K: overflow).
        cell_fill: largest number of particles in a cell (may exceed the plan: overflow).
    """

    anchor: Vector
    index: Array
    fill: Array
    cell_fill: Array


def plan_list(box: Box, size: int, cutoff: float, skin: float, slots: int | None = None, cell_slots: int | None = None):
    """Choose cells and first guesses of the capacities from the mean density.

    Raises:
        ValueError: where the box is too small for one image of each pair.
    """
    extent = np.array([float(np.max(p)) for p in box.extent])
    radius = cutoff + skin
    if np.any(extent < 2 * cutoff):
        raise ValueError(f"The box {extent} is shorter than twice the cutoff {cutoff:g}; use a larger box.")
    if size <= ALL_PAIRS:
        return ListPlan(size, float(radius), float("inf"), size - 1 if size > 1 else 1, (), 0)
    if np.any(extent < 2 * radius):
        raise ValueError(f"The box {extent} is shorter than twice cutoff + skin = {radius:g}; use a smaller skin.")
    cells = np.floor(extent / radius).astype(int)
    # Key = cell * N + particle must fit 32 bits; no more cells than about two a particle are of use.
    most = min(2**31 // size, 4 * size)
    while np.prod(cells) > most:
        cells = np.maximum(cells * 0.9, 3).astype(int)
    density = size / np.prod(extent)
    ball = {1: 2.0, 2: np.pi, 3: 4 * np.pi / 3}[len(extent)] * radius ** len(extent)
    if np.any(cells < 3):
        cells, in_cell = (), 0
    else:
        cells, in_cell = tuple(int(c) for c in cells), density * float(np.prod(extent / cells))
    guess = slots or _room(density * ball)
    return ListPlan(size, float(radius), float(skin), min(_blocks(guess), _blocks(size)), cells, cell_slots or _room(in_cell))


def _room(mean: float) -> int:
    """A first guess of the largest of many Poisson-like counts; the first build corrects it."""
    return int(np.ceil(mean + 2.5 * np.sqrt(mean) + 3))


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
    """Lists of all replicas: `anchor` d integer arrays (R, N); every array of the result has a leading axis R."""
    replicas, size = anchor[0].shape
    none = jnp.zeros(replicas, jnp.int32)
    if plan.all_pairs:
        row = (jnp.arange(size)[None, :] + jnp.arange(1, plan.slots + 1)[:, None]) % size
        index = jnp.broadcast_to(row.astype(jnp.int32), (replicas, plan.slots, size))
        return Neighbours(anchor, index, none + plan.slots, none)
    period = tuple(p.reshape((-1, 1)) if p.ndim else p for p in box.extent)
    if not plan.cells:
        index, fill = _search_everyone(plan, period, anchor)
        return Neighbours(anchor, index, fill, none)
    table, cell, cell_fill = _cell_table(plan, anchor)
    index, fill = _search_cells(plan, period, anchor, table, cell)
    return Neighbours(anchor, index, fill, cell_fill)


def _cell_of(plan: ListPlan, anchor: Vector) -> Vector:
    """Cell coordinates from the top 16 bits of the integer position."""
    return tuple(
        (((x >> 16) * np.uint32(n)) >> 16).astype(jnp.int32) for x, n in zip(anchor, plan.cells, strict=True)
    )


def _flat_cell(plan: ListPlan, coordinates) -> Array:
    flat = coordinates[0]
    for n, c in zip(plan.cells[1:], coordinates[1:], strict=True):
        flat = flat * n + c
    return flat


def _cell_table(plan: ListPlan, anchor: Vector):
    """Particles by cell, (R, cell_slots, cells), an empty place holds -1; and each particle's cell coordinates."""
    replicas, size = anchor[0].shape
    count = int(np.prod(plan.cells))
    coordinates = _cell_of(plan, anchor)
    keys = _flat_cell(plan, coordinates).astype(jnp.uint32) * np.uint32(size)
    # One packed key sorts six times faster than a key with its argument.
    keys = jnp.sort(keys + jnp.arange(size, dtype=jnp.uint32)[None, :], axis=-1)
    cell = (keys // np.uint32(size)).astype(jnp.int32)
    particle = (keys % np.uint32(size)).astype(jnp.int32)
    rank = jnp.broadcast_to(jnp.arange(size, dtype=jnp.int32)[None, :], (replicas, size))
    first = jnp.concatenate([jnp.ones((replicas, 1), bool), cell[:, 1:] != cell[:, :-1]], axis=1)
    place = rank - lax.cummax(jnp.where(first, rank, 0), axis=1)
    home = jnp.arange(replicas, dtype=jnp.int32)[:, None] * (plan.cell_slots * count) + place * count + cell
    home = jnp.where(place < plan.cell_slots, home, replicas * plan.cell_slots * count)
    table = jnp.full(replicas * plan.cell_slots * count, -1, jnp.int32)
    table = table.at[home.reshape(-1)].set(particle.reshape(-1), mode="drop", unique_indices=True)
    return table.reshape(replicas, plan.cell_slots, count), coordinates, jnp.max(place, axis=1) + 1


def _empty_rows(plan: ListPlan, replicas: int, size: int):
    """Rows that hold the particle itself, flat (K, R, N), the counts, and each particle's place in a row."""
    own = jnp.broadcast_to(jnp.arange(size, dtype=jnp.int32)[None, :], (replicas, size))
    rows = jnp.broadcast_to(own[None], (plan.slots, replicas, size)).reshape(-1)
    place = jnp.arange(replicas * size, dtype=jnp.int32).reshape(replicas, size)
    return own, rows, jnp.zeros((replicas, size), jnp.int32), place


def _append(plan: ListPlan, rows: Array, count: Array, place: Array, near: Array, partner: Array):
    """Write `partner` into the next free slot of each row where `near`."""
    total = place.size
    home = jnp.where(near & (count < plan.slots), count * total + place, plan.slots * total)
    rows = rows.at[home.reshape(-1)].set(partner.reshape(-1), mode="drop", unique_indices=True)
    return rows, count + near.astype(jnp.int32)


def _near(plan: ListPlan, period: Vector, here: Vector, there: Vector) -> Array:
    s = sum(integer_separation(a, b, p) ** 2 for a, b, p in zip(here, there, period, strict=True))
    return s < plan.radius**2


def _finish(rows: Array, count: Array, replicas: int, size: int):
    index = rows.reshape(-1, replicas, size).transpose(1, 0, 2)
    return index, jnp.max(count, axis=1)


def _search_cells(plan: ListPlan, period: Vector, anchor: Vector, table: Array, cell: Vector):
    """Look through the 3^d cells around each particle, one place of one cell at a time, all particles together."""
    replicas, size = anchor[0].shape
    own, rows, count, place = _empty_rows(plan, replicas, size)
    offsets = np.array(list(itertools.product((-1, 0, 1), repeat=len(plan.cells))), np.int32)
    cells = table.shape[-1]
    flat_table = table.reshape(-1)
    flat_anchor = tuple(x.reshape(-1) for x in anchor)
    replica = jnp.arange(replicas, dtype=jnp.int32)[:, None]

    def look(number, carry):
        rows, count = carry
        offset = jnp.asarray(offsets)[number // plan.cell_slots]
        around = [(c + offset[a]) % n for a, (c, n) in enumerate(zip(cell, plan.cells, strict=True))]
        slot = replica * plan.cell_slots + number % plan.cell_slots
        partner = flat_table.at[slot * cells + _flat_cell(plan, around)].get(mode="promise_in_bounds")
        real = (partner >= 0) & (partner != own)
        partner = jnp.where(real, partner, own)
        there = tuple(x.at[partner + replica * size].get(mode="promise_in_bounds") for x in flat_anchor)
        return _append(plan, rows, count, place, real & _near(plan, period, anchor, there), partner)

    rows, count = lax.fori_loop(0, len(offsets) * plan.cell_slots, look, (rows, count))
    return _finish(rows, count, replicas, size)


def _search_everyone(plan: ListPlan, period: Vector, anchor: Vector):
    """Boxes of fewer than three cells a side: look at every other particle."""
    replicas, size = anchor[0].shape
    own, rows, count, place = _empty_rows(plan, replicas, size)

    def look(number, carry):
        rows, count = carry
        partner = (own + number) % size
        there = tuple(jnp.roll(x, -number, axis=1) for x in anchor)
        return _append(plan, rows, count, place, _near(plan, period, anchor, there), partner)

    rows, count = lax.fori_loop(1, size, look, (rows, count))
    return _finish(rows, count, replicas, size)


def build_one(plan: ListPlan, box: Box, anchor: Vector) -> Neighbours:
    """The list of a single replica: `anchor` d integer arrays (N,)."""
    single = build(plan, box, tuple(x[None] for x in anchor))
    return jax.tree.map(lambda x: x[0], single)
