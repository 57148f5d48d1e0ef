"""Simple fluids: one pair law, any number of species, periodic boundaries."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq._parameters import float_leaf
from diffneq.models import _observables as observables
from diffneq.models.placement import crowded, lattice_positions, maxwellian, random_positions
from diffneq.particles.forces import pair_energies, pair_forces
from diffneq.particles.space import Box, Vector


class Fluid(eqx.Module):
    """m_i d^2 x_i/dt^2 = - sum_j grad u(|x_i - x_j|) + q_i E(t) e_x.

    Arguments:
        law: pair law (`diffneq.particles.pair_laws`).
        box: `Box`, or its d edge lengths [L].
        counts: number of particles of each species; they are stored one species after another.
        mass: one mass for each species, or one for all [m].
        charge: one charge for each species, or one for all [e]; what a drive couples to.

    Raises:
        ValueError: for masses that are not positive or counts that are not.

    >>> from diffneq.particles.pair_laws import WCA
    >>> fluid = Fluid(WCA(1.0, 1.0), (20.0, 20.0), (200,))
    >>> len(fluid.initial(jax.random.key(0), temperature=1.0)[0])
    2
    """

    law: eqx.Module
    box: Box
    mass: Array
    charge: Array
    counts: tuple[int, ...] = eqx.field(static=True)
    mobile: tuple[bool, ...] = eqx.field(static=True)

    units = observables.UNITS
    recorded = ("kinetic_energy",)

    def __init__(self, law, box, counts, mass=1.0, charge=0.0):
        self.law, self.box = law, box if isinstance(box, Box) else Box(box)
        self.counts = observables.check_counts("Fluid", counts)
        species = len(self.counts)
        if any(leaf.ndim >= 2 and leaf.shape[-1] != species for leaf in jax.tree.leaves(law)):
            raise ValueError(f"Fluid: the tables of the pair law must be over the {species} species of counts.")
        self.mass = observables.species_leaf("Fluid", "mass", mass, species, positive=True)
        self.charge = observables.species_leaf("Fluid", "charge", charge, species)
        self.mobile = (True,) * species

    @property
    def can_share(self) -> bool:
        """Whether it can be spread over devices: all that it records is a sum over particles, and they are alike."""
        return len(self.counts) == 1 and all(leaf.ndim < 2 for leaf in jax.tree.leaves(self.law))

    def share(self, devices: int) -> Fluid:
        """The part of one of `devices` devices; see `particles.share`."""
        return Fluid(self.law, self.box, (self.counts[0] // devices,), self.mass, self.charge)

    @property
    def cutoff(self) -> float:
        return float(jnp.max(self.law.cutoff()))

    def initial(self, key: Array, temperature, distance: float | None = None) -> tuple[Vector, Vector]:
        """Positions at least `distance` apart (default: 0.8 of the cutoff) and Maxwellian velocities.

        Random positions in a thin system; in a dense one, where they would not fit, the sites of a lattice, whose
        spacing is what the density allows, with the species in random order.
        """
        place, speed = jax.random.split(key)
        size, apart = sum(self.counts), 0.8 * self.cutoff if distance is None else distance
        if distance is None and crowded(self.box, size, apart):
            positions = lattice_positions(self.box, size, key=place)
        else:
            positions = random_positions(place, self.box, size, apart)
        mass = jnp.asarray(np.repeat(np.asarray(self.mass), self.counts))
        return positions, maxwellian(speed, float_leaf(temperature), mass, self.box.dimension)

    def forces(self, displacement: Vector, neighbours) -> Vector:
        return pair_forces(self.law, self.box, observables.kinds(self.counts), displacement, neighbours)

    def potential_energy(self, displacement: Vector, neighbours) -> Array:
        kinds = observables.kinds(self.counts)
        return jnp.sum(pair_energies(self.law, self.box, kinds, displacement, neighbours))

    def drive_force(self, displacement: Vector, neighbours, field: Array) -> tuple:
        """q E on each particle along the first axis; None along the others."""
        return observables.push(self, field, len(displacement))

    def every_step(self, state) -> dict[str, Array]:
        """Averaged over all steps of a record: the current sum q v_x."""
        return {"current": observables.current(self, state.velocity)}

    def at_record(self, state, neighbours, wanted: tuple[str, ...]) -> dict[str, Array]:
        """Taken at the end of a record."""
        return observables.at_record(self, state, neighbours, wanted)
