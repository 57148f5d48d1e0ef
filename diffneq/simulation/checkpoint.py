"""Checkpoints of a simulation: one file, written beside and renamed, so that a kill leaves the old one whole."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import threading
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from diffneq.dynamics.state import State
from diffneq.errors import DiskFullError
from diffneq.particles.neighbours import ListPlan
from diffneq.simulation.recovery import Lists

FORMAT = 2
_SAVE_EVERY = 20.0  # seconds


class Progress:
    """How far a run has come, and all that it has recorded."""

    def __init__(
        self, state: State, done: int, arrays: dict[str, np.ndarray], records: dict[str, list], farthest: float
    ):
        self.state, self.done, self.records, self.farthest = state, done, records, farthest
        self.failed, self.reported = arrays["failed"], arrays["reported"]
        self.energy, self.first_energy = arrays["energy"], arrays["first_energy"]
        self.work, self.heat, self.kinetic_scale = arrays["work"], arrays["heat"], arrays["kinetic_scale"]
        self.first_step = int(arrays["first_step"])
        self.failures: list[str] = []
        self.warnings: list[str] = []
        self.record_every = int(arrays["record_every"])

    @classmethod
    def begin(cls, state: State, energy: np.ndarray, kinetic_scale: np.ndarray) -> Progress:
        """`energy` and `kinetic_scale`, the kinetic energy of a particle, (R,) at the start."""
        replicas = len(energy)
        zeros = np.zeros(replicas)
        first_step = int(np.asarray(state.step).max())
        arrays = {
            "failed": np.zeros(replicas, np.uint32),
            "reported": np.zeros(replicas, bool),
            "energy": energy.copy(),
            "first_energy": energy.copy(),
            "work": zeros.copy(),
            "heat": zeros.copy(),
            "kinetic_scale": kinetic_scale,
            "first_step": np.asarray(first_step),
            "record_every": np.asarray(1),
        }
        return cls(state, 0, arrays, {}, 0.0)

    def arrays(self) -> dict[str, np.ndarray]:
        names = ("failed", "reported", "energy", "first_energy", "work", "heat", "kinetic_scale")
        numbers = ("first_step", "record_every")
        return {n: np.asarray(getattr(self, n)) for n in (*names, *numbers)}

    def take(self, places: np.ndarray) -> Progress:
        """The run with these replicas: another number of devices pads differently."""
        own = {n: x if x.ndim == 0 else x[places] for n, x in self.arrays().items()}
        records = {name: [part[:, places] for part in parts] for name, parts in self.records.items()}
        out = Progress(jax.tree.map(lambda x: x[places], self.state), self.done, own, records, self.farthest)
        out.failures, out.warnings = self.failures, self.warnings
        return out

    def accept(self, state: State, records: dict, report, schedule) -> None:
        """Take over a chunk that went well."""
        precise = lambda values: values if np.issubdtype(np.asarray(values).dtype, np.integer) else np.float64(values)
        records = {name: np.asarray(precise(values)) for name, values in records.items()}
        for name, values in records.items():
            self.records.setdefault(name, []).append(values)
        self.work = self.work + np.nansum(records["work"], axis=0)
        self.heat = self.heat + np.nansum(records["heat"], axis=0)
        self.state, self.done = state, self.done + int(schedule.steps)
        newly = np.asarray(report.failed)
        self.failed = np.where(self.failed == 0, newly, self.failed)
        self.energy = np.where(self.failed == 0, np.asarray(report.energy, float), self.energy)
        self.record_every = schedule.record_every
        good = self.failed == 0
        if good.any():
            self.farthest = max(self.farthest, float(np.asarray(report.moved)[good].max()))

    def lose(self, which: np.ndarray) -> None:
        """Give these replicas up at the present step."""
        self.failed = np.where(which & (self.failed == 0), self.first_step + self.done + 1, self.failed).astype(
            np.uint32
        )

    def good_until(self, r: int) -> int:
        past = int(self.failed[r]) - 1 - self.first_step
        return self.first_step + max(0, past // self.record_every) * self.record_every


def load(path: str | None, identity: dict[str, Any], resume: bool) -> tuple[Progress, Lists] | None:
    """The saved run, or None where there is none to go on from; refuses what belongs to another run."""
    if path is None:
        if resume:
            raise ValueError("resume=True needs checkpoint=..., the file to go on from.")
        return None
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise ValueError(f"checkpoint={path!r}: there is no folder {folder}; make it first.")
    if not os.path.exists(path):
        return None
    if not resume:
        raise ValueError(f"{path} exists already; pass resume=True to go on from it, or choose another file.")
    try:
        with np.load(path, allow_pickle=False) as data:
            manifest = json.loads(str(data["manifest"]))
            arrays = {name: data[name] for name in data.files if name != "manifest"}
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(
            f"{path} is not a checkpoint of diffneq, or is damaged ({error}); delete it and start again."
        ) from error
    if manifest["format"] != FORMAT:
        raise ValueError(
            f"{path} has checkpoint format {manifest['format']}, this version reads {FORMAT}; start again."
        )
    theirs = manifest["identity"]
    differing = [f"{k}: {theirs.get(k)} there, {v} here" for k, v in identity.items() if theirs.get(k) != v]
    if differing:
        raise ValueError(f"{path} belongs to another run ({'; '.join(differing)}); choose another file.")
    return _unpack(manifest, arrays)


def _unpack(manifest: dict, arrays: dict[str, np.ndarray]) -> tuple[Progress, Lists]:
    d = manifest["dimension"]
    vector = lambda name: tuple(jnp.asarray(arrays[f"state.{name}.{a}"]) for a in range(d))
    state = State(
        vector("displacement"), vector("velocity"), vector("force"), vector("anchor"),
        jnp.asarray(arrays["state.step"]), jnp.asarray(arrays["state.key"]),
    )  # fmt: skip
    records = {name[7:]: [arrays[name]] for name in arrays if name.startswith("record.")}
    own = {name[4:]: arrays[name] for name in arrays if name.startswith("run.")}
    run = Progress(state, manifest["done"], own, records, manifest["farthest"])
    run.failures, run.warnings = list(manifest["failures"]), list(manifest["warnings"])
    plan = manifest["plan"]
    if plan is not None:
        plan = ListPlan(**{**plan, "cells": tuple(plan["cells"]), "skin": float(plan["skin"])})
    lists = Lists(plan, manifest["cadence"], manifest["cadence_limit"])
    lists.reruns = manifest["reruns"]
    return run, lists


def save(path: str, identity: dict[str, Any], run: Progress, lists: Lists) -> None:
    """Write, flush to disk, rename: the file is always whole."""
    arrays: dict[str, np.ndarray] = {f"run.{k}": v for k, v in run.arrays().items()}
    for name in ("displacement", "velocity", "force", "anchor"):
        for a, x in enumerate(getattr(run.state, name)):
            arrays[f"state.{name}.{a}"] = np.asarray(x)
    arrays["state.step"], arrays["state.key"] = np.asarray(run.state.step), np.asarray(run.state.key)
    for name, parts in run.records.items():
        arrays[f"record.{name}"] = np.concatenate(parts, axis=0)
    plan = lists.plan
    manifest = {
        "format": FORMAT, "identity": identity, "done": run.done, "dimension": len(run.state.velocity),
        "farthest": run.farthest, "failures": run.failures, "warnings": run.warnings,
        "cadence": lists.cadence, "cadence_limit": lists.limit, "reruns": lists.reruns,
        "plan": None if plan is None else {**plan.__dict__, "skin": str(plan.skin)},
    }  # fmt: skip
    beside = f"{path}.{os.getpid()}.part"
    try:
        with open(beside, "wb") as file:
            np.savez(file, manifest=json.dumps(manifest), **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        kept = f"the last one in {path} is whole" if os.path.exists(path) else "none was written before"
        kind = DiskFullError if error.errno in (errno.ENOSPC, errno.EDQUOT) else OSError
        reason = error.strerror or str(error)
        raise kind(error.errno, f"Could not write the checkpoint {path} ({reason}); {kept}: make room") from error


class Saver:
    """Saves now and then, and once more when the process is asked to stop; then leaves by KeyboardInterrupt."""

    def __init__(self, path: str | None, identity: dict[str, Any]):
        self.path, self.identity = path, identity
        self.last = time.monotonic()
        self.asked: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Saver:
        if self.path is not None and threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number, _frame) -> None:
        if self.asked is not None:
            raise KeyboardInterrupt
        self.asked = number

    def offer(self, run: Progress, lists: Lists, finished: bool = False) -> list[str]:
        """Called after every chunk; sentences about what went wrong.

        A disk that is full does not stop a run: it goes on in memory, and the next save tries again. Only a run that
        is asked to stop, and so would lose what it has, raises.
        """
        due = self.asked is not None or finished or time.monotonic() - self.last >= _SAVE_EVERY
        if self.path is None or not due:
            return []
        jax.block_until_ready(run.state)
        sentences = []
        try:
            save(self.path, self.identity, run, lists)
        except OSError as error:
            if self.asked is not None:
                raise
            sentences = [f"{error.strerror}; the run goes on without it."]
            run.warnings.extend(s for s in sentences if s not in run.warnings)
        self.last = time.monotonic()
        if self.asked is not None:
            name = signal.Signals(self.asked).name
            raise KeyboardInterrupt(
                f"Stopped by {name} after {run.done} steps; {self.path} holds them: resume=True goes on."
            )
        return sentences
