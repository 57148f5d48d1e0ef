"""Mixtures of molecules: one excess Gibbs energy a model, and what follows from it."""

from diffneq.thermo.mixtures.data.substances import SUBSTANCES, Substance, substance
from diffneq.thermo.mixtures.mixture import Mixture, mixture
from diffneq.thermo.mixtures.models.excess import ExcessModel
from diffneq.thermo.mixtures.models.ideal import Ideal
from diffneq.thermo.mixtures.models.laws import TemperatureLaw, law
from diffneq.thermo.mixtures.models.nrtl import NRTL, nrtl
from diffneq.thermo.mixtures.models.redlich_kister import RedlichKister, margules, redlich_kister, regular
from diffneq.thermo.mixtures.models.uniquac import UNIQUAC, uniquac
from diffneq.thermo.mixtures.models.van_laar import VanLaar, scatchard_hildebrand, van_laar
from diffneq.thermo.mixtures.models.wilson import Wilson, wilson
from diffneq.thermo.mixtures.status import explain

__all__ = [
    "NRTL",
    "SUBSTANCES",
    "UNIQUAC",
    "ExcessModel",
    "Ideal",
    "Mixture",
    "RedlichKister",
    "Substance",
    "TemperatureLaw",
    "VanLaar",
    "Wilson",
    "explain",
    "law",
    "margules",
    "mixture",
    "nrtl",
    "redlich_kister",
    "regular",
    "scatchard_hildebrand",
    "substance",
    "uniquac",
    "van_laar",
    "wilson",
]
