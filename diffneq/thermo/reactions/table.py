"""Species as arrays: what the solver takes. Sizes are padded, so that sets of similar size share executables."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from diffneq.thermo.species.functions import values
from diffneq.thermo.species.reference import check_same_reference
from diffneq.thermo.species.species import GAS_CONSTANT, Species

_GASES = 8  # the number of gases is padded to a multiple


class Arrays(NamedTuple):
    """Gases first, then condensed phases, each group padded; species last but one axis, batch last."""

    coefficients: Float[Array, "pieces species functions"]  # J/mol
    edges: Float[Array, "inner species"]  # between pieces, K; infinite where there are fewer
    A: Float[Array, "elements species"]
    exists: Bool[Array, "species"]
    low: Float[Array, "species"]  # K
    high: Float[Array, "species"]
    standard_pressure: Float[Array, ""]  # Pa

    def molar_gibbs(self, chosen: Sequence[int], T: Float[Array, "B"]) -> Float[Array, "species B"]:
        """G of all species, J/mol."""
        pieces = jnp.tensordot(self.coefficients, values(T, chosen), axes=1)
        G = pieces[0]
        for edge, piece in zip(self.edges, pieces[1:], strict=True):
            G = jnp.where(T[None] > edge[:, None], piece, G)
        return G


class Table(eqx.Module):
    """Candidates for an equilibrium. `arrays` are the numbers (leaves), everything else says what they are."""

    arrays: Arrays
    elements: tuple[str, ...] = eqx.field(static=True)
    gases: tuple[str, ...] = eqx.field(static=True)
    condensed: tuple[str, ...] = eqx.field(static=True)
    places: tuple[int, ...] = eqx.field(static=True)  # of the species in the padded arrays
    chosen: tuple[int, ...] = eqx.field(static=True)  # functions of T that occur
    reference: str = eqx.field(static=True)
    sources: tuple[str, ...] = eqx.field(static=True)
    molar_masses: tuple[float, ...] = eqx.field(static=True)  # kg/mol

    @property
    def names(self) -> tuple[str, ...]:
        """Gases, then condensed phases."""
        return self.gases + self.condensed

    @property
    def room(self) -> int:
        """Places for gases."""
        return -(-len(self.gases) // _GASES) * _GASES

    @property
    def formulas(self) -> np.ndarray:
        """Atoms of each element in each species, (elements, species)."""
        return np.asarray(self.arrays.A)[:, list(self.places)]

    @property
    def standard_pressure(self) -> float:
        """Pa."""
        return float(self.arrays.standard_pressure)

    @property
    def range(self) -> tuple[float, float]:
        """Temperatures at which every gas is given (every phase, without gases), K."""
        counted = list(self.places[: len(self.gases)] or self.places)
        low, high = np.asarray(self.arrays.low)[counted], np.asarray(self.arrays.high)[counted]
        return float(low.max()), float(high.min())


def tabulate(species: Iterable[Species], elements: Iterable[str] | None = None) -> Table:
    """The table of some species.

    Arguments:
        species: candidates, with names that differ and one standard pressure and reference.
        elements: their order; by default that of their first appearance.

    Raises:
        ValueError: no species, a name twice, mixed standard pressures or references, x64 off.
    """
    if not jax.config.jax_enable_x64:
        raise ValueError("Equilibria need float64: call jax.config.update('jax_enable_x64', True) first.")
    given = list(species)
    if not given:
        raise ValueError("Give at least one species.")
    names = [s.name for s in given]
    twice = [n for n in names if names.count(n) > 1]
    if twice:
        raise ValueError(f"{twice[0]} is there twice; take it from one source.")
    check_same_reference(given)
    gases = [s for s in given if s.phase == "gas"]
    condensed = [s for s in given if s.phase == "condensed"]
    symbols = tuple(elements or dict.fromkeys(e for s in given for e, _ in s.elements))
    room = -(-len(gases) // _GASES) * _GASES
    wide = room + (1 << max(len(condensed) - 1, 0).bit_length())  # at least one place
    places = (*range(len(gases)), *range(room, room + len(condensed)))
    ordered = gases + condensed
    arrays, chosen = _arrays(ordered, places, wide, symbols)
    return Table(
        arrays, symbols, tuple(s.name for s in gases), tuple(s.name for s in condensed), places, chosen,
        given[0].reference, tuple(dict.fromkeys(s.source for s in ordered)), tuple(s.molar_mass for s in ordered),
    )  # fmt: skip


def _arrays(species: list[Species], places, wide: int, symbols) -> tuple[Arrays, tuple[int, ...]]:
    rows = np.stack([np.any(np.asarray(s.coefficients) != 0, axis=0) for s in species])
    chosen = tuple(int(k) for k in np.flatnonzero(rows.any(axis=0)))
    pieces = max(len(s.coefficients) for s in species)
    coefficients = np.zeros((pieces, wide, len(chosen)))
    edges = np.full((pieces - 1, wide), np.inf)
    A, exists = np.zeros((len(symbols), wide)), np.zeros(wide, bool)
    low, high = np.zeros(wide), np.full(wide, np.inf)
    for k, s in zip(places, species, strict=True):
        own = np.asarray(s.coefficients)[:, list(chosen)]
        coefficients[:, k] = np.concatenate([own, np.repeat(own[-1:], pieces - len(own), axis=0)])
        edges[: len(own) - 1, k] = s.edges[1:-1]
        exists[k], low[k], high[k] = True, *s.range
        for e, count in s.elements:
            A[symbols.index(e), k] = count
    numbers = (coefficients, edges, A, exists, low, high, species[0].standard_pressure)
    return Arrays(*(jnp.asarray(x) for x in numbers)), chosen


def reduced_gibbs(table: Arrays, chosen: Sequence[int], T: Float[Array, "B"]) -> Float[Array, "species B"]:
    """G/(R T) of all species at the standard pressure."""
    return table.molar_gibbs(chosen, T) / (GAS_CONSTANT * T)
