"""From a phase of a database to its compiled form and its record: which model is read by which rules."""

from collections.abc import Mapping
from typing import Any

import pycalphad

from diffneq.thermo.calphad.assembly import Compiled, compiled
from diffneq.thermo.calphad.constitution import Constitution, Phase, UndescribedPhase, UnsupportedModel, constitution
from diffneq.thermo.calphad.expressions import Units
from diffneq.thermo.calphad.features import Feature, Ledger, feature
from diffneq.thermo.calphad.ionic import check, count_ionic, ionic_products
from diffneq.thermo.calphad.partition import enter_partitioned, partition
from diffneq.thermo.calphad.phases import count_sites, enter, enter_counts, magnetic_kind, parameters
from diffneq.thermo.calphad.physical import INDEN_HILLERT_JARL, XIONG


def compile_phase(
    content: pycalphad.Database, name: str, species: Mapping[str, Any], units: Units
) -> tuple[Compiled, Phase]:
    """Reads the parameters of a phase into a ledger, by the rules of its models.

    Raises:
        UnsupportedModel: a model that is not implemented.
        UndescribedPhase: no parameter is about the chosen elements.
        ValueError: the phase cannot exist of the elements, a FUNCTION is missing, a parameter has no meaning.
    """
    hints = content.phases[name].model_hints
    if "mqmqa" in hints:
        raise UnsupportedModel(f"{name} is a quasichemical (MQMQA) phase, not implemented here; leave the phase out.")
    phase = constitution(content, name, species)
    ledger = Ledger()
    kinds = {p.kind for p in parameters(content, phase)}
    magnetic = dict(hints)
    atoms = _atoms(phase)
    if phase.is_ionic:
        check(phase)
        atoms = count_ionic(ledger, phase)
        enter(ledger, units, content, phase, phase.site, expand=ionic_products(phase))
    else:
        count_sites(ledger, phase)
        if hints.get("ordered_phase") == name:
            pair = partition(content, phase, species)
            enter_partitioned(ledger, units, content, pair)
            magnetic = dict(pair.disordered.hints)
            kinds |= {p.kind for p in parameters(content, pair.disordered)}
        else:
            enter(ledger, units, content, phase, phase.site)
    if not ledger.energy:
        raise UndescribedPhase(f"{name} has no parameters for these elements in the database; leave the phase out.")
    enter_counts(ledger, kinds, atoms)
    result = compiled(phase, magnetic, ledger)
    return result, _record(result, kinds)


def _atoms(phase: Constitution) -> list[tuple[float, Feature]]:
    """Atoms of a formula unit as weighted features."""
    if phase.is_ionic:
        return []
    counts = [(phase.site_ratios[s] * phase.species[name].number_of_atoms, s, name) for s, name in phase.variables]
    return [(weight, feature([phase.site(s, name)])) for weight, s, name in counts if weight]


def _record(member: Compiled, kinds: set[str]) -> Phase:
    phase, magnetic_hints, ledger, _, _ = member
    hints = phase.hints
    ordered = hints.get("ordered_phase") == phase.phase
    magnetic = {INDEN_HILLERT_JARL: "Inden-Hillert-Jarl magnetism", XIONG: "Xiong magnetism"}
    models = ["ionic two-sublattice liquid" if phase.is_ionic else "compound energy formalism"]
    if any(name == "BM" for name, _ in ledger.physical):
        models.append(magnetic[magnetic_kind(magnetic_hints)])
    if ordered:
        models.append("never disorders" if hints.get("never_disorder") else "order-disorder partition")
    models += [word for kind, word in (("GD", "two-state liquid"), ("V0", "molar volume")) if kind in kinds]
    if kinds & {"THETA", "LNTHETA"}:
        models.append("Einstein vibrations")
    return Phase(
        phase.phase,
        phase.sublattices,
        phase.site_ratios,
        tuple(models),
        phase.variables,
        is_gas=bool(hints.get("gas")) or phase.phase == "GAS",
        is_ionic=phase.is_ionic,
        is_charged=not phase.is_ionic and any(phase.species[name].charge for _, name in phase.variables),
        disordered=hints["disordered_phase"] if ordered else None,
    )
