"""States of a fluid as labelled datasets: any pair of given quantities in, all properties out, with units."""

import functools
from typing import Any

import jax
import numpy as np
import xarray as xr

import diffneq
from diffneq.thermo.fluids import batches, flashes, given
from diffneq.thermo.fluids.bulk import UNITS
from diffneq.thermo.fluids.density import at_temperature_pressure
from diffneq.thermo.fluids.helmholtz import Fluid
from diffneq.thermo.fluids.states import MEANS, ONE_PHASE, State, properties
from diffneq.thermo.fluids.status import EXTRAPOLATED, FAILURES, SENTENCES, explain

PAIRS = {
    ("T", "p"): at_temperature_pressure, ("T", "rho"): given.at_temperature_density,
    ("T", "quality"): given.at_temperature_quality, ("p", "quality"): given.at_pressure_quality,
    ("p", "h"): flashes.at_pressure_enthalpy, ("p", "s"): flashes.at_pressure_entropy,
    ("u", "v"): flashes.at_energy_volume,
}  # fmt: skip
_ALL = ("v", *(name for name in MEANS if name != "v"), *ONE_PHASE)


def states(
    model: Fluid,
    *,
    T: Any = None,
    p: Any = None,
    rho: Any = None,
    h: Any = None,
    s: Any = None,
    u: Any = None,
    v: Any = None,
    quality: Any = None,
    phase: str | None = None,
    homogeneous: bool = False,
    extrapolate: bool = False,
) -> xr.Dataset:
    """a(T, rho) -> p, u, h, s, g, c_v, c_p, w, ... of states given by a pair of quantities.

    Arguments:
        model: `water()`, `cubic("PR", "propane")`, or any `Fluid`.
        T, p, rho, h, s, u, v, quality: exactly two of them: (T, p), (T, rho), (T, quality), (p, quality), (p, h),
            (p, s) or (u, v); K, Pa, and per the basis of the model (kg or mol). Numbers, 1-D arrays that go together,
            or `xarray.DataArray`s, whose dimensions make a product.
        phase: with (T, p), "liquid" or "vapour" for that phase, metastable or not; None for the stable one.
        homogeneous: with (T, rho), do not let the fluid separate.
        extrapolate: go beyond the range in which the model was fitted; such states are marked in `status`.

    Returns a dataset with `rho`, `quality` (NaN where there is one phase), the densities of `liquid` and `vapour`, all
    properties, and `status` (0: stable; else see `explain`).

    Raises ValueError: another set of quantities, states out of range, or no state at all; in a batch with some good
    states the others carry their status and NaN.

    >>> from diffneq.thermo.fluids import water
    >>> with jax.enable_x64(True):
    ...     data = states(water(), T=[300.0, 400.0], p=1e5)
    >>> data.cp.values.round(1).tolist(), data.cp.attrs["units"]
    ([4180.6, 2007.8], 'J/(kg K)')
    """
    named = {"T": T, "p": p, "rho": rho, "h": h, "s": s, "u": u, "v": v, "quality": quality}
    pair = tuple(name for name, value in named.items() if value is not None)
    if pair not in PAIRS:
        listed = ", ".join(f"({a}, {b})" for a, b in PAIRS)
        raise ValueError(f"Give one pair of {listed}; got ({', '.join(pair)}).")
    if (phase is not None and pair != ("T", "p")) or (homogeneous and pair != ("T", "rho")):
        raise ValueError("phase goes with (T, p) and homogeneous with (T, rho).")
    first, second = xr.broadcast(*(_labelled(named[name], name) for name in pair))
    flat = [np.asarray(a.values, float).ravel() for a in (first, second)]
    _check(model, pair, flat)
    state = _solve(model, pair, flat, phase, homogeneous)
    _refuse(model, state, extrapolate)
    found = batches.in_batches(_properties, model, *state)
    return _dataset(model, pair, (first, second), state, found)


