"""The conductivity of ions by every route, with error bars, from records. NumPy only.

Einstein-Helfand and Green-Kubo (`diffneq.response.green_kubo`) from equilibrium, constant field and constant current
with their limit at none, Nernst-Einstein and Haven's ratio; what error to expect of each, and a planner.
"""

from diffneq.response.conductivity.arrhenius import Arrhenius, arrhenius
from diffneq.response.conductivity.driven import ZeroLimit, constant_current, constant_field, zero_limit
from diffneq.response.conductivity.einstein import einstein_helfand, haven_ratio, nernst_einstein, self_diffusion
from diffneq.response.conductivity.error_law import driven_error, equilibrium_error, measured_speed_up, speed_up
from diffneq.response.conductivity.frames import relative_to
from diffneq.response.conductivity.planner import CurrentPlan, plan_current

__all__ = [
    "Arrhenius",
    "CurrentPlan",
    "ZeroLimit",
    "arrhenius",
    "constant_current",
    "constant_field",
    "driven_error",
    "einstein_helfand",
    "equilibrium_error",
    "haven_ratio",
    "measured_speed_up",
    "nernst_einstein",
    "plan_current",
    "relative_to",
    "self_diffusion",
    "speed_up",
    "zero_limit",
]
