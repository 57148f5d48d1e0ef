"""A potential with the charges that it is made of, and the models that follow from it."""

from __future__ import annotations

import equinox as eqx
import numpy as np

from diffneq.materials import elements
from diffneq.materials.units import COULOMB
from diffneq.models.electrolyte import Coupling, Electrolyte
from diffneq.models.potentials import PairPotential
from diffneq.models.structure import Structure
from diffneq.particles.electrostatics.plan import plan_mesh


class ForceField(eqx.Module):
    """A potential over given species.

    Arguments:
        potential: see `diffneq.models.potentials`.
        charges: charge of each species in this force field [e]; what a drive couples to are formal charges instead.
    """

    potential: eqx.Module
    charges: tuple[float, ...] = eqx.field(static=True)


def with_coulomb(
    law, charges: tuple[float, ...], structure: Structure, cutoff: float, accuracy: float = 1e-4
) -> ForceField:
    """A pair law with the Coulomb energy of all images, by particle-mesh Ewald, planned for a structure.

    Arguments:
        law: pair law over the species, with a finite cutoff.
        charges: of the species [e].
        structure: the ions and the cell for which the sum is planned.
        cutoff: of the real-space part [angstrom].
        accuracy: rms error of the forces, over that of two typical ions a mean spacing apart.

    Raises:
        ValueError: for a cell that is not neutral.
    """
    every = np.repeat(np.asarray(charges, float), structure.counts)
    method = plan_mesh(every, structure.cell, accuracy, cutoff, COULOMB)
    return ForceField(PairPotential(law, charges, method), tuple(charges))


def electrolyte(
    structure: Structure,
    potential,
    carriers: tuple[str, ...] | str | None = None,
    coupling: Coupling = "formal charges",
    mass=None,
    formal_charge=None,
) -> Electrolyte:
    """The model of a structure with a potential: masses and formal charges are those of the elements unless given.

    Arguments:
        structure: a `Structure`.
        potential: a `ForceField` or a potential (`diffneq.models.potentials`).
        carriers: names of the mobile species; default the cations of charge 1.
        coupling: see `Electrolyte`.
        mass, formal_charge: one for each species [u], [e].

    Raises:
        ValueError: as `Electrolyte`, and for unknown elements.

    >>> from diffneq.materials import softbv, tetragonal_llzo
    >>> crystal = tetragonal_llzo()
    >>> model = electrolyte(crystal, softbv(crystal.names, crystal.counts))
    >>> model.carriers, model.colour.tolist()
    (('Li',), [1.0, 3.0, 4.0, -2.0])
    """
    names = structure.names
    mass = elements.masses(names) if mass is None else mass
    charge = elements.formal_charges(names) if formal_charge is None else formal_charge
    if carriers is None:
        carriers = tuple(n for n, z in zip(names, charge, strict=True) if z == 1)
    inner = potential.potential if isinstance(potential, ForceField) else potential
    return Electrolyte(structure, inner, mass, charge, carriers, coupling)