def _labelled(value: Any, name: str) -> xr.DataArray:
    if isinstance(value, xr.DataArray):
        return value
    array = np.asarray(value, float)
    if array.ndim > 1:
        raise ValueError(f"{name} must be a number, a 1-D array or an xarray.DataArray, got shape {array.shape}.")
    return xr.DataArray(array, dims=("state",) * array.ndim)


def _check(model: Fluid, pair: tuple[str, str], flat: list[np.ndarray]) -> None:
    """Sentences for what cannot be meant."""
    for name, values in zip(pair, flat, strict=True):
        if not len(values):
            raise ValueError(f"{name} is empty; give at least one state.")
        if not np.isfinite(values).all():
            raise ValueError(f"{name} must be finite numbers.")
        if name in ("T", "p", "rho", "v") and (values <= 0.0).any():
            raise ValueError(f"{name} must be positive, got {values.min():g} {_unit(model, name)}.")
        if name == "quality" and ((values < 0.0) | (values > 1.0)).any():
            raise ValueError("quality is the share of vapour, between 0 and 1.")
    if pair == ("T", "rho") and (flat[1] >= float(model.densest)).any():
        raise ValueError(
            f"rho must be below {float(model.densest):.6g} {_unit(model, 'rho')}, the densest state looked for."
        )


def _solve(model: Fluid, pair, flat, phase: str | None, homogeneous: bool) -> State:
    if pair == ("T", "p") and phase is None:
        return batches.many_at_temperature_pressure(model, *flat)
    return batches.in_batches(_function(pair, phase, homogeneous), model, *flat)


@functools.cache
def _function(pair, phase: str | None, homogeneous: bool):
    """One object for every question, so that each is compiled once."""
    if phase is not None:
        return functools.partial(at_temperature_pressure, phase=phase)
    return functools.partial(given.at_temperature_density, homogeneous=homogeneous) if homogeneous else PAIRS[pair]


def _properties(model: Fluid, *state) -> dict:
    return properties(model, State(*state), ("rho", *_ALL))


def _refuse(model: Fluid, state: State, extrapolate: bool) -> None:
    """ValueError where nothing is left of a batch, or where its states are out of range."""
    bad = state.status & FAILURES
    if (bad > 0).all():
        raise ValueError(f"{model.name}: {explain(int(bad[0]))}{'' if len(bad) == 1 else ', for every state'}.")
    outside = np.flatnonzero(state.status & EXTRAPOLATED)
    if len(outside) and not extrapolate:
        k, limits = outside[0], model.validity
        raise ValueError(
            f"{model.name}: T = {state.T[k]:.6g} K, p = {state.p[k]:.6g} Pa is outside {limits.T_low:g} to "
            f"{limits.T_high:g} K and up to {limits.p_high:g} Pa; ask for extrapolation to go there."
        )


def _dataset(model: Fluid, pair, labels, state: State, found: dict) -> xr.Dataset:
    dims, shape = labels[0].dims, labels[0].shape
    gone = (state.status & FAILURES & ~4) > 0  # an unstable state still has its numbers
    shaped = lambda a: (dims, np.where(gone, np.nan, a).reshape(shape))
    variables = {"T": state.T, "p": state.p, "quality": state.quality, "liquid": state.liquid, "vapour": state.vapour}
    data = xr.Dataset({name: shaped(values) for name, values in (variables | found).items()})
    data["status"] = (dims, state.status.reshape(shape))
    for label, name in zip(labels, pair, strict=True):
        data[name] = (dims, label.values)
        data = data.assign_coords({key: label.coords[key] for key in label.coords if key not in data})
    for name in data.data_vars:
        if name != "status":
            data[name].attrs["units"] = _unit(model, str(name))
    data["status"].attrs["meaning"] = ", ".join(f"{bit}: {words}" for bit, words in SENTENCES.items())
    data.attrs = {
        "fluid": model.name, "model": type(model).__name__, "source": model.citation, "basis": model.basis,
        "gas_constant": float(model.gas_constant), "diffneq": diffneq.__version__, "jax": jax.__version__,
    }  # fmt: skip
    return data


def _unit(model: Fluid, name: str) -> str:
    return UNITS.get(name, UNITS["rho"]).format(basis=model.basis)
