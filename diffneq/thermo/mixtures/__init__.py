"""Mixtures of molecules: one excess Gibbs energy a model, and what follows from it."""

from diffneq.thermo.mixtures.azeotropes import azeotropes, singular_points
from diffneq.thermo.mixtures.coexistence import three_phase
from diffneq.thermo.mixtures.data.substances import SUBSTANCES, Substance, substance
from diffneq.thermo.mixtures.flash import flash, liquid_phases, rachford_rice
from diffneq.thermo.mixtures.miscibility import binodal, critical_points, gaps, lever_rule, spinodal
from diffneq.thermo.mixtures.mixture import Mixture, mixture
from diffneq.thermo.mixtures.models.excess import ExcessModel
from diffneq.thermo.mixtures.models.ideal import Ideal
from diffneq.thermo.mixtures.models.laws import TemperatureLaw, law
from diffneq.thermo.mixtures.models.nrtl import NRTL, nrtl
from diffneq.thermo.mixtures.models.redlich_kister import RedlichKister, margules, redlich_kister, regular
from diffneq.thermo.mixtures.models.uniquac import UNIQUAC, uniquac
from diffneq.thermo.mixtures.models.van_laar import VanLaar, scatchard_hildebrand, van_laar
from diffneq.thermo.mixtures.models.wilson import Wilson, wilson
from diffneq.thermo.mixtures.points import bubble_pressure, bubble_temperature, dew_pressure, dew_temperature
from diffneq.thermo.mixtures.properties import (
    activity_coefficients,
    excess_enthalpy,
    excess_entropy,
    excess_gibbs,
    excess_heat_capacity,
    gibbs_duhem_residual,
    mixing_gibbs,
    mixing_potentials,
    partial_excess_enthalpies,
    stability,
    thermodynamic_factor,
)
from diffneq.thermo.mixtures.residue import residue_curves
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
    "activity_coefficients",
    "azeotropes",
    "binodal",
    "bubble_pressure",
    "bubble_temperature",
    "critical_points",
    "dew_pressure",
    "dew_temperature",
    "excess_enthalpy",
    "excess_entropy",
    "excess_gibbs",
    "excess_heat_capacity",
    "explain",
    "flash",
    "gaps",
    "gibbs_duhem_residual",
    "law",
    "lever_rule",
    "liquid_phases",
    "margules",
    "mixing_gibbs",
    "mixing_potentials",
    "mixture",
    "nrtl",
    "partial_excess_enthalpies",
    "rachford_rice",
    "redlich_kister",
    "regular",
    "residue_curves",
    "scatchard_hildebrand",
    "singular_points",
    "spinodal",
    "stability",
    "substance",
    "thermodynamic_factor",
    "three_phase",
    "uniquac",
    "van_laar",
    "wilson",
]
