"""Padded sizes: few shapes, so that many databases, and any number of conditions, share one executable."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np


def bucket(n: int) -> int:
    """The smallest of 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, ... that is at least n.

    >>> [bucket(n) for n in (1, 5, 7, 13, 100)]
    [1, 6, 8, 16, 128]
    """
    size = 1
    while size < n:
        half = size + size // 2
        if size % 2 == 0 and half >= n:
            return half
        size *= 2
    return size


def in_calls_of(size: int, count: int, function: Callable[[np.ndarray], Any], axis: int = -1) -> Any:
    """function(places) for all places below `count`, which is not zero, by calls of one size.

    The function takes `size` places, the last call the last place again and again, and returns arrays with one entry
    for each along `axis`; so does this, as arrays of NumPy.

    >>> in_calls_of(2, 3, lambda places: (10 * places,))
    (array([ 0, 10, 20]),)
    """
    parts = []
    for first in range(0, count, size):
        part = function(np.minimum(np.arange(first, first + size), count - 1))
        own = np.arange(min(size, count - first))
        parts.append(jax.tree.map(lambda leaf, own=own: np.take(np.asarray(leaf), own, axis=axis), part))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves, axis=axis), *parts)
