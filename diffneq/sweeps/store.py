"""Sweeps on disk: a zarr (v3) group that many processes fill, each its own rows, and that survives them.

Rows are runs, dims ("run", "time"). A block of runs is one chunk of every array, so two writers never touch
one file. A block's data are written and flushed first, its `done` marks last: what is marked is complete,
whatever happened to the writer. Rows beyond the end of a short block carry run number -1.
"""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from diffneq.errors import DiskFullError
from diffneq.sweeps.grid import RESERVED, Grid

STORE_VERSION = 1
MISSING, DONE, FAILED = 0, 1, 2  # marks of a row; a failed block runs again on resume
_TEXT = {"failure": 400, "warning": 800, "device": 64}  # bytes of UTF-8 a row
_CHUNK_BYTES = 2**25
_ATTRIBUTE = "diffneq_sweep"


@dataclass
class Rows:
    """What one block computed, one row a run."""

    records: dict[str, np.ndarray]  # (k, n_records) each
    interval_end: np.ndarray  # (k, n_records) float64, in units of time
    status: np.ndarray  # (k,) int, 0 = good, above: the step at which the run was lost
    failure: list[str]  # k sentences, "" where nothing is wrong
    device: list[str]  # k device kinds
    warning: list[str]  # k sentences about the block, "" where there is nothing to say
    units: dict[str, str] = field(default_factory=dict)

    def arrays(self) -> dict[str, np.ndarray]:
        """All of it as arrays that zarr and NumPy store alike; text as rows of UTF-8 bytes."""
        taken = sorted(set(self.records) & set(RESERVED))
        if taken:
            raise ValueError(f"a record cannot be called {', '.join(taken)}: rename the observable")
        text = {name: _encode(getattr(self, name), name) for name in _TEXT}
        status = np.asarray(self.status).astype(np.int64)
        return {**self.records, "interval_end": self.interval_end, "status": status, **text}


def _encode(texts: Sequence[str], name: str) -> np.ndarray:
    width = _TEXT[name]
    raw = [t.encode()[:width].ljust(width, b"\0") for t in texts]
    return np.frombuffer(b"".join(raw), np.uint8).reshape(len(texts), width).copy()


def decode(rows: np.ndarray) -> list[str]:
    """The sentences kept in a text array, one a row."""
    return [bytes(r).rstrip(b"\0").decode(errors="ignore") for r in rows]


def fill_value(dtype: np.dtype) -> Any:
    """What stands where nothing was computed: NaN, or -1 for signed integers, or 0."""
    return {"f": np.nan, "c": np.nan, "i": -1}.get(dtype.kind, 0)


