"""From measurements to parameters, and tests of the measurements themselves."""

from diffneq.thermo.mixtures.regression.candidates import candidate
from diffneq.thermo.mixtures.regression.consistency import AreaTest, PointTest, area_test, point_test
from diffneq.thermo.mixtures.regression.fit import Candidate, Comparison, Fit, compare, fit
from diffneq.thermo.mixtures.regression.measurements import Activities, Enthalpies, TieLines, VapourLiquid

__all__ = [
    "Activities",
    "AreaTest",
    "Candidate",
    "Comparison",
    "Enthalpies",
    "Fit",
    "PointTest",
    "TieLines",
    "VapourLiquid",
    "area_test",
    "candidate",
    "compare",
    "fit",
    "point_test",
]
