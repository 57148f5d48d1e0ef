"""Sweeps in one process: labels, keys, blocks, stores, resume, and what is refused."""

import errno
import importlib
import os
import signal
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
import xarray as xr
import zarr

from diffneq.errors import DiskFullError, StoreMismatchError, SweepError, SweepInterrupted
from diffneq.sweeps import grid as _grid
from diffneq.sweeps import open_sweep, sweep
from diffneq.sweeps.batching import stack
from diffneq.sweeps.store import Store

sys.path.append(str(Path(__file__).parent / "workers"))
ou = importlib.import_module("ou")

GRID = {"force": ([0.1, 0.3], "F"), "sites": [2, 3]}
QUICK = {"steps": 20, "record_every": 5, "progress": False}


@pytest.fixture(autouse=True)
def _ou(monkeypatch):
    monkeypatch.setitem(sys.modules, "diffneq.simulation.loop", ou.fake)
    ou.CALLS.clear()
    ou.BEFORE.clear()


def run(grid=GRID, **kw):
    return sweep(ou.build, grid, **{"seeds": 3, **QUICK, **kw})


def test_labels_units_and_provenance():
    ds = run({**GRID, "stiffness": [1.0]}, seeds=[4, 2], key=7)
    assert ds.position.dims == ("force", "sites", "stiffness", "seed", "time")
    assert ds.position.shape == (2, 2, 1, 2, 4)
    assert ds.position.attrs["units"] == "L"
    assert ds.force.attrs["units"] == "F"
    assert ds.time.attrs["units"] == "tau"
    np.testing.assert_allclose(ds.time, [0.5, 1.0, 1.5, 2.0])
    assert ds.seed.values.tolist() == [4, 2]
    assert "recorded_force" in ds  # a record with the name of an axis
    assert np.all(ds.status == 0)
    wanted = {"steps": 20, "record_every": 5, "precision": "float32", "device_kind": "cpu", "runs": 8}
    assert wanted.items() <= ds.attrs.items()
    assert ds.attrs["version_jax"] == jax.__version__


def test_every_run_is_the_run_alone():
    ds = run(block=3)
    point = {"force": 0.3, "sites": 3}
    keys = jax.random.wrap_key_data(_grid.run_keys(_grid.make_grid(GRID, 3), jax.random.key(0), False))
    axes = stack([ou.build(**point)])[1]
    alone = ou.simulate(*ou.build(**point), steps=20, record_every=5, keys=keys[10:11], in_axes=axes)
    np.testing.assert_allclose(ds.position.sel(**point, seed=1), alone.records["position"][0], rtol=1e-6)
    flat = ds.position.values.reshape(12, 4)
    assert len(np.unique(flat, axis=0)) == 12  # no two runs share their noise


def test_noise_belongs_to_the_point_and_the_seed():
    small = run({"force": [0.3]}, seeds=[2])
    large = run({"force": [0.1, 0.3, 0.5]}, seeds=4, block=5)
    np.testing.assert_array_equal(small.position.squeeze(), large.position.sel(force=0.3, seed=2))
    other = run({"force": [0.3]}, seeds=[2], key=1)
    assert np.all(other.position != small.position)
    typed = run({"force": [0.3]}, seeds=[2], key=jax.random.key(0))
    assert typed.identical(small)


def test_common_noise_cancels_in_differences():
    ds = run({"force": [0.0, 1.0]}, common_noise=True)
    response = ds.position.sel(force=1.0) - ds.position.sel(force=0.0)
    np.testing.assert_allclose(response.std("seed"), 0, atol=1e-5)
    own = run({"force": [0.0, 1.0]})
    assert np.all((own.position.sel(force=1.0) - own.position.sel(force=0.0)).std("seed") > 0.01)


@pytest.mark.parametrize("kind", ["threefry2x32", "rbg", "unsafe_rbg"])
def test_keys_are_those_of_the_formula(kind):
    root = jax.random.key(3, impl=kind)
    grid = _grid.make_grid({"b": [1, 2], "a": [0.5, 1.5]}, [9, 0])
    data = _grid.run_keys(grid, root, False)
    words = _grid._words({"a": 1.5, "b": 2.0})  # in any order, and 2 is 2.0
    key = root
    for word in (0, *words):
        key = jax.random.fold_in(key, np.uint32(word))
    np.testing.assert_array_equal(data[7], jax.random.key_data(key))


def test_points_of_different_shape_run_in_blocks_of_their_own():
    ds = run(block=4)
    assert ds.sizes == {"force": 2, "sites": 2, "seed": 3, "time": 4}
    assert [n for n, _ in ou.CALLS] == [3, 3, 3, 3]  # two groups of 6 runs in equal parts, not 4 + 2
    ou.CALLS.clear()
    run({"force": [0.1, 0.2, 0.3, 0.4, 0.5]}, seeds=1, block=3)
    assert [n for n, _ in ou.CALLS] == [3, 3]  # the short one is padded to the compiled size


