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


class Torus(eqx.Module):
    """The geometry in which integer positions are compared: periods along the edges, and how the edges lean.

    Arguments:
        extent: d periods [L], each that of one Cartesian axis.
        slant: empty for a rectangular box; else (xy,) or (xy, xz, yz), how far the later edge leans over for each
            length that it rises.
    """

    extent: Vector
    slant: Vector = ()

    def sheared(self, along: Vector) -> Vector:
        """Cartesian components of what is given along the edges, in lengths of the Cartesian periods."""
        if not self.slant:
            return along
        if len(along) == 2:
            return along[0] + self.slant[0] * along[1], along[1]
        xy, xz, yz = self.slant
        return along[0] + xy * along[1] + xz * along[2], along[1] + yz * along[2], along[2]

    def unsheared(self, cartesian: Vector) -> Vector:
        """The inverse of `sheared`."""
        if not self.slant:
            return cartesian
        if len(cartesian) == 2:
            return cartesian[0] - self.slant[0] * cartesian[1], cartesian[1]
        xy, xz, yz = self.slant
        z = cartesian[2]
        y = cartesian[1] - yz * z
        return cartesian[0] - xy * y - xz * z, y, z


class Box(eqx.Module):
    """A rectangular box, periodic in every direction in which `periodic` says so, or a triclinic one.

    The edges of a triclinic box are a = (l_x, 0, 0), b = (xy, l_y, 0), c = (xz, yz, l_z): see `Box.triclinic`.

    Arguments:
        lengths: edge lengths, shape (d,) [L]; of a triclinic box the diagonal of its cell.
        periodic: d booleans; a direction that is not periodic is closed by walls at 0 and L.
        margin: how far [L] images are kept apart across a direction that is not periodic; the range of the pair law.
        tilt: None for a rectangular box, else (xy, xz, yz), in two dimensions (xy,) [L].

    Raises:
        ValueError: for a length that is not positive and finite, or a triclinic box with walls.
    """

    lengths: Array
    periodic: tuple[bool, ...] = eqx.field(static=True)
    margin: float = eqx.field(static=True)
    tilt: Array | None

    def __init__(self, lengths, periodic=None, margin: float = 0.0, tilt=None):
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
        self.tilt = None if tilt is None else jnp.asarray(tilt, dtype=jnp.result_type(float))
        if self.tilt is not None and not (all(self.periodic) and self.tilt.shape[-1:] == (count * (count - 1) // 2,)):
            raise ValueError(
                "A triclinic box has no walls, and a tilt of (xy,) in two or (xy, xz, yz) in three dimensions."
            )

    @classmethod
    def triclinic(cls, cell) -> Box:
        """The box whose edges have the lengths and angles of the rows of `cell`, (d, d) [L].

        It is turned so that a lies along x and b in the xy plane. Positions turn with it: x -> x cell^-1 box.cell.

        Raises:
            ValueError: for edges that do not span a right-handed cell.

        >>> box = Box.triclinic([[0.0, 2.0], [-2.0, 1.0]])
        >>> box.cell.tolist()
        [[2.0, 0.0], [1.0, 2.0]]
        """
        cell = jnp.asarray(cell, dtype=jnp.result_type(float))
        if cell.ndim != 2 or cell.shape[0] != cell.shape[1] or cell.shape[0] not in (2, 3):
            raise ValueError(f"Box.triclinic: cell has the d edges as rows, shape (2, 2) or (3, 3); got {cell.shape}.")
        if not isinstance(cell, jax.core.Tracer):
            values = np.asarray(cell, float)
            least = 1e-9 * np.abs(values).max() ** len(values)
            if not (np.all(np.isfinite(values)) and np.linalg.det(values) > least):
                raise ValueError("Box.triclinic: the rows of cell must be edges that span a right-handed cell.")
        lower = jnp.linalg.cholesky(cell @ cell.T)
        rows, columns = np.tril_indices(cell.shape[0], -1)
        return cls(jnp.diag(lower), tilt=lower[rows, columns])

    @property
    def dimension(self) -> int:
        return self.lengths.shape[-1]

    @property
    def volume(self) -> Array:
        return jnp.prod(self.lengths)

    @property
    def cell(self) -> Array:
        """(d, d), the edges as rows [L]."""
        matrix = jnp.diag(self.lengths)
        if self.tilt is None:
            return matrix
        return matrix.at[np.tril_indices(self.dimension, -1)].set(self.tilt)

    @property
    def extent(self) -> Vector:
        """Period of the torus that holds the box: the length, widened by the margin where there are walls."""
        return tuple(self.lengths[..., a] + (0.0 if self.periodic[a] else self.margin) for a in range(self.dimension))

    @property
    def torus(self) -> Torus:
        """Periods and slant."""
        if self.tilt is None:
            return Torus(self.extent)
        later = (1,) if self.dimension == 2 else (1, 2, 2)
        return Torus(self.extent, tuple(self.tilt[..., k] / self.lengths[..., a] for k, a in enumerate(later)))

    @property
    def heights(self) -> Vector:
        """Distances of opposite faces [L]; images of one point are never nearer than the least of them."""
        torus = self.torus
        if not torus.slant:
            return torus.extent
        if self.dimension == 2:
            x, y = torus.extent
            return x / jnp.sqrt(1 + torus.slant[0] ** 2), y
        (x, y, z), (xy, xz, yz) = torus.extent, torus.slant
        return x / jnp.sqrt(1 + xy**2 + (xy * yz - xz) ** 2), y / jnp.sqrt(1 + yz**2), z

    def stretched(self, factor) -> Box:
        """The box with every edge times one factor."""
        tilt = None if self.tilt is None else self.tilt * factor
        return Box(self.lengths * factor, self.periodic, self.margin, tilt)

    def repeated(self, times: tuple[int, ...]) -> Box:
        """The box of `times` copies along each edge."""
        count = jnp.asarray(times, self.lengths.dtype)
        tilt = None if self.tilt is None else self.tilt * count[np.tril_indices(self.dimension, -1)[0]]
        return Box(self.lengths * count, self.periodic, self.margin, tilt)

    def jax_md_space(self):
        """The jax-md pair `(displacement, shift)` of this box, for users of jax-md (positions of shape (N, d))."""
        from jax_md import space

        if not all(self.periodic):
            raise ValueError("jax-md has no box with walls; make the Box periodic in every direction.")
        if self.tilt is not None:
            return space.periodic_general(self.cell.T, fractional_coordinates=False, wrapped=False)
        return space.periodic(self.lengths, wrapped=False)


def to_anchor(box: Box, positions: Vector) -> tuple[Vector, Vector]:
    """Split positions [L] of any image into integer anchors and the small remainders u [L]."""
    anchors, remainders, torus = [], [], box.torus
    for x, period in zip(torus.unsheared(positions), torus.extent, strict=True):
        fraction = x / period
        fraction = fraction - jnp.floor(fraction)
        # Two steps of 16 bits: a float32 holds 24 bits only, the remainder keeps what is lost here.
        high = jnp.floor(fraction * 2.0**16)
        low = jnp.floor((fraction * 2.0**16 - high) * 2.0**16)
        anchor = (high.astype(jnp.uint32) << 16) + low.astype(jnp.uint32)
        anchors.append(anchor)
        remainders.append((fraction - high * 2.0**-16 - low * 2.0**-32) * period)
    return tuple(anchors), torus.sheared(tuple(remainders))


def fixed_point(anchor: Array, displacement: Array, period: Array) -> Array:
    """Integer position: anchor + round(2^32 u / L), modulo 2^32."""
    steps = jnp.round(displacement * (_TURN / period)).astype(jnp.int32)
    return anchor + jax.lax.bitcast_convert_type(steps, jnp.uint32)


def integer_positions(torus: Torus, anchors: Vector, displacements: Vector) -> Vector:
    """Integer positions of particles from anchors and displacements [L]."""
    along = torus.unsheared(displacements)
    return tuple(map(fixed_point, anchors, along, torus.extent))


def reanchor(box: Box, anchors: Vector, displacements: Vector) -> tuple[Vector, Vector]:
    """Move the integer part of each displacement into its anchor; no precision is lost."""
    torus = box.torus
    new_anchors, gone = [], []
    for anchor, u, period in zip(anchors, torus.unsheared(displacements), torus.extent, strict=True):
        steps = jnp.round(u * (_TURN / period))
        moved = jax.lax.bitcast_convert_type(steps.astype(jnp.int32), jnp.uint32)
        new_anchors.append(anchor + moved)
        gone.append(steps * (period / _TURN))
    # round() has no derivative, so d(position)/d(parameter) passes through unchanged.
    return tuple(new_anchors), tuple(u - g for u, g in zip(displacements, torus.sheared(tuple(gone)), strict=True))


def integer_separation(first: Array, second: Array, period: Array) -> Array:
    """Minimum-image separation [L] of two integer positions: (first - second) wrapped, times L / 2^32."""
    wrapped = jax.lax.bitcast_convert_type(first - second, jnp.int32)
    return wrapped.astype(period.dtype) * (period / _TURN)


def fractional(box: Box, anchors: Vector, displacements: Vector) -> Vector:
    """Coordinates along the edges, in [0, 1) up to the displacement."""
    torus = box.torus
    along = torus.unsheared(displacements)
    return tuple(
        anchor.astype(u.dtype) * (1 / _TURN) + u / period
        for anchor, u, period in zip(anchors, along, torus.extent, strict=True)
    )


def absolute(box: Box, anchors: Vector, displacements: Vector) -> Vector:
    """Positions [L] in the box up to the displacement: sum of edge * anchor / 2^32, plus u."""
    torus = box.torus
    along = tuple(
        anchor.astype(u.dtype) * (period / _TURN)
        for anchor, u, period in zip(anchors, displacements, torus.extent, strict=True)
    )
    return tuple(x + u for x, u in zip(torus.sheared(along), displacements, strict=True))
