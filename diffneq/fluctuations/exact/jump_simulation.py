"""Trajectories of Markov jump processes, exactly and many at once (Gillespie's method)."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array

from diffneq._parameters import float_leaf
from diffneq.fluctuations.exact.jump_network import JumpNetwork


class JumpRecord(eqx.Module):
    """What `jump_trajectories` returns; n trajectories, c counted currents.

    Arguments: `first`, `last` states (n,); `counts` (n, c), the sum of w_ij over the jumps; `medium_entropy` (n,),
    the sum of ln(k_ij/k_ji), infinite once a jump has no way back; `jumps` (n,), their number.
    """

    first: Array
    last: Array
    counts: Array
    medium_entropy: Array
    jumps: Array

    def total_entropy(self, probabilities: Array) -> Array:
        """Medium entropy - ln p(last)/p(first), (n,), for a density that is stationary: then <e^{-S}> = 1.

        Source: U. Seifert, Phys. Rev. Lett. 95, 040602 (2005).
        """
        logs = jnp.log(probabilities)
        return self.medium_entropy - logs[self.last] + logs[self.first]


def jump_trajectories(network: JumpNetwork, duration, key: Array, trajectories: int, weights=None) -> JumpRecord:
    """Independent trajectories of length `duration` from the steady state.

    Waiting times are exponential with the escape rate, targets are drawn by rate: no time step. Arguments: `weights`
    (n, n) or (c, n, n), the currents to count; none by default.

    Raises:
        ValueError: for a duration that is not positive, or weights of another shape.

    Source: D. T. Gillespie, J. Phys. Chem. 81, 2340 (1977).

    >>> network = JumpNetwork([[0, 1, 1], [2, 0, 3], [2, 1, 0]])
    >>> record = jump_trajectories(network, 50.0, jax.random.key(0), 1000)
    >>> bool(jnp.abs(record.medium_entropy.mean() / 50 - 0.1831) < 0.02)
    True
    """
    states = network.rates.shape[0]
    counted = float_leaf(jnp.zeros((0, states, states)) if weights is None else weights)
    counted = counted[None] if counted.ndim == 2 else counted
    if counted.ndim != 3 or counted.shape[1:] != (states, states):
        raise ValueError(f"jump_trajectories: weights must have shape (n, n) or (c, n, n) with n = {states}.")
    duration = float_leaf(duration)
    if not duration > 0:
        raise ValueError(f"jump_trajectories: the duration must be positive, got {duration}.")
    return _trajectories(network, duration, key, trajectories, counted)


@eqx.filter_jit
def _trajectories(network: JumpNetwork, duration: Array, key: Array, trajectories: int, weights: Array) -> JumpRecord:
    states, dtype = network.rates.shape[0], network.rates.dtype
    escape = network.escape_rates()
    targets = jnp.cumsum(network._off_diagonal(), axis=1) / escape[:, None]
    # one table (n, n, c + 2): counted weights, entropy, and one for the number of jumps
    columns = [*weights, network.entropy_weights(), jnp.ones((states, states), dtype)]
    table = jnp.stack([jnp.asarray(column, dtype) for column in columns], axis=-1)
    start_key, jump_key = jax.random.split(key)
    first = jax.random.categorical(start_key, jnp.log(network.stationary()), shape=(trajectories,)).astype(jnp.int32)

    def one(state, own_key):
        def waiting(state, number):
            return jax.random.exponential(jax.random.fold_in(own_key, 2 * number), dtype=dtype) / escape[state]

        def jump(carry):
            state, left, totals, number = carry
            draw = jax.random.uniform(jax.random.fold_in(own_key, 2 * number + 1), dtype=dtype)
            # a target of rate zero is never drawn: its step of the cumulative sum has no width
            target = jnp.searchsorted(targets[state], draw, side="right").astype(jnp.int32)
            target = jnp.minimum(target, states - 1)
            totals = totals + table[state, target]
            return target, left - waiting(target, number + 1), totals, number + 1

        carry = (state, duration - waiting(state, 0), jnp.zeros(table.shape[-1], dtype), jnp.zeros((), jnp.int32))
        last, _, totals, number = jax.lax.while_loop(lambda carry: carry[1] > 0, jump, carry)
        return last, totals, number

    last, totals, number = jax.vmap(one)(first, jax.random.split(jump_key, trajectories))
    return JumpRecord(first, last, totals[:, :-2], totals[:, -2], number)
