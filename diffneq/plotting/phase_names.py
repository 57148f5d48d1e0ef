"""Names of phases as they are printed: structures by their usual short names, compounds as formulas."""

import re
from collections.abc import Iterable, Mapping

_STRUCTURES = {
    "LIQUID": "liquid", "IONIC_LIQ": "liquid", "GAS": "gas", "FCC_A1": "fcc", "HCP_A3": "hcp", "BCC_A2": "bcc",
    "BCT_A5": "bct", "BCC_B2": "B2", "FCC_L12": "L1$_2$", "DIAMOND_A4": "diamond", "GRAPHITE": "graphite",
    "CEMENTITE": "cementite", "SIGMA": r"$\sigma$", "HCP_ZN": "hcp",
}  # fmt: skip


def printed(name: str, elements: Iterable[str], names: Mapping[str, str] | None = None) -> str:
    """One phase, or several joined by " + ".

    >>> printed("CU2MG + FCC_A1", ["CU", "MG"])
    'Cu$_2$Mg + fcc'
    """
    each = [_one(part.strip(), list(elements), names or {}) for part in name.split("+")]
    if len(each) == 2 and each[0] == each[1]:
        return f"{each[0]}\u2032 + {each[1]}\u2033"
    return " + ".join(each)


def element(symbol: str) -> str:
    """AL as Al."""
    return symbol.capitalize()


def _one(name: str, elements: list[str], names: Mapping[str, str]) -> str:
    if name in names:
        return names[name]
    if name in _STRUCTURES:
        return _STRUCTURES[name]
    symbols = "|".join(sorted((e.upper() for e in elements), key=len, reverse=True))
    if not re.fullmatch(rf"(({symbols})\d*)+", name.upper()):
        return name
    parts = re.findall(rf"({symbols})(\d*)", name.upper())
    return "".join(element(e) + (f"$_{{{n}}}$" if len(n) > 1 else f"$_{n}$" if n not in ("", "1") else "")
                   for e, n in parts)  # fmt: skip
