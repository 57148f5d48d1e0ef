"""From the columns of the hull to the phases of an equilibrium."""

import jax.numpy as jnp
from jaxtyping import Array

from diffneq.thermo.calphad.solver.hull import Basis, Pool
from diffneq.thermo.calphad.solver.newton import Slots
from diffneq.thermo.calphad.solver.points import Points


def slots_of(basis: Basis, points: Points, pool: Pool, threshold: Array | float) -> Slots:
    """One slot for each column of the basis; columns of one phase that nearly agree are merged into one.

    Merging generously costs nothing: a miscibility gap that it closes is found by the certificate.
    """
    tiles, tile, n_y = points.y.shape
    count, places = tiles * tile, pool.g.shape[0]
    lanes = jnp.arange(basis.column.shape[1])
    grid, place = jnp.clip(basis.column, 0, count - 1), jnp.clip(basis.column - count, 0, places - 1)
    from_pool = basis.column >= count
    phase = jnp.where(from_pool, pool.phase[place, lanes], points.phase[grid // tile])
    y = jnp.moveaxis(points.y.reshape(count, n_y)[grid], 2, 0)
    y = jnp.where(from_pool, pool.y[:, place, lanes], y)
    atoms = jnp.where(from_pool, pool.atoms[place, lanes], points.atoms.reshape(-1)[grid])
    active = (basis.column < count + places) & (basis.amount > 1e-13)
    amount = jnp.where(active, basis.amount / atoms, 0.0)
    return merged(Slots(phase, y, amount, active), threshold)


def merged(slots: Slots, threshold: Array | float) -> Slots:
    """Slots of one phase whose site fractions differ by less than the threshold become one."""
    phase, y, amount, active = slots
    for j in range(1, phase.shape[0]):
        for i in range(j):
            near = jnp.abs(y[:, i] - y[:, j]).max(axis=0) < threshold
            same = near & active[i] & active[j] & (phase[i] == phase[j])
            total = amount[i] + amount[j]
            share = jnp.where(same, amount[j] / jnp.where(total > 0, total, 1.0), 0.0)
            y = y.at[:, i].set(y[:, i] * (1.0 - share) + y[:, j] * share)
            amount = amount.at[i].add(jnp.where(same, amount[j], 0.0))
            amount = amount.at[j].set(jnp.where(same, 0.0, amount[j]))
            active = active.at[j].set(active[j] & ~same)
    return Slots(phase, y, amount, active)