def test_the_store_holds_the_same_bits_and_xarray_reads_it(tmp_path):
    memory = run(block=3)
    disk = run(block=3, store=tmp_path / "a" / "s.zarr")
    assert disk.identical(memory)
    assert open_sweep(tmp_path / "a" / "s.zarr").identical(memory)
    only = open_sweep(tmp_path / "a" / "s.zarr", variables=["position"])
    assert set(only.data_vars) == {"position", "status", "failure"}
    raw = xr.open_zarr(tmp_path / "a" / "s.zarr", consolidated=False, chunks=None)
    row = int(np.flatnonzero(raw.run == 10)[0])
    np.testing.assert_array_equal(raw.position[row], memory.position.sel(force=0.3, sites=3, seed=1))
    assert (float(raw.force[row]), int(raw.sites[row]), int(raw.seed[row])) == (0.3, 3, 1)
    with pytest.raises(ValueError, match="it holds position, recorded_force"):
        open_sweep(tmp_path / "a" / "s.zarr", variables=["speed"])


def stop():
    os.kill(os.getpid(), signal.SIGTERM)


def boom():
    raise RuntimeError("out of memory")


def test_sigterm_leaves_a_store_that_resumes_only_what_is_missing(tmp_path):
    whole = run(block=3)
    ou.BEFORE[:] = [int, int, stop]
    path = tmp_path / "s.zarr"
    with pytest.raises(SweepInterrupted, match=r"SIGTERM: 6 of 12 runs are kept in .* resume=True"):
        run(block=3, store=path)
    part = open_sweep(path)
    assert (part.attrs["runs_done"], int((part.status == -1).sum())) == (6, 6)
    done = part.status.values == 0
    np.testing.assert_array_equal(part.position.values[done], whole.position.values[done])
    assert np.all(np.isnan(part.position.values[~done]))
    ou.CALLS.clear()
    assert run(store=path, resume=True).identical(whole)  # the store knows its block
    assert [n for n, _ in ou.CALLS] == [3, 3]
    ou.CALLS.clear()
    assert run(store=path, resume=True).identical(whole)
    assert ou.CALLS == []


def test_interrupt_and_failure_without_store_carry_what_was_finished():
    ou.BEFORE[:] = [int, int, stop]
    with pytest.raises(SweepInterrupted, match="6 of 12 runs are in this error") as caught:
        run(block=3)
    assert int((caught.value.dataset.status == 0).sum()) == 6
    ou.BEFORE[:] = [int, boom, int, int]
    with pytest.raises(SweepError, match="1 of 4 blocks failed; 9 of 12") as failed:
        run(block=3)
    assert int((failed.value.dataset.status == 0).sum()) == 9


def test_a_raising_block_is_named_and_the_others_finish(tmp_path):
    ou.BEFORE[:] = [int, boom]
    path = tmp_path / "s.zarr"
    with pytest.raises(SweepError, match=r"block 1 \(force=0.3, .* to .*seed=2\): RuntimeError: out of mem"):
        run(block=3, store=path)
    assert Store(path).marks().tolist() == [1, 2, 1, 1]
    assert run(block=3, store=path, resume=True).identical(run(block=3))


def test_a_crash_between_data_and_mark_repeats_the_block(tmp_path, monkeypatch):
    put = Store._put

    def crash(self, name, block, data):
        if name == "done" and block == 1:
            raise KeyboardInterrupt
        put(self, name, block, data)

    path = tmp_path / "s.zarr"
    with monkeypatch.context() as patch:
        patch.setattr(Store, "_put", crash)
        with pytest.raises(SweepInterrupted, match=r"the keyboard: 3 of 12"):
            run(block=3, store=path)
    (path / "position" / "c" / "1" / "0").write_bytes(b"torn")
    assert open_sweep(path).attrs["runs_done"] == 3  # what is not marked is not read
    assert run(block=3, store=path, resume=True).identical(run(block=3))


def test_a_full_disk_keeps_what_is_stored(tmp_path, monkeypatch):
    from zarr.storage import LocalStore

    put = LocalStore.set

    async def full(self, key, value):
        if key.startswith("position/c/2"):
            raise OSError(errno.ENOSPC, "No space left on device")
        await put(self, key, value)

    path = tmp_path / "s.zarr"
    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "set", full)
        with pytest.raises(DiskFullError, match=r"full: 6 of 12 runs are stored .* free some space .*resume"):
            run(block=3, store=path)
    assert open_sweep(path).attrs["runs_done"] == 6
    assert run(store=path, resume=True).identical(run(block=3))


def test_a_store_is_continued_only_by_the_same_sweep(tmp_path):
    path = tmp_path / "s.zarr"
    run(block=3, store=path)
    with pytest.raises(ValueError, match=r"holds a sweep already \(12 of 12 runs done\): add resume=True"):
        run(store=path)
    changed = {
        r"steps: 20 in the store, 40 now": {"steps": 40},
        r"seeds: \[0, 1, 2\] in the store, \[0, 1\] now": {"seeds": 2},
        r"key: .* now": {"key": 1},
        r"common_noise: false in the store, true now": {"common_noise": True},
        r"grid axis force: .*0.3.* in the store, .*0.4.* now": {"grid": {**GRID, "force": ([0.1, 0.4], "F")}},
        r"grid axis stiffness: absent in the store": {"grid": {**GRID, "stiffness": [1.0]}},
    }
    for sentence, kw in changed.items():
        with pytest.raises(StoreMismatchError, match=sentence):
            run(store=path, resume=True, **kw)
    with pytest.raises(ValueError, match="has blocks of 3 runs, not 4: leave block= out"):
        run(store=path, resume=True, block=4)


