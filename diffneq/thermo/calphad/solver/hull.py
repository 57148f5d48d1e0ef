"""The lower convex hull of sampled energies at given amounts: a linear program, by the revised simplex method.

    min sum_j n_j g_j   with   sum_j n_j (rows x_j) = right,   n >= 0

Columns j are grid points, columns that polishing added (the pool), and one artificial column for each row, which the
start needs. mu = rows' lambda + fixed are the chemical potentials of the present basis; the column that lies lowest
below their plane enters, until none does.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffneq.thermo.calphad.solver.layout import batch_last
from diffneq.thermo.calphad.solver.points import NEVER, smallest
from diffneq.thermo.simplex import exchange

_ARTIFICIAL = 2e4  # cost over R T of an artificial column; beyond any energy, and far below 1/rounding
_ENTER = -1e-9
_MOST_PIVOTS = 200


class Demand(NamedTuple):
    """What is asked of a lane: rows n = right, and the potentials (over R T) that are prescribed."""

    rows: Float[Array, "rows elements W"]
    right: Float[Array, "rows W"]
    fixed: Float[Array, "elements W"]


class Basis(NamedTuple):
    """A basic solution. Columns: 0..P-1 grid, P..P+Q-1 pool, P+Q.. artificial."""

    column: Int[Array, "rows W"]
    cost: Float[Array, "rows W"]
    inverse: Float[Array, "rows rows W"]
    amount: Float[Array, "rows W"]  # moles of atoms


class Pool(NamedTuple):
    """Columns of single lanes, which polishing added."""

    phase: Int[Array, "Q W"]
    g: Float[Array, "Q W"]  # over R T per mole of atoms; NEVER in a free place
    x: Float[Array, "Q elements W"]
    y: Float[Array, "n_y Q W"]
    atoms: Float[Array, "Q W"]  # per formula unit


def empty_pool(places: int, elements: int, n_y: int, lanes: int) -> Pool:
    """Free places only."""
    shape = (places, lanes)
    return Pool(
        jnp.zeros(shape, jnp.int32), jnp.full(shape, NEVER), jnp.zeros((places, elements, lanes)),
        jnp.ones((n_y, *shape)), jnp.ones(shape),
    )  # fmt: skip


def first_basis(demand: Demand, columns: int) -> Basis:
    """All artificial. Rows that demand zero get a little, without which many bases would be the same point."""
    rows, lanes = demand.right.shape
    right = jnp.where(demand.right == 0.0, 1e-9 * (1.0 + jnp.arange(rows))[:, None], demand.right)
    places = jnp.arange(rows, dtype=jnp.int32)[:, None] + columns
    inverse = jnp.broadcast_to(jnp.eye(rows)[..., None], (rows, rows, lanes))
    cost = jnp.full((rows, lanes), _ARTIFICIAL)
    return Basis(jnp.broadcast_to(places, (rows, lanes)), cost, inverse, right)


def potentials(basis: Basis, demand: Demand, left: float = _ARTIFICIAL) -> Float[Array, "elements W"]:
    """mu of the plane through the columns of the basis; `left`: potential where only an artificial column is left.

    That is so in a section through compounds, where the potential of one element is not determined.
    """
    cost = jnp.where(basis.cost == _ARTIFICIAL, left, basis.cost)
    price = jnp.sum(cost[:, None] * basis.inverse, axis=0)  # (rows, W)
    return jnp.sum(demand.rows * price[:, None], axis=0) + demand.fixed


def reduced(g: Float[Array, "P W"], x: Float[Array, "P elements"], mu: Float[Array, "elements W"]):
    """Height of every grid point above the plane, over R T per mole of atoms."""
    for e in range(x.shape[1]):
        g = g - x[:, e, None] * mu[e]
    return g


@batch_last
def solve(
    g: Float[Array, "P W"],
    x: Float[Array, "P elements"],
    pool: Pool,
    demand: Demand,
    start: Basis,
    wanted: Bool[Array, "W"],
) -> Basis:
    """The optimal basis of the lanes that are wanted; the others keep theirs."""
    points = x.shape[0]
    places = pool.g.shape[0]
    lanes = jnp.arange(g.shape[1])

    def cheapest(mu):
        index, value = smallest(reduced(g, x, mu))
        if places:
            own, own_value = smallest(pool.g - jnp.sum(pool.x * mu[None], axis=1))
            index = jnp.where(own_value < value, own + points, index)
            value = jnp.minimum(own_value, value)
        return index, value

    def column_of(index):
        grid = jnp.clip(index, 0, points - 1)
        own_g, own_x = g[grid, lanes], x[grid].T
        if places:
            place = jnp.clip(index - points, 0, places - 1)
            from_pool = index >= points
            own_g = jnp.where(from_pool, pool.g[place, lanes], own_g)
            own_x = jnp.where(from_pool, pool.x[place, :, lanes].T, own_x)
        return own_g, own_x

    def pivot(carry):
        basis, live, count = carry
        index, value = cheapest(potentials(basis, demand))
        cost, fractions = column_of(index)
        cost = cost - jnp.sum(fractions * demand.fixed, axis=0)
        entering = jnp.sum(demand.rows * fractions, axis=1)  # (rows, W)
        step = exchange(basis.inverse, basis.amount, entering, live & (value < _ENTER))
        column, cost = jnp.where(step.hit, index, basis.column), jnp.where(step.hit, cost, basis.cost)
        return Basis(column, cost, step.inverse, step.amount), step.moved, count + 1

    more = lambda carry: jnp.any(carry[1]) & (carry[2] < _MOST_PIVOTS)
    return jax.lax.while_loop(more, pivot, (start, wanted, 0))[0]
