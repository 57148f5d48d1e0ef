"""How a sweep is cut: points grouped by the program they compile to, groups cut into blocks of runs."""

import inspect
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from diffneq.sweeps.batching import same_shape, varying
from diffneq.sweeps.grid import Grid

_KEEP_BYTES = 2**30  # built systems are kept for the blocks up to this size, and built again beyond


@dataclass(frozen=True)
class Block:
    """Runs that are computed in one call: `size` replicas, of which the first len(runs) count."""

    index: int
    runs: tuple[int, ...]
    size: int
    batched: tuple[bool, ...]


@dataclass(frozen=True)
class Plan:
    """The blocks of a sweep, and what was built to find them."""

    block: int
    blocks: tuple[Block, ...]
    ends: tuple[Any, Any]  # the first and the last built point
    trees: list[Any] | None  # every built point, if they fit

    def rows(self) -> np.ndarray:
        """(blocks * block,) the run in each row of a store, -1 where a block is short."""
        rows = np.full((len(self.blocks), self.block), -1, np.int64)
        for b in self.blocks:
            rows[b.index, : len(b.runs)] = b.runs
        return rows.ravel()


def make_plan(build: Callable[..., Any], grid: Grid, block: int | None, options: Mapping[str, Any], parts: int) -> Plan:
    """Build every point once, group them, cut the groups. `parts`: how many blocks are wanted at least."""
    points = grid.points()
    _check_build(build, points[0])
    groups: list[tuple[Any, list[int], list[bool]]] = []  # first built point, points, leaves that differ
    trees: list[Any] | None = []
    kept: dict[int, Any] = {}
    size = largest = 0
    first = last = None
    for i, point in enumerate(points):
        last = _built(build, point)
        first = last if i == 0 else first
        _join(groups, i, last)
        arrays = {id(x): x for x in jax.tree.leaves(last) if hasattr(x, "nbytes")}
        largest = max(largest, sum(x.nbytes for x in arrays.values()))
        if trees is not None:
            size += sum(x.nbytes for n, x in arrays.items() if n not in kept)
            kept.update(arrays)
            trees = None if size > _KEEP_BYTES else [*trees, last]
    if block is None:
        block = default_block(grid.n_runs, largest, options, parts)
    return Plan(block, _cut(groups, len(grid.seeds), block), (first, last), trees)


def _check_build(build: Any, point: Mapping[str, Any]) -> None:
    if not callable(build):
        raise ValueError(f"build must be a function build(**point) -> (model, dynamics, drive), not {build!r}")
    try:
        inspect.signature(build).bind(**point)
    except TypeError as error:
        raise ValueError(
            f"build cannot be called with the grid's axes as keywords, build({', '.join(point)}): {error}"
        ) from None
    except ValueError:
        pass  # a builtin without a signature


def _built(build: Callable[..., Any], point: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    out = build(**point)
    if not isinstance(out, (tuple, list)) or len(out) != 3:
        raise ValueError(f"build must return (model, dynamics, drive), not {type(out).__name__} at {dict(point)}")
    return (out[0], out[1], out[2])


def _join(groups: list[tuple[Any, list[int], list[bool]]], i: int, built: Any) -> None:
    for first, members, batched in groups:
        if same_shape(first, built):
            members.append(i)
            batched[:] = [a or b for a, b in zip(batched, varying(first, built), strict=True)]
            return
    groups.append((built, [i], [False] * len(jax.tree.leaves(built))))


def _cut(groups: Sequence[tuple[Any, list[int], list[bool]]], n_seeds: int, block: int) -> tuple[Block, ...]:
    blocks: list[Block] = []
    for _, members, batched in groups:
        runs = [p * n_seeds + s for p in members for s in range(n_seeds)]
        # Equal parts: padding the last one to the common, compiled size then costs little.
        size = math.ceil(len(runs) / math.ceil(len(runs) / block))
        for start in range(0, len(runs), size):
            blocks.append(Block(len(blocks), tuple(runs[start : start + size]), size, tuple(batched)))
    return tuple(blocks)


def default_block(n_runs: int, run_bytes: int, options: Mapping[str, Any], parts: int) -> int:
    """How many runs to compute at once: what fills the device, within a quarter of its memory.

    On a CPU the number of devices does not enter, so that it cannot change a bit of the result.
    """
    device = jax.local_devices()[0]
    if device.platform == "cpu":
        most = 32
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    else:
        most = 256 * jax.local_device_count()
        memory = (device.memory_stats() or {}).get("bytes_limit", 2**34) * jax.local_device_count()
    records = int(options.get("steps", 0)) // max(1, int(options.get("record_every") or 1))
    # Lists, forces and scratch take some tens of times what the parameters and positions take.
    need = 64 * run_bytes + 128 * records + 1
    most = max(1, min(most, memory // 4 // need, math.ceil(n_runs / parts)))
    return math.ceil(n_runs / math.ceil(n_runs / most))
