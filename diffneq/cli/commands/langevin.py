"""`diffneq fit-langevin`."""

import argparse
from typing import get_args

from diffneq.cli.commands.command import Command, add_machine, add_progress
from diffneq.cli.running import study, wishes
from diffneq.options import LangevinOptions
from diffneq.options.langevin import Method, ModelName

_ABOUT = """\
Finds the stochastic equation of motion of a recorded variable: fits Langevin
equations (polynomial friction, multiplicative noise, potentials, memory, coloured
noise; the stochastic convention is part of each name), with error bars, and
compares them on data that were held out. Long-time matching fits the cumulants of
the displacement instead of single steps.

  diffneq fit-langevin velocity.csv                        columns t and x, or --dt
  diffneq fit-langevin run.nc --variable v --models OrnsteinUhlenbeck GeneralisedLangevin
  diffneq fit-langevin piston.npz --variable velocity --method long-time --json"""


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", metavar="DATA", help="a .csv, .npy, .npz or .nc file")
    data = parser.add_argument_group("the data")
    data.add_argument("--dt", type=float, metavar="T", help="time between records, where the file has no times")
    data.add_argument("--variable", metavar="NAME", help="column or array that holds the variable")
    data.add_argument("--displacement", metavar="NAME", help="that which holds its integral (long-time matching)")
    fit = parser.add_argument_group("the fit")
    names = ", ".join(get_args(ModelName))
    fit.add_argument("--models", nargs="+", choices=get_args(ModelName), metavar="NAME",
                     help=f"of {names} (default: a few that suit the method)")  # fmt: skip
    fit.add_argument("--method", choices=get_args(Method), default="likelihood",
                     help="transition densities, moments, or long times (default: likelihood)")  # fmt: skip
    fit.add_argument("--degree", type=int, default=1, metavar="N", help="of polynomials (default: 1)")
    fit.add_argument("--memory", type=int, default=1, metavar="N", help="exponentials in the kernel (default: 1)")
    fit.add_argument("--mass", type=float, default=1.0, metavar="M", help="of the variable (default: 1)")
    fit.add_argument("--held-out", type=float, default=0.25, metavar="F",
                     help="fraction of the record that selects (default: 0.25)")  # fmt: skip
    fit.add_argument("--substeps", type=int, default=1, metavar="N", help="between two records (default: 1)")
    fit.add_argument("--window", type=float, metavar="T", help="of long-time matching")
    fit.add_argument("--blocks", type=int, default=64, metavar="N", help="of the record, for errors (default: 64)")
    add_machine(parser, "double")
    keep = parser.add_argument_group("the folder")
    keep.add_argument("--out", metavar="FOLDER", help="table, record, pictures (default: ./langevin-DATA)")
    add_progress(keep)


def _run(arguments: argparse.Namespace) -> int:
    return study(arguments, "langevin", LangevinOptions(**wishes(arguments, LangevinOptions, ("models",))))


FIT_LANGEVIN = Command(
    "fit-langevin", "diffneq fit-langevin DATA [options]", "fit Langevin equations to a record", _ABOUT, _add, _run
)
