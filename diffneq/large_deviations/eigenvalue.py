"""The leading eigenvalue of a real matrix, with derivatives of any order."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array, lax

# Each step of Newton's method that starts from the solution carries the derivatives of one order more, and then
# doubles: three steps give all derivatives up to the seventh.
_STEPS = 3


def leading_eigenvalue(matrix: Array) -> Array:
    """theta of A r = theta r with the largest real part; it must be real, as it is for every tilted generator.

    The scaled cumulant generating function of a current that flows with the jumps of a Markov process is the
    leading eigenvalue of its tilted generator. Derivatives, forward or reverse, follow from Newton's method on
    A r = theta r, c.r = 1, started at the solution: no derivative of an eigenvector is needed.

    Arguments:
        matrix: (n, n), real; A = L or its transpose, the eigenvalue is the same.

    Returns: scalar; NaN where the leading eigenvalue is complex.

    Source: J. L. Lebowitz, H. Spohn, J. Stat. Phys. 95, 333 (1999), for the tilted generator.

    >>> import jax
    >>> ring = lambda s: jnp.array([[2 * (jnp.exp(s) - 1) + jnp.exp(-s) - 1]])     # rates 2 forward, 1 back
    >>> round(float(jax.grad(lambda s: leading_eigenvalue(ring(s)))(0.0)), 6)
    1.0
    """
    return leading_pair(matrix)[0]


def leading_eigenvector(matrix: Array) -> Array:
    """r of A r = theta r, (n,), scaled to sum 1: for the generator of a master equation, its stationary probabilities.

    >>> leading_eigenvector(jnp.array([[-1.0, 3.0], [1.0, -3.0]])).round(6).tolist()
    [0.75, 0.25]
    """
    vector = leading_pair(matrix)[1]
    return vector / jnp.sum(vector)


def leading_pair(matrix: Array) -> tuple[Array, Array]:
    """theta and a real right eigenvector r of any length, both differentiable: see `leading_eigenvalue`."""
    matrix = jnp.asarray(matrix)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"leading_eigenvalue: one square matrix is needed, got shape {matrix.shape}; vmap for many.")
    values, vectors = jnp.linalg.eig(lax.stop_gradient(matrix))
    first = jnp.argmax(values.real)
    value, vector = values[first], vectors[:, first]
    # an eigenvector of a real eigenvalue is real but for a phase
    largest = vector[jnp.argmax(jnp.abs(vector))]
    value, vector = value.real, (vector / largest).real
    complex_pair = jnp.abs(values[first].imag) > 1e-3 * jnp.max(jnp.abs(values))
    value = jnp.where(complex_pair, jnp.nan, value)
    gauge = vector / (vector @ vector)
    for _ in range(_STEPS):
        value, vector = _newton(matrix, value, vector, gauge)
    return value, vector


def _newton(matrix: Array, value: Array, vector: Array, gauge: Array) -> tuple[Array, Array]:
    size = matrix.shape[0]
    residual = jnp.append(matrix @ vector - value * vector, gauge @ vector - 1)
    block = matrix - value * jnp.eye(size, dtype=matrix.dtype)
    jacobian = jnp.block([[block, -vector[:, None]], [gauge[None, :], jnp.zeros((1, 1), matrix.dtype)]])
    change = jnp.linalg.solve(jacobian, residual)
    return value - change[-1], vector - change[:-1]
