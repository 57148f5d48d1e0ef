"""Blocks of a sweep and where they run: here, or on any futures executor.

An executor is anything with `submit(function, *arguments) -> future`, whose futures have `done()`, `result()`
and `cancel()`: `concurrent.futures`, `dask.distributed.Client`, `mpi4py.futures`, `submitit`. Give it **one
worker per device and one thread per worker**: JAX fills the device, or all cores, by itself. Workers write
their own blocks into the store, on a file system that all of them share, and return a few words; without a
store they return the records.
"""

import contextlib
import pickle
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from diffneq.sweeps.block import Summary, Task, run_block, run_pickled


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
            "JAX does not survive a fork: use ProcessPoolExecutor(mp_context=multiprocessing.get_context('spawn'))"
        )


def run_on_executor(executor: Any, tasks: Sequence[Task], retries: int, report: Callable[[Summary], None]) -> None:
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
