"""What the command line takes: one parser a command."""

import argparse
import re
from typing import Any, NoReturn, get_args

from diffneq.options import Precision, Preset, Variant

_ABOUT = "Differentiable nonequilibrium physics: driven particles, currents, response, fluctuations."
_CONDUCTOR = """\
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
_DIAGRAM = """\
The temperature-composition diagram of two elements: all phase boundaries, the
invariant reactions, congruent and critical points, each solved for exactly and
certified by the global minimum. Writes a picture, a table of the curves, and a
netCDF file with everything.

  diffneq diagram Al-Zn AL ZN --out al-zn
  diffneq diagram alloy.tdb CU MG --temperature 400 1400 --json"""
_EQUILIBRIUM = """\
The phases of least Gibbs energy at given temperature, pressure and composition,
from a CALPHAD database: a TDB file, or one that comes with this program (Ag-Cu,
Al-Ni, Al-Zn, Cr-Fe, Cu-Mg, Fe-C, Pb-Sn).

Each answer carries a certificate: the lowest driving force that any phase reaches
against it, zero up to rounding if no phase can lower the energy further."""
_EQUILIBRIUM_EXAMPLES = """\
examples:
  diffneq equilibrium Al-Zn --temperature 600 --x ZN=0.3
  diffneq equilibrium steel.tdb --components FE CR C --temperature 1000 1100 --x CR=0.1 C=0.02
  diffneq equilibrium Cu-Mg --conditions list.csv --json     columns T, P, X(MG)

units: K, Pa, J per mole of atoms, moles of atoms of one mole in all."""


_ASSESS = """\
Fits parameters of a CALPHAD database to data in ESPEI's JSON format: enthalpies,
entropies and heat capacities of phases, activities, phase boundaries. The table
gives every parameter with its standard error and the residuals by dataset; the
folder gets the fitted database and pictures.

examples:
  diffneq assess cu-mg.tdb input-data                      all VV0000, VV0001, ... as ESPEI writes them
  diffneq assess Cu-Mg data --like "G(LIQUID,CU,MG*" --rename LAVES_C15=CU2MG"""


_RESPONSE = """\
The conductor's answer to a field, by every method there is: Green-Kubo, driven
runs with coupled noise, transient time correlation (TTCF), transient subtraction,
tangent and adjoint differentiation. One picture shows where differentiation along
trajectories dies and which methods agree.

Then j(E)/E by TTCF from a millionth of the thermal field to strong ones, joined to
steady runs, and d ln(sigma)/d ln(x) for stiffness, temperature and impurities."""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, instead of a page of usage."""

    def __init__(self, **more: Any):
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **more)
        # argparse takes -1e-3 for an option
        self._negative_number_matcher = re.compile(r"^-(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help.\n")


def parser() -> argparse.ArgumentParser:
    """Of the whole program."""
    whole = _Parser(prog="diffneq", description=_ABOUT)
    commands = whole.add_subparsers(dest="command", required=True, metavar="command", parser_class=_Parser)
    conductor = commands.add_parser(
        "conductor",
        usage="diffneq conductor [options]",
        help="run the conductor: table and pictures",
        description=_CONDUCTOR,
        epilog=_EXAMPLES,
    )
    _add_conductor(conductor)
    equilibrium = commands.add_parser(
        "equilibrium",
        usage="diffneq equilibrium DATABASE [options]",
        help="phase equilibria from a CALPHAD database",
        description=_EQUILIBRIUM,
        epilog=_EQUILIBRIUM_EXAMPLES,
    )
    _add_equilibrium(equilibrium)
    diagram = commands.add_parser(
        "diagram",
        usage="diffneq diagram DATABASE EL EL [options]",
        help="binary phase diagram from a CALPHAD database",
        description=_DIAGRAM,
    )
    _add_diagram(diagram)
    assess = commands.add_parser(
        "assess",
        usage="diffneq assess DATABASE DATA [options]",
        help="fit a CALPHAD database to data",
        description=_ASSESS,
    )
    _add_assess(assess)
    response = commands.add_parser("response", usage="diffneq response [options]",
                                   help="the conductor's linear and nonlinear response, by many methods",
                                   description=_RESPONSE)  # fmt: skip
    _add_response(response)
    check = commands.add_parser("selfcheck", help="does this machine compute right numbers?",
                                description="Compiled kernels against NumPy, on this machine.")  # fmt: skip
    version = commands.add_parser("version", help="print versions", description="Versions in use.")
    for command in (assess, conductor, diagram, equilibrium, response, check, version):
        output = command.add_argument_group("what comes out")
        output.add_argument("--json", action="store_true", help="print one JSON record and nothing else")
        output.add_argument("--debug", action="store_true", help="on an error, show where in the code it arose")
    return whole


