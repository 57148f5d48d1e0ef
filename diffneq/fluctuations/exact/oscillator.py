"""Relaxation of a damped oscillator, in one formula for under-, critically and overdamped motion."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

_TERMS = 9  # of the series about critical damping, for |w t|^2 < 1


def relaxation(time: Array, damping_rate: Array, stiffness_per_mass: Array) -> tuple[Array, Array]:
    """phi and psi of x'' + g x' + w0^2 x = 0: phi(0) = 1, phi'(0) = 0; psi(0) = 0, psi'(0) = 1.

    phi = e^{-g t/2} [cos wt + (g/2w) sin wt], psi = e^{-g t/2} sin(wt)/w, w^2 = w0^2 - g^2/4, entire functions of w^2:
    derivatives are right at critical damping too, and strong damping does not overflow. All arguments of one shape.
    """
    half = damping_rate / 2
    square = stiffness_per_mass - half**2
    z = square * time**2
    near, oscillates = jnp.abs(z) < 1.0, square > 0
    even, odd = _series(jnp.where(near, z, 0.0))
    decay = jnp.exp(-half * time)
    w = jnp.sqrt(jnp.where(near | ~oscillates, 1.0, square))
    kappa = jnp.sqrt(jnp.where(near | oscillates, 1.0, -square))
    slow, gap = stiffness_per_mass / (half + kappa), -jnp.expm1(-2 * kappa * time)
    tail = jnp.exp(-jnp.where(near | oscillates, 0.0, slow) * time)
    cosine = jnp.where(near, decay * even, jnp.where(oscillates, decay * jnp.cos(w * time), tail * (1 - gap / 2)))
    sine_w = jnp.where(oscillates, decay * jnp.sin(w * time) / w, tail * gap / (2 * kappa))
    psi = jnp.where(near, decay * time * odd, sine_w)
    return cosine + half * psi, psi


def _series(z: Array) -> tuple[Array, Array]:
    """cos(sqrt z) and sin(sqrt z)/sqrt z."""
    even = odd = jnp.ones_like(z)
    for n in range(_TERMS, 0, -1):
        even = 1 - z * even / (2 * n * (2 * n - 1))
        odd = 1 - z * odd / (2 * n * (2 * n + 1))
    return even, odd


def twice_integrated(time: Array, damping_rate: Array, stiffness_per_mass: Array) -> Array:
    """int_0^t (t - s) phi(s) ds, from the equation of motion; by Gauss quadrature where that would cancel."""
    w2, g = stiffness_per_mass, damping_rate
    short = time * (g + jnp.sqrt(w2)) < 1.0
    nodes, weights = np.polynomial.legendre.leggauss(12)
    fractions = jnp.asarray((nodes + 1) / 2, time.dtype)
    inner = jnp.where(short, time, 0.0)
    phi, _ = relaxation(inner * fractions, jnp.broadcast_to(g, fractions.shape), jnp.broadcast_to(w2, fractions.shape))
    by_quadrature = inner**2 * jnp.sum(jnp.asarray(weights / 2, time.dtype) * (1 - fractions) * phi)
    phi, psi = relaxation(time, g, w2)
    in_closed_form = (g * time + (1 - phi) * (1 - g**2 / w2) - g * psi) / w2
    return jnp.where(short, by_quadrature, in_closed_form)
