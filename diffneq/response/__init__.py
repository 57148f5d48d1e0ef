"""Response: derivatives of averages by many methods, and linear response from records.

From records: Green-Kubo, admittance, pulses, Kramers-Kronig, sum rules, Johnson-Nyquist, Ohm, Norton.
"""

from diffneq.response.admittance import Admittance, admittance
from diffneq.response.derivatives import METHODS, Comparison, Problem, ResponseCurve, compare, derivative, sample
from diffneq.response.effective_temperature import EffectiveTemperature, effective_temperature
from diffneq.response.green_kubo import Autocorrelation, autocorrelation, green_kubo
from diffneq.response.johnson_nyquist import JohnsonNyquist, johnson_nyquist
from diffneq.response.kramers_kronig import KramersKronig, f_sum_rule, kramers_kronig
from diffneq.response.norton import norton
from diffneq.response.ohm import OhmicResponse, ohm
from diffneq.response.pulse import PulseResponse, initial_derivatives, pulse_response
from diffneq.response.spectra import Spectrum, periodogram, spectral_intensity
from diffneq.response.sum_rules import RunningMoments, running_moments
from diffneq.response.tails import TailComparison, TailFit, compare_tails

__all__ = [
    "METHODS",
    "Admittance",
    "Autocorrelation",
    "Comparison",
    "EffectiveTemperature",
    "JohnsonNyquist",
    "KramersKronig",
    "OhmicResponse",
    "Problem",
    "PulseResponse",
    "ResponseCurve",
    "RunningMoments",
    "Spectrum",
    "TailComparison",
    "TailFit",
    "admittance",
    "autocorrelation",
    "compare",
    "compare_tails",
    "derivative",
    "effective_temperature",
    "f_sum_rule",
    "green_kubo",
    "initial_derivatives",
    "johnson_nyquist",
    "kramers_kronig",
    "norton",
    "ohm",
    "periodogram",
    "pulse_response",
    "running_moments",
    "sample",
    "spectral_intensity",
]
