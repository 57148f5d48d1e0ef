"""The lower convex hull of sampled energies above one composition, by the simplex method, for one lane.

    min sum_j N_j g_j   with   sum_j N_j x_j = z,   N >= 0

The dual variables mu of the optimum are the chemical potentials of the plane through the columns of the basis.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

_ENTER = -1e-11
_MOST_PIVOTS = 150
_ARTIFICIAL = 1e4  # over R T, beyond any energy


class Basis(NamedTuple):
    """n columns, in general some with no amount; `kind` is 0 for what the start had to invent."""

    x: Float[Array, "n n"]
    g: Float[Array, " n"]
    kind: Int[Array, " n"]
    amount: Float[Array, " n"]

    @property
    def mu(self) -> Float[Array, " n"]:
        """x_k . mu = g_k for all columns."""
        return jnp.linalg.solve(self.x, self.g)


def first_basis(z: Float[Array, " n"]) -> Basis:
    """Pure components at a cost that no mixture has."""
    n = z.shape[0]
    return Basis(jnp.eye(n), jnp.full(n, _ARTIFICIAL), jnp.zeros(n, int), z)


def lower_hull(g: Float[Array, " P"], x: Float[Array, "P n"], kind: Int[Array, " P"], start: Basis) -> Basis:
    """The optimal basis among the columns (x, g, kind) and those of the start."""

    def more(carry):
        _, lowest, count = carry
        return (lowest < _ENTER) & (count < _MOST_PIVOTS)

    def pivot(carry):
        basis, _, count = carry
        reduced = g - x @ basis.mu
        entering = jnp.argmin(reduced)
        direction = jnp.linalg.solve(basis.x.T, x[entering])
        usable = direction > 1e-11
        ratio = jnp.where(usable, jnp.maximum(basis.amount, 0.0) / jnp.where(usable, direction, 1.0), jnp.inf)
        leaving = jnp.argmin(ratio)
        live = (reduced[entering] < _ENTER) & jnp.any(usable)
        here = (jnp.arange(len(ratio)) == leaving) & live
        amount = jnp.where(here, ratio[leaving], basis.amount - jnp.where(live, ratio[leaving] * direction, 0.0))
        swapped = Basis(
            jnp.where(here[:, None], x[entering][None, :], basis.x), jnp.where(here, g[entering], basis.g),
            jnp.where(here, kind[entering], basis.kind), amount,
        )  # fmt: skip
        return swapped, jnp.where(live, reduced[entering], 0.0), count + 1

    return jax.lax.while_loop(more, pivot, (start, jnp.asarray(-jnp.inf, g.dtype), 0))[0]
