"""Linear equations of motion with coefficients that depend on time, by collocation at Gauss points."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

STAGES = 4


def _tableau() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes c, weights b and matrix a_ij = int_0^c_i l_j of collocation at the Gauss points of [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(STAGES)
    nodes, weights = (nodes + 1) / 2, weights / 2
    powers = np.arange(STAGES)
    monomials = nodes[:, None] ** powers
    integrals = nodes[:, None] ** (powers + 1) / (powers + 1)
    return nodes, weights, integrals @ np.linalg.inv(monomials)


NODES, WEIGHTS, MATRIX = _tableau()


def times(duration: Array, panels: int) -> tuple[Array, Array]:
    """Gauss points of equal panels of [0, duration], (panels, STAGES), none of them at an end; the weights, alike."""
    width = duration / panels
    nodes, weights = jnp.asarray(NODES, duration.dtype), jnp.asarray(WEIGHTS, duration.dtype)
    at = width * (jnp.arange(panels, dtype=duration.dtype)[:, None] + nodes[None, :])
    return at, jnp.broadcast_to(width * weights, at.shape)


def propagators(matrices: Array, duration: Array) -> tuple[Array, Array]:
    """x' = A(t) x over each panel: x(end) = P x(start), and x(at Gauss point j) = S_j x(start).

    Arguments: `matrices` A at the Gauss points of `times`, (panels, STAGES, n, n), real or complex; `duration` of
    all panels. Returns P (panels, n, n) and S (panels, STAGES, n, n). The error is of order 2 STAGES = 8 in the width
    of a panel where A is smooth within each; A may jump between panels. Linear invariants are kept exactly, and decay
    of any speed stays decay.

    Source: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II, section IV.5 (1996).
    """
    panels, _, n, _ = matrices.shape
    width = duration / panels
    a = jnp.asarray(MATRIX, duration.dtype)
    size = STAGES * n

    def one(stage_matrices):
        # x_i = x + width sum_j a_ij A_j x_j, for all i at once
        blocks = a[:, None, :, None] * jnp.transpose(stage_matrices, (1, 0, 2))[None]
        system = jnp.eye(size, dtype=blocks.dtype) - width * blocks.reshape(size, size)
        start = jnp.tile(jnp.eye(n, dtype=blocks.dtype), (STAGES, 1))
        stages = jnp.linalg.solve(system, start).reshape(STAGES, n, n)
        slopes = jnp.einsum("jab,jbc->jac", stage_matrices, stages)
        weights = jnp.asarray(WEIGHTS, duration.dtype)
        return jnp.eye(n, dtype=blocks.dtype) + width * jnp.einsum("j,jac->ac", weights, slopes), stages

    return jax.vmap(one)(matrices)


def along(steps: Array, start: Array) -> Array:
    """States at the start of each panel and at the very end, (panels + 1, n)."""
    end, before = jax.lax.scan(lambda x, step: (step @ x, x), start, steps)
    return jnp.concatenate([before, end[None]])


def sampled(function: Callable[[Array], Array], at: Array) -> Array:
    """function(t) at every entry of `at` (panels, STAGES), for a function of one time."""
    return jax.vmap(jax.vmap(lambda t: jnp.asarray(function(t), at.dtype)))(at)
