"""The bond-valence force field (softBV) of garnets: Morse bonds of cations to oxygen, screened Coulomb repulsion.

    U = sum over cation-O pairs D [(exp(a (r0 - r)) - 1)^2 - 1] + sum over like-charged pairs k q_i q_j erfc(r/rho_ij)/r

Both are force-shifted at the cutoff. Charges are q_i = V_i/sqrt(n_i) times sqrt(S_-/S_+) for cations and sqrt(S_+/S_-)
for anions, where S adds up |V|/sqrt(n) over the ions of either sign; rho_ij = f (R_i + R_j).
"""

from __future__ import annotations

import math

import numpy as np

from diffneq.materials.elements import formal_charges
from diffneq.materials.force_field import ForceField
from diffneq.models.potentials import PairPotential
from diffneq.particles.ionic_laws import BondValenceMorse, ScreenedCoulomb, Sum, Truncated, tables

# e^2/(4 pi epsilon_0) as the source has it [eV angstrom].
_COULOMB = 14.3998554737
# Bonds to oxygen: depth [eV], steepness [1/angstrom], minimum [angstrom].
BONDS = {"Li": (0.98816, 1.93798, 1.94001), "La": (1.18587, 2.21730, 2.46989), "Zr": (2.19103, 2.04082, 1.99602)}
# Radius [angstrom] and principal quantum number.
IONS = {"O": (0.66, 2), "Li": (1.28, 2), "La": (2.07, 6), "Zr": (1.75, 5)}


def softbv(names: tuple[str, ...], counts: tuple[int, ...], factor: float = 0.785, cutoff: float = 6.0) -> ForceField:
    """Force field of Li, La, Zr and O ions.

    Arguments:
        names, counts: species, and ions of each: the charges depend on the composition.
        factor: f, what the sums of radii are multiplied by. With f = 1 (as in the source's example) the tetragonal cell
            is under 24 GPa; 0.785 makes its static pressure vanish at cutoff 6, 0.767 at cutoff 10: our calibration.
            Diffusion depends strongly on it.
        cutoff: [angstrom].

    Raises:
        ValueError: for an element without parameters.

    Source: example pmd_BVS_LLZO of the program nap (R. Kobayashi, MIT licence); the form, S. Adams, R. P. Rao, Phys.
    Status Solidi A 208, 1746 (2011).

    >>> field = softbv(("Li", "La", "Zr", "O"), (56, 24, 16, 96))
    >>> [round(q, 5) for q in field.charges]
    [0.83392, 1.44439, 2.10966, -1.19916]
    """
    unknown = [name for name in names if name not in IONS]
    if unknown:
        raise ValueError(f"softBV here has parameters of {tuple(IONS)}; it does not know {unknown}.")
    charges = _charges(names, counts)
    size = len(names)
    bonds: list[dict] = [{}, {}, {}]
    strength, length = {}, {}
    for a in range(size):
        for b in range(a, size):
            if charges[a] * charges[b] > 0:
                strength[a, b] = _COULOMB * charges[a] * charges[b]
            length[a, b] = IONS[names[a]][0] + IONS[names[b]][0]
            cation = [n for n in (names[a], names[b]) if n != "O"]
            if len(cation) == 1:
                for table, value in zip(bonds, BONDS[cation[0]], strict=True):
                    table[a, b] = value
    morse = BondValenceMorse(*(tables(size, table) for table in bonds))
    coulomb = ScreenedCoulomb(tables(size, strength), tables(size, length), factor)
    return ForceField(PairPotential(Truncated(Sum(morse, coulomb), cutoff)), charges)


def _charges(names: tuple[str, ...], counts: tuple[int, ...]) -> tuple[float, ...]:
    bare = np.array([z / math.sqrt(IONS[n][1]) for n, z in zip(names, formal_charges(names), strict=True)])
    ions = np.asarray(counts, float)
    plus, minus = float((bare * ions)[bare > 0].sum()), float(-(bare * ions)[bare < 0].sum())
    if not (plus > 0 and minus > 0):
        raise ValueError("softBV: charges need ions of both signs.")
    return tuple(float(q) for q in np.where(bare > 0, bare * math.sqrt(minus / plus), bare * math.sqrt(plus / minus)))
