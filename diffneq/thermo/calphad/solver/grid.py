"""Constitutions at which every phase is sampled before the search: fixed, the same for all conditions.

Corners (endmembers), the edges between them and the inside, with a share of points near the corners; only neutral
constitutions of charged phases. The certificate of a minimum is relative to the basins that these points reach.
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import qmc

from diffneq.thermo.calphad.sizes import bucket
from diffneq.thermo.calphad.solver.symmetry import equivalent_sublattices, representatives
from diffneq.thermo.calphad.tables import Tables

EMPTY = 0.02  # moles of atoms in a formula unit: with fewer, vacancies are all there is, and the model means nothing
_MOST_PARTS = 32  # families of one phase; more are taken together by their main element
TILE = 16  # points of one phase in a tile
_CORNER = 1e-13  # site fractions of the absent constituents at a corner, less than the least mole fraction asked for


class Grid(NamedTuple):
    """Tiles of constitutions, each of one family: a part of a phase that may be a basin of its own.

    A phase is divided by the constituents that prevail on its sublattices (the sides of a miscibility gap, the ways to
    order), and the disordered states of one that can order, with nearly equal fractions on several sublattices, are
    families besides: points spread over all sublattices hardly ever come near them. The lowest point of each family
    competes.
    """

    y: np.ndarray  # (tiles, TILE, n_y); 1 in the padding
    valid: np.ndarray  # (tiles, TILE)
    phase: np.ndarray  # (tiles,)
    family: np.ndarray  # (tiles,)
    family_phase: np.ndarray  # (families,)
    freedom: np.ndarray  # (phases,) number of internal degrees of freedom


def make_grid(tables: Tables, density: float) -> Grid:
    """The grid of all phases; `density` multiplies the number of points inside. On the host, once a system."""
    sites, present, charge = (np.asarray(getattr(tables, n)) for n in ("sites", "present", "charge"))
    mirrors = equivalent_sublattices(tables)
    families, freedom = [], np.zeros(len(sites), np.int32)
    for i in range(len(sites)):
        rows = [np.flatnonzero(row) for row in sites[i] if row.any()]
        if not present[i].any():
            continue
        freedom[i] = max(0, sum(len(r) - 1 for r in rows) - int(np.any(charge[i] != 0)))
        samples = [representatives(constitutions(rows, sites.shape[2], charge[i], density), mirrors[i])]
        alike = _alike(np.asarray(tables.moles[i]), rows)
        if len(alike) < len(rows) and not charge[i].any():
            samples.append(_disordered(alike, sites.shape[2], density))
        for points in samples:
            points[:, ~present[i]] = 1.0
            moles = _moles(tables, i, points)
            real = moles.sum(axis=1) > EMPTY
            part = _parts(points[real], moles[real], rows)
            families += [(i, points[real][part == k]) for k in np.unique(part)]
    return _tiled([f for f in families if len(f[1])], sites.shape[2], freedom)


def _tiled(families: list[tuple[int, np.ndarray]], n_y: int, freedom: np.ndarray) -> Grid:
    tiles = [(f, points[k : k + TILE]) for f, (_, points) in enumerate(families) for k in range(0, len(points), TILE)]
    count = bucket(len(tiles))
    y, valid, family = np.ones((count, TILE, n_y)), np.zeros((count, TILE), bool), np.zeros(count, np.int32)
    for t, (f, points) in enumerate(tiles):
        y[t, : len(points)], valid[t, : len(points)], family[t] = points, True, f
        y[t, len(points) :] = points[0]
    y[len(tiles) :] = y[0]
    of_family = np.zeros(bucket(len(families)), np.int32)
    of_family[: len(families)] = [i for i, _ in families]
    return Grid(y, valid, of_family[family], family, of_family, freedom)


def _parts(points: np.ndarray, moles: np.ndarray, rows: list[np.ndarray]) -> np.ndarray:
    """Which part of its phase every point belongs to: the nearest corner, or the main element where corners abound."""
    main = [np.argmax(points[:, row], axis=1) for row in rows]
    corner = np.unique(np.stack(main, axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    return corner if corner.max(initial=0) < _MOST_PARTS else np.argmax(moles, axis=1)


def _alike(moles: np.ndarray, rows: list[np.ndarray]) -> list[list[np.ndarray]]:
    """Sublattices in groups that hold the same constituents."""
    groups: list[list[np.ndarray]] = []
    contents: list[np.ndarray] = []
    for row in rows:
        content = moles[:, row] / max(moles[:, row].max(), 1e-300)
        same = [c.shape == content.shape and np.allclose(c, content) for c in contents]
        home = groups[same.index(True)] if len(row) > 1 and any(same) else None
        if home is None:
            groups.append([row])
            contents.append(content)
        else:
            home.append(row)
    return groups


def _disordered(alike: list[list[np.ndarray]], n_y: int, density: float) -> np.ndarray:
    """Constitutions with nearly equal fractions on all sublattices of a group.

    Not exactly equal: where the disordered state is unstable, descent from perfect symmetry would end on its saddle.
    """
    points = constitutions([group[0] for group in alike], n_y, np.zeros(n_y), density)
    random = np.random.default_rng(4)
    for group in alike:
        for row in group[1:]:
            near = points[:, group[0]] * (1.0 + 0.02 * random.uniform(-1.0, 1.0, (len(points), len(row))))
            points[:, row] = near / near.sum(axis=1, keepdims=True)
    return points


def _moles(tables: Tables, i: int, points: np.ndarray) -> np.ndarray:
    """Moles of the elements in a formula unit at every point, (points, elements)."""
    moles = points @ np.asarray(tables.moles[i]).T
    if tables.feature_moles is None:
        return moles
    z = np.asarray(tables.constant[i]) + points @ np.asarray(tables.extended[i]).T
    features = np.prod(z[:, np.asarray(tables.factors[i])], axis=2)
    return moles + features @ np.asarray(tables.feature_moles[i]).T


def constitutions(rows: list[np.ndarray], n_y: int, charge: np.ndarray, density: float) -> np.ndarray:
    """Points (n, n_y) of one phase with constituents `rows[s]` on sublattice s."""
    freedom = sum(len(r) - 1 for r in rows)
    corners = _corners(rows, n_y)
    if freedom == 0:
        return corners
    if freedom == 1 and not charge.any():
        t = np.concatenate([np.linspace(0.0, 1.0, int(58 * density) + 2)[1:-1], _near_ends()])
        return np.concatenate([corners, t[:, None] * corners[0] + (1 - t[:, None]) * corners[1]])
    edges = _edges(corners, charge)
    inside = _inside(rows, n_y, int(density * min(40 * freedom, 400)))
    if not charge.any():
        return np.concatenate([corners, edges, inside])
    neutral = np.concatenate([corners, edges])
    neutral = neutral[np.abs(neutral @ charge) < 1e-6]
    if len(neutral) == 0:
        return neutral
    return np.concatenate([neutral, _mixtures(neutral, int(density * min(40 * freedom, 400)))])


def _near_ends() -> np.ndarray:
    small = np.array([1e-6, 1e-4, 3e-3])
    return np.concatenate([small, 1 - small])


def _corners(rows: list[np.ndarray], n_y: int, most: int = 1024) -> np.ndarray:
    """One constituent alone on each sublattice: all of them, or a scrambled choice where there are too many."""
    sizes = [len(r) for r in rows]
    total = int(np.prod([float(s) for s in sizes]))
    chosen = np.arange(total) if total <= most else np.random.default_rng(0).choice(total, most, replace=False)
    places = np.stack(np.unravel_index(chosen, sizes), axis=1)
    points = np.zeros((len(places), n_y))
    for s, row in enumerate(rows):
        points[:, row] = _CORNER
        points[np.arange(len(places)), row[places[:, s]]] = 1.0 - _CORNER * (len(row) - 1)
    return points


def _edges(corners: np.ndarray, charge: np.ndarray, most: int = 600) -> np.ndarray:
    """Points between pairs of corners: five on each edge, or where the charge of a pair cancels."""
    a, b = np.triu_indices(len(corners), 1)
    if charge.any():
        qa, qb = corners[a] @ charge, corners[b] @ charge
        opposite = qa * qb < -1e-9
        a, b, qa, qb = a[opposite], b[opposite], qa[opposite], qb[opposite]
        t = (qb / (qb - qa))[:, None]
        return t * corners[a] + (1 - t) * corners[b]
    edge = ((corners[a] > 0.5) & (corners[b] < 0.5)).sum(axis=1) == 1  # they differ on one sublattice alone
    a, b, fractions = a[edge], b[edge], (0.5, 0.1, 0.3, 0.7, 0.9)
    if len(a) * len(fractions) > most:
        keep = np.random.default_rng(1).choice(len(a), most // len(fractions), replace=False)
        a, b = a[keep], b[keep]
    return np.concatenate([t * corners[a] + (1 - t) * corners[b] for t in fractions])


def _inside(rows: list[np.ndarray], n_y: int, count: int) -> np.ndarray:
    """Quasi-random points: two thirds uniform on each simplex, one third near its corners and faces."""
    total = sum(len(r) for r in rows)
    uniform = qmc.Halton(total, scramble=True, rng=np.random.default_rng(2)).random(count)
    gaps = -np.log(np.clip(uniform, 1e-12, 1.0))  # exponential variables: uniform on the simplex when normalised
    gaps[: count // 3] **= 3.0
    points, first = np.zeros((count, n_y)), 0
    for row in rows:
        own = gaps[:, first : first + len(row)] + 1e-12
        points[:, row], first = own / own.sum(axis=1, keepdims=True), first + len(row)
    return points


def _mixtures(points: np.ndarray, count: int) -> np.ndarray:
    """Random convex combinations of up to four points: neutral because they are."""
    random = np.random.default_rng(3)
    chosen = random.integers(len(points), size=(count, 4))
    weights = random.dirichlet(np.ones(4) * 0.7, count)
    return np.einsum("nk,nky->ny", weights, points[chosen])
