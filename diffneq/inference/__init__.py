"""Effective Langevin equations: the stochastic equation of motion that a few slow variables obey."""

from diffneq.inference.fit import fit
from diffneq.inference.long_time import *
from diffneq.inference.models import *
from diffneq.inference.paths import paths
from diffneq.inference.series import TimeSeries, time_series
