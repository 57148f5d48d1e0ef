"""The start: the linear programme min g . n with A n = b, n >= 0, in which mixing has no entropy.

Its solution is a vertex: as many species as there are elements, and the potentials lambda at which they are in
equilibrium. The revised simplex method runs over all lanes together.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffneq.thermo.simplex import exchange

BIG_COST = 1e6  # of an artificial species: above all Gibbs energies over R T
PERTURBATION, PERTURBATION_MIXED = 1e-7, 1e-10  # of the amounts of elements: no two pivots tie
_TOLERANCE = 1e-9
_MOST_PIVOTS = 100
_MIXED = 1e-7  # reduced cost of a gas from which on it is as good as stable
_MOST_MIXTURES = 400


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

    def pivot(work: _Work) -> _Work:
        potential, reduced, entering, hit = _reduced(A, g, alive, work)
        column, cost = A @ hit.astype(A.dtype), jnp.sum(jnp.where(hit, g, 0.0), axis=0)
        return _exchange(work, potential, jnp.min(reduced, axis=0) < -_TOLERANCE, entering, column, cost)

    go_on = lambda work: (work.pivots < _MOST_PIVOTS) & jnp.any(~work.done)
    return jax.lax.while_loop(go_on, pivot, _artificial(b, PERTURBATION)).vertex


def cheapest_mixture(
    A: Float[Array, "elements species"],
    g: Float[Array, "species B"],
    b: Float[Array, "elements B"],
    alive: Bool[Array, "species B"],
    gases: int,
) -> Vertex:
    """The vertex in which the gas mixes: it enters at the mole fractions that its potentials give it.

    A column is one mole of a gas of y_k ~ exp(a_k . lambda - g_k), at sum y_k (g_k + ln y_k); its reduced cost is
    -ln sum_k exp(a_k . lambda - g_k). Columns are made as they are needed, and as the problem is convex the vertices
    go to the equilibrium, from any start (G. B. Dantzig, P. Wolfe, Operations Research 8 (1960) 101; W. B. White,
    S. M. Johnson, G. B. Dantzig, J. Chem. Phys. 28 (1958) 751). Index `species` in the basis is such a gas.
    """

    def pivot(work: _Work) -> _Work:
        potential, reduced, _, _ = _reduced(A, g, alive, work)
        level = jnp.where(alive[:gases], -reduced[:gases], -jnp.inf)
        total = jax.nn.logsumexp(level, axis=0)
        mixed = jnp.isfinite(total) & (-total < jnp.min(reduced[gases:], axis=0, initial=jnp.inf))
        ln_y = jnp.where(alive[:gases] & mixed, level - total, -jnp.inf)
        y = jnp.exp(ln_y)
        phase = jnp.argmin(reduced[gases:], axis=0) + gases
        hit = jnp.arange(A.shape[1])[:, None] == phase
        column = jnp.where(mixed, A[:, :gases] @ y, A @ hit.astype(A.dtype))
        energy = jnp.sum(jnp.where(y > 0, y * (g[:gases] + jnp.where(y > 0, ln_y, 0.0)), 0.0), axis=0)
        cost = jnp.where(mixed, energy, jnp.sum(jnp.where(hit, g, 0.0), axis=0))
        best = jnp.where(mixed, -total, jnp.min(reduced[gases:], axis=0))
        return _exchange(work, potential, best < -_MIXED, jnp.where(mixed, A.shape[1], phase), column, cost)

    go_on = lambda work: (work.pivots < _MOST_MIXTURES) & jnp.any(~work.done)
    return jax.lax.while_loop(go_on, pivot, _artificial(b, PERTURBATION_MIXED)).vertex


def _artificial(b: Array, perturbation: float) -> _Work:
    """The basis of artificial species, one an element."""
    E, B = b.shape
    sign = jnp.where(b < 0, -1.0, 1.0)
    right = jnp.abs(b) + perturbation * (1.0 + 0.3 * jnp.arange(E, dtype=b.dtype))[:, None]
    vertex = Vertex(jnp.full((E, B), -1), right, jnp.zeros((E, B)))
    inverse = jnp.eye(E)[..., None] * sign[None]
    return _Work(jnp.asarray(0), inverse, vertex, jnp.full((E, B), BIG_COST), jnp.zeros(B, bool))


def _reduced(A: Array, g: Array, alive: Array, work: _Work) -> tuple[Array, Array, Array, Array]:
    """Potentials, reduced costs, and the species of the most negative one."""
    potential = jnp.einsum("ib,ifb->fb", work.cost, work.inverse)
    reduced = jnp.where(alive, g - jnp.einsum("fk,fb->kb", A, potential), 1.0)
    entering = jnp.argmin(reduced, axis=0)
    return potential, reduced, entering, jnp.arange(A.shape[1])[:, None] == entering


def _exchange(work: _Work, potential: Array, gains: Array, entering: Array, column: Array, price: Array) -> _Work:
    """A column enters the basis where that gains anything; the first to vanish leaves."""
    step = exchange(work.inverse, work.vertex.amount, column, ~work.done & gains)
    basis = jnp.where(step.hit, entering, work.vertex.basis)
    cost = jnp.where(step.hit, price, work.cost)
    return _Work(work.pivots + 1, step.inverse, Vertex(basis, step.amount, potential), cost, ~step.moved)
