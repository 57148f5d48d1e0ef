"""What a step costs with a given skin: wide rows against frequent builds, in nanoseconds a particle on one core.

The prices are measured ratios; only their order of magnitude matters, as the minimum is flat.
"""

from __future__ import annotations

import math

import numpy as np

from diffneq.particles.neighbours import ALL_PAIRS, ListPlan, plan_list
from diffneq.particles.space import Box

_SLOT = 2.0  # one slot of a row in the force kernel
_STEP = 15.0  # the rest of a step
_SORT, _PAIR, _RACE, _LOOK, _TABLE, _ROW = 80.0, 0.25, 60.0, 1.0, 0.5, 6.0
_CAUTION = 0.8


def quickest_skin(box: Box, size: int, cutoff: float, stride: float | None) -> float:
    """The skin [L] of least estimated cost, not larger than the box allows.

    Arguments:
        stride: how far the fastest particle goes in a step [L]; None for a guess that suits thermal motion.
    """
    extent = np.array([float(np.max(np.asarray(p))) for p in box.extent])
    spacing = float(np.prod(extent) / size) ** (1 / len(extent))
    most = max(0.05 * cutoff, 0.5 * float(extent.min()) - cutoff - 1e-6)
    if size <= ALL_PAIRS:
        return min(spacing, most)
    pace = stride or 0.015 * spacing
    trial = np.geomspace(0.05 * cutoff, 1.5 * cutoff, 60)
    trial = trial[trial <= most] if np.any(trial <= most) else np.array([most])
    return float(min(trial, key=lambda skin: step_cost(plan_list(box, size, cutoff, float(skin)), extent, pace)))


def step_cost(plan: ListPlan, extent: np.ndarray, stride: float) -> float:
    """Estimated cost of a step with this plan."""
    dimension = len(extent)
    ball = {1: 2.0, 2: math.pi, 3: 4 * math.pi / 3}[dimension] * plan.radius**dimension
    mean = plan.size / float(np.prod(extent)) * ball
    row = 4 * math.ceil((mean + 1.5 * math.sqrt(mean) + 1) / 4)
    cells, ways = math.prod(plan.cells), 3 ** sum(n > 1 for n in plan.cells)
    if plan.crowded:
        search = _SORT + _PAIR * ways * plan.cell_slots**2 * cells / plan.size
    else:
        search = _RACE + _LOOK * ways * plan.cell_slots + _TABLE * plan.cell_slots * cells / plan.size
    cadence = max(1.0, _CAUTION * plan.skin / 2 / stride)
    return _STEP + _SLOT * row + (search + _ROW * row) / cadence
