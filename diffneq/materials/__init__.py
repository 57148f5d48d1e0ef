"""Structures and force fields of ionic materials, and their units."""

from diffneq.materials.force_field import ForceField, electrolyte, with_coulomb
from diffneq.materials.garnet import cubic_llzo, lithium_occupancy, tetragonal_llzo
from diffneq.materials.softbv import softbv
from diffneq.materials.teter import teter
from diffneq.materials.tosi_fumi import edge_of_density, rock_salt, tosi_fumi

__all__ = [
    "ForceField",
    "cubic_llzo",
    "edge_of_density",
    "electrolyte",
    "lithium_occupancy",
    "rock_salt",
    "softbv",
    "teter",
    "tetragonal_llzo",
    "tosi_fumi",
    "with_coulomb",
]
