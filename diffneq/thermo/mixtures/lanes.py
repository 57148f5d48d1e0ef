"""Batches of any shape on one axis of lanes, padded so that few programs serve all sizes."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

_LEAST, _WHOLE = 4, 1024


def padded_size(count: int) -> int:
    """The next power of two, at least 4; above 1024 the next multiple of it.

    >>> padded_size(1), padded_size(100), padded_size(2000)
    (4, 128, 2048)
    """
    if count > _WHOLE:
        return _WHOLE * math.ceil(count / _WHOLE)
    return max(_LEAST, 1 << (count - 1).bit_length())


def in_lanes(function: Callable, shape: tuple[int, ...], arguments: Sequence[tuple[Array, int]]) -> Any:
    """`function` of arguments (lanes, ..), and its results, trees of (lanes, ..), back in the `shape` of the batch.

    Arguments: `arguments`, pairs of an array and the number of its own last axes; those before are broadcast to
    `shape`, which must not be empty. Padding repeats the last lane and is cut off again.
    """
    count = math.prod(shape)
    size = padded_size(count)

    def lanes(array, own):
        rest = array.shape[array.ndim - own :]
        flat = jnp.broadcast_to(array, (*shape, *rest)).reshape(count, *rest)
        return jnp.concatenate([flat, jnp.repeat(flat[-1:], size - count, axis=0)])

    result = function(*(lanes(array, own) for array, own in arguments))
    return jax.tree.map(lambda leaf: leaf[:count].reshape(*shape, *leaf.shape[1:]), result)
