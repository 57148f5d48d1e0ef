"""What the bench passes around (`Rate`, `Contender`, `Conductivity`) and how it prints.

A *contender* prepares itself once (start positions, equilibration, compilation) and then answers
`measure()` as often as it is asked, each time going on from where it stopped. `race` asks all contenders in
turn, round after round, so that a neighbour on a shared machine who comes and goes hurts everybody alike;
only ratios within a round mean much.
"""

from __future__ import annotations

import dataclasses
import os
import platform
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


class Unavailable(RuntimeError):
    """This contender cannot run here; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Rate:
    """One timed run; `particle_steps_per_second` = particles * replicas * steps / seconds."""

    name: str
    engine: str
    particles: int
    replicas: int
    precision: str
    steps: int
    seconds: float
    particle_steps_per_second: float
    note: str = ""

    @property
    def millions(self) -> float:
        """Million particle-steps a second."""
        return self.particle_steps_per_second / 1e6


def rate(
    name: str,
    engine: str,
    particles: int,
    replicas: int,
    precision: str,
    steps: int,
    seconds: float,
    note: str = "",
) -> Rate:
    """A `Rate` with its quotient worked out; `steps` are the steps of ONE replica."""
    quotient = particles * replicas * steps / seconds
    return Rate(name, engine, particles, replicas, precision, steps, seconds, quotient, note)


@dataclass(frozen=True)
class Conductivity:
    """sigma = <J>/(A E) with one standard error from block means, or <J>/A itself where the field is zero."""

    field: float
    value: float
    error: float
    blocks: int
    phonon_temperature: float


@dataclass(frozen=True)
class Contender:
    """`measure()` times one run; `conductivities()` pools the physics of all runs measured so far."""

    measure: Callable[[], Rate]
    conductivities: Callable[[], tuple[Conductivity, ...]] | None = None


@dataclass(frozen=True)
class Target:
    """`ours` should be at least `minimum` times `peer`; both are keys of the contenders."""

    ours: str
    peer: str
    minimum: float


Results = dict[str, list[Rate]]


def race(contenders: dict[str, Contender], rounds: int, say: Callable[[str], None] = print) -> Results:
    """Measure every contender once a round, in turn (ABAB...)."""
    results: Results = {key: [] for key in contenders}
    for turn in range(rounds):
        for key, contender in contenders.items():
            measured = contender.measure()
            results[key].append(measured)
            speed = f"{measured.millions:8.2f} M/s in {measured.seconds:.2f} s"
            say(f"  round {turn + 1}: {key:<34s}{speed}  {measured.note}")
    return results


def conductivity(
    field: float, current: np.ndarray, phonon_temperature: np.ndarray, area: float, merge: int = 5
) -> Conductivity:
    """sigma from consecutive means of J = sum v_x over equal intervals; `merge` intervals make one block.

    The error is the scatter of the block means over sqrt(blocks); blocks must be long against the current's
    correlation time (about 10 here, so 5 intervals of 10).
    """
    merge = max(1, min(merge, len(current) // 8))
    blocks = len(current) // merge
    means = np.asarray(current[: blocks * merge]).reshape(blocks, merge).mean(1) / area
    error = float(means.std(ddof=1) / np.sqrt(blocks)) if blocks > 1 else float("nan")
    scale = field if field else 1.0
    return Conductivity(
        field, float(means.mean()) / scale, error / abs(scale), blocks, float(np.mean(phonon_temperature))
    )


def best(rates: Sequence[Rate]) -> float:
    """Highest rate, million particle-steps a second."""
    return max(r.millions for r in rates)


def median(rates: Sequence[Rate]) -> float:
    """Median rate, million particle-steps a second."""
    return statistics.median(r.millions for r in rates)


def rate_table(results: Results) -> str:
    """One line a contender: precision, size, best and median rate."""
    lines = [f"{'':<36s}{'precision':>10s}{'particles':>11s}{'replicas':>9s}{'best':>9s}{'median':>9s}   M steps/s"]
    for key, rates in results.items():
        if rates:
            first = rates[0]
            lines.append(
                f"{key:<36s}{first.precision:>10s}{first.particles:>11d}{first.replicas:>9d}"
                f"{best(rates):>9.2f}{median(rates):>9.2f}   {rates[-1].note}"
            )
    return "\n".join(lines)


def ratios(results: Results, targets: Sequence[Target]) -> list[dict]:
    """Best over best, and the median of the ratios round by round, beside each target."""
    rows = []
    for target in targets:
        ours, peer = results.get(target.ours), results.get(target.peer)
        if not ours or not peer:
            continue
        pairs = [a.particle_steps_per_second / b.particle_steps_per_second for a, b in zip(ours, peer, strict=False)]
        rows.append(
            {
                "ours": target.ours,
                "peer": target.peer,
                "best": best(ours) / best(peer),
                "median": statistics.median(pairs),
                "target": target.minimum,
            }
        )
    return rows


def ratio_table(rows: Sequence[dict]) -> str:
    """The ratios and their targets; `reached` is judged on the median of the rounds."""
    lines = [f"{'ratio':<62s}{'best':>8s}{'median':>8s}{'target':>8s}"]
    for row in rows:
        verdict = "reached" if row["median"] >= row["target"] else "MISSED"
        name = f"{row['ours']} / {row['peer']}"
        lines.append(f"{name:<62s}{row['best']:>8.2f}{row['median']:>8.2f}{row['target']:>8.2f}  {verdict}")
    return "\n".join(lines)


def conductivity_table(found: dict[str, tuple[Conductivity, ...]]) -> str:
    """sigma of every engine, field by field, and the distance between the first two in standard errors."""
    lines = [f"{'field':>6s}  " + "  ".join(f"{key:>26s}" for key in found) + "   difference / error"]
    for row in zip(*found.values(), strict=True):
        cells = [f"{c.value:.4f} +- {c.error:.4f} T_p {c.phonon_temperature:.3f}" for c in row]
        apart = ""
        if len(row) > 1:
            spread = float(np.hypot(row[0].error, row[1].error))
            apart = f"{(row[0].value - row[1].value) / spread:+.1f}"
        lines.append(f"{row[0].field:>6.3f}  " + "  ".join(f"{cell:>26s}" for cell in cells) + f"   {apart}")
    return "\n".join(lines)


def machine() -> dict[str, str]:
    """Processor, cores and load: what a reader needs to place the numbers."""
    model = platform.processor() or "unknown"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    load = ", ".join(f"{x:.2f}" for x in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"
    return {
        "processor": model,
        "cores": str(os.cpu_count()),
        "load (1, 5, 15 min)": load,
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def as_json(found: dict) -> dict:
    """One case as plain records: every rate, ratio, conductivity and note."""
    return {
        "rates": [{"contender": key, **dataclasses.asdict(r)} for key, rates in found["rates"].items() for r in rates],
        "ratios": found["ratios"],
        "notes": found.get("notes", []),
        "conductivities": {
            key: [dataclasses.asdict(c) for c in row] for key, row in found.get("conductivities", {}).items()
        },
    }
