"""The exchange step of the revised simplex method (G. B. Dantzig, Linear Programming and Extensions, 1963), lanes last.

    min c . n   with   A n = b,   n >= 0

A basis is kept as the inverse of its columns and its amounts. Whoever prices the columns says which one enters; the row
that it empties first leaves.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

_SMALLEST_PIVOT = 1e-10
_TIE = 1e-13


class Exchange(NamedTuple):
    """The basis after the step; `hit`: the row that was replaced; `moved`: false where nothing was, as none can leave
    or the lane was not wanted."""

    inverse: Float[Array, "rows rows W"]
    amount: Float[Array, "rows W"]
    hit: Bool[Array, "rows W"]
    moved: Bool[Array, " W"]


def exchange(
    inverse: Float[Array, "rows rows W"],
    amount: Float[Array, "rows W"],
    column: Float[Array, "rows W"],
    wanted: Bool[Array, " W"],
) -> Exchange:
    """The column enters the basis of every lane that is wanted.

    Arguments:
        inverse: of the matrix whose columns are the basis.
        amount: of each of them.
        column: what enters.
        wanted: where that lowers the cost.

    >>> eye, one = jnp.eye(2)[..., None], jnp.ones(1, bool)
    >>> step = exchange(eye, jnp.array([[1.0], [3.0]]), jnp.array([[1.0], [2.0]]), one)
    >>> step.amount[:, 0].tolist(), step.hit[:, 0].tolist()  # n_1 leaves; one unit of the new column takes its place
    ([1.0, 1.0], [True, False])
    """
    rows = jnp.arange(amount.shape[0])[:, None]
    direction = jnp.sum(inverse * column[None], axis=1)
    usable = direction > _SMALLEST_PIVOT
    ratio = jnp.where(usable, jnp.maximum(amount, 0.0) / jnp.where(usable, direction, 1.0), jnp.inf)
    # Of rows that would be emptied together the one with the largest pivot leaves.
    tied = usable & (ratio <= jnp.min(ratio, axis=0, keepdims=True) + _TIE)
    leaving = jnp.argmax(jnp.where(tied, direction, -1.0), axis=0)
    moved = wanted & jnp.any(usable, axis=0)
    hit = (rows == leaving[None]) & moved[None]
    pick = lambda values: jnp.sum(jnp.where(hit, values, 0.0), axis=0)
    row = jnp.sum(jnp.where(hit[:, None], inverse, 0.0), axis=0) / jnp.where(moved, pick(direction), 1.0)[None]
    change = jnp.where(moved[None], direction, 0.0)
    turned = jnp.where(hit[:, None], row[None], inverse - change[:, None] * row[None])
    left = jnp.where(hit, pick(ratio)[None], amount - change * pick(ratio)[None])
    return Exchange(turned, left, hit, moved)
