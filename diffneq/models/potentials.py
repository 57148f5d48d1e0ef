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
from diffneq.particles.forces import pair_energies, pair_forces
from diffneq.particles.neighbours import Neighbours
from diffneq.particles.space import Box, Vector, absolute


class PairPotential(eqx.Module):
    """U = sum_{i<j} u_ab(r_ij).

    Arguments:
        law: a pair law (`diffneq.particles.pair_laws`, `ionic_laws`) with a finite cutoff.

    Raises:
        ValueError: for a law without a cutoff.

    >>> from diffneq.particles.ionic_laws import BondValenceMorse, Truncated
    >>> PairPotential(Truncated(BondValenceMorse(1.0, 2.0, 2.0), cutoff=6.0)).cutoff
    6.0
    """

    law: eqx.Module

    def __check_init__(self):
        reach = self.law.cutoff()
        if not isinstance(reach, jax.core.Tracer) and not np.all(np.isfinite(np.asarray(reach))):
            raise ValueError("PairPotential: the law reaches to infinity; end it by Truncated(law, cutoff).")

    @property
    def cutoff(self) -> float:
        return float(jnp.max(self.law.cutoff()))

    @property
    def species(self) -> int | None:
        """Number of species of its tables; None where it has none."""
        sizes = [leaf.shape[-1] for leaf in jax.tree.leaves(self.law) if leaf.ndim >= 2]
        return sizes[0] if sizes else None

    def forces(self, box: Box, kinds: np.ndarray, displacement: Vector, neighbours: Neighbours) -> Vector:
        return pair_forces(self.law, box, kinds, displacement, neighbours)

    def energy(self, box: Box, kinds: np.ndarray, displacement: Vector, neighbours: Neighbours) -> Array:
        return jnp.sum(pair_energies(self.law, box, kinds, displacement, neighbours))


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
