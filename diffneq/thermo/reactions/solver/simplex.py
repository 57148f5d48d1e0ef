"""The start: the linear programme min g . n with A n = b, n >= 0, in which mixing has no entropy.

Its solution is a vertex: as many species as there are elements, and the potentials lambda at which they are in
equilibrium. The revised simplex method runs over all lanes together.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

BIG_COST = 1e6  # of an artificial species: above all Gibbs energies over R T
_PERTURBATION = 1e-7  # of the amounts of elements: no two pivots tie
_TOLERANCE = 1e-9
_MOST_PIVOTS = 100


class Vertex(NamedTuple):
    """A basis of species: index (-1: artificial), amount; potentials of the elements."""

    basis: Int[Array, "elements B"]
    amount: Float[Array, "elements B"]
    potential: Float[Array, "elements B"]


class _Work(NamedTuple):
    pivots: Int[Array, ""]
    inverse: Float[Array, "elements elements B"]
    vertex: Vertex
    cost: Float[Array, "elements B"]
    done: Bool[Array, "B"]


def cheapest(
    A: Float[Array, "elements species"],
    g: Float[Array, "species B"],
    b: Float[Array, "elements B"],
    alive: Bool[Array, "species B"],
) -> Vertex:
    """The vertex of least g . n; rows of b that are negative (charge) are turned round."""
    E, B = b.shape
    sign = jnp.where(b < 0, -1.0, 1.0)
    right = jnp.abs(b) + _PERTURBATION * (1.0 + 0.3 * jnp.arange(E, dtype=b.dtype))[:, None]
    inverse = jnp.eye(E)[..., None] * sign[None]
    none = jnp.full((E, B), -1)
    cost = jnp.full((E, B), BIG_COST)
    start = _Work(jnp.asarray(0), inverse, Vertex(none, right, jnp.zeros((E, B))), cost, jnp.zeros(B, bool))
    go_on = lambda work: (work.pivots < _MOST_PIVOTS) & jnp.any(~work.done)
    return jax.lax.while_loop(go_on, lambda work: _pivot(A, g, alive, work), start).vertex


def _pivot(A: Array, g: Array, alive: Array, work: _Work) -> _Work:
    """The species of most negative reduced cost enters, the first to vanish leaves."""
    inverse, (basis, amount, _) = work.inverse, work.vertex
    potential = jnp.einsum("ib,ifb->fb", work.cost, inverse)
    reduced = jnp.where(alive, g - jnp.einsum("fk,fb->kb", A, potential), 1.0)
    entering = jnp.argmin(reduced, axis=0)
    hit = jnp.arange(A.shape[1])[:, None] == entering
    direction = jnp.einsum("ifb,fb->ib", inverse, A @ hit.astype(A.dtype))
    positive = direction > _TOLERANCE
    ratio = jnp.where(positive, amount / jnp.where(positive, direction, 1.0), jnp.inf)
    leaving = jnp.arange(len(amount))[:, None] == jnp.argmin(ratio, axis=0)
    step = jnp.min(ratio, axis=0)
    done = work.done | (jnp.min(reduced, axis=0) > -_TOLERANCE) | ~jnp.isfinite(step)
    step = jnp.where(done, 0.0, step)
    pivot = jnp.sum(jnp.where(leaving, direction, 0.0), axis=0)
    row = jnp.sum(jnp.where(leaving[:, None], inverse, 0.0), axis=0) / jnp.where(done, 1.0, pivot)
    turned = jnp.where(leaving[:, None], row[None], inverse - direction[:, None] * row[None])
    keep = lambda new, old: jnp.where(done, old, new)
    vertex = Vertex(
        keep(jnp.where(leaving, entering, basis), basis),
        keep(jnp.where(leaving, step, amount - direction * step), amount),
        potential,
    )
    cost = keep(jnp.where(leaving, jnp.sum(jnp.where(hit, g, 0.0), axis=0), work.cost), work.cost)
    return _Work(work.pivots + 1, keep(turned, inverse), vertex, cost, done)
