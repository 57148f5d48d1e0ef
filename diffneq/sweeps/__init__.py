"""Product grids: every combination of parameters and seeds, simulated, labelled, stored and resumable."""

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from diffneq.interrupts import sigterm_interrupts
from diffneq.sweeps import executors
from diffneq.sweeps.block import Task, jax_config
from diffneq.sweeps.checks import check_arguments, check_resumed, existing_store, with_defaults
from diffneq.sweeps.collect import Collector
from diffneq.sweeps.dataset import open_sweep
from diffneq.sweeps.grid import Grid, make_grid, root_key, run_keys
from diffneq.sweeps.manifest import make_manifest
from diffneq.sweeps.plan import Block, Plan, make_plan
from diffneq.sweeps.store import DONE, FAILED, MISSING, STORE_VERSION, Store, create_store

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["open_sweep", "sweep"]


def sweep(
    build: Callable[..., Any],
    grid: Mapping[str, Any],
    *,
    seeds: int | Sequence[int] = 8,
    key: Any = 0,
    common_noise: bool = False,
    store: str | os.PathLike[str] | None = None,
    resume: bool = False,
    executor: Any = None,
    retries: int = 2,
    block: int | None = None,
    devices: Any = None,
    progress: bool = True,
    **simulate_options: Any,
) -> "xr.Dataset":
    """The records A(p, s, t) of a simulation at every point p of a product grid, for every seed s.

    Runs are cut into blocks, and a block is one call of `simulate`, vectorised and spread over the devices.
    The noise of a run follows from its own point and seed alone, so a larger grid, other blocks or another
    number of devices repeat it; with the same blocks, bit for bit on a CPU. Under `jax.distributed` call
    sweep in every process alike: each takes its share of the blocks, and all return the whole.

    Arguments:
        build: function of the grid's names, `build(**point) -> (model, dynamics, drive)`. It gets Python
            numbers, strings or booleans, and must not be random. Points of another shape (number of
            particles) run in blocks of their own.
        grid: name -> 1-D values, or name -> (values, unit): `{"field": ([0.02, 0.05], "kT/(e L)")}`.
        seeds: number of seeds, or their numbers; the last grid dimension.
        key: root of all random numbers, an integer or a typed key.
        common_noise: the same noise at all points for the same seed, for differences between coupled runs.
        store: folder of a zarr store that receives every block when it is done; otherwise memory holds them.
        resume: continue the store, computing only what is missing; start it if it is not there.
        executor: None to run here, or any object with `submit(function, *arguments) -> future`, such as
            `dask.distributed.Client()`: one worker per device, one thread per worker.
        retries: how often a block is submitted again after its worker was lost.
        block: runs in one call; by default what fills a device, and for a resumed store its own.
        devices: passed to `simulate`; only without executor.
        progress: show a bar.
        simulate_options: `steps`, `record_every`, ... as in `simulate`.

    Returns:
        `xarray.Dataset` with dims (grid names..., "seed", "time") for every record, `status` and `failure`
        per run, units in the attributes of variables and coordinates, provenance in those of the dataset.
        A record called like a grid axis is named `recorded_<name>`.

    Raises:
        ValueError: misuse, or a store of another configuration or version (`StoreMismatchError`).
        DiskFullError: no room for a block; what is stored stays readable.
        SweepError: blocks that raised or were lost, after all others were finished.
        SweepInterrupted: SIGTERM or Ctrl-C. Without a store, these two carry `.dataset`: what was finished.

    Example:
        >>> from diffneq.sweeps import sweep
        >>> sweep(lambda field: None, {"field": [0.1, float("nan")]}, steps=100)
        Traceback (most recent call last):
        ValueError: grid axis 'field' holds a value that is not finite (nan); leave it out
    """
    checked = make_grid(grid, seeds)
    root = root_key(key)
    own = inspect.signature(sweep).parameters
    check_arguments(own, simulate_options, store, resume, executor, retries, block, devices)
    options = with_defaults(simulate_options)
    existing = existing_store(store, resume)
    size = block if existing is None or block is not None else existing.block_size
    plan = make_plan(build, checked, size, options, _parts(executor))
    systems = {"first point": plan.ends[0], "last point": plan.ends[1]}
    manifest = make_manifest(checked, root, common_noise, options, systems, STORE_VERSION)
    manifest["block"] = plan.block
    if existing is not None:
        check_resumed(str(store), existing, manifest, plan)
    target = _begin(store, existing, manifest, plan)
    tasks = _tasks(build, checked, plan, run_keys(checked, root, common_noise), root, options, target)
    with Collector(checked, plan, manifest, target, progress) as collector, sigterm_interrupts():
        _run(tasks, plan, collector, executor, retries, devices, progress)
        collector.raise_errors()
    if target is not None:
        return open_sweep(target.path)
    return collector.dataset()


