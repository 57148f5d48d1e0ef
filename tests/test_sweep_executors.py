"""Sweeps on futures executors and as one program of two processes: the same bits, whoever dies."""

import concurrent.futures
import functools
import importlib
import multiprocessing
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from diffneq.errors import DiskFullError, SweepError
from diffneq.sweeps import open_sweep, sweep
from diffneq.sweeps.store import Store

WORKERS = Path(__file__).parent / "workers"
sys.path.append(str(WORKERS))
ou = importlib.import_module("ou")

GRID = {"force": [0.1, 0.2, 0.3, 0.4]}
QUICK = {"seeds": 2, "block": 2, "steps": 20, "record_every": 5, "progress": False}


@pytest.fixture(autouse=True)
def _ou(monkeypatch):
    monkeypatch.setitem(sys.modules, "diffneq.simulation.loop", ou.fake)
    ou.CALLS.clear()
    ou.BEFORE.clear()


@pytest.fixture(scope="module")
def pool():
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context, initializer=ou.in_worker) as executor:
        yield executor


def paths():
    return os.pathsep.join([str(WORKERS), str(WORKERS.parents[1]), os.environ.get("PYTHONPATH", "")])


def test_dask_loses_nothing_when_a_worker_is_killed(tmp_path):
    distributed = pytest.importorskip("distributed")
    build = functools.partial(ou.build_killed, flag=str(tmp_path / "killed"))
    here = sweep(build, GRID, **QUICK)
    environment = {"OU_WORKER": "1", "PYTHONPATH": paths()}
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, env=environment, dashboard_address=None, silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        there = sweep(build, GRID, **QUICK, store=tmp_path / "s.zarr", executor=client)
    assert (tmp_path / "killed").exists()
    assert there.identical(here)


def test_a_process_pool_returns_the_same_bits(tmp_path, pool):
    here = sweep(ou.build, GRID, **QUICK)
    calls = len(ou.CALLS)
    assert sweep(ou.build, GRID, **QUICK, executor=pool).identical(here)
    assert sweep(ou.build, GRID, **QUICK, executor=pool, store=tmp_path / "s.zarr").identical(here)
    assert len(ou.CALLS) == calls  # nothing ran in this process


def test_a_raising_block_is_named_and_the_others_finish(tmp_path, pool):
    sentence = r"1 of 4 blocks failed; 6 of 8 runs are kept(.|\n)*block 2 \(force=0.3, seed=0 to .*packing did not"
    with pytest.raises(SweepError, match=sentence):
        sweep(ou.build_raising, GRID, **QUICK, executor=pool, store=tmp_path / "s.zarr")
    assert Store(tmp_path / "s.zarr").marks().tolist() == [1, 1, 2, 1]


def test_workers_take_over_the_precision(pool):
    import jax

    jax.config.update("jax_enable_x64", True)
    try:
        here = sweep(ou.build, GRID, **QUICK)
        there = sweep(ou.build, GRID, **QUICK, executor=pool)
    finally:
        jax.config.update("jax_enable_x64", False)
    assert there.position.dtype == np.float64
    assert there.identical(here)
    assert sweep(ou.build, GRID, **QUICK, executor=pool).position.dtype == np.float32


def test_functions_of_a_notebook_travel_and_locks_do_not(pool):
    strength = 0.2
    lock = threading.Lock()
    there = sweep(lambda seed_free: ou.build(strength * seed_free), {"seed_free": [1.0, 2.0]}, **QUICK, executor=pool)
    assert there.position.shape == (2, 2, 4)

    def locked(force):
        with lock:
            return ou.build(force)

    with pytest.raises(ValueError, match=r"cannot be sent to workers .* define build with def at the top"):
        sweep(locked, GRID, **QUICK, executor=pool)


class Flaky:
    """An executor whose futures are lost the first `times` times; its workers are this process."""

    def __init__(self, times):
        self.times, self.submitted = times, 0

    def submit(self, function, *arguments):
        self.submitted += 1
        future = concurrent.futures.Future()
        if self.submitted <= self.times:
            future.cancel()
        else:
            future.set_result(function(*arguments))
        return future


def test_lost_blocks_are_submitted_again_up_to_a_limit():
    here = sweep(ou.build, GRID, **QUICK)
    executor = Flaky(3)
    assert sweep(ou.build, GRID, **QUICK, executor=executor).identical(here)
    assert executor.submitted == 7
    executor = Flaky(10**6)
    with pytest.raises(SweepError, match=r"4 of 4 blocks failed(.|\n)*lost by the executor \(CancelledError"):
        sweep(ou.build, GRID, **QUICK, executor=executor)
    assert executor.submitted == 12  # three attempts each


class Gone:
    def submit(self, function, *arguments):
        raise RuntimeError("cannot schedule new futures after shutdown")


def test_a_closed_executor_and_a_forking_one_are_told():
    with pytest.raises(SweepError, match="cannot schedule new futures"):
        sweep(ou.build, GRID, **QUICK, executor=Gone())
    fork = concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork"))
    with pytest.raises(ValueError, match=r"get_context\('spawn'\)"):
        sweep(ou.build, GRID, **QUICK, executor=fork)
    with pytest.raises(ValueError, match="devices= is for a sweep without executor"):
        sweep(ou.build, GRID, **QUICK, executor=Gone(), devices=2)


def test_a_full_disk_on_a_worker_is_told_here(tmp_path, monkeypatch):
    put = Store._put

    def full(self, name, block, data):
        if block == 2:
            raise OSError(28, "No space left on device")
        put(self, name, block, data)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "_put", full)
        with pytest.raises(DiskFullError, match=r"full: [0-9] of 8 runs are stored"):
            sweep(ou.build, GRID, **QUICK, executor=Flaky(0), store=tmp_path / "s.zarr")
    assert open_sweep(tmp_path / "s.zarr").attrs["runs_done"] == 6  # the stand-in had run them all


def test_two_processes_of_jax_distributed_share_one_sweep(tmp_path):
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": paths(), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, str(WORKERS / "two_processes.py")]
    both = [
        subprocess.Popen(
            [*command, str(rank), str(port), str(tmp_path)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    deadline = time.monotonic() + 150
    try:
        texts = [p.communicate(timeout=max(1, deadline - time.monotonic()))[0] for p in both]
    finally:
        for p in both:
            p.kill()
    assert [p.returncode for p in both] == [0, 0], "\n".join(texts)
    here = sweep(ou.build, {"force": [0.1, 0.2, 0.3]}, **{**QUICK, "block": 1})
    for rank, text in enumerate(texts):
        np.testing.assert_array_equal(np.load(tmp_path / f"{rank}.npy"), here.position.values)
        assert "processes=2" in text
        assert "1 of 6 blocks failed; 5 of 6 runs are kept" in text
        assert "needs store= on a shared file system" in text
    # Three blocks each; the one that failed in process 1 was done by process 0 on resume.
    assert sorted(text[text.index("calls=") + 6] for text in texts) == ["3", "4"]
