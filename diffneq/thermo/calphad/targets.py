"""Conditions with a property of the result prescribed: an amount of a phase, an enthalpy, an entropy."""

from collections.abc import Iterable, Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float
from tqdm import tqdm

from diffneq.thermo.calphad.conditions import Conditions, conditions
from diffneq.thermo.calphad.crossings import (
    FOUND,
    JUMPS,
    NOWHERE,
    Amount,
    Crossing,
    Enthalpy,
    Entropy,
    Line,
    crossing,
    crossing_temperature,
)
from diffneq.thermo.calphad.equilibrium import searcher_of
from diffneq.thermo.calphad.solidification import liquid_phases
from diffneq.thermo.calphad.solver.search import Searcher
from diffneq.thermo.calphad.system import System

WORDS = {
    FOUND: "found",
    JUMPS: "the property jumps here, an invariant reaction; the phases are a mixture of both sides",
    NOWHERE: "the value is nowhere reached between the ends",
}


def liquidus(system: System, x: Mapping[str, Any], *, P: float = 101325.0, liquid: Iterable[str] | None = None,
             suspended: Iterable[str] = ()) -> xr.Dataset:  # fmt: skip
    """N_liquid(T) = 1: the temperature at which the first solid forms on cooling, and that solid.

    Arguments and result as of `temperature_with`; `liquid`: names of the liquid phases, if they do not say so.

    Raises:
        ValueError: see `temperature_with`.

    >>> import jax
    >>> from diffneq.thermo import calphad
    >>> with jax.enable_x64(True):
    ...     result = liquidus(calphad.build("Al-Zn", ["Al", "Zn"]), {"Zn": 0.3})
    >>> round(float(result["T"]), 3), result.phase.values.tolist()
    (837.029, ['LIQUID', 'FCC_A1'])
    """
    names = [system.phase_names[k] for k in liquid_phases(system, liquid)]
    return temperature_with(system, names, 1.0, x, P=P, suspended=suspended)


def solidus(system: System, x: Mapping[str, Any], *, P: float = 101325.0, liquid: Iterable[str] | None = None,
            suspended: Iterable[str] = ()) -> xr.Dataset:  # fmt: skip
    """N_liquid(T) = 0+: the temperature at which the first liquid forms on heating, and that liquid.

    Arguments, result and errors as of `liquidus`.
    """
    names = [system.phase_names[k] for k in liquid_phases(system, liquid)]
    return temperature_with(system, names, 0.0, x, P=P, suspended=suspended, highest=False)


def temperature_with(
    system: System,
    phases: str | Iterable[str],
    amount: float,
    x: Mapping[str, Any],
    *,
    P: float = 101325.0,
    between: tuple[float, float] | None = None,
    highest: bool = True,
    suspended: Iterable[str] = (),
) -> xr.Dataset:
    """N_phase(T) = amount at fixed composition: solvus (0), zero-phase-fraction lines (0), any amount between.

    Arguments:
        system: from `build`.
        phases: one name, or several whose amounts are added.
        amount: moles of atoms of one mole, 0 to 1.
        x: mole fractions of all elements but one, numbers or arrays of one length.
        P: Pa.
        between: temperatures, K, to look between; by default the range of the database.
        highest: of several such temperatures the highest, or the lowest.
        suspended: phases that shall not form.

    Returns a dataset with `T` (K), the phases there, the one of amount zero included (`phase`, `amount`, `x` over
    `vertex`), `G`, `H`, `S`, `mu` and `status` (`attrs["meaning"]`); NaN where the amount is nowhere reached.

    Raises:
        ValueError: unknown phases, an amount outside 0 to 1, a composition that cannot be.
    """
    wanted, out = _amount_of(system, phases, amount, suspended)
    given = conditions(system, 0.5 * sum(system.temperature_range), P, x)
    low, high = between or system.temperature_range
    return _dataset(system, given, _each(system, given, (low, high), wanted, amount, highest, out))


