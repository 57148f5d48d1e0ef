"""Transition densities p(x' | x; dt) of Langevin models: one Euler step, or a Gaussian whose moments are propagated."""

from __future__ import annotations

from typing import Literal

import jax
import jax.numpy as jnp
from jax import Array, lax

from diffneq.inference.models.base import Langevin

Density = Literal["Gaussian closure", "Euler-Maruyama"]


def moments(model: Langevin, x: Array, dt: Array, substeps: int = 1) -> tuple[Array, Array]:
    """Mean m and covariance P of x(t + dt) given x(t) = x:  dm = a + a'' P/2,  dP = 2 a' P + 2 D + D'' P  (Ito).

    The hierarchy of moments, closed by a Gaussian and integrated by `substeps` Runge-Kutta steps of fourth order.
    Exact up to those steps for linear drift and constant diffusion; beyond, the error is O(dt^2) in the skewness only.

    Arguments: `x` () or (d,); `dt` [t]. Returns () and (), or (d,) and (d, d).

    Source: A. H. Jazwinski, Stochastic Processes and Filtering Theory (Academic Press, 1970), chapter 9.

    >>> from diffneq.inference import ItoPolynomial
    >>> mean, variance = moments(ItoPolynomial((0.0, -1.0), 1.0), jnp.array(1.0), 0.1)
    >>> round(float(mean), 4), round(float(variance), 4)
    (0.9048, 0.1813)
    """
    x = jnp.asarray(x)
    rates = _scalar_rates if x.ndim == 0 else _vector_rates
    h = dt / substeps
    moved = lambda base, slope, by: jax.tree.map(lambda a, b: a + by * b, base, slope)

    def stage(carry, coefficients):
        """One of the four looks of a Runge-Kutta step; a loop over them compiles four times as quickly."""
        base, slope, total = carry
        reach, weight = coefficients
        slope = rates(model, *moved(base, slope, reach * h))
        return (base, slope, moved(total, slope, weight)), None

    def step(state, _):
        zero = jax.tree.map(jnp.zeros_like, state)
        (_, _, slope), _ = lax.scan(stage, (state, zero, zero), (reaches, weights))
        return moved(state, slope, h), None

    reaches, weights = jnp.array([0, 0.5, 0.5, 1], x.dtype), jnp.array([1, 2, 2, 1], x.dtype) / 6
    return lax.scan(step, (x, jnp.zeros(x.shape * 2, x.dtype)), length=substeps)[0]


def _scalar_rates(model: Langevin, m: Array, p: Array) -> tuple[Array, Array]:
    drift, slope, bend = _derivatives(model.ito_drift, m)
    diffusion, _, curvature = _derivatives(model.diffusion, m)
    return drift + bend * p / 2, 2 * slope * p + 2 * diffusion + curvature * p


def _derivatives(law, x: Array) -> tuple[Array, Array, Array]:
    """f, f', f'' of a scalar function."""
    one = jnp.ones_like(x)
    first = lambda y: jax.jvp(law, (y,), (one,))
    (value, slope), (_, bend) = jax.jvp(first, (x,), (one,))
    return value, slope, bend


def _vector_rates(model: Langevin, m: Array, p: Array) -> tuple[Array, Array]:
    jacobian = jax.jacfwd(model.ito_drift)(m)
    bend = jnp.einsum("ijk,jk->i", jax.jacfwd(jax.jacfwd(model.ito_drift))(m), p)
    curvature = jnp.einsum("ijk,jk->i", jax.jacfwd(jax.jacfwd(model.diffusion))(m), p)
    spread = jacobian @ p
    return model.ito_drift(m) + bend / 2, spread + spread.T + jnp.diag(2 * model.diffusion(m) + curvature)


def log_density(model: Langevin, x: Array, to: Array, dt: Array, density: Density, substeps: int = 1) -> Array:
    """ln p(to | x; dt), -inf where the diffusion at x is not positive.

    Arguments: `x`, `to` () or (d,); `density`: "Euler-Maruyama", N(x + a dt, 2 D dt), exact for data of that
    integrator at that step; or "Gaussian closure", `moments`, for data of the continuous process.
    """
    mean, covariance = (
        _euler(model, x, dt) if density == "Euler-Maruyama" else moments(model, x, dt, substeps)
    )  # fmt: skip
    strength = model.diffusion(x)
    sound = jnp.all(strength >= 0) & jnp.any(strength > 0)
    residual = jnp.atleast_1d(to - mean)
    size = residual.shape[0]
    return _gaussian(residual, covariance.reshape(size, size), sound)


def _euler(model: Langevin, x: Array, dt: Array) -> tuple[Array, Array]:
    variance = 2 * model.diffusion(x) * dt
    return x + model.ito_drift(x) * dt, jnp.diag(variance) if x.ndim else variance


def _gaussian(residual: Array, covariance: Array, sound: Array) -> Array:
    """ln N(residual; 0, covariance) by Cholesky's recursion, written out: d is small and there are many."""
    size = residual.shape[0]
    factor: dict[tuple[int, int], Array] = {}
    white: list[Array] = []
    total = jnp.zeros((), residual.dtype)
    for i in range(size):
        for j in range(i):
            inner = sum((factor[i, k] * factor[j, k] for k in range(j)), jnp.zeros((), residual.dtype))
            factor[i, j] = (covariance[i, j] - inner) / factor[j, j]
        pivot = covariance[i, i] - sum((factor[i, k] ** 2 for k in range(i)), jnp.zeros((), residual.dtype))
        sound = sound & (pivot > 0)
        factor[i, i] = jnp.sqrt(jnp.where(pivot > 0, pivot, 1.0))
        inner = sum((factor[i, k] * white[k] for k in range(i)), jnp.zeros((), residual.dtype))
        white.append((residual[i] - inner) / factor[i, i])
        total = total - white[i] ** 2 / 2 - jnp.log(factor[i, i]) - 0.5 * jnp.log(2 * jnp.pi)
    return jnp.where(sound, total, -jnp.inf)
