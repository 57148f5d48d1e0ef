"""Langevin steps a second, beside NumPy, a plain JAX loop and diffrax, in the same minutes; piston collisions.

    python scripts/bench_stochastic.py                  # --quick for a minute, --json FILE for the numbers
    pip install diffrax                                 # for its rows

10^5 trajectories in one dimension, all cores. Contenders take turns, round after round, so that only ratios are to be
read where the machine is shared. Nothing here is a test: a missed target is printed, and the program still ends well.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import jax

jax.config.update("jax_num_cpu_devices", len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)

from bench import report, stochastic  # noqa: E402
from bench.report import Target, Unavailable  # noqa: E402

# million a second on two cores
GOALS = {"ours f32": 100.0, "ours f64": 50.0, "piston f32": 10.0}
TARGETS = [
    Target("ours f32", "numpy f64", 2.0),
    Target("ours f64", "numpy f64", 1.0),
    Target("ours f32", "no accounts f32", 0.8),
    Target("ours f64", "no accounts f64", 0.8),
    Target("ours f32", "plain scan f32", 1.0),
    Target("ours f32", "diffrax ALIGN f32", 10.0),
]


def prepared(count: int, steps: int) -> dict[str, report.Contender]:
    """Every contender that can run here."""
    few = max(1, count // 20)
    builders = {
        "ours f32": lambda: stochastic.ours(count, steps, "f32"),
        "no accounts f32": lambda: stochastic.without_accounts(count, steps, "f32"),
        "ours f64": lambda: stochastic.ours(count, steps, "f64"),
        "no accounts f64": lambda: stochastic.without_accounts(count, steps, "f64"),
        "ours f32, one core": lambda: stochastic.ours(count, steps, "f32", devices=1),
        "plain scan f32": lambda: stochastic.plain_jax(count, steps // 4, "f32"),
        "numpy f64": lambda: stochastic.numpy_loop(count, max(20, steps // 20)),
        "diffrax ALIGN f32": lambda: stochastic.diffrax_align(few, steps // 4, "f32"),
        "piston f32": lambda: stochastic.piston(count // 10, "f32"),
        "piston f64": lambda: stochastic.piston(count // 10, "f64"),
    }
    ready = {}
    for key, build in builders.items():
        print(f"preparing {key}", file=sys.stderr, flush=True)
        try:
            ready[key] = build()
        except Unavailable as why:
            print(f"  {why}", file=sys.stderr, flush=True)
    return ready


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="fewer rounds and steps")
    options.add_argument("--trajectories", type=int, default=100_000)
    options.add_argument("--json", type=Path, help="file for all numbers")
    given = options.parse_args()
    rounds, steps = (3, 400) if given.quick else (7, 1000)
    say = lambda text: print(text, file=sys.stderr, flush=True)
    found = report.race(prepared(given.trajectories, steps), rounds, say)
    rows = report.ratios(found, TARGETS)
    for name, value in report.machine().items():
        print(f"{name}: {value}")
    print(report.rate_table(found))
    print(report.ratio_table(rows))
    print(f"{'million a second, all cores':<40s}{'best':>8s}{'goal':>8s}")
    for key, goal in GOALS.items():
        if key in found:
            verdict = "reached" if report.best(found[key]) >= goal else "MISSED"
            print(f"{key:<40s}{report.best(found[key]):>8.1f}{goal:>8.1f}  {verdict}")
    if given.json:
        given.json.write_text(json.dumps(report.as_json({"rates": found, "ratios": rows}), indent=1))


if __name__ == "__main__":
    main()
