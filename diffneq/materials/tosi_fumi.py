"""Alkali halides: the rigid-ion potential of Tosi and Fumi, and their rock-salt crystals.

    u_ab(r) = z_a z_b k/r + beta_ab b exp((s_a + s_b - r)/rho) - C_ab/r^6 - D_ab/r^8

beta_ab = 1 + z_a/n_a + z_b/n_b is Pauling's factor, with n = 8 outer electrons, of Li 2. The Coulomb energy is that of
all images.
"""

from __future__ import annotations

import numpy as np

from diffneq.materials.elements import masses
from diffneq.materials.force_field import ForceField, with_coulomb
from diffneq.materials.units import ATOMIC_MASS, ELEMENTARY_CHARGE
from diffneq.models.structure import Structure
from diffneq.particles.ionic_laws import BornMayerHuggins, Truncated

# b = 0.338e-19 J, in eV.
_REPULSION = 0.338e-19 / ELEMENTARY_CHARGE
# C and D are printed in 1e-60 erg cm^6 and 1e-76 erg cm^8; this makes both eV angstrom^6 and eV angstrom^8.
_DISPERSION = 0.624150648
RADII = {
    "Li": 0.816,
    "Na": 1.170,
    "K": 1.463,
    "Rb": 1.587,
    "Cs": 1.720,
    "F": 1.179,
    "Cl": 1.585,
    "Br": 1.716,
    "I": 1.907,
}
# rho [angstrom]; C and D of cation-cation, cation-anion, anion-anion, as printed.
SALTS: dict[str, tuple[float, tuple[float, float, float], tuple[float, float, float]]] = {
    "LiF": (0.299, (0.073, 0.8, 14.5), (0.03, 0.6, 17)),
    "LiCl": (0.342, (0.073, 2, 111), (0.03, 2.4, 223)),
    "LiBr": (0.353, (0.073, 2.5, 185), (0.03, 3.3, 423)),
    "LiI": (0.43, (0.073, 3.3, 378), (0.03, 5.3, 1060)),
    "NaF": (0.33, (1.68, 4.5, 16.5), (0.8, 3.8, 20)),
    "NaCl": (0.317, (1.68, 11.2, 116), (0.8, 13.9, 233)),
    "NaBr": (0.34, (1.68, 14, 196), (0.8, 19, 450)),
    "NaI": (0.386, (1.68, 19.1, 392), (0.8, 31, 1100)),
    "KF": (0.338, (24.3, 19.5, 18.6), (24, 21, 22)),
    "KCl": (0.337, (24.3, 48, 124.5), (24, 73, 250)),
    "KBr": (0.335, (24.3, 60, 206), (24, 99, 470)),
    "KI": (0.355, (24.3, 82, 403), (24, 156, 1130)),
    "RbF": (0.328, (59.4, 31, 18.9), (82, 40, 23)),
    "RbCl": (0.318, (59.4, 79, 130), (82, 134, 260)),
    "RbBr": (0.335, (59.4, 99, 215), (82, 180, 490)),
    "RbI": (0.337, (59.4, 135, 428), (82, 280, 1200)),
    "CsF": (0.282, (152, 52, 19.1), (278, 78, 23)),
}
# Edges of the rock-salt cells at room temperature [angstrom]; R. W. G. Wyckoff, Crystal Structures 1 (1963).
_EDGES = {
    "LiF": 4.0173, "LiCl": 5.1295, "LiBr": 5.5013, "LiI": 6.0000, "NaF": 4.620, "NaCl": 5.6402, "NaBr": 5.9732,
    "NaI": 6.4728, "KF": 5.347, "KCl": 6.2931, "KBr": 6.6000, "KI": 7.0656, "RbF": 5.64, "RbCl": 6.5810,
    "RbBr": 6.854, "RbI": 7.342, "CsF": 6.008,
}  # fmt: skip


