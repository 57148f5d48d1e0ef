"""The boundaries of two-phase regions as smooth curves: tie-lines by Newton's method where the curves need them.

Along a region T(s) = T_0 + (T_1 - T_0) (1 - cos pi s)/2, so that a boundary that closes like the square root of the
distance to a critical or congruent point is a smooth function of s.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from diffneq.thermo.calphad.diagrams.events import Event
from diffneq.thermo.calphad.diagrams.scan import SAME, Start, Tie, at_temperature, lies_lowest, solved, tie_of
from diffneq.thermo.calphad.diagrams.strands import Strand
from diffneq.thermo.calphad.system import System

_ROUNDS = 7
_STRAIGHT = 4e-4  # of the width of the picture: what a boundary may deviate from the chord of its neighbours
_FAR = 0.04  # neighbours are no further apart, of the width of the picture
_FIRST = 24


class Node(NamedTuple):
    """A place on a region; ends have the tie-line of the event."""

    s: float
    tie: Tie


def traced(system: System, P: float, strands: Sequence[Strand], span: tuple[float, float]):
    """For every region its tie-lines from below to above, and those of them that are not the lowest state."""
    nodes = [_known(strand) for strand in strands]
    wanted = [_first(own) for own in nodes]
    for _ in range(_ROUNDS):
        starts = [(k, s) for k, places in enumerate(wanted) for s in places]
        if not starts:
            break
        _add(system, P, strands, nodes, starts)
        wanted = [_rough(own, span) for own in nodes]
    ties = [[node.tie for node in own] for own in nodes]
    inner = [tie for own in ties for tie in own[1:-1]]
    lowest = lies_lowest(system, P, [t.T for t in inner], [0.5 * sum(t.x) for t in inner], [t.mu for t in inner])
    return ties, [tie for tie, good in zip(inner, lowest, strict=True) if not good]


def _known(strand: Strand) -> list[Node]:
    """The tie-lines of the rows, and those of the events at the ends."""
    ties = sorted(strand.ties, key=lambda tie: tie.T)
    if strand.start is not None:
        ties = [_at_event(strand.start, ties[0]), *ties]
    if strand.end is not None:
        ties = [*ties, _at_event(strand.end, ties[-1])]
    low, high = ties[0].T, ties[-1].T
    place = lambda T: np.arccos(np.clip(1.0 - 2.0 * (T - low) / max(high - low, 1e-12), -1.0, 1.0)) / np.pi
    return [Node(float(place(tie.T)), tie) for tie in ties]


def _at_event(event: Event, near: Tie) -> Tie:
    """The tie-line that a region has at its end: the two phases of the event that are nearest to it."""
    if event.kind == "critical":
        return near._replace(T=event.T, x=(event.x[0],) * 2, log_y=np.repeat(event.log_y, 2, axis=0), mu=event.mu)
    ends = []
    for side in (0, 1):
        places = [k for k, phase in enumerate(event.phases) if phase == near.phases[side]]
        ends.append(min(places, key=lambda k: abs(event.x[k] - near.x[side])))
    if ends[0] == ends[1]:
        ends = _distinct(event, near)
    a, b = ends
    return near._replace(T=event.T, x=(event.x[a], event.x[b]), log_y=event.log_y[[a, b]], mu=event.mu)


def _distinct(event: Event, near: Tie) -> list[int]:
    pairs = [(k, k + 1) for k in range(len(event.x) - 1)] + [(0, len(event.x) - 1)]
    pairs = [p for p in pairs if (event.phases[p[0]], event.phases[p[1]]) == near.phases]
    return list(min(pairs, key=lambda p: abs(event.x[p[0]] - near.x[0]) + abs(event.x[p[1]] - near.x[1])))


def _first(nodes: list[Node]) -> list[float]:
    return list(np.linspace(0.0, 1.0, _FIRST + 2)[1:-1]) if nodes[-1].tie.T > nodes[0].tie.T else []


def _add(system: System, P: float, strands, nodes: list[list[Node]], places: Sequence[tuple[int, float]]) -> None:
    """Solves for the tie-lines at the places (region, s) and puts those that are good among the nodes."""
    guesses = [_guess(nodes[k], s) for k, s in places]
    starts = [Start(strands[k].phases, g.log_y, g.mu, g.T, at_temperature(g.T))
              for (k, _), g in zip(places, guesses, strict=True)]  # fmt: skip
    for (k, s), guess, solution in zip(places, guesses, solved(system, P, starts), strict=True):
        if solution is None:
            continue
        tie = tie_of(system, strands[k].phases, solution)
        moved = np.abs(np.subtract(tie.x, guess.x)).max()
        width = tie.x[1] - tie.x[0]
        if tie.phases == strands[k].phases and width > SAME and moved < 0.02 + 0.5 * width:
            nodes[k].append(Node(s, tie))
    for own in nodes:
        own.sort(key=lambda node: node.s)


def _guess(nodes: list[Node], s: float) -> Tie:
    """Between the neighbours, linear in s; T exactly where s says."""
    low, high = nodes[0].tie.T, nodes[-1].tie.T
    above = next(k for k, node in enumerate(nodes) if node.s >= s)
    a, b = nodes[above - 1], nodes[above]
    f = (s - a.s) / (b.s - a.s) if b.s > a.s else 0.0
    between = lambda name: (1 - f) * np.asarray(getattr(a.tie, name)) + f * np.asarray(getattr(b.tie, name))
    T = low + 0.5 * (high - low) * (1.0 - np.cos(np.pi * s))
    return Tie(float(T), a.tie.phases, tuple(between("x")), between("log_y"), between("mu"))


def _rough(nodes: list[Node], span: tuple[float, float]) -> list[float]:
    """Where another tie-line would make the curve smoother or the points closer."""
    if len(nodes) < 3:
        return []
    s = np.array([node.s for node in nodes])
    at = np.array([[(node.tie.T - span[0]) / (span[1] - span[0]), *node.tie.x] for node in nodes])
    wanted = set()
    for side in (1, 2):
        curve = at[:, [0, side]]
        step = np.linalg.norm(np.diff(curve, axis=0), axis=1)
        wanted |= set(np.flatnonzero(step > _FAR))
        chord, offset = curve[2:] - curve[:-2], curve[1:-1] - curve[:-2]
        length = np.maximum(np.linalg.norm(chord, axis=1), 1e-12)
        bent = np.abs(chord[:, 0] * offset[:, 1] - chord[:, 1] * offset[:, 0]) / length > _STRAIGHT
        places = np.flatnonzero(bent)
        wanted |= {*places, *(places + 1)}
        wanted -= set(np.flatnonzero(step < 2e-4)) if side == 2 else set()
    return [float(0.5 * (s[k] + s[k + 1])) for k in sorted(wanted) if s[k + 1] - s[k] > 1e-6]
