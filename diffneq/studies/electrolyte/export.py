"""Trajectories as extended XYZ, for any viewer."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from diffneq.materials.files import write_extxyz
from diffneq.models.structure import Structure
from diffneq.models.tracks import unwrapped
from diffneq.studies.electrolyte.runs import Lanes, Runs

_MOST_FRAMES = 50
_NAMES = ("equilibrium", "constant-field", "constant-current")


def write_trajectories(runs: Runs, stages: list[Lanes], folder: Path) -> list[Path]:
    """One file a stage: the first replica of its highest temperature, positions unwrapped, fifty frames at most."""
    paths, start = [], runs.material.structure
    for name, stage in zip(_NAMES, stages, strict=False):
        frames = stage.trajectory.frames
        lane, step = int(np.argmax(stage.temperature)), max(1, frames.shape[1] // _MOST_FRAMES)
        positions = unwrapped(runs.material.model, frames[lane : lane + 1, ::step])[0]
        path = folder / f"{name}.extxyz"
        write_extxyz(path, [Structure(start.box, start.names, start.counts, place) for place in positions])
        paths.append(path)
    return paths
