"""`diffneq diagram`."""

import argparse

from diffneq.cli.commands.command import Command, add_progress
from diffneq.cli.running import calphad, printed

_ABOUT = """\
The temperature-composition diagram of two elements: all phase boundaries, the
invariant reactions, congruent and critical points, each solved for exactly and
certified by the global minimum. Writes a picture, a table of the curves, and a
netCDF file with everything.

  diffneq diagram Al-Zn AL ZN --out al-zn
  diffneq diagram alloy.tdb CU MG --temperature 400 1400 --json"""


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("database", metavar="DATABASE", help="a TDB file, or the name of a shipped database")
    parser.add_argument("components", nargs=2, metavar="EL", help="two elements; x is the fraction of the second")
    parser.add_argument("--temperature", type=float, nargs=2, metavar=("LOW", "HIGH"), help="range, K")
    parser.add_argument("--phases", nargs="+", metavar="PHASE", help="phases (default: all that the elements allow)")
    parser.add_argument("--out", metavar="FOLDER", help="picture, curves, dataset (default: ./diagram-EL-EL)")
    add_progress(parser)


def _run(arguments: argparse.Namespace) -> int:
    report = calphad(
        "diagram", arguments.database, arguments.components, arguments.temperature, arguments.phases,
        arguments.out, arguments.progress,
    )  # fmt: skip
    return printed(arguments, report, "written", report.files)


DIAGRAM = Command(
    "diagram",
    "diffneq diagram DATABASE EL EL [options]",
    "binary phase diagram from a CALPHAD database",
    _ABOUT,
    _add,
    _run,
)
