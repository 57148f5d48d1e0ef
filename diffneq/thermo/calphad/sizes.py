"""Padded sizes: few shapes, so that many databases, and any number of conditions, share one executable."""

import contextlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
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
    """function(places) for all places below `count`, which is not zero, by calls of one size, one on each processor.

    The function takes `size` places, the last call the last place again and again, and returns arrays with one entry
    for each along `axis`; so does this, as arrays of NumPy. It is called from several threads: XLA spreads the work of
    one call over hardly more than one processor.

    >>> in_calls_of(2, 3, lambda places: (10 * places,))
    (array([ 0, 10, 20]),)
    """
    settings = _settings()

    def part(first: int) -> Any:
        with settings():
            whole = function(np.minimum(np.arange(first, first + size), count - 1))
        own = np.arange(min(size, count - first))
        return jax.tree.map(lambda leaf: np.take(np.asarray(leaf), own, axis=axis), whole)

    starts = range(0, count, size)
    if len(starts) == 1:
        return part(0)
    with ThreadPoolExecutor(min(len(starts), _processors())) as threads:
        parts = list(threads.map(part, starts))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves, axis=axis), *parts)


def _settings() -> Callable[[], contextlib.AbstractContextManager]:
    """This thread's settings of JAX that decide what is computed where; another thread has its own until it enters."""
    x64, device = jax.config.jax_enable_x64, jax.config.jax_default_device  # type: ignore[attr-defined]

    @contextlib.contextmanager
    def entered() -> Iterator[None]:
        with jax.enable_x64(x64), jax.default_device(device):
            yield

    return entered


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):  # not everywhere; it knows what this process may use
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
