"""The ionic materials of the bench: structures, force fields, steps and baths, the same for both engines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CUTOFFS = {"llzo-softbv": 6.0, "llzo-teter": 10.0, "nacl": 9.0}
KELVIN = {"llzo-softbv": 1000.0, "llzo-teter": 1000.0, "nacl": 1100.0}
FEMTOSECONDS = 1.0
DAMPING_FEMTOSECONDS = 500.0
ACCURACY = 1e-4  # rms error of the Coulomb forces over the force of two unit charges at 1 angstrom, LAMMPS' measure


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
    from diffneq.materials.teter import CHARGES

    cutoff = CUTOFFS[name]
    if name == "nacl":
        structure = materials.rock_salt("NaCl", 6, materials.edge_of_density("NaCl", 1.454))
        field = materials.tosi_fumi("NaCl", structure, cutoff, _in_our_units(structure, {"Na": 1.0, "Cl": -1.0}))
    else:
        structure = materials.tetragonal_llzo(2)
        if name == "llzo-softbv":
            field = materials.softbv(structure.names, structure.counts, cutoff=cutoff)
        else:
            field = materials.teter(structure, cutoff, _in_our_units(structure, CHARGES))
    return Case(name, structure, field, materials.electrolyte(structure, field))


def _in_our_units(structure, charges) -> float:
    """The same error over the force between two typical ions a mean spacing apart, which is how ours is stated."""
    from diffneq.particles.electrostatics.plan import force_scale

    every = [charges[name] for name in structure.symbols]
    return ACCURACY / force_scale(every, structure.cell)
