"""One system spread over several devices: each holds a run of consecutive particles and meets the others in a gather.

While a program is traced inside `split_over`, arrays over particles are those of this device's part. Only what looks
beyond a single particle has to know: lists and forces (`whole`), sums (`total`), and the numbering of noise (`first`).
"""

from __future__ import annotations

import contextlib
import threading

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

AXIS = "particles"
_here = threading.local()


@contextlib.contextmanager
def split_over():
    """Trace what follows for one device's part of the particles."""
    before, _here.split = is_split(), True
    try:
        yield
    finally:
        _here.split = before


def is_split() -> bool:
    return getattr(_here, "split", False)


def devices() -> int:
    """Number of devices that share the system."""
    return lax.axis_size(AXIS) if is_split() else 1


def portion(count: int) -> int:
    """How much of `count` things falls to each device; the last one may get less."""
    return -(-count // devices())


def joined(part: Array) -> Array:
    """The parts of all devices along the last axis."""
    return lax.all_gather(part, AXIS, axis=part.ndim - 1, tiled=True) if is_split() else part


def first(count: int) -> Array | int:
    """Number of this device's first particle, where each device holds `count`."""
    return lax.axis_index(AXIS).astype(jnp.int32) * count if is_split() else 0


def whole(parts: tuple[Array, ...]) -> tuple[Array, ...]:
    """Arrays (R, N) over all particles from this device's (R, n), by a single exchange."""
    if not is_split():
        return parts
    every = lax.all_gather(jnp.stack(parts), AXIS, axis=2, tiled=True)
    return tuple(every[a] for a in range(len(parts)))


def total(tree):
    """Sum of each leaf over all devices."""
    return jax.tree.map(lambda x: lax.psum(x, AXIS), tree) if is_split() else tree


def largest(tree):
    """Maximum of each leaf over all devices; nan where it is nan on one of them."""
    if not is_split():
        return tree
    peak = lambda x: jnp.max(lax.all_gather(x, AXIS), axis=0)
    return jax.tree.map(peak, tree)


def earliest(step: Array) -> Array:
    """The smallest of the devices' numbers that is not zero, or zero."""
    if not is_split():
        return step
    every = lax.all_gather(step, AXIS)
    least = jnp.min(jnp.where(every == 0, np.asarray(np.iinfo(step.dtype).max, step.dtype), every), axis=0)
    return jnp.where(jnp.any(every != 0, axis=0), least, jnp.zeros_like(step))
