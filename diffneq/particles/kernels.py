"""Sums of pair forces and energies over neighbour lists: one quick kernel, one plain kernel that can be differentiated.

    F_i = - sum_j du(r_ij)/dr_ij  r_ij / |r_ij|

Both walk the list slot by slot, so that nothing of size N x K is stored, and differentiate the scalar law with
respect to s = r^2, which spares a square root where the law has none. The quick kernel works on integer positions for
all replicas at once (a leading axis R); the plain kernel is the same sum in floating point.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array, lax

from diffneq.particles.pair_laws import energy_of_squared
from diffneq.particles.pair_table import Tabulated, exact, species_of
from diffneq.particles.space import Torus, Vector, integer_separation

# Four slots a block: measured best on CPUs; two are slower, eight spill registers.
SLOTS = 4

_MOST_BITS = 4


def at_pairs(law, species, partner):
    """The law of one replica with each leaf broadcast over pairs: scalars stay, (S, S) tables are looked up."""

    def spread(leaf):
        if not eqx.is_array(leaf) or leaf.ndim == 0:
            return leaf
        return leaf.reshape(-1)[species * leaf.shape[-1] + partner]

    return jax.tree.map(spread, law)


def at_flat_pairs(law, replicas: int, size: int, mine, partner):
    """The same for all replicas on one axis R*N; leaves are scalars or tables, with or without a leading axis R.

    `mine` (R*N,) and `partner` (slots, R*N) are species, or None where the law has no tables.
    """

    def spread(leaf):
        if not eqx.is_array(leaf) or leaf.ndim == 0:
            return leaf
        if leaf.ndim == 1:
            return jnp.repeat(leaf, size, total_repeat_length=replicas * size)[None, :]
        count = leaf.shape[-1]
        pair = mine[None, :] * count + partner
        if leaf.ndim == 3:
            pair = pair + _of_replica(replicas, size, count**2)
        return leaf.reshape(-1)[pair]

    return jax.tree.map(spread, law)


def _of_replica(replicas: int, size: int, entries: int) -> Array:
    """Where the entries of each particle's replica begin, (1, R*N)."""
    return jnp.repeat(jnp.arange(replicas, dtype=jnp.int32) * entries, size)[None, :]


def _slope(law, s: Array) -> tuple[Array, Array]:
    """u and du/ds at s = r^2, elementwise."""
    return jax.jvp(lambda value: energy_of_squared(law, value), (s,), (jnp.ones_like(s),))


def _pair_terms(law, separation: Vector, with_energy: bool):
    s = sum(x * x for x in separation)
    real = s > 0  # an empty slot holds the particle itself
    energy, slope = _slope(law, jnp.where(real, s, jnp.ones_like(s)))
    slope = jnp.where(real, -2 * slope, jnp.zeros_like(s))
    terms = tuple(slope * x for x in separation)
    if with_energy:
        terms = (*terms, jnp.where(real, energy, jnp.zeros_like(s)) / 2)
    return terms


def _table_terms(law: Tabulated, replicas: int, size: int, mine, partner, separation: Vector):
    """Forces from the table; an empty slot has no separation, and beyond the cutoff the table is zero."""
    count = law.species
    if mine is None:
        pair = jnp.zeros(separation[0].shape, jnp.int32)
    else:
        pair = mine[None, :] * count + partner
    if law.low.ndim > 1:  # a table for each replica
        pair = pair + _of_replica(replicas, size, count**2)
    ends = tuple(jnp.repeat(x, size) if x.ndim else x for x in law.edge)
    law = eqx.tree_at(lambda table: table.edge, law, ends)
    force = law.force(pair, sum(x * x for x in separation))
    return tuple(force * x for x in separation)


def _sum_slots(terms: Vector) -> Vector:
    """One variadic reduction: separate sums would repeat the gathers and divisions for every output."""
    zero = tuple(jnp.zeros((), term.dtype) for term in terms)
    return lax.reduce(terms, zero, lambda a, b: tuple(x + y for x, y in zip(a, b, strict=True)), (0,))


