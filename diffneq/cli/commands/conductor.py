"""`diffneq conductor`."""

import argparse
from typing import get_args

from diffneq.cli.commands.command import Command, add_machine, add_progress, add_seed
from diffneq.cli.running import study, wishes
from diffneq.options import ConductorOptions, Preset, Variant

_ABOUT = """\
A two-dimensional conductor: electrons, driven by a field, phonons (mobile discs
that carry the heat away) and fixed impurities.

From the runs come the steady current and the end of Ohm's law, the conductivity
three ways (steady current, Green-Kubo, admittance) and its independence of size,
the admittance with Kramers-Kronig and the f-sum rule, and the Johnson-Nyquist
theorem g_I(w) = 2 k_B T Re Y(w), each with error bars."""
_EXAMPLES = """\
examples:
  diffneq conductor                                 the default run, a few minutes on two cores
  diffneq conductor --preset stiff --minutes 30     nearly hard discs, with better error bars
  diffneq conductor --fields 0.02 0.05 0.1 0.2      choose the fields
  diffneq conductor --resume                        go on where a run was stopped
  diffneq conductor --json > conductor.json         numbers, errors and units for a program

units: electron mass m, charge e, particle radius R, k_B T = 1 by default."""


def _add(parser: argparse.ArgumentParser) -> None:
    system = parser.add_argument_group("the conductor")
    system.add_argument("--preset", choices=get_args(Preset), default="soft",
                        help="soft discs, quick, or stiff, nearly hard discs (default: soft)")  # fmt: skip
    system.add_argument("--variant", choices=get_args(Variant), default="uniform",
                        help="phonons give their heat away everywhere, or at thermal walls")  # fmt: skip
    system.add_argument("--temperature", type=float, default=1.0, metavar="KT", help="k_B T of the bath (default: 1)")
    runs = parser.add_argument_group("the runs")
    runs.add_argument("--fields", type=float, nargs="+", metavar="E", help="driving fields, in k_B T/(e R)")
    runs.add_argument("--sizes", type=int, nargs="+", metavar="N",
                      help="numbers of electrons at fixed densities, the main size first")  # fmt: skip
    runs.add_argument("--seeds", type=int, metavar="K", help="independent runs of each setting")
    length = runs.add_mutually_exclusive_group()
    length.add_argument("--time", type=float, metavar="T", help="length of each run, in R sqrt(m/k_B T)")
    length.add_argument("--minutes", type=float, metavar="M", help="wall time to fit into, instead of --time")
    add_seed(runs)
    add_machine(parser)
    keep = parser.add_argument_group("the folder")
    keep.add_argument("--out", metavar="FOLDER", help="store, table, pictures (default: ./conductor-PRESET)")
    keep.add_argument("--resume", action="store_true", help="go on with what the folder holds")
    add_progress(keep)


def conductor_options(arguments: argparse.Namespace) -> ConductorOptions:
    """The wishes on the command line."""
    return ConductorOptions(**wishes(arguments, ConductorOptions, ("fields", "sizes")))


def _run(arguments: argparse.Namespace) -> int:
    return study(arguments, "conductor", conductor_options(arguments))


CONDUCTOR = Command(
    "conductor", "diffneq conductor [options]", "run the conductor: table and pictures", _ABOUT, _add, _run, _EXAMPLES
)
