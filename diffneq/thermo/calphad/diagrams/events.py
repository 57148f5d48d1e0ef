"""What happens to the tie-lines of a binary system at one temperature, found from the rows below and above it.

A row is the list of tie-lines across the diagram. Rows on both sides of an event differ in one of these ways (A, B, C:
phases in the order of composition):

    A-C          | A-B, B-C    three phases: an invariant reaction
    A-B, B-A     | nothing     two phases of equal composition: a congruent point
    A-A          | nothing     the critical point of a miscibility gap
    A-B          | nothing     at the axis: a transition of a pure element
    A-B, B-C     | A-D, D-C    a compound of fixed composition changes its structure (also at an axis: A-B | A-D)

and each of them is a square system of equations, whose solution must lie between the two rows and under no other
phase.
"""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from diffneq.thermo.calphad.diagrams.coexistence import Solution
from diffneq.thermo.calphad.diagrams.critical import critical_point
from diffneq.thermo.calphad.diagrams.scan import (
    END,
    Start,
    Tie,
    at_composition,
    at_temperature,
    congruent,
    lies_lowest,
    solved,
)
from diffneq.thermo.calphad.system import System

_ORDER = {"invariant": 0, "transition": 1, "congruent": 2, "critical": 3, "pure": 4}


@dataclasses.dataclass(frozen=True, eq=False)
class Event:
    """Phases in equilibrium at one temperature, in the order of composition; `kind` as in the head of this file."""

    kind: str
    T: float
    phases: tuple[int, ...]
    x: tuple[float, ...]
    log_y: np.ndarray
    mu: np.ndarray  # J/mol
    pair_below: bool  # the outer phases make a tie-line below T, not above


class Candidate(NamedTuple):
    """Which tie-lines of the row below and of the row above an event would join."""

    kind: str
    first: int  # so many tie-lines from the left go on
    below: tuple[Tie, ...]
    above: tuple[Tie, ...]


def keys(row: Sequence[Tie]) -> list[tuple[int, int]]:
    """The phases of each tie-line."""
    return [tie.phases for tie in row]


def candidates(below: Sequence[Tie], above: Sequence[Tie]) -> list[Candidate]:
    """All single events that lead from one row to the other, the most telling kind first."""
    lower, upper = keys(below), keys(above)
    shorter = min(len(lower), len(upper))
    found = []
    for first in range(shorter + 1):
        if lower[:first] != upper[:first]:
            break
        for last in range(shorter - first + 1):
            if lower[len(lower) - last :] != upper[len(upper) - last :]:
                break
            middle = tuple(below[first : len(below) - last]), tuple(above[first : len(above) - last])
            kind = _kind(*(keys(m) for m in middle), first == 0 or last == 0)
            if kind:
                found.append(Candidate(kind, first, *middle))
    return sorted(found, key=lambda c: _ORDER[c.kind])


def _kind(below, above, at_axis: bool) -> str | None:
    few, many = sorted((below, above), key=len)
    match len(few), len(many):
        case 1, 2 if many[0][1] == many[1][0] and few[0] == (many[0][0], many[1][1]):
            return "invariant"
        case 0, 2 if many[0] == many[1][::-1]:
            return "congruent"
        case 0, 1 if many[0][0] == many[0][1]:
            return "critical"
        case 0, 1 if at_axis:
            return "pure"
        case 1, 1 if at_axis and (few[0][0] == many[0][0] or few[0][1] == many[0][1]):
            return "transition"
        case 2, 2 if (few[0][0], few[1][1]) == (many[0][0], many[1][1]) and few[0][1] == few[1][0]:
            return "transition" if many[0][1] == many[1][0] else None
    return None


