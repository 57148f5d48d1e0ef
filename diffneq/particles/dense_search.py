"""Neighbours in a crowded system: all pairs of particles of neighbouring cells at once, in plain broadcast arithmetic.

Particles are sorted by cell. For each cell, each of the cells around it, and each particle of the cell, one bit says
which particle there is near enough; the bits are then taken off one by one into the rows. Both the rows and the
particles that they name are counted in that order, which keeps neighbours near one another in memory.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from diffneq.particles import share
from diffneq.particles.bits import WORD, first_bits, lowest, single, take, take_lowest
from diffneq.particles.cells import around_all, coordinates, flat, offsets, sort_by_cell
from diffneq.particles.space import Torus, Vector, integer_separation


def dense_rows(plan, torus: Torus, anchor: Vector, part: tuple[Array | int, int]):
    """Rows for the particles of one part, in the order of their cells.

    Arguments:
        plan: a `ListPlan` with cells.
        torus: its arrays are scalars or (R,).
        anchor: d integer arrays (R, N).
        part: number of the first particle whose row is wanted, and how many there are (n, static).

    Returns:
        rows (K, R n), numbered by rank within the replica; neighbours found for each row (R n,); order (R, N), the
        particle of each rank within its replica; the rank (R, n) of each row; particles in the fullest cell.
    """
    replicas, size = anchor[0].shape
    count = math.prod(plan.cells)
    order, home, start, inside = sort_by_cell(flat(plan.cells, coordinates(plan.cells, anchor)), count)
    near = around_all(plan.cells, replicas)
    columns = _columns(plan, anchor, order, start)
    torus = jax.tree.map(lambda p: jnp.repeat(p, count)[None] if p.ndim else p, torus)
    words = _masks(plan, torus, columns, near, inside)
    first = jnp.arange(replicas, dtype=jnp.int32)[:, None] * size
    order = order.reshape(replicas, size) - first
    own = _ranks_of(order, part)
    rank = (own + first).reshape(-1)
    home = take(home, rank)
    slot = rank - take(start, home)
    words = _own_words(plan, words, home, slot)
    bases = take(
        start, jnp.concatenate([near.at[:, home].get(mode="promise_in_bounds")] * (words.shape[0] // near.shape[0]))
    )
    rows, found = _rows(plan, words, bases, len(offsets(plan.cells)), rank)
    return rows - jnp.repeat(first[:, 0], part[1])[None], found, order, own, jnp.max(inside)


def _ranks_of(order: Array, part: tuple[Array | int, int]) -> Array:
    """Ranks (R, n) of the particles of a part, in rising order."""
    low, count = part
    size = order.shape[1]
    rank = jnp.broadcast_to(jnp.arange(size, dtype=jnp.int32)[None, :], order.shape)
    if count == size:
        return rank
    return jnp.sort(jnp.where((order >= low) & (order < low + count), rank, size), axis=1)[:, :count]


def _columns(plan, anchor: Vector, order: Array, start: Array) -> Vector:
    """Positions by (place, cell); beyond the last particle of a cell stand those of the next ones."""
    last = order.shape[0] - 1
    ranks = jnp.minimum(start[None, :] + jnp.arange(plan.cell_slots, dtype=jnp.int32)[:, None], last)
    return tuple(take(lax.optimization_barrier(take(x.reshape(-1), order)), ranks) for x in anchor)


def _middles(plan, total: int) -> list[Array | None]:
    """Middle of each cell along each direction; None where there is only one cell."""
    number, out = jnp.arange(total, dtype=jnp.int32), []
    for a, n in enumerate(plan.cells):
        along = (number // math.prod(plan.cells[a + 1 :]) % n).astype(jnp.uint32)
        out.append(along * np.uint32(2**32 // n) + np.uint32(2**31 // n) if n > 1 else None)
    return out


def _masks(plan, torus: Torus, columns: Vector, near: Array, inside: Array) -> Array:
    """Words (parts * offsets, places, cells): bit b of a word says that a place over there is near enough.

    It is place `part * height + b`. Where devices share a system, each looks from its part of the cells.
    """
    ways, total = near.shape
    parts, height = words_of(plan)
    middles = _middles(plan, total)
    width = share.portion(total)

    def window(x: Array) -> Array:
        if width == total or x.shape[-1] == 1:
            return x
        beyond = [(0, 0)] * (x.ndim - 1) + [(0, width * share.devices() - total)]
        return lax.dynamic_slice_in_dim(jnp.pad(x, beyond), share.first(width), width, x.ndim - 1)

    near, torus = window(near), jax.tree.map(lambda p: window(p) if p.ndim else p, torus)
    middles = [None if m is None else window(m[None, :]) for m in middles]

    def seen_from(cells_columns: Vector) -> Vector:
        # Relative to the middle of the cell that looks, floats are exact enough and need no minimum image.
        return lax.optimization_barrier(
            tuple(
                x if m is None else integer_separation(x, m, p)
                for x, m, p in zip(cells_columns, middles, torus.extent, strict=True)
            )
        )

    here = seen_from(tuple(window(x) for x in columns))

    def look(number, words):
        part, way = number // ways, number % ways
        cell = lax.dynamic_index_in_dim(near, way, 0, keepdims=False)
        there = (lax.dynamic_slice_in_dim(x, part * height, height, 0) for x in padded)
        there = seen_from(tuple(take(x.T, cell).T for x in there))
        along = tuple(
            x[:, None] - y[None]
            if x.dtype != jnp.uint32
            else integer_separation(x[:, None], y[None], p[None] if p.ndim else p)
            for x, y, p in zip(there, here, torus.extent, strict=True)
        )
        lean = jax.tree.map(lambda p: p[None] if p.ndim else p, torus)
        squares = sum(x * x for x in lean.sheared(along))
        bits = single(jnp.arange(height, dtype=jnp.int32))[:, None, None]
        word = lax.reduce(jnp.where(squares < plan.edge, bits, np.uint32(0)), np.uint32(0), lax.bitwise_or, (0,))
        word = word & first_bits(take(inside, cell) - part * height)[None, :]
        return lax.dynamic_update_index_in_dim(words, word, number, 0)

    padded = tuple(jnp.pad(x, ((0, parts * height - plan.cell_slots), (0, 0))) for x in columns)
    empty = jnp.zeros((parts * ways, plan.cell_slots, width), jnp.uint32)
    return share.joined(lax.fori_loop(0, parts * ways, look, empty))[:, :, :total]


def words_of(plan) -> tuple[int, int]:
    """How many words hold one bit for each place of a cell, and how many bits each of them uses.

    Reductions over 24 or 32 places become vector code; over 16, or a number in between, they are two to three times
    dearer a pair.
    """
    parts = -(-plan.cell_slots // WORD)
    return parts, max(24, 8 * -(-plan.cell_slots // (8 * parts)))


def _own_words(plan, words: Array, home: Array, slot: Array) -> Array:
    """The words of each particle, (words, R N), without its own bit."""
    count, _, total = words.shape
    kept = jnp.minimum(slot, plan.cell_slots - 1)
    number = jnp.arange(count, dtype=jnp.int32)[:, None]
    mine = take(words.reshape(-1), (number * plan.cell_slots + kept[None]) * total + home[None])
    ways = len(offsets(plan.cells))
    height = words_of(plan)[1]
    me = (number == ways // 2 + ways * (slot // height)[None]) & (slot < plan.cell_slots)[None]
    return lax.optimization_barrier(mine & ~jnp.where(me, single(slot % height)[None], np.uint32(0)))


def _rows(plan, words: Array, bases: Array, ways: int, rank: Array):
    """Take the bits off into rows: a set of the words that are not empty leads from word to word."""
    (count, total), height = words.shape, words_of(plan)[1]
    column = jnp.arange(total, dtype=jnp.int32)
    bases = lax.optimization_barrier(bases + (height * (jnp.arange(count, dtype=jnp.int32) // ways))[:, None])
    found = jnp.sum(lax.population_count(words), axis=0, dtype=jnp.int32)
    ahead = tuple(_occupied(words[low : low + WORD]) for low in range(0, count, WORD))
    flat_words, flat_bases = words.reshape(-1), bases.reshape(-1)

    def write(number, carry):
        word, base, ahead, rows = carry
        which, bit, some, rest = take_lowest(ahead)
        load = (word == 0) & some
        at = (which * WORD + bit) * total + column
        word = jnp.where(load, take(flat_words, at), word)
        base = jnp.where(load, take(flat_bases, at), base)
        ahead = tuple(jnp.where(load, new, old) for new, old in zip(rest, ahead, strict=True))
        partner = jnp.where(word == 0, rank, base + lowest(word))
        return word & (word - 1), base, ahead, lax.dynamic_update_index_in_dim(rows, partner, number, 0)

    start = (jnp.zeros(total, jnp.uint32), column, ahead, jnp.broadcast_to(rank, (plan.slots, total)))
    rows = lax.fori_loop(0, jnp.minimum(plan.slots, jnp.max(found)), write, start)[-1]
    return rows, found


def _occupied(words: Array) -> Array:
    """Which of up to 32 words are not empty, as bits."""
    bits = single(jnp.arange(words.shape[0], dtype=jnp.int32))[:, None]
    return lax.reduce(jnp.where(words != 0, bits, np.uint32(0)), np.uint32(0), lax.bitwise_or, (0,))
