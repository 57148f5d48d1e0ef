"""Small linear systems, one for each lane: A [n, n, B] X = R [n, m, B] by Gauss-Jordan elimination.

LAPACK would be called once for each lane; here each operation runs over all lanes.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffneq.thermo.calphad.solver.layout import batch_last


@batch_last
def solve_definite(
    A: Float[Array, "n n B"], R: Float[Array, "n m B"], floor: Array | float
) -> tuple[Float[Array, "n m B"], Float[Array, "B"]]:
    """Without pivoting, for symmetric A that should be positive definite; also the smallest pivot met.

    A pivot d becomes max(|d|, floor): where A is indefinite the result is the step of a modified Newton method, which
    goes down instead of to a saddle (as in modified Cholesky factorisations).
    """
    n = A.shape[0]
    work = jnp.concatenate([A, R], axis=1)

    def eliminate(i, carry):
        work, smallest = carry
        row = work[i]
        smallest = jnp.minimum(smallest, row[i])
        row = row / jnp.maximum(jnp.abs(row[i]), floor)
        column = work[:, i].at[i].set(0.0)
        return (work - column[:, None] * row[None]).at[i].set(row), smallest

    work, smallest = jax.lax.fori_loop(0, n, eliminate, (work, jnp.full(A.shape[2:], jnp.inf)))
    return work[:, n:], smallest


@batch_last
def solve_pivoted(A: Float[Array, "n n B"], R: Float[Array, "n m B"]) -> tuple[Array, Float[Array, "B"]]:
    """With partial pivoting, rows scaled to a largest entry of 1; also the smallest pivot met.

    A pivot below 1e-14 makes its unknown zero: the caller sees it in the smallest pivot.
    """
    n = A.shape[0]
    scale = 1.0 / jnp.maximum(jnp.abs(A).max(axis=1, keepdims=True), 1e-300)
    work = jnp.concatenate([A * scale, R * scale], axis=1)
    places = jnp.arange(n)[:, None]

    def eliminate(i, carry):
        work, smallest = carry
        size = jnp.where(places >= i, jnp.abs(work[:, i]), -1.0)
        chosen = jnp.argmax(size, axis=0)
        hit = places == chosen  # (n, B)
        pivot_row = jnp.sum(jnp.where(hit[:, None], work, 0.0), axis=0)
        work = jnp.where(hit[:, None], work[i][None], work)
        pivot = pivot_row[i]
        smallest = jnp.minimum(smallest, jnp.abs(pivot))
        row = pivot_row * jnp.where(jnp.abs(pivot) > 1e-14, 1.0 / jnp.where(pivot == 0, 1.0, pivot), 0.0)
        column = work[:, i].at[i].set(0.0)
        return (work - column[:, None] * row[None]).at[i].set(row), smallest

    start = work, jnp.full(A.shape[2:], jnp.inf)
    work, smallest = jax.lax.fori_loop(0, n, eliminate, start)
    return work[:, n:], smallest