def start_of(system: System, case: Candidate) -> Start:
    """Where Newton's method begins for all kinds but critical points."""
    ties = [*case.below, *case.above]
    T = 0.5 * (ties[0].T + ties[-1].T)
    few, many = sorted((case.below, case.above), key=len)
    nothing = at_temperature(T)
    match case.kind:
        case "invariant":
            parts = [(many[0], 0), (many[0], 1), (many[1], 1)]
            log_y = [many[0].log_y[0], 0.5 * (many[0].log_y[1] + many[1].log_y[0]), many[1].log_y[1]]
        case "transition":
            shared = 0 if few[0].phases[0] == many[0].phases[0] else 1
            other = [(few[0], 1 - shared), (many[0], 1 - shared)]
            parts = [(few[0], 0), *other] if shared == 0 else [*other, (few[0], 1)]
            log_y = [tie.log_y[k] for tie, k in parts]
        case "congruent":
            parts, nothing = [(many[0], 0), (many[0], 1)], congruent()
            log_y = [0.5 * (many[0].log_y[0] + many[1].log_y[1]), 0.5 * (many[0].log_y[1] + many[1].log_y[0])]
        case _:
            parts, log_y = [(ties[0], 0), (ties[0], 1)], list(ties[0].log_y)
            nothing = _at_axis(system, ties[0])
    mu = np.mean([tie.mu for tie in many], axis=0)
    return Start(tuple(tie.phases[k] for tie, k in parts), np.stack(log_y), mu, T, nothing)


def _at_axis(system: System, tie: Tie):
    """The tie-line at vanishing content of one element, in a phase that can contain it."""
    element = 1 if tie.x[0] + tie.x[1] < 1.0 else 0
    moles = np.asarray(system.tables.moles)
    holds = [bool((moles[phase, element] > 0).any()) for phase in tie.phases]
    return at_composition(holds.index(True), element, END)


def attempt(system: System, P: float, cases: Sequence[Candidate], spans: Sequence[tuple[float, float]]):
    """For each candidate the event, or None where there is no such event between the temperatures of `spans`."""
    three = {"invariant", "transition"}
    solutions: list[Solution | None] = [None] * len(cases)
    starts = [None if case.kind == "critical" else start_of(system, case) for case in cases]
    for group in (three, set(_ORDER) - three - {"critical"}):
        places = [k for k, case in enumerate(cases) if case.kind in group]
        chosen = [start for k in places if (start := starts[k]) is not None]
        for k, solution in zip(places, solved(system, P, chosen), strict=True):
            solutions[k] = solution
    for k, case in enumerate(cases):
        if case.kind == "critical":
            solutions[k] = critical_point(system, P, [*case.below, *case.above][0])
    events = [_event(system, *each) for each in zip(cases, starts, solutions, spans, strict=True)]
    return _certified(system, P, events)


def at_break(cases: Sequence[Candidate], T: float) -> tuple[Event, Candidate] | None:
    """The transition of a pure element where the energies of a database jump, so that no temperature has them equal.

    Pieces of a function of T may differ by some 0.01 J/mol where they meet, which is at the transition of the element.
    """
    for case in cases:
        if case.kind == "pure":
            tie = (*case.below, *case.above)[0]
            end = 0.0 if sum(tie.x) < 1.0 else 1.0
            return Event("pure", T, tie.phases, (end, end), tie.log_y, tie.mu, bool(case.above)), case
    return None


def _event(system: System, case: Candidate, start: Start | None, solution: Solution | None, span) -> Event | None:
    if solution is None:
        return None
    u, T = solution.unknowns, float(solution.unknowns.T)
    phases = start.phases if start is not None else (*case.below, *case.above)[0].phases[:1]
    x = solution.x[:, 1]
    if not span[0] - 1e-9 <= T <= span[1] + 1e-9:
        return None
    apart = np.diff(x)
    if case.kind == "invariant" and (apart < 1e-7).any():
        return None
    if case.kind == "pure" and apart[0] < -1e-15:
        return None  # the axis is reached by a tie-line of the other order
    if case.kind == "transition" and not any(
        abs(step) < 1e-6 and phases[k] != phases[k + 1] for k, step in enumerate(apart)
    ):
        return None
    mu = u.mu * float(system.tables.gas_constant) * T
    few_below = len(case.below) < len(case.above)
    return Event(case.kind, T, phases, tuple(float(v) for v in x), u.log_y, mu, few_below)


def _certified(system: System, P: float, events: list[Event | None]) -> list[Event | None]:
    middles = [(k, event, m) for k, event in enumerate(events) if event is not None for m in _middles(event.x)]
    T, x, mu = [e.T for _, e, _ in middles], [m for *_, m in middles], [e.mu for _, e, _ in middles]
    lowest = lies_lowest(system, P, T, x, mu)
    bad = {k for (k, *_), good in zip(middles, lowest, strict=True) if not good}
    return [None if k in bad else event for k, event in enumerate(events)]


def _middles(x: Sequence[float]) -> list[float]:
    return [0.5 * (a + b) for a, b in itertools.pairwise(x)] or [x[0]]
