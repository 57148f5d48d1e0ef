"""A batch of conditions in chunks: all lanes for one round, then those that failed, compacted, for more."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from diffneq.thermo.calphad.solver.hull import Demand
from diffneq.thermo.calphad.solver.layout import batch_last
from diffneq.thermo.calphad.solver.search import ROUNDS, Found, Searcher

WIDTH = 128  # lanes of a chunk: its grid energies stay in the cache
_FIRST_ROUNDS = (0, 1, 3)  # of the stages: the hull and Newton; Newton again; new columns and all else


@batch_last
def search(searcher: Searcher, T: Float[Array, "B"], P: Float[Array, "B"], demand: Demand, count: Array | int) -> Found:
    """The equilibria of the first `count` of B conditions, B a multiple of WIDTH; the others are left empty.

    One loop runs over chunks, so that the search is compiled once: those of all lanes, then those of the failed ones.
    """
    B = T.shape[0]
    zero, count = jnp.asarray(0), jnp.asarray(count)
    bounds = jnp.asarray((*_FIRST_ROUNDS, ROUNDS))

    def job(carry):
        stage, searched = carry
        lanes = jax.lax.dynamic_slice_in_dim(stage.order, stage.first, WIDTH)
        wanted = stage.first + jnp.arange(WIDTH) < stage.lanes
        take = lambda tree: jax.tree.map(lambda x: x[..., jnp.minimum(lanes, B - 1)], tree)
        rounds = jax.lax.dynamic_slice_in_dim(bounds, stage.rank, 2)
        new = searcher(take(T), take(P), take(demand), wanted, take(searched), rounds)
        where = jnp.where(wanted, lanes, B)
        searched = jax.tree.map(lambda a, b: a.at[..., where].set(b, mode="drop"), searched, new)
        stage = stage._replace(first=stage.first + WIDTH)
        ended = (stage.first >= stage.lanes) & (stage.rank + 1 < len(_FIRST_ROUNDS))
        following = lambda: _Stage(stage.rank + 1, *_failed(searched.found, count), zero)
        return jax.lax.cond(ended, following, lambda: stage), searched

    order = jnp.concatenate([jnp.arange(B, dtype=jnp.int32), jnp.full(WIDTH, B, jnp.int32)])
    more = lambda carry: carry[0].first < carry[0].lanes
    start = _Stage(zero, order, count, zero), searcher.nothing(demand)
    return jax.lax.while_loop(more, job, start)[1].found


class _Stage(NamedTuple):
    rank: Int[Array, ""]
    order: Int[Array, "lanes"]  # those of the stage first
    lanes: Int[Array, ""]
    first: Int[Array, ""]  # place in the order of the next chunk


def _failed(found: Found, count):
    """Order with the lanes that are not sound first, and their number."""
    B = found.certificate.shape[0]
    lanes = jnp.arange(B, dtype=jnp.int32)
    failed = ~found.sound & found.feasible & (lanes < count)
    order = jnp.sort(jnp.where(failed, lanes, B))
    return jnp.concatenate([order, jnp.full(WIDTH, B, jnp.int32)]), jnp.sum(failed)
