"""What a Langevin equation says about long times, what records say, and the parameters that make them agree."""

from diffneq.inference.long_time.basis import Basis, basis
from diffneq.inference.long_time.displacement import (
    LongTime,
    displacement_cumulants,
    measured_generating_function,
)
from diffneq.inference.long_time.family import displacement_family
from diffneq.inference.long_time.generator import (
    langevin_cumulant_rates,
    scaled_cumulant_generating_function,
    stationary_moments,
)
from diffneq.inference.long_time.matching import match

__all__ = [
    "Basis",
    "LongTime",
    "basis",
    "displacement_cumulants",
    "displacement_family",
    "langevin_cumulant_rates",
    "match",
    "measured_generating_function",
    "scaled_cumulant_generating_function",
    "stationary_moments",
]
