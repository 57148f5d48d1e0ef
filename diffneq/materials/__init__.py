"""Structures and force fields of ionic materials, and their units."""

from diffneq.materials.force_field import ForceField, electrolyte
from diffneq.materials.garnet import cubic_llzo, lithium_occupancy, tetragonal_llzo
from diffneq.materials.softbv import softbv

__all__ = ["ForceField", "cubic_llzo", "electrolyte", "lithium_occupancy", "softbv", "tetragonal_llzo"]
