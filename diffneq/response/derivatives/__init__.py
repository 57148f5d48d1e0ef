"""Derivatives of transient and stationary averages, by eight methods under one interface."""

from diffneq.response.derivatives.comparison import Comparison, compare, derivative
from diffneq.response.derivatives.curve import ResponseCurve
from diffneq.response.derivatives.ensemble import Ensemble, sample
from diffneq.response.derivatives.methods import METHODS
from diffneq.response.derivatives.problem import Problem

__all__ = ["METHODS", "Comparison", "Ensemble", "Problem", "ResponseCurve", "compare", "derivative", "sample"]
