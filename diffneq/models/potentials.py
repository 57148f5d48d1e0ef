"""Potential energies of ions: pair laws with or without electrostatics, or any function of positions and cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq._parameters import float_leaf
from diffneq.models.energy import jax_md_list
from diffneq.particles.electrostatics.coulomb import Method, long_range_energy, long_range_forces, real_space_law
from diffneq.particles.forces import pair_energies, pair_forces
from diffneq.particles.ionic_laws import Sum
from diffneq.particles.neighbours import Neighbours
from diffneq.particles.pair_table import TablePlan, Tabulated, plan_table, species_of, tabulate
from diffneq.particles.space import Box, Vector, absolute, fractional

# What a pair of ions may climb [eV], and what it does all the time: the ranges in which tables are good.
_HEIGHT, _THERMAL = 3.0, 1.0


class PairPotential(eqx.Module):
    """U = sum_{i<j} u_ab(r_ij) + U_C, with U_C the Coulomb energy of all images where `coulomb` is given.

    Forces in `simulate` come from a table of -2 du/d(r^2) if one is good to 1e-6 (`particles.pair_table`); energies and
    derivatives are those of the law.

    Arguments:
        law: a pair law (`diffneq.particles.pair_laws`, `ionic_laws`) with a finite cutoff.
        charge: charges of the species [e], (S,); only with `coulomb`.
        coulomb: None, or how Coulomb's law is summed (`diffneq.particles.electrostatics`).
        tabulated: whether to use a table, where it is good.

    Raises:
        ValueError: for a law without a cutoff, charges without `coulomb` or the other way round.

    >>> from diffneq.particles.ionic_laws import BondValenceMorse, Truncated
    >>> PairPotential(Truncated(BondValenceMorse(1.0, 2.0, 2.0), cutoff=6.0)).cutoff
    6.0
    """

    law: eqx.Module
    charge: Array | None
    coulomb: Method | None
    plan: TablePlan | None = eqx.field(static=True)

    def __init__(self, law, charge=None, coulomb: Method | None = None, tabulated: bool = True):
        self.law, self.coulomb = law, coulomb
        self.charge = None if charge is None else float_leaf(charge)
        if (charge is None) != (coulomb is None):
            raise ValueError("PairPotential: charge and coulomb belong together; give both or none.")
        known = not any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((law, charge, coulomb)))
        if known and not np.all(np.isfinite(np.asarray(self.pair_law.cutoff()))):
            raise ValueError("PairPotential: the law reaches to infinity; end it by Truncated(law, cutoff).")
        self.plan = plan_table(self.pair_law, self.species or 1, _HEIGHT, _THERMAL) if known and tabulated else None

    @property
    def pair_law(self):
        """The law of all pairs in the list: with the real-space part of the Coulomb energy, if there is one."""
        if self.coulomb is None or self.charge is None or isinstance(self.law, Tabulated):
            return self.law
        return Sum(self.law, real_space_law(self.coulomb, self.charge))

    @property
    def cutoff(self) -> float:
        """Not that of `pair_law`: a stack of potentials has one too, and no law of its pairs."""
        reach = float(jnp.max(self.law.cutoff()))
        return reach if self.coulomb is None else max(reach, float(jnp.max(self.coulomb.cutoff)))

    @property
    def species(self) -> int | None:
        """Number of species of its tables; None where it has none."""
        return species_of(self.law) if self.charge is None else self.charge.shape[-1]

    def prepared(self) -> PairPotential:
        """The same with its table."""
        if self.plan is None or isinstance(self.law, Tabulated):
            return self
        return eqx.tree_at(lambda p: p.law, self, tabulate(self.pair_law, self.plan, self.species or 1))

    def forces(self, box: Box, kinds: np.ndarray, displacement: Vector, neighbours: Neighbours) -> Vector:
        near = pair_forces(self.pair_law, box, kinds, displacement, neighbours)
        if self.coulomb is None or self.charge is None:
            return near
        place = fractional(box, neighbours.anchor, displacement)
        far = long_range_forces(self.coulomb, place, self.charge[kinds], box.cell)
        return tuple(a + b for a, b in zip(near, far, strict=True))

    def energy(self, box: Box, kinds: np.ndarray, displacement: Vector, neighbours: Neighbours) -> Array:
        near = jnp.sum(pair_energies(self.pair_law, box, kinds, displacement, neighbours))
        if self.coulomb is None or self.charge is None:
            return near
        place = fractional(box, neighbours.anchor, displacement)
        return near + long_range_energy(self.coulomb, place, self.charge[kinds], box.cell)


class EnergyPotential(eqx.Module):
    """U = energy_fn(positions, cell, **parameters): a neural potential, a jax-md function, or one of your own.

    Forces, and the stress with it, come from autodiff.

    Arguments:
        energy_fn: positions (N, d) [L] in the box and cell (d, d), the edges as rows [L], to a scalar [energy]; it
            must be periodic with the cell.
        parameters: name -> float or array, passed as keywords: what can be differentiated and swept.
        cutoff: None, or the range [L] of a jax-md function of a neighbour list: `energy_fn` is then called with
            `neighbor=` too, a dense jax-md list that is kept up to date.

    Raises:
        ValueError: for what is no function, a cutoff that is no length, an energy that is no scalar.

    >>> well = EnergyPotential(lambda R, cell, k: 0.5 * k * jnp.sum(R**2), {"k": 2.0})
    >>> float(well.parameters["k"])
    2.0
    """

    energy_fn: Callable[..., Array] = eqx.field(static=True)
    parameters: dict[str, Any]
    cutoff: float | None = eqx.field(static=True)

    species = None

    def __init__(self, energy_fn, parameters=None, cutoff=None):
        if not callable(energy_fn):
            raise ValueError(f"EnergyPotential: energy_fn is a function of positions and cell, got {energy_fn!r}.")
        if cutoff is not None and not 0 < float(cutoff) < np.inf:
            raise ValueError(f"EnergyPotential: cutoff is a positive length or None, got {cutoff}.")
        self.energy_fn, self.cutoff = energy_fn, None if cutoff is None else float(cutoff)
        self.parameters = jax.tree.map(lambda x: float_leaf(x) if np.isscalar(x) else x, dict(parameters or {}))

    def energy(self, box: Box, kinds: np.ndarray, displacement: Vector, neighbours: Neighbours) -> Array:
        positions = jnp.stack(absolute(box, neighbours.anchor, displacement), axis=1)
        options: dict[str, Any] = dict(self.parameters)
        if self.cutoff is not None:
            options["neighbor"] = jax_md_list(neighbours, positions)
        energy = self.energy_fn(positions, box.cell, **options)
        if jnp.shape(energy) != ():
            raise ValueError(f"EnergyPotential: energy_fn must return a scalar, got shape {jnp.shape(energy)}.")
        return energy

    def forces(self, box: Box, kinds: np.ndarray, displacement: Vector, neighbours: Neighbours) -> Vector:
        slope = jax.grad(lambda u: self.energy(box, kinds, u, neighbours))(displacement)
        return tuple(-f for f in slope)
