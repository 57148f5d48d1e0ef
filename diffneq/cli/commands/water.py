"""`diffneq water`."""

import argparse
import contextlib
import sys
from importlib import import_module

from diffneq.cli.commands.command import Command
from diffneq.cli.running import printed

_ABOUT = """\
Properties of ordinary water and steam by IAPWS-95: density, energies, entropy, heat
capacities, speed of sound, from a pair of given quantities. Two phases are found where
they are the equilibrium, with their quality (the share of vapour)."""
_EXAMPLES = """\
examples:
  diffneq water --T 300 --p 1e5
  diffneq water --saturation 300 373.15 450
  diffneq water --p 1e6 --h 5e5 2e6 2.8e6 --json
  diffneq water --T 500 --rho 100

pairs: (T, p), (T, rho), (T, quality), (p, quality), (p, h), (p, s), (u, v); lists go
together, or one value with all of a list. Units: K, Pa, kg/m3, m3/kg, J/kg, J/(kg K);
u = s = 0 for the liquid at the triple point."""
_QUANTITIES = {
    "T": "temperatures, K", "p": "pressures, Pa", "rho": "densities, kg/m3", "h": "enthalpies, J/kg",
    "s": "entropies, J/(kg K)", "u": "internal energies, J/kg", "v": "volumes, m3/kg",
    "quality": "shares of vapour, 0 to 1",
}  # fmt: skip


def _add(parser: argparse.ArgumentParser) -> None:
    for name, help in _QUANTITIES.items():
        parser.add_argument(f"--{name}", type=float, nargs="+", metavar="X", help=help)
    parser.add_argument("--saturation", type=float, nargs="+", metavar="T", help="the saturation line at these T, K")
    parser.add_argument("--phase", choices=["liquid", "vapour"], help="with T and p: this phase, metastable or not")
    parser.add_argument("--homogeneous", action="store_true", help="with T and rho: do not let the fluid separate")
    parser.add_argument("--extrapolate", action="store_true", help="beyond the range of the formulation as well")


def _run(arguments: argparse.Namespace) -> int:
    given = {name: getattr(arguments, name) for name in _QUANTITIES if getattr(arguments, name) is not None}
    with contextlib.redirect_stdout(sys.stderr):
        report = import_module("diffneq.thermo.fluids.command").run(
            given, arguments.saturation, arguments.phase, arguments.homogeneous, arguments.extrapolate
        )
    return printed(arguments, report, "note", report.failures)


WATER = Command(
    "water", "diffneq water [options]", "properties of water and steam (IAPWS-95)", _ABOUT, _add, _run, _EXAMPLES
)
