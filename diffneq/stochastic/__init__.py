"""Langevin equations of a few variables, many trajectories at once, with exact accounts of work and heat."""

from diffneq.stochastic.canonical import canonical
from diffneq.stochastic.overdamped import Overdamped
from diffneq.stochastic.potentials import BreathingTrap, DraggedDoubleWell, DraggedTrap, PulledChain
from diffneq.stochastic.protocols import PiecewiseLinear, TimeReversed, reverse
from diffneq.stochastic.record import Trajectories
from diffneq.stochastic.simulate import trajectories
from diffneq.stochastic.underdamped import Underdamped

__all__ = [
    "BreathingTrap",
    "DraggedDoubleWell",
    "DraggedTrap",
    "Overdamped",
    "PiecewiseLinear",
    "PulledChain",
    "TimeReversed",
    "Trajectories",
    "Underdamped",
    "canonical",
    "reverse",
    "trajectories",
]
