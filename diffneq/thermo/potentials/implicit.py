"""Solutions of equations as functions of everything that the equations mention, by the implicit function theorem."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array

Unknowns = Sequence[Array]


def rooted(residual: Callable[[tuple[Array, ...]], Unknowns], solution: Unknowns) -> tuple[Array, ...]:
    """z with F(z; theta) = 0, and dz = -F_z^-1 F_theta dtheta for every theta that `residual` refers to.

    Nothing is solved here: `solution` comes from whatever found it, and is returned unchanged. The rule applies to
    itself, so that derivatives of any order follow, forward and backward.

    Arguments: `residual`, of a tuple of n arrays of one shape, to n arrays of that shape, where every element of a
    residual depends on the same element of the unknowns only (lanes); `solution`, the n arrays.

    >>> with jax.enable_x64(True):
    ...     cube_root = lambda a: rooted(lambda z: (z[0] ** 3 - a,), (jax.lax.stop_gradient(a) ** (1 / 3),))[0]
    ...     print(jax.grad(jax.grad(cube_root))(8.0).round(6))  # -(2/9) 8^(-5/3)
    -0.006944
    """
    start = tuple(jax.lax.stop_gradient(jnp.asarray(z)) for z in solution)
    return jax.lax.custom_root(lambda z: tuple(residual(z)), start, lambda _, z: z, _solve_lanes)


def _solve_lanes(linear: Callable, right: tuple[Array, ...]) -> tuple[Array, ...]:
    """x with linear(x) = right, lane by lane."""
    n = len(right)
    unit = lambda k: tuple(jnp.full_like(r, 1.0 if j == k else 0.0) for j, r in enumerate(right))
    columns = [jnp.stack(linear(unit(k)), axis=-1) for k in range(n)]
    if n == 1:
        return (right[0] / columns[0][..., 0],)
    solved = jnp.linalg.solve(jnp.stack(columns, axis=-1), jnp.stack(right, axis=-1)[..., None])
    return tuple(solved[..., k, 0] for k in range(n))


def rooted_system(residual: Callable[[Array], Array], solution: Array) -> Array:
    """`rooted` for one system of n coupled equations, F: (n,) -> (n,); batches come by `jax.vmap`."""
    solve = lambda linear, right: jnp.linalg.solve(jax.jacobian(linear)(right), right)
    return jax.lax.custom_root(residual, jax.lax.stop_gradient(solution), lambda _, z: z, solve)
