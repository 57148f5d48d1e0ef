"""Ordinary water: IAPWS-95."""

from diffneq.thermo.fluids.iapws95.model import IAPWS95, water

__all__ = ["IAPWS95", "water"]