def _parts(executor: Any) -> int:
    """How many blocks keep everybody busy."""
    if executor is None:
        return jax.process_count()
    workers = getattr(executor, "_max_workers", None)
    if callable(getattr(executor, "scheduler_info", None)):
        workers = len(executor.scheduler_info()["workers"])
    return 4 * int(workers or 4)


def _begin(store: Any, existing: Store | None, manifest: dict[str, Any], plan: Plan) -> Store | None:
    """The open store, with no stale marks; under jax.distributed process 0 makes it, the others wait."""
    if store is None:
        return None
    _barrier("checked")  # nobody makes the folder before everybody has looked
    if jax.process_index() == 0:
        made = existing or create_store(store, manifest, plan.rows())
        for b in np.flatnonzero(made.marks() == FAILED):
            made.clear(int(b))
    _barrier("created")
    return Store(Path(store).absolute())


def _barrier(name: str) -> None:
    if jax.process_count() > 1:
        from jax.experimental import multihost_utils

        multihost_utils.sync_global_devices(f"diffneq sweep {name}")


def _tasks(
    build: Any, grid: Grid, plan: Plan, keys: np.ndarray, root: Any, options: Any, store: Store | None
) -> list[Task]:
    """One task for every block that is not done."""
    marks = np.full(len(plan.blocks), MISSING) if store is None else store.marks()
    points = grid.points()
    impl, config = str(jax.random.key_impl(root)), jax_config()
    path = None if store is None else str(store.path)

    def task(b: Block) -> Task:
        places = [r // len(grid.seeds) for r in b.runs]
        different = sorted(set(places))
        return Task(
            block=b.index,
            build=build,
            grid_names=grid.names,
            points=tuple(points[p] for p in different),
            which=tuple(different.index(p) for p in places),
            size=b.size,
            key_data=keys[list(b.runs)],
            key_impl=impl,
            batched=b.batched,
            options=dict(options),
            store=path,
            config=config,
        )

    return [task(b) for b in plan.blocks if marks[b.index] != DONE]


def _run(
    tasks: list[Task],
    plan: Plan,
    collector: Collector,
    executor: Any,
    retries: int,
    devices: Any,
    progress: bool,
) -> None:
    if executor is not None:
        executors.run_on_executor(executor, tasks, retries, collector.report)
        return
    count, mine = jax.process_count(), tasks[jax.process_index() :: jax.process_count()]
    extra: dict[str, Any] = {"progress": bool(progress) and len(tasks) == 1}
    if devices is not None or count > 1:
        # The processes run different blocks: none may wait for a device of another.
        extra["devices"] = jax.local_devices() if devices is None else devices
    trees = plan.trees

    def built(task: Task) -> dict[int, Any] | None:
        if trees is None:
            return None
        runs = plan.blocks[task.block].runs
        n_seeds = collector.grid.n_runs // collector.grid.n_points
        return dict(enumerate(trees[p] for p in sorted({r // n_seeds for r in runs})))

    executors.run_here(mine, collector.report, built, extra)
    if count > 1:
        collector.wait_for_all([t.block for t in tasks])
        _barrier("done")
