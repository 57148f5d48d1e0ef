"""What a step costs with a given skin: wide rows against frequent builds, in nanoseconds a particle on one core.

Measured on one machine; only ratios matter, and those roughly, as the minimum is flat.
"""

from __future__ import annotations

import math

import numpy as np

from diffneq.particles.dense_search import words_of
from diffneq.particles.neighbours import ListPlan, plan_list, spans_of
from diffneq.particles.space import Box

_SLOT, _TABLE_SLOT = 1.3, 3.0  # one slot of a row in the force kernel, of a plain law and of one with a table
_STEP = 20.0  # the rest of a step
_SORT, _PAIR, _WORD = 60.0, 0.28, 6.0  # crowded search: order by cell, a pair of places, a word of bits
_RACE, _LOOK, _TABLE = 70.0, 0.7, 0.4  # thin search: places in cells, a place looked at, a place of the table
_ROW = 4.0  # one slot of a row written
_CAUTION = 0.8  # part of half the skin that the farthest particle goes between two builds


def quickest_skin(box: Box, size: int, cutoff: float, stride: float | None, tabulated: bool = False) -> float:
    """The skin [L] of least estimated cost, not larger than the box allows.

    Arguments:
        stride: how far the fastest particle goes in a step [L]; None for a guess that suits thermal motion.
        tabulated: whether forces come from a table, which makes wide rows dearer.
    """
    heights, volume = spans_of(box)
    spacing = (volume / size) ** (1 / len(heights))
    most = max(0.05 * cutoff, 0.5 * float(heights.min()) - cutoff - 1e-6)
    pace = stride or 0.015 * spacing
    trial = np.geomspace(0.05 * cutoff, 1.5 * cutoff, 60)
    trial = trial[trial <= most] if np.any(trial <= most) else np.array([most])
    slot = _TABLE_SLOT if tabulated else _SLOT
    cost = lambda skin: step_cost(plan_list(box, size, cutoff, float(skin)), len(heights), volume, pace, slot)
    return float(min(trial, key=cost))


def step_cost(plan: ListPlan, dimension: int, volume: float, stride: float, slot: float) -> float:
    """Estimated cost of a step with this plan and this cost of a slot."""
    if plan.all_pairs:
        return _STEP + slot * plan.slots
    ball = {1: 2.0, 2: math.pi, 3: 4 * math.pi / 3}[dimension] * plan.radius**dimension
    mean = plan.size / volume * ball
    row = 4 * math.ceil((mean + 1.5 * math.sqrt(mean) + 1) / 4)
    cells, ways = math.prod(plan.cells), 3 ** sum(n > 1 for n in plan.cells)
    if plan.crowded:
        parts, height = words_of(plan)
        places = parts * height * plan.cell_slots * cells / plan.size
        search = _SORT + ways * (_PAIR * places + _WORD * parts)
    else:
        search = _RACE + _LOOK * ways * plan.cell_slots + _TABLE * plan.cell_slots * cells / plan.size
    cadence = _CAUTION * plan.skin / 2 / stride
    if cadence > 1:  # below one, half the skin is outrun in a single step: the dearer, the farther from it
        cadence = math.floor(cadence)
    return _STEP + slot * row + (search + _ROW * row) / cadence
