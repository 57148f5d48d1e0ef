"""The ionic materials of the bench: structures, force fields, steps and baths, the same for both engines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CUTOFFS = {"llzo-softbv": 6.0, "llzo-teter": 10.0, "nacl": 9.0}
KELVIN = {"llzo-softbv": 1000.0, "llzo-teter": 1000.0, "nacl": 1100.0}
FEMTOSECONDS = 1.0
DAMPING_FEMTOSECONDS = 500.0
ACCURACY = 1e-4  # of the Coulomb forces, ours in units of a typical force, LAMMPS' of that of two charges at 1 angstrom


@dataclass(frozen=True)
class Case:
    """A material as a model of ours; `law` is the short-ranged part."""

    name: str
    structure: Any
    field: Any
    model: Any

    @property
    def law(self):
        return self.field.potential.law


def build(name: str) -> Case:
    """1,536 ions of the garnet with either force field, or 1,728 of molten NaCl at 1.454 g/cm^3."""
    from diffneq import materials

    cutoff = CUTOFFS[name]
    if name == "nacl":
        structure = materials.rock_salt("NaCl", 6, materials.edge_of_density("NaCl", 1.454))
        field = materials.tosi_fumi("NaCl", structure, cutoff, ACCURACY)
    else:
        structure = materials.tetragonal_llzo(2)
        if name == "llzo-softbv":
            field = materials.softbv(structure.names, structure.counts, cutoff=cutoff)
        else:
            field = materials.teter(structure, cutoff, ACCURACY)
    return Case(name, structure, field, materials.electrolyte(structure, field))
