"""Our equilibria beside pycalphad's, in the same minutes: milliseconds a condition, ratios, and the target of each.

    python scripts/bench_calphad.py                     # Al-Zn, Al-Ni, two systems of COST507
    python scripts/bench_calphad.py --quick --case 0 1 --json bench.json

Ours: 1024 random conditions in one call, float64, certificate included, warm. pycalphad: the better of `equilibrium` on
a Cartesian grid and `Workspace` point by point, models built before. Contenders take turns, round after round, so that
only ratios are to be read where the machine is shared. A missed target is printed, and the program still ends well.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)

from bench import calphad_ours, report  # noqa: E402
from bench.calphad_cases import CASES, Case  # noqa: E402
from bench.calphad_peer import Peer  # noqa: E402
from bench.report import Unavailable  # noqa: E402


def say(text: str) -> None:
    """Progress goes to standard error, so that tables (or JSON) have standard output to themselves."""
    print(text, file=sys.stderr, flush=True)


def race(case: Case, count: int, peer_count: int, rounds: int) -> dict:
    """Milliseconds a condition of every contender, round by round, and what became of our conditions."""
    say(f"preparing {case.name}")
    ours, outcome = calphad_ours.batch(case, count)
    peer = Peer(case, calphad_ours.system_of(case).phase_names)
    contenders = {
        "ours": ours,
        "pycalphad, grid": peer.on_grid(peer_count),
        "pycalphad, points": peer.point_by_point(max(10, peer_count // 4)),
    }
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds):
        for name, measure in contenders.items():
            found[name].append(1e3 * measure())
            say(f"  round {turn + 1}: {name:<20s}{found[name][-1]:9.4f} ms")
    return {"milliseconds": found, "outcome": outcome()}


def ratio(found: dict) -> dict:
    """Best over best and the median of the rounds, against the better of pycalphad's two ways."""
    times = found["milliseconds"]
    peer = min((name for name in times if name != "ours"), key=lambda name: min(times[name]))
    pairs = [theirs / ours for ours, theirs in zip(times["ours"], times[peer], strict=True)]
    return {"peer": peer, "best": min(times[peer]) / min(times["ours"]), "median": statistics.median(pairs)}


def verdict(value: float, target: float, at_least: bool) -> str:
    """Whether a target is met."""
    return "reached" if (value >= target if at_least else value <= target) else "MISSED"


def show(case: Case, found: dict) -> str:
    """One system as text."""
    lines = [f"== {case.name} =="]
    for name, times in found["milliseconds"].items():
        lines.append(f"{name:<24s}{min(times):10.4f} ms best {statistics.median(times):10.4f} ms median")
    r = found["ratio"]
    lines.append(
        f"{r['peer']} / ours: best {r['best']:.1f}, median {r['median']:.1f}, target {case.target:.0f}  "
        f"{verdict(r['median'], case.target, True)}"
    )
    lines += [f"{name}: {value:.6g}" for name, value in found["outcome"].items()]
    if "first call (s)" in found:
        seconds = found["first call (s)"]
        lines.append(f"first call in a fresh process: {seconds:.1f} s (target 15)  {verdict(seconds, 15.0, False)}")
    if "gradient" in found:
        cost = found["gradient"]
        lines.append(f"value and gradient over value: {cost:.2f} (target 2)  {verdict(cost, 2.0, False)}")
    return "\n".join(lines)


def main() -> None:
    """Run the systems asked for and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", type=int, nargs="*", choices=range(len(CASES)), default=list(range(len(CASES))))
    parser.add_argument("--quick", action="store_true", help="fewer points of pycalphad, two rounds, no first calls")
    parser.add_argument("--rounds", type=int, help="rounds of measuring (default 5, with --quick 2)")
    parser.add_argument("--conditions", type=int, default=1024, help="of ours in one call (default 1024)")
    parser.add_argument("--no-gradient", action="store_true", help="leave out the cost of gradients")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all records to FILE as well")
    arguments = parser.parse_args()
    rounds = arguments.rounds or (2 if arguments.quick else 5)
    print("\n".join(f"{key}: {value}" for key, value in report.machine().items()), flush=True)
    everything: dict = {}
    for index in arguments.case:
        case = CASES[index]
        try:
            found = race(case, arguments.conditions, 64 if arguments.quick else 256, rounds)
        except Unavailable as why:
            say(f"  {why}")
            continue
        found["ratio"] = ratio(found)
        if not arguments.quick:
            found["first call (s)"] = calphad_ours.first_call(index)
        if not arguments.no_gradient:
            found["gradient"] = calphad_ours.gradient_cost(case, arguments.conditions, rounds)
        print("\n" + show(case, found), flush=True)
        everything[case.name] = found
        jax.clear_caches()
    programs, seconds = calphad_ours.second_database()
    print(f"\na second database of one size: {programs} programs compiled, {seconds:.2f} s (target: none)", flush=True)
    everything["second database"] = {"compiled": programs, "seconds": seconds}
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": report.machine(), "cases": everything}, indent=1))


if __name__ == "__main__":
    main()
