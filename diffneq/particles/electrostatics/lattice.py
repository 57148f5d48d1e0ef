"""Cells of any shape: the rows of a (3, 3) matrix are the lattice vectors, and x = sum_a s_a cell[a]."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq.particles.space import Vector


def cell_matrix(cell) -> Array:
    """A (3, 3) cell from itself, or from three edge lengths.

    Raises:
        ValueError: for another shape, or a cell without volume.

    >>> cell_matrix((1.0, 2.0, 3.0)).shape
    (3, 3)
    """
    matrix = jnp.asarray(cell, dtype=jnp.result_type(float))
    if matrix.shape == (3,):
        matrix = jnp.diag(matrix)
    if matrix.shape != (3, 3):
        raise ValueError(f"A cell is a (3, 3) matrix whose rows are lattice vectors, or 3 lengths; got {matrix.shape}.")
    if not isinstance(matrix, jax.core.Tracer):
        numbers = np.asarray(matrix, float)
        if not np.all(np.isfinite(numbers)) or abs(np.linalg.det(numbers)) < 1e-12 * np.max(np.abs(numbers)) ** 3:
            raise ValueError("The three lattice vectors of a cell must be finite and span a volume.")
    return matrix


def volume(cell: Array) -> Array:
    """|a . (b x c)| [L^3] of a (..., 3, 3) cell."""
    return jnp.abs(jnp.sum(cell[..., 0, :] * jnp.cross(cell[..., 1, :], cell[..., 2, :]), axis=-1))


def reciprocal(cell: Array) -> Array:
    """Rows b_a with b_a . cell[c] = 1 where a = c, else 0 [1/L]; no factor 2 pi. Cell (..., 3, 3)."""
    a, b, c = (cell[..., i, :] for i in range(3))
    rows = jnp.stack([jnp.cross(b, c), jnp.cross(c, a), jnp.cross(a, b)], axis=-2)
    signed = jnp.sum(a * jnp.cross(b, c), axis=-1)
    return rows / signed[..., None, None]


def heights(cell) -> np.ndarray:
    """Distances [L] between opposite faces of a cell known as numbers, (3,)."""
    return 1 / np.linalg.norm(np.linalg.inv(np.asarray(cell, float)).T, axis=1)


def image_range(cell, cutoff) -> tuple[int, int, int]:
    """How many cells away, along each lattice vector, the images of a pair within the cutoff [L] may lie.

    >>> image_range((10.0, 10.0, 20.0), 9.0)
    (1, 1, 0)
    """
    reach = float(cutoff) / heights(cell_matrix(cell)) + 0.5
    return tuple(int(n) for n in np.floor(reach))  # pyright: ignore[reportReturnType]


def fractional(positions: Array, cell: Array) -> Vector:
    """Coordinates s_a of positions (N, 3) [L] along the lattice vectors: three arrays (N,)."""
    return tuple(positions @ row for row in reciprocal(cell))


def cartesian_forces(slopes: Vector, cell: Array) -> Vector:
    """F = -sum_a (dE/ds_a) b_a from the slopes along the lattice vectors: three arrays (N,) [energy/L]."""
    rows = reciprocal(cell)
    along = lambda c: [slope * rows[..., a, c, None] for a, slope in enumerate(slopes)]
    return tuple(-(x + y + z) for x, y, z in map(along, range(3)))
