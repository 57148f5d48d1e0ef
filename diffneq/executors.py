"""Blocks of a sweep and where they run: here, or on any futures executor.

An executor is anything with `submit(function, *arguments) -> future`, whose futures have `done()`, `result()`
and `cancel()`: `concurrent.futures`, `dask.distributed.Client`, `mpi4py.futures`, `submitit`. Give it **one
worker per device and one thread per worker**: JAX fills the device, or all cores, by itself. Workers write
their own blocks into the store, on a file system that all of them share, and return a few words; without a
store they return the records.
"""

import contextlib
import pickle
import re
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from diffneq.store import Rows, Store

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

    from diffneq.batching import stack
    from diffneq.simulate import simulate

    built = [task.build(**p) if trees is None else trees[i] for i, p in enumerate(task.points)]
    extra = task.size - len(task.which)
    which = [*task.which, *[task.which[-1]] * extra]
    data = np.concatenate([task.key_data, np.repeat(task.key_data[-1:], extra, axis=0)])
    keys = jax.random.wrap_key_data(jax.numpy.asarray(data), impl=task.key_impl)
    (model, dynamics, drive), axes = stack([tuple(built[i]) for i in which], task.batched)
    result = simulate(model, dynamics, drive, keys=keys, in_axes=axes, **task.options)
    return _rows(result, len(task.which), task)


def _rows(result: Any, count: int, task: Task) -> Rows:
    import jax

    ends = np.asarray(result.time, np.float64)
    ends = np.broadcast_to(ends, (task.size, ends.shape[-1]))[:count]
    records = {}
    for name, values in result.records.items():
        values = np.asarray(values)
        if values.shape[:2] != (task.size, ends.shape[1]):
            raise RuntimeError(
                f"simulate returned record {name!r} of shape {values.shape}, "
                f"not (runs, records) = {(task.size, ends.shape[1])}"
            )
        # A grid axis keeps its name for the coordinate.
        records[f"recorded_{name}" if name in task.grid_names else name] = values[:count]
    status = np.asarray(result.status)
    units = {f"recorded_{n}" if n in task.grid_names else n: u for n, u in result.units.items()}
    kind = jax.local_devices()[0].device_kind
    failure = _sentences(status, list(result.failures))[:count]
    return Rows(records, ends, status[:count], failure, [kind] * count, units)


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


def _pickled(task: Task) -> bytes:
    try:
        try:
            import cloudpickle  # functions of a notebook or a script travel by value

            return cloudpickle.dumps(task)
        except ImportError:
            return pickle.dumps(task)
    except Exception as error:
        raise ValueError(
            f"build (or an option) cannot be sent to workers ({error}): define build with def at the top of "
            "a module, and let it open files and find devices by itself instead of holding them"
        ) from error


def check_executor(executor: Any) -> None:
    """Refuse what cannot work, in a sentence."""
    if not callable(getattr(executor, "submit", None)):
        raise ValueError(
            "executor must have a method submit(function, *arguments), like dask.distributed.Client() or "
            f"concurrent.futures.ProcessPoolExecutor(), not {executor!r}"
        )
    context = getattr(executor, "_mp_context", None)
    if context is not None and context.get_start_method() == "fork":
        raise ValueError(
            "JAX does not survive a fork: "
            "use ProcessPoolExecutor(mp_context=multiprocessing.get_context('spawn'))"
        )


def run_on_executor(
    executor: Any, tasks: Sequence[Task], retries: int, report: Callable[[Summary], None]
) -> None:
    """Submit every block; give each summary to `report` as it comes. A lost block is submitted again.

    A block is lost when its future raises: the worker died, the connection broke, the job was cancelled.
    After `retries` more attempts it is reported as an error, and the other blocks go on.
    """
    payloads = {t.block: _pickled(t) for t in tasks}
    runs = {t.block: len(t.which) for t in tasks}
    tried = dict.fromkeys(payloads, 0)
    pending: dict[int, Any] = {}
    # dask would take equal arguments for equal results and never run a block twice.
    options = {"pure": False} if type(executor).__module__.startswith("distributed") else {}

    def submit(block: int) -> None:
        tried[block] += 1
        try:
            pending[block] = executor.submit(run_pickled, payloads[block], **options)
        except Exception as error:  # the executor itself is gone
            report(_lost(block, runs[block], error))

    try:
        for block in payloads:
            submit(block)
        pause = 0.01
        while pending:
            ready = [b for b, future in pending.items() if future.done()]
            pause = 0.01 if ready else min(2 * pause, 0.5)
            for block in ready:
                try:
                    summary = pending.pop(block).result()
                except KeyboardInterrupt:
                    raise
                except BaseException as error:  # CancelledError is no Exception
                    if tried[block] <= retries:
                        submit(block)
                        continue
                    summary = _lost(block, runs[block], error)
                report(summary)
            time.sleep(pause)
    except BaseException:
        for future in pending.values():
            with contextlib.suppress(Exception):
                future.cancel()
        raise


def _lost(block: int, runs: int, error: BaseException) -> Summary:
    return Summary(block, runs, 0.0, None, f"lost by the executor ({type(error).__name__}: {error})")


def run_here(
    tasks: Sequence[Task],
    report: Callable[[Summary], None],
    trees: Callable[[Task], Mapping[int, Any] | None],
    extra: Mapping[str, Any],
) -> None:
    """Block after block in this process; `extra`: options of simulate that do not travel."""
    for task in tasks:
        report(run_block(replace(task, options={**task.options, **extra}), trees(task)))


@contextlib.contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """Let SIGTERM end a sweep like Ctrl-C; safe at any moment, because a store is only ever whole blocks."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: Any) -> None:
        raise KeyboardInterrupt("SIGTERM")

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous if previous is not None else signal.SIG_DFL)
