"""Systems: parameters, initial states, forces and observables."""

from diffneq.models.conductor import Conductor
from diffneq.models.electrolyte import Electrolyte
from diffneq.models.energy import EnergyModel
from diffneq.models.fluid import Fluid
from diffneq.models.forcing import ColourDrift, Forced, ShearProfile
from diffneq.models.piston import Piston
from diffneq.models.ratchet import Ratchet

__all__ = [
    "ColourDrift",
    "Conductor",
    "Electrolyte",
    "EnergyModel",
    "Fluid",
    "Forced",
    "Piston",
    "Ratchet",
    "ShearProfile",
]