class Store:
    """A sweep's folder. Open one with `create_store` or `open_store`."""

    def __init__(self, path: str | os.PathLike[str], mode: str = "r+"):
        import zarr

        self.path = Path(path)
        try:
            self.group = zarr.open_group(str(path), mode=mode)  # pyright: ignore[reportArgumentType]
            self.manifest: dict[str, Any] = dict(self.group.attrs)[_ATTRIBUTE]  # pyright: ignore
        except (FileNotFoundError, KeyError, ValueError):
            raise ValueError(
                f"{str(path)!r} is not the store of a sweep; give the folder that sweep(..., store=...) wrote"
            ) from None

    @property
    def block_size(self) -> int:
        return int(self.manifest["block"])

    def runs(self) -> np.ndarray:
        """(rows,) the run in each row, -1 for padding."""
        return np.asarray(self.group["run"][:])  # pyright: ignore

    def marks(self) -> np.ndarray:
        """(blocks,) MISSING, DONE or FAILED. A block is done when all its rows are."""
        runs = self.runs().reshape(-1, self.block_size)
        marks = np.asarray(self.group["done"][:]).reshape(runs.shape)  # pyright: ignore
        done = np.all((marks == DONE) | (runs < 0), axis=1)
        return np.where(done, DONE, np.where(np.any(marks == FAILED, axis=1), FAILED, MISSING))

    def counts(self) -> tuple[int, int]:
        """How many runs are done, and how many there are."""
        runs = self.runs().reshape(-1, self.block_size) >= 0
        return int(runs[self.marks() == DONE].sum()), int(runs.sum())

    def write(self, block: int, rows: Rows) -> None:
        """Write a block's data, flush them, then mark it done. DiskFullError where there is no room."""
        with self._disk():
            arrays = rows.arrays()
            for name, data in arrays.items():
                self._ensure(name, data, rows.units)
                self._put(name, block, data)
            for name in arrays:
                _flush(self.path / name, block)
            self._put("done", block, np.full(len(rows.status), DONE, np.uint8))

    def mark_failed(self, block: int) -> None:
        """Note that a block raised, so that nobody waits for it."""
        with self._disk():
            count = int((self.runs().reshape(-1, self.block_size)[block] >= 0).sum())
            self._put("done", block, np.full(count, FAILED, np.uint8))

    def clear(self, block: int) -> None:
        """Forget the mark of a block that failed earlier."""
        with self._disk():
            self._put("done", block, np.zeros(0, np.uint8))

    def read(self, names: Sequence[str] | None = None) -> tuple[dict[str, np.ndarray], dict[str, str]]:
        """All rows of the arrays (fill values where a block is not done), and their units."""
        own = {"run", "seed", "done", *self.manifest["grid"]["axes"]}
        known = sorted(set(self.group.array_keys()) - own)
        if names is not None:
            book = [n for n in known if n in RESERVED]
            unknown = sorted(set(names) - set(known))
            if unknown:
                kept = ", ".join(sorted(set(known) - set(book)))
                raise ValueError(f"the store holds no variable {', '.join(unknown)}; it holds {kept}")
            known = [n for n in known if n in book or n in names]
        done = self.marks() == DONE
        arrays = {name: self._get(name, done) for name in known}
        return arrays, {n: str(self.group[n].attrs.get("units", "")) for n in known}

    def _get(self, name: str, done: np.ndarray) -> np.ndarray:
        array: Any = self.group[name]
        if done.all():
            return np.asarray(array[:])
        # Only finished blocks are read: an unfinished one may hold a torn file.
        out = np.full(array.shape, fill_value(array.dtype), array.dtype)
        for b in np.flatnonzero(done):
            rows = slice(b * self.block_size, (b + 1) * self.block_size)
            out[rows] = array[rows]
        return out

    def _put(self, name: str, block: int, data: np.ndarray) -> None:
        array: Any = self.group[name]
        if data.dtype != array.dtype or data.shape[1:] != array.shape[1:]:
            raise ValueError(
                f"record {name!r} of block {block} is {data.dtype}{list(data.shape[1:])} a run, the store's "
                f"is {array.dtype}{list(array.shape[1:])}: sweep such systems into separate stores"
            )
        # Whole chunks only: nothing is read back, and no other block's file is touched.
        full = np.full((self.block_size, *array.shape[1:]), fill_value(array.dtype), array.dtype)
        full[: len(data)] = data
        array[block * self.block_size : (block + 1) * self.block_size] = full

    def _ensure(self, name: str, data: np.ndarray, units: dict[str, str]) -> None:
        """Make an array when it is first needed. Two workers may both do it: they write the same metadata."""
        if name in self.group:
            return
        from zarr.errors import ContainsArrayError

        n_rows = int(self.manifest["rows"])
        width = max(1, _CHUNK_BYTES // max(1, self.block_size * data.dtype.itemsize))
        chunks = (self.block_size, *(min(n, width) for n in data.shape[1:]))
        second = ["time"] if name not in _TEXT else [f"{name}_byte"]
        unit = units.get(name, units.get("time", "t") if name == "interval_end" else "")
        with contextlib.suppress(ContainsArrayError):
            self.group.create_array(
                name,
                shape=(n_rows, *data.shape[1:]),
                chunks=chunks,
                dtype=data.dtype,
                fill_value=fill_value(data.dtype),
                dimension_names=["run", *second[: data.ndim - 1]],
                attributes={"units": unit},
            )

    @contextlib.contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise_if_full(error, self.path, self)
            raise


def raise_if_full(error: OSError, path: Path, store: Store | None = None) -> None:
    """Turn 'no space left' into the sentence that says what is kept and how to go on."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT) or isinstance(error, DiskFullError):
        return
    kept = "nothing was stored yet"
    if store is not None:
        kept = "{} of {} runs are stored and stay readable with open_sweep".format(*store.counts())
    raise DiskFullError(
        error.errno,
        f"the disk or quota that holds {str(path)!r} is full: {kept}; free some space and call sweep "
        "again with resume=True to compute the rest",
    ) from error


def _flush(folder: Path, block: int) -> None:
    """Put a block's chunks on the platter before its mark, so that a power cut cannot reorder them."""
    for base, _, files in os.walk(folder / "c" / str(block)):
        for name in files:
            handle = os.open(os.path.join(base, name), os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def create_store(path: str | os.PathLike[str], manifest: dict[str, Any], runs: np.ndarray) -> Store:
    """A new, empty store for rows that hold `runs`, in blocks of manifest["block"].

    Beside the marks it holds each row's grid coordinates and seed, for readers that know only zarr or xarray.
    """
    import zarr

    target = Path(path)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ValueError(f"{str(path)!r} exists already; give another folder as store=")
    # Made aside and renamed: a folder with this name is a whole store, or is not there.
    aside = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        attributes: dict[str, Any] = {_ATTRIBUTE: {**manifest, "rows": len(runs)}}
        group = zarr.open_group(str(aside), mode="w", zarr_format=3, attributes=attributes)
        _bookkeeping(group, runs, int(manifest["block"]), Grid.from_json(manifest["grid"]))
        os.rename(aside, target)
    except OSError as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise_if_full(error, target)
        raise
    return Store(path)


def _bookkeeping(group: Any, runs: np.ndarray, block: int, grid: Grid) -> None:
    point, seed = np.divmod(np.maximum(runs, 0), len(grid.seeds))
    index = np.unravel_index(point, grid.shape) if grid.names else ()
    columns = {"run": (runs, ""), "seed": (np.asarray(grid.seeds, np.int64)[seed], "")}
    for name, values, unit, i in zip(grid.names, grid.values, grid.units, index, strict=True):
        if values.dtype.kind in "fiub":  # zarr's format has no settled strings; the manifest holds those
            columns[name] = (values[i], unit)
    for name, (values, unit) in columns.items():
        _array(group, name, len(runs), values.dtype, {"units": unit})[:] = values
    meanings = {"flag_values": [MISSING, DONE, FAILED], "flag_meanings": "missing done failed"}
    _array(group, "done", block, np.dtype("uint8"), meanings, rows=len(runs))


def _array(group: Any, name: str, chunk: int, dtype: Any, attributes: dict, rows: int | None = None) -> Any:
    return group.create_array(
        name,
        shape=(chunk if rows is None else rows,),
        chunks=(chunk,),
        dtype=dtype,
        fill_value=fill_value(dtype),
        dimension_names=["run"],
        attributes=attributes,
    )