def composition_with(
    system: System,
    phases: str | Iterable[str],
    amount: float,
    start: Mapping[str, float],
    end: Mapping[str, float],
    *,
    T: Any,
    P: float = 101325.0,
    farthest: bool = False,
    suspended: Iterable[str] = (),
) -> xr.Dataset:
    """N_phase(x) = amount on the straight line of compositions from `start` to `end`: a solubility, a boundary.

    Arguments as of `temperature_with`, at temperatures T (K; a number or an array); `farthest` from the start, of
    several such compositions. The result holds `x_alloy`, the composition that was found.

    Raises:
        ValueError: see `temperature_with`.
    """
    wanted, out = _amount_of(system, phases, amount, suspended)
    given = conditions(system, T, P, start)
    other = np.asarray(conditions(system, T, P, end).demand(system).right)
    return _dataset(system, given, _each(system, given, None, wanted, amount, farthest, out, other))


def temperature_at(
    system: System,
    x: Mapping[str, Any],
    *,
    H: float | None = None,
    S: float | None = None,
    P: float = 101325.0,
    between: tuple[float, float] | None = None,
    suspended: Iterable[str] = (),
) -> xr.Dataset:
    """H(T) = H (adiabatic) or S(T) = S (isentropic) at fixed composition, the equilibrium throughout.

    Arguments: `H` in J or `S` in J/K for a mole of atoms, as in the result of `equilibrium`; the rest and the result
    as of `temperature_with`. At the temperature of an invariant reaction (melting of an element, a eutectic) H and S
    leave a choice of amounts, and the phases are those of both sides, in the mixture that has the value.

    Raises:
        ValueError: not one of H and S; see `temperature_with`.
    """
    if (H is None) == (S is None):
        raise ValueError("Give the enthalpy H or the entropy S, one of them.")
    quantity, value = (Enthalpy(), H) if H is not None else (Entropy(), S)
    given = conditions(system, 0.5 * sum(system.temperature_range), P, x)
    ends = between or system.temperature_range
    out = frozenset(map(str.upper, suspended))
    return _dataset(system, given, _each(system, given, ends, quantity, value, True, out))


def boundary_temperature(
    system: System,
    x: Float[Array, " elements"],
    phases: str | Iterable[str] | None = None,
    amount: float = 1.0,
    P: Any = 101325.0,
    coefficients: Array | None = None,
) -> Float[Array, ""]:
    """T of N_phase(T) = amount as a pure function, for `jax.jit`, `jax.grad`, `jax.jvp`; by default the liquidus.

    Derivatives follow the implicit function theorem. Arguments as of `temperature_with` and `stable_state`, for one
    condition; `phases` None: the liquid ones.

    >>> import jax
    >>> from diffneq.thermo import calphad
    >>> with jax.enable_x64(True):
    ...     system = calphad.build("Al-Zn", ["Al", "Zn"])
    ...     slope = jax.grad(lambda x: boundary_temperature(system, jnp.array([1.0 - x, x])))(0.3)
    >>> round(float(slope), 1)
    -261.8
    """
    searcher = searcher_of(system)
    names = phases if phases is not None else [system.phase_names[k] for k in liquid_phases(system, None)]
    wanted, _ = _amount_of(system, names, amount, ())
    if coefficients is not None:
        searcher = eqx.tree_at(lambda s: s.tables.coefficients, searcher, coefficients)
    T, x = jnp.asarray(system.temperature_range), jnp.asarray(x, float)
    line = Line(T, jnp.stack([jnp.asarray(P, float)] * 2), jnp.stack([x, x]))
    return crossing_temperature(searcher, line, wanted, jnp.asarray(amount, float), jnp.asarray(True))


def _amount_of(system: System, phases: str | Iterable[str], amount: float, suspended: Iterable[str]):
    """The quantity, and the suspended phases."""
    if not 0.0 <= amount <= 1.0:
        raise ValueError(f"The amount of a phase lies between 0 and 1 mole of atoms; it is {amount:g}.")
    places = [system.index(name) for name in ([phases] if isinstance(phases, str) else phases)]
    out = frozenset(system.phase_names[system.index(name)] for name in suspended)
    wanted = jnp.isin(jnp.arange(len(searcher_of(system).freedom)), jnp.asarray(places))
    return Amount(wanted), out


