"""Systems that move freely between collisions, advanced from collision to collision in continuous time."""

from diffneq.event_driven.gas_piston import GasPiston, simulate_gas_piston
from diffneq.event_driven.piston import PistonPaths, simulate_piston
from diffneq.event_driven.records import PistonRecords

__all__ = ["GasPiston", "PistonPaths", "PistonRecords", "simulate_gas_piston", "simulate_piston"]
