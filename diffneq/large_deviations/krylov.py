"""The leading eigenvalue of an operator known only by its products, with derivatives of any order."""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.scipy.linalg import solve_triangular

_MOST_RESTARTS = 200
_STEPS = 2  # of Newton's method, started at the solution: all derivatives up to the third


def leading_eigenvalue_of(
    operator: Callable[[Array], Array], start: Array, *, dimension: int = 40, restarts: int = 200, tolerance=None
) -> Array:
    """theta of A r = theta r with the largest real part, from products A r alone; it must be real.

    Arnoldi's method finds the pair, restarted from the leading Ritz vector. Derivatives up to the third, forward or
    reverse, of whatever the operator depends on follow from Newton's method on A r = theta r, c.r = 1, started at the
    solution, each step a linear problem that GMRES solves.

    Arguments:
        operator: r (n,) -> A r, linear; a closure may hold traced parameters.
        start: (n,), not orthogonal to the eigenvector: for a tilted generator, ones.
        dimension: of the Krylov space; GMRES has four times as many; static.
        restarts: at most so many, each with `dimension` products.
        tolerance: of the residual, relative to the size of A; default 1e-11, 1e-5 in single precision.

    Returns: scalar; NaN, it or its derivative, where the residual did not come below the tolerance: give `dimension`
    more. A matrix far from normal needs much.

    Source: Y. Saad, Numerical Methods for Large Eigenvalue Problems (SIAM, 2011), ch. 6; Y. Saad, M. H. Schultz, SIAM
    J. Sci. Stat. Comput. 7, 856 (1986).

    >>> wheel = lambda r: 2 * jnp.roll(r, 1) + jnp.roll(r, -1) - 3 * r
    >>> round(float(leading_eigenvalue_of(lambda r: wheel(r) + 0.5 * r, jnp.ones(50))), 5)
    0.5
    """
    start = jnp.asarray(start)
    if start.ndim != 1 or start.shape[0] < 2:
        raise ValueError(f"leading_eigenvalue_of: start is one vector (n,) of two or more, got shape {start.shape}.")
    dimension = min(dimension, start.shape[0])
    limit = (1e-5 if start.dtype == jnp.float32 else 1e-11) if tolerance is None else tolerance
    closed = eqx.filter_closure_convert(operator, start)
    frozen = jax.tree.map(lambda leaf: lax.stop_gradient(leaf) if eqx.is_array(leaf) else leaf, closed)
    value, vector, residual, size = _arnoldi(frozen, lax.stop_gradient(start), dimension, restarts, limit)
    gauge = vector
    for _ in range(_STEPS):
        value, vector = _newton(closed, value, vector, gauge, dimension, limit, limit * size)
    return jnp.where(residual <= limit * size, value, jnp.nan)


def _arnoldi(operator, start, dimension, restarts, limit):
    """theta, its unit vector, the norm of the residual, and a measure of the norm of A."""

    def unfinished(carried):
        count, _, _, residual, size = carried
        return (count < restarts) & ~(residual <= limit * size)

    def sweep(carried):
        count, _, vector, _, _ = carried
        basis, square = _krylov(operator, vector, dimension)
        far = -10 * jnp.max(jnp.abs(square)) - 1  # beyond an invariant space, to the left of all eigenvalues
        values, vectors = jnp.linalg.eig(square[:-1] + far * _missing(basis))
        first = jnp.argmax(values.real)
        coordinates = vectors[:, first]
        coordinates = coordinates / coordinates[jnp.argmax(jnp.abs(coordinates))]
        # a complex pair has no real vector; its real part is a start as good as any
        coordinates = coordinates.real / jnp.linalg.norm(coordinates.real)
        vector = coordinates @ basis[:-1]
        residual = jnp.abs(square[-1, -1] * coordinates[-1]) + jnp.abs(values[first].imag)
        return count + 1, values[first].real, vector / jnp.linalg.norm(vector), residual, jnp.max(jnp.abs(values))

    number = jnp.zeros((), start.dtype)
    initial = (jnp.int32(0), number, start / jnp.linalg.norm(start), jnp.full_like(number, jnp.inf), number)
    return lax.while_loop(unfinished, sweep, initial)[1:]


def _krylov(operator, vector, dimension):
    """An orthonormal basis (k + 1, n) and H (k + 1, k), A on the first k; zeros where the space has ended."""

    def extend(j, carried):
        basis, square = carried
        new = operator(basis[j])
        before = jnp.arange(dimension + 1) <= j
        for _ in range(2):  # Gram-Schmidt twice is enough
            overlap = jnp.where(before, basis @ new, 0)
            new = new - overlap @ basis
            square = square.at[:, j].add(overlap)
        norm = jnp.linalg.norm(new)
        floor = jnp.finfo(new.dtype).eps * jnp.linalg.norm(square[:, j])
        alive = norm > 10 * floor  # else the space is invariant: what is left is noise
        square = square.at[j + 1, j].set(jnp.where(alive, norm, 0))
        return basis.at[j + 1].set(jnp.where(alive, new / jnp.where(alive, norm, 1), 0)), square

    basis = jnp.zeros((dimension + 1, vector.size), vector.dtype).at[0].set(vector)
    square = jnp.zeros((dimension + 1, dimension), vector.dtype)
    return lax.fori_loop(0, dimension, extend, (basis, square))


def _missing(basis: Array) -> Array:
    """A diagonal (k, k) of ones where the Krylov space ended before."""
    return jnp.diag(jnp.all(basis[:-1] == 0, axis=1).astype(basis.dtype))


def _gmres(product, right: Array, dimension: int, goal: Array) -> tuple[Array, Array]:
    """x with |right - A x| <= goal, restarted; x, and the residual's norm that was reached."""

    def unfinished(carried):
        count, _, residual, before = carried
        norm = jnp.linalg.norm(residual)
        return (norm > goal) & ((norm < 0.99 * before) | (count < 3)) & (count < _MOST_RESTARTS)

    def sweep(carried):
        count, x, residual, _ = carried
        norm = jnp.linalg.norm(residual)
        basis, square = _krylov(product, residual / norm, dimension)
        square = square.at[:-1].add(_missing(basis))
        q, r = jnp.linalg.qr(square)
        x = x + norm * solve_triangular(r, q[0]) @ basis[:-1]
        return count + 1, x, right - product(x), norm

    start = (jnp.int32(0), jnp.zeros_like(right), right, jnp.full((), jnp.inf, right.dtype))
    _, x, residual, _ = lax.while_loop(unfinished, sweep, start)
    return x, jnp.linalg.norm(residual)


def _newton(operator, value, vector, gauge, dimension, limit, floor):
    """One step; not a number where GMRES did not converge, in the value or in any of its derivatives."""
    residual = jnp.append(operator(vector) - value * vector, gauge @ vector - 1)

    def bordered(change):
        step, shift = change[:-1], change[-1]
        return jnp.append(operator(step) - value * step - vector * shift, gauge @ step)

    def solve(product, right):
        norm = jnp.linalg.norm(right)
        room = min(4 * dimension, right.size)  # it is restarted from nothing, and needs more than Arnoldi's method
        found, missed = _gmres(product, right, room, jnp.maximum(limit * norm, 0.1 * floor))
        return jnp.where(missed <= jnp.maximum(1e3 * limit * norm, floor), found, jnp.nan)

    change = lax.custom_linear_solve(bordered, residual, solve, solve)
    return value - change[-1], vector - change[:-1]
