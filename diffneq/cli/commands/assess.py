"""`diffneq assess`."""

import argparse

from diffneq.cli.commands.command import Command, add_progress
from diffneq.cli.running import calphad, printed

_ABOUT = """\
Fits parameters of a CALPHAD database to data in ESPEI's JSON format: enthalpies,
entropies and heat capacities of phases, activities, phase boundaries. The table
gives every parameter with its standard error and the residuals by dataset; the
folder gets the fitted database and pictures.

examples:
  diffneq assess cu-mg.tdb input-data                      all VV0000, VV0001, ... as ESPEI writes them
  diffneq assess Cu-Mg data --like "G(LIQUID,CU,MG*" --rename LAVES_C15=CU2MG"""


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("database", metavar="DATABASE", help="a TDB file, or the name of a shipped database")
    parser.add_argument("data", metavar="DATA", help="folder of ESPEI datasets (.json)")
    parser.add_argument("--parameters", nargs="+", metavar="NAME", help="parameters to fit (default: VV0000, ...)")
    parser.add_argument("--like", nargs="+", metavar="PATTERN", help="names with * and ? of parameters to fit")
    parser.add_argument("--rename", nargs="+", metavar="A=B", help="phase A of the data is B in the database")
    parser.add_argument("--boundaries", choices=("driving force", "direct"), default="driving force",
                        help="how phase boundaries are compared (default: driving force, as ESPEI does)")  # fmt: skip
    parser.add_argument("--weights", nargs="+", metavar="KIND=W", help="factors on the weights, for example ZPF=20")
    parser.add_argument("--out", metavar="FOLDER", help="fitted TDB, record, pictures (default: ./assess-DATABASE)")
    add_progress(parser)


def _run(arguments: argparse.Namespace) -> int:
    report = calphad(
        "assess", arguments.database, arguments.data, arguments.parameters, arguments.like, arguments.rename,
        arguments.boundaries, arguments.weights, arguments.out, arguments.progress,
    )  # fmt: skip
    return printed(arguments, report, "written", report.files)


ASSESS = Command(
    "assess",
    "diffneq assess DATABASE DATA [options]",
    "fit a CALPHAD database to data",
    _ABOUT,
    _add,
    _run,
)
