"""Ions of a solid electrolyte or a melt, in eV, angstrom, u and e, and the currents that a field drives."""

from __future__ import annotations

import itertools
from typing import Literal, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq._parameters import float_leaf
from diffneq.dynamics.state import per_particle
from diffneq.models import _observables as observables
from diffneq.models.placement import maxwellian
from diffneq.models.stress import pressure
from diffneq.models.structure import TOO_NEAR, Structure, nearest_pair, stacked
from diffneq.particles.neighbours import check_room
from diffneq.particles.space import Box, Vector, integer_positions

Coupling = Literal["formal charges", "carriers"]
AXES = ("x", "y", "z")


class Electrolyte(eqx.Module):
    """m_i d^2 x_i/dt^2 = -dU/dx_i + c_i E(t) e_x, with the flux R = sum_i c_i v_xi of the colours c_i.

    What the drive couples to, and what constant-current dynamics hold, are colours, not the charges of the force field:

    coupling "formal charges": c_i = z_i for all ions. As the cell is neutral, total momentum is conserved and R does
        not depend on the frame; j = e R/V is the current density.
    coupling "carriers": c_i = 1 for the carriers, -N_c m_i/M_f for the framework (all other ions, of mass M_f): total
        momentum is conserved and R = N_c (<v_c> - v_f), N_c carriers in the frame of the framework's centre of mass;
        j = z_c e R/V. Carriers must be of one formal charge.

    Both have the same conductivity at zero frequency, as the framework's ions do not diffuse.

    Units: eV, angstrom, u, e; times in t0 = angstrom sqrt(u/eV) = 10.1805 fs, temperatures k_B T in eV
    (`diffneq.materials.units`).

    Arguments:
        structure: where the ions are: the start of every run.
        potential: U (`diffneq.models.potentials`).
        mass: one for each species [u].
        formal_charge: z, one for each species [e].
        carriers: names of the mobile species; the others are the framework.
        coupling: "formal charges" or "carriers".

    Raises:
        ValueError: for a cell that is not neutral or too small for the cutoff, ions on top of one another, species that
            do not fit the potential, carriers that there are none of.

    Source: D. J. Evans, G. P. Morriss, Statistical Mechanics of Nonequilibrium Liquids, ch. 6 (colour currents).

    >>> from diffneq.models.potentials import PairPotential
    >>> from diffneq.particles.ionic_laws import BornMayerHuggins, Truncated
    >>> salt = Structure.of(["Na", "Cl"], [[0.0, 0.0, 0.0], [2.8, 0.0, 0.0]], (5.6, 5.6, 5.6))
    >>> law = Truncated(BornMayerHuggins(0.21, 2.7, 0.317, 0.0, 0.0), cutoff=2.8)
    >>> model = Electrolyte(salt, PairPotential(law), (23.0, 35.5), (1.0, -1.0), carriers="Na", coupling="carriers")
    >>> model.colour.round(4).tolist()  # one Na against one Cl: total momentum does not change
    [1.0, -1.0]
    """

    potential: eqx.Module
    box: Box
    mass: Array
    formal_charge: Array
    sites: Vector
    names: tuple[str, ...] = eqx.field(static=True)
    counts: tuple[int, ...] = eqx.field(static=True)
    carriers: tuple[str, ...] = eqx.field(static=True)
    coupling: Coupling = eqx.field(static=True)

    recorded = ("kinetic_energy",)

    def __init__(self, structure: Structure, potential, mass, formal_charge, carriers, coupling="formal charges"):
        self.potential, self.box = potential, structure.box
        self.names, self.counts = structure.names, structure.counts
        species = len(self.counts)
        self.mass = observables.species_leaf("Electrolyte", "mass", mass, species, positive=True)
        self.formal_charge = observables.species_leaf("Electrolyte", "formal_charge", formal_charge, species)
        self.carriers = (carriers,) if isinstance(carriers, str) else tuple(carriers)
        self.coupling = coupling
        self.sites = stacked(structure.positions)
        _check(self, structure)

    @property
    def mobile(self) -> tuple[bool, ...]:
        """All species move, the framework's as well."""
        return (True,) * len(self.counts)

    @property
    def units(self) -> dict[str, str]:
        flux, speed = "e angstrom/t0", "angstrom/t0"
        known = {"current": flux, "current_y": flux, "current_z": flux}
        known |= {f"velocity_{name}_{axis}": speed for name in self.names for axis in AXES}
        known |= dict.fromkeys(("kinetic_energy", "potential_energy", "work", "heat"), "eV")
        return {**known, "pressure": "eV/angstrom^3", "places": "cell/2^32"}

    @property
    def cutoff(self) -> float | None:
        return self.potential.cutoff

    @property
    def tabulated(self) -> bool:
        """Whether forces come from a table."""
        return getattr(self.potential, "plan", None) is not None

    @property
    def is_carrier(self) -> tuple[bool, ...]:
        return tuple(name in self.carriers for name in self.names)

    @property
    def colour(self) -> Array:
        """c of each species, (S,)."""
        if self.coupling == "formal charges":
            return self.formal_charge
        count = np.asarray(self.counts, float)
        carries = np.asarray(self.is_carrier)
        held = jnp.asarray(np.where(carries, 0.0, count), self.mass.dtype) * self.mass
        return jnp.where(carries, 1.0, -float(count[carries].sum()) * self.mass / jnp.sum(held))

    @property
    def carrier_charge(self) -> Array:
        """The current density is e R/V times this: 1 where colours are charges, z where they count carriers."""
        if self.coupling == "formal charges":
            return jnp.ones((), self.mass.dtype)
        return self.formal_charge[self.is_carrier.index(True)]

    def initial(self, key: Array, temperature) -> tuple[Vector, Vector]:
        """The positions of the structure, and Maxwellian velocities without a total momentum."""
        mass = per_particle(self, self.mass)
        drawn = maxwellian(key, float_leaf(temperature), mass, self.box.dimension)
        return self.sites, tuple(v - jnp.sum(mass * v) / jnp.sum(mass) for v in drawn)

    def prepared(self) -> Electrolyte:
        """The same with what the potential makes once in a stretch of steps, such as tables."""
        prepare = getattr(self.potential, "prepared", None)
        return self if prepare is None else eqx.tree_at(lambda model: model.potential, self, prepare())

    def forces(self, displacement: Vector, neighbours) -> Vector:
        return self.potential.forces(self.box, observables.kinds(self.counts), displacement, neighbours)

    def potential_energy(self, displacement: Vector, neighbours) -> Array:
        return self.potential.energy(self.box, observables.kinds(self.counts), displacement, neighbours)

    def drive_force(self, displacement: Vector, neighbours, field: Array) -> tuple:
        """c E on each ion along the first axis; None along the others."""
        return (per_particle(self, self.colour) * field,) + (None,) * (len(displacement) - 1)

    def every_step(self, state) -> dict[str, Array]:
        """Averaged over all steps of a record: colour currents sum c v and mean velocities of the species."""
        totals = _species_sums(self.counts, state.velocity)
        out = {}
        for axis, sums in zip(AXES, totals, strict=True):
            out["current" if axis == "x" else f"current_{axis}"] = jnp.sum(self.colour * sums)
            for name, count, total in zip(self.names, self.counts, sums, strict=True):
                out[f"velocity_{name}_{axis}"] = total / count
        return out

    def at_record(self, state, neighbours, wanted: tuple[str, ...]) -> dict[str, Array]:
        """Taken at the end of a record: energies; "pressure"; "places", (3, N) integer positions, see `tracks`."""
        out = observables.at_record(self, state, neighbours, wanted)
        if "pressure" in wanted:
            out["pressure"] = pressure(self, state, neighbours)
        if "places" in wanted:
            out["places"] = jnp.stack(integer_positions(self.box.torus, state.anchor, state.displacement))
        return out


