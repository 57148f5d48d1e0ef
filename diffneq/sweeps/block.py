"""One block of a sweep: the task that travels to a worker, and what the worker does with it."""

import pickle
import re
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffneq.sweeps.store import Rows, Store, fill_value

# Settings of jax that change bits: a worker takes them over from the process that called sweep.
_CONFIG = ("jax_enable_x64", "jax_default_matmul_precision", "jax_threefry_partitionable")


@dataclass(frozen=True)
class Task:
    """One block: everything a worker needs to compute it and to store it."""

    block: int
    build: Callable[..., Any]
    grid_names: tuple[str, ...]
    points: tuple[dict[str, Any], ...]  # the different points of the block
    which: tuple[int, ...]  # for each run, the place of its point in `points`
    size: int  # runs to compute at once: short blocks repeat their last run, and share a compiled program
    key_data: np.ndarray  # (runs, words)
    key_impl: str
    batched: tuple[bool, ...]  # which leaves differ anywhere in the group, see `batching.stack`
    options: Mapping[str, Any]
    store: str | None
    config: Mapping[str, Any]


@dataclass
class Summary:
    """What a worker reports about a block; `rows` only where there is no store."""

    block: int
    runs: int
    seconds: float
    rows: Rows | None = None
    error: str = ""  # one line, "" when the block is done
    details: str = ""  # the traceback
    exception: BaseException | None = None


def jax_config() -> dict[str, Any]:
    """The settings of this process that workers must share."""
    import jax

    return {name: getattr(jax.config, name) for name in _CONFIG}


def compute(task: Task, trees: Mapping[int, Any] | None = None) -> Rows:
    """Build the systems of a block, run them in one call of `simulate`, return one row a run."""
    import jax

    from diffneq.simulation.loop import simulate
    from diffneq.sweeps.batching import stack

    built = [task.build(**p) if trees is None else trees[i] for i, p in enumerate(task.points)]
    extra = task.size - len(task.which)
    which = [*task.which, *[task.which[-1]] * extra]
    data = np.concatenate([task.key_data, np.repeat(task.key_data[-1:], extra, axis=0)])
    keys = jax.random.wrap_key_data(jax.numpy.asarray(data), impl=task.key_impl)
    (model, dynamics, drive), axes = stack([tuple(built[i]) for i in which], task.batched)
    result = simulate(model, dynamics, drive, keys=keys, in_axes=axes, **task.options)
    step = dynamics.dt if getattr(axes[1], "dt", None) == 0 else None
    return _rows(result, len(task.which), task, step)


def _rows(result: Any, count: int, task: Task, step: Any) -> Rows:
    """The first `count` replicas of a result; `step` (size,): their time steps, where these differ."""
    import jax

    status = np.asarray(result.status).astype(np.int64)
    ends = _ends(result, task, step, len(status))
    records, units = {}, dict(result.units)
    for name, values in result.records.items():
        # A grid axis keeps its name for the coordinate.
        kept = f"recorded_{name}" if name in task.grid_names else name
        records[kept] = _full(name, np.asarray(values), ends.shape, bool(np.all(status > 0)))[:count]
        units[kept] = units.get(name, "")
    kind = jax.local_devices()[0].device_kind
    warning = [" ".join(getattr(result, "warnings", ()))] * count
    failure = _sentences(status, list(result.failures))[:count]
    return Rows(records, ends[:count], status[:count], failure, [kind] * count, warning, units)


def _ends(result: Any, task: Task, step: Any, size: int) -> np.ndarray:
    """(size, n_records) the end of each record interval of each run, also of those that stopped before it."""
    ends = np.atleast_2d(np.asarray(result.time, np.float64))
    steps, every = task.options.get("steps"), task.options.get("record_every")
    count = ends.shape[1] if steps is None or every is None else int(steps) // int(every)
    if ends.shape[1] < count and ends.shape[1] > 0:
        # Uniform intervals: the last ones are missing where every replica of the block was lost.
        width = ends[:, :1] if ends.shape[1] == 1 else ends[:, 1:2] - ends[:, :1]
        ends = ends[:, :1] + width * np.arange(count)
    ends = np.broadcast_to(ends, (size, ends.shape[1]))
    if step is not None and np.ndim(result.time) == 1:
        each = np.asarray(step, np.float64)[:, None] * int(every or 1)
        ends = ends[:, :1] - each.min() + each * np.arange(1, ends.shape[1] + 1)
    return ends


def _full(name: str, values: np.ndarray, shape: tuple[int, ...], all_lost: bool) -> np.ndarray:
    if all_lost and values.shape[0] == shape[0] and values.shape[1] < shape[1]:
        out = np.full(shape, fill_value(values.dtype), values.dtype)
        out[:, : values.shape[1]] = values
        return out
    if values.shape != shape:
        raise RuntimeError(f"simulate returned record {name!r} of shape {values.shape}, not {shape}")
    return values


def _sentences(status: np.ndarray, failures: Sequence[str]) -> list[str]:
    """One sentence a run: simulate gives one for each bad replica, in order, or one a replica."""
    bad = np.flatnonzero(status)
    out = [""] * len(status)
    for place, r in enumerate(bad):
        text = " ".join(failures)
        if len(failures) in (len(bad), len(status)):
            text = failures[place if len(failures) == len(bad) else int(r)]
        # The number of a replica in its block means nothing to who reads the sweep.
        out[r] = re.sub(rf"\breplica {r}\b", "this run", text)
        out[r] = re.sub(rf"\bReplica {r}\b", "This run", out[r])
    return out


def run_block(task: Task, trees: Mapping[int, Any] | None = None) -> Summary:
    """Compute and store a block. Errors are told in the summary: a future that raises is a lost block."""
    import jax

    start = time.perf_counter()
    for name, value in task.config.items():
        if getattr(jax.config, name) != value:
            jax.config.update(name, value)
    try:
        rows = compute(task, trees)
        if task.store is not None:
            Store(task.store).write(task.block, rows)
    except Exception as error:
        line = f"{type(error).__name__}: {error}".strip()
        details = traceback.format_exc()
        return Summary(task.block, len(task.which), _since(start), None, line, details, error)
    return Summary(task.block, len(task.which), _since(start), rows if task.store is None else None)


def _since(start: float) -> float:
    return time.perf_counter() - start


def run_pickled(payload: bytes) -> Summary:
    """`run_block` for a task that travelled as bytes."""
    summary = run_block(pickle.loads(payload))
    if summary.exception is not None and not isinstance(summary.exception, (ValueError, TypeError, OSError)):
        summary.exception = None  # it may not travel; its line and traceback do
    try:
        pickle.dumps(summary.exception)
    except Exception:
        summary.exception = None
    return summary