def quick_sum(law, torus: Torus, here: Vector, there: Vector, index: Array, count: Array, with_energy) -> Vector:
    """Forces (and energies) of all replicas.

    Arguments:
        law: pair law, leaves scalar or with a leading axis R.
        torus: its arrays are scalars or (R,).
        here: d arrays (R, n), positions of the rows' particles: integers (fixed point), or floats in [0, period); and
            where the law has tables one more, their species.
        there: the same (R, N) of those that the rows name.
        index: (K, R, n) neighbours within the replica; an empty slot holds the particle itself.
        count: (R,) the largest number of neighbours in use.
    """
    slots, replicas, size = index.shape
    dimension = len(torus.extent)
    bits = _bits_of_species(law, there, dimension)
    # One axis R*N and a loop with a bound known only at run time: what XLA's CPU compiler turns into vector code.
    own, flat = (tuple(x.reshape(-1) for x in _packed(side, bits)) for side in (here, there))
    (flat_here, mine), flat = lax.optimization_barrier((_unpacked(own, dimension, bits), flat))
    everyone = index.reshape(slots, replicas * size)
    first = jnp.arange(replicas * size, dtype=jnp.int32) // size * there[0].shape[1]
    torus = jax.tree.map(lambda p: jnp.repeat(p, size)[None, :] if p.ndim else p, torus)
    block = SLOTS if slots % SLOTS == 0 else 1

    def add_block(number, total):
        rows = lax.dynamic_slice_in_dim(everyone, number * block, block) + first[None, :]
        others = tuple(_take(x, rows) for x in flat)
        # Without the barrier the gathers are fused into, and repeated by, every consumer.
        others, partner = _unpacked(lax.optimization_barrier(others), dimension, bits)
        along = (_separation(x[None, :], y, p) for x, y, p in zip(flat_here, others, torus.extent, strict=True))
        separation = torus.sheared(tuple(along))
        sums = lax.optimization_barrier(_sum_slots(terms_of(partner, separation)))
        return tuple(a + b for a, b in zip(total, sums, strict=True))

    def terms_of(partner, separation):
        if isinstance(law, Tabulated) and not with_energy:
            return _table_terms(law, replicas, size, mine, partner, separation)
        return _pair_terms(at_flat_pairs(exact(law), replicas, size, mine, partner), separation, with_energy)

    outputs = dimension + int(with_energy)
    total = tuple(jnp.zeros(replicas * size, torus.extent[0].dtype) for _ in range(outputs))
    needed = jnp.minimum((jnp.max(count) + block - 1) // block, slots // block)
    total = lax.fori_loop(0, needed, add_block, total)
    return tuple(x.reshape(replicas, size) for x in total)


def _bits_of_species(law, side: Vector, dimension: int) -> int:
    """Lowest bits of the last integer coordinate that are given to species, 2^-28 of the box at most.

    Zero where there are no species, or they keep an array of their own: beside floats, or as they are too many.
    """
    if len(side) == dimension or not jnp.issubdtype(side[0].dtype, jnp.unsignedinteger):
        return 0
    bits = max(1, ((species_of(law) or 1) - 1).bit_length())
    return bits if bits <= _MOST_BITS else 0


def _packed(side: Vector, bits: int) -> Vector:
    """Species into the last coordinate, which spares a gather."""
    if bits == 0:
        return side
    *others, last, species = side
    return *others, last >> bits << bits | species.astype(last.dtype)


def _unpacked(values: Vector, dimension: int, bits: int) -> tuple[Vector, Array | None]:
    """Positions and species again."""
    if bits:
        *others, last = values
        coarse = last >> bits << bits
        return (*others, coarse), (last - coarse).astype(jnp.int32)
    if len(values) > dimension:
        return values[:-1], values[-1]
    return values, None


def _take(values: Array, rows: Array) -> Array:
    return values.at[rows].get(mode="promise_in_bounds", wrap_negative_indices=False)


def _separation(here: Array, there: Array, span: Array) -> Array:
    if jnp.issubdtype(here.dtype, jnp.unsignedinteger):
        return integer_separation(here, there, span)
    raw = here - there
    return raw - span * jnp.round(raw * (1.0 / span))


def plain_sum(law, torus: Torus, species, anchors: Vector, displacement: Vector, index: Array, with_energy: bool):
    """The same sum for one replica in floating point, differentiable to any order in every float.

    Arguments as in `quick_sum` without the replica axis; `anchors` d integer arrays (N,), `displacement` d float (N,).
    """
    slots = index.shape[0]
    species = None if species is None else jnp.asarray(species)

    def add_slot(total, row):
        # The nearest image is that of the anchors and displacements together.
        moved = torus.unsheared(tuple(u - u[row] for u in displacement))
        apart = (
            integer_separation(anchor, anchor[row], span) + u
            for anchor, u, span in zip(anchors, moved, torus.extent, strict=True)
        )
        along = (x - span * jnp.round(x / span) for x, span in zip(apart, torus.extent, strict=True))
        separation = torus.sheared(tuple(along))
        partner = row if species is None else species[row]
        terms = _pair_terms(at_pairs(law, species, partner), separation, with_energy)
        return tuple(a + b for a, b in zip(total, terms, strict=True)), None

    outputs = len(anchors) + int(with_energy)
    start = tuple(jnp.zeros_like(displacement[0]) for _ in range(outputs))
    return lax.scan(add_slot, start, index, length=slots)[0]
