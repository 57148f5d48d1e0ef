"""Sublattices that can be exchanged without changing a phase: the mirror images of an ordered state.

A search that sees both images of one state takes them for two phases that coexist.
"""

from itertools import combinations

import numpy as np

from diffneq.thermo.calphad.tables import Tables

_TEMPERATURES = (500.0, 1100.0, 1700.0)


def equivalent_sublattices(tables: Tables) -> list[list[list[np.ndarray]]]:
    """For every phase groups of sublattices, each an array of the places of its constituents in y.

    Found by trial: the energy, the physical properties and the moles at random constitutions stay the same when the
    site fractions of two sublattices are exchanged.
    """
    T = np.array(_TEMPERATURES)
    energy = np.asarray(tables.energy_coefficients(T, np.full_like(T, 1e5)))
    physical = np.asarray(tables.physical_coefficients(T, np.full_like(T, 1e5)))
    return [_groups(tables, i, energy[i], physical[i]) for i in range(len(energy))]


def _groups(tables: Tables, i: int, energy: np.ndarray, physical: np.ndarray) -> list[list[np.ndarray]]:
    rows = [np.flatnonzero(row) for row in np.asarray(tables.sites[i]) if row.any()]
    y = np.ones((4, tables.sites.shape[2]))
    for k, random in enumerate(np.random.default_rng(5).dirichlet(np.ones(y.shape[1]), 4)):
        for row in rows:
            y[k, row] = random[row] / random[row].sum()
    reference = _properties(tables, i, energy, physical, y)
    groups = [[row] for row in rows]
    for a, b in combinations(range(len(rows)), 2):
        if len(rows[a]) != len(rows[b]) or len(rows[a]) < 2:
            continue
        swapped = y.copy()
        swapped[:, rows[a]], swapped[:, rows[b]] = y[:, rows[b]], y[:, rows[a]]
        if np.allclose(_properties(tables, i, energy, physical, swapped), reference, rtol=1e-9, atol=1e-7):
            home = next(g for g in groups if any(r is rows[a] for r in g))
            other = next(g for g in groups if any(r is rows[b] for r in g))
            if home is not other:
                home.extend(other)
                groups.remove(other)
    return [g for g in groups if len(g) > 1]


def _properties(tables: Tables, i: int, energy, physical, y: np.ndarray) -> np.ndarray:
    z = np.asarray(tables.constant[i]) + y @ np.asarray(tables.extended[i]).T
    features = np.prod(z[:, np.asarray(tables.factors[i])], axis=2)
    log_z = np.log(np.where(z > 0, z, 1.0))
    entropy = (z * log_z) @ np.asarray(tables.entropy[i])
    channels = [features @ c for c in physical]
    return np.concatenate([features @ energy, *channels, entropy[:, None], y @ np.asarray(tables.moles[i]).T], axis=1)


def representatives(points: np.ndarray, groups: list[list[np.ndarray]]) -> np.ndarray:
    """One of every set of mirror images: equivalent sublattices in lexicographic order, duplicates dropped."""
    points = points.copy()
    for group in groups:
        blocks = points[:, np.stack(group)]  # (n, sublattices, constituents)
        order = np.lexsort(np.moveaxis(blocks[..., ::-1], 2, 0).round(12), axis=-1)[:, ::-1]
        points[:, np.stack(group)] = np.take_along_axis(blocks, order[..., None], axis=1)
    _, first = np.unique(points.round(12), axis=0, return_index=True)
    return points[np.sort(first)]
