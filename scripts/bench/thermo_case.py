"""What `bench_thermo.py` runs: a named comparison of ours with a peer on one and the same job."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Contest:
    """Two prepared contenders: each call of a measure does the whole job once and returns microseconds a state."""

    ours: Callable[[], float]
    peer: Callable[[], float]
    outcome: Callable[[], dict[str, float]] = field(default=dict)  # what shows that both did the same


@dataclass(frozen=True)
class ThermoCase:
    """`prepare(count)` makes the contest on `count` states; `target` is how many times as fast we want to be."""

    key: str
    name: str
    peer: str
    target: float
    prepare: Callable[[int], Contest]


def race(contest: Contest, rounds: int) -> dict[str, list[float]]:
    """Microseconds a state of both, in turn, round after round."""
    found: dict[str, list[float]] = {"ours": [], "peer": []}
    for _ in range(rounds):
        found["ours"].append(contest.ours())
        found["peer"].append(contest.peer())
    return found


def ratios(found: dict[str, list[float]]) -> dict[str, float]:
    """Best over best, and the median of the ratios round by round."""
    pairs = [peer / ours for ours, peer in zip(found["ours"], found["peer"], strict=True)]
    return {"best": min(found["peer"]) / min(found["ours"]), "median": statistics.median(pairs)}
