"""Many lanes in chunks: a short search of all, then longer ones of those that are left, compacted.

A chunk stays in the cache, and a lane that takes long does not hold up those that are done.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from diffneq.thermo.reactions.solver.search import LATE, Problem, State, present, search, start, start_mixed

WIDTH = 256  # lanes of a chunk
_ROUNDS = (2, 4, 24, LATE + 60)  # of each stage; the last starts anew, from a better vertex


class _Stage(NamedTuple):
    rank: Int[Array, ""]
    order: Int[Array, "lanes"]  # those of the stage first
    lanes: Int[Array, ""]
    first: Int[Array, ""]


def solve(problem: Problem, count: Array | int) -> State:
    """The equilibria of the first `count` of B lanes, B a multiple of WIDTH."""
    B = problem.b.shape[1]
    zero, count = jnp.asarray(0), jnp.asarray(count)
    order = jnp.concatenate([jnp.arange(B, dtype=jnp.int32), jnp.full(WIDTH, B, jnp.int32)])
    shapes = jax.eval_shape(lambda: start(problem, present(problem)))
    empty = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)

    def job(carry):
        stage, state = carry
        lanes = jax.lax.dynamic_slice_in_dim(stage.order, stage.first, WIDTH)
        wanted = stage.first + jnp.arange(WIDTH) < stage.lanes
        take = lambda x: x[..., jnp.minimum(lanes, B - 1)]
        part = Problem(problem.A, *(take(x) for x in problem[1:]))
        alive = present(part)
        last = (stage.rank == len(_ROUNDS) - 1) & ~jnp.any(part.closed)
        which = jnp.where(last, 2, jnp.minimum(stage.rank, 1))
        starts = (lambda: start(part, alive), lambda: jax.tree.map(take, state), lambda: start_mixed(part, alive))
        begun = jax.lax.switch(which, starts)
        begun = begun._replace(done=begun.done | ~wanted)
        new = search(part, alive, begun, jnp.where(last, LATE, 0), jnp.asarray(_ROUNDS)[stage.rank])
        where = jnp.where(wanted, lanes, B)
        state = jax.tree.map(lambda a, b: a.at[..., where].set(b, mode="drop"), state, new)
        stage = stage._replace(first=stage.first + WIDTH)
        ended = (stage.first >= stage.lanes) & (stage.rank + 1 < len(_ROUNDS))
        return jax.lax.cond(ended, lambda: _following(stage, state, count), lambda: stage), state

    more = lambda carry: carry[0].first < carry[0].lanes
    return jax.lax.while_loop(more, job, (_Stage(zero, order, count, zero), empty))[1]


def _following(stage: _Stage, state: State, count: Array) -> _Stage:
    """The lanes that are not done, first in the order."""
    B = state.done.shape[0]
    lanes = jnp.arange(B, dtype=jnp.int32)
    left = ~state.done & (lanes < count)
    order = jnp.sort(jnp.where(left, lanes, B))
    order = jnp.concatenate([order, jnp.full(WIDTH, B, jnp.int32)])
    return _Stage(stage.rank + 1, order, jnp.sum(left), jnp.zeros_like(stage.first))
