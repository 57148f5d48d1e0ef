"""One phase of a database, read into a ledger of features."""

from collections.abc import Callable

import pycalphad
from tinydb import where

from diffneq.thermo.calphad.constitution import Constitution, UnsupportedModel
from diffneq.thermo.calphad.expressions import MULTIPLIERS, Monomial, Row, Units
from diffneq.thermo.calphad.features import Ledger, Parameter, Site, products
from diffneq.thermo.calphad.physical import INDEN_HILLERT_JARL, NO_MAGNETISM, XIONG
from diffneq.thermo.calphad.pieces import EVERYWHERE

REFERENCE_PRESSURE = 101325.0  # Pa: where the volume model of a database leaves the energy unchanged
MAGNETIC = {"TC": "TC", "BMAGN": "BM", "NT": "NT"}
VIBRATIONAL = {"THETA": "LNTHETA", "LNTHETA": "LNTHETA", "GD": "GD"}
SYMMETRIES = ("symmetry_FCC_4SL", "symmetry_BCC_4SL")  # one parameter stands for all permutations of sublattices
UNSUPPORTED = {
    "VA": "molar volumes that depend on T",
    "VK": "compressibility",
    "VC": "compressibility",
    "QKT": "Kohler-Toop extrapolation",
}


def parameters(database: pycalphad.Database, phase: Constitution) -> list[Parameter]:
    """The parameters of a phase whose species are all present, wildcards as ("*",).

    Raises:
        UnsupportedModel: a model that is not implemented.
        ValueError: a wildcard beside species.
    """
    if any(hint in phase.hints for hint in SYMMETRIES) and phase.hints.get("ordered_phase") != phase.phase:
        raise UnsupportedModel(f"{phase.phase} uses option F or B without a disordered part; leave the phase out.")
    found = []
    for entry in database.search(where("phase_name") == phase.phase):
        names = tuple(tuple(s.name for s in sublattice) for sublattice in entry["constituent_array"])
        order = entry["parameter_order"]
        kind = str(entry["parameter_type"])
        label = f"PARAMETER {kind}({phase.phase},{':'.join(','.join(n) for n in names)};{order})"
        if not _fits(names, phase):
            continue
        if kind in UNSUPPORTED:
            raise UnsupportedModel(
                f"{phase.phase} uses {UNSUPPORTED[kind]}, not implemented here; leave the phase out."
            )
        if any(n[0] == "*" and len(n) > 1 for n in names):
            raise ValueError(f"{label} mixes a wildcard with species; write one parameter for each species.")
        found.append(Parameter(kind, names, order, entry["parameter"], label))
    return found


def _fits(names, phase: Constitution) -> bool:
    sublattices = phase.sublattices
    if phase.is_ionic and len(names) == 1:  # neutral species of the second sublattice are written alone
        sublattices = sublattices[1:]
    if len(names) != len(sublattices):
        return False
    return all(n[0] == "*" or set(n) <= set(s) for n, s in zip(names, sublattices, strict=True))


def magnetic_kind(hints) -> int:
    """Which magnetic model the type definitions of a phase state."""
    if "ihj_magnetic_structure_factor" not in hints:
        return NO_MAGNETISM
    return XIONG if hints["ihj_magnetic_afm_factor"] == 0.0 else INDEN_HILLERT_JARL


def channel(parameter: Parameter, hints) -> str | None:
    """Where a parameter goes: "G", "V0", a physical channel, or None where it has no bearing on the energy."""
    interaction = any(len(names) > 1 for names in parameter.constituents)
    if (parameter.kind in ("G", "L") and interaction) or (parameter.kind == "G" and parameter.order == 0):
        return "G"
    if parameter.kind in MAGNETIC:
        kind = magnetic_kind(hints)
        return MAGNETIC[parameter.kind] if kind == XIONG or (kind and parameter.kind != "NT") else None
    return "V0" if parameter.kind == "V0" else VIBRATIONAL.get(parameter.kind)


def enter(
    ledger: Ledger,
    units: Units,
    database: pycalphad.Database,
    phase: Constitution,
    site: Site,
    weight: float = 1.0,
    expand: Callable = products,
) -> None:
    """Adds weight times the parameters of a phase, written in the site fractions `site`, to the ledger."""
    entries = parameters(database, phase)
    keys = [(p.kind, p.constituents) for p in entries]
    symmetric = any(hint in phase.hints for hint in SYMMETRIES)
    for n, parameter in enumerate(entries):
        name = channel(parameter, phase.hints)
        if name is None:
            continue
        terms = expand(parameter, site, keys.count((parameter.kind, parameter.constituents)) == 1)
        rows = units.rows(_unit_name(parameter, n, symmetric), parameter.expression)
        if name == "V0":
            name, rows = "G", _volume(parameter, rows)
        ledger.add(name, [(weight * w, product) for w, product in terms], rows)


def _unit_name(parameter: Parameter, n: int, symmetric: bool) -> str:
    """Under which name a parameter is compiled; one name for all permutations that the file wrote as one parameter."""
    if not symmetric:
        return f"{parameter.label}#{n}"
    head = parameter.label.split("(")[0]
    return f"{head} of {sorted(parameter.constituents)};{parameter.order}#{parameter.expression}"


def _volume(parameter: Parameter, rows: list[Row]) -> list[Row]:
    """V0 (P - 101325 Pa)."""
    if any(row.multiplier for row in rows):
        raise UnsupportedModel(f"{parameter.label} refers to functions times T; leave the phase out.")
    pressure = [row._replace(multiplier=MULTIPLIERS[Monomial(p=1)]) for row in rows]
    return pressure + [row._replace(weight=-REFERENCE_PRESSURE * row.weight) for row in rows]


def number(value: float) -> list[Row]:
    """The rows of a plain number."""
    return [Row(value, 0, (), EVERYWHERE)]


def count_sites(ledger: Ledger, phase: Constitution) -> None:
    """The configurational entropy -R sum_s a_s sum_j y_sj ln y_sj of a phase with fixed site numbers."""
    for s, name in phase.variables:
        ledger.entropy[phase.site(s, name)] += phase.site_ratios[s]


def enter_counts(ledger: Ledger, parameter_kinds: set[str], atoms) -> None:
    """The channels that say how often the Einstein and two-state energies count in a formula unit.

    Args:
        ledger: of the phase.
        parameter_kinds: types of the parameters of the phase.
        atoms: the atoms of a formula unit as a list of (weight, feature).

    Raises:
        UnsupportedModel: Einstein temperatures of both kinds.
    """
    if {"THETA", "LNTHETA"} <= parameter_kinds:
        raise UnsupportedModel("A phase gives both THETA and LNTHETA; keep the one that its authors meant.")
    if "THETA" in parameter_kinds:
        ledger.add("OSCILLATORS", [(1.0, ())], number(1.0))
    if "LNTHETA" in parameter_kinds:
        ledger.add("OSCILLATORS", atoms, number(1.0))
    if "GD" in parameter_kinds:
        ledger.add("TWO_STATE", [(1.0, ())], number(1.0))
