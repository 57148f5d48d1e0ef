"""Boxes: lengths, minimum image, and positions as anchor plus displacement.

A single-precision coordinate of a particle in a box of length 750 has a resolution of 6e-5, too coarse to integrate
well. Between two builds of the neighbour list a position is therefore kept as

    x = L * anchor / 2^32 + u,

a 32-bit integer `anchor` that is exact and wraps around like the torus itself, and a small float displacement `u`.
The wrapped integer difference of two anchors *is* their minimum image.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

Vector = tuple[Array, ...]

_TURN = 2.0**32


class Box(eqx.Module):
    """A rectangular box, periodic in every direction in which `periodic` says so.

    Arguments:
        lengths: edge lengths, shape (d,) [L].
        periodic: d booleans; a direction that is not periodic is closed by walls at 0 and L.
        margin: how far [L] images are kept apart across a direction that is not periodic; the range of the pair law.

    Raises:
        ValueError: for a length that is not positive and finite.
    """

    lengths: Array
    periodic: tuple[bool, ...] = eqx.field(static=True)
    margin: float = eqx.field(static=True)

    def __init__(self, lengths, periodic=None, margin: float = 0.0):
        if not isinstance(lengths, jax.core.Tracer):
            values = np.asarray(lengths, dtype=float)
            if values.ndim != 1 or not np.all(np.isfinite(values)) or np.any(values <= 0):
                raise ValueError(
                    f"Box lengths must be d positive finite numbers, for example (750.0, 125.0); got {lengths}."
                )
        self.lengths = jnp.asarray(lengths, dtype=jnp.result_type(float))
        count = self.lengths.shape[-1]
        self.periodic = (True,) * count if periodic is None else tuple(bool(p) for p in periodic)
        self.margin = float(margin)
        if len(self.periodic) != count:
            raise ValueError(
                f"periodic needs one boolean for each of the {count} box lengths, got {len(self.periodic)}."
            )

    @property
    def dimension(self) -> int:
        return self.lengths.shape[-1]

    @property
    def volume(self) -> Array:
        return jnp.prod(self.lengths)

    @property
    def extent(self) -> Vector:
        """Period of the torus that holds the box: the length, widened by the margin where there are walls."""
        return tuple(self.lengths[..., a] + (0.0 if self.periodic[a] else self.margin) for a in range(self.dimension))

    def jax_md_space(self):
        """The jax-md pair `(displacement, shift)` of this box, for users of jax-md (positions of shape (N, d))."""
        from jax_md import space

        if not all(self.periodic):
            raise ValueError("jax-md has no box with walls; make the Box periodic in every direction.")
        return space.periodic(self.lengths, wrapped=False)


def to_anchor(box: Box, positions: Vector) -> tuple[Vector, Vector]:
    """Split positions [L] of any image into integer anchors and the small remainders u [L]."""
    anchors, remainders = [], []
    for x, period in zip(positions, box.extent, strict=True):
        fraction = x / period
        fraction = fraction - jnp.floor(fraction)
        # Two steps of 16 bits: a float32 holds 24 bits only, the remainder keeps what is lost here.
        high = jnp.floor(fraction * 2.0**16)
        low = jnp.floor((fraction * 2.0**16 - high) * 2.0**16)
        anchor = (high.astype(jnp.uint32) << 16) + low.astype(jnp.uint32)
        anchors.append(anchor)
        remainders.append((fraction - high * 2.0**-16 - low * 2.0**-32) * period)
    return tuple(anchors), tuple(remainders)


def fixed_point(anchor: Array, displacement: Array, period: Array) -> Array:
    """Integer position: anchor + round(2^32 u / L), modulo 2^32."""
    steps = jnp.round(displacement * (_TURN / period)).astype(jnp.int32)
    return anchor + jax.lax.bitcast_convert_type(steps, jnp.uint32)


def reanchor(box: Box, anchors: Vector, displacements: Vector) -> tuple[Vector, Vector]:
    """Move the integer part of each displacement into its anchor; no precision is lost."""
    new_anchors, remainders = [], []
    for anchor, u, period in zip(anchors, displacements, box.extent, strict=True):
        steps = jnp.round(u * (_TURN / period))
        moved = jax.lax.bitcast_convert_type(steps.astype(jnp.int32), jnp.uint32)
        new_anchors.append(anchor + moved)
        # round() has no derivative, so d(position)/d(parameter) passes through unchanged.
        remainders.append(u - steps * (period / _TURN))
    return tuple(new_anchors), tuple(remainders)


def integer_separation(first: Array, second: Array, period: Array) -> Array:
    """Minimum-image separation [L] of two integer positions: (first - second) wrapped, times L / 2^32."""
    wrapped = jax.lax.bitcast_convert_type(first - second, jnp.int32)
    return wrapped.astype(period.dtype) * (period / _TURN)


def absolute(box: Box, anchors: Vector, displacements: Vector) -> Vector:
    """Positions [L] in [0, period) up to the displacement: L * anchor / 2^32 + u."""
    return tuple(
        anchor.astype(u.dtype) * (period / _TURN) + u
        for anchor, u, period in zip(anchors, displacements, box.extent, strict=True)
    )
