"""Free energy differences from the work of nonequilibrium runs, each with its bias and its overlap diagnosis.

Which one: forward and reverse runs, `bar`; forward runs only, `jarzynski` where the dissipation is a k_BT or two,
`cumulants` where the work is nearly Gaussian; samples of many states, `multistate`; works of the steps of one
protocol, `work_profile`; runs of several stages, `staged`; all at once, `compare`. Work is done ON the system.
"""

from diffneq.fluctuations.free_energy.bar import bar
from diffneq.fluctuations.free_energy.bias import large_sample_bias, subsample_bias
from diffneq.fluctuations.free_energy.comparison import Comparison, compare
from diffneq.fluctuations.free_energy.crossing import crossing
from diffneq.fluctuations.free_energy.cumulants import cumulants, k_statistics
from diffneq.fluctuations.free_energy.free_energies import FreeEnergies
from diffneq.fluctuations.free_energy.jarzynski import jarzynski
from diffneq.fluctuations.free_energy.multistate import multistate
from diffneq.fluctuations.free_energy.overlap import bennett_overlap, gaussian_overlap, shared_area
from diffneq.fluctuations.free_energy.samples import statistical_inefficiency
from diffneq.fluctuations.free_energy.stepwise import staged, work_profile
from diffneq.fluctuations.free_energy.tails import pareto_shape

__all__ = [
    "Comparison",
    "FreeEnergies",
    "bar",
    "bennett_overlap",
    "compare",
    "crossing",
    "cumulants",
    "gaussian_overlap",
    "jarzynski",
    "k_statistics",
    "large_sample_bias",
    "multistate",
    "pareto_shape",
    "shared_area",
    "staged",
    "statistical_inefficiency",
    "subsample_bias",
    "work_profile",
]
