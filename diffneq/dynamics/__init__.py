"""Equations of motion: final `equinox.Module`s with `step(model, state, neighbours, drive) -> (state, info)`."""

from diffneq.dynamics.isokinetic import Isokinetic
from diffneq.dynamics.langevin import Langevin
from diffneq.dynamics.norton import Norton
from diffneq.dynamics.peculiar import PeculiarLangevin
from diffneq.dynamics.protocol import ProtocolWork
from diffneq.dynamics.state import Info, State
from diffneq.dynamics.verlet import Verlet
from diffneq.dynamics.walls import ThermalWalls

__all__ = [
    "Info",
    "Isokinetic",
    "Langevin",
    "Norton",
    "PeculiarLangevin",
    "ProtocolWork",
    "State",
    "ThermalWalls",
    "Verlet",
]
