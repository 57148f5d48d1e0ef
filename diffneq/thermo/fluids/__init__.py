"""Fluids: one Helmholtz energy a model, everything else derived."""

from diffneq.thermo.fluids.bulk import Bulk, bulk
from diffneq.thermo.fluids.cubic import SUBSTANCES, Cubic, Substance, cubic
from diffneq.thermo.fluids.density import at_temperature_pressure
from diffneq.thermo.fluids.flashes import at_energy_volume, at_pressure_enthalpy, at_pressure_entropy
from diffneq.thermo.fluids.iapws95 import IAPWS95, water
from diffneq.thermo.fluids.saturation import Saturation, saturation_at_pressure, saturation_at_temperature
from diffneq.thermo.fluids.states import State, properties
from diffneq.thermo.fluids.status import explain
from diffneq.thermo.fluids.virial import virial_coefficients

__all__ = [
    "SUBSTANCES", "Bulk", "Cubic", "IAPWS95", "Saturation", "State", "Substance", "at_energy_volume",
    "at_pressure_enthalpy", "at_pressure_entropy", "at_temperature_pressure", "bulk", "cubic", "explain", "properties",
    "saturation_at_pressure", "saturation_at_temperature", "virial_coefficients", "water",
]  # fmt: skip
