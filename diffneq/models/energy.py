"""Any energy function of positions (N, d), of jax-md or your own, as a model for `simulate` and `sweep`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq._parameters import float_leaf
from diffneq.models import _observables as observables
from diffneq.models.placement import lattice_positions, maxwellian
from diffneq.particles.neighbours import Neighbours
from diffneq.particles.space import Box, Vector, absolute


class EnergyModel(eqx.Module):
    """m_i d^2 x_i/dt^2 = - dU(x_1, ..., x_N)/dx_i + q_i E(t) e_x.

    Every pair of a call of `energy_fn` counts as your function counts it; forces come from autodiff. Our own pair
    laws (`Fluid`) are many times quicker.

    Arguments:
        energy_fn: U(R, **parameters) -> scalar [energy]; R are positions (N, d) [L] in the box. It must be periodic
            with the box, as jax-md's functions are: `displacement, _ = box.jax_md_space()`.
        box: `Box`, or its d edge lengths [L].
        counts: number of particles of each species; they are stored one species after another.
        mass: one mass for each species, or one for all [m].
        charge: one charge for each species, or one for all [e]; what a drive couples to.
        parameters: name -> float or array, passed to `energy_fn` as keywords: what can be differentiated and swept.
        cutoff: None, or the range [L] of a jax-md function of a neighbour list, such as
            `energy.lennard_jones_neighbor_list`: then `energy_fn` is called with `neighbor=` too, a dense jax-md list
            that we keep up to date.

    Raises:
        ValueError: for masses, counts or parameters that are not sound.

    >>> import jax.numpy as jnp
    >>> well = EnergyModel(lambda R, k: 0.5 * k * jnp.sum((R - 5.0) ** 2), (10.0, 10.0), (7,), parameters={"k": 2.0})
    >>> well.counts, float(well.parameters["k"])
    ((7,), 2.0)
    """

    energy_fn: Callable[..., Array] = eqx.field(static=True)
    box: Box
    mass: Array
    charge: Array
    parameters: dict[str, Array]
    counts: tuple[int, ...] = eqx.field(static=True)
    mobile: tuple[bool, ...] = eqx.field(static=True)
    cutoff: float | None = eqx.field(static=True)

    units = observables.UNITS
    recorded = ("current", "kinetic_energy")

    def __init__(self, energy_fn, box, counts, mass=1.0, charge=0.0, parameters=None, cutoff=None):
        if not callable(energy_fn):
            raise ValueError(f"EnergyModel: energy_fn is a function of positions (N, d), got {energy_fn!r}.")
        if cutoff is not None and not 0 < float(cutoff) < np.inf:
            raise ValueError(f"EnergyModel: cutoff is a positive length or None, got {cutoff}.")
        self.energy_fn, self.box = energy_fn, box if isinstance(box, Box) else Box(box)
        self.counts = observables.check_counts("EnergyModel", counts)
        species = len(self.counts)
        self.mass = observables.species_leaf("EnergyModel", "mass", mass, species, positive=True)
        self.charge = observables.species_leaf("EnergyModel", "charge", charge, species)
        self.parameters = {name: float_leaf(value) for name, value in (parameters or {}).items()}
        self.mobile = (True,) * species
        self.cutoff = None if cutoff is None else float(cutoff)

    def initial(self, key: Array, temperature) -> tuple[Vector, Vector]:
        """A simple (hyper)cubic lattice and Maxwellian velocities."""
        mass = jnp.asarray(np.repeat(np.asarray(self.mass), self.counts))
        positions = lattice_positions(self.box, sum(self.counts))
        return positions, maxwellian(key, float_leaf(temperature), mass, self.box.dimension)

    def potential_energy(self, displacement: Vector, neighbours: Neighbours) -> Array:
        positions = jnp.stack(absolute(self.box, neighbours.anchor, displacement), axis=1)
        options: dict[str, Any] = dict(self.parameters)
        if self.cutoff is not None:
            options["neighbor"] = jax_md_list(neighbours, positions)
        energy = self.energy_fn(positions, **options)
        if jnp.shape(energy) != ():
            raise ValueError(f"EnergyModel: energy_fn must return a scalar, got shape {jnp.shape(energy)}.")
        return energy

    def forces(self, displacement: Vector, neighbours: Neighbours) -> Vector:
        slope = jax.grad(lambda u: self.potential_energy(u, neighbours))(displacement)
        return tuple(-f for f in slope)

    def drive_force(self, displacement: Vector, neighbours, field: Array) -> tuple:
        """q E on each particle along the first axis; None along the others."""
        return observables.push(self, field, len(displacement))

    def every_step(self, state) -> dict[str, Array]:
        """Averaged over all steps of a record: the current sum q v_x."""
        return {"current": observables.current(self, state.velocity)}

    def at_record(self, state, neighbours, wanted: tuple[str, ...]) -> dict[str, Array]:
        """Taken at the end of a record."""
        return observables.at_record(self, state, neighbours, wanted)


def jax_md_list(neighbours: Neighbours, positions: Array):
    """Our list as jax-md's dense one: rows (N, K), where an empty slot holds N."""
    from jax_md import partition

    size = positions.shape[0]
    index = neighbours.by_particle()
    index = jnp.where(index == jnp.arange(size, dtype=index.dtype)[None, :], size, index).T
    error = partition.PartitionError(jnp.zeros((), jnp.uint8))
    return partition.NeighborList(
        index, positions, error, None, index.shape[1], partition.NeighborListFormat.Dense, None, None, None
    )
