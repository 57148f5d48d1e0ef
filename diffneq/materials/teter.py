"""Rigid ions with Buckingham's law and Coulomb's (Teter; Du and Cormack): many oxides with one set of charges.

    U = sum_{i<j} [k q_i q_j/r + A exp(-r/rho) - C/r^6],      B/r^n + D r^2 in place of the Buckingham part below r0

The Coulomb energy is that of all images, the Buckingham part acts between oxygen and every other ion.
"""

from __future__ import annotations

from diffneq.materials.force_field import ForceField, with_coulomb
from diffneq.models.structure import Structure
from diffneq.particles.ionic_laws import Buckingham, Truncated, tables

CHARGES = {"O": -1.2, "Li": 0.6, "La": 1.8, "Zr": 2.4, "Al": 1.8, "Ti": 2.4}
# With oxygen: A [eV], rho [angstrom], C [eV angstrom^6]; B [eV angstrom^n], n, D [eV/angstrom^2], r0 [angstrom].
PAIRS = {
    "O": ((2029.2204, 0.343640, 192.580), (46.462, 3.430, -0.32605, 1.906)),
    "Li": ((41051.938, 0.151160, 0.0), None),
    "La": ((4369.390, 0.278600, 60.278), (75.669457, 2.810890, -4.482141, 1.301404)),
    "Zr": ((17943.384, 0.226627, 127.650), (108.655, 3.3050, -8.481, 1.224)),
    "Al": ((12201.417, 0.195628, 31.997), None),
    "Ti": ((23707.909, 0.185580, 14.513), None),
}


def teter(structure: Structure, cutoff: float = 10.0, accuracy: float = 1e-4) -> ForceField:
    """Force field of an oxide of Li, La, Zr, Al and Ti.

    Arguments:
        structure: the ions and the cell, for which the electrostatics are planned.
        cutoff: of the Buckingham part, cut, and of the real-space part of the Coulomb energy [angstrom].
        accuracy: rms error of the Coulomb forces, over that of two typical ions a mean spacing apart.

    Raises:
        ValueError: for an element without parameters, a cell that is not neutral.

    Source: the du_teter table of the program amorphouspy, and there L. Deng, J. Du, J. Am. Ceram. Soc. 102, 2482
    (2019). We know of no splice for Al and Ti: keep them from collapsing onto oxygen.

    >>> from diffneq.materials import tetragonal_llzo
    >>> field = teter(tetragonal_llzo(), cutoff=6.0, accuracy=1e-3)
    >>> field.charges
    (0.6, 1.8, 2.4, -1.2)
    """
    names, size = structure.names, len(structure.names)
    unknown = [name for name in names if name not in CHARGES]
    if unknown:
        raise ValueError(f"The Teter force field here has parameters of {tuple(CHARGES)}; it does not know {unknown}.")
    plain: list[dict] = [{}, {}, {}]
    splice: list[dict] = [{}, {}, {}, {}]
    if "O" in names:
        oxygen = names.index("O")
        for a, name in enumerate(names):
            far, near = PAIRS[name]
            for table, value in zip(plain, far, strict=True):
                table[a, oxygen] = value
            for table, value in zip(splice, near or (), strict=False):
                table[a, oxygen] = value
    front, power, bend, start = (tables(size, table) for table in splice)
    law = Buckingham(
        tables(size, plain[0]), tables(size, plain[1], rest=1.0), tables(size, plain[2]), (front, power, bend, start)
    )
    charges = tuple(CHARGES[name] for name in names)
    return with_coulomb(Truncated(law, cutoff, "cut"), charges, structure, cutoff, accuracy)
