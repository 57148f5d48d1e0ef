"""The product grid of a sweep: its axes, its points, its runs, and one random key for each run.

Runs are numbered point by point in the order of the grid, seeds fastest: run = point * n_seeds + seed index.
"""

import functools
import hashlib
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# Names that the result or the store needs for itself.
RESERVED = (
    "seed",
    "time",
    "run",
    "done",
    "status",
    "failure",
    "warning",
    "device",
    "interval_end",
    "record_time",
)


@dataclass(frozen=True)
class Grid:
    """Axes of a product grid: `values[i]` is the 1-D array of axis `names[i]`, in `units[i]`."""

    names: tuple[str, ...]
    values: tuple[np.ndarray, ...]
    units: tuple[str, ...]
    seeds: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes, without the seeds."""
        return tuple(len(v) for v in self.values)

    @property
    def n_points(self) -> int:
        return math.prod(self.shape)

    @property
    def n_runs(self) -> int:
        return self.n_points * len(self.seeds)

    def points(self) -> list[dict[str, Any]]:
        """The keyword arguments of `build` at every point, as plain Python numbers, strings or booleans."""
        axes = [[x.item() for x in v] for v in self.values]
        return [dict(zip(self.names, combination, strict=True)) for combination in itertools.product(*axes)]

    def describe(self, run: int) -> str:
        """A run in words, for messages: 'field=0.1, seed=3'."""
        point, seed = divmod(run, len(self.seeds))
        index = np.unravel_index(point, self.shape) if self.names else ()
        parts = [f"{n}={v[i].item()!r}" for n, v, i in zip(self.names, self.values, index, strict=True)]
        return ", ".join([*parts, f"seed={self.seeds[seed]}"])

    def to_json(self) -> dict[str, Any]:
        axes = {
            n: {"values": v.tolist(), "unit": u} for n, v, u in zip(self.names, self.values, self.units, strict=True)
        }
        return {"axes": axes, "seeds": list(self.seeds)}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Grid":
        axes = data["axes"]
        return Grid(
            tuple(axes),
            tuple(np.asarray(a["values"]) for a in axes.values()),
            tuple(a["unit"] for a in axes.values()),
            tuple(data["seeds"]),
        )


def make_grid(grid: Mapping[str, Any], seeds: int | Sequence[int]) -> Grid:
    """Check what the user wrote and put it in one form; ValueError says what to write instead."""
    if not isinstance(grid, Mapping):
        raise ValueError(f"grid must be a dict of name -> 1-D values, {{'field': [0.1, 0.2]}}, not {grid!r}")
    names, values, units = [], [], []
    for name, entry in grid.items():
        if not isinstance(name, str) or not name.isidentifier() or name in RESERVED:
            raise ValueError(
                f"grid axis {name!r} must be the name of a keyword of build, and not one of {', '.join(RESERVED)}"
            )
        axis, unit = _with_unit(entry)
        names.append(name)
        values.append(_axis(name, axis))
        units.append(unit)
    return Grid(tuple(names), tuple(values), tuple(units), _seeds(seeds))


def _with_unit(entry: Any) -> tuple[Any, str]:
    # Two strings are two values, not a value and its unit.
    pair = isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[1], str)
    if pair and not isinstance(entry[0], str) and np.ndim(entry[0]) > 0:
        return entry
    return entry, ""


def _axis(name: str, entry: Any) -> np.ndarray:
    right = f"grid={{{name!r}: [0.1, 0.2]}} or grid={{{name!r}: ([0.1, 0.2], 'unit')}}"
    try:
        values = np.asarray(list(entry) if isinstance(entry, range) else entry)
    except ValueError:
        raise ValueError(f"grid axis {name!r} has ragged values; write {right}") from None
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"grid axis {name!r} must be 1-D and not empty (shape {values.shape}): {right}")
    mixed = values.dtype.kind == "U" and not all(isinstance(x, str) for x in entry)
    if mixed or values.dtype.kind not in "fiubU":
        raise ValueError(f"grid axis {name!r} must hold numbers, booleans or strings of one kind: {right}")
    if values.dtype.kind == "f" and not np.all(np.isfinite(values)):
        bad = values[~np.isfinite(values)][0]
        raise ValueError(f"grid axis {name!r} holds a value that is not finite ({bad}); leave it out")
    if len(np.unique(values)) != len(values):
        raise ValueError(f"grid axis {name!r} repeats a value; for more statistics raise seeds= instead")
    if values.dtype.kind == "f":
        values = values.astype(np.float64)
    return values


def _seeds(seeds: int | Sequence[int]) -> tuple[int, ...]:
    right = "write seeds=8 for seeds 0 to 7, or seeds=[3, 5] for these two"
    if isinstance(seeds, (bool, str, float)):
        raise ValueError(f"seeds must be an integer or a sequence of integers, not {seeds!r}; {right}")
    if isinstance(seeds, (int, np.integer)):
        numbers = tuple(range(int(seeds)))
    elif all(isinstance(s, (int, np.integer)) and not isinstance(s, bool) for s in seeds):
        numbers = tuple(int(s) for s in seeds)
    else:
        raise ValueError(f"seeds must be integers, not {seeds!r}; {right}")
    if not numbers:
        raise ValueError(f"a sweep needs at least one seed, not seeds={seeds!r}; {right}")
    if len(set(numbers)) != len(numbers) or min(numbers) < 0 or max(numbers) >= 2**32:
        raise ValueError(f"seeds must be different integers from 0 to 2**32 - 1, not {seeds!r}; {right}")
    return numbers


def root_key(key: Any) -> Any:
    """A typed scalar key from an integer or from a typed key."""
    import jax

    if isinstance(key, (int, np.integer)) and not isinstance(key, bool):
        return jax.random.key(int(key))
    if isinstance(key, jax.Array) and jax.dtypes.issubdtype(key.dtype, jax.dtypes.prng_key) and key.ndim == 0:
        return key
    raise ValueError(f"key must be an integer or one typed key, jax.random.key(0), not {key!r}")


def _words(point: Mapping[str, Any]) -> tuple[int, int]:
    """64 bits that name a point by its values alone, whatever else the grid holds and in whatever order."""

    def plain(value: Any) -> Any:
        # 1 and 1.0, 0.0 and -0.0 are one point.
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return repr(float(value) + 0.0) if number else value

    text = json.dumps([[name, plain(point[name])] for name in sorted(point)])
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:8], "little")


def run_keys(grid: Grid, root: Any, common_noise: bool) -> np.ndarray:
    """Key data, one row a run: fold_in(fold_in(fold_in(root, seed), high), low).

    (high, low) is a hash of the point's values, so a run keeps its key when the grid grows, and nothing about
    blocks or devices enters. With common noise the key is fold_in(root, seed) at every point.
    """
    import jax.numpy as jnp

    words = np.array([_words(p) for p in grid.points()], np.uint32).reshape(grid.n_points, 2)
    names = np.empty((grid.n_points, len(grid.seeds), 3), np.uint32)
    names[..., 0] = np.asarray(grid.seeds, np.uint32)
    names[..., 1:] = words[:, None, :]
    fold = _folding(bool(common_noise))
    return np.asarray(fold(root, jnp.asarray(names.reshape(-1, 3))))


@functools.cache
def _folding(common_noise: bool) -> Any:
    import jax

    def one(root: Any, name: Any) -> Any:
        key = jax.random.fold_in(root, name[0])
        if not common_noise:
            key = jax.random.fold_in(jax.random.fold_in(key, name[1]), name[2])
        return jax.random.key_data(key)

    # A map, not vmap: some generators give other bits under vmap.
    return jax.jit(lambda root, names: jax.lax.map(lambda name: one(root, name), names))
