"""Li7La3Zr2O12, the garnet: the ordered tetragonal crystal and the cubic one with its lithium in disorder."""

from __future__ import annotations

import jax
import numpy as np
from jax import Array

from diffneq.materials.orbits import orbit
from diffneq.models.structure import Structure

# I4_1/acd, no. 142, in the setting of the source.
TETRAGONAL_GROUP = ("-y+1/2,x,z+1/4", "-x,y+1/2,-z+1/4", "-x,-y+1/2,-z+3/4", "x+1/2,y+1/2,z+1/2")
TETRAGONAL_EDGES = (13.23937, 13.23937, 12.764856)
TETRAGONAL_SITES = (
    ("Li", (0.0, 0.5, 0.75)),  # 8a
    ("Li", (0.177926, 0.677926, 0.0)),  # 16f
    ("Li", (0.33711, 0.079908, 0.819853)),  # 32g
    ("La", (0.0, 0.5, 0.0)),  # 8b
    ("La", (0.75, 0.628007, 0.875)),  # 16e
    ("Zr", (0.25, 0.0, 0.625)),  # 16c
    ("O", (0.805323, 0.465807, 0.971645)),  # 32g
    ("O", (0.101585, 0.054798, 0.091319)),  # 32g
    ("O", (0.777925, 0.650318, 0.678844)),  # 32g
)

# Ia-3d, no. 230.
CUBIC_GROUP = (
    "-x+1/2,-y,z+1/2", "-x,y+1/2,-z+1/2", "z,x,y", "y+3/4,x+1/4,-z+1/4", "-x,-y,-z", "x+1/2,y+1/2,z+1/2",
)  # fmt: skip
CUBIC_EDGE = 12.983
CUBIC_FRAMEWORK = (
    ("La", (1 / 8, 0.0, 1 / 4)),  # 24c
    ("Zr", (0.0, 0.0, 0.0)),  # 16a
    ("O", (-0.0319, 0.0547, 0.1507)),  # 96h
)
LITHIUM_24D, LITHIUM_96H = (3 / 8, 0.0, 1 / 4), (0.0997, 0.6892, 0.5773)
# No two lithium ions are nearer than this: a pair of 96h sites lies 0.72, a 24d site 1.64 from its 96h neighbours.
NEAREST_LITHIUM = 2.2
NAMES = ("Li", "La", "Zr", "O")


def tetragonal_llzo(repeats: int | tuple[int, int, int] = 1) -> Structure:
    """The ordered tetragonal phase, I4_1/acd, Z = 8, 192 atoms in 13.239 x 13.239 x 12.765 angstrom^3, or a supercell.

    Source: the starting structure of the example pmd_BVS_LLZO of the program nap (R. Kobayashi, MIT licence), which we
    have reduced to its Wyckoff positions; the phase: J. Awaka et al., J. Solid State Chem. 182, 2046 (2009).

    >>> tetragonal_llzo().names, tetragonal_llzo().counts
    (('Li', 'La', 'Zr', 'O'), (56, 24, 16, 96))
    """
    symbols, places = [], []
    for name, site in TETRAGONAL_SITES:
        images = orbit(TETRAGONAL_GROUP, site)
        symbols += [name] * len(images)
        places.append(images)
    positions = np.concatenate(places) * np.asarray(TETRAGONAL_EDGES)
    return Structure.of(symbols, positions, TETRAGONAL_EDGES, NAMES).supercell(repeats)


def cubic_llzo(key: Array, repeats: int | tuple[int, int, int] = 1, edge: float = CUBIC_EDGE) -> Structure:
    """The cubic phase, Ia-3d, Z = 8: La 24c, Zr 16a, O 96h, and 56 lithium ions a cell on 24d and 96h, drawn by `key`.

    No two lithium ions are nearer than 2.2 angstrom, so that of each pair of 96h sites at most one is filled, and none
    beside a filled 24d site. How many are on 24d follows from the draw (see `lithium_occupancy`); a run at high
    temperature forgets it.

    Arguments:
        key: typed key.
        repeats: unit cells along the edges.
        edge: of the unit cell [angstrom].

    Raises:
        ValueError: where the draw finds no arrangement, which has not been met.

    Source: La, Zr and O: the tetragonal structure above averaged over the operations of Ia-3d (spread 0.003); the sites
    of lithium: J. Awaka et al., Chem. Lett. 40, 60 (2011).
    """
    unit = np.full(3, float(edge))
    symbols, places = [], []
    for name, site in CUBIC_FRAMEWORK:
        images = orbit(CUBIC_GROUP, site)
        symbols += [name] * len(images)
        places.append(images * unit)
    frame = Structure.of(symbols, np.concatenate(places), unit, NAMES[1:]).supercell(repeats)
    sites = Structure.of(["Li"] * 120, lithium_sites() * unit, unit).supercell(repeats)
    lithium = sites.positions[_filled(key, sites)]
    names = ["Li"] * len(lithium) + frame.symbols
    return Structure.of(names, np.concatenate([lithium, frame.positions]), frame.box, NAMES)


def lithium_sites() -> np.ndarray:
    """(120, 3) fractional coordinates of the sites of lithium in a cubic cell: 24 of 24d, then 96 of 96h."""
    return np.concatenate([orbit(CUBIC_GROUP, LITHIUM_24D), orbit(CUBIC_GROUP, LITHIUM_96H)])


def lithium_occupancy(structure: Structure, edge: float = CUBIC_EDGE) -> tuple[float, float]:
    """Shares of the 24d and of the 96h sites of a cubic structure to which a lithium ion is nearest.

    >>> occupied = lithium_occupancy(cubic_llzo(jax.random.key(0)))
    >>> round(24 * occupied[0] + 96 * occupied[1])
    56
    """
    lithium = structure.positions[: structure.counts[structure.names.index("Li")]] / edge
    apart = lithium[:, None, :] - lithium_sites()[None]
    nearest = np.argmin(np.sum((apart - np.round(apart)) ** 2, -1), axis=1)
    cells = round(float(structure.box.volume) / edge**3)
    return float(np.mean(nearest < 24)) * len(lithium) / (24 * cells), float(np.mean(nearest >= 24)) * len(lithium) / (
        96 * cells
    )


def _filled(key: Array, sites: Structure) -> np.ndarray:
    """Numbers of the sites to fill: a random order with the fewest conflicts first, moved on until 7 in 15 fit."""
    wanted, place = sites.size * 56 // 120, sites.positions / np.diag(sites.cell)
    conflicts = []
    for point in place:
        apart = place - point
        distance = np.linalg.norm((apart - np.round(apart)) * np.diag(sites.cell), axis=1)
        conflicts.append(np.flatnonzero((distance < NEAREST_LITHIUM) & (distance > 1e-6)))
    random = np.random.default_rng(np.asarray(jax.random.key_data(key)).astype(np.uint32).reshape(-1))
    filled = np.zeros(sites.size, bool)
    blocked = np.zeros(sites.size, int)
    for _ in range(2000 * sites.size):
        count = int(filled.sum())
        if count == wanted:
            return np.flatnonzero(filled)
        # A site that one ion blocks takes that ion's place: the lithium lattice diffuses until more of it fits.
        site = int(random.choice(np.flatnonzero(~filled & (blocked <= 1))))
        for other in conflicts[site]:
            if filled[other]:
                filled[other] = False
                blocked[conflicts[other]] -= 1
        filled[site] = True
        blocked[conflicts[site]] += 1
    raise ValueError("cubic_llzo: no arrangement of the lithium found; use another key.")
