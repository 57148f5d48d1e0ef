"""The fields of a binary diagram, where they lie, and how much room there is in them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from diffneq.thermo.calphad.diagrams.images import deepest, parts
from diffneq.thermo.calphad.diagrams.scan import Tie

_ROWS, _COLUMNS = 360, 480


class Field(NamedTuple):
    """A field of one or two phases: the place with most room around it, the room from there in x, and the
    temperatures that it reaches there. A phase of fixed composition has a field without room in x.
    """

    phases: tuple[str, ...]
    x: float
    T: float
    room_x: float
    low: float
    high: float


def fields(regions: Sequence[Sequence[Tie]], span: tuple[float, float], name: Callable, alone: Callable) -> list[Field]:
    """All fields, from the tie-lines of the two-phase regions.

    Args:
        regions: tie-lines from below to above, for each two-phase region.
        span: the temperatures of the diagram, K.
        name: (phase, ln y) -> what a phase is called.
        alone: temperatures -> names of the phase that is stable where there is no tie-line.
    """
    T = span[0] + (np.arange(_ROWS) + 0.5) / _ROWS * (span[1] - span[0])
    image, names = _raster(regions, T, name, alone)
    found = []
    for number, phases in enumerate(names):
        found += [_field(part, phases, T) for part in parts(image == number) if part.sum() > 3]
    return found + _lines(regions, span, name)


def _raster(regions, T: np.ndarray, name: Callable, alone: Callable):
    """The number of the field at every place, and the phases of each number; two-phase regions each have their own."""
    x = (np.arange(_COLUMNS) + 0.5) / _COLUMNS
    names: list[tuple[str, ...]] = [(name(r[0], 0), name(r[0], 1)) for r in regions]
    curves = [(np.array([t.T for t in r]), np.array([t.x for t in r])) for r in regions]
    image = np.zeros((_ROWS, _COLUMNS), int)
    number = lambda phase: names.index(phase) if phase in names else (names.append(phase) or len(names) - 1)
    empty = [k for k, t in enumerate(T) if not any(c[0][0] <= t <= c[0][-1] for c in curves)]
    single = dict(zip(empty, alone(T[empty]), strict=True)) if empty else {}
    for row, t in enumerate(T):
        if row in single:
            image[row] = number((single[row],))
            continue
        own = [(np.interp(t, c[0], c[1][:, 0]), np.interp(t, c[0], c[1][:, 1]), k)
               for k, c in enumerate(curves) if c[0][0] <= t <= c[0][-1]]  # fmt: skip
        own.sort(key=lambda each: each[0] + each[1])
        near = lambda k, t=t: regions[k][int(np.argmin(np.abs(curves[k][0] - t)))]
        image[row] = number((name(near(own[0][2]), 0),))
        for _, right, k in own:
            image[row, x > right] = number((name(near(k), 1),))
        for left, right, k in own:
            image[row, (x >= left) & (x <= right)] = k
    return image, names


def _field(inside: np.ndarray, phases: tuple[str, ...], T: np.ndarray) -> Field:
    row, column = deepest(inside)
    wide, high = _run(inside[row], column), _run(inside[:, column], row)
    return Field(phases, (wide.mean() + 0.5) / _COLUMNS, float(T[row]), float(np.ptp(wide) + 1) / _COLUMNS,
                 float(T[high[0]]), float(T[high[1]]))  # fmt: skip


def _run(line: np.ndarray, k: int) -> np.ndarray:
    """The first and the last place of the stretch of True around k."""
    outside = np.flatnonzero(~line)
    before, after = outside[outside < k], outside[outside > k]
    return np.array([before[-1] + 1 if len(before) else 0, after[0] - 1 if len(after) else len(line) - 1])


def _lines(regions, span: tuple[float, float], name: Callable) -> list[Field]:
    """Phases of fixed composition inside the diagram."""
    ends: dict[tuple[str, float], list[float]] = {}
    for region in regions:
        for side in (0, 1):
            x = np.array([tie.x[side] for tie in region])
            if np.ptp(x) < 2e-4 and 0.002 < x[0] < 0.998:
                ends.setdefault((name(region[0], side), round(float(x.mean()), 3)), []).extend([t.T for t in region])
    return [Field((phase,), x, 0.5 * (min(T) + max(T)), 0.0, min(T), max(T)) for (phase, x), T in ends.items()]
