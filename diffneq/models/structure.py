"""Where the ions of a material are: species, counts, cell, positions."""

from __future__ import annotations

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from diffneq.particles.space import Box

# Nearer than this no two ions of a solid or a melt ever come [angstrom].
TOO_NEAR = 0.5


class Structure(eqx.Module):
    """Ions in a periodic cell, one species after another.

    Arguments:
        box: the periodic cell [angstrom].
        names: element of each species.
        counts: ions of each species.
        positions: (N, 3) NumPy array [angstrom], in the order of the species.
        velocities: None, or (N, 3) [angstrom/t0].

    Raises:
        ValueError: for shapes that do not fit, or ions nearer to one another than 0.5 angstrom.

    >>> salt = Structure.of(["Cl", "Na"], [[2.8, 0.0, 0.0], [0.0, 0.0, 0.0]], (5.6, 5.6, 5.6))
    >>> salt.names, salt.counts, salt.positions[0].tolist()
    (('Cl', 'Na'), (1, 1), [2.8, 0.0, 0.0])
    """

    box: Box
    names: tuple[str, ...] = eqx.field(static=True)
    counts: tuple[int, ...] = eqx.field(static=True)
    positions: np.ndarray
    velocities: np.ndarray | None = None

    def __check_init__(self):
        shape = (sum(self.counts), 3)
        if len(self.names) != len(self.counts) or len(set(self.names)) != len(self.names):
            raise ValueError(f"Structure: one name, each once, for each of counts; got {self.names}, {self.counts}.")
        for what, array in (("positions", self.positions), ("velocities", self.velocities)):
            if array is not None and (np.shape(array) != shape or not np.all(np.isfinite(array))):
                raise ValueError(f"Structure: {what} must be finite, of shape {shape}; got {np.shape(array)}.")

    @classmethod
    def of(cls, symbols: Sequence[str], positions, cell, names: Sequence[str] | None = None, velocities=None):
        """From the element of each ion, in any order.

        Arguments: `cell`, a `Box`, three edge lengths, or a matrix whose rows are the edges, which is turned into the
        standard orientation of `Box.triclinic` and the positions with it; `names`, the order of the species, default
        that in which they come first.
        """
        box, turn = _box(cell)
        symbols = [str(s) for s in symbols]
        names = tuple(dict.fromkeys(symbols)) if names is None else tuple(names)
        unknown = set(symbols) - set(names)
        if unknown:
            raise ValueError(f"Structure: the elements {sorted(unknown)} are not among names = {names}.")
        kind = np.array([names.index(s) for s in symbols])
        order = np.argsort(kind, kind="stable")
        counts = tuple(int(np.sum(kind == k)) for k in range(len(names)))
        place = (np.asarray(positions, float) @ turn)[order]
        return cls(box, names, counts, place, None if velocities is None else (np.asarray(velocities) @ turn)[order])

    @property
    def size(self) -> int:
        return sum(self.counts)

    @property
    def symbols(self) -> list[str]:
        """The element of each ion."""
        return [name for name, count in zip(self.names, self.counts, strict=True) for _ in range(count)]

    @property
    def cell(self) -> np.ndarray:
        """(3, 3), the edges as rows [angstrom]."""
        return np.asarray(self.box.cell, float)

    def supercell(self, repeats: int | tuple[int, int, int]) -> Structure:
        """The structure repeated along its three edges.

        >>> Structure.of(["Na"], [[0.0, 0.0, 0.0]], (4.0, 4.0, 4.0)).supercell((2, 2, 1)).counts
        (4,)
        """
        times = (repeats,) * 3 if isinstance(repeats, int) else tuple(repeats)
        if len(times) != 3 or any(int(n) != n or n < 1 for n in times):
            raise ValueError(f"supercell: repeats is a positive integer or three of them, got {repeats}.")
        shifts = np.stack(np.meshgrid(*map(np.arange, times), indexing="ij"), -1).reshape(-1, 3) @ self.cell
        spread = lambda array: (array[:, None, :] + shifts[None]).reshape(-1, 3)
        speeds = None if self.velocities is None else np.repeat(self.velocities, len(shifts), axis=0)
        counts = tuple(n * len(shifts) for n in self.counts)
        return Structure(self.box.repeated(times), self.names, counts, spread(self.positions), speeds)

    def strained(self, factor: float) -> Structure:
        """Cell and positions times one factor along each direction: what a change of volume does."""
        box = self.box.stretched(factor)
        return Structure(box, self.names, self.counts, self.positions * factor, self.velocities)


def nearest_pair(structure: Structure, reach: float = TOO_NEAR) -> tuple[float, int, int] | None:
    """Distance and numbers of the two nearest ions, or None where all are farther apart than `reach` [angstrom].

    >>> nearest_pair(Structure.of(["Na", "Cl"], [[0.1, 0.0, 0.0], [5.5, 0.0, 0.0]], (5.6, 5.6, 5.6)))
    (0.2, 0, 1)
    """
    from scipy.spatial import cKDTree

    fraction = structure.positions @ np.linalg.inv(structure.cell)
    fraction = fraction - np.floor(fraction)
    fraction = np.where(fraction >= 1.0, 0.0, fraction)
    # Along a fractional coordinate nobody is farther apart than the distance over the height of the cell.
    heights = np.asarray([float(h) for h in structure.box.heights])
    pairs = cKDTree(fraction, boxsize=1.0).query_pairs(reach * np.sqrt(3) / heights.min(), output_type="ndarray")
    if not len(pairs):
        return None
    apart = fraction[pairs[:, 0]] - fraction[pairs[:, 1]]
    distance = np.linalg.norm((apart - np.round(apart)) @ structure.cell, axis=1)
    least = int(np.argmin(distance))
    if distance[least] > reach:
        return None
    return round(float(distance[least]), 6), int(pairs[least, 0]), int(pairs[least, 1])


def _box(cell) -> tuple[Box, np.ndarray]:
    """The box, and the rotation (3, 3) that turns row vectors into its axes."""
    if isinstance(cell, Box):
        return cell, np.eye(3)
    cell = np.asarray(cell, float)
    if cell.shape == (3,):
        return Box(cell), np.eye(3)
    if cell.shape != (3, 3):
        raise ValueError(f"Structure: the cell is a Box, three lengths, or a (3, 3) matrix of edges; got {cell.shape}.")
    off = np.abs(cell - np.diag(np.diag(cell))).max()
    if off <= 1e-10 * np.abs(cell).max() and np.all(np.diag(cell) > 0):
        return Box(np.diag(cell)), np.eye(3)
    box = Box.triclinic(cell)
    return box, np.linalg.inv(cell) @ np.asarray(box.cell, float)


def stacked(positions: np.ndarray):
    """(N, d) as d arrays (N,)."""
    return tuple(jnp.asarray(positions[:, a], jnp.result_type(float)) for a in range(positions.shape[1]))
