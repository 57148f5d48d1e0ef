"""`diffneq ratchet`."""

import argparse
from typing import get_args

from diffneq.cli.commands.command import Command, add_machine, add_progress, add_seed
from diffneq.cli.running import study, wishes
from diffneq.options import RatchetOptions
from diffneq.options.ratchet import Method

_ABOUT = """\
Feynman and Smoluchowski's ratchet: a rotor in one bath, held by a pawl in another,
on three levels of description: with inertia and two baths, with inertia and one
bath of position-dependent temperature, and without inertia. What each level takes
for the entropy production, what it hides from the one above, current and
efficiency against torque.

  diffneq ratchet                                 the check case, by Fokker-Planck equations
  diffneq ratchet --mass 0.01 --json
  diffneq ratchet --method simulation --torque 0"""


def _add(parser: argparse.ArgumentParser) -> None:
    system = parser.add_argument_group("the ratchet; the rotor's friction is 1")
    system.add_argument("--temperatures", type=float, nargs=2, default=(1.5, 0.75), metavar=("T_1", "T_2"),
                        help="k_B T of the rotor's bath and of the pawl's (default: 1.5 0.75)")  # fmt: skip
    system.add_argument("--torque", type=float, default=0.1, metavar="F", help="on the rotor (default: 0.1)")
    system.add_argument("--mass", type=float, default=0.1, metavar="M", help="moment of inertia (default: 0.1)")
    runs = parser.add_argument_group("the method")
    runs.add_argument("--method", choices=get_args(Method), default="fokker-planck",
                      help="how the numbers of the table are got (default: fokker-planck)")  # fmt: skip
    runs.add_argument("--time", type=float, default=200.0, metavar="T", help="each rotor is followed (default: 200)")
    runs.add_argument("--rotors", type=int, default=16384, metavar="N", help="simulated at once (default: 16384)")
    add_seed(runs)
    add_machine(parser)
    keep = parser.add_argument_group("the folder")
    keep.add_argument("--out", metavar="FOLDER", help="table, record, pictures (default: ./ratchet)")
    add_progress(keep)


def _run(arguments: argparse.Namespace) -> int:
    return study(arguments, "ratchet", RatchetOptions(**wishes(arguments, RatchetOptions, ("temperatures",))))


RATCHET = Command(
    "ratchet", "diffneq ratchet [options]", "Feynman's ratchet on three levels of description", _ABOUT, _add, _run
)
