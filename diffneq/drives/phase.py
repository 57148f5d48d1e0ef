"""Phases in integers: fractions of a cycle as 64-bit fixed point, carried in two uint32 limbs.

A phase f*t computed in floats is lost after millions of steps: at step 10^8 single precision has nothing left
of it modulo one. Integers wrap around exactly, and one cycle being 2^64 makes the wrap the modulo. Two limbs
of 32 bits because JAX has 64-bit integers only when x64 is on.
"""

import jax.numpy as jnp
from jaxtyping import Array

Fixed = tuple[Array, Array]  # (high, low), both uint32: the fraction high/2^32 + low/2^64 of a cycle


def from_float(x: Array) -> Fixed:
    """x modulo one. No rounding: a float has too few bits for it, unless |x| < 2^-40 (2^-11 in double)."""
    size = jnp.abs(x)
    fraction = size - jnp.floor(size)
    high = jnp.floor(fraction * 2.0**32)
    low = jnp.floor((fraction * 2.0**32 - high) * 2.0**32)
    return _negate_where(x < 0, (high.astype(jnp.uint32), low.astype(jnp.uint32)))


def reciprocal(n: Array) -> Fixed:
    """1/n, rounded down at 2^-64, for whole numbers 1 <= n <= 2^22 (uint32)."""
    top = jnp.uint32(0xFFFFFFFF)
    # 2^32 itself does not fit, so divide 2^32 - 1 and mend the one case where that differs
    high = top // n + (top % n == n - 1).astype(jnp.uint32)
    rest = jnp.uint32(0) - high * n
    low = jnp.zeros_like(n)
    for bits in (10, 10, 10, 2):  # rest < n <= 2^22, so ten bits at a time never overflow
        rest = rest << bits
        low = (low << bits) | (rest // n)
        rest = rest % n
    return high, low


def times(phase: Fixed, n: Array) -> Fixed:
    """n * phase modulo one, exactly, for whole numbers n (uint32)."""
    high, low = phase
    return high * n + _high_product(low, n), low * n


def to_float(phase: Fixed, dtype) -> Array:
    """The phase in [0, 1), rounded down: never 1.0."""
    high, low = phase
    if jnp.dtype(dtype) == jnp.float64:
        return high.astype(dtype) * 2.0**-32 + (low >> 11).astype(dtype) * 2.0**-53
    return ((high >> 8).astype(jnp.float32) * 2.0**-24).astype(dtype)


def _high_product(a: Array, b: Array) -> Array:
    """The upper 32 bits of the 64-bit product a*b, from products of 16-bit halves."""
    mask = jnp.uint32(0xFFFF)
    a_low, a_high, b_low, b_high = a & mask, a >> 16, b & mask, b >> 16
    first = a_high * b_low + ((a_low * b_low) >> 16)
    second = a_low * b_high + (first & mask)
    return a_high * b_high + (first >> 16) + (second >> 16)


def _negate_where(negative: Array, phase: Fixed) -> Fixed:
    high, low = phase
    minus_low = ~low + jnp.uint32(1)
    minus_high = ~high + (low == 0).astype(jnp.uint32)
    return jnp.where(negative, minus_high, high), jnp.where(negative, minus_low, low)
