"""What each study is asked to do: plain data, checked where it enters. No JAX here."""

from diffneq.options.checks import Precision, Preset, Variant
from diffneq.options.conductor import ConductorOptions
from diffneq.options.response import ResponseOptions

__all__ = ["ConductorOptions", "Precision", "Preset", "ResponseOptions", "Variant"]
