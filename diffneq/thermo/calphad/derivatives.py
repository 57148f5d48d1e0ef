"""Derivatives of the equilibrium state itself: heat capacity, and the table of all first derivatives."""

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from diffneq.thermo.calphad.conditions import Conditions, conditions
from diffneq.thermo.calphad.equilibrium import searcher_of
from diffneq.thermo.calphad.sizes import in_calls_of
from diffneq.thermo.calphad.solver.batch import WIDTH
from diffneq.thermo.calphad.solver.hull import Demand
from diffneq.thermo.calphad.solver.layout import batch_last
from diffneq.thermo.calphad.solver.search import Searcher
from diffneq.thermo.calphad.solver.state import State, solve
from diffneq.thermo.calphad.system import System


def heat_capacity(system: System, T: Any, x: Mapping[str, Any], *, P: Any = 101325.0) -> xr.DataArray:
    """C_P = -T d2G/dT2 = T dS/dT of the equilibrium, J/(mol K), with what the phases exchange as T changes.

    Arguments: conditions as of `equilibrium`. At a temperature where the set of stable phases changes the value is that
    of the phases found; of melting at one temperature it knows nothing.

    Raises:
        ValueError: as of `equilibrium`.

    >>> from diffneq.thermo import calphad
    >>> with jax.enable_x64(True):
    ...     system = calphad.build("Al-Zn", ["Al", "Zn"])
    ...     round(float(heat_capacity(system, 600.0, {"Zn": 0.3})), 2)
    37.83
    """
    table = partial_derivatives(system, T, x, P=P, of=("S",), by=("T",))
    data = table.S.sel(by="T", drop=True) * table["T"]
    return data.rename("heat_capacity").assign_attrs(units="J/(mol K)")


def partial_derivatives(
    system: System, T: Any, x: Mapping[str, Any], *, P: Any = 101325.0, dependent: str | None = None,
    of: tuple[str, ...] = ("G", "H", "S", "mu", "amount", "x"), by: tuple[str, ...] | None = None,
) -> xr.Dataset:  # fmt: skip
    """dQ/dT, dQ/dP and dQ/dx_e of the equilibrium, by the implicit function theorem at the stable phases.

    Arguments:
        system: from `build`.
        T, x, P: conditions as of `equilibrium`.
        dependent: the element that makes room where another's mole fraction grows; by default the one that x leaves
            out, or the first.
        of: quantities: G, H, S, mu, amount (moles of atoms of each stable phase), x (of each stable phase), y.
        by: "T" (K), "P" (Pa) and "X(element)"; by default all.

    Returns a dataset: every quantity with a dimension `by` besides those of `equilibrium`, phases along `vertex` with
    their names in `phase` (their order is that of the solver); units J, K, Pa, mol of atoms; `status` of the state.

    Raises:
        ValueError: unknown names; conditions as of `equilibrium`.

    Source: B. Jansson, in Thermo-Calc (1984); here the implicit rule of `stable_state`.
    """
    given = conditions(system, T, P, x)
    elements = system.elements
    base = (dependent or next((e for e in elements if e not in given.fractions), elements[0])).upper()
    known = ["T", "P", *(f"X({e})" for e in elements if e != base)]
    names = list(by or known)
    if base not in elements or not set(names) <= set(known) or not set(of) <= set(_QUANTITIES):
        raise ValueError(f"Choose derivatives of {', '.join(_QUANTITIES)} by {', '.join(known)}; dependent is {base}.")
    columns, state = [], None
    for name in names:
        state, change = _changes(system, given, _direction(system, name, base), of)
        columns.append(change)
    assert state is not None  # names is never empty
    C = len(elements)
    variables: dict[str, Any] = {}
    for k, quantity in enumerate(of):
        stacked = np.stack([column[k] for column in columns])  # (by, ..., B)
        stacked = stacked[:, :C] if quantity in ("mu", "x") else stacked
        dims = ("by", *_QUANTITIES[quantity][0])
        stacked = np.moveaxis(stacked, -1, 0)
        variables[quantity] = ((*given.dims, *dims), stacked.reshape((*given.shape, *stacked.shape[1:])))
    phase = np.where(state.active, np.array([*system.phase_names, *[""] * 64], dtype=object)[state.phase], "")
    shaped = lambda a: np.moveaxis(a, -1, 0).reshape((*given.shape, *a.shape[:-1]))
    variables["phase"] = ((*given.dims, "vertex"), shaped(phase.astype(str)))
    variables["status"] = (given.dims, shaped(state.status))
    variables["T"] = (given.dims, shaped(given.T))
    coords = {**given.coords, "by": names, "element": list(elements)}
    return xr.Dataset({k: v for k, v in variables.items() if k not in coords}, coords=coords,
                      attrs={**system.provenance, "dependent": base})  # fmt: skip


# name -> (dimensions, function of the state and T)
_QUANTITIES: dict[str, tuple[tuple[str, ...], Callable]] = {
    "G": ((), lambda state, T: state.G),
    "H": ((), lambda state, T: state.G + T * state.S),
    "S": ((), lambda state, T: state.S),
    "mu": (("element",), lambda state, T: state.mu),
    "amount": (("vertex",), lambda state, T: state.amount),
    "x": (("element", "vertex"), lambda state, T: state.x),
    "y": (("constituent", "vertex"), lambda state, T: state.y),
}


def _direction(system: System, name: str, base: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The change of (T, P, x) of one column."""
    x = np.zeros(len(system.elements))
    if name not in ("T", "P"):
        x[system.elements.index(name[2:-1])], x[system.elements.index(base)] = 1.0, -1.0
    return np.asarray(float(name == "T")), np.asarray(float(name == "P")), x


def _changes(system: System, given: Conditions, direction, of: tuple[str, ...]) -> tuple[State, list[np.ndarray]]:
    """The states, and the change of each quantity along one direction, by calls of one size."""
    demand, searcher = given.demand(system), searcher_of(system)

    def call(places: np.ndarray):
        part = jax.tree.map(lambda leaf: jnp.asarray(leaf)[..., places], (given.T, given.P, demand))
        return _along(searcher, *part, direction, of)

    return in_calls_of(WIDTH, len(given.T), call)


@eqx.filter_jit
@batch_last
def _along(searcher: Searcher, T, P, demand: Demand, direction, of: tuple[str, ...]):
    dT, dP, dx = direction

    def quantities(t):
        moved = demand._replace(right=demand.right + t * dx[:, None])
        state = solve(searcher, T + t * dT, P + t * dP, moved)
        return [_QUANTITIES[name][1](state, T + t * dT) for name in of], state

    _, change, state = jax.jvp(quantities, (jnp.zeros(()),), (jnp.ones(()),), has_aux=True)
    return state, change