def ions_of(salt: str) -> tuple[str, str]:
    """Cation and anion of a salt.

    Raises:
        ValueError: for a salt without parameters.

    >>> ions_of("NaCl")
    ('Na', 'Cl')
    """
    if salt not in SALTS:
        raise ValueError(f"Parameters of Tosi and Fumi are known of {', '.join(SALTS)}; not of {salt!r}.")
    cation = next(name for name in RADII if salt.startswith(name) and salt[len(name) :] in RADII)
    return cation, salt[len(cation) :]


def rock_salt(salt: str, repeats: int | tuple[int, int, int] = 1, edge: float | None = None) -> Structure:
    """The rock-salt crystal, Fm-3m, 8 ions a cell, or a supercell; melted, it is the start of a molten salt.

    Arguments:
        salt: one of `SALTS`.
        repeats: unit cells along the edges.
        edge: of the unit cell [angstrom]; default that at room temperature. See `edge_of_density`.

    Raises:
        ValueError: for an unknown salt.

    Source of the edges: R. W. G. Wyckoff, Crystal Structures 1 (1963).

    >>> rock_salt("NaCl", 3).counts
    (108, 108)
    """
    cation, anion = ions_of(salt)
    edge = _EDGES[salt] if edge is None else float(edge)
    places = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2
    every = np.concatenate([places, places + 0.5]) * edge
    return Structure.of([cation] * 4 + [anion] * 4, every, (edge,) * 3, (cation, anion)).supercell(repeats)


def edge_of_density(salt: str, density: float) -> float:
    """Edge [angstrom] of a cubic cell of four formula units at a density given in g/cm^3.

    >>> round(edge_of_density("NaCl", 2.163), 2)
    5.64
    """
    mass = sum(masses(ions_of(salt)))
    return float((4 * mass * ATOMIC_MASS * 1e3 / density) ** (1 / 3) * 1e8)


def tosi_fumi(salt: str, structure: Structure, cutoff: float = 9.0, accuracy: float = 1e-4) -> ForceField:
    """Force field of an alkali halide.

    Arguments:
        salt: one of `SALTS`.
        structure: its ions and cell, for which the electrostatics are planned.
        cutoff: of the short-ranged part, cut, and of the real-space part of the Coulomb energy [angstrom].
        accuracy: rms error of the Coulomb forces, over that of two typical ions a mean spacing apart.

    Raises:
        ValueError: for an unknown salt, or other ions.

    Source: M. P. Tosi, F. G. Fumi, J. Phys. Chem. Solids 25, 45 (1964); F. G. Fumi, M. P. Tosi, ibid. 25, 31 (1964),
    from tables that two public programs carry and that agree.
    """
    if set(structure.names) != set(ions_of(salt)):
        raise ValueError(f"tosi_fumi: {salt} consists of {ions_of(salt)}, the structure of {structure.names}.")
    law = Truncated(tosi_fumi_law(salt, structure.names), cutoff, "cut")
    charges = tuple(1.0 if name == ions_of(salt)[0] else -1.0 for name in structure.names)
    return with_coulomb(law, charges, structure, cutoff, accuracy)


def tosi_fumi_law(salt: str, names: tuple[str, ...]) -> BornMayerHuggins:
    """The short-ranged part over the species `names`.

    >>> law = tosi_fumi_law("NaCl", ("Na", "Cl")).for_pair(0, 1)
    >>> round(float(law.strength), 5), round(float(law.sextic), 4), round(float(law.octic), 4)
    (0.21096, 6.9905, 8.6757)
    """
    length, sextic, octic = SALTS[salt]
    cation = ions_of(salt)[0]
    anions = np.array([0 if name == cation else 1 for name in names])
    kind = anions[:, None] + anions[None, :]  # 0, 1, 2: of how many anions a pair consists
    outer = np.array([2 if name == "Li" else 8 for name in names])
    sign = np.where(anions == 0, 1, -1)
    pauling = 1 + (sign / outer)[:, None] + (sign / outer)[None, :]
    radius = np.array([RADII[name] for name in names])
    return BornMayerHuggins(
        _REPULSION * pauling,
        radius[:, None] + radius[None, :],
        length,
        _DISPERSION * np.asarray(sextic)[kind],
        _DISPERSION * np.asarray(octic)[kind],
    )
