"""Grains of a crystal in random orientations, packed as Voronoi cells into one periodic cell that is neutral."""

from __future__ import annotations

import itertools

import jax
import numpy as np
from jax import Array

from diffneq.materials.elements import formal_charges
from diffneq.models.structure import Structure

_IMAGES = np.array(list(itertools.product((-1, 0, 1), repeat=3)), float)


def polycrystal(
    key: Array, crystal: Structure, edge: float, grains: int, overlap: float = 0.75, charges=None
) -> Structure:
    """`grains` crystals in a cube of side `edge`: each fills the region nearest to its seed, turned at random.

    Ions that meet across a boundary nearer than `overlap` times the nearest distance of the two elements in the crystal
    are taken out, the one nearer to the boundary first; then ions at boundaries until the cell is neutral. What remains
    is a start: boundaries relax in a run at high temperature.

    Arguments:
        key: typed key.
        crystal: one unit cell or more.
        edge: of the cube [angstrom].
        grains: how many.
        overlap: share of the crystal's nearest distances that ions must keep.
        charges: formal charge of each species [e]; default those of the elements.

    Raises:
        ValueError: where grains are less than an angstrom wide, or the cell cannot be made neutral.

    >>> from diffneq.materials import rock_salt
    >>> cell = polycrystal(jax.random.key(0), rock_salt("NaCl"), edge=24.0, grains=2)
    >>> cell.counts[0] == cell.counts[1], 500 < cell.size < 620  # 616 in a single crystal
    (True, True)
    """
    if grains < 1 or edge / max(grains, 1) ** (1 / 3) < 1.0:
        raise ValueError(f"polycrystal: {grains} grains do not fit into a cube of side {edge:g}.")
    random = np.random.default_rng(np.asarray(jax.random.key_data(key)).astype(np.uint32).reshape(-1))
    charge = np.asarray(formal_charges(crystal.names) if charges is None else charges)
    seeds = random.random((grains, 3)) * edge
    places, kinds, margins = [], [], []
    for number in range(grains):
        place, kind = _patch(crystal, 0.87 * edge, _rotation(random), random)
        inside, margin = _region(place, seeds, number, edge)
        places.append((place[inside] + seeds[number]) % edge)
        kinds.append(kind[inside])
        margins.append(margin[inside])
    place, kind, margin = np.concatenate(places), np.concatenate(kinds), np.concatenate(margins)
    keep = _without_overlaps(place, kind, margin, edge, overlap * nearest_distances(crystal))
    place, kind, margin = place[keep], kind[keep], margin[keep]
    keep = _neutral(kind, margin, charge)
    symbols = [crystal.names[k] for k in kind[keep]]
    return Structure.of(symbols, place[keep], (edge,) * 3, crystal.names)


def nearest_distances(crystal: Structure) -> np.ndarray:
    """(S, S), the least distance of two ions of each pair of species [angstrom]."""
    fraction = crystal.positions @ np.linalg.inv(crystal.cell)
    kind = np.repeat(np.arange(len(crystal.counts)), crystal.counts)
    least = np.full((len(crystal.counts),) * 2, np.inf)
    for start in range(0, crystal.size, 64):
        apart = fraction[start : start + 64, None] - fraction[None]
        shifts = ((apart - np.round(apart))[:, :, None] + _IMAGES) @ crystal.cell
        distance = np.linalg.norm(shifts, axis=-1)
        distance = np.where(distance > 1e-6, distance, np.inf).min(axis=-1)
        rows = np.broadcast_to(kind[start : start + 64, None], distance.shape)
        np.minimum.at(least, (rows, np.broadcast_to(kind[None], distance.shape)), distance)
    return np.minimum(least, least.T)


def _rotation(random: np.random.Generator) -> np.ndarray:
    """A rotation matrix, uniform over all."""
    turn, upper = np.linalg.qr(random.normal(size=(3, 3)))
    turn = turn * np.sign(np.diag(upper))
    return turn if np.linalg.det(turn) > 0 else turn[:, [1, 0, 2]]


def _patch(crystal: Structure, radius: float, turn: np.ndarray, random) -> tuple[np.ndarray, np.ndarray]:
    """Turned ions within a radius of a random point of the crystal, and their species."""
    heights = np.array([float(h) for h in crystal.box.heights])
    reach = np.ceil(radius / heights).astype(int) + 1
    cells = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij"), -1).reshape(-1, 3)
    origin = random.random(3) @ crystal.cell
    place = (crystal.positions[None] - origin + (cells @ crystal.cell)[:, None]).reshape(-1, 3)
    kind = np.tile(np.repeat(np.arange(len(crystal.counts)), crystal.counts), len(cells))
    near = np.sum(place**2, axis=1) < radius**2
    return place[near] @ turn, kind[near]


def _region(place: np.ndarray, seeds: np.ndarray, number: int, edge: float) -> tuple[np.ndarray, np.ndarray]:
    """Which places around seed `number` are nearest to it, of all seeds and images; how much nearer than to others."""
    others = ((seeds - seeds[number])[:, None] + _IMAGES * edge).reshape(-1, 3)
    others = others[np.linalg.norm(others, axis=1) > 1e-9]
    margin = np.full(len(place), np.inf)
    for other in others:
        # The distance to the plane halfway between the two seeds.
        margin = np.minimum(margin, (other @ other / 2 - place @ other) / np.linalg.norm(other))
    return margin >= 0, margin


def _without_overlaps(place, kind, margin, edge: float, least: np.ndarray) -> np.ndarray:
    """Numbers of the ions that stay: of two too near, the one nearer to a boundary goes."""
    from scipy.spatial import cKDTree

    pairs = cKDTree(place, boxsize=edge).query_pairs(float(least[np.isfinite(least)].max()), output_type="ndarray")
    apart = place[pairs[:, 0]] - place[pairs[:, 1]]
    distance = np.linalg.norm(apart - edge * np.round(apart / edge), axis=1)
    pairs = pairs[distance < least[kind[pairs[:, 0]], kind[pairs[:, 1]]]]
    gone = np.zeros(len(place), bool)
    for a, b in pairs[np.argsort(margin[pairs].min(axis=1))]:
        if not (gone[a] or gone[b]):
            gone[a if margin[a] < margin[b] else b] = True
    return np.flatnonzero(~gone)


def _neutral(kind: np.ndarray, margin: np.ndarray, charge: np.ndarray) -> np.ndarray:
    """Numbers of the ions that stay: those nearest to boundaries go until the charges add up to zero."""
    gone, order = np.zeros(len(kind), bool), np.argsort(margin)
    total = round(float(charge[kind].sum()))
    while total != 0:
        rest = charge[kind[order]] * np.sign(total)
        # The largest charge that does not overshoot; else the least that does, which another species makes up for.
        fitting = (rest > 0) & ~gone[order] & (rest <= abs(total))
        over = (rest > 0) & ~gone[order]
        if not over.any():
            raise ValueError("polycrystal: the cell cannot be made neutral with these charges.")
        wanted = rest[fitting].max() if fitting.any() else rest[over].min()
        one = order[np.flatnonzero((fitting if fitting.any() else over) & (rest == wanted))[0]]
        gone[one] = True
        total -= int(charge[kind[one]])
    return np.flatnonzero(~gone)
