"""Phase diagrams: every line certified by the equilibrium solver, every invariant a differentiable number."""

from diffneq.thermo.calphad.diagrams.binary import BinaryDiagram, Region, binary
from diffneq.thermo.calphad.diagrams.given import invariant
from diffneq.thermo.calphad.diagrams.isopleth import Isopleth, isopleth
from diffneq.thermo.calphad.diagrams.reactions import Reaction, SpecialPoint, invariant_temperature
from diffneq.thermo.calphad.diagrams.step import property_map, step
from diffneq.thermo.calphad.diagrams.ternary import TernarySection, ternary

__all__ = [
    "BinaryDiagram",
    "Isopleth",
    "Reaction",
    "Region",
    "SpecialPoint",
    "TernarySection",
    "binary",
    "invariant",
    "invariant_temperature",
    "isopleth",
    "property_map",
    "step",
    "ternary",
]
