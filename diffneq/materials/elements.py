"""Standard atomic weights and the usual formal charges of the elements of ionic solids and salts.

Source of the weights: T. Prohaska et al., Pure Appl. Chem. 94, 573 (2022), abridged to four decimals.
"""

from __future__ import annotations

# name: (mass [u], formal charge [e])
ELEMENTS: dict[str, tuple[float, int]] = {
    "Li": (6.94, 1), "O": (15.999, -2), "F": (18.9984, -1), "Na": (22.9898, 1), "Mg": (24.305, 2),
    "Al": (26.9815, 3), "Si": (28.085, 4), "P": (30.9738, 5), "S": (32.06, -2), "Cl": (35.45, -1),
    "K": (39.0983, 1), "Ca": (40.078, 2), "Ti": (47.867, 4), "Zn": (65.38, 2), "Ga": (69.723, 3),
    "Ge": (72.630, 4), "Se": (78.971, -2), "Br": (79.904, -1), "Rb": (85.4678, 1), "Sr": (87.62, 2),
    "Y": (88.9058, 3), "Zr": (91.224, 4), "Nb": (92.9064, 5), "Ag": (107.8682, 1), "Sn": (118.71, 4),
    "I": (126.9045, -1), "Cs": (132.9055, 1), "Ba": (137.327, 2), "La": (138.9055, 3), "Ta": (180.9479, 5),
}  # fmt: skip


def masses(names: tuple[str, ...]) -> tuple[float, ...]:
    """Atomic weights [u] of elements.

    Raises:
        ValueError: for an element that is not listed here.

    >>> masses(("Li", "O"))
    (6.94, 15.999)
    """
    return tuple(_entry(name)[0] for name in names)


def formal_charges(names: tuple[str, ...]) -> tuple[int, ...]:
    """The usual oxidation states [e] of elements.

    Raises:
        ValueError: for an element that is not listed here.

    >>> formal_charges(("Li", "La", "Zr", "O"))
    (1, 3, 4, -2)
    """
    return tuple(_entry(name)[1] for name in names)


def _entry(name: str) -> tuple[float, int]:
    if name not in ELEMENTS:
        raise ValueError(
            f"The element {name!r} is not among {', '.join(ELEMENTS)}; pass masses and formal charges of your own."
        )
    return ELEMENTS[name]
