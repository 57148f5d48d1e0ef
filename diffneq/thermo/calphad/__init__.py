"""CALPHAD: Gibbs energies of phases from assessed databases, and the equilibria between them."""

from diffneq.thermo.calphad.database import Database, load, shipped
from diffneq.thermo.calphad.equilibrium import equilibrium, stable_state
from diffneq.thermo.calphad.results import explain
from diffneq.thermo.calphad.system import System, build

__all__ = ["Database", "System", "build", "equilibrium", "explain", "load", "shipped", "stable_state"]
