"""`diffneq electrolyte`."""

import argparse
from typing import get_args

from diffneq.cli.commands.command import Command, add_machine, add_progress, add_seed
from diffneq.cli.running import study, wishes
from diffneq.options import ElectrolyteOptions
from diffneq.options.electrolyte import Coupling, Potential

_ABOUT = """\
The conductivity of a solid electrolyte or a molten salt by four routes: equilibrium
(Einstein-Helfand, Green-Kubo), constant field, and constant current, where the current
of the ions is held and the field that this takes is measured. Beside it Nernst-Einstein,
the Haven ratio, the speed-up over equilibrium and an Arrhenius plot with its curvature.

  diffneq electrolyte llzo --temperature 700 800 900 1050 1200
  diffneq electrolyte NaCl --temperature 1100 --density 1.454
  diffneq electrolyte my.cif --potential softbv --temperature 600 --current 1e5 2e5"""


def _add(parser: argparse.ArgumentParser) -> None:
    words = "llzo, an alkali halide such as NaCl, or a file that ASE reads (default: llzo)"
    parser.add_argument("material", nargs="?", default="llzo", help=words)
    system = parser.add_argument_group("the material")
    system.add_argument("--potential", choices=get_args(Potential), help="default: teter, tosi-fumi for a salt")
    system.add_argument("--repeats", type=int, metavar="N", help="unit cells along each edge")
    system.add_argument("--density", type=float, metavar="D", help="of a molten salt, in g/cm^3")
    system.add_argument("--temperature", dest="temperatures", type=float, nargs="+", metavar="T",
                        default=(900.0, 1050.0, 1200.0), help="in K (default: 900 1050 1200)")  # fmt: skip
    runs = parser.add_argument_group("the runs")
    runs.add_argument("--current", dest="currents", type=float, nargs="+", metavar="J",
                      help="current densities in A/cm^2, two or more (default: planned from a pilot run)")  # fmt: skip
    runs.add_argument("--coupling", choices=get_args(Coupling), default="formal charges",
                      help="whose current: all formal charges, or the carriers against the framework")  # fmt: skip
    runs.add_argument("--time", type=float, default=50.0, metavar="PS", help="length of each run (default: 50)")
    runs.add_argument("--equilibration", type=float, default=5.0, metavar="PS", help="before each (default: 5)")
    runs.add_argument("--replicas", type=int, default=2, metavar="R", help="of each setting (default: 2)")
    runs.add_argument("--time-step", type=float, default=2.0, metavar="FS", help="default: 2")
    runs.add_argument("--damping-time", type=float, default=0.5, metavar="PS",
                      help="of the bath while a run settles (default: 0.5); records are taken without")  # fmt: skip
    runs.add_argument("--relative-error", type=float, default=0.05, metavar="E",
                      help="what the planner aims at (default: 0.05)")  # fmt: skip
    add_seed(runs)
    add_machine(parser)
    keep = parser.add_argument_group("the folder")
    keep.add_argument("--out", metavar="FOLDER", help="runs, table, pictures (default: ./electrolyte-MATERIAL)")
    keep.add_argument("--resume", action="store_true", help="go on with what the folder holds")
    add_progress(keep)


def _run(arguments: argparse.Namespace) -> int:
    wanted = wishes(arguments, ElectrolyteOptions, ("temperatures", "currents"))
    return study(arguments, "electrolyte", ElectrolyteOptions(**wanted))


ELECTROLYTE = Command(
    "electrolyte",
    "diffneq electrolyte [material] [options]",
    "ionic conductivity by constant current and three other routes",
    _ABOUT,
    _add,
    _run,
)
