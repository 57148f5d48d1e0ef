"""The store alone: marks, chunks, text, sentences."""

import errno
import json

import numpy as np
import pytest
import zarr

from diffneq.errors import DiskFullError
from diffneq.sweeps.grid import make_grid
from diffneq.sweeps.store import DONE, FAILED, MISSING, Rows, Store, create_store, decode

GRID = make_grid({"field": ([0.1, 0.2], "kT"), "kind": ["a", "b"]}, 2)
RUNS = np.array([0, 1, 2, 3, 4, -1, 5, 6, 7])  # three blocks of three, the second one short


def manifest():
    return {"store_version": 1, "versions": {}, "grid": GRID.to_json(), "block": 3, "configuration": {}}


@pytest.fixture
def store(tmp_path):
    return create_store(tmp_path / "s.zarr", manifest(), RUNS)


def rows(count=3, value=1.0, width=4, dtype=np.float32):
    records = {"current": np.full((count, width), value, dtype), "hits": np.full((count, width), 7, np.int32)}
    ends = np.tile(np.arange(1.0, width + 1), (count, 1))
    return Rows(
        records,
        ends,
        np.zeros(count, int),
        ["é" * 300] * count,
        ["cpu"] * count,
        [""] * count,
        {"current": "e"},
    )


def test_a_block_is_done_when_all_its_runs_are(store):
    assert store.marks().tolist() == [MISSING] * 3
    assert store.counts() == (0, 8)
    store.write(1, rows(2))
    assert store.marks().tolist() == [MISSING, DONE, MISSING]
    assert store.counts() == (2, 8)
    store.mark_failed(2)
    assert store.marks().tolist() == [MISSING, DONE, FAILED]
    store.clear(2)
    assert store.marks()[2] == MISSING


def test_what_is_missing_reads_as_missing(store):
    store.write(1, rows(2))
    arrays, units = Store(store.path, "r").read()
    np.testing.assert_array_equal(arrays["current"][3:5], 1.0)
    assert np.all(np.isnan(arrays["current"][[0, 1, 2, 5, 6, 7, 8]]))
    assert np.all(arrays["hits"][:3] == -1)
    assert units["current"] == "e"
    assert decode(arrays["failure"])[3] == "é" * 200  # cut to what fits, not in the middle of a letter
    assert decode(arrays["device"])[2:4] == ["", "cpu"]


def test_blocks_never_share_a_file(store):
    for block in range(3):
        store.write(block, rows(2 if block == 1 else 3))
    written = {block: [] for block in range(3)}
    for name in ("current", "hits", "status", "failure", "done"):
        chunks = store.group[name].chunks
        assert chunks[0] == store.block_size
        for block in written:
            written[block] += sorted((store.path / name / "c" / str(block)).rglob("*"))
    assert all(written.values())
    before = [p.stat().st_mtime_ns for p in written[0] + written[2]]
    store.write(1, rows(2, value=2.0))
    assert [p.stat().st_mtime_ns for p in written[0] + written[2]] == before


def test_the_mark_is_written_last(store, monkeypatch):
    order = []
    put = Store._put
    monkeypatch.setattr(Store, "_put", lambda self, name, *a: (order.append(name), put(self, name, *a)))
    store.write(0, rows())
    assert order.index("done") == len(order) - 1
    assert {"current", "interval_end", "status", "failure"} <= set(order[:-1])


def test_two_workers_may_make_the_same_array_and_no_other(store):
    other = Store(store.path)
    store.write(0, rows())
    other.write(2, rows(value=3.0))
    assert store.read()[0]["current"][[0, 8], 0].tolist() == [1.0, 3.0]
    for bad in (rows(2, width=5), rows(2, dtype=np.float64)):
        with pytest.raises(ValueError, match=r"record 'current' of block 1 is .* separate stores"):
            store.write(1, bad)
    taken = rows(2)
    taken.records["status"] = taken.records.pop("hits")
    with pytest.raises(ValueError, match="a record cannot be called status"):
        store.write(1, taken)
    assert store.marks()[1] == MISSING


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_with_what_is_kept(store, monkeypatch, code):
    from zarr.storage import LocalStore

    async def full(self, key, value):
        raise OSError(code, "full")

    store.write(0, rows())
    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "set", full)
        with pytest.raises(DiskFullError, match=r"3 of 8 runs are stored .* open_sweep"):
            store.write(2, rows())
        with pytest.raises(DiskFullError, match=r"nothing was stored yet"):
            create_store(store.path.with_name("new.zarr"), manifest(), RUNS)
    assert not store.path.with_name("new.zarr").exists()
    assert store.read()[0]["current"][0, 0] == 1.0


def test_other_write_errors_stay_what_they_are(store, monkeypatch):
    def denied(self, name, block, data):
        raise PermissionError(errno.EACCES, "denied")

    monkeypatch.setattr(Store, "_put", denied)
    with pytest.raises(PermissionError, match="denied"):
        store.write(0, rows())


def test_a_folder_that_is_no_store_is_told(tmp_path, store):
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(ValueError, match="is not the store of a sweep"):
            Store(path)
    zarr.open_group(str(tmp_path / "other.zarr"), mode="w")
    with pytest.raises(ValueError, match="is not the store of a sweep"):
        Store(tmp_path / "other.zarr")
    with pytest.raises(ValueError, match="exists already"):
        create_store(store.path, manifest(), RUNS)
    assert not list(tmp_path.glob(".*"))  # nothing half made is left


def test_the_manifest_is_plain_json(store):
    written = json.loads((store.path / "zarr.json").read_text())["attributes"]["diffneq_sweep"]
    assert written["grid"]["axes"]["field"] == {"values": [0.1, 0.2], "unit": "kT"}
