"""Gas particles that reach a moving surface: moments and samples of the flux-weighted Maxwell velocity.

With velocities in units of the thermal speed sqrt(k_B T/m), a surface that recedes from the gas at speed x is reached
by particles of relative velocity w > 0 with the density w phi(x + w)/I_1(x), phi the standard normal density.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

_HALLEY_STEPS = 2


def flux_moment(recession: Array, order: int) -> Array:
    """I_k(x) = int_0^inf w^k phi(x + w) dw, by I_{k+1} = k I_{k-1} - x I_k from I_0 = erfc(x/sqrt 2)/2.

    Arguments: `recession` x, any shape [thermal speeds]; `order` k = 0, 1, 2, ..., static. I_1 is the rate at which
    the surface is reached, per area, density and thermal speed. Two neighbouring terms cancel where x is large and
    positive: there the result has an error of about x^(2k) machine epsilons of itself, and the flux is exponentially
    small.

    >>> round(float(flux_moment(jnp.array(0.0), 1)), 4)                       # 1/sqrt(2 pi)
    0.3989
    """
    x = jnp.asarray(recession)
    below = _upper_tail(x)
    if order == 0:
        return below
    here = _normal_density(x) - x * below
    for k in range(1, order):
        below, here = here, k * below - x * here
    return here


def effusion_velocity(recession: Array, survival: Array) -> Array:
    """w with S(w) = survival, where S(w) = [phi(z) - x Q(z)]/I_1(x), z = x + w: the inverse of the distribution.

    Q is the upper tail of the normal distribution. Two steps of Halley's method on k(w) = sqrt(-2 ln S), which is
    nearly a straight line in w (exactly so for x = 0) and starts close: no branches, and an error below 1e-5 for all x.

    Arguments: `recession` x and `survival` in (0, 1), uniform for a random sample, of one shape and floating type.

    >>> round(float(effusion_velocity(jnp.array(0.0), jnp.array(0.5))), 4)     # Rayleigh: sqrt(2 ln 2)
    1.1774
    """
    x, flux = recession, flux_moment(recession, 1)
    limits = jnp.finfo(x.dtype)
    wanted = jnp.sqrt(-2 * jnp.log(survival))
    w = _first_guess(x, survival, wanted, flux)
    for _ in range(_HALLEY_STEPS):
        z = x + w
        density = _normal_density(z)
        beyond = jnp.maximum(density - x * _upper_tail(z), limits.tiny)
        reached = jnp.sqrt(2 * jnp.maximum(jnp.log(flux / beyond), limits.eps**2))
        hazard = w * density / beyond
        slope = jnp.maximum(hazard / reached, limits.tiny)
        bend = 1 / w - z + hazard - slope / reached  # k''/k'
        step = (wanted - reached) / slope
        w = jnp.clip(w + step / jnp.maximum(1 + 0.5 * step * bend, 0.5), 0.5 * w, 2 * w)
    return w


def _first_guess(x: Array, survival: Array, rayleigh: Array, flux: Array) -> Array:
    """First order in x about the Rayleigh distribution; against a fast surface, nearly a normal distribution."""
    room = rayleigh + 1.6
    slow = jnp.where(x > 0, rayleigh * room / (room + x), rayleigh * (room - x) / room)
    # C. Hastings' quantile (M. Abramowitz, I. Stegun, 26.2.22) for the tail, and the other one by symmetry
    t = jnp.sqrt(-2 * jnp.log(jnp.minimum(survival, 1 - survival)))
    quantile = t - (2.30753 + 0.27061 * t) / (1 + 0.99229 * t + 0.04481 * t * t)
    quantile = jnp.where(survival < 0.5, quantile, -quantile)
    fast = jnp.maximum(-x, 1)
    body = fast + 1 / fast + quantile * jnp.sqrt(1 - 1 / (fast * fast + 1))
    start = rayleigh * jnp.sqrt(flux / jnp.maximum(_normal_density(x), jnp.finfo(x.dtype).tiny))  # of the slowest
    return jnp.where(x < -1.5, jnp.maximum(jnp.maximum(body, jnp.minimum(start, 0.4)), slow), slow)


def _upper_tail(x: Array) -> Array:
    return 0.5 * lax.erfc(x * np.sqrt(0.5).astype(x.dtype))


def _normal_density(x: Array) -> Array:
    return jnp.exp(-0.5 * x * x) * np.sqrt(0.5 / np.pi).astype(x.dtype)
