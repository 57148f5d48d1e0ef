"""Systems: parameters, initial states, forces and observables."""

from diffneq.models.conductor import Conductor
from diffneq.models.energy import EnergyModel
from diffneq.models.fluid import Fluid

__all__ = ["Conductor", "EnergyModel", "Fluid"]
