"""The potential of a Gaussian charge as a function of the squared distance: what Ewald's sum takes off 1/r.

    G(z) = erf(sqrt z)/sqrt z,      erfc(alpha r)/r = 1/r - alpha G(alpha^2 r^2)

G is an entire function, so a polynomial in z replaces the exponential and the divisions of erfc; what is left of the
pair energy is one reciprocal square root. On a CPU that is several times quicker than erfc, and as exact as asked for.
"""

from __future__ import annotations

from functools import cache, partial
from math import erf, exp, pi, sqrt

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from numpy.polynomial import chebyshev

# Smallest coefficient kept, relative to the largest, in single and in double precision.
_SINGLE, _DOUBLE = 2e-8, 3e-15


def _smeared(z: float) -> float:
    return erf(sqrt(z)) / sqrt(z)


def _smeared_slope(z: float) -> float:
    if z > 0.5:
        return (2 / sqrt(pi) * exp(-z) - _smeared(z)) / (2 * z)
    # erf(sqrt z)/sqrt z = 2/sqrt(pi) sum (-z)^n/(n! (2n + 1)); the closed form would cancel here.
    total, power = 0.0, -2 / sqrt(pi)
    for n in range(1, 25):
        total += power / (2 * n + 1)
        power *= -z / n
    return total


@cache
def _coefficients(derivative: bool, reach: float, tolerance: float) -> tuple[float, ...]:
    """Powers of t = 2 z/reach^2 - 1, highest first, of the shortest Chebyshev series within the tolerance."""
    count = 64
    function = _smeared_slope if derivative else _smeared
    odd = 2 * np.arange(count) + 1
    nodes = np.cos(pi * odd / (2 * count))
    values = np.array([function(reach**2 * (1 + t) / 2) for t in nodes])
    # cos(k arccos t) at the nodes, the angle reduced in integers: rounding would pass for high coefficients.
    turns = np.cos(pi * (np.arange(count)[:, None] * odd[None, :] % (4 * count)) / (2 * count))
    series = 2 / count * turns @ values
    series[0] /= 2
    needed = int(np.max(np.nonzero(np.abs(series) > tolerance * np.max(np.abs(series))))) + 1
    return tuple(float(c) for c in chebyshev.cheb2poly(series[:needed])[::-1])


def _polynomial(derivative: bool, reach: float, z: Array) -> Array:
    tolerance = _DOUBLE if z.dtype == jnp.float64 else _SINGLE
    first, *rest = _coefficients(derivative, reach, tolerance)
    t = jnp.minimum(z, reach**2) * (2 / reach**2) - 1
    total = jnp.full_like(t, first)
    for coefficient in rest:
        total = total * t + coefficient
    return total


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def smeared(reach: float, z: Array) -> Array:
    """G(z) = erf(sqrt z)/sqrt z for 0 <= z <= reach^2; constant beyond. Its derivative is a polynomial of its own.

    >>> round(float(smeared(3.0, jnp.asarray(4.0))), 6), round(erf(2.0) / 2.0, 6)
    (0.497661, 0.497661)
    """
    return _polynomial(False, reach, z)


@smeared.defjvp
def _smeared_jvp(reach, primals, tangents):
    return smeared(reach, primals[0]), _polynomial(True, reach, primals[0]) * tangents[0]


@jax.custom_jvp
def inverse_root(s: Array) -> Array:
    """1/sqrt(s), whose derivative reuses it: JAX's own rule divides again."""
    return lax.rsqrt(s)


@inverse_root.defjvp
def _inverse_root_jvp(primals, tangents):
    root = inverse_root(primals[0])
    return root, -0.5 * (root * root * root) * tangents[0]
