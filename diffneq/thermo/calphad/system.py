"""Systems: the phases that a set of elements can form according to a database, compiled for differentiation."""

import dataclasses
import warnings
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pycalphad

from diffneq.thermo.calphad.assembly import tables
from diffneq.thermo.calphad.compilation import compile_phase
from diffneq.thermo.calphad.constitution import (
    Phase,
    UndescribedPhase,
    UnsupportedModel,
    active_species,
    constitution,
    occupants,
)
from diffneq.thermo.calphad.database import Database, load
from diffneq.thermo.calphad.expressions import Unit, Units
from diffneq.thermo.calphad.phase_model import PhaseModel, Reference
from diffneq.thermo.calphad.tables import GAS_CONSTANT, Tables


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
    parameters: tuple[Unit, ...] = dataclasses.field(default=(), repr=False)  # the rows of `tables.coefficients`

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

    def phase(self, name: str, relative_to: Mapping[str, tuple[str, float | None]] | None = None) -> PhaseModel:
        """A phase as a model with energy(T, y), enthalpy, entropy, heat capacity, and gradients.

        Args:
            name: of the phase.
            relative_to: element -> (phase, temperature in K, or None for the temperature of the question): the
                properties are X(T, y) - sum_e x_e X_e, less those of the pure elements in these states.

        Raises:
            ValueError: no such phase, an element without reference state, a reference phase that it cannot form.
        """
        n = self.index(name)
        given = {element.upper(): state for element, state in (relative_to or {}).items()}
        if given and set(given) != set(self.elements):
            raise ValueError(
                f"Give a reference state for each of {', '.join(self.elements)}, and for no other element."
            )
        references = tuple(_reference(self, element, *given[element]) for element in self.elements if given)
        return PhaseModel(self.tables, jnp.asarray(n), references, self.phases[n], self.elements)


def build(
    database: Database | str | pycalphad.Database,
    components: Iterable[str],
    phases: Iterable[str] | None = None,
    gas_constant: float = GAS_CONSTANT,
    without: Iterable[str] = (),
) -> System:
    """Compiles min G = sum_phases N G(y; T, P) for the phases that the elements can form.

    Args:
        database: from `load`, or what `load` takes.
        components: elements; vacancies are always allowed.
        phases: names; by default all that the elements allow. A disordered phase whose ordered partner is among them
            is left out, since the ordered one contains it; models that are not implemented are left out with a warning.
        gas_constant: J/(mol K); other codes use 8.3145 or 8.31451.
        without: names of phases to leave out of the default.

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
    left_out = _asked(database, without) if without else ()
    names, notes = candidates(database, species, asked, left_out)
    units = Units(database.content.symbols, gas_constant)
    members = []
    for name in names:
        try:
            members.append(compile_phase(database.content, name, species, units))
        except (UnsupportedModel, UndescribedPhase) as error:
            if asked is not None:
                raise
            notes.append(str(error))
            if isinstance(error, UnsupportedModel):
                warnings.warn(str(error), stacklevel=2)
    if not members:
        raise ValueError(f"No phase of {database.name} can be built of {', '.join(elements)}; name more elements.")
    return System(
        elements,
        tuple(float(database.content.refstates.get(e, {}).get("mass", float("nan"))) for e in elements),
        tuple(record for _, record in members),
        tables([member for member, _ in members], elements, units, gas_constant),
        MappingProxyType(
            {"name": database.name, "hash": database.hash, "version": database.version, "gas_constant": gas_constant}
        ),
        (max(r.low for r in units.ranges), min(r.high for r in units.ranges)),
        database,
        tuple(notes),
        units.named(),
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
    database: Database, species: Mapping[str, Any], asked: tuple[str, ...] | None, without: tuple[str, ...] = ()
) -> tuple[list[str], list[str]]:
    """(the phases to compile, what was left out and why)."""
    entries = database.content.phases
    pool = tuple(name for name in asked or database.phases if name not in without)
    kept, notes = [], [f"{name} is left out, as was asked." for name in without]
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


def _reference(system: System, element: str, name: str, temperature: float | None) -> Reference:
    """The pure element, on every sublattice that it can fill; vacancies on the others."""
    pure = build(system.database, [element], [name], gas_constant=system.provenance["gas_constant"])
    (phase,) = pure.phases
    y = np.zeros(pure.tables.sizes[2])
    for s, names in enumerate(phase.sublattices):
        kept = [j for j, (sublattice, _) in enumerate(phase.variables) if sublattice == s]
        if kept:
            y[kept[names.index(element)]] = 1.0
    return Reference(pure.tables, jnp.asarray(y), None if temperature is None else jnp.asarray(float(temperature)))
