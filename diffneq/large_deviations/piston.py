"""Rayleigh's piston at long times, from its master equation: the tilted generator in a Hermite basis."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from diffneq.large_deviations.cumulants import linear_tilt_cumulants
from diffneq.large_deviations.eigenvalue import leading_eigenvalue, leading_eigenvector
from diffneq.models.piston import Piston

_FAR = 12.0  # thermal speeds beyond which there is no gas: phi(12) = 2e-32


class PistonGenerator(eqx.Module):
    """(L_s g)(V) = sum_b int r_b(V, dv) [g(V + a (v - V)) - g(V)] + s V g(V), as a matrix in a basis of polynomials.

    Galerkin's method with the Hermite polynomials that are orthonormal under the Gaussian of variance sqrt(T_L T_R)/M,
    the leading-order law of V. Gauss-Hermite quadrature in V, Gauss-Legendre in the velocity of the gas. The leading
    eigenvalue is theta(s) = lim ln<exp(s X_t)>/t of the displacement X_t. Differentiable in s and in the piston.

    Arguments:
        piston: its precision is that of the matrices; eight digits need double precision.
        size: number of polynomials; 32 give theta'''' to ten digits for m/M <= 0.1 and T_R/T_L up to 4.

    Raises:
        ValueError: for fewer than 4 polynomials.

    >>> generator = PistonGenerator(Piston(0.01, (2.0, 2.0)), size=8)
    >>> generator.untilted.shape
    (8, 8)
    """

    untilted: Array
    velocity: Array
    scale: Array
    domain: tuple[Array, Array]

    def __init__(self, piston: Piston, size: int = 32):
        if size < 4:
            raise ValueError(f"PistonGenerator: size must be 4 or more, got {size}.")
        self.scale = jnp.sqrt(piston.temperature / piston.mass)
        left, right = piston.densities
        self.domain = -piston.area * left, piston.area * right
        self.untilted = _untilted(piston, self.scale, size)
        steps = jnp.sqrt(jnp.arange(1, size, dtype=self.scale.dtype))
        self.velocity = self.scale * (jnp.diag(steps, 1) + jnp.diag(steps, -1))

    def scgf(self, tilt) -> Array:
        """theta(s), a scalar [1/time]; `tilt` s [1/length]; infinite outside the `domain`."""
        inside = (tilt > self.domain[0]) & (tilt < self.domain[1])
        theta = leading_eigenvalue(self.untilted + jnp.where(inside, tilt, 0) * self.velocity)
        return jnp.where(inside, theta, jnp.inf)

    def cumulant_rates(self, order: int = 4) -> Array:
        """lim kappa_n(X_t)/t for n = 1, ..., order, (order,) [length^n/time]."""
        return linear_tilt_cumulants(self.untilted, self.velocity, order)

    def moments(self) -> tuple[Array, Array]:
        """Stationary <V> and <V^2> - <V>^2: the left eigenvector of L at zero holds the means of the polynomials."""
        means = leading_eigenvector(self.untilted.T)
        means = means / means[0]
        mean = self.scale * means[1]
        return mean, self.scale**2 * (1 + np.sqrt(2) * means[2]) - mean**2


def _untilted(piston: Piston, scale: Array, size: int) -> Array:
    """<h_m, L h_n> under the Gaussian weight, (size, size)."""
    dtype = scale.dtype
    nodes, weights = np.polynomial.hermite_e.hermegauss(2 * size + 16)
    points, shares = np.polynomial.legendre.leggauss(2 * size + 32)
    nodes, weights = jnp.asarray(nodes, dtype), jnp.asarray(weights / np.sqrt(2 * np.pi), dtype)
    part, share = jnp.asarray((points + 1) / 2, dtype), jnp.asarray(shares / 2, dtype)
    here = _hermite(nodes, size)  # (size, Q)
    image = jnp.zeros_like(here)
    for side, speed, density in zip((1, -1), piston.thermal_speeds, piston.densities, strict=True):
        x = side * scale * nodes / speed
        reach = _FAR + jnp.maximum(-x, 0)
        w = reach[:, None] * part[None, :]
        flux = w * jnp.exp(-0.5 * (x[:, None] + w) ** 2) * (reach[:, None] * share[None, :] / np.sqrt(2 * np.pi))
        moved = nodes[:, None] + side * piston.exchange * speed / scale * w
        jump = _hermite(moved, size) - here[:, :, None]
        image = image + piston.area * density * speed * jnp.einsum("qw,nqw->nq", flux, jump)
    return jnp.einsum("q,mq,nq->mn", weights, here, image)


def _hermite(u: Array, size: int) -> Array:
    """He_n(u)/sqrt(n!) for n < size, stacked in front."""

    def up(pair, n):
        below, here = pair
        return (here, (u * here - jnp.sqrt(n) * below) / jnp.sqrt(n + 1)), below

    first = (jnp.ones_like(u), u)
    return lax.scan(up, first, jnp.arange(1, size + 1, dtype=u.dtype))[1]
