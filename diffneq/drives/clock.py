"""Exact times and phases: a clock that counts steps."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike

from diffneq._parameters import check_finite, check_positive, float_leaf
from diffneq.drives import phase as _phase


def _step_leaf(step: ArrayLike) -> Array:
    """Steps as uint32; whole numbers from 0 to 2^32 - 1."""
    if not isinstance(step, Tracer):
        counts = np.asarray(step)
        if not np.issubdtype(counts.dtype, np.integer) or np.any(counts < 0) or np.any(counts >= 2**32):
            raise ValueError(f"Clock: step must be whole and from 0 to 2**32 - 1, got {step}.")
        return jnp.asarray(counts.astype(np.uint32))
    if not jnp.issubdtype(step.dtype, jnp.integer):
        raise ValueError(f"Clock: step must be an integer array, got dtype {step.dtype}.")
    return step.astype(jnp.uint32)


class Clock(eqx.Module):
    """t = step * dt, kept as a count of steps: an exact time.

    Arguments: `step`, a whole number below 2^32, or an integer array; `dt` [time], a positive scalar. The
    middle of step n is `Clock(2 * n + 1, dt / 2)`. Raises ValueError for a step that is not whole, or dt <=
    0.

    >>> float(Clock(step=150, dt=0.01).t)
    1.5
    """

    step: Array = eqx.field(converter=_step_leaf)
    dt: Array = eqx.field(converter=float_leaf)

    def __check_init__(self):
        check_finite("Clock", dt=self.dt)
        check_positive("Clock", dt=self.dt)

    @property
    def t(self) -> Array:
        """The time as a float: good to one part in 10^7 (single) or 10^16 (double) of itself."""
        return self.step.astype(self.dt.dtype) * self.dt


Time = Clock | ArrayLike


def cycles(frequency: ArrayLike, t: Time) -> Array:
    """c = f t mod 1, the phase in cycles, in [0, 1).

    For a `Clock` the cycles per step, x = f*dt as rounded to a float once, are multiplied by the step in
    64-bit integers: c = x*step mod 1 is then exact to the last bit of the result at every step below 2^32. A
    plain float t gives frequency*t modulo one with the round-off of that product.

    Arguments: `frequency` [1/time], scalar (or array, with a scalar time); `t` [time], float, array or
    `Clock`. Derivatives are those of f*t, with respect to f, to a float t and to `Clock.dt`.

    >>> float(cycles(0.25, 3.0)), float(cycles(0.25, Clock(step=40_000_003, dt=1.0)))
    (0.75, 0.75)
    """
    frequency = float_leaf(frequency)
    if not isinstance(t, Clock):
        turns = frequency * float_leaf(t)
        return turns - jnp.floor(turns)
    per_step = frequency * t.dt
    phase = _phase.times(_phase.from_float(per_step), t.step)
    return _phase.to_float(phase, per_step.dtype) + _tangent_of_product(frequency, t)


def _tangent_of_product(frequency: Array, clock: Clock) -> Array:
    """Exactly zero, with the derivatives of frequency * clock.t: integers carry none.

    Each difference below is x - x, zero to the bit, so no round-off of the (large) product can leak in.
    """
    still = jax.lax.stop_gradient
    later = clock.step.astype(clock.dt.dtype) * (clock.dt - still(clock.dt))
    return (frequency - still(frequency)) * clock.t + still(frequency) * later


def seconds(t: Time) -> Array:
    """The time as a float (array) [time], whether `t` is a `Clock` or already a float."""
    return t.t if isinstance(t, Clock) else float_leaf(t)
