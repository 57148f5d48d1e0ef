"""Stress and pressure of a model in its box, from the derivative of its energy with respect to the strain.

    sigma_ab = (1/V) [ dU/d eps_ab - sum_i m_i v_ia v_ib ],        P = -(sigma_xx + sigma_yy + sigma_zz)/3

Under a strain eps the edges of the cell and the positions go as x -> x (1 + eps). The derivative is that of the very
energy that drives the motion, whatever it is made of, so nothing has to be written for a new potential.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq.dynamics.state import per_particle
from diffneq.particles.space import Box, Vector


def stress(model, state, neighbours) -> Array:
    """sigma_ab, (d, d) symmetric [energy/L^d], positive where the cell pulls inwards; velocities as they are.

    Arguments:
        model: any model of which `potential_energy` and `box` are the parts.
        state: one replica, with `displacement` and `velocity`.
        neighbours: its lists.

    Source: D. C. Wallace, Thermodynamics of Crystals (1972); with the kinetic part, D. H. Tsai, J. Chem. Phys. 70, 1375
    (1979).
    """
    dimension = len(state.displacement)
    rows, columns = np.tril_indices(dimension)

    def energy(parts: Array) -> Array:
        # A lower triangular strain keeps the cell in its standard orientation; as rotations cost no energy, it is
        # as good as a symmetric one.
        strain = jnp.zeros((dimension, dimension), parts.dtype).at[rows, columns].set(parts)
        return _strained_energy(model, state.displacement, neighbours, strain)

    slope = jax.grad(energy)(jnp.zeros(len(rows), model.box.lengths.dtype))
    virial = jnp.zeros((dimension, dimension), slope.dtype).at[rows, columns].set(slope).at[columns, rows].set(slope)
    mass = per_particle(model, model.mass)
    flow = jnp.stack([jnp.stack([jnp.sum(mass * v * w) for w in state.velocity]) for v in state.velocity])
    return (virial - flow) / model.box.volume


def pressure(model, state, neighbours) -> Array:
    """P = (1/(d V)) [sum_i m_i v_i^2 - dU/d(ln L)], scalar [energy/L^d]."""
    dimension = len(state.displacement)
    grow = lambda log: _scaled_energy(model, state.displacement, neighbours, 1.0 + log)
    none = jnp.zeros((), model.box.lengths.dtype)
    _, slope = jax.jvp(grow, (none,), (jnp.ones_like(none),))
    mass = per_particle(model, model.mass)
    twice_kinetic = sum(jnp.sum(mass * v * v) for v in state.velocity)
    return (twice_kinetic - slope) / (dimension * model.box.volume)


def _scaled_energy(model, displacement: Vector, neighbours, factor: Array) -> Array:
    grown = eqx.tree_at(lambda m: m.box, model, model.box.stretched(factor))
    return grown.potential_energy(tuple(u * factor for u in displacement), neighbours)


def _strained_energy(model, displacement: Vector, neighbours, strain: Array) -> Array:
    box = model.box
    change = jnp.eye(len(displacement), dtype=strain.dtype) + strain
    cell = box.cell @ change
    rows, columns = np.tril_indices(len(displacement), -1)
    leaning = Box(jnp.diag(cell), box.periodic, box.margin, cell[rows, columns])
    moved = tuple(
        sum((u * change[a, b] for a, u in enumerate(displacement)), jnp.zeros_like(displacement[0]))
        for b in range(len(displacement))
    )
    grown = eqx.tree_at(lambda m: m.box, model, leaning, is_leaf=lambda x: isinstance(x, Box))
    return grown.potential_energy(moved, neighbours)
