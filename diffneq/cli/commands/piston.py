"""`diffneq piston`."""

import argparse
from typing import get_args

from diffneq.cli.commands.command import Command, add_machine, add_progress, add_seed
from diffneq.cli.running import study, wishes
from diffneq.options import PistonOptions
from diffneq.options.piston import Method

_ABOUT = """\
A piston between two gases of equal pressure and different temperatures (Rayleigh's
piston): it drifts towards the hot side. The rates at which the cumulants of its
displacement grow, kappa_1 to kappa_4, from the leading eigenvalue of the tilted
generator, or from a simulation of every collision, with the rate function and the
distribution of the displacement. M = A = p = 1.

  diffneq piston --mass-ratio 0.01 --temperatures 1 4
  diffneq piston --method simulation --replicas 16384 --json"""


def _add(parser: argparse.ArgumentParser) -> None:
    system = parser.add_argument_group("the piston")
    system.add_argument("--mass-ratio", type=float, default=0.01, metavar="R",
                        help="mass of a gas particle over that of the piston (default: 0.01)")  # fmt: skip
    system.add_argument("--temperatures", type=float, nargs=2, default=(1.0, 4.0), metavar=("T_L", "T_R"),
                        help="k_B T of the gases on the left and on the right (default: 1 4)")  # fmt: skip
    runs = parser.add_argument_group("the method")
    runs.add_argument("--method", choices=get_args(Method), default="generator",
                      help="eigenvalue of the tilted generator, or collisions (default: generator)")  # fmt: skip
    runs.add_argument("--replicas", type=int, default=2048, metavar="N", help="pistons simulated (default: 2048)")
    runs.add_argument("--duration", type=float, metavar="T",
                      help="how long each is followed (default: 200 relaxation times)")  # fmt: skip
    add_seed(runs)
    add_machine(parser, None)
    keep = parser.add_argument_group("the folder")
    keep.add_argument("--out", metavar="FOLDER", help="table, record, pictures (default: ./piston-METHOD)")
    add_progress(keep)


def _run(arguments: argparse.Namespace) -> int:
    return study(arguments, "piston", PistonOptions(**wishes(arguments, PistonOptions, ("temperatures",))))


PISTON = Command(
    "piston", "diffneq piston [options]", "Rayleigh's piston: cumulants of the displacement", _ABOUT, _add, _run
)
