"""One stage of the study: many lanes in stretches, kept on disk between them, watched for a framework that flows."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from diffneq.dynamics.state import State
from diffneq.errors import StoreMismatchError
from diffneq.models.tracks import framework, unwrapped
from diffneq.response.conductivity import relative_to
from diffneq.simulation.loop import simulate
from diffneq.studies.electrolyte.material import Material
from diffneq.sweeps.batching import stack

RECORD_EVERY = 20  # steps
FRAME_EVERY = 10  # records
_SEGMENT = 1.5e7  # ion-steps between two looks
_KEPT = ("current", "current_y", "current_z", "multiplier", "kinetic_energy", "work")


@dataclass
class Trajectory:
    """Records (R, n) of R lanes, `frames` (R, F, 3, N) integer places, `good` (R,) records before a lane was given up,
    `sentences` about those, `seconds` of computing, `state` to go on from."""

    records: dict[str, np.ndarray]
    frames: np.ndarray
    good: np.ndarray
    sentences: list[str]
    seconds: float
    state: State

    @property
    def length(self) -> int:
        return next(iter(self.records.values())).shape[1]


class Stage:
    """Runs `points` (model, dynamics, drive), one lane each, for a number of records.

    Arguments: `name`, of the file; `labels`, one a lane, for sentences; `key`; `start`, a state of R lanes or None;
    `options` of the study (folder, resume, devices, progress).
    """

    def __init__(self, material: Material, name: str, points, labels, key, options, start: State | None = None):
        self.material, self.name, self.labels, self.options, self.start = material, name, list(labels), options, start
        self.system, self.axes = stack(list(points))
        self.keys = jax.random.split(key, len(self.labels))
        self.path = Path(options.folder) / f"{name.replace(' ', '-')}.npz"
        self.identity = self._identity()

    def run(self, records: int) -> Trajectory:
        """All records, from where a kept run stopped."""
        found = self._load()
        while (done := 0 if found is None else found.length) < records:
            if found is not None and not np.any(found.good >= done):
                break  # every lane was given up
            wanted = min(self._stretch(), records - done)
            began = time.monotonic()
            found = self._advance(found, wanted)
            found.seconds += time.monotonic() - began
            self._watch(found)
            self._save(found)
            self._say(f"{found.length}/{records} records, {found.seconds:.0f} s")
        assert found is not None
        return found

    def _stretch(self) -> int:
        ions = self.material.structure.size * len(self.labels)
        frames = max(1, round(_SEGMENT / ions / (RECORD_EVERY * FRAME_EVERY)))
        return FRAME_EVERY * frames

    def _advance(self, found: Trajectory | None, records: int) -> Trajectory:
        start = self.start if found is None else found.state
        result = simulate(
            *self.system, keys=self.keys, steps=records * RECORD_EVERY, record_every=RECORD_EVERY, start=start,
            record=("kinetic_energy", "places"), in_axes=self.axes, progress=False, devices=self.options.devices,
        )  # fmt: skip
        new = {name: np.asarray(result.records[name]) for name in _KEPT if name in result.records}
        frames = result.records["places"][:, FRAME_EVERY - 1 :: FRAME_EVERY]
        lanes, done = len(self.labels), 0 if found is None else found.length
        good = np.full(lanes, done) if found is None else found.good.copy()
        sentences = [] if found is None else found.sentences
        lost = np.asarray(result.status) != 0
        for lane in np.flatnonzero(lost & (good >= done)):
            where = f"{self.name}, {self.labels[lane]}"
            sentences.append(f"{where}: lost, its state is not finite; what came before is kept.")
        alive = (good >= done) & ~lost
        good[alive] = done + records
        state = _replaced(result.state, lost)
        if found is not None:
            new = {name: np.concatenate([found.records[name], values], axis=1) for name, values in new.items()}
            frames = np.concatenate([found.frames, frames], axis=1)
        return Trajectory(new, frames, good, sentences, 0.0 if found is None else found.seconds, state)

    def _watch(self, found: Trajectory) -> None:
        """Give up lanes whose framework has begun to flow."""
        if not self.material.solid:
            return
        moved = framework_displacement(self.material, found.frames)
        limit = self.material.flow_limit
        for lane in np.flatnonzero(found.good >= found.length):
            beyond = np.flatnonzero(moved[lane] > limit)
            if len(beyond):
                found.good[lane] = beyond[0] * FRAME_EVERY
                far = moved[lane][beyond[0]]
                found.sentences.append(
                    f"{self.name}, {self.labels[lane]}: the framework flows, its ions are {far:.2f} A from where they "
                    f"were (limit {limit:.2f} A), so this current or temperature melts it; what came before is kept, "
                    "use a weaker current."
                )

    def _identity(self) -> str:
        digest = hashlib.sha256(repr((self.name, self.labels, jax.tree.structure(self.system))).encode())
        for leaf in jax.tree.leaves((self.system, jax.random.key_data(self.keys), self.start)):
            digest.update(np.asarray(leaf).tobytes())
        return digest.hexdigest()[:16]

    def _load(self) -> Trajectory | None:
        if not self.path.exists():
            return None
        if not self.options.resume:
            raise ValueError(f"{self.path} holds a run already: give --resume to go on, or another --out.")
        with np.load(self.path) as kept:
            note = json.loads(str(kept["note"]))
            if note["identity"] != self.identity:
                raise StoreMismatchError(f"{self.path} holds the run of another configuration: choose another --out.")
            records = {name[2:]: kept[name] for name in kept.files if name.startswith("r_")}
            leaves = [jnp.asarray(kept[f"s_{k}"]) for k in range(note["leaves"])]
            frames, good = kept["frames"], kept["good"]
        vector = lambda k: tuple(leaves[3 * k : 3 * k + 3])
        state = State(vector(0), vector(1), vector(2), vector(3), leaves[12], leaves[13])
        return Trajectory(records, frames, good, note["sentences"], note["seconds"], state)

    def _save(self, found: Trajectory) -> None:
        leaves = jax.tree.leaves(found.state)
        note = {"identity": self.identity, "sentences": found.sentences, "seconds": found.seconds}
        note["leaves"] = len(leaves)
        arrays = {f"r_{name}": values for name, values in found.records.items()}
        arrays |= {f"s_{k}": np.asarray(leaf) for k, leaf in enumerate(leaves)}
        beside = self.path.with_suffix(".part.npz")
        np.savez(beside, note=json.dumps(note), frames=found.frames, good=found.good, **arrays)
        os.replace(beside, self.path)

    def _say(self, words: str) -> None:
        if self.options.progress:
            print(f"{self.name}: {words}", file=sys.stderr, flush=True)


def framework_displacement(material: Material, frames: np.ndarray) -> np.ndarray:
    """Root mean square displacement of framework ions from the first frame, in their centre of mass' frame, (R, F)."""
    held = framework(material.model)
    masses = np.repeat(np.asarray(material.model.mass, float), material.model.counts)
    path = relative_to(unwrapped(material.model, frames), held, masses)[:, :, held]
    return np.sqrt(np.mean(np.sum((path - path[:, :1]) ** 2, axis=-1), axis=-1))


def _replaced(state: State, lost: np.ndarray) -> State:
    """The state with a copy of a good lane in place of each lost one, so that the others can go on."""
    if not lost.any() or lost.all():
        return state
    order = np.where(lost, int(np.flatnonzero(~lost)[0]), np.arange(len(lost)))
    return jax.tree.map(lambda x: x[order], state)
