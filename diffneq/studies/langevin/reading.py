"""Records from files: .csv, .npy, .npz, .nc."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from diffneq.inference import TimeSeries, time_series

_TIMES = ("time", "t")


def read(path: str | Path, dt: float | None, names: tuple[str | None, ...]) -> list[TimeSeries | None]:
    """The variables called `names` (None: the only one there is; None later: none), each as a `TimeSeries`.

    .csv: a header line, a column "time" or "t" unless dt is given, one run. .npy: (T,) or (R, T), with dt. .npz: arrays
    by name, (T,) or (R, T), with "time" or "dt" among them. .nc: a dataset with dimension "time". Raises `ValueError`
    for other files and missing names.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"there is no file {path}.")
    readers = {".csv": _csv, ".npy": _npy, ".npz": _npz, ".nc": _netcdf}
    if path.suffix not in readers:
        raise ValueError(f"{path.name}: a record is a .csv, .npy, .npz or .nc file.")
    columns, time, own_dt = readers[path.suffix](path)
    dt = dt if dt is not None else own_dt
    if dt is None and time is None:
        raise ValueError(f"{path.name} has no times: say how far apart the records are, --dt.")
    out: list[TimeSeries | None] = []
    for i, name in enumerate(names):
        if name is None and i > 0:
            out.append(None)
            continue
        chosen = name if name is not None else _only(path, columns)
        if chosen not in columns:
            raise ValueError(f"{path.name} has no variable {chosen!r}: it has {', '.join(columns)}.")
        out.append(time_series(columns[chosen], dt, None if dt is not None else time))
    return out


def _only(path: Path, columns: dict) -> str:
    if len(columns) != 1:
        raise ValueError(f"{path.name} has the variables {', '.join(columns)}: name one, --variable.")
    return next(iter(columns))


def _csv(path: Path):
    with path.open() as lines:
        names = [name.strip() for name in lines.readline().lstrip("# ").split(",")]
    try:
        float(names[0])
    except ValueError:
        table = np.atleast_2d(np.genfromtxt(path, delimiter=",", skip_header=1))
    else:
        raise ValueError(f"{path.name}: the first line names the columns, for example time,velocity.")
    if table.shape[1] != len(names):
        raise ValueError(f"{path.name}: {len(names)} names head {table.shape[1]} columns.")
    columns = dict(zip(names, table.T, strict=True))
    time = next((columns.pop(name) for name in _TIMES if name in columns), None)
    return columns, time, None


def _npy(path: Path):
    return {"x": np.load(path)}, None, None


def _npz(path: Path):
    with np.load(path) as file:
        columns = {name: file[name] for name in file.files}
    dt = columns.pop("dt", None)
    time = next((columns.pop(name) for name in _TIMES if name in columns), None)
    return columns, time, None if dt is None else float(dt)


def _netcdf(path: Path):
    import xarray

    with xarray.open_dataset(path) as file:
        dataset = file.load()
    names = [str(n) for n, a in dataset.data_vars.items() if "time" in a.dims and a.ndim <= 2]
    columns = {name: np.asarray(dataset[name].transpose(..., "time")) for name in names}
    time = np.asarray(dataset["time"], float) if "time" in dataset.coords else None
    return columns, time, None
