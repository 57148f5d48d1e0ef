"""Ellingham's diagram: Gibbs energies of oxidation per mole of O2.

H. J. T. Ellingham, J. Soc. Chem. Ind. 63 (1944) 125.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from diffneq.thermo.reactions.reaction import Reaction, reaction
from diffneq.thermo.species import library
from diffneq.thermo.species.joining import join
from diffneq.thermo.species.species import Species

# Phases of the collection "nasa" that make one substance. Its condensed tables have no NiO, no ZnO and no MnO: the
# lines of nickel, zinc and manganese are left out.
SUBSTANCES: dict[str, tuple[str, ...]] = {
    "Fe": ("Fe(a)", "Fe(c)", "Fe(d)", "Fe(L)"), "FeO": ("FeO(s)", "FeO(L)"), "Cu": ("Cu(cr)", "Cu(L)"),
    "Cu2O": ("Cu2O(s)", "Cu2O(L)"), "Al": ("Al(cr)", "Al(L)"), "Al2O3": ("Al2O3(a)", "Al2O3(L)"),
    "Si": ("Si(cr)", "Si(L)"), "SiO2": ("SiO2(Lqz)", "SiO2(hqz)", "SiO2(L)"), "Ti": ("Ti(a)", "Ti(b)", "Ti(L)"),
    "TiO2": ("TiO2(ru)", "TiO2(L)"), "Cr": ("Cr(cr)", "Cr(L)"), "Cr2O3": ("Cr2O3(s)", "Cr2O3(L)"),
    "Mg": ("Mg(cr)", "Mg(L)"), "MgO": ("MgO(s)", "MgO(L)"), "Ca": ("Ca(a)", "Ca(b)", "Ca(L)"),
    "CaO": ("CaO(s)", "CaO(L)"), "Pb": ("Pb(cr)", "Pb(L)"), "PbO": ("PbO(rd)", "PbO(yw)", "PbO(L)"),
    "C": ("C(gr)",), "CO": ("CO",), "CO2": ("CO2",), "H2": ("H2",), "H2O": ("H2O",), "O2": ("O2",),
}  # fmt: skip
OXIDATIONS = (
    "4 Cu + O2 = 2 Cu2O", "2 Pb + O2 = 2 PbO", "2 H2 + O2 = 2 H2O", "2 Fe + O2 = 2 FeO", "C + O2 = CO2",
    "2 C + O2 = 2 CO", "1.33333333333333333 Cr + O2 = 0.66666666666666667 Cr2O3", "Si + O2 = SiO2", "Ti + O2 = TiO2",
    "1.33333333333333333 Al + O2 = 0.66666666666666667 Al2O3", "2 Mg + O2 = 2 MgO", "2 Ca + O2 = 2 CaO",
)  # fmt: skip


def substances() -> Mapping[str, Species]:
    """Name -> species of the collection "nasa", solid and liquid joined.

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     len(substances()["Fe"].edges) > 4
    True
    """
    pick = library.collection("nasa")
    return {name: _joined(name, [pick[p] for p in phases]) for name, phases in SUBSTANCES.items()}


def _joined(name: str, phases: Sequence[Species]) -> Species:
    return join(name, phases) if len(phases) > 1 else phases[0]


def oxidations() -> tuple[Reaction, ...]:
    """The reactions of the diagram, each with one mole of O2."""
    known = {**substances()}
    return tuple(reaction(equation, known) for equation in OXIDATIONS)


def lines(T: np.ndarray) -> dict[str, np.ndarray]:
    """Delta G of each reaction, J per mole of O2, NaN where a substance is not given.

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     copper = lines(np.array([1000.0]))["4 Cu + O2 = 2 Cu2O"]
    >>> round(float(copper[0]) / 1e3)
    -191
    """
    out = {}
    for equation, made in zip(OXIDATIONS, oxidations(), strict=True):
        low = max(s.range[0] for s in made.species)
        high = min(s.range[1] for s in made.species)
        name = equation.replace("1.33333333333333333", "4/3").replace("0.66666666666666667", "2/3")
        out[name] = np.where((low <= T) & (high >= T), np.asarray(made.gibbs(T)), np.nan)
    return out
