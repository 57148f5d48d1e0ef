"""Freezing without diffusion in the solids, in the limit of infinitely small steps.

    d n_L = - sum_s x_s d n_s,   liquid n_L(T) always in equilibrium with the solids s that form

One step of size h lets the liquid alone come to equilibrium at T - h and takes the solids away: exact thermodynamics,
an error of order h^2. Steps h/1, h/2, h/3, h/4 over the same interval are extrapolated to h = 0 (P. Deuflhard, SIAM
Rev. 27 (1985) 505), and the difference of the last two orders chooses h. Where the set of phases changes the
temperature of the change is searched for and stepped over, so that no step is taken through a kink or a jump.
"""

from collections.abc import Generator, Iterator
from itertools import accumulate, pairwise
from typing import NamedTuple

import jax
import numpy as np

from diffneq.thermo.calphad.solver.state import NOT_CERTIFIED, State
from diffneq.thermo.calphad.states import LOST

_ORDERS = 4
_TOGETHER = 32  # temperatures in one look for a change of phases
NARROW = 1e-6  # K: changes of the set of phases are located to this
_PRESENT = 1e-12  # moles of atoms of one mole
_TAIL = 0.03  # of one mole: errors are relative to the liquid until so little is left
_LAST_DROP = 1e-9  # liquid left over, of one mole
_MOST_FAILURES = 60

Ask = Generator[tuple[np.ndarray, np.ndarray], State, "Freezing"]


class Solid(NamedTuple):
    """A solid that formed during a step: phase, moles of atoms, moles of formula units times y, moles of elements."""

    phase: int
    formed: np.ndarray  # [elements, n_y]: moles of each element; moles of atoms times y

    def atoms(self, elements: int) -> float:
        """Moles of atoms."""
        return float(self.formed[:elements].sum())


class Step(NamedTuple):
    """What is there after a step that ended at T."""

    T: float
    liquid: np.ndarray  # (elements,) moles
    solids: tuple[Solid, ...]  # formed in this step
    status: int


class Frozen(NamedTuple):
    """After equilibrium at T: what stays liquid, what became solid, the phases, and whether it can be trusted."""

    liquid: np.ndarray
    solids: tuple[Solid, ...]
    key: tuple[int, ...]  # all phases, liquid ones as -1
    status: int


class Freezing(NamedTuple):
    """The whole course and why it ended."""

    steps: list[Step]
    complete: bool
    failed: bool


def frozen(state: State, lane: int, liquids: np.ndarray, total: float, elements: int) -> Frozen:
    """One lane of equilibria of the liquid, `total` moles."""
    active = state.active[:, lane] & (state.amount[:, lane] > _PRESENT)
    liquid, solids, key = np.zeros(elements), [], []
    for s in np.flatnonzero(active):
        phase, amount = int(state.phase[s, lane]), float(state.amount[s, lane]) * total
        moles = amount * state.x[:elements, s, lane]
        if phase in liquids:
            liquid, key = liquid + moles, [*key, -1]
        else:
            solids.append(Solid(phase, np.concatenate([moles, amount * state.y[:, s, lane]])))
            key.append(phase)
    solids.sort(key=lambda solid: (solid.phase, solid.formed[0] / solid.formed[:elements].sum()))
    return Frozen(liquid, tuple(solids), tuple(sorted(key)), int(state.status[lane]))


def course(n: np.ndarray, T: float, end: float, liquids: np.ndarray, tolerance: float, longest: float,
           stops: np.ndarray) -> Ask:  # fmt: skip
    """The course of freezing of n (elements,) moles of liquid from T to `end`, as a dialogue.

    Yields temperatures and mole fractions whose equilibria it wants, receives them, and returns a `Freezing`.
    `longest`: step, K; `stops`: temperatures (falling) at which a step shall end.
    """
    steps, h, failures = [Step(T, n, (), 0)], longest, 0
    while T > end and n.sum() > _LAST_DROP and failures < _MOST_FAILURES:
        below = stops[stops < T - NARROW]
        target = max(end, below[0] if len(below) else end)
        h = min(h, longest, T - target)
        last = T - h <= target + NARROW
        done, error, same = yield from _extrapolated(n, T, h, liquids)
        if done is None:  # an equilibrium was not found: another step
            failures, h = failures + 1, h * 0.7 if h > NARROW else h * 3.0
        elif not same and h > NARROW:
            h = yield from _until_change(n, T, h, liquids)
        elif same and error > tolerance and h > NARROW:
            h *= max(0.2, 0.8 * (tolerance / error) ** (1.0 / _ORDERS))
        else:
            T, n = (target if last else T - h), done.liquid
            steps.append(Step(T, n, done.solids, done.status))
            failures = 0
            h *= min(4.0, 0.8 * (tolerance / max(error, 1e-4 * tolerance)) ** (1.0 / _ORDERS)) if same else 1e4
    return Freezing(steps, n.sum() <= _LAST_DROP, failures >= _MOST_FAILURES)