def _add_conductor(parser: argparse.ArgumentParser) -> None:
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
    runs.add_argument("--seed", type=int, default=0, metavar="S", help="root of all random numbers (default: 0)")
    machine = parser.add_argument_group("the machine")
    machine.add_argument("--precision", choices=get_args(Precision), default="single",
                         help="floating-point numbers of the simulation (default: single)")  # fmt: skip
    machine.add_argument("--devices", type=int, metavar="N", help="devices to use (default: all; one per CPU core)")
    keep = parser.add_argument_group("the folder")
    keep.add_argument("--out", metavar="FOLDER", help="store, table, pictures (default: ./conductor-PRESET)")
    keep.add_argument("--resume", action="store_true", help="go on with what the folder holds")
    keep.add_argument("--quiet", "--no-progress", dest="progress", action="store_false", help="no progress bars")


def _add_equilibrium(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("database", metavar="DATABASE", help="a TDB file, or the name of a shipped database")
    parser.add_argument("--components", nargs="+", metavar="EL", help="elements (default: all, if they are few)")
    parser.add_argument("--phases", nargs="+", metavar="PHASE", help="phases (default: all that the elements allow)")
    parser.add_argument("--temperature", type=float, nargs="+", metavar="T", help="temperatures, K")
    parser.add_argument("--pressure", type=float, metavar="P", help="pressure, Pa (default: 101325)")
    parser.add_argument("--x", nargs="+", metavar="EL=X", help="mole fractions of all elements but one")
    parser.add_argument("--conditions", metavar="FILE.csv", help="a table with columns T, X(EL) and perhaps P instead")


def _add_diagram(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("database", metavar="DATABASE", help="a TDB file, or the name of a shipped database")
    parser.add_argument("components", nargs=2, metavar="EL", help="two elements; x is the fraction of the second")
    parser.add_argument("--temperature", type=float, nargs=2, metavar=("LOW", "HIGH"), help="range, K")
    parser.add_argument("--phases", nargs="+", metavar="PHASE", help="phases (default: all that the elements allow)")
    parser.add_argument("--out", metavar="FOLDER", help="picture, curves, dataset (default: ./diagram-EL-EL)")
    parser.add_argument("--quiet", "--no-progress", dest="progress", action="store_false", help="no progress bar")


def _add_assess(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("database", metavar="DATABASE", help="a TDB file, or the name of a shipped database")
    parser.add_argument("data", metavar="DATA", help="folder of ESPEI datasets (.json)")
    parser.add_argument("--parameters", nargs="+", metavar="NAME", help="parameters to fit (default: VV0000, ...)")
    parser.add_argument("--like", nargs="+", metavar="PATTERN", help="names with * and ? of parameters to fit")
    parser.add_argument("--rename", nargs="+", metavar="A=B", help="phase A of the data is B in the database")
    parser.add_argument("--boundaries", choices=("driving force", "direct"), default="driving force",
                        help="how phase boundaries are compared (default: driving force, as ESPEI does)")  # fmt: skip
    parser.add_argument("--weights", nargs="+", metavar="KIND=W", help="factors on the weights, for example ZPF=20")
    parser.add_argument("--out", metavar="FOLDER", help="fitted TDB, record, pictures (default: ./assess-DATABASE)")
    parser.add_argument("--quiet", "--no-progress", dest="progress", action="store_false", help="no progress bars")


def _add_response(parser: argparse.ArgumentParser) -> None:
    system = parser.add_argument_group("the conductor")
    system.add_argument("--preset", choices=get_args(Preset), default="soft",
                        help="soft discs, quick, or stiff, nearly hard discs (default: soft)")  # fmt: skip
    system.add_argument("--electrons", type=int, default=60, metavar="N", help="their number (default: 60)")
    system.add_argument("--temperature", type=float, default=1.0, metavar="KT", help="k_B T of the bath (default: 1)")
    runs = parser.add_argument_group("the runs")
    runs.add_argument("--methods", nargs="+", metavar="NAME", help="methods to compare (default: all)")
    runs.add_argument("--fields", type=float, nargs="+", metavar="E", help="fields of the TTCF curve, in k_B T/(e R)")
    runs.add_argument("--horizon", type=float, default=30.0, metavar="T",
                      help="how long the response is followed, in R sqrt(m/k_B T) (default: 30)")  # fmt: skip
    runs.add_argument("--replicas", type=int, default=64, metavar="R", help="independent runs (default: 64)")
    runs.add_argument("--snapshots", type=int, default=10, metavar="K",
                      help="daughters started from each run; errors fall as 1/sqrt(K) (default: 10)")  # fmt: skip
    runs.add_argument("--seed", type=int, default=0, metavar="S", help="root of all random numbers (default: 0)")
    machine = parser.add_argument_group("the machine")
    machine.add_argument("--precision", choices=get_args(Precision), default="single",
                         help="floating-point numbers of the simulation (default: single)")  # fmt: skip
    machine.add_argument("--devices", type=int, metavar="N", help="devices to use (default: all; one per CPU core)")
    keep = parser.add_argument_group("the folder")
    keep.add_argument("--out", metavar="FOLDER", help="table, pictures, dataset (default: ./response-PRESET)")
    keep.add_argument("--quiet", "--no-progress", dest="progress", action="store_false", help="no progress bars")
