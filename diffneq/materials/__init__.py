"""Structures and force fields of ionic materials, and their units."""

from diffneq.materials.files import from_atoms, last_structure, read, to_atoms, write_extxyz, write_trajectory
from diffneq.materials.force_field import ForceField, electrolyte, with_coulomb
from diffneq.materials.garnet import cubic_llzo, lithium_occupancy, tetragonal_llzo
from diffneq.materials.polycrystal import polycrystal
from diffneq.materials.softbv import softbv
from diffneq.materials.teter import teter
from diffneq.materials.tosi_fumi import edge_of_density, rock_salt, tosi_fumi

__all__ = [
    "ForceField",
    "cubic_llzo",
    "edge_of_density",
    "electrolyte",
    "from_atoms",
    "last_structure",
    "lithium_occupancy",
    "polycrystal",
    "read",
    "rock_salt",
    "softbv",
    "teter",
    "tetragonal_llzo",
    "to_atoms",
    "tosi_fumi",
    "with_coulomb",
    "write_extxyz",
    "write_trajectory",
]
