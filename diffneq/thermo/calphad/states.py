"""Lists of states as plain arrays: what programs that step through many equilibria work with."""

from collections.abc import Iterable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from diffneq.thermo.calphad.conditions import Conditions, conditions
from diffneq.thermo.calphad.energy import enthalpy, entropy, heat_capacity, molar_energy
from diffneq.thermo.calphad.equilibrium import solve_all
from diffneq.thermo.calphad.sizes import in_calls_of
from diffneq.thermo.calphad.solver.state import INFEASIBLE, NOT_CONVERGED, State
from diffneq.thermo.calphad.system import System

LOST = NOT_CONVERGED | INFEASIBLE
_AT_ONCE = 1024


def states_at(system: System, T, P: float, x, suspended: Iterable[str] = ()) -> State:
    """Equilibria at temperatures T (n,) and mole fractions x (n, elements), without the suspended phases."""
    T, x = np.asarray(T, float), np.asarray(x, float)
    fractions = {e: x[:, k] for k, e in enumerate(system.elements)}
    given = Conditions(T, np.full(len(T), P), fractions, {}, "x", ("condition",), (len(T),), {})
    return solve_all(system, given, suspended=frozenset(suspended))


def composition(system: System, x) -> np.ndarray:
    """Mole fractions of all elements in order, from those of all but one.

    Raises:
        ValueError: unknown elements, a wrong number of them, fractions that cannot be.
    """
    low, high = system.temperature_range
    given = conditions(system, 0.5 * (low + high), 101325.0, x)
    if given.shape:
        raise ValueError("Give one composition; a loop or a list of calls makes many.")
    return np.asarray(given.demand(system).right)[:, 0]


class Properties(NamedTuple):
    """Of phases at their site fractions, J and mol of atoms."""

    G: np.ndarray
    H: np.ndarray
    S: np.ndarray
    C_P: np.ndarray  # at fixed site fractions


def properties_at(system: System, T, P: float, phase, y) -> Properties:
    """G, H = G - T G', S = -G', C_P = -T G'' of phases (n,) at T (n,) and padded site fractions (n, n_y)."""
    T, phase, y = np.asarray(T, float), np.asarray(phase, np.int32), np.asarray(y, float)
    if not len(T):
        return Properties(*np.zeros((4, 0)))
    call = lambda here: _properties(system.tables, jnp.asarray(phase[here]), jnp.asarray(T[here]), P, y[here])
    return Properties(*in_calls_of(_AT_ONCE, len(T), call))


@jax.jit
def _properties(tables, phase, T, P, y):
    def one(phase, T, y):
        energy = lambda t: molar_energy(tables, phase, t, P, y)
        return jnp.stack([energy(T), enthalpy(energy, T), entropy(energy, T), heat_capacity(energy, T)])

    return jax.vmap(one, out_axes=1)(phase, T, y)
