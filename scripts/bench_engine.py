"""Our engine beside LAMMPS and jax-md, in the same minutes: rates, ratios, and the target of each ratio.

    python scripts/bench_engine.py --case lj            # or wca, conductor, scaling, compile, all
    python scripts/bench_engine.py --case all --quick --json bench.json

Contenders take turns, round after round, so that only ratios are to be read where the machine is shared.
Nothing here is a test: a missed target is printed, and the program still ends well.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import inputs, jax_md_peer, lammps_conductor, lammps_peer, ours, report
from bench.report import Contender, Results, Target, Unavailable

CASES = ("lj", "wca", "conductor", "scaling", "compile")


@dataclass(frozen=True)
class Effort:
    """How long to measure: rounds, and steps of each case."""

    rounds: int
    lj_steps: int
    jax_md_steps: int
    wca_steps: int
    conductor_steps: int


FULL = Effort(rounds=5, lj_steps=4000, jax_md_steps=60, wca_steps=2000, conductor_steps=20_000)
QUICK = Effort(rounds=3, lj_steps=2000, jax_md_steps=30, wca_steps=1000, conductor_steps=15_000)


def say(text: str) -> None:
    """Progress goes to standard error, so that tables (or JSON) have standard output to themselves."""
    print(text, file=sys.stderr, flush=True)


def prepared(builders: dict[str, Callable[[], Contender]]) -> dict[str, Contender]:
    """Build every contender that can run here; say once why another cannot."""
    ready, told = {}, set()
    for key, build in builders.items():
        say(f"preparing {key}")
        try:
            ready[key] = build()
        except Unavailable as why:
            if str(why) not in told:
                say(f"  {why}")
            told.add(str(why))
    return ready


def case_lj(effort: Effort) -> dict:
    """The melt at N = 4,000 and 32,000: one system, two replicas, two precisions; jax-md at 4,000."""
    builders: dict[str, Callable[[], Contender]] = {}
    targets = []
    for n in (4000, 32000):
        steps = max(100, effort.lj_steps * 4000 // n)
        peer, single, double, twice = (
            f"LAMMPS {n}, 2 processes",
            f"ours {n}, one system f32",
            f"ours {n}, one system f64",
            f"ours {n}, two replicas f32",
        )
        builders |= {
            peer: lambda n=n, s=steps: lammps_peer.prepare_lj(n, s),
            single: lambda n=n, s=steps: ours.prepare_lj(n, s),
            double: lambda n=n, s=steps: ours.prepare_lj(n, s, precision="f64"),
            twice: lambda n=n, s=steps: ours.prepare_lj(n, s, replicas=2),
            f"LAMMPS {n}, one a core": lambda n=n, s=steps: lammps_peer.prepare_lj(n, s, one_a_core=True),
        }
        targets += [Target(single, peer, 0.8), Target(double, peer, 0.6), Target(twice, peer, 1.1)]
    builders["jax-md 4000"] = lambda: jax_md_peer.prepare_lj(4000, effort.jax_md_steps)
    targets.append(Target("ours 4000, one system f32", "jax-md 4000", 40.0))
    return summary(report.race(prepared(builders), effort.rounds, say), targets)


def case_wca(effort: Effort) -> dict:
    """32 replicas of 500 two-dimensional WCA disks with Langevin noise."""
    contenders = prepared(
        {
            "LAMMPS wca": lambda: lammps_peer.prepare_wca(32, effort.wca_steps),
            "ours wca": lambda: ours.prepare_wca(32, effort.wca_steps),
        }
    )
    return summary(report.race(contenders, effort.rounds, say), [Target("ours wca", "LAMMPS wca", 1.5)])


def case_conductor(effort: Effort) -> dict:
    """The soft conductor under several fields at once, and the conductivities of the very runs timed."""
    case = inputs.ConductorCase()
    contenders = prepared(
        {
            "ours conductor": lambda: ours.prepare_conductor(case, effort.conductor_steps),
            "LAMMPS conductor": lambda: lammps_conductor.prepare_conductor(case, effort.conductor_steps),
        }
    )
    found = summary(report.race(contenders, effort.rounds, say), [Target("ours conductor", "LAMMPS conductor", 1.3)])
    found["conductivities"] = {
        key: contender.conductivities() for key, contender in contenders.items() if contender.conductivities is not None
    }
    return found


def case_scaling(effort: Effort) -> dict:
    """Cost per particle-step of one system, N = 4,000 to 108,000; LAMMPS alongside for orientation."""
    builders: dict[str, Callable[[], Contender]] = {}
    for n in (4000, 32000, 108000):
        steps = max(50, effort.lj_steps * 4000 // n)
        builders[f"ours {n}, one system f32"] = lambda n=n, s=steps: ours.prepare_lj(n, s)
        builders[f"LAMMPS {n}, 2 processes"] = lambda n=n, s=steps: lammps_peer.prepare_lj(n, s)
    found = summary(report.race(prepared(builders), max(2, effort.rounds // 2), say), [])
    for engine in ("ours", "LAMMPS"):
        rates = [report.best(rates) for key, rates in found["rates"].items() if key.startswith(engine)]
        if rates:
            found.setdefault("notes", []).append(
                f"{engine}: dearest over cheapest cost per particle-step "
                f"{max(rates) / min(rates):.2f} (target of ours: 1.30 at most)"
            )
    return found


def case_compile(effort: Effort) -> dict:
    """Seconds to compile the default conductor run and to import the package."""
    notes = []
    for name, measure, limit in (
        ("compiling the default conductor run", ours.compile_seconds, 15.0),
        ("import diffneq", ours.import_seconds, 1.5),
    ):
        try:
            notes.append(f"{name}: {measure():.2f} s (target: under {limit} s)")
        except Unavailable as why:
            say(f"  {why}")
    return {"rates": {}, "ratios": [], "notes": notes}


def summary(results: Results, targets: list[Target]) -> dict:
    """Rates and ratios of one case."""
    return {"rates": results, "ratios": report.ratios(results, targets)}


def show(name: str, found: dict) -> str:
    """One case as text."""
    parts = [f"== {name} =="]
    if found["rates"]:
        parts.append(report.rate_table(found["rates"]))
    if found["ratios"]:
        parts.append(report.ratio_table(found["ratios"]))
    if found.get("conductivities"):
        parts.append(report.conductivity_table(found["conductivities"]))
    return "\n".join(parts + found.get("notes", []))


def main() -> None:
    """Run the cases asked for and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=(*CASES, "all"), default="all")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and steps: a first look in a few minutes")
    parser.add_argument("--rounds", type=int, help="rounds of measuring (default 5, with --quick 3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all records to FILE as well")
    arguments = parser.parse_args()
    effort = QUICK if arguments.quick else FULL
    if arguments.rounds:
        effort = Effort(**{**vars(effort), "rounds": arguments.rounds})
    print("\n".join(f"{key}: {value}" for key, value in report.machine().items()), flush=True)
    everything = {}
    for name in CASES if arguments.case == "all" else (arguments.case,):
        found = globals()[f"case_{name}"](effort)
        print("\n" + show(name, found), flush=True)
        everything[name] = report.as_json(found)
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": report.machine(), "cases": everything}, indent=1))


if __name__ == "__main__":
    main()
