"""`diffneq equilibrium`."""

import argparse

from diffneq.cli.commands.command import Command
from diffneq.cli.running import calphad, printed

_ABOUT = """\
The phases of least Gibbs energy at given temperature, pressure and composition,
from a CALPHAD database: a TDB file, or one that comes with this program (Ag-Cu,
Al-Ni, Al-Zn, Cr-Fe, Cu-Mg, Fe-C, Pb-Sn).

Each answer carries a certificate: the lowest driving force that any phase reaches
against it, zero up to rounding if no phase can lower the energy further."""
_EXAMPLES = """\
examples:
  diffneq equilibrium Al-Zn --temperature 600 --x ZN=0.3
  diffneq equilibrium steel.tdb --components FE CR C --temperature 1000 1100 --x CR=0.1 C=0.02
  diffneq equilibrium Cu-Mg --conditions list.csv --json     columns T, P, X(MG)

units: K, Pa, J per mole of atoms, moles of atoms of one mole in all."""


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("database", metavar="DATABASE", help="a TDB file, or the name of a shipped database")
    parser.add_argument("--components", nargs="+", metavar="EL", help="elements (default: all, if they are few)")
    parser.add_argument("--phases", nargs="+", metavar="PHASE", help="phases (default: all that the elements allow)")
    parser.add_argument("--temperature", type=float, nargs="+", metavar="T", help="temperatures, K")
    parser.add_argument("--pressure", type=float, metavar="P", help="pressure, Pa (default: 101325)")
    parser.add_argument("--x", nargs="+", metavar="EL=X", help="mole fractions of all elements but one")
    parser.add_argument("--conditions", metavar="FILE.csv", help="a table with columns T, X(EL) and perhaps P instead")


def _run(arguments: argparse.Namespace) -> int:
    report = calphad(
        "equilibrium", arguments.database, arguments.components, arguments.phases, arguments.temperature,
        arguments.pressure, arguments.x, arguments.conditions,
    )  # fmt: skip
    return printed(arguments, report, "note", [*report.system.notes, *report.failures])


EQUILIBRIUM = Command(
    "equilibrium",
    "diffneq equilibrium DATABASE [options]",
    "phase equilibria from a CALPHAD database",
    _ABOUT,
    _add,
    _run,
    _EXAMPLES,
)
