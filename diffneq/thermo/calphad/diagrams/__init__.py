"""Phase diagrams: every line certified by the equilibrium solver, every invariant a differentiable number."""

from diffneq.thermo.calphad.diagrams.binary import BinaryDiagram, Region, binary
from diffneq.thermo.calphad.diagrams.reactions import Reaction, SpecialPoint, invariant_temperature

__all__ = ["BinaryDiagram", "Reaction", "Region", "SpecialPoint", "binary", "invariant_temperature"]
