"""Two-phase regions of a binary diagram: tie-lines followed in temperature, and the events where they begin and end."""

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from diffneq.thermo.calphad.diagrams.events import Candidate, Event, at_break, attempt, candidates, keys
from diffneq.thermo.calphad.diagrams.scan import Tie, continued, tie_lines
from diffneq.thermo.calphad.system import System

_NARROWEST = 1e-3  # K: rows this close that still differ are reported
_JUMP = 0.12  # a tie-line that moves by more between two rows is looked at more closely


class Slab(NamedTuple):
    """Two neighbouring rows, and the event between them if there is one."""

    below: float
    above: float
    event: Event | None
    case: Candidate | None


@dataclasses.dataclass
class Strand:
    """One two-phase region while it is followed upwards: tie-lines, and the events at its ends (None: the window's)."""

    phases: tuple[int, int]
    ties: list[Tie]
    start: Event | None = None
    end: Event | None = None


class Skeleton(NamedTuple):
    """The diagram in its coarsest form."""

    strands: list[Strand]
    events: list[Event]
    notes: list[str]


def skeleton(system: System, P: float, temperatures: Sequence[float], count: int, tick: Callable) -> Skeleton:
    """Rows at the temperatures, events between rows that differ, and the regions that connect them.

    `tick(kelvin)` is called with the length of the range that is understood.
    """
    T = sorted(float(t) for t in temperatures)
    first = tie_lines(system, T, P, count)
    near = [[*below, *above] for below, above in zip([[], *first[:-1]], [*first[1:], []], strict=True)]
    rows = dict(zip(T, continued(system, P, T, first, near), strict=True))
    todo = [(a, b) for a, b in itertools.pairwise(T) if not _alike(rows[a], rows[b])]
    slabs = [Slab(a, b, None, None) for a, b in itertools.pairwise(T) if (a, b) not in todo]
    notes = []
    while todo:
        tick(sum(slab.above - slab.below for slab in slabs))
        found = _events(system, P, rows, todo)
        slabs += [Slab(*span, *found[span]) for span in todo if span in found]
        rest = [span for span in todo if span not in found]
        lost = [span for span in rest if span[1] - span[0] < _NARROWEST]
        for a, b in lost:
            jump = at_break(candidates(rows[a], rows[b]), 0.5 * (a + b))
            slabs.append(Slab(a, b, *(jump or (None, None))))
            if jump is None:
                notes.append(f"Between {a:.3f} and {b:.3f} K the tie-lines change in a way that was not understood.")
        rest = [span for span in rest if span not in lost]
        middles = [0.5 * (a + b) for a, b in rest]
        rows |= _between(system, P, rows, rest, count)
        halves = [half for (a, b), m in zip(rest, middles, strict=True) for half in ((a, m), (m, b))]
        todo = [(a, b) for a, b in halves if not _alike(rows[a], rows[b])]
        slabs += [Slab(a, b, None, None) for a, b in halves if (a, b) not in todo]
    slabs = sorted(slabs, key=lambda slab: slab.below)
    events = [slab.event for slab in slabs if slab.event is not None]
    return Skeleton(_assembled(rows, slabs), events, notes)


def _between(system: System, P: float, rows, spans, count: int) -> dict[float, list[Tie]]:
    """Rows half-way between others."""
    if not spans:
        return {}
    T = [0.5 * (a + b) for a, b in spans]
    near = [[*rows[a], *rows[b]] for a, b in spans]
    return dict(zip(T, continued(system, P, T, tie_lines(system, T, P, count), near), strict=True))


def _alike(below: Sequence[Tie], above: Sequence[Tie]) -> bool:
    """The same tie-lines, none of which has moved far; a few kelvin apart only their phases count."""
    if keys(below) != keys(above):
        return False
    pairs = list(zip(below, above, strict=True))
    if not pairs or pairs[0][1].T - pairs[0][0].T < 1.0:
        return True
    return all(np.abs(np.subtract(a.x, b.x)).max() < _JUMP for a, b in pairs)


def _events(system: System, P: float, rows, spans) -> dict[tuple[float, float], tuple[Event, Candidate]]:
    """For every pair of rows that one event explains, that event."""
    cases = [(span, case) for span in spans for case in candidates(rows[span[0]], rows[span[1]])]
    tried = attempt(system, P, [case for _, case in cases], [span for span, _ in cases])
    found: dict = {}
    for (span, case), event in zip(cases, tried, strict=True):
        if event is not None:
            found.setdefault(span, (event, case))
    return found


def _assembled(rows, slabs: Sequence[Slab]) -> list[Strand]:
    T = slabs[0].below
    living = [Strand(tie.phases, [tie]) for tie in rows[T]]
    strands = list(living)
    for slab in slabs:
        above = rows[slab.above]
        if slab.case is not None:
            first, n, m = slab.case.first, len(slab.case.below), len(slab.case.above)
            for strand in living[first : first + n]:
                strand.end = slab.event
            born = [Strand(tie.phases, [], start=slab.event) for tie in above[first : first + m]]
        elif [s.phases for s in living] != keys(above):
            first, n, born = 0, len(living), [Strand(tie.phases, []) for tie in above]
        else:
            first, n, born = 0, 0, []
        living = [*living[:first], *born, *living[first + n :]]
        strands += born
        for strand, tie in zip(living, above, strict=True):
            strand.ties.append(tie)
    return strands
