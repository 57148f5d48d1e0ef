"""Systems: the phases that a set of elements can form according to a database, compiled for differentiation."""

import dataclasses
import warnings
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import jax
import pycalphad

from diffneq.thermo.calphad.assembly import Compiled, compiled, tables
from diffneq.thermo.calphad.constitution import Constitution, UnsupportedModel, active_species, constitution, occupants
from diffneq.thermo.calphad.database import Database, load
from diffneq.thermo.calphad.expressions import Units
from diffneq.thermo.calphad.features import Ledger, feature
from diffneq.thermo.calphad.ionic import check, count_ionic, ionic_products
from diffneq.thermo.calphad.partition import enter_partitioned, partition
from diffneq.thermo.calphad.phases import count_sites, enter, enter_counts, magnetic_kind, parameters
from diffneq.thermo.calphad.physical import INDEN_HILLERT_JARL, XIONG
from diffneq.thermo.calphad.tables import GAS_CONSTANT, Tables


@dataclasses.dataclass(frozen=True)
class Phase:
    """What the tables know about a phase only by numbers.

    `sublattices` lists the species of every sublattice, sorted as pycalphad sorts them. `variables` says which
    (sublattice, species) an entry of y is; sublattices that hold only vacancies have none, their site fraction is 1.
    """

    name: str
    sublattices: tuple[tuple[str, ...], ...]
    site_ratios: tuple[float, ...]
    models: tuple[str, ...]
    variables: tuple[tuple[int, str], ...]
    is_gas: bool = False
    is_ionic: bool = False
    is_charged: bool = False
    disordered: str | None = None

    @property
    def n_y(self) -> int:
        """Entries of y, without padding."""
        return len(self.variables)

    @property
    def full_variables(self) -> tuple[tuple[int, str], ...]:
        """(sublattice, species) of every site fraction, those of vacancies alone included."""
        return tuple((s, name) for s, names in enumerate(self.sublattices) for name in names)


@dataclasses.dataclass(frozen=True, eq=False)
class System:
    """The phases of a set of elements: names and records here, numbers in `tables`.

    `masses` in g/mol; `temperature_range` (K) is where every function used is within the limits of the database;
    `notes` says what was left out.
    """

    elements: tuple[str, ...]
    masses: tuple[float, ...]
    phases: tuple[Phase, ...]
    tables: Tables = dataclasses.field(repr=False)
    provenance: Mapping[str, Any] = dataclasses.field(repr=False)
    temperature_range: tuple[float, float]
    database: Database = dataclasses.field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def phase_names(self) -> tuple[str, ...]:
        """Names in the order of the tables."""
        return tuple(phase.name for phase in self.phases)

    def index(self, name: str) -> int:
        """The place of a phase in the tables.

        Raises:
            ValueError: the system has no such phase.
        """
        if name.upper() not in self.phase_names:
            raise ValueError(f"The system has no phase {name}; it has {', '.join(self.phase_names)}.")
        return self.phase_names.index(name.upper())


def build(
    database: Database | str | pycalphad.Database,
    components: Iterable[str],
    phases: Iterable[str] | None = None,
    gas_constant: float = GAS_CONSTANT,
) -> System:
    """Compiles min G = sum_phases N G(y; T, P) for the phases that the elements can form.

    Args:
        database: from `load`, or what `load` takes.
        components: elements; vacancies are always allowed.
        phases: names; by default all that the elements allow. A disordered phase whose ordered partner is among them
            is left out, since the ordered one contains it; models that are not implemented are left out with a warning.
        gas_constant: J/(mol K); other codes use 8.3145 or 8.31451.

    Raises:
        ValueError: unknown element or phase, a phase asked for that is not implemented, a missing FUNCTION, x64 off.

    >>> with jax.enable_x64(True):
    ...     system = build("Al-Zn", ["Al", "Zn"])
    >>> system.elements, system.phase_names
    (('AL', 'ZN'), ('FCC_A1', 'HCP_A3', 'LIQUID'))
    """
    if not jax.config.jax_enable_x64:
        raise ValueError("CALPHAD energies need float64: call jax.config.update('jax_enable_x64', True) first.")
    database = database if isinstance(database, Database) else load(database)
    elements = _elements(database, components)
    species = active_species(database.content, elements)
    asked = None if phases is None else _asked(database, phases)
    names, notes = candidates(database, species, asked)
    units = Units(database.content.symbols, gas_constant)
    members = []
    for name in names:
        try:
            members.append(_compile(database.content, name, species, units))
        except UnsupportedModel as error:
            if asked is not None:
                raise
            warnings.warn(str(error), stacklevel=2)
            notes.append(str(error))
    if not members:
        raise ValueError(f"No phase of {database.name} can be built of {', '.join(elements)}; name more elements.")
    return System(
        elements,
        tuple(float(database.content.refstates.get(e, {}).get("mass", float("nan"))) for e in elements),
        tuple(_record(member) for member in members),
        tables([member for member, _ in members], elements, units, gas_constant),
        MappingProxyType(
            {"name": database.name, "hash": database.hash, "version": database.version, "gas_constant": gas_constant}
        ),
        (max(r.low for r in units.ranges), min(r.high for r in units.ranges)),
        database,
        tuple(notes),
    )


def _elements(database: Database, components: Iterable[str]) -> tuple[str, ...]:
    components = [components] if isinstance(components, str) else components
    elements = tuple(sorted({name.upper() for name in components} - {"VA"}))
    unknown = [name for name in elements if name not in database.elements]
    if unknown or not elements:
        raise ValueError(
            f"{database.name} has no element {', '.join(unknown) or '(none was named)'}; "
            f"choose from {', '.join(database.elements)}."
        )
    return elements


def _asked(database: Database, phases: Iterable[str]) -> tuple[str, ...]:
    names = tuple(sorted({name.upper() for name in ([phases] if isinstance(phases, str) else phases)}))
    unknown = [name for name in names if name not in database.phases]
    if unknown or not names:
        raise ValueError(
            f"{database.name} has no phase {', '.join(unknown) or '(none was named)'}; "
            f"choose from {', '.join(database.phases)}."
        )
    return names


def candidates(
    database: Database, species: Mapping[str, Any], asked: tuple[str, ...] | None
) -> tuple[list[str], list[str]]:
    """(the phases to compile, what was left out and why)."""
    entries = database.content.phases
    pool = asked or database.phases
    notes, kept = [], []
    for name in pool:
        hints = entries[name].model_hints
        ordered = hints.get("ordered_phase")
        if hints.get("disordered_phase") == name and ordered in pool:
            notes.append(f"{name} is left out: {ordered} contains it as its disordered state.")
        elif all(occupants(database.content, name, species)):
            kept.append(name)
        elif asked is not None:
            constitution(database.content, name, species)  # says which phase stays empty
    return kept, notes


def _compile(content: pycalphad.Database, name: str, species: Mapping[str, Any], units: Units):
    """(compiled phase, kinds of its parameters)."""
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
    enter_counts(ledger, kinds, atoms)
    return compiled(phase, magnetic, ledger), kinds


def _atoms(phase: Constitution):
    """Atoms of a formula unit as weighted features."""
    if phase.is_ionic:
        return []
    counts = [(phase.site_ratios[s] * phase.species[name].number_of_atoms, s, name) for s, name in phase.variables]
    return [(weight, feature([phase.site(s, name)])) for weight, s, name in counts if weight]


def _record(member: tuple[Compiled, set[str]]) -> Phase:
    (phase, magnetic_hints, ledger, _, _), kinds = member
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
