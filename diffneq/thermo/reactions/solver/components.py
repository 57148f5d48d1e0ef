"""Components: for each lane the most abundant species that are linearly independent.

In terms of them the balance of each row holds species that are scarcer than its component, so that every row is known
to full relative precision: stoichiometric feeds and traces of 1e-300 are like all others (W. R. Smith, R. W. Missen,
Chemical Reaction Equilibrium Analysis (1982), chapter 6: the optimised basis).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

_PIVOT = 1e-7  # what of a column counts as independent of those before
_RATIO = 1e-10  # coefficients are ratios of small numbers; what is less is rounding, and would swamp trace elements


class Components(NamedTuple):
    """The balance in the basis: columns of all species, amounts, and which rows have a component."""

    columns: Float[Array, "elements species B"]
    amount: Float[Array, "elements B"]
    inverse: Float[Array, "elements elements B"]  # columns = inverse A
    used: Bool[Array, "elements B"]
    hit: Bool[Array, "elements species B"]  # the component of each row


def components(
    A: Float[Array, "elements species"], b: Float[Array, "elements B"], score: Float[Array, "species B"]
) -> Components:
    """Gauss-Jordan elimination; in each step the species of highest score that is independent of those before.

    Species of negative score are absent. Rows that no species can fill are left without component.
    """
    E, K = A.shape
    B = b.shape[1]
    present = score >= 0
    columns = jnp.where(present, A[..., None], 0.0)
    inverse = jnp.broadcast_to(jnp.eye(E)[..., None], (E, E, B))
    work = jnp.concatenate([columns, inverse], axis=1)
    used, hit = jnp.zeros((E, B), bool), jnp.zeros((E, K, B), bool)
    rank = jnp.where(present, score, -1.0)
    work, used, hit = jax.lax.fori_loop(0, E, lambda _, carry: _eliminate(*carry, rank), (work, used, hit))
    work = jnp.where(jnp.abs(work) < _RATIO, 0.0, work)
    inverse = work[:, K:]
    return Components(work[:, :K], jnp.einsum("ifb,fb->ib", inverse, b), inverse, used, hit)


def _eliminate(work: Array, used: Array, hit: Array, score: Array) -> tuple[Array, Array, Array]:
    E, K, _ = hit.shape
    size = jnp.max(jnp.where(used[:, None], 0.0, jnp.abs(work[:, :K])), axis=0)
    rank = jnp.where(size > _PIVOT, score, -1.0)
    chosen = jnp.arange(K)[:, None] == jnp.argmax(rank, axis=0)
    column = jnp.sum(jnp.where(chosen, work[:, :K], 0.0), axis=1)
    place = jnp.argmax(jnp.where(used, -1.0, jnp.abs(column)), axis=0)
    found = jnp.max(rank, axis=0) >= 0
    row = (jnp.arange(E)[:, None] == place) & found
    pivot = jnp.sum(jnp.where(row, column, 0.0), axis=0)
    line = jnp.sum(jnp.where(row[:, None], work, 0.0), axis=0) / jnp.where(found, pivot, 1.0)
    turned = jnp.where(row[:, None], line[None], work - column[:, None] * line[None])
    exact = jnp.where(chosen[None], row[:, None].astype(work.dtype), turned[:, :K])  # the unit column, without rounding
    turned = jnp.concatenate([exact, turned[:, K:]], axis=1)
    return jnp.where(found, turned, work), used | row, hit | (row[:, None] & chosen[None])
