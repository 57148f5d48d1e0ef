"""Blocks of work on one phase.

Pairs (phase, lane) that need an evaluation are sorted by phase and cut into blocks of one phase each. One kernel then
serves all phases, and the cost follows what is really needed, not the number of phases times the number of lanes.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int


def for_each_block(
    body: Callable[[Any, Array, Array], Any],
    carry: Any,
    phase: Int[Array, "pairs"],
    wanted: Bool[Array, "pairs"],
    phases: int,
    width: int,
) -> Any:
    """carry = body(carry, phase of the block, pairs [width]) over all blocks that are needed.

    Places of a block that are not needed hold the pair number `pairs`: gathers clip it, scatters drop it.
    """
    block_at, count = _cut(phase, wanted, phases, width)
    return jax.lax.fori_loop(0, count, lambda b, carry: body(carry, *block_at(b)), carry)


def all_blocks(phase: Int[Array, "pairs"], wanted: Bool[Array, "pairs"], phases: int, width: int):
    """(phase [blocks], pair [blocks, width]): the same blocks as arrays, as many as could ever be needed.

    For code that is differentiated backwards, which needs a loop of fixed length.
    """
    block_at, _ = _cut(phase, wanted, phases, width)
    own, pair = jax.vmap(block_at)(jnp.arange(-(-phase.shape[0] // width) + phases))
    return jnp.minimum(own, phases - 1), pair


def _cut(phase, wanted, phases: int, width: int):
    pairs = phase.shape[0]
    key = jnp.where(wanted, phase, phases).astype(jnp.int64)
    order = (jnp.sort(key * pairs + jnp.arange(pairs)) % pairs).astype(jnp.int32)
    order = jnp.concatenate([order, jnp.full(width, pairs, jnp.int32)])
    counts = jnp.sum(key[None] == jnp.arange(phases)[:, None], axis=1, dtype=jnp.int32)
    ends = jnp.cumsum(counts)
    last_block = jnp.cumsum((counts + width - 1) // width)

    def block_at(b):
        own = jnp.searchsorted(last_block, b, side="right").astype(jnp.int32)
        before = jnp.where(own > 0, last_block[jnp.maximum(own - 1, 0)], 0)
        end = ends[jnp.minimum(own, phases - 1)]
        start = end - counts[jnp.minimum(own, phases - 1)] + (b - before).astype(jnp.int32) * width
        start = jnp.where(own < phases, start, pairs)
        chosen = jax.lax.dynamic_slice_in_dim(order, start, width)
        return own, jnp.where(start + jnp.arange(width, dtype=jnp.int32) < end, chosen, pairs)

    return block_at, last_block[-1]
