"""`diffneq vle`."""

import argparse
import contextlib
import sys
from importlib import import_module

from diffneq.cli.commands.command import Command
from diffneq.cli.running import printed

_ABOUT = """\
Boiling and condensing of liquid mixtures from an excess Gibbs energy (NRTL, Wilson,
UNIQUAC, with ChemSep's parameters): bubble points, azeotropes and heteroazeotropes,
flashes over any number of liquids and a vapour, residue curves of three components.
With --data the models are fitted to your measurements, with errors, compared, and
the data are tested for consistency with the Gibbs-Duhem equation.

Substances: acetic acid, acetone, benzene, 1-butanol, chloroform, cyclohexane, ethanol,
ethyl acetate, methanol, n-hexane, 2-propanol, toluene, water."""
_EXAMPLES = """\
examples:
  diffneq vle ethanol water --pressure 101325             T-x-y table and pictures, azeotrope
  diffneq vle ethanol water --temperature 343.15 --model Wilson
  diffneq vle acetone chloroform methanol --pressure 101325      azeotropes, residue curves
  diffneq vle ethanol water --pressure 101325 --temperature 355 --x 0.3 0.7      flash
  diffneq vle ethanol water --data measured.csv --json    columns T, P, x and perhaps y

units: K, Pa, mole fractions in the order of the components."""


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("components", metavar="SUBSTANCE", nargs="+", help="two or more substances by name")
    parser.add_argument("--pressure", type=float, metavar="P", help="Pa")
    parser.add_argument("--temperature", type=float, metavar="T", help="K")
    parser.add_argument("--x", type=float, nargs="+", metavar="X", help="mole fractions, all or all but the last")
    model = parser.add_argument_group("the model")
    model.add_argument("--model", metavar="NAME",
                       help="NRTL (default), Wilson, UNIQUAC, ideal; with --data Margules, 'van Laar'")  # fmt: skip
    model.add_argument("--vapour", choices=("ideal", "virial"), default="ideal", help="default: ideal")
    model.add_argument("--poynting", action="store_true", help="correct fugacities of liquids for the pressure")
    model.add_argument("--extrapolate", action="store_true", help="vapour pressures beyond their ranges, marked")
    model.add_argument("--data", metavar="FILE.csv", help="fit models to measurements: columns T, P, x, perhaps y")
    keep = parser.add_argument_group("the folder")
    keep.add_argument("--out", metavar="FOLDER", help="for pictures (default: ./vle-SUBSTANCES)")
    keep.add_argument("--no-pictures", action="store_true", help="none")


def _run(arguments: argparse.Namespace) -> int:
    with contextlib.redirect_stdout(sys.stderr):
        vle = import_module("diffneq.thermo.mixtures.commands.vle")
        model = arguments.model if arguments.data else arguments.model or "NRTL"
        report = vle.run(vle.Asked(
            tuple(arguments.components), arguments.pressure, arguments.temperature, model, arguments.vapour,
            arguments.poynting, None if arguments.x is None else tuple(arguments.x), arguments.data,
            arguments.extrapolate, arguments.out, not arguments.no_pictures,
        ))  # fmt: skip
    return printed(arguments, report, "picture", [] if arguments.json else report.pictures)


VLE = Command(
    "vle",
    "diffneq vle SUBSTANCE SUBSTANCE .. [options]",
    "boiling, azeotropes and flashes of mixtures",
    _ABOUT,
    _add,
    _run,
    _EXAMPLES,
)
