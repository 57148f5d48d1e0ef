"""The lower convex hull of sampled energies above one composition, by the simplex method, for one lane.

    min sum_j N_j g_j   with   sum_j N_j x_j = z,   N >= 0

The dual variables mu of the optimum are the chemical potentials of the plane through the columns of the basis.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from diffneq.thermo.simplex import exchange

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
        _, _, live, count = carry
        return live & (count < _MOST_PIVOTS)

    def pivot(carry):
        basis, inverse, _, count = carry
        reduced = g - x @ (basis.g @ inverse)
        entering = jnp.argmin(reduced)
        lowest = reduced[entering]
        step = exchange(inverse[..., None], basis.amount[:, None], x[entering][:, None], lowest[None] < _ENTER)
        hit = step.hit[:, 0]
        swapped = Basis(
            jnp.where(hit[:, None], x[entering][None, :], basis.x), jnp.where(hit, g[entering], basis.g),
            jnp.where(hit, kind[entering], basis.kind), step.amount[:, 0],
        )  # fmt: skip
        return swapped, step.inverse[..., 0], step.moved[0], count + 1

    first = (start, jnp.linalg.inv(start.x.T), jnp.asarray(True), 0)
    return jax.lax.while_loop(more, pivot, first)[0]
