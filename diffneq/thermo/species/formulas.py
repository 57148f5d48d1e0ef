"""Chemical formulas, and atomic weights.

Atomic weights in g/mol: abridged standard values of CIAAW (J. Meija et al., Pure Appl. Chem. 88 (2016) 265).
"""

import re
from collections.abc import Mapping

_WEIGHTS = """
H 1.008 He 4.0026 Li 6.94 Be 9.0122 B 10.81 C 12.011 N 14.007 O 15.999 F 18.998 Ne 20.180 Na 22.990 Mg 24.305
Al 26.982 Si 28.085 P 30.974 S 32.06 Cl 35.45 Ar 39.948 K 39.098 Ca 40.078 Sc 44.956 Ti 47.867 V 50.942 Cr 51.996
Mn 54.938 Fe 55.845 Co 58.933 Ni 58.693 Cu 63.546 Zn 65.38 Ga 69.723 Ge 72.630 As 74.922 Se 78.971 Br 79.904
Kr 83.798 Rb 85.468 Sr 87.62 Y 88.906 Zr 91.224 Nb 92.906 Mo 95.95 Ru 101.07 Rh 102.91 Pd 106.42 Ag 107.87
Cd 112.41 In 114.82 Sn 118.71 Sb 121.76 Te 127.60 I 126.90 Xe 131.29 Cs 132.91 Ba 137.33 La 138.91 Ce 140.12
Hf 178.49 Ta 180.95 W 183.84 Re 186.21 Os 190.23 Ir 192.22 Pt 195.08 Au 196.97 Hg 200.59 Tl 204.38 Pb 207.2
Bi 208.98 Th 232.04 U 238.03 D 2.0141
""".split()
ELECTRON = "E"  # the name of the "element" that counts electrons; 5.4858e-4 g/mol
WEIGHTS: dict[str, float] = dict(zip(_WEIGHTS[::2], map(float, _WEIGHTS[1::2]), strict=True)) | {ELECTRON: 5.4858e-4}
_PIECE = re.compile(r"([A-Z][a-z]?)(\d*\.?\d*)")


def parse_formula(text: str) -> dict[str, float]:
    """Atoms of a formula without brackets.

    Raises:
        ValueError: something else than symbols of elements and numbers.

    >>> parse_formula("CH3OH"), parse_formula("Fe0.947O")
    ({'C': 1.0, 'H': 4.0, 'O': 1.0}, {'Fe': 0.947, 'O': 1.0})
    """
    if not text or _PIECE.sub("", text):
        raise ValueError(f"'{text}' is not a formula; write symbols and numbers, for example CH4 or Fe2O3.")
    atoms: dict[str, float] = {}
    for symbol, count in _PIECE.findall(text):
        if symbol not in WEIGHTS:
            raise ValueError(f"'{text}' names {symbol}, which is no element.")
        atoms[symbol] = atoms.get(symbol, 0.0) + float(count or 1)
    return atoms


def molar_mass(atoms: Mapping[str, float]) -> float:
    """kg/mol.

    Raises:
        ValueError: an element without a weight in the table.

    >>> round(molar_mass({"H": 2, "O": 1}), 6)
    0.018015
    """
    unknown = [e for e in atoms if e not in WEIGHTS]
    if unknown:
        raise ValueError(f"No atomic weight of {', '.join(unknown)} is known.")
    return 1e-3 * sum(count * WEIGHTS[e] for e, count in atoms.items())