def _species_sums(counts: tuple[int, ...], vector: Vector) -> tuple[Array, ...]:
    """Sums over the ions of each species, (S,), along each axis."""
    edges = np.cumsum((0, *counts))
    return tuple(jnp.stack([jnp.sum(x[a:b]) for a, b in itertools.pairwise(edges)]) for x in vector)


def _check(model: Electrolyte, structure: Structure) -> None:
    if model.coupling not in get_args(Coupling):
        raise ValueError(f"Electrolyte: coupling is one of {get_args(Coupling)}, not {model.coupling!r}.")
    absent = [name for name in model.carriers if name not in model.names]
    if absent or not model.carriers or (all(model.is_carrier) and model.coupling == "carriers"):
        raise ValueError(f"Electrolyte: carriers are some of the species {model.names}, got {model.carriers}.")
    wanted = model.potential.species
    if wanted is not None and wanted != len(model.counts):
        raise ValueError(f"Electrolyte: the potential is over {wanted} species, the ions are {model.names}.")
    if not isinstance(model.formal_charge, jax.core.Tracer):
        charge = np.asarray(model.formal_charge, float)
        total = float(charge @ np.asarray(model.counts))
        if abs(total) > 1e-6:
            raise ValueError(f"Electrolyte: the cell is not neutral: the formal charges add up to {total:+g} e.")
        if model.coupling == "carriers" and len(set(charge[np.asarray(model.is_carrier)])) > 1:
            raise ValueError('Electrolyte: carriers of different charges; use coupling="formal charges".')
    near = nearest_pair(structure, TOO_NEAR)
    if near is not None:
        names = [structure.symbols[i] for i in near[1:]]
        raise ValueError(
            f"Electrolyte: ions {near[1]} ({names[0]}) and {near[2]} ({names[1]}) overlap, {near[0]:g} angstrom apart."
        )
    if model.cutoff is not None:
        check_room([float(h) for h in structure.box.heights], model.cutoff)
