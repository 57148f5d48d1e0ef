"""The Feynman-Smoluchowski ratchet on three levels of description, solved and simulated."""

from diffneq.models.ratchet.fokker_planck import Stationary, overdamped, underdamped
from diffneq.models.ratchet.levels import Levels, affinity, levels, stall_torque
from diffneq.models.ratchet.steps import WithInertia, WithoutInertia
from diffneq.models.ratchet.system import FourierSeries, Ratchet
from diffneq.models.ratchet.trajectories import Run, rates, simulate_ratchet

__all__ = [
    "FourierSeries",
    "Levels",
    "Ratchet",
    "Run",
    "Stationary",
    "WithInertia",
    "WithoutInertia",
    "affinity",
    "levels",
    "overdamped",
    "rates",
    "simulate_ratchet",
    "stall_torque",
    "underdamped",
]
