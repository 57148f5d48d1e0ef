"""The equilibria that residuals need: collected once, solved in one batch."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from diffneq.thermo.calphad.conditions import LEAST
from diffneq.thermo.calphad.solver.hull import Demand
from diffneq.thermo.calphad.solver.points import Points
from diffneq.thermo.calphad.solver.search import Searcher
from diffneq.thermo.calphad.solver.state import POTENTIALS_NOT_DETERMINED, solve
from diffneq.thermo.calphad.tables import Tables


class Equilibria(NamedTuple):
    """Conditions of a batch: T in K, P in Pa, mole fractions."""

    T: Float[Array, "B"]
    P: Float[Array, "B"]
    x: Float[Array, "elements B"]


class Planes(NamedTuple):
    """What comes of them: chemical potentials in J/mol, with zeros where the search failed."""

    mu: Float[Array, "padded B"]
    solved: Bool[Array, "B"]  # certified global minima
    determined: Bool[Array, "B"]  # solved, and the stable phases fix all chemical potentials


class Context(eqx.Module):
    """What the models of all residuals are computed from."""

    tables: Tables
    points: Points
    planes: Planes
    elements: int = eqx.field(static=True)


class Wanted:
    """A list of conditions without repetitions."""

    def __init__(self, elements: tuple[str, ...]):
        self.elements = elements
        self._places: dict[tuple[float, ...], int] = {}

    def place(self, T: float, P: float, x) -> int:
        """The place of these conditions in the batch."""
        return self._places.setdefault((float(T), float(P), *map(float, x)), len(self._places))

    def batch(self) -> Equilibria:
        """All of them; one at least, so that shapes are never empty."""
        rows = np.array(list(self._places) or [(1000.0, 101325.0, *([1.0 / len(self.elements)] * len(self.elements)))])
        return Equilibria(jnp.asarray(rows[:, 0]), jnp.asarray(rows[:, 1]), jnp.asarray(rows[:, 2:].T))


def planes(searcher: Searcher, wanted: Equilibria) -> Planes:
    """Chemical potentials at the states of least energy, differentiable in the tables of the searcher."""
    C, B = wanted.x.shape
    padded = searcher.tables.sizes[1]
    x = jnp.maximum(wanted.x, LEAST)
    rows = jnp.broadcast_to(jnp.eye(C, padded)[..., None], (C, padded, B))
    state = solve(searcher, wanted.T, wanted.P, Demand(rows, x / x.sum(axis=0, keepdims=True), jnp.zeros((padded, B))))
    solved = (state.status & ~POTENTIALS_NOT_DETERMINED) == 0
    determined = solved & (state.status == 0)
    return Planes(jnp.where(determined[None], state.mu, 0.0), solved, determined)
