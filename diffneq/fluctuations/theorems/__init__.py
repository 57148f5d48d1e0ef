"""Fluctuation theorems as tests of one's own data: each returns what the theorem predicts and what the data say.

Work of a protocol and its reverse: `crooks`. One sample and its mirror: `evans_searles`. Between steady states:
`hatano_sasa`. Any protocol, with densities: `total_entropy`. Steady states: `gallavotti_cohen`, `generating_function`
(and `entropy_generator` where the rates are known), `uncertainty`; driven periodically: `crooks_steady`. Noise and
response: `harada_sasa` (`harada_sasa_simulated` makes the data).
"""

from diffneq.fluctuations.theorems.crooks import crooks
from diffneq.fluctuations.theorems.crooks_steady import crooks_steady
from diffneq.fluctuations.theorems.evans_searles import evans_searles
from diffneq.fluctuations.theorems.gallavotti_cohen import gallavotti_cohen
from diffneq.fluctuations.theorems.generating_function import (
    GeneratingFunction,
    entropy_generator,
    generating_function,
)
from diffneq.fluctuations.theorems.harada_sasa import HaradaSasaTest, harada_sasa
from diffneq.fluctuations.theorems.harada_sasa_records import (
    harada_sasa_simulated,
    kick_response,
    velocity_spectrum,
)
from diffneq.fluctuations.theorems.hatano_sasa import hatano_sasa
from diffneq.fluctuations.theorems.symmetry import SymmetryTest
from diffneq.fluctuations.theorems.total_entropy import total_entropy
from diffneq.fluctuations.theorems.uncertainty import UncertaintyTest, uncertainty
from diffneq.fluctuations.theorems.windows import FiniteTimeTest

__all__ = [
    "FiniteTimeTest",
    "GeneratingFunction",
    "HaradaSasaTest",
    "SymmetryTest",
    "UncertaintyTest",
    "crooks",
    "crooks_steady",
    "entropy_generator",
    "evans_searles",
    "gallavotti_cohen",
    "generating_function",
    "harada_sasa",
    "harada_sasa_simulated",
    "hatano_sasa",
    "kick_response",
    "total_entropy",
    "uncertainty",
    "velocity_spectrum",
]
