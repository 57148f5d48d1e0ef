"""Solutions of small square systems, differentiable in everything that the equations contain."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

_STEPS = 60


class Root(NamedTuple):
    """u with F(u) = 0, and the largest residual that is left."""

    u: Float[Array, " m"]
    residual: Float[Array, ""]


def frozen(tree: Any) -> Any:
    """The same numbers without derivatives: what a search may use."""
    return jax.tree.map(lambda leaf: jax.lax.stop_gradient(leaf) if eqx.is_inexact_array(leaf) else leaf, tree)


def newton(residual: Callable, u: Float[Array, " m"], largest: Float[Array, " m"] | float) -> Float[Array, " m"]:
    """u - F_u^-1 F(u), again and again; a step is shortened where one of its entries would exceed `largest`.

    It stops where the step is rounding, or grows again there; without derivatives (see `root`).
    """

    def more(carry):
        _, size, before, count = carry
        return (count < _STEPS) & (size > 1e-14) & ~((size < 1e-10) & (size >= before))

    def step(carry):
        u, size, _, count = carry
        change = jnp.linalg.solve(jax.jacfwd(residual)(u), -residual(u))
        ratio = jnp.max(jnp.abs(change) / largest)
        change = change / jnp.maximum(ratio, 1.0)
        return u + change, jnp.max(jnp.abs(change) / (1.0 + jnp.abs(u))), size, count + 1

    infinity = jnp.asarray(jnp.inf, u.dtype)
    return jax.lax.while_loop(more, step, (u, infinity, infinity, 0))[0]


def root(residual: Callable, start: Float[Array, " m"], largest: Float[Array, " m"] | float = 1.0) -> Root:
    """u(theta) with F(u; theta) = 0 by Newton's method; du = -F_u^-1 F_theta dtheta to any order, forward or backward.

    theta is whatever differentiable arrays `residual` refers to. Where Newton's method fails the residual says so.
    """
    solve = lambda f, u: newton(f, u, largest)
    return _rooted(residual, start, solve)


def implicit(residual: Callable, u: Float[Array, " m"]) -> Root:
    """The same derivatives, where u already solves F(u; theta) = 0."""
    return _rooted(residual, u, lambda f, u: u)


def _rooted(residual: Callable, start: Float[Array, " m"], solve: Callable) -> Root:
    tangent_solve = lambda g, y: jnp.linalg.solve(jax.jacfwd(g)(y), y)
    u = jax.lax.custom_root(residual, jax.lax.stop_gradient(start), solve, tangent_solve)
    return Root(u, jnp.max(jnp.abs(residual(jax.lax.stop_gradient(u)))))


def converged(found: Root, tolerance: float = 1e-9) -> Bool[Array, ""]:
    """Whether the residual is rounding; false where it is not a number."""
    return found.residual < tolerance
