"""Neighbours in a thin system, a few particles a cell: each particle looks at every place of the cells around it.

Who is near enough becomes a bit of a word, and the bits are then taken off one by one into the row.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from diffneq.particles.bits import WORD, single, take, take_lowest
from diffneq.particles.cells import around, coordinates, fill_table, flat, offsets
from diffneq.particles.space import Torus, Vector, integer_separation


def sparse_rows(plan, torus: Torus, anchor: Vector, mine: Array):
    """Rows for the particles `mine`.

    Arguments:
        plan: a `ListPlan` with cells, at least five of them along some direction.
        torus: its arrays are scalars or (R,).
        anchor: d integer arrays (R, N).
        mine: (R, n) particles of each replica whose rows are wanted.

    Returns:
        rows (K, R n) of particles numbered within the replica, neighbours found for each (R n,), fullest cell.
    """
    replicas, size = anchor[0].shape
    cells, count = plan.cells, math.prod(plan.cells)
    place = coordinates(cells, anchor)
    replica = jnp.arange(replicas, dtype=jnp.int32)[:, None]
    home = (flat(cells, place) + replica * count).reshape(-1)
    table, slot, fullest = fill_table(home, replicas * count, plan.cell_slots)
    tables = _position_tables(plan, anchor, home, slot)
    own = (mine + replica * size).reshape(-1)
    first = jnp.broadcast_to(replica * count, mine.shape).reshape(-1)
    near = lax.optimization_barrier(around(cells, tuple(take(c.reshape(-1), own) for c in place), first))
    torus = jax.tree.map(lambda p: jnp.repeat(p, mine.shape[1]) if p.ndim else p, torus)
    here = tuple(take(x.reshape(-1), own) for x in anchor)
    words = _masks(plan, torus, tables, here, near, fullest, take(slot, own))
    numbers = jnp.broadcast_to(mine, mine.shape).reshape(-1)
    rows, found = _rows(plan, table, near, words, numbers, jnp.broadcast_to(replica * size, mine.shape).reshape(-1))
    return rows, found, fullest


def _position_tables(plan, anchor: Vector, home: Array, slot: Array) -> Vector:
    """Positions by (place, cell); an empty place lies half the box away along the direction of most cells."""
    total = anchor[0].shape[0] * math.prod(plan.cells)
    kept = jnp.where(slot < plan.cell_slots, home + slot * total, plan.cell_slots * total)
    longest = int(np.argmax(plan.cells))
    number, out = jnp.arange(total, dtype=jnp.int32), []
    for a, x in enumerate(anchor):
        if a == longest:
            along = number // math.prod(plan.cells[a + 1 :]) % plan.cells[a]
            middle = np.uint32(2**31 // plan.cells[a])
            empty = along.astype(jnp.uint32) * np.uint32(2**32 // plan.cells[a]) + middle + np.uint32(2**31)
        else:
            empty = jnp.zeros(total, jnp.uint32)
        empty = jnp.broadcast_to(empty, (plan.cell_slots, total)).reshape(-1)
        out.append(empty.at[kept].set(x.reshape(-1), mode="drop", unique_indices=True))
    return tuple(out)


def _masks(plan, torus: Torus, tables: Vector, here: Vector, near: Array, fullest: Array, slot: Array):
    """Words whose bit (place * offsets + offset) says that somebody there is near enough; oneself is not."""
    ways, total = near.shape[0], tables[0].shape[0] // plan.cell_slots
    places = WORD // ways
    words = []
    for low in range(0, plan.cell_slots, places):

        def look(number, word, low=low):
            cell = lax.dynamic_index_in_dim(near, number % ways, 0, keepdims=False)
            there = cell + (low + number // ways) * total
            along = (
                integer_separation(take(x, there), y, p) for x, y, p in zip(tables, here, torus.extent, strict=True)
            )
            square = sum(x * x for x in torus.sheared(tuple(along)))
            return word | jnp.where(square < plan.edge, single(number), np.uint32(0))

        used = jnp.clip(fullest - low, 0, min(places, plan.cell_slots - low))
        word = lax.fori_loop(0, used * ways, look, jnp.zeros(slot.shape, jnp.uint32))
        oneself = single((slot - low) * ways + len(offsets(plan.cells)) // 2)
        words.append(word & ~jnp.where((slot >= low) & (slot < low + places), oneself, np.uint32(0)))
    return tuple(words)


def _rows(plan, table: Array, near: Array, words, own: Array, first: Array):
    """Take the bits off into rows (K, n); what does not fit is only counted."""
    ways, total = near.shape[0], (table.shape[0] - 1) // plan.cell_slots
    places = WORD // ways
    column = jnp.arange(own.shape[0], dtype=jnp.int32)
    cells = near.reshape(-1)
    found = sum(lax.population_count(w).astype(jnp.int32) for w in words)

    def write(number, carry):
        words, rows = carry
        which, bit, some, words = take_lowest(words)
        place = bit // ways
        cell = take(cells, (bit - place * ways) * own.shape[0] + column)
        partner = take(table, cell + (place + which * places) * total)
        partner = jnp.where(some, partner - first, own)
        return words, lax.dynamic_update_index_in_dim(rows, partner, number, 0)

    rows = jnp.broadcast_to(own, (plan.slots, own.shape[0]))
    _, rows = lax.fori_loop(0, jnp.minimum(plan.slots, jnp.max(found)), write, (words, rows))
    return rows, found
