"""Pair forces of a model: the quick kernel in simulation, the plain one under differentiation, one function.

F_i = - sum_j du(r_ij)/dr_ij  r_ij / |r_ij|,        E = sum_{i<j} u(r_ij)
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.custom_batching import custom_vmap

from diffneq.particles import share
from diffneq.particles.bits import take
from diffneq.particles.kernels import plain_sum, quick_sum
from diffneq.particles.neighbours import Neighbours
from diffneq.particles.pair_table import exact, species_of
from diffneq.particles.space import Box, Vector, absolute, integer_positions


def pair_forces(law, box: Box, species, displacement: Vector, neighbours: Neighbours) -> Vector:
    """F_i = -sum_j du/dr r_ij/|r_ij| for one replica (and, under `jax.vmap`, for all replicas in one quick sweep).

    Arguments:
        law: a pair law (`particles.pair_laws`), leaves scalars or (S, S) tables.
        box: the box.
        species: (N,) NumPy integers; or None, which a law without tables does not mind.
        displacement: d arrays (N,), displacement from the anchors [L].
        neighbours: a valid list.

    Returns:
        d arrays (N,) [energy / L].
    """
    return _pair_sum(law, box, species, displacement, neighbours, False)


def pair_energies(law, box: Box, species, displacement: Vector, neighbours: Neighbours) -> Array:
    """Half of the energies of the pairs of each particle, (N,); they sum to the potential energy."""
    return _pair_sum(law, box, species, displacement, neighbours, True)[-1]


def _pair_sum(law, box, species, displacement, neighbours, with_energy):
    dynamic, static = eqx.partition((law, box), eqx.is_array)
    # NumPy: a JAX array made here would belong to the trace around, where the rules below must not reach.
    kinds = None if species is None or species_of(law) is None else np.asarray(species, np.int32)

    @custom_vmap
    def quick(dynamic, displacement, neighbours):
        lift = lambda tree: jax.tree.map(lambda x: x[None], tree)
        out = many(dynamic, lift(displacement), lift(neighbours))
        return tuple(x[0] for x in out)

    def many(dynamic, displacement, neighbours):
        law, box = eqx.combine(dynamic, static)
        positions = _searchable(box, neighbours.anchor, displacement)
        into, back = _frame(neighbours)
        index = jnp.moveaxis(neighbours.index, 0, 1)
        there = share.whole(positions)
        if kinds is not None:
            there = (*there, jnp.broadcast_to(kinds[None], there[0].shape))
        there = tuple(into(x) for x in there)
        here = _rows_of(neighbours, there)
        sums = quick_sum(law, box.torus, here, there, index, neighbours.fill, with_energy)
        return tuple(back(x) for x in sums)

    @quick.def_vmap
    def _rule(axis_size, in_batched, dynamic, *arrays):
        spread = lambda x, batched: x if batched else jnp.broadcast_to(x[None], (axis_size, *x.shape))
        arrays = jax.tree.map(spread, arrays, tuple(in_batched[1:]))
        out = many(dynamic, *arrays)
        return out, tuple(True for _ in out)

    @jax.custom_jvp
    def total(dynamic, displacement, neighbours):
        return quick(dynamic, displacement, neighbours)

    @total.defjvp
    def _tangent(primals, tangents):
        neighbours = primals[2]

        def plain(dynamic, displacement):
            law, box = eqx.combine(dynamic, static)
            return plain_sum(
                exact(law), box.torus, kinds, neighbours.anchor, displacement, neighbours.by_particle(), with_energy
            )

        return jax.jvp(plain, primals[:2], tangents[:2])

    return total(dynamic, displacement, neighbours)


def _frame(neighbours: Neighbours):
    """Into the order of the rows, and back to that of the particles: functions of (R, N) arrays."""
    order, row = neighbours.order, neighbours.row
    if order is None or row is None:
        return lambda x: x, lambda x: x
    # Barriers: fused into the kernel, these gathers would be done once for every slot.
    into = lambda x: lax.optimization_barrier(_pick(x, order))
    back = lambda x: _pick(lax.optimization_barrier(x), row)
    return into, back


def _pick(values: Array, index: Array) -> Array:
    """values[r, index[r, i]] for all replicas r."""
    first = jnp.arange(values.shape[0], dtype=jnp.int32)[:, None] * values.shape[1]
    return take(values.reshape(-1), (index + first).reshape(-1)).reshape(index.shape)


def _rows_of(neighbours: Neighbours, there: Vector) -> Vector:
    """Of these, the ones for which there are rows."""
    own = neighbours.own
    return there if own is None else tuple(lax.optimization_barrier(_pick(x, own)) for x in there)


def _searchable(box: Box, anchor: Vector, displacement: Vector) -> Vector:
    """Integers in single precision, where they are finer than floats; floats in double."""
    torus = jax.tree.map(lambda p: p[:, None] if p.ndim else p, box.torus)
    if displacement[0].dtype == jnp.float32:
        return integer_positions(torus, anchor, displacement)
    along = torus.unsheared(displacement)
    return tuple(a.astype(u.dtype) * (p / 2.0**32) + u for a, u, p in zip(anchor, along, torus.extent, strict=True))


def positions(box: Box, displacement: Vector, neighbours: Neighbours) -> Vector:
    """Positions [L] of one replica, in the box up to the displacement since the last build."""
    return absolute(box, neighbours.anchor, displacement)
