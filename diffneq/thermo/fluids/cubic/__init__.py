"""Cubic equations of state: van der Waals, Soave-Redlich-Kwong, Peng-Robinson."""

from diffneq.thermo.fluids.cubic.pure import Cubic, cubic
from diffneq.thermo.fluids.cubic.substances import SUBSTANCES, Substance

__all__ = ["SUBSTANCES", "Cubic", "Substance", "cubic"]
