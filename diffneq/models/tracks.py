"""How far ions have gone: continuous positions from the records "places", for mean square displacements.

An integer position wraps around like the torus, so the wrapped difference of two of them is the move between them, as
long as nobody goes farther than half the cell in one record.
"""

from __future__ import annotations

from collections.abc import Iterable

import jax
import numpy as np


def unwrapped(model, places: np.ndarray) -> np.ndarray:
    """Positions (R, T, N, 3) [angstrom] that never jump, from "places" (R, T, 3, N) of `simulate`.

    Arguments:
        model: the `Electrolyte` of the run.
        places: `result.records["places"]`, recorded by `record=("places",)`.

    >>> from diffneq.particles.space import Box
    >>> class Cell: box = Box((8.0, 8.0, 8.0))
    >>> quarter = np.uint32(2**30) * np.arange(6, dtype=np.uint32)  # round and round along x
    >>> places = np.stack([quarter, 0 * quarter, 0 * quarter], 1).reshape(1, 6, 3, 1)
    >>> unwrapped(Cell, places)[0, :, 0, 0].tolist()
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    """
    places = np.asarray(places).astype(np.uint32)
    if places.ndim != 4 or places.shape[2] != 3:
        raise ValueError(f'unwrapped: places are (R, T, 3, N), result.records["places"]; got {places.shape}.')
    moves = np.diff(places, axis=1).view(np.int32).astype(np.float64)
    path = np.concatenate([places[:, :1].astype(np.float64), moves], axis=1)
    np.cumsum(path, axis=1, out=path)
    torus = jax.tree.map(lambda x: np.asarray(x, float) / 2.0**32, model.box.torus.extent)
    along = tuple(path[:, :, a] * torus[a] for a in range(3))
    slant = jax.tree.map(lambda x: np.asarray(x, float), model.box.torus)
    return np.stack(slant.sheared(along), axis=-1)


def members(model, names: Iterable[str]) -> np.ndarray:
    """Numbers of the ions of some species.

    >>> class Salt: names, counts = ("Na", "Cl"), (2, 3)
    >>> members(Salt, ["Cl"]).tolist()
    [2, 3, 4]
    """
    wanted, edges = set(names), np.cumsum((0, *model.counts))
    return np.concatenate([np.arange(edges[k], edges[k + 1]) for k, name in enumerate(model.names) if name in wanted])


def framework(model) -> np.ndarray:
    """Numbers of the ions that carry no current, in whose centre of mass' frame conductivities are meant."""
    return members(model, [name for name in model.names if name not in model.carriers])
