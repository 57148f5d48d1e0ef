"""All tie-lines of a binary system at given temperatures: from a batch of equilibria over composition.

A row of equilibria across the diagram meets every tie-line that is wider than the spacing of the row. Where two
neighbours are single phases of different kinds, a narrow tie-line lies between them: Newton's method finds it from
the two.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from diffneq.thermo.calphad.conditions import conditions
from diffneq.thermo.calphad.diagrams.coexistence import LOWEST, Closing, Solution, coexistence
from diffneq.thermo.calphad.equilibrium import solve_all
from diffneq.thermo.calphad.solver.state import INFEASIBLE, NOT_CERTIFIED, NOT_CONVERGED
from diffneq.thermo.calphad.system import System

END = 1e-9  # mole fraction that stands for a pure element
BELOW_PLANE = 2e-4  # J/mol: what may lie below an equilibrium before another state is called stable
SAME = 1e-7  # tie-lines shorter than this are none
_CONVERGED = 1e-6
_WIDTH = 64  # systems of one compiled call


class Tie(NamedTuple):
    """Two phases in equilibrium at a temperature, the one poorer in the second element first."""

    T: float
    phases: tuple[int, int]
    x: tuple[float, float]
    log_y: np.ndarray  # (2, n_y)
    mu: np.ndarray  # (2,), J/mol


def grid(count: int) -> np.ndarray:
    """Mole fractions, denser towards the pure elements."""
    inner = np.sin(0.5 * np.pi * np.linspace(0.0, 1.0, count)) ** 2
    return np.clip(0.5 * (inner + np.linspace(0.0, 1.0, count)), 1e-6, 1 - 1e-6)


def at_temperature(T: float) -> Closing:
    """T is given."""
    return Closing(*map(np.asarray, ([1.0, 0.0, 0.0], float(T), 0, 0, 1.0)))


def at_composition(place: int, element: int, x: float) -> Closing:
    """The mole fraction of an element in the phase at a place is given, T is not."""
    return Closing(*map(np.asarray, ([0.0, 1.0, 0.0], 0.0, place, element, x)))


def congruent() -> Closing:
    """Two phases have the same composition."""
    return Closing(*map(np.asarray, ([0.0, 0.0, 1.0], 0.0, 0, 0, 1.0)))


class Start(NamedTuple):
    """An approximate solution; mu in J/mol."""

    phases: tuple[int, ...]
    log_y: np.ndarray
    mu: np.ndarray
    T: float
    closing: Closing


def solved(system: System, P: float, starts: Sequence[Start]) -> list[Solution | None]:
    """The solutions of square systems of one size, None where Newton's method failed; in batches of one size."""
    tables, R, out = system.tables, float(system.tables.gas_constant), []
    for first in range(0, len(starts), _WIDTH):
        some = starts[first : first + _WIDTH]
        padded = [*some, *[some[-1]] * (_WIDTH - len(some))]
        phases, log_y, T = (np.asarray([getattr(s, name) for s in padded]) for name in ("phases", "log_y", "T"))
        mu = np.stack([s.mu / (R * s.T) for s in padded])
        closing = jax.tree.map(lambda *x: np.stack(x), *(s.closing for s in padded))
        result = jax.tree.map(np.asarray, coexistence(tables, phases, P, log_y, mu, T.astype(float), closing))
        for k in range(len(some)):
            one = jax.tree.map(lambda a, k=k: a[k], result)
            out.append(one if one.left < _CONVERGED and np.isfinite(one.x).all() else None)
    return out


def tie_of(system: System, phases: Sequence[int], solution: Solution) -> Tie:
    """A tie-line from a solution, with its poorer end first."""
    u, x = solution.unknowns, solution.x[:, 1]
    order = [0, 1] if x[0] <= x[1] else [1, 0]
    T = float(u.T)
    mu = np.asarray(u.mu) * float(system.tables.gas_constant) * T
    a, b = order
    return Tie(T, (int(phases[a]), int(phases[b])), (float(x[a]), float(x[b])), u.log_y[order], mu)


def log_fractions(y: np.ndarray) -> np.ndarray:
    """ln y, with zero for what is absent."""
    return np.where(y > 0.0, np.log(np.where(y > 0.0, y, 1.0)), LOWEST + 1.0)


def lies_lowest(system: System, P: float, T: Sequence[float], x: Sequence[float], mu: Sequence[np.ndarray]):
    """Is there no state below the plane of the potentials at these conditions? One answer for each."""
    if len(T) == 0:
        return np.zeros(0, bool)
    t, x2, plane = np.asarray(T, float), np.clip(np.asarray(x, float), END, 1 - END), np.asarray(mu)
    low, high = system.temperature_range
    state = solve_all(system, conditions(system, np.clip(t, low, high), P, {system.elements[1]: x2}))
    return (1 - x2) * plane[:, 0] + x2 * plane[:, 1] - state.G < BELOW_PLANE


class Point(NamedTuple):
    """A phase met on the way across the diagram."""

    column: int
    phase: int
    x: float
    y: np.ndarray
    mu: np.ndarray