_crossing = eqx.filter_jit(crossing)


def _each(
    system: System, given: Conditions, between: tuple[float, float] | None, quantity: eqx.Module, value: float,
    last: bool, suspended: frozenset[str], end: np.ndarray | None = None,
) -> list[Crossing]:  # fmt: skip
    """One crossing for every condition; along T between two temperatures, or from the composition to `end`."""
    searcher: Searcher = searcher_of(system, 1.0, suspended)
    start = np.asarray(given.demand(system).right)
    end = start if end is None else end
    found = []
    for k in tqdm(range(len(given.T)), desc="conditions", delay=2.0):
        T = np.array(between if between is not None else (given.T[k],) * 2, float)
        line = Line(*map(jnp.asarray, (T, np.full(2, given.P[k]), np.stack([start[:, k], end[:, k]]))))
        found.append(_crossing(searcher, line, quantity, jnp.asarray(float(value)), jnp.asarray(last)))
    return found


def _dataset(system: System, given: Conditions, found: list[Crossing]) -> xr.Dataset:
    rows = [_row(system, one) for one in found]
    wide = max(1, max(len(row["phase"]) for row in rows))
    stack = {}
    for name, empty in (("phase", ""), ("amount", np.nan), ("x", np.nan)):
        padded = [_padded(np.asarray(row[name]), wide, empty) for row in rows]
        stack[name] = (("vertex", "element") if name == "x" else ("vertex",), np.stack(padded))
    for name in ("T", "P", "G", "H", "S", "status"):
        stack[name] = ((), np.array([row[name] for row in rows]))
    for name in ("mu", "x_alloy"):
        stack[name] = (("element",), np.array([row[name] for row in rows]))
    shaped = {k: ((*given.dims, *dims), v.reshape((*given.shape, *v.shape[1:]))) for k, (dims, v) in stack.items()}
    data = xr.Dataset(shaped, coords={"element": list(system.elements)}, attrs=dict(system.provenance))
    data.attrs["meaning"] = ", ".join(f"{kind}: {words}" for kind, words in WORDS.items())
    for name, unit in {"T": "K", "P": "Pa", "G": "J/mol", "H": "J/mol", "S": "J/(mol K)", "mu": "J/mol"}.items():
        data[name].attrs["units"] = unit
    return data


def _padded(values: np.ndarray, length: int, empty: Any) -> np.ndarray:
    widths = [(0, length - len(values))] + [(0, 0)] * (values.ndim - 1)
    return np.pad(values, widths, constant_values=empty)


def _row(system: System, one: Crossing) -> dict[str, Any]:
    """The phases of one crossing and its properties: of the side where it was found, or of a mixture of both."""
    state, C, kind = one.state, len(system.elements), int(one.kind)
    weights = np.array([1.0 - float(one.share), float(one.share)])
    phase, amount, x = [], [], []
    for side in np.flatnonzero(weights > 0.0) if kind != NOWHERE else ():
        for s in np.flatnonzero(np.asarray(state.active[:, side])):
            phase.append(system.phase_names[int(state.phase[s, side])])
            amount.append(weights[side] * float(state.amount[s, side]))
            x.append(np.asarray(state.x[:C, s, side]))
    order = np.argsort(-np.array(amount), kind="stable")
    mean = lambda leaf: float(np.asarray(leaf) @ weights) if kind != NOWHERE else np.nan
    T, P = (float(value) if kind != NOWHERE else np.nan for value in (one.T, one.P))
    G, S = mean(state.G), mean(state.S)
    side = int(weights[1] > 0.5)
    mu = np.asarray(state.mu[:C, side]) if kind != NOWHERE else np.full(C, np.nan)
    alloy = np.sum([a * b for a, b in zip(amount, x, strict=True)], axis=0) if phase else np.full(C, np.nan)
    return {
        "phase": np.array(phase, dtype=str)[order], "amount": np.array(amount)[order],
        "x": np.array(x).reshape(-1, C)[order], "T": T, "P": P, "G": G, "H": G + T * S, "S": S, "mu": mu,
        "x_alloy": alloy, "status": kind,
    }  # fmt: skip
