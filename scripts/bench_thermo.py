"""Our equations of state and equilibria beside their peers, in the same minutes: microseconds a state, ratios, targets.

    python scripts/bench_thermo.py                      # all cases
    python scripts/bench_thermo.py --case iapws flash --states 100000 --rounds 7 --json bench.json

Float64, warm, all cores. Contenders take turns, round after round, so that only ratios are to be read where the machine
is shared. A missed target is printed, and the program still ends well.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_num_cpu_devices", len(os.sched_getaffinity(0)))

from bench import report, thermo_fluids, thermo_gas  # noqa: E402
from bench.report import Unavailable  # noqa: E402
from bench.thermo_case import ThermoCase, race, ratios  # noqa: E402

CASES = (*thermo_fluids.CASES, *thermo_gas.CASES)


def show(case: ThermoCase, found: dict, ratio: dict, outcome: dict) -> str:
    """One case as text."""
    lines = [f"== {case.name} =="]
    for name, times in (("diffneq", found["ours"]), (case.peer, found["peer"])):
        lines.append(f"{name:<12s}{min(times):10.4f} us a state best {statistics.median(times):10.4f} us median")
    verdict = "reached" if ratio["median"] >= case.target else "MISSED"
    lines.append(
        f"{case.peer} / ours: best {ratio['best']:.1f}, median {ratio['median']:.1f}, target {case.target:g}  {verdict}"
    )
    return "\n".join([*lines, *(f"{name}: {value:.3g}" for name, value in outcome.items())])


def main() -> None:
    """Run the cases asked for and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    keys = [case.key for case in CASES]
    parser.add_argument("--case", nargs="*", choices=keys, default=keys)
    parser.add_argument("--states", type=int, default=100_000, help="in one batch (default 100000)")
    parser.add_argument("--rounds", type=int, default=5, help="of measuring (default 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all records to FILE as well")
    arguments = parser.parse_args()
    print("\n".join(f"{key}: {value}" for key, value in report.machine().items()), flush=True)
    everything: dict = {}
    for case in (case for case in CASES if case.key in arguments.case):
        try:
            contest = case.prepare(arguments.states)
        except Unavailable as why:
            print(f"{case.name}: {why}", file=sys.stderr)
            continue
        found = race(contest, arguments.rounds)
        record = {"microseconds": found, "ratio": ratios(found), "outcome": contest.outcome()}
        print("\n" + show(case, found, record["ratio"], record["outcome"]), flush=True)
        everything[case.key] = record
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": report.machine(), "cases": everything}, indent=1))


if __name__ == "__main__":
    main()
