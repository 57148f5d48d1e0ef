"""The long time of one Langevin variable: cumulants of its integral, from the tilted generator."""

from __future__ import annotations

from math import factorial

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array

from diffneq.inference.long_time.basis import Basis, density
from diffneq.inference.models import Langevin
from diffneq.large_deviations import leading_eigenvalue


def _matrices(model: Langevin, made: Basis) -> tuple[Array, Array, Array]:
    """<f f'>, <f x f'> and <df D df'> in the stationary density.

    The generator L = a d + D d^2 is symmetric in it: <f L f'> = -<df D df'>, whatever a and D > 0.
    """
    mass = made.weights * density(model, made)
    diffusion = jax.vmap(model.diffusion)(made.nodes)
    weighted = lambda f, by, g: jnp.einsum("ni,n,nj->ij", f, by, g)
    overlap = weighted(made.values, mass, made.values)
    place = weighted(made.values, mass * made.nodes, made.values)
    return overlap, place, weighted(made.slopes, mass * diffusion, made.slopes)


@eqx.filter_jit
def langevin_cumulant_rates(model: Langevin, made: Basis, orders: int = 4) -> Array:
    """lim kappa_n[X_t]/t, X_t = int_0^t x ds: the n-th derivatives at s = 0 of theta(s), (L + s x) r = theta r.

    By perturbation theory in s: one matrix is factorised for all orders. Differentiable in the parameters.

    Arguments: `made`, `basis(model)` of this model or of one nearby; `orders`, static. Returns (orders,) [x^n t^(n-1)],
    NaN where the diffusion is not positive.

    >>> from diffneq.inference import ItoPolynomial, basis
    >>> model = ItoPolynomial((0.5, -1.0), 1.0)                    # kappa_1 = 1/2, kappa_2 = 2 D/k^2 = 2
    >>> [round(float(rate), 3) for rate in langevin_cumulant_rates(model, basis(model), 2)]
    [0.5, 2.0]
    """
    overlap, place, stiffness = _matrices(model, made)
    # f_0 is constant: the stiffness has no part on it, and r_n is taken without it for n > 0
    inverse = jnp.linalg.inv(stiffness[1:, 1:])
    vectors = [jnp.zeros(len(stiffness), stiffness.dtype).at[0].set(1.0)]
    thetas: list[Array] = []
    for n in range(1, orders + 1):
        source = place @ vectors[n - 1]
        source = source - sum(thetas[j - 1] * (overlap @ vectors[n - j]) for j in range(1, n))
        thetas.append(source[0] / overlap[0, 0])
        source = source - thetas[n - 1] * (overlap @ vectors[0])
        vectors.append(jnp.concatenate([jnp.zeros(1, source.dtype), inverse @ source[1:]]))
    return jnp.stack([factorial(n) * theta for n, theta in enumerate(thetas, start=1)])


@eqx.filter_jit
def scaled_cumulant_generating_function(model: Langevin, made: Basis, s: Array) -> Array:
    """theta(s) = lim ln <exp(s X_t)>/t, X_t = int_0^t x ds: the leading eigenvalue of L + s x, for each s (k,).

    Differentiable in s and in the parameters. The basis resolves fields that shift the density by a few widths.

    Source: J. L. Lebowitz, H. Spohn, J. Stat. Phys. 95, 333 (1999).

    >>> from diffneq.inference import ItoPolynomial, basis
    >>> model = ItoPolynomial((0.0, -1.0), 1.0)
    >>> round(float(scaled_cumulant_generating_function(model, basis(model), jnp.array([0.5]))[0]), 3)
    0.25
    """
    overlap, place, stiffness = _matrices(model, made)
    generator = lambda field: jnp.linalg.solve(overlap, field * place - stiffness)
    return jnp.stack([leading_eigenvalue(generator(field)) for field in jnp.atleast_1d(s)])


@eqx.filter_jit
def stationary_moments(model: Langevin, made: Basis) -> Array:
    """(<x>, <x^2> - <x>^2) of the stationary density, (2,)."""
    mass = made.weights * density(model, made)
    mean = mass @ made.nodes
    return jnp.stack([mean, mass @ (made.nodes - mean) ** 2])
