"""The curves of T-s and p-h diagrams, as labelled datasets for `plotting.fluids`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from diffneq.thermo.fluids.batches import in_batches
from diffneq.thermo.fluids.helmholtz import Fluid
from diffneq.thermo.fluids.saturation import saturation_at_temperature
from diffneq.thermo.fluids.tables import states

_SHOWN = ("T", "p", "h", "s", "rho")


def dome(model: Fluid, T_low: float | None = None, points: int = 120) -> xr.Dataset:
    """Saturated liquid and vapour, from a low temperature to just below the critical point, which closes the curve.

    Arguments: `model`; `T_low`, K (default: the lowest of the model's range); `points` on each side, denser towards the
    critical point. The dimensions are `side` ("liquid", "vapour") and `point`.
    """
    low, top = model.validity.T_low if T_low is None else T_low, float(model.critical.T)
    T = top - (top - low) * np.linspace(1.0, 0.012, points) ** 3
    at = xr.DataArray(T, dims="point")
    data = states(model, T=at, quality=xr.DataArray([0.0, 1.0], dims="side", coords={"side": ["liquid", "vapour"]}))
    end = states(model, T=top, rho=float(model.critical.rho), homogeneous=True)
    closing = end[list(_SHOWN)].expand_dims(point=1)
    pieces = [_joined([data[list(_SHOWN)].sel(side=side), closing], "point") for side in ("liquid", "vapour")]
    return _joined(pieces, _labels("side", ["liquid", "vapour"])).assign_attrs(data.attrs)


def quality_lines(model: Fluid, qualities: Sequence[float], T_low: float | None = None, points: int = 80) -> xr.Dataset:
    """Lines of constant quality under the dome; dimensions `quality` and `point`."""
    low, top = model.validity.T_low if T_low is None else T_low, float(model.critical.T)
    T = xr.DataArray(top - (top - low) * np.linspace(1.0, 0.05, points) ** 3, dims="point")
    x = xr.DataArray(np.asarray(qualities, float), dims="line", coords={"line": np.asarray(qualities, float)})
    return states(model, T=T, quality=x)[list(_SHOWN)]


def isobars(model: Fluid, pressures: Sequence[float], T_low: float, T_high: float, points: int = 160) -> xr.Dataset:
    """T, h, s along lines of constant pressure (Pa), through both phases; dimensions `line` and `point`."""
    T = np.linspace(T_low, T_high, points)
    saturation = in_batches(saturation_at_temperature, model, T)
    lines = []
    for p in pressures:
        boils = np.nanmin(saturation.p) < p < np.nanmax(saturation.p)
        lines.append(_along_isobar(model, p, T, boils))
    return _joined(lines, _labels("line", pressures))


def _along_isobar(model: Fluid, p: float, T: np.ndarray, boils: bool) -> xr.Dataset:
    """One isobar; where it boils, the two saturated states stand in it instead of the two temperatures about them."""
    data = states(model, T=xr.DataArray(T, dims="point"), p=p)[list(_SHOWN)]
    if not boils:
        return data
    ends = states(model, p=p, quality=xr.DataArray([0.0, 1.0], dims="point"))[list(_SHOWN)]
    k = int(np.clip(np.searchsorted(T, float(ends["T"][0])), 1, len(T) - 1))
    return _joined([data.isel(point=slice(0, k - 1)), ends, data.isel(point=slice(k + 1, None))], "point")


def isotherms(
    model: Fluid, temperatures: Sequence[float], p_low: float, p_high: float, points: int = 160
) -> xr.Dataset:
    """p, h, s along lines of constant temperature (K), through both phases; dimensions `line` and `point`."""
    p = np.geomspace(p_low, p_high, points)
    lines = []
    for T in temperatures:
        data = states(model, T=T, p=xr.DataArray(p, dims="point"))[list(_SHOWN)]
        if T < float(model.critical.T):
            ends = states(model, T=T, quality=xr.DataArray([1.0, 0.0], dims="point"))[list(_SHOWN)]
            k = int(np.clip(np.searchsorted(p, float(ends["p"][0])), 1, len(p) - 1))
            data = _joined([data.isel(point=slice(0, k - 1)), ends, data.isel(point=slice(k + 1, None))], "point")
        lines.append(data)
    return _joined(lines, _labels("line", temperatures))


def _labels(name: str, values: Sequence[Any]) -> xr.DataArray:
    return xr.DataArray(np.asarray(values), dims=name, name=name)


def _joined(parts: list[xr.Dataset], dim: Any) -> xr.Dataset:
    """One after the other along a dimension; coordinates of the single parts are dropped."""
    whole: Any = xr.concat(
        [part.drop_vars("side", errors="ignore") for part in parts], dim, coords="minimal", compat="override"
    )
    return whole