def _extrapolated(n, T, h, liquids) -> Generator[tuple[np.ndarray, np.ndarray], State, tuple]:
    """(the step, its error, did the set of phases stay the same); None if an equilibrium was not found.

    If the set changed the step is the plain one, of order one.
    """
    counts = np.arange(1, _ORDERS + 1)
    liquid = [n] * _ORDERS
    chains: list[list[Frozen]] = [[] for _ in counts]
    for k in range(_ORDERS):
        going = [j for j in range(k, _ORDERS) if liquid[j].sum() > 0.0]
        if not going:
            break
        x = np.stack([liquid[j] / liquid[j].sum() for j in going])
        state = yield np.array([T - h * (k + 1) / counts[j] for j in going]), x
        for lane, j in enumerate(going):
            chains[j].append(frozen(state, lane, liquids, float(liquid[j].sum()), len(n)))
            liquid[j] = chains[j][-1].liquid
    every = [link for chain in chains for link in chain]
    if any(link.status & LOST for link in every):
        return None, np.inf, False
    plain = chains[0][0]
    if len({link.key for link in every}) > 1 or -1 not in plain.key:
        return plain, np.inf, False
    values = np.stack([_joined(chain) for chain in chains])
    best, worse = _to_zero(values, counts), _to_zero(values[1:], counts[1:])
    error = float(np.abs(best - worse).max() / max(n.sum(), _TAIL))
    status = int(np.bitwise_or.reduce([link.status & NOT_CERTIFIED for link in every]))
    result = _parted(best, len(n), plain._replace(status=status))
    if (result.liquid < 0.0).any() or any((solid.formed[: len(n)] < 0.0).any() for solid in result.solids):
        error = max(error, 1.0) if h > NARROW else error
        return (plain, error, True) if h <= NARROW else (result, error, True)
    return result, error, True


def _joined(chain: list[Frozen]) -> np.ndarray:
    """The liquid after a chain of steps, and all that froze in it."""
    formed = [sum(link.solids[s].formed for link in chain) for s in range(len(chain[0].solids))]
    return np.concatenate([chain[-1].liquid, *formed])


def _parted(values: np.ndarray, elements: int, like: Frozen) -> Frozen:
    """The inverse of `_joined`."""
    rows = np.split(values[elements:], len(like.solids)) if like.solids else []
    solids = tuple(Solid(solid.phase, row) for solid, row in zip(like.solids, rows, strict=True))
    return like._replace(liquid=values[:elements], solids=solids)


def _to_zero(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The polynomial in h through values at h/counts, at h = 0."""
    total = 0.0
    for j, m in enumerate(counts):
        others = np.delete(counts, j)
        total = total + values[j] * m ** len(others) / np.prod(m - others.astype(float))
    return np.asarray(total)


def _until_change(n, T, h, liquids):
    """A step that ends just before the set of phases changes, or just after if that is at once."""
    x, low, high = n / n.sum(), 0.0, h
    first = None
    while high - low > 0.5 * NARROW:
        ends = low + (high - low) * np.arange(1, _TOGETHER + 1) / _TOGETHER
        state = yield T - ends, np.repeat(x[None], _TOGETHER, axis=0)
        keys = [frozen(state, lane, liquids, 1.0, len(n)).key for lane in range(_TOGETHER)]
        first = keys[0] if first is None else first
        changed = [k for k, key in enumerate(keys) if key != first]
        if not changed:  # along the path it changes, with the liquid as it is now it does not
            return 0.5 * h
        k = changed[0]
        low, high = (ends[k - 1] if k else low), ends[k]
    return low if low > NARROW else high


def together(courses: list[Ask], solve, finished=lambda: None) -> list[Freezing]:
    """Runs dialogues side by side: `solve(T, x)` answers all that are going at once."""
    answers: list[Freezing | None] = [None] * len(courses)
    wanted: dict[int, tuple[np.ndarray, np.ndarray]] = {k: next(c) for k, c in enumerate(courses)}
    while wanted:
        state = solve(np.concatenate([T for T, _ in wanted.values()]), np.concatenate([x for _, x in wanted.values()]))
        for k, part in zip(list(wanted), _split(state, [len(T) for T, _ in wanted.values()]), strict=True):
            try:
                wanted[k] = courses[k].send(part)
            except StopIteration as end:
                answers[k] = end.value
                del wanted[k]
                finished()
    return [answer for answer in answers if answer is not None]


def _split(state: State, lengths: list[int]) -> Iterator[State]:
    for a, b in pairwise([0, *accumulate(lengths)]):
        yield jax.tree.map(lambda leaf, a=a, b=b: leaf[..., a:b], state)
