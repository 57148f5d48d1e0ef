"""Normal numbers that are a pure function of (key, step, trajectory): chunks, blocks and devices do not change them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq.dynamics.noise import normal, threefry

Words = tuple[Array, Array]


def words_of(key: Array, purpose: int) -> Words:
    """Key data for one purpose of a typed key."""
    data = jax.random.key_data(jax.random.fold_in(key, purpose)).reshape(-1)
    return data[0], data[1]


def calls_a_step(count: int) -> int:
    """Calls of the generator that `count` normals a step take; one call makes two."""
    return max(1, (count + 1) // 2)


def of_step(key: Words, step: Array, trajectory: Array, count: int, dtype) -> list[Array]:
    """`count` normals of one step of one trajectory; step and trajectory are uint32 scalars."""
    dtype = np.dtype(dtype)
    if count == 1:  # two steps share a call
        first, second = threefry(key, (step // 2, trajectory))
        return [normal(jnp.where(step % 2 == 0, first, second), dtype)]
    calls = calls_a_step(count)
    bits: tuple[Array, ...] = ()
    for call in range(calls):
        bits += threefry(key, (step, trajectory * np.uint32(calls) + np.uint32(call)))
    return [normal(b, dtype) for b in bits[:count]]


def of_steps(key: Words, first: Array, steps: int, trajectory: Array, count: int, dtype, even: bool):
    """The same for `steps` steps from `first` on; where that is even, what two steps share is made once."""
    if count != 1 or not even:
        return [of_step(key, first + np.uint32(i), trajectory, count, dtype) for i in range(steps)]
    bits: tuple[Array, ...] = ()
    for pair in range((steps + 1) // 2):
        bits += threefry(key, (first // 2 + np.uint32(pair), trajectory))
    return [[normal(b, np.dtype(dtype))] for b in bits[:steps]]
