"""Random numbers that are a pure function of (key, step, particle): Threefry-2x32 as a counter-based generator.

A step draws its noise from the counter (step, particle) under the key of the run, so the numbers do not depend on the
length of a chunk, on the number of replicas or devices, or on an interruption. The generator is the one behind
`jax.random`, written out so that it fuses with the arithmetic that uses it.

Source: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11 (2011):
Threefry-2x32 with 20 rounds passes all batteries of TestU01.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from diffneq.particles import share

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = np.uint32(0x1BD11BDA)

# Polynomials of erfinv(u)/u, highest power first, in w - 2.5 and in sqrt(w) - 3 from w = -log(1 - u^2) = 5 on.
_MIDDLE = (
    2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503, -0.00417768164,
    0.246640727, 1.50140941,
)  # fmt: skip
_OUTSIDE = (
    -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
    1.00167406, 2.83297682,
)  # fmt: skip


def threefry(key: tuple[Array, Array], counter: tuple[Array, Array]) -> tuple[Array, Array]:
    """Two random words for each counter (uint32, any shape) under a key of two words."""
    keys = (key[0], key[1], key[0] ^ key[1] ^ _PARITY)
    first, second = counter[0] + keys[0], counter[1] + keys[1]
    for group in range(5):
        for turn in _ROTATIONS[group % 2]:
            first = first + second
            second = (second << turn) | (second >> (32 - turn))
            second = second ^ first
        first = first + keys[(group + 1) % 3]
        second = second + keys[(group + 2) % 3] + np.uint32(group + 1)
    return first, second


def uniform(bits: Array, dtype) -> Array:
    """Uniform on the open interval (0, 1) from 32 random bits: (n + 1/2) / 2^23 of the top 23 bits, /2^32 in double.

    In single precision n + 1/2 has just 24 bits; with one bit more, the last number would be rounded to one.
    """
    if dtype == np.float64:
        return (bits.astype(dtype) + 0.5) * 2.0**-32
    return ((bits >> 9).astype(jnp.int32).astype(dtype) + 0.5) * dtype.type(2.0**-23)


def normal(bits: Array, dtype) -> Array:
    """Standard normal from 32 random bits: sqrt(2) erfinv(u), u uniform on a symmetric grid of 2^24 points in (-1, 1).

    The grid ends at 5.4 standard deviations; what lies beyond has a probability of 6e-8. In double precision the grid
    has 2^32 points and ends at 6.3.
    """
    if dtype == np.float64:
        u = (bits.astype(dtype) - (2.0**31 - 0.5)) * 2.0**-31
        return np.sqrt(2.0) * lax.erf_inv(u)
    centred = (bits >> 8).astype(jnp.int32) - 2**23
    return dtype.type(np.sqrt(2.0)) * _erf_inv((centred.astype(dtype) + 0.5) * dtype.type(2.0**-23))


def _erf_inv(u: Array) -> Array:
    """erfinv in single precision, error of the normal below 1e-6 on the grid of `normal`.

    Twice as quick as `lax.erf_inv`, and closer: there (1 - u)(1 + u) needs no log1p, as both factors are exact.
    Source: M. Giles, "Approximating the erfinv function", GPU Computing Gems Jade Edition (2011), table 5.
    """
    w = -jnp.log((1 - u) * (1 + u))
    tail = w >= 5
    t = jnp.where(tail, jnp.sqrt(w) - 3, w - 2.5)
    value = jnp.zeros_like(u)
    for middle, outside in zip(_MIDDLE, _OUTSIDE, strict=True):
        value = value * t + jnp.where(tail, np.float32(outside), np.float32(middle))
    return value * u


def words(key: Array, step: Array, stream: int, first: int, count: int) -> tuple[Array, Array]:
    """Two words for each of the particles first, ..., first + count - 1; each `stream` of a step is independent.

    Arguments:
        key: (2,) uint32 key data of the run.
        step: scalar, the step number (below 2^32).
        stream: 0 <= stream < 8, which draw of the step.
        first, count: static range of particles, below 2^29.
    """
    particle = jnp.arange(first, first + count, dtype=jnp.uint32) + np.uint32(stream << 29)
    if share.is_split():  # the particles of one device are numbered within the whole system
        particle = particle + share.first(count).astype(jnp.uint32)
    return threefry((key[0], key[1]), (jnp.broadcast_to(step.astype(jnp.uint32), (count,)), particle))


def normals(key: Array, step: Array, stream: int, first: int, count: int, dimension: int, dtype) -> tuple[Array, ...]:
    """`dimension` independent standard normals for each particle, d arrays (count,); uses (d + 1) // 2 streams."""
    bits = ()
    for pair in range((dimension + 1) // 2):
        bits += words(key, step, stream + pair, first, count)
    return tuple(normal(b, np.dtype(dtype)) for b in bits[:dimension])
