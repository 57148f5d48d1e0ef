"""The leading eigenvalue of an operator known only by its products, with derivatives of any order."""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.scipy.sparse.linalg import gmres

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
        dimension: of the Krylov space, and of that of GMRES; static.
        restarts: at most so many, each with `dimension` products.
        tolerance: of the residual, relative to the size of A; default 1e-11, 1e-5 in single precision.

    Returns: scalar; NaN where the residual did not come below the tolerance.

    Source: Y. Saad, Numerical Methods for Large Eigenvalue Problems (SIAM, 2011), ch. 6; Y. Saad, M. H. Schultz, SIAM J.
    Sci. Stat. Comput. 7, 856 (1986).

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
        value, vector = _newton(closed, value, vector, gauge, dimension, limit)
    return jnp.where(residual <= limit * size, value, jnp.nan)


def _arnoldi(operator, start, dimension, restarts, limit):
    """theta, its unit vector, the norm of the residual, and a measure of the norm of A."""

    def unfinished(carried):
        count, _, _, residual, size = carried
        return (count < restarts) & ~(residual <= limit * size)

    def sweep(carried):
        count, _, vector, _, _ = carried
        basis, square, last = _krylov(operator, vector, dimension)
        values, vectors = jnp.linalg.eig(square)
        first = jnp.argmax(values.real)
        coordinates = vectors[:, first]
        coordinates = coordinates / coordinates[jnp.argmax(jnp.abs(coordinates))]
        # a complex pair has no real vector; its real part is a start as good as any
        coordinates = coordinates.real / jnp.linalg.norm(coordinates.real)
        vector = coordinates @ basis
        residual = jnp.abs(last * coordinates[-1]) + jnp.abs(values[first].imag)
        return count + 1, values[first].real, vector / jnp.linalg.norm(vector), residual, jnp.max(jnp.abs(values))

    number = jnp.zeros((), start.dtype)
    initial = (jnp.int32(0), number, start / jnp.linalg.norm(start), jnp.full_like(number, jnp.inf), number)
    return lax.while_loop(unfinished, sweep, initial)[1:]


def _krylov(operator, vector, dimension):
    """An orthonormal basis (k, n) of the Krylov space, A in it, and the norm of what sticks out."""

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
    basis, square = lax.fori_loop(0, dimension, extend, (basis, square))
    # rows beyond an invariant space would be eigenvalues zero: they are sent far to the left
    empty = jnp.all(basis[:-1] == 0, axis=1)
    far = -10 * jnp.max(jnp.abs(square)) - 1
    return basis[:-1], square[:-1] + jnp.diag(jnp.where(empty, far, 0)), square[-1, -1]


def _newton(operator, value, vector, gauge, dimension, limit):
    residual = (operator(vector) - value * vector, gauge @ vector - 1)

    def bordered(change):
        step, shift = change
        return operator(step) - value * step - vector * shift, gauge @ step

    (step, shift), _ = gmres(bordered, residual, tol=limit, atol=0.0, restart=dimension, solve_method="batched")
    return value - shift, vector - step
