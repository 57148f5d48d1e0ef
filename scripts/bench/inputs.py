"""Start positions and pair tables shared by all contenders, so that they run the same physics."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

LJ_DENSITY = 0.8442
LJ_TEMPERATURE = 1.44
LJ_STEP = 0.005

WCA_PARTICLES = 500
WCA_DENSITY = 0.6
WCA_STEP = 0.005
WCA_DAMPING_RATE = 1.0

ELECTRON, PHONON, IMPURITY = 0, 1, 2


@dataclass(frozen=True)
class ConductorCase:
    """The soft conductor: u = Y (2 - r)^(5/2) for all pairs, Langevin damping on the phonons only, T = 1."""

    electrons: int = 1500
    phonons: int = 1500
    impurities: int = 500
    lengths: tuple[float, float] = (750.0, 125.0)
    stiffness: float = 40.0
    diameter: float = 2.0
    step: float = 0.01
    damping_rate: float = 0.1
    fields: tuple[float, ...] = (0.0, 0.02, 0.05, 0.1)
    transient: int = 5_000

    @property
    def particles(self) -> int:
        """All particles, the fixed ones too."""
        return self.electrons + self.phonons + self.impurities

    @property
    def area(self) -> float:
        """L_x L_y."""
        return self.lengths[0] * self.lengths[1]

    @property
    def species(self) -> np.ndarray:
        """Species of each particle, electrons first."""
        return np.repeat([ELECTRON, PHONON, IMPURITY], [self.electrons, self.phonons, self.impurities])


def hertzian(r: np.ndarray, stiffness: float, diameter: float) -> tuple[np.ndarray, np.ndarray]:
    """u = Y d^(5/2) and -du/dr = (5/2) Y d^(3/2), with d = max(0, diameter - r)."""
    overlap = np.maximum(0.0, diameter - np.asarray(r))
    return stiffness * overlap**2.5, 2.5 * stiffness * overlap**1.5


def lj_cells(particles: int) -> int:
    """Cells a side of the fcc crystal with 4 n^3 = `particles`."""
    cells = round((particles / 4) ** (1 / 3))
    if 4 * cells**3 != particles:
        raise ValueError(f"an fcc crystal has 4 n^3 particles (4000, 32000, 108000, ...), not {particles}")
    return cells


def fcc(cells: int) -> tuple[np.ndarray, float]:
    """Positions (N, 3) of an fcc crystal at rho = 0.8442, and the side of its cube."""
    side = (4 * cells**3 / LJ_DENSITY) ** (1 / 3)
    corner = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), -1).reshape(-1, 1, 3)
    base = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    return (corner + base).reshape(-1, 3) * (side / cells), side


def wca_lattice() -> tuple[np.ndarray, float]:
    """Positions (500, 2) on a 25 x 20 grid in the square of density 0.6, and its side; no pair overlaps."""
    side = float(np.sqrt(WCA_PARTICLES / WCA_DENSITY))
    x, y = np.meshgrid((np.arange(25) + 0.5) / 25, (np.arange(20) + 0.5) / 20, indexing="ij")
    return np.stack([x.ravel(), y.ravel()], -1) * side, side


def conductor_positions(case: ConductorCase, seed: int) -> np.ndarray:
    """Positions (N, 2): impurities anywhere, the others one after the other wherever no disc is touched."""
    rng = np.random.default_rng(seed)
    lengths = np.asarray(case.lengths)
    placed = rng.random((case.impurities, 2)) * lengths
    mobile = np.empty((0, 2))
    while len(mobile) < case.electrons + case.phonons:
        tries = rng.random((400, 2)) * lengths
        tree = cKDTree(np.concatenate([placed, mobile]), boxsize=lengths)
        tries = tries[tree.query(tries)[0] > case.diameter]
        among = cKDTree(tries, boxsize=lengths).query_pairs(case.diameter, output_type="ndarray")
        tries = np.delete(tries, among[:, 1], axis=0)
        mobile = np.concatenate([mobile, tries])
    mobile = rng.permutation(mobile[: case.electrons + case.phonons])
    return np.concatenate([mobile, placed])


def write_pair_table(path: Path, stiffness: float, diameter: float, entries: int = 4000) -> None:
    """The Hertzian law as a LAMMPS `pair_style table` file, keyword HERTZ, equidistant in r."""
    inner = 0.02
    r = np.linspace(inner, diameter, entries)
    energy, force = hertzian(r, stiffness, diameter)
    with path.open("w") as file:
        file.write(f"# u = {stiffness} ({diameter} - r)^(5/2)\n\nHERTZ\nN {entries} R {inner} {diameter}\n\n")
        for row in zip(range(1, entries + 1), r, energy, force, strict=True):
            file.write("{} {:.12g} {:.12g} {:.12g}\n".format(*row))


def write_data(path: Path, lengths: tuple[float, float], positions: np.ndarray, species: np.ndarray) -> None:
    """A two-dimensional LAMMPS data file (atom style atomic, unit masses, types counted from one)."""
    types = int(species.max()) + 1
    lines = [
        "start positions",
        "",
        f"{len(positions)} atoms",
        f"{types} atom types",
        "",
        f"0 {lengths[0]:.12g} xlo xhi",
        f"0 {lengths[1]:.12g} ylo yhi",
        "-0.5 0.5 zlo zhi",
        "",
        "Masses",
        "",
    ]
    lines += [f"{kind + 1} 1.0" for kind in range(types)]
    lines += ["", "Atoms # atomic", ""]
    lines += [
        f"{i + 1} {kind + 1} {x:.12g} {y:.12g} 0.0"
        for i, (kind, (x, y)) in enumerate(zip(species, positions, strict=True))
    ]
    path.write_text("\n".join(lines) + "\n")
