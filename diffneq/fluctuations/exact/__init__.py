"""Driven systems that are solved exactly: what estimators and simulations are compared with.

Those that start in equilibrium and are driven for a while are `ExactWork`: `mean_work()`, `work_variance()`,
`work_cumulants(order)`, `free_energy_difference()`, `cumulant_generating_function(s)` = ln<exp(-s W/T)>, and, but for
their atoms, `work_density(w)`. Steady states know their currents and their entropy production. All are differentiable
in all float leaves, and can be compiled and mapped.
"""

from diffneq.fluctuations.exact.bead_chain import BeadChainEntropy, bead_chain
from diffneq.fluctuations.exact.breathing_trap import BreathingTrap
from diffneq.fluctuations.exact.dragged_trap import DraggedTrap, SteadyDraggedTrap
from diffneq.fluctuations.exact.exclusion import ExclusionProcess
from diffneq.fluctuations.exact.guided_trap import GuidedTrap
from diffneq.fluctuations.exact.jump_network import JumpNetwork, edge, three_states
from diffneq.fluctuations.exact.jump_simulation import JumpRecord, jump_trajectories
from diffneq.fluctuations.exact.linear_langevin import LinearLangevin
from diffneq.fluctuations.exact.markov_ring import MarkovRing
from diffneq.fluctuations.exact.optimal import OptimalBreathing, OptimalDragging
from diffneq.fluctuations.exact.piston import PistonStroke
from diffneq.fluctuations.exact.piston_simulation import piston_strokes
from diffneq.fluctuations.exact.quench import StiffnessQuench
from diffneq.fluctuations.exact.two_level import TwoLevelRamp
from diffneq.fluctuations.exact.underdamped_dragged_trap import UnderdampedDraggedTrap
from diffneq.fluctuations.exact.work import ExactWork, GaussianWork

__all__ = [
    "BeadChainEntropy",
    "BreathingTrap",
    "DraggedTrap",
    "ExactWork",
    "ExclusionProcess",
    "GaussianWork",
    "GuidedTrap",
    "JumpNetwork",
    "JumpRecord",
    "LinearLangevin",
    "MarkovRing",
    "OptimalBreathing",
    "OptimalDragging",
    "PistonStroke",
    "SteadyDraggedTrap",
    "StiffnessQuench",
    "TwoLevelRamp",
    "UnderdampedDraggedTrap",
    "bead_chain",
    "edge",
    "jump_trajectories",
    "piston_strokes",
    "three_states",
]
