"""Cubic equations of state: van der Waals, Soave-Redlich-Kwong, Peng-Robinson."""

from diffneq.thermo.fluids.cubic.equilibrium import (
    Boundary,
    Flash,
    Stability,
    bubble_pressure,
    dew_pressure,
    flash,
    stability,
)
from diffneq.thermo.fluids.cubic.mixture import CubicMixture, mixture
from diffneq.thermo.fluids.cubic.pure import Cubic, cubic
from diffneq.thermo.fluids.cubic.substances import SUBSTANCES, Substance

__all__ = [
    "SUBSTANCES", "Boundary", "Cubic", "CubicMixture", "Flash", "Stability", "Substance", "bubble_pressure", "cubic",
    "dew_pressure", "flash", "mixture", "stability",
]  # fmt: skip
