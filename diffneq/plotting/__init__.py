"""Pictures of a driven conductor, in one style: plain arrays in, a `matplotlib.figure.Figure` out.

    figure = plotting.admittance(omega, real, imag, real_error, imag_error)
    figure.savefig("admittance.png")

Figures are made without pyplot, so nothing has to be closed, no backend is chosen and no global setting is
changed. Every function takes `units`, a mapping from the names of its axes to the unit to be printed.
"""

from .driven import effective_temperatures, pulse_responses, running_sum_rules
from .local_equilibrium import departures_against_field, profiles_across, temperatures_against_field, velocity_tails
from .particles import snapshot
from .phase_diagrams import binary_phase_diagram
from .response import admittance, autocorrelation, johnson_nyquist
from .sections import isopleth_section, step_diagram, ternary_section
from .style import COLOURS, style
from .transport import conductivity_against_size, current_voltage, power_balance, time_series

__all__ = [
    "COLOURS",
    "admittance",
    "autocorrelation",
    "binary_phase_diagram",
    "conductivity_against_size",
    "current_voltage",
    "departures_against_field",
    "effective_temperatures",
    "isopleth_section",
    "johnson_nyquist",
    "power_balance",
    "profiles_across",
    "pulse_responses",
    "running_sum_rules",
    "snapshot",
    "step_diagram",
    "style",
    "temperatures_against_field",
    "ternary_section",
    "time_series",
    "velocity_tails",
]
