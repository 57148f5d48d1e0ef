"""Zeros of increasing functions, lane by lane, that cannot get lost: Newton's method inside a bracket."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

CLOSE = 4e-15  # relative change of the unknown at which a lane is done
ENOUGH = 1e-10  # with which it counts as converged when the steps are over


class Trial(NamedTuple):
    """What a function says at x: f - target, df/dx, and where x lies if that does not follow from f."""

    value: Array
    slope: Array
    side: Array | int = 0  # +1: x is too high, -1: too low, 0: as the value says
    carried: PyTree = ()  # helps the next call


def increasing_zero(
    trial: Callable[[Array, PyTree], Trial],
    start: Array,
    low: Array,
    high: Array,
    carried: PyTree = (),
    steps: int = 60,
    power: Array | float = 1.0,
) -> tuple[Array, Array, PyTree]:
    """(x, has it converged, carried) with f(x) = target between `low` and `high`, for all lanes at once.

    Newton's step is taken in x^power and only into the bracket, which every trial narrows; the bracket is halved
    instead where the step leaves it or the last one did not at least halve the residual. A lane is done when it stands
    still, or when steps are tiny and rounding keeps the residual from getting smaller.
    """

    def body(carry):
        count, x, low, high, last, _, carried = carry
        found = trial(x, carried)
        side = jnp.where(found.side == 0, jnp.sign(found.value), found.side)
        low, high = jnp.where(side < 0, x, low), jnp.where(side > 0, x, high)
        size = jnp.where(found.side == 0, jnp.abs(found.value), jnp.inf)
        step = -found.value / found.slope
        ahead = x * jnp.maximum(1.0 + power * step / x, 1e-3) ** (1.0 / power)
        inside = (ahead > low) & (ahead < high) & (found.slope > 0.0) & jnp.isfinite(size)
        slow, tiny = size > 0.5 * last, (jnp.abs(step) < ENOUGH * jnp.abs(x)) & (found.slope > 0.0) & (found.side == 0)
        middle = jnp.where(low > 0.1 * high, 0.5 * (low + high), jnp.sqrt(jnp.maximum(low, 1e-9 * high) * high))
        new = jnp.where(tiny, jnp.clip(ahead, low, high), jnp.where(inside & ~slow, ahead, middle))
        new = jnp.where(side == 0, x, new)
        change = jnp.abs(new / x - 1.0)
        done = (side == 0) | (tiny & slow) | (high - low < CLOSE * high)
        last = jnp.where(slow, jnp.inf, size)  # after halving, Newton's method has another try
        return count + 1, new, low, high, last, jnp.where(done, 0.0, change), found.carried

    start = jnp.clip(start, low, high)
    nothing = jnp.full_like(start, jnp.inf)
    going = lambda carry: (carry[0] < steps) & jnp.any(carry[5] > CLOSE)
    first = (0, start, low, high, nothing, nothing, carried)
    _, x, _, _, _, change, carried = jax.lax.while_loop(going, body, first)
    return x, change < ENOUGH, carried
