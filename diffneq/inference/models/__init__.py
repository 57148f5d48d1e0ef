"""Models of slow variables: the stochastic convention is part of each name, unless the noise is additive."""

from diffneq.inference.models.base import (
    AntiItoForm,
    AntiItoLangevin,
    ItoForm,
    ItoLangevin,
    Langevin,
    StratonovichForm,
    StratonovichLangevin,
    converted,
)
from diffneq.inference.models.friction import (
    AntiItoPolynomialFriction,
    ItoPolynomialFriction,
    StratonovichPolynomialFriction,
)
from diffneq.inference.models.linear import (
    ColouredNoise,
    GeneralisedLangevin,
    Linear,
    LinearSystem,
    OrnsteinUhlenbeck,
    UnderdampedOscillator,
)
from diffneq.inference.models.polynomial import AntiItoPolynomial, ItoPolynomial, StratonovichPolynomial
from diffneq.inference.models.potential import ItoUnderdampedPotential, OverdampedPotential

__all__ = [
    "AntiItoForm",
    "AntiItoLangevin",
    "AntiItoPolynomial",
    "AntiItoPolynomialFriction",
    "ColouredNoise",
    "GeneralisedLangevin",
    "ItoForm",
    "ItoLangevin",
    "ItoPolynomial",
    "ItoPolynomialFriction",
    "ItoUnderdampedPotential",
    "Langevin",
    "Linear",
    "LinearSystem",
    "OrnsteinUhlenbeck",
    "OverdampedPotential",
    "StratonovichForm",
    "StratonovichLangevin",
    "StratonovichPolynomial",
    "StratonovichPolynomialFriction",
    "UnderdampedOscillator",
    "converted",
]
