"""Large deviations of time-integrated currents: tilted generators, their eigenvalues, population dynamics."""

from diffneq.large_deviations.cloning import JumpPaths, cloning
from diffneq.large_deviations.cumulants import cumulant_rates, linear_tilt_cumulants, rate_function
from diffneq.large_deviations.eigenvalue import leading_eigenvalue, leading_eigenvector
from diffneq.large_deviations.krylov import leading_eigenvalue_of
from diffneq.large_deviations.martingale import martingale_cumulants
from diffneq.large_deviations.piston import PistonGenerator

__all__ = [
    "JumpPaths",
    "PistonGenerator",
    "cloning",
    "cumulant_rates",
    "leading_eigenvalue",
    "leading_eigenvalue_of",
    "leading_eigenvector",
    "linear_tilt_cumulants",
    "martingale_cumulants",
    "rate_function",
]
