"""A batch of conditions in chunks: all chunks once, then those that failed, compacted, with all rounds."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffneq.thermo.calphad.solver.hull import Demand
from diffneq.thermo.calphad.solver.layout import batch_last
from diffneq.thermo.calphad.solver.search import ROUNDS, Found, Searcher

WIDTH = 128  # lanes of a chunk: its grid energies stay in the cache


@batch_last
def search(
    searcher: Searcher, T: Float[Array, "B"], P: Float[Array, "B"], demand: Demand, count: Array | int
) -> Found:
    """The equilibria of the first `count` of B conditions, B a multiple of WIDTH; the others are left empty.

    One loop runs over jobs: first every chunk with one round, then chunks of the lanes that were not certified.
    """
    B = T.shape[0]
    first = (count + WIDTH - 1) // WIDTH
    places = jnp.arange(WIDTH)

    def job(carry):
        number, order, jobs, found = carry
        order, jobs = jax.lax.cond(number == first, lambda: _failed(found, count, first), lambda: (order, jobs))
        start = jnp.where(number < first, number, number - first) * WIDTH
        lanes = jax.lax.dynamic_slice_in_dim(order, start, WIDTH)
        wanted = lanes < jnp.where(number < jobs, count, 0)
        take = lambda x: x[..., jnp.minimum(lanes, B - 1)]
        rounds = jnp.where(number < first, 1, ROUNDS)
        new = searcher(take(T), take(P), jax.tree.map(take, demand), wanted, rounds)
        where = jnp.where(wanted, lanes, B)
        found = jax.tree.map(lambda a, b: a.at[..., where].set(b, mode="drop"), found, new)
        return number + 1, order, jobs, found

    shapes = jax.eval_shape(
        lambda: searcher(T[:WIDTH], P[:WIDTH], jax.tree.map(lambda x: x[..., :WIDTH], demand), places < 0, 1)
    )
    empty = jax.tree.map(lambda s: jnp.zeros((*s.shape[:-1], B), s.dtype), shapes)
    order = jnp.concatenate([jnp.arange(B, dtype=jnp.int32), jnp.full(WIDTH, B, jnp.int32)])
    more = lambda carry: carry[0] < jnp.maximum(carry[2], first + 1)
    return jax.lax.while_loop(more, job, (jnp.asarray(0), order, first, empty))[3]


def _failed(found: Found, count, first):
    """Order with the lanes that are not sound first, and the number of jobs."""
    B = found.certificate.shape[0]
    lanes = jnp.arange(B, dtype=jnp.int32)
    failed = ~found.sound & found.feasible & (lanes < count)
    order = jnp.sort(jnp.where(failed, lanes, B))
    order = jnp.concatenate([order, jnp.full(WIDTH, B, jnp.int32)])
    return order, first + (jnp.sum(failed) + WIDTH - 1) // WIDTH
