"""Systems that move freely between collisions, advanced from collision to collision in continuous time."""

from diffneq.event_driven.piston import simulate_piston
from diffneq.event_driven.records import PistonRecords

__all__ = ["PistonRecords", "simulate_piston"]
