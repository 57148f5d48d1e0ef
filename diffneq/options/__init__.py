"""What each study is asked to do: plain data, checked where it enters. No JAX here."""

from diffneq.options.checks import Precision, Preset, Variant
from diffneq.options.conductor import ConductorOptions
from diffneq.options.electrolyte import ElectrolyteOptions
from diffneq.options.langevin import LangevinOptions
from diffneq.options.piston import PistonOptions
from diffneq.options.ratchet import RatchetOptions
from diffneq.options.response import ResponseOptions

__all__ = [
    "ConductorOptions",
    "ElectrolyteOptions",
    "LangevinOptions",
    "PistonOptions",
    "Precision",
    "Preset",
    "RatchetOptions",
    "ResponseOptions",
    "Variant",
]
