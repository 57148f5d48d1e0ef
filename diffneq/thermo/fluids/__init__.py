"""Fluids: one Helmholtz energy a model, everything else derived."""

from diffneq.thermo.fluids.bulk import Bulk, bulk
from diffneq.thermo.fluids.cubic import (
    SUBSTANCES,
    Cubic,
    CubicMixture,
    Substance,
    bubble_pressure,
    cubic,
    dew_pressure,
    flash,
    mixture,
    stability,
)
from diffneq.thermo.fluids.density import at_temperature_pressure
from diffneq.thermo.fluids.flashes import at_energy_volume, at_pressure_enthalpy, at_pressure_entropy
from diffneq.thermo.fluids.given import at_pressure_quality, at_temperature_density, at_temperature_quality
from diffneq.thermo.fluids.iapws95 import IAPWS95, water
from diffneq.thermo.fluids.potential import potential
from diffneq.thermo.fluids.saturation import Saturation, saturation_at_pressure, saturation_at_temperature
from diffneq.thermo.fluids.spinodal import Spinodal, spinodal
from diffneq.thermo.fluids.states import State, properties
from diffneq.thermo.fluids.status import explain
from diffneq.thermo.fluids.tables import states
from diffneq.thermo.fluids.virial import Virial, virial_coefficients

__all__ = [
    "IAPWS95",
    "SUBSTANCES",
    "Bulk",
    "Cubic",
    "CubicMixture",
    "Saturation",
    "Spinodal",
    "State",
    "Substance",
    "Virial",
    "at_energy_volume",
    "at_pressure_enthalpy",
    "at_pressure_entropy",
    "at_pressure_quality",
    "at_temperature_density",
    "at_temperature_pressure",
    "at_temperature_quality",
    "bubble_pressure",
    "bulk",
    "cubic",
    "dew_pressure",
    "explain",
    "flash",
    "mixture",
    "potential",
    "properties",
    "saturation_at_pressure",
    "saturation_at_temperature",
    "spinodal",
    "stability",
    "states",
    "virial_coefficients",
    "water",
]  # fmt: skip
