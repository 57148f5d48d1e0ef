"""Langevin equations of a few variables, many trajectories at once, with work, heat and shadow work accounted exactly."""

from diffneq.stochastic.overdamped import Overdamped
from diffneq.stochastic.protocols import TimeReversed, reverse
from diffneq.stochastic.record import Trajectories
from diffneq.stochastic.simulate import trajectories
from diffneq.stochastic.underdamped import Underdamped

__all__ = ["Overdamped", "TimeReversed", "Trajectories", "Underdamped", "reverse", "trajectories"]
