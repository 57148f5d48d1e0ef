"""Ionic materials beside LAMMPS on both cores, in the same minutes: rates and ratios, the target of each being 0.5.

    python scripts/bench_electrolyte.py --case llzo-softbv     # or llzo-teter, nacl, all
    python scripts/bench_electrolyte.py --quick

The same ions, cutoffs, time step and bath; Coulomb sums to the same rms force error, 1e-4 of the force of two unit
charges at one angstrom. LAMMPS picks its own best suffix and skin. Contenders take turns; only ratios are to be read
where the machine is shared.
"""

from __future__ import annotations

import argparse
import sys

from bench import electrolyte_lammps, electrolyte_ours, report
from bench.electrolyte_cases import CUTOFFS
from bench.report import Contender, Target, Unavailable


def say(text: str) -> None:
    """Progress goes to standard error."""
    print(text, file=sys.stderr, flush=True)


def race(case: str, steps: int, rounds: int) -> None:
    """One material: LAMMPS with one system over the cores and with one a core, ours likewise."""
    builders = {
        "LAMMPS, one system over the cores": lambda: electrolyte_lammps.prepare(case, steps),
        "LAMMPS, one system a core": lambda: electrolyte_lammps.prepare(case, steps, one_a_core=True),
        "ours, one system a core, f32": lambda: electrolyte_ours.prepare(case, steps, replicas=2),
        "ours, one system, f32": lambda: electrolyte_ours.prepare(case, steps),
    }
    ready: dict[str, Contender] = {}
    for key, build in builders.items():
        say(f"preparing {case}: {key}")
        try:
            ready[key] = build()
        except Unavailable as why:
            say(f"  {why}")
    ours = [key for key in ready if key.startswith("ours")]
    peers = [key for key in ready if key.startswith("LAMMPS")]
    found = report.race(ready, rounds, say)
    print(f"\n== {case}, cutoff {CUTOFFS[case]:g} angstrom ==\n" + report.rate_table(found))
    print(report.ratio_table(report.ratios(found, [Target(a, b, 0.5) for a in ours for b in peers])), flush=True)


def main() -> None:
    """Race the cases asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=(*CUTOFFS, "all"), default="all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="two rounds of fewer steps")
    arguments = parser.parse_args()
    print("\n".join(f"{key}: {value}" for key, value in report.machine().items()), flush=True)
    for case in CUTOFFS if arguments.case == "all" else (arguments.case,):
        race(case, 200 if arguments.quick else 1000, 2 if arguments.quick else arguments.rounds)


if __name__ == "__main__":
    main()
