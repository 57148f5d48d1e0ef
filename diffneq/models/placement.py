"""Random positions without overlaps, and Maxwellian velocities."""

from __future__ import annotations

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from diffneq.particles.neighbours import ListPlan, build_one, plan_list, widen
from diffneq.particles.space import Box, Vector, absolute, integer_separation

_ROUNDS = 2000


def random_positions(key: Array, box: Box, count: int, distance: float) -> Vector:
    """Uniform positions, no two nearer than `distance`: whoever overlaps a particle of higher number is drawn again.

    The particles of highest number are so distributed as if the others were not there.

    Arguments:
        key: typed key.
        box: the box; directions with walls keep half the distance from them.
        count: particles N.
        distance: least distance of two particles [L].

    Returns:
        d arrays (N,) [L].

    Raises:
        ValueError: where the box is too crowded for this.
    """
    sentence = (
        f"No room for {count} particles at a distance of {distance:g} in a box of "
        f"{tuple(np.asarray(box.lengths).tolist())}: use a larger box or fewer particles."
    )
    if filling(box, count, distance) > 1:
        raise ValueError(sentence)
    plan = plan_list(box, count, distance, 0.0)
    for _ in range(20):
        anchor, left, fill, cell_fill = _place(key, plan, box, count)
        wider = widen(plan, int(fill), int(cell_fill))
        if wider == plan:
            break
        plan = wider
    if int(left) > 0:
        raise ValueError(sentence)
    return absolute(box, anchor, tuple(jnp.zeros(count, box.lengths.dtype) for _ in anchor))


@partial(eqx.filter_jit)
def _place(key: Array, plan: ListPlan, box: Box, count: int):
    def draw(key) -> Vector:
        keys = jax.random.split(key, box.dimension)
        out = []
        for k, length, period, free in zip(keys, box.lengths, box.extent, box.periodic, strict=True):
            edge = 0.0 if free else plan.radius / 2
            x = jax.random.uniform(k, (count,), minval=edge / period, maxval=(length - edge) / period)
            out.append(
                (x * 2.0**16).astype(jnp.uint32) * jnp.uint32(2**16) + jax.random.bits(k, (count,), "uint32") // 2**16
            )
        return tuple(out)

    def overlapping(anchor):
        near = build_one(plan, box, anchor)
        index = near.by_particle()
        beaten = jnp.any(index > jnp.arange(count)[None, :], axis=0)
        if plan.all_pairs:
            beaten = _beaten_all_pairs(plan, box, anchor, index)
        return beaten, near.fill, near.cell_fill

    def again(carry):
        number, anchor, beaten, fill, cell_fill = carry
        fresh = draw(jax.random.fold_in(key, number))
        anchor = tuple(jnp.where(beaten, f, a) for f, a in zip(fresh, anchor, strict=True))
        beaten, more, cell_more = overlapping(anchor)
        return number + 1, anchor, beaten, jnp.maximum(fill, more), jnp.maximum(cell_fill, cell_more)

    first = draw(key)
    start = (jnp.int32(1), first, *overlapping(first))
    carry = lax.while_loop(lambda c: (c[0] < _ROUNDS) & jnp.any(c[2]), again, start)
    return carry[1], jnp.sum(carry[2]), jnp.where(plan.all_pairs, 0, carry[3]), carry[4]


def _beaten_all_pairs(plan: ListPlan, box: Box, anchor: Vector, index: Array) -> Array:
    torus = box.torus
    along = (integer_separation(a[None], a[index], p) for a, p in zip(anchor, torus.extent, strict=True))
    s = sum(x * x for x in torus.sheared(tuple(along)))
    return jnp.any((s < plan.radius**2) & (index > jnp.arange(plan.size)[None, :]), axis=0)


def filling(box: Box, count: int, distance: float) -> float:
    """What part of the room that random placing can use is taken by `count` spheres of this diameter.

    Source of the jamming densities: A. Rényi (1958) in one dimension; J. Feder, J. Theor. Biol. 87, 237 (1980).
    """
    jammed = {1: 0.7476, 2: 0.547, 3: 0.38}[box.dimension]
    volume = {1: 1.0, 2: np.pi / 4, 3: np.pi / 6}[box.dimension] * distance**box.dimension
    return count * volume / (jammed * float(np.prod(np.asarray(box.lengths, float))))


def crowded(box: Box, count: int, distance: float) -> bool:
    """Whether random placing would take long."""
    return filling(box, count, distance) > 0.5


def lattice_positions(box: Box, count: int, key: Array | None = None) -> Vector:
    """`count` sites of a lattice of nearly (hyper)cubic cells that fills the box: d arrays (N,) [L].

    The first sites in order, or, with a `key`, random ones in random order.
    """
    lengths = np.asarray(box.lengths, float)
    rows = np.maximum(1, np.floor(lengths / (np.prod(lengths) / count) ** (1 / len(lengths)))).astype(int)
    while np.prod(rows) < count:
        rows[np.argmax(lengths / rows)] += 1
    total = int(np.prod(rows))
    chosen = np.arange(count) if key is None else np.asarray(jax.random.permutation(key, total))[:count]
    site = np.unravel_index(chosen, rows)
    along = tuple(
        jnp.asarray((i + 0.5) / n, length.dtype) * length for i, n, length in zip(site, rows, box.lengths, strict=True)
    )
    return box.torus.sheared(along)


def maxwellian(key: Array, temperature: Array, mass: Array, dimension: int) -> Vector:
    """Velocities with <v_a^2> = k_B T / m: d arrays (N,) from masses (N,) [m]; zero where the mass is infinite."""
    width = jnp.sqrt(temperature / mass)
    return tuple(width * x for x in jax.random.normal(key, (dimension, mass.shape[0]), mass.dtype))
