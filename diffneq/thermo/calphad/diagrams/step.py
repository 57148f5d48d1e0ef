"""Step diagrams and property maps: what changes along one condition, and any property over a grid of conditions."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from diffneq.thermo.calphad.equilibrium import equilibrium, stable_state
from diffneq.thermo.calphad.sizes import in_calls_of
from diffneq.thermo.calphad.system import System

_HALVINGS = 22
PROPERTIES = ("G", "H", "S", "C_P", "mu")
_AT_ONCE = 512


def property_map(system: System, *, T: Any, x: Mapping[str, Any], P: float = 101325.0) -> xr.Dataset:
    """G, H, S, mu, and C_P = T (dS/dT)_x of the equilibrium, over a grid of conditions.

    Arguments:
        system: from `build`.
        T, x: temperature (K) and mole fractions of all elements but one, as of `equilibrium`; DataArrays with
            different dimensions give their product.
        P: pressure, Pa.

    Returns the dataset of `equilibrium` with `C_P` [J/(mol K)] added; it contains the heat of reactions between phases.
    """
    data = equilibrium(system, T=T, x=x, P=P)
    shape = data["G"].shape
    temperatures = np.broadcast_to(data["T"].broadcast_like(data["G"]).values, shape).reshape(-1)
    overall = (data["x"] * data["amount"]).sum("vertex").values.reshape(-1, len(system.elements))
    C_P = _heat_capacities(system, temperatures, overall, P).reshape(shape)
    data["C_P"] = (data["G"].dims, C_P, {"units": "J/(mol K)"})
    return data


def step(
    system: System, *, T: tuple[float, float], x: Mapping[str, float], P: float = 101325.0, count: int = 201
) -> xr.Dataset:
    """Amounts and compositions of phases, G, H, S and C_P along a range of temperature.

    Where the set of stable phases changes between two temperatures, the change is found by bisection, and the last
    temperature before and the first one after it are among the results.

    Arguments:
        system: from `build`.
        T: lowest and highest temperature, K.
        x: mole fractions of all elements but one.
        P: pressure, Pa.
        count: temperatures before those of the changes are added.

    Returns a dataset over T; `amount` (T, phase) in moles of atoms of one mole, `x_phase` (T, phase, element) of the
    (largest) part of each phase, and the list `transitions` [K].
    """
    grid = np.linspace(*T, count)
    sets = _sets(system, grid, x, P)
    places = [k for k in range(count - 1) if sets[k] != sets[k + 1]]
    low, high = grid[places], grid[[k + 1 for k in places]]
    first = [sets[k] for k in places]
    for _ in range(_HALVINGS if places else 0):
        middle = 0.5 * (low + high)
        same = np.array([a == b for a, b in zip(_sets(system, middle, x, P), first, strict=True)])
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    every = np.unique(np.concatenate([grid, low, high]))
    data = property_map(system, T=xr.DataArray(every, dims="T", coords={"T": every}), x=x, P=P)
    return _by_phase(system, data).assign(transitions=("transition", np.sort(high), {"units": "K"}))


def _sets(system: System, T: np.ndarray, x: Mapping[str, float], P: float) -> list[tuple[str, ...]]:
    data = equilibrium(system, T=T, x=x, P=P)
    return [tuple(sorted(str(n) for n in row if n)) for row in data["phase"].values]


def _by_phase(system: System, data: xr.Dataset) -> xr.Dataset:
    names = [n for n in system.phase_names if (data["phase"].values == n).any()]
    here = [data["phase"].values == n for n in names]
    amount = np.nan_to_num(data["amount"].values)  # empty places of a condition hold NaN, and no phase
    total = np.stack([np.where(h, amount, 0.0).sum(axis=1) for h in here], axis=1)
    largest = [np.argmax(np.where(h, amount, -1.0), axis=1) for h in here]
    rows = np.arange(len(amount))
    x = np.stack([data["x"].values[rows, k] for k in largest], axis=1)
    x = np.where(total[..., None] > 0, x, np.nan)
    kept = data[[n for n in PROPERTIES if n in data] + ["status"]]
    return kept.assign(
        amount=(("T", "phase"), total, {"units": "mol of atoms"}), x_phase=(("T", "phase", "element"), x)
    ).assign_coords(phase=names)


@eqx.filter_jit
def _slope(system: System, T, x, P):
    entropy = lambda T: stable_state(system, T, x, P).S
    return T * jax.jvp(entropy, (T,), (jnp.ones_like(T),))[1]


def _heat_capacities(system: System, T: np.ndarray, x: np.ndarray, P: float) -> np.ndarray:
    return in_calls_of(_AT_ONCE, len(T), lambda here: _slope(system, jnp.asarray(T[here]), jnp.asarray(x[here]), P))
