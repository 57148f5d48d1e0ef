"""The constitution of a phase: which species sit on which sublattices, and where they are in y."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import pycalphad

from diffneq.thermo.calphad.features import ONE, Affine


class UnsupportedModel(ValueError):
    """A phase of the database follows a model that is not implemented; other phases of the file can be used."""


class UndescribedPhase(ValueError):
    """The database has no parameters for a phase of the chosen elements."""


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


@dataclasses.dataclass(frozen=True)
class Constitution:
    """Sublattices of one phase with the species that the chosen elements allow, sorted by name.

    Sublattices that hold only vacancies have no entry in y: their site fraction is the number 1.
    """

    phase: str
    sublattices: tuple[tuple[str, ...], ...]
    site_ratios: tuple[float, ...]
    species: Mapping[str, Any]  # name -> pycalphad Species
    hints: Mapping[str, Any]

    @property
    def variables(self) -> tuple[tuple[int, str], ...]:
        """(sublattice, species) of every entry of y."""
        kept = [(s, names) for s, names in enumerate(self.sublattices) if names != ("VA",)]
        return tuple((s, name) for s, names in kept for name in names)

    def site(self, sublattice: int, name: str) -> Affine:
        """A site fraction as a row of z."""
        if self.sublattices[sublattice] == ("VA",):
            return ONE
        return Affine(linear=((self.variables.index((sublattice, name)), 1.0),))

    @property
    def is_ionic(self) -> bool:
        """Does the number of sites depend on the constitution (ionic two-sublattice liquid)?"""
        return bool(self.hints.get("ionic_liquid_2SL", False))


def active_species(database: pycalphad.Database, elements: tuple[str, ...]) -> dict[str, Any]:
    """The species that consist of the elements (with vacancies), by name."""
    allowed = {*elements, "VA"}
    known: list[Any] = list(database.species)
    return {s.name: s for s in known if s.constituents and set(s.constituents) <= allowed}


def occupants(database: pycalphad.Database, phase: str, species: Mapping[str, Any]) -> list[frozenset[str]]:
    """The species of each sublattice that the chosen elements allow, as the file lists them."""
    sublattices: Any = database.phases[phase].constituents
    return [frozenset(s.name for s in sublattice if s.name in species) for sublattice in sublattices]


def constitution(database: pycalphad.Database, phase: str, species: Mapping[str, Any]) -> Constitution:
    """The constitution of a phase.

    The sublattices of an ordered phase that can disorder also hold every species of its disordered partner.

    Raises:
        ValueError: a sublattice stays empty, or no atom is left.
    """
    entry = database.phases[phase]
    names = occupants(database, phase, species)
    if entry.model_hints.get("ordered_phase") == phase:
        names = _extended(database, entry.model_hints["disordered_phase"], species, names)
    if not all(names) or not any(species[name].number_of_atoms for sublattice in names for name in sublattice):
        raise ValueError(
            f"{phase} cannot exist of the chosen elements: one of its sublattices stays empty; leave it out."
        )
    ratios = tuple(float(ratio) for ratio in entry.sublattices)
    return Constitution(phase, tuple(tuple(sorted(n)) for n in names), ratios, species, dict(entry.model_hints))


def _extended(database: pycalphad.Database, disordered: str, species: Mapping[str, Any], names):
    """Substitutional sublattices get all species of the disordered one; interstitial ones match a sublattice of it."""
    partner = occupants(database, disordered, species)
    return [n if n in partner[1:] else n | partner[0] for n in names]
