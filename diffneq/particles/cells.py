"""Cells at least as wide as the search radius: who is in which, and which lie around which.

All replicas share one numbering of particles, r N + i, and one of cells, replica after replica. Along a direction in
which the box holds fewer than three cells there is only one, and every image question is left to integer arithmetic.
"""

from __future__ import annotations

import itertools
import math

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from diffneq.particles.bits import running_sum, take
from diffneq.particles.space import Vector


def offsets(cells: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Steps to the cells around a cell, itself included (in the middle)."""
    return list(itertools.product(*((-1, 0, 1) if n > 1 else (0,) for n in cells)))


def coordinates(cells: tuple[int, ...], anchor: Vector) -> Vector:
    """Cell of each particle along each direction: floor(anchor n / 2^32), exactly."""
    out = []
    for x, n in zip(anchor, cells, strict=True):
        n = np.uint32(n)
        out.append((((x >> 16) * n + ((x & np.uint32(0xFFFF)) * n >> 16)) >> 16).astype(jnp.int32))
    return tuple(out)


def flat(cells: tuple[int, ...], place) -> Array:
    """One number for a cell from its coordinates; the last direction runs fastest."""
    number = place[0]
    for n, c in zip(cells[1:], place[1:], strict=True):
        number = number * n + c
    return number


def around(cells: tuple[int, ...], place: Vector, first: Array) -> Array:
    """Numbers of the cells around given ones, (offsets, ...); `first` is the first cell of each one's replica."""
    sides = [
        {0: c} if n == 1 else {-1: jnp.where(c == 0, n - 1, c - 1), 0: c, 1: jnp.where(c == n - 1, 0, c + 1)}
        for c, n in zip(place, cells, strict=True)
    ]
    return jnp.stack(
        [flat(cells, [s[o] for s, o in zip(sides, offset, strict=True)]) + first for offset in offsets(cells)]
    )


def around_all(cells: tuple[int, ...], replicas: int) -> Array:
    """The same for every cell of every replica, (offsets, replicas * cells)."""
    count = math.prod(cells)
    number = jnp.arange(replicas * count, dtype=jnp.int32)
    first = number // count * count
    place, inside = [], number - first
    for n in reversed(cells):
        place.append(inside % n)
        inside = inside // n
    return around(cells, tuple(reversed(place)), first)


def fill_table(home: Array, cells: int, capacity: int):
    """Places for all particles in a table (capacity, cells), found without sorting; good for a few particles a cell.

    In each round the particle of highest number wins the next place of its cell.

    Returns:
        table, flat and with one more entry that means nobody, empty places hold -1; the place of each particle; the
        number of particles in the fullest cell.
    """
    own = jnp.arange(home.shape[0], dtype=jnp.int32)
    nowhere = capacity * cells

    def go_on(carry):
        round_, _, _, left = carry
        return (round_ < capacity) & jnp.any(left)

    def place_one_each(carry):
        round_, table, slot, left = carry
        there = home + round_ * cells
        table = table.at[jnp.where(left, there, nowhere)].max(own, mode="promise_in_bounds")
        won = left & (take(table, there) == own)
        return round_ + 1, table, jnp.where(won, round_, slot), left & ~won

    empty = jnp.full(nowhere + 1, -1, jnp.int32)
    start = (jnp.int32(0), empty, jnp.zeros_like(own), jnp.ones(own.shape, bool))
    rounds, table, slot, left = lax.while_loop(go_on, place_one_each, start)
    fullest = lax.cond(jnp.any(left), lambda: jnp.max(census(home, cells)), lambda: rounds)
    return table, slot, fullest


def census(home: Array, cells: int) -> Array:
    """Number of particles in each cell."""
    return jnp.zeros(cells, jnp.int32).at[home].add(1, mode="promise_in_bounds")


def sort_by_cell(cell: Array, cells: int):
    """Order the particles of each replica by cell; `cell` (R, N) counts within the replica.

    Returns:
        order: (R N,) particles in order, numbered through; home: their cells; start, count: of each cell.
    """
    replicas, size = cell.shape
    replica = jnp.arange(replicas, dtype=jnp.int32)[:, None]
    inner = _sorted(cell.astype(jnp.uint32), cells)
    home = (jnp.take_along_axis(cell, inner, axis=1, mode="promise_in_bounds") + replica * cells).reshape(-1)
    count = census(home, replicas * cells)
    return (inner + replica * size).reshape(-1), home, running_sum(count) - count, count


def _sorted(cell: Array, cells: int) -> Array:
    """Argument sort of each row of `cell`, ties by index: one packed key sorts six times faster than key and value."""
    size = np.uint32(cell.shape[1])
    number = jnp.arange(size, dtype=jnp.uint32)[None, :]
    if cells * int(size) < 2**32:
        return (jnp.sort(cell * size + number, axis=-1) % size).astype(jnp.int32)
    # Too many for one key: first by the low digit, then, keeping that order, by the high one.
    digit = np.uint32(2**32 // int(size))
    low = _sorted(cell % digit, int(digit) - 1)
    high = jnp.take_along_axis(cell // digit, low, axis=1)
    return jnp.take_along_axis(low, _sorted(high, cells // int(digit) + 1), axis=1)
