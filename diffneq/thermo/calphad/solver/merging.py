"""From the columns of the hull to the phases of an equilibrium."""

import jax.numpy as jnp
from jaxtyping import Array

from diffneq.thermo.calphad.solver.hull import Basis, Pool
from diffneq.thermo.calphad.solver.points import Points
from diffneq.thermo.calphad.solver.slots import Slots, merged


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
