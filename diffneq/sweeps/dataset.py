"""From rows of runs to a labelled product grid, and stores read back."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from diffneq.errors import StoreMismatchError
from diffneq.sweeps.grid import Grid
from diffneq.sweeps.manifest import configuration_hash, versions
from diffneq.sweeps.store import STORE_VERSION, Store, decode, fill_value

if TYPE_CHECKING:
    import xarray as xr


def open_sweep(path: str | os.PathLike[str], variables: Sequence[str] | None = None) -> "xr.Dataset":
    """The records A(grid..., seed, time) that a sweep has stored so far, as one `xarray.Dataset`.

    Runs that are not done yet hold NaN and have status -1; `attrs["runs_done"]` counts the others. A store
    may be opened while a sweep still writes to it.

    Arguments:
        path: the folder given to `sweep` as `store=`.
        variables: names of the records to load; all of them by default.

    Raises:
        ValueError: no store there, a store of another version, or an unknown variable.

    Example:
        >>> from diffneq.sweeps import open_sweep
        >>> open_sweep("nowhere.zarr")
        Traceback (most recent call last):
        ValueError: 'nowhere.zarr' is not the store of a sweep; give the folder that sweep(..., ...) wrote
    """
    store = Store(path, mode="r")
    version = store.manifest.get("store_version")
    if version != STORE_VERSION:
        raise StoreMismatchError(
            f"{str(path)!r} is a store of version {version}, this diffneq reads version {STORE_VERSION}: "
            f"read it with diffneq {store.manifest.get('versions', {}).get('diffneq')}"
        )
    arrays, units = store.read(variables)
    return assemble(store.manifest, store.runs(), arrays, units)


def assemble(
    manifest: Mapping[str, Any], runs: np.ndarray, arrays: Mapping[str, np.ndarray], units: Mapping[str, str]
) -> "xr.Dataset":
    """Rows in any order, (rows, ...) each with its run number in `runs` (-1: padding), as a product grid."""
    import xarray as xr

    grid = Grid.from_json(manifest["grid"])
    ordered = {name: _in_order(grid, runs, a) for name, a in arrays.items()}
    shape = (*grid.shape, len(grid.seeds))
    dims = (*grid.names, "seed")
    status = ordered.pop("status", np.full(grid.n_runs, -1, np.int64))
    nothing = np.zeros((grid.n_runs, 1), np.uint8)
    text = {name: decode(ordered.pop(name, nothing)) for name in ("failure", "warning", "device")}
    failure = text["failure"]
    ends = ordered.pop("interval_end", np.zeros((grid.n_runs, 0)))
    coords: dict[str, Any] = {
        n: ((n,), v, {"units": u}) for n, v, u in zip(grid.names, grid.values, grid.units, strict=True)
    }
    coords["seed"] = (("seed",), np.asarray(grid.seeds))
    coords.update(_times(ends[status >= 0], ends, dims, shape, units.get("interval_end", "")))
    data: dict[str, Any] = {
        name: ((*dims, "time"), a.reshape(*shape, *a.shape[1:]), {"units": units.get(name, "")})
        for name, a in sorted(ordered.items())
    }
    note = {"long_name": "0: good; above: the step at which the run was lost (see failure); -1: not done yet"}
    data["status"] = (dims, status.reshape(shape), note)
    data["failure"] = (dims, np.asarray(failure, dtype=np.str_).reshape(shape))
    attrs = _provenance(manifest, grid, status, text)
    return xr.Dataset(data, coords=coords, attrs=attrs)


def _in_order(grid: Grid, runs: np.ndarray, rows: np.ndarray) -> np.ndarray:
    out = np.full((grid.n_runs, *rows.shape[1:]), fill_value(rows.dtype), rows.dtype)
    out[runs[runs >= 0]] = rows[runs >= 0]
    return out


def _times(done: np.ndarray, ends: np.ndarray, dims: Any, shape: Any, unit: str) -> dict[str, Any]:
    """One time axis where all runs share it; otherwise an index, and times as a coordinate of every run."""
    about = {"units": unit, "long_name": "end of the record interval"}
    if len(done) and np.all(done == done[0]):
        return {"time": (("time",), done[0], about)}
    index = {"time": (("time",), np.arange(ends.shape[1]), {"long_name": "number of the record"})}
    return {**index, "record_time": ((*dims, "time"), ends.reshape(*shape, -1), about)} if len(done) else index


def _provenance(
    manifest: Mapping[str, Any], grid: Grid, status: np.ndarray, text: Mapping[str, list[str]]
) -> dict[str, Any]:
    configuration = manifest["configuration"]
    bad = [
        f"{grid.describe(int(r))}: {text['failure'][r] or f'status {status[r]}'}" for r in np.flatnonzero(status > 0)
    ]
    stated = {k: v if isinstance(v, (str, int, float)) else json.dumps(v) for k, v in configuration.items()}
    # netCDF and zarr attributes know no booleans
    stated = {k: str(v) if isinstance(v, bool) else v for k, v in stated.items()}
    return {
        **stated,
        **{f"version_{name}": version for name, version in manifest.get("versions", versions()).items()},
        "device_kind": ", ".join(sorted(set(text["device"]) - {""})),
        "configuration_hash": configuration_hash(manifest),
        "runs": grid.n_runs,
        "runs_done": int(np.sum(status >= 0)),
        "runs_failed": len(bad),
        "failures": "\n".join(bad),
        "warnings": "\n".join(sorted(set(text["warning"]) - {""})),
    }
