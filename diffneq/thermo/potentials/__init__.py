"""Thermodynamic potentials: one fundamental relation, its Legendre transforms, and every derivative by its name."""

from diffneq.thermo.potentials.coexistence import Line, clapeyron
from diffneq.thermo.potentials.cycles import Cycle, cycle
from diffneq.thermo.potentials.derivatives import derivative, properties, quotient, table
from diffneq.thermo.potentials.legendre import Convexity, convexity, legendre
from diffneq.thermo.potentials.relation import Potential

__all__ = [
    "Convexity", "Cycle", "Line", "Potential", "clapeyron", "convexity", "cycle", "derivative", "legendre",
    "properties", "quotient", "table",
]  # fmt: skip
