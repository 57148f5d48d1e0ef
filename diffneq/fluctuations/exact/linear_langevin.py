"""Linear Langevin equations: covariance, currents, entropy production and exact sampling."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.linalg import expm

from diffneq._parameters import check_finite, check_positive, concrete, float_leaf


class LinearLangevin(eqx.Module):
    """x' = A x + sqrt(2 D) xi, all eigenvalues of A with negative real part.

    The steady state is normal with A C + C A^T = -2 D; J(x) = (A + D C^{-1}) x p(x); the thermodynamic force
    F(x) = D^{-1} (A + D C^{-1}) x makes the total entropy, dS = F o dx, at the rate
    sigma = <F.D F> = tr(A^T D^{-1} A C) + tr A.

    Arguments:
        drift: A (d, d) [1/time].
        diffusion: D (d, d), symmetric and positive definite, or (d,) for a diagonal one [length^2/time].

    Raises:
        ValueError: for other shapes, a diffusion that is not positive, or a drift without a steady state.

    Source: H. Risken, The Fokker-Planck Equation, section 6.5 (1989); for sigma, U. Seifert, Rep. Prog. Phys. 75,
    126001 (2012).

    >>> chain = LinearLangevin([[-2.0, 1.0], [1.0, -2.0]], diffusion=[1.0, 10.0])
    >>> f"{float(chain.entropy_production()):.4f}"
    '2.0250'
    """

    drift: Array
    diffusion: Array

    def __init__(self, drift, diffusion):
        self.drift, given = float_leaf(drift), float_leaf(diffusion)
        check_finite("LinearLangevin", drift=self.drift, diffusion=given)
        self.diffusion = jnp.diag(given) if given.ndim == 1 else given
        shape = self.drift.shape
        if len(shape) != 2 or shape[0] != shape[1] or self.diffusion.shape != shape:
            raise ValueError(
                f"LinearLangevin: drift (d, d) and diffusion (d, d) or (d,) are needed, got {shape} and {given.shape}."
            )
        matrix, slopes = concrete(self.diffusion), concrete(self.drift)
        if matrix is not None:
            if not np.allclose(matrix, matrix.T, rtol=1e-5, atol=0):
                raise ValueError("LinearLangevin: the diffusion matrix must be symmetric.")
            check_positive("LinearLangevin", diffusion_eigenvalues=jnp.asarray(np.linalg.eigvalsh(matrix)))
        if slopes is not None and np.linalg.eigvals(slopes).real.max() >= 0:
            raise ValueError("LinearLangevin: the drift has no steady state, an eigenvalue is not negative.")

    @property
    def dimension(self) -> int:
        return self.drift.shape[0]

    @eqx.filter_jit
    def covariance(self) -> Array:
        """C of A C + C A^T = -2 D, (d, d), by one linear system; differentiable."""
        one = jnp.eye(self.dimension, dtype=self.drift.dtype)
        operator = jnp.kron(self.drift, one) + jnp.kron(one, self.drift)
        return jnp.linalg.solve(operator, -2 * self.diffusion.reshape(-1)).reshape(self.drift.shape)

    def mean_velocity(self) -> Array:
        """A + D C^{-1}, (d, d) [1/time]: applied to x it is J(x)/p(x). It vanishes in detailed balance."""
        return self.drift + jnp.linalg.solve(self.covariance(), self.diffusion).T

    def thermodynamic_force(self) -> Array:
        """D^{-1} (A + D C^{-1}), (d, d): applied to x it is F(x)."""
        return jnp.linalg.solve(self.diffusion, self.mean_velocity())

    @eqx.filter_jit
    def entropy_production(self) -> Array:
        """sigma [1/time]."""
        velocity = self.mean_velocity()
        return jnp.trace(jnp.linalg.solve(self.diffusion, velocity) @ self.covariance() @ velocity.T)

    def probability_current(self, x) -> Array:
        """J(x) at one place x (d,), (d,)."""
        logs = jax.scipy.stats.multivariate_normal.logpdf(x, jnp.zeros_like(x), self.covariance())
        return self.mean_velocity() @ x * jnp.exp(logs)

    def propagator(self, dt) -> tuple[Array, Array]:
        """x(t + dt) = G x(t) + noise of covariance S, exactly: G = e^{A dt}, S = C - G C G^T."""
        step, steady = expm(self.drift * dt), self.covariance()
        return step, steady - step @ steady @ step.T

    @eqx.filter_jit
    def sampled_entropy_production(self, dt) -> Array:
        """What a record with an interval dt can tell: <ln p(x, x')/p(x', x)>/dt <= sigma, equal for dt -> 0."""
        step, _ = self.propagator(dt)
        steady = self.covariance()
        cross = step @ steady  # <x' x^T>
        forward = jnp.block([[steady, cross.T], [cross, steady]])
        backward = jnp.block([[steady, cross], [cross.T, steady]])
        # both have the same determinant
        return (jnp.trace(jnp.linalg.solve(backward, forward)) - 2 * self.dimension) / (2 * dt)

    def step_entropy(self, x, later, dt) -> Array:
        """ln p(x, x')/p(x', x) of one step of any length, x and x' (d,): <e^{-S}> = 1, its sum along a record too."""
        step, noise = self.propagator(dt)
        steady = self.covariance()
        square = lambda matrix, y: y @ jnp.linalg.solve(matrix, y)
        medium = square(noise, x - step @ later) - square(noise, later - step @ x)
        return (medium + square(steady, later) - square(steady, x)) / 2

    @eqx.filter_jit
    def trajectories(self, key: Array, dt, records: int, trajectories: int) -> Array:
        """Records from the steady state, (trajectories, records, d), exact whatever dt."""
        step, noise = self.propagator(dt)
        factor, start_key = jnp.linalg.cholesky(noise), jax.random.fold_in(key, 0)
        shape = (trajectories, self.dimension)
        start = jax.random.normal(start_key, shape, self.drift.dtype) @ jnp.linalg.cholesky(self.covariance()).T

        def one(x, number):
            xi = jax.random.normal(jax.random.fold_in(key, number), shape, self.drift.dtype)
            later = x @ step.T + xi @ factor.T
            return later, later

        _, rest = jax.lax.scan(one, start, jnp.arange(1, records))
        return jnp.concatenate([start[None], rest]).swapaxes(0, 1)
