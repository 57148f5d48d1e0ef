"""`diffneq reaction`."""

import argparse
import contextlib
import sys
from importlib import import_module

from diffneq.cli.commands.command import Command
from diffneq.cli.running import printed

_ABOUT = """\
Either the equilibrium constant of one reaction, K(T), with enthalpy, Gibbs energy
and slope, and with --pressure the mixture that its left side becomes; or, with
--equilibrium, the mixture of least Gibbs energy of all gases and pure condensed
phases that the elements of a feed can form.

Problems: TP (the default), HP (an adiabatic flame), SP, TV, UV. Temperature and
pressure are those of the feed; what is kept is the feed's H, S, U and V there."""
_EXAMPLES = """\
examples:
  diffneq reaction "N2 + 3 H2 = 2 NH3" --temperature 300 700 --pressure 1e5
  diffneq reaction --equilibrium CH4:1 O2:2 N2:7.52 --problem HP --temperature 298.15
  diffneq reaction --equilibrium CH4:1 O2:0.5 --temperature 900 --suspend "C(gr)"
  diffneq reaction "CO + H2O = CO2 + H2" --source shomate --temperature 1000 --json

units: K, Pa, J per mole of reaction as written, moles."""


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("equation", nargs="?", metavar="EQUATION", help="such as 'N2 + 3 H2 = 2 NH3'")
    parser.add_argument("--equilibrium", nargs="+", metavar="SPECIES:MOLES", help="a feed, instead of an equation")
    parser.add_argument("--problem", choices=("TP", "HP", "SP", "TV", "UV"), default="TP", help="what is kept")
    parser.add_argument("--temperature", type=float, nargs="+", default=[298.15], metavar="T",
                        help="K (default: 298.15)")  # fmt: skip
    parser.add_argument("--pressure", type=float, metavar="P", help="Pa (default for a feed: 1e5)")
    parser.add_argument("--source", default="nasa", metavar="NAME", help="nasa (default), shomate, gri30, nasa9, sgte")
    parser.add_argument("--candidates", nargs="+", metavar="NAME", help="species (default: all of the elements)")
    parser.add_argument("--suspend", nargs="+", default=[], metavar="NAME", help="candidates to leave out")
    parser.add_argument("--extrapolate", action="store_true", help="allow temperatures out of a polynomial's range")


def _run(arguments: argparse.Namespace) -> int:
    if (arguments.equation is None) == (arguments.equilibrium is None):
        raise ValueError("Give either a reaction, such as 'N2 + 3 H2 = 2 NH3', or --equilibrium with a feed.")
    with contextlib.redirect_stdout(sys.stderr):
        command = import_module("diffneq.thermo.reactions.command")
        if arguments.equation is not None:
            report = command.constants(arguments.equation, arguments.source, arguments.temperature,
                                       arguments.pressure, arguments.extrapolate)  # fmt: skip
        else:
            pressure = 1e5 if arguments.pressure is None else arguments.pressure
            report = command.mixture(arguments.equilibrium, arguments.source, arguments.problem,
                                     arguments.temperature, pressure, arguments.candidates, arguments.suspend,
                                     arguments.extrapolate)  # fmt: skip
    return printed(arguments, report, "note", report.remarks)


REACTION = Command(
    "reaction",
    "diffneq reaction EQUATION [options]",
    "equilibrium constants, gas and condensed equilibria, flames",
    _ABOUT,
    _add,
    _run,
    _EXAMPLES,
)
