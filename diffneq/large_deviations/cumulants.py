"""From a scaled cumulant generating function to cumulant rates and to the rate function."""

from __future__ import annotations

from collections.abc import Callable
from math import factorial

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.linalg import lu_factor, lu_solve

from diffneq.large_deviations.eigenvalue import leading_pair


def cumulant_rates(theta: Callable[[Array], Array], order: int = 4) -> Array:
    """kappa_n = d^n theta/ds^n at s = 0, theta(s) = lim ln<exp(s X_t)>/t: the limits of the cumulants of X_t over t.

    Arguments: `theta`, differentiable; `order` n of the highest, static. Returns (order,). Differentiable once more
    with respect to whatever theta depends on.

    >>> cumulant_rates(lambda s: 2 * (jnp.exp(s) - 1) + jnp.exp(-s) - 1).tolist()      # Poisson: rates 2 and 1
    [1.0, 3.0, 1.0, 3.0]
    """
    if order < 1:
        raise ValueError(f"cumulant_rates: order must be 1 or more, got {order}.")
    found, derivative, zero = [], theta, jnp.zeros(())
    for _ in range(order):
        derivative = jax.jacfwd(derivative)
        found.append(derivative(zero))
    return jnp.stack(found)


def rate_function(theta: Callable[[Array], Array], tilts: Array) -> tuple[Array, Array]:
    """I(j) = s j - theta(s) at j = theta'(s), the Legendre transform: P(X_t/t near j) ~ exp(-t I(j)).

    Arguments: `theta`, differentiable and convex; `tilts` s (n,).
    Returns: currents j (n,) and rates I(j) (n,) [1/time]; s = 0 gives the mean current, where I = 0.

    Source: H. Touchette, Phys. Rep. 478, 1 (2009).

    >>> current, rate = rate_function(lambda s: s + s**2, jnp.array([-0.5, 0.0, 0.5]))       # I = (j - 1)^2/4
    >>> current.tolist(), rate.tolist()
    ([0.0, 1.0, 2.0], [0.25, 0.0, 0.25])
    """
    tilts = jnp.asarray(tilts)
    if tilts.ndim != 1:
        raise ValueError(f"rate_function: tilts are one array (n,), got shape {tilts.shape}.")
    value, slope = jax.vmap(jax.value_and_grad(theta))(tilts)
    return slope, tilts * slope - value


def linear_tilt_cumulants(generator: Array, observable: Array, order: int = 4) -> Array:
    """kappa_n = n! theta_n, where (A + s B)(r_0 + s r_1 + ...) = (theta_0 + s theta_1 + ...)(r_0 + s r_1 + ...).

    What `cumulant_rates` gives for theta(s) = leading eigenvalue of A + s B, the time integral of an observable B, by
    the perturbation series: one factorisation serves all orders, and it compiles in a tenth of the time.

    Arguments: `generator` A and `observable` B (n, n); `order` of the highest cumulant, static. Returns (order,).

    >>> hop = jnp.array([[-1.0, 1.0], [1.0, -1.0]])                       # telegraph noise of +-1: kappa_2 = 1
    >>> [round(float(k), 5) + 0.0 for k in linear_tilt_cumulants(hop, jnp.diag(jnp.array([1.0, -1.0])), 4)]
    [0.0, 1.0, 0.0, -3.0]
    """
    if order < 1:
        raise ValueError(f"linear_tilt_cumulants: order must be 1 or more, got {order}.")
    value, vector = leading_pair(generator)
    gauge = vector / (vector @ vector)
    block = generator - value * jnp.eye(len(generator), dtype=generator.dtype)
    corner = jnp.zeros((1, 1), generator.dtype)
    factors = lu_factor(jnp.block([[block, -vector[:, None]], [gauge[None, :], corner]]))
    values, vectors = [], [vector]
    for n in range(1, order + 1):
        known = sum((values[k - 1] * vectors[n - k] for k in range(1, n)), -(observable @ vectors[n - 1]))
        found = lu_solve(factors, jnp.append(known, jnp.zeros((), generator.dtype)))
        values.append(found[-1])
        vectors.append(found[:-1])
    return jnp.stack([factorial(n) * value for n, value in enumerate(values, 1)])
