"""`diffneq response`."""

import argparse
from typing import get_args

from diffneq.cli.commands.command import Command, add_machine, add_progress, add_seed
from diffneq.cli.running import study, wishes
from diffneq.options import Preset, ResponseOptions

_ABOUT = """\
The conductor's answer to a field, by every method there is: Green-Kubo, driven
runs with coupled noise, transient time correlation (TTCF), transient subtraction,
tangent and adjoint differentiation. One picture shows where differentiation along
trajectories dies and which methods agree.

Then j(E)/E by TTCF from a millionth of the thermal field to strong ones, joined to
steady runs, and d ln(sigma)/d ln(x) for stiffness, temperature and impurities."""


def _add(parser: argparse.ArgumentParser) -> None:
    system = parser.add_argument_group("the conductor")
    system.add_argument("--preset", choices=get_args(Preset), default="soft",
                        help="soft discs, quick, or stiff, nearly hard discs (default: soft)")  # fmt: skip
    system.add_argument("--electrons", type=int, default=60, metavar="N", help="their number (default: 60)")
    system.add_argument("--temperature", type=float, default=1.0, metavar="KT", help="k_B T of the bath (default: 1)")
    runs = parser.add_argument_group("the runs")
    runs.add_argument("--methods", nargs="+", metavar="NAME", help="methods to compare (default: all)")
    runs.add_argument("--fields", type=float, nargs="+", metavar="E", help="fields of the TTCF curve, in k_B T/(e R)")
    runs.add_argument("--horizon", type=float, default=30.0, metavar="T",
                      help="how long the response is followed, in R sqrt(m/k_B T) (default: 30)")  # fmt: skip
    runs.add_argument("--replicas", type=int, default=64, metavar="R", help="independent runs (default: 64)")
    runs.add_argument("--snapshots", type=int, default=10, metavar="K",
                      help="daughters started from each run; errors fall as 1/sqrt(K) (default: 10)")  # fmt: skip
    add_seed(runs)
    add_machine(parser)
    keep = parser.add_argument_group("the folder")
    keep.add_argument("--out", metavar="FOLDER", help="table, pictures, dataset (default: ./response-PRESET)")
    add_progress(keep)


def _run(arguments: argparse.Namespace) -> int:
    return study(arguments, "response", ResponseOptions(**wishes(arguments, ResponseOptions, ("fields", "methods"))))


RESPONSE = Command(
    "response",
    "diffneq response [options]",
    "the conductor's linear and nonlinear response, by many methods",
    _ABOUT,
    _add,
    _run,
)