def tie_lines(system: System, temperatures: Sequence[float], P: float, count: int = 61) -> list[list[Tie]]:
    """For every temperature the tie-lines from the first element to the second.

    Args:
        system: of two elements.
        temperatures: K.
        P: pressure, Pa.
        count: equilibria at each temperature.
    """
    T, x = np.asarray(temperatures, float), grid(count)
    given = conditions(system, np.repeat(T, count), P, {system.elements[1]: np.tile(x, len(T))})
    state = solve_all(system, given)
    bad = (state.status & (NOT_CERTIFIED | NOT_CONVERGED | INFEASIBLE)) > 0
    present = np.asarray(system.tables.present)
    rows: list[list[Tie]] = []
    wanted: list[tuple[int, Start]] = []
    for r in range(len(T)):
        row: list = []
        last = None
        for k in range(count):
            lane = r * count + k
            if bad[lane]:
                continue
            points = _points(state, lane, k)
            if last is not None:
                wanted += [(r, start) for start in _between(last, points[0], T[r], present)]
            if len(points) == 2:
                row = _with_tie(row, _tie(T[r], points, present))
            last = points[-1]
        rows.append(row)
    return _with_narrow(system, P, rows, wanted)


def _points(state, lane: int, column: int) -> list[Point]:
    slots = np.flatnonzero(state.active[:, lane] & (state.amount[:, lane] > 1e-12))
    found = [
        Point(column, int(state.phase[s, lane]), float(state.x[1, s, lane]), state.y[:, s, lane], state.mu[:2, lane])
        for s in slots
    ]
    return sorted(found, key=lambda point: point.x)


def _log_y(point: Point, present: np.ndarray) -> np.ndarray:
    return np.where(present[point.phase], log_fractions(point.y), 0.0)


def _tie(T: float, points: Sequence[Point], present: np.ndarray) -> Tie:
    a, b = points
    return Tie(float(T), (a.phase, b.phase), (a.x, b.x), np.stack([_log_y(p, present) for p in points]), b.mu)


def _with_tie(row: list[Tie], tie: Tie) -> list[Tie]:
    """The row with a tie-line, unless it has it already."""
    known = any(t.phases == tie.phases and np.allclose(t.x, tie.x, atol=1e-5) for t in row)
    return row if known or tie.x[1] - tie.x[0] < SAME else [*row, tie]


def _between(last: Point, new: Point, T: float, present: np.ndarray) -> list[Start]:
    """Where to search for a tie-line that the row has stepped over: from the potentials on either side."""
    if last.x > new.x + 1e-9 or last.column == new.column:
        return []
    same = last.phase == new.phase
    if same and np.abs(last.y - new.y).max() < 0.1 + 4.0 * (new.x - last.x):
        return []
    log_y = np.stack([_log_y(p, present) for p in (last, new)])
    return [Start((last.phase, new.phase), log_y, p.mu, float(T), at_temperature(T)) for p in (last, new)]


def _with_narrow(system: System, P: float, rows: list[list[Tie]], wanted: list[tuple[int, Start]]) -> list[list[Tie]]:
    solutions = solved(system, P, [start for _, start in wanted])
    found = [(r, tie_of(system, start.phases, s)) for (r, start), s in zip(wanted, solutions, strict=True) if s]
    ties = [tie for _, tie in found]
    stable = lies_lowest(system, P, [t.T for t in ties], [0.5 * sum(t.x) for t in ties], [t.mu for t in ties])
    for (r, tie), lowest in zip(found, stable, strict=True):
        rows[r] = _with_tie(rows[r], tie) if lowest else rows[r]
    return [_sorted(row) for row in rows]


def _sorted(row: Sequence[Tie]) -> list[Tie]:
    return sorted(row, key=lambda tie: tie.x[0] + tie.x[1])


def continued(
    system: System, P: float, temperatures: Sequence[float], rows: Sequence[list[Tie]], near: Sequence[Sequence[Tie]]
) -> list[list[Tie]]:
    """The rows with the tie-lines of rows nearby (`near`, one list for each row) followed to their temperatures.

    Of all tie-lines those stay above which no end of another one lies: a search that missed a narrow well of a phase,
    such as an ordered state beside a disordered one, is corrected by what was found at another temperature.
    """
    places = [(r, tie) for r, ties in enumerate(near) for tie in ties]
    starts = [Start(t.phases, t.log_y, t.mu, float(temperatures[r]), at_temperature(temperatures[r]))
              for r, t in places]  # fmt: skip
    solutions = solved(system, P, starts)
    found = [(r, tie_of(system, t.phases, s)) for (r, t), s in zip(places, solutions, strict=True) if s]
    ties = [tie for _, tie in found]
    stable = lies_lowest(system, P, [t.T for t in ties], [0.5 * sum(t.x) for t in ties], [t.mu for t in ties])
    out = [list(row) for row in rows]
    for (r, tie), lowest in zip(found, stable, strict=True):
        out[r] = _with_tie(out[r], tie) if lowest else out[r]
    out = [_sorted([tie for tie in row if not any(_cuts(other, tie) for other in row)]) for row in out]
    gaps = [(r, start) for r, row in enumerate(out) for a, b in itertools.pairwise(row)
            if a.phases[1] != b.phases[0] for start in _joining(a, b)]  # fmt: skip
    return _with_narrow(system, P, out, gaps)


def _joining(a: Tie, b: Tie) -> list[Start]:
    """Where two tie-lines leave off in different phases another one lies between them."""
    log_y = np.stack([a.log_y[1], b.log_y[0]])
    return [Start((a.phases[1], b.phases[0]), log_y, t.mu, a.T, at_temperature(a.T)) for t in (a, b)]


def _cuts(other: Tie, tie: Tie) -> bool:
    """Does an end of the other tie-line lie below the common tangent of this one?"""
    x = np.array(other.x)
    return bool((np.stack([1 - x, x]).T @ (other.mu - tie.mu) < -BELOW_PLANE).any())
