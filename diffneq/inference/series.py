"""Records of slow variables as estimators want them: (R, T, d), uniform in time, without gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_LEAST = 32  # transitions below which nothing is estimated


@dataclass(frozen=True)
class TimeSeries:
    """`values` (R, T, d) float64: R replicas of d variables, `dt` [t] apart; `names` and `units` of the variables."""

    values: np.ndarray
    dt: float
    names: tuple[str, ...]
    units: tuple[str, ...]
    time_unit: str = "t"

    @property
    def transitions(self) -> int:
        """R (T - 1)."""
        return self.values.shape[0] * (self.values.shape[1] - 1)

    @property
    def scalar(self) -> np.ndarray:
        """(R, T), where there is one variable; ValueError otherwise."""
        if self.values.shape[2] != 1:
            raise ValueError(f"one variable is needed, the record holds {', '.join(self.names)}: name one of them.")
        return self.values[..., 0]

    def blocks(self, count: int = 32) -> np.ndarray:
        """(B, L + 1, d): pieces of L transitions, equally long, that share their end points; B >= `count` if possible.

        With `count` replicas or more each replica is a block. A remainder shorter than a block is left out at the end
        of each replica.
        """
        replicas, length = self.values.shape[0], self.values.shape[1] - 1
        each = max(1, -(-count // replicas))
        size = max(length // each, min(length, 8))
        starts = np.arange(length // size) * size
        pieces = self.values[:, starts[:, None] + np.arange(size + 1)]
        return pieces.reshape(-1, size + 1, self.values.shape[2])


def time_series(data, dt: float | None = None, time=None, variables=None) -> TimeSeries:
    """A checked record of slow variables.

    Arguments:
        data: (T,), (R, T) or (R, T, d); an `xarray.DataArray`, or a `Dataset` as `simulate(...).dataset()` gives it,
            with dimension and coordinate "time", perhaps "run". A `TimeSeries` passes through.
        dt: time between records [t]; or
        time: their times (T,), which must be equally spaced. An xarray record brings its own.
        variables: names of the variables to take from a Dataset.

    Raises:
        ValueError: for other shapes, NaN, unequal spacing, fewer than 32 transitions, a variable that never changes.

    >>> time_series(np.sin(np.arange(100.0)), dt=0.1).values.shape
    (1, 100, 1)
    >>> time_series(np.arange(100.0), time=np.r_[0:99, 120])
    Traceback (most recent call last):
    ValueError: the record is not uniform in time (steps from 1 to 22): interpolate it, or cut it at its gaps.
    """
    if isinstance(data, TimeSeries):
        return data
    names, units, time_unit = None, None, "t"
    if hasattr(data, "dims"):
        data, time, names, units, time_unit = _from_xarray(data, variables, time)
    values = np.asarray(data, np.float64)
    if values.ndim not in (1, 2, 3):
        raise ValueError(f"a record has shape (T,), (R, T) or (R, T, d), not {values.shape}.")
    values = values[None, :, None] if values.ndim == 1 else values[..., None] if values.ndim == 2 else values
    step = _spacing(values.shape[1], dt, time)
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        raise ValueError(f"the record has NaN or infinity, first at replica {bad[0][0]}, record {bad[0][1]}: keep the "
                         f"good replicas, or cut the record at its gaps and give the pieces as replicas.")  # fmt: skip
    names = names or tuple(f"x{i}" if values.shape[2] > 1 else "x" for i in range(values.shape[2]))
    series = TimeSeries(values, step, names, units or ("",) * len(names), time_unit)
    if series.transitions < _LEAST:
        raise ValueError(f"the record has {series.transitions} transitions, at least {_LEAST} are needed: record more.")
    for name, column in zip(names, np.moveaxis(values, 2, 0), strict=True):
        if np.ptp(column) == 0:
            raise ValueError(f"{name} never changes: there is no motion to fit.")
    return series


def _spacing(length: int, dt: float | None, time) -> float:
    if dt is not None:
        if not (np.isfinite(dt) and dt > 0):
            raise ValueError(f"dt must be positive and finite, got {dt}.")
        return float(dt)
    if time is None:
        raise ValueError("say how far apart the records are: dt=..., or their times, time=...")
    time = np.asarray(time, np.float64)
    if time.shape != (length,):
        raise ValueError(f"time must have one entry for each of the {length} records, got shape {time.shape}.")
    steps = np.diff(time)
    mean = (time[-1] - time[0]) / max(length - 1, 1)
    if not np.all(np.isfinite(steps)) or mean <= 0 or np.max(np.abs(steps - mean)) > 1e-3 * mean:
        raise ValueError(f"the record is not uniform in time (steps from {steps.min():.6g} to {steps.max():.6g}): "
                         f"interpolate it, or cut it at its gaps.")  # fmt: skip
    return float(mean)


def _from_xarray(data, variables, time):
    chosen = [variables] if isinstance(variables, str) else list(variables or [])
    if hasattr(data, "data_vars"):
        missing = [name for name in chosen if name not in data.data_vars]
        if not chosen or missing:
            held = ", ".join(map(str, data.data_vars))
            raise ValueError(f"name the variables to take (variables=...): the record holds {held}.")
    arrays = [data[name] for name in chosen] if hasattr(data, "data_vars") else [data]
    for array in arrays:
        if "time" not in array.dims or array.ndim > 2:
            raise ValueError(f"{array.name} has dimensions {array.dims}: (time,) or (run, time) are understood.")
    columns = [np.asarray(array.transpose(..., "time"), np.float64) for array in arrays]
    values = np.stack([column.reshape(-1, column.shape[-1]) for column in columns], axis=-1)
    coordinate = arrays[0].coords.get("time")
    if time is None and coordinate is not None:
        time = np.asarray(coordinate, np.float64)
    names = tuple(str(array.name) for array in arrays)
    units = tuple(str(array.attrs.get("units", "")) for array in arrays)
    time_unit = str(coordinate.attrs.get("units", "t")) if coordinate is not None else "t"
    return values, time, names, units, time_unit