def stiffer(force, sites):
    return ou.build(force, 2.0, sites)


def test_another_build_is_noticed(tmp_path):
    path = tmp_path / "s.zarr"
    run(block=3, store=path)
    with pytest.raises(StoreMismatchError, match=r"model.stiffness \(first point\): \[.1.0.\] in the store"):
        sweep(stiffer, GRID, seeds=3, **QUICK, store=path, resume=True)


def test_another_version_is_refused_and_its_store_still_read(tmp_path):
    path = tmp_path / "s.zarr"
    run(block=3, store=path)
    group = zarr.open_group(str(path), mode="r+")
    manifest = dict(group.attrs["diffneq_sweep"])
    group.attrs["diffneq_sweep"] = {**manifest, "versions": {**manifest["versions"], "diffneq": "0.0.9"}}
    with pytest.raises(StoreMismatchError, match=r"written with diffneq 0\.0\.9, this is diffneq"):
        run(store=path, resume=True)
    assert open_sweep(path).attrs["version_diffneq"] == "0.0.9"
    group.attrs["diffneq_sweep"] = {**manifest, "store_version": 99}
    for act in (lambda: run(store=path, resume=True), lambda: open_sweep(path)):
        with pytest.raises(StoreMismatchError, match="store of version 99"):
            act()


def test_a_bad_run_is_reported_and_the_others_go_on():
    ds = run({"force": [0.1, 20.0]}, seeds=2)
    assert ds.status.values.tolist() == [[0, 0], [2, 2]]
    assert str(ds.failure.sel(force=20.0, seed=1).values) == "this run ran away: the push is too strong"
    assert "force=20.0, seed=1: this run ran away" in ds.attrs["failures"]
    assert ds.attrs["runs_failed"] == 2


def slower(force):
    model, bath, push = ou.build(force)
    return model, ou.Bath(bath.temperature, 0.1 if force < 0.2 else 0.2), push


def test_devices_reach_simulate_and_times_may_differ():
    run({"force": [0.1]}, devices=2)
    assert ou.CALLS == [(3, 2)]
    ds = sweep(slower, {"force": [0.1, 0.3]}, seeds=1, block=1, **QUICK)
    np.testing.assert_allclose(ds.record_time.sel(force=0.3, seed=0), [1, 2, 3, 4])
    assert ds.time.values.tolist() == [0, 1, 2, 3]


def test_strings_and_an_empty_grid(tmp_path):
    def preset(name):
        return ou.build({"soft": 0.1, "stiff": 0.3}[name])

    ds = sweep(preset, {"name": ("soft", "stiff")}, seeds=2, **QUICK, store=tmp_path / "s.zarr")
    assert ds.position.sel(name="stiff").shape == (2, 4)
    assert run({}).position.dims == ("seed", "time")


BAD = {
    "not finite": {"grid": {"force": [0.1, np.inf]}},
    "1-D and not empty": {"grid": {"force": []}},
    r"1-D and not empty \(shape \(\)\)": {"grid": {"force": 0.1}},
    "of one kind": {"grid": {"force": ["a", 1]}},
    "repeats a value": {"grid": {"force": [0.1, 0.1]}},
    "must be a dict": {"grid": [0.1]},
    "not one of seed": {"grid": {"seed": [1]}},
    r"build cannot be called .* build\(feild\)": {"grid": {"feild": [0.1]}},
    "at least one seed": {"seeds": 0},
    "different integers": {"seeds": [1, 1]},
    "must be an integer or": {"seeds": 2.5},
    "key must be an integer or one typed key": {"key": "x"},
    "did you mean record_every": {"record_evry": 5},
    "use store= and resume=True": {"checkpoint": "x"},
    "needs the store": {"resume": True},
    "block must be": {"block": 0},
    "retries must be": {"retries": -1},
    "must have a method submit": {"executor": 3},
    "a folder that all workers": {"store": "s3://bucket/x"},
}


@pytest.mark.parametrize("sentence", BAD)
def test_misuse_is_refused_with_a_sentence(sentence):
    with pytest.raises(ValueError, match=sentence):
        run(**BAD[sentence])
    assert ou.CALLS == []


def test_more_misuse(tmp_path):
    with pytest.raises(ValueError, match="sweep needs steps="):
        sweep(ou.build, GRID)
    with pytest.raises(ValueError, match=r"build must return \(model, dynamics, drive\)"):
        sweep(lambda force: 3, {"force": [0.1]}, **QUICK)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    with pytest.raises(ValueError, match="is not the store of a sweep"):
        run(store=tmp_path / "mine")
    ou.BEFORE[:] = [lambda: ou.build(colour=1)]
    with pytest.raises(TypeError, match="colour"):  # misuse found by simulate stops the sweep at once
        run(block=3)
    assert len(ou.CALLS) == 1
