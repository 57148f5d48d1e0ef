"""Checkpoints: bit-exact resume after SIGTERM and after a kill, refusals in one sentence, a full disk."""

import errno
import os
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest
from workers.checkpointed import simulation

from diffneq.errors import DiskFullError
from diffneq.simulation import checkpoint as saving
from diffneq.simulation import loop

WORKER = os.path.join(os.path.dirname(__file__), "workers", "checkpointed.py")


@pytest.fixture(scope="module", autouse=True)
def short_chunks():
    """Many chunks in a short run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "_CHUNK_SECONDS", 1e-9)
        yield


@pytest.fixture(scope="module")
def whole(short_chunks):
    return simulation()


@pytest.fixture
def eager(monkeypatch):
    """Save after every chunk."""
    monkeypatch.setattr(saving, "_SAVE_EVERY", 0.0)


def same(a, b):
    assert a.records.keys() == b.records.keys()
    for name in a.records:
        np.testing.assert_array_equal(a.records[name], b.records[name], err_msg=name)
    for x, y in zip(jax.tree.leaves(a.state), jax.tree.leaves(b.state), strict=True):
        np.testing.assert_array_equal(x, y)
    np.testing.assert_array_equal(a.diagnostics["energy_error"], b.diagnostics["energy_error"])


def stopped_by(number, path) -> subprocess.CompletedProcess | tuple[int, str]:
    """Start the worker, wait for its first checkpoint, send the signal; its exit code and last words."""
    worker = subprocess.Popen([sys.executable, WORKER, path], stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 240
        while not os.path.exists(path) and worker.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        assert os.path.exists(path), worker.stderr.read() if worker.poll() is not None else "no checkpoint"
        worker.send_signal(number)
        _, words = worker.communicate(timeout=240)
    finally:
        worker.kill()
    return worker.returncode, words


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_resume_after_a_signal_is_exact(number, whole, tmp_path):
    """The worker runs much longer than the test waits; what it did goes on here to the same bits."""
    path = str(tmp_path / "run.npz")
    code, words = stopped_by(number, path)
    assert code != 0
    if number == signal.SIGTERM:
        assert "KeyboardInterrupt: Stopped by SIGTERM after" in words and "resume=True goes on" in words
    with np.load(path) as saved:
        done = saved["record.current"].shape[0] * 10
    assert 0 < done < 4000
    same(simulation(checkpoint=path, resume=True), whole)
    assert [name for name in os.listdir(tmp_path) if name != "run.npz"] in ([], [f"run.npz.{code}.part"]) or code < 0


@pytest.mark.slow
def test_resume_on_another_number_of_devices(whole, tmp_path, eager, monkeypatch):
    """Stopped on two devices, where three replicas are padded to four; finished on one."""
    path, accept = str(tmp_path / "run.npz"), saving.Progress.accept

    def interrupt(self, *rest):
        accept(self, *rest)
        if self.done >= 1000:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(saving.Progress, "accept", interrupt)
    with pytest.raises(KeyboardInterrupt, match="resume=True goes on"):
        simulation(checkpoint=path, devices=2)
    monkeypatch.setattr(saving.Progress, "accept", accept)
    same(simulation(checkpoint=path, resume=True, devices=1), whole)
    same(simulation(checkpoint=path, resume=True, devices=1), whole)  # a finished run is only read


def test_refusals(tmp_path):
    path = str(tmp_path / "run.npz")
    simulation(checkpoint=path, steps=400)
    with pytest.raises(ValueError, match="exists already; pass resume=True"):
        simulation(checkpoint=path, steps=400)
    with pytest.raises(ValueError, match=r"belongs to another run \(steps: 400 there, 4000 here\)"):
        simulation(checkpoint=path, resume=True)
    with pytest.raises(ValueError, match=r"belongs to another run \(system: "):
        simulation(checkpoint=path, resume=True, steps=400, field=0.2)
    with pytest.raises(ValueError, match="needs checkpoint="):
        simulation(resume=True)
    (tmp_path / "other.npz").write_bytes(b"not a zip file")
    with pytest.raises(ValueError, match="is not a checkpoint of diffneq, or is damaged"):
        simulation(checkpoint=str(tmp_path / "other.npz"), resume=True)
    np.savez(tmp_path / "third.npz", x=np.zeros(3))
    with pytest.raises(ValueError, match="is not a checkpoint of diffneq, or is damaged"):
        simulation(checkpoint=str(tmp_path / "third.npz"), resume=True)
    with pytest.raises(ValueError, match="folder"):
        simulation(checkpoint=str(tmp_path / "absent" / "run.npz"))


def test_a_full_disk_does_not_lose_the_run(whole, tmp_path, eager, monkeypatch):
    """/dev/full says ENOSPC as a full disk does; the run ends with its result and a warning."""
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    path = str(tmp_path / "run.npz")
    monkeypatch.setattr(saving, "open", lambda *_: open("/dev/full", "wb"), raising=False)
    found = simulation(checkpoint=path)
    same(found, whole)
    (sentence,) = found.warnings
    assert "Could not write the checkpoint" in sentence and "No space left" in sentence and "make room" in sentence
    assert os.listdir(tmp_path) == []
    # Asked to stop, it has to say that it could not save.
    with pytest.raises(DiskFullError) as caught, saving.Saver(path, {}) as saver:
        saver.asked = signal.SIGTERM
        saver.offer(*blank())
    assert caught.value.errno == errno.ENOSPC


def blank():
    from diffneq.dynamics.state import State
    from diffneq.simulation.recovery import Lists

    x = (jax.numpy.zeros((1, 2)),) * 2
    state = State(x, x, x, x, jax.numpy.zeros(1, "uint32"), jax.numpy.zeros((1, 2), "uint32"))
    return saving.Progress.begin(state, np.zeros(1), np.ones(1)), Lists(None, 10)
