"""Protocols: how a parameter of the potential is moved in time."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array

from diffneq._parameters import check_finite, check_positive, float_leaf
from diffneq.drives import Clock, Constant, Multisine, Ramp, Sine, Sum, Table

_COUNTS_STEPS = (Constant, Multisine, Ramp, Sine, Sum, Table)


def parameter_at(protocol, clock: Clock) -> Any:
    """The parameter at a time: a drive is given the clock and keeps its phase exact, anything else the time [t]."""
    if protocol is None:
        return None
    return protocol(clock if isinstance(protocol, _COUNTS_STEPS) else clock.t)


def parameters(protocol, steps: int, dt: Array) -> Any:
    """The parameter at t = 0, dt, ..., steps dt: each leaf has a leading axis (steps + 1,)."""
    if protocol is None:
        return None
    numbers = jnp.arange(steps + 1, dtype=jnp.uint32)
    return jax.vmap(lambda n: jax.tree.map(jnp.asarray, parameter_at(protocol, Clock(n, dt))))(numbers)


class PiecewiseLinear(eqx.Module):
    """lambda(t) = straight lines between `values`, evenly spaced in (0, duration); `start` before, `stop` after.

    lambda may jump from `start` to values[0] at once and from values[-1] to `stop` at the very end, which is what
    protocols of least work do. `PiecewiseLinear.ramp(start, stop, duration, knots)` has no jumps.

    Arguments: `start`, `stop`, scalars or arrays of one shape; `duration` [t] > 0; `values` (K, ...), K >= 2. Raises
    ValueError otherwise.

    Source: T. Schmiedl, U. Seifert, Phys. Rev. Lett. 98, 108301 (2007).

    >>> moved = PiecewiseLinear(0.0, 1.0, duration=2.0, values=[0.25, 0.75])
    >>> [float(moved(t)) for t in (0.0, 1e-4, 1.0, 2.0)]
    [0.0, 0.25002..., 0.5, 1.0]
    """

    start: Array = eqx.field(converter=float_leaf)
    stop: Array = eqx.field(converter=float_leaf)
    duration: Array = eqx.field(converter=float_leaf)
    values: Array = eqx.field(converter=float_leaf)

    def __check_init__(self):
        shapes = [jnp.shape(x) for x in (self.start, self.stop, self.values)]
        if not shapes[0] == shapes[1] == shapes[2][1:] or not shapes[2] or shapes[2][0] < 2:
            raise ValueError(
                f"PiecewiseLinear: values must be at least two parameters of the shape of start and stop, got shapes "
                f"{shapes[2]}, {shapes[0]} and {shapes[1]}."
            )
        check_finite("PiecewiseLinear", start=self.start, stop=self.stop, duration=self.duration, values=self.values)
        check_positive("PiecewiseLinear", duration=self.duration)

    @classmethod
    def ramp(cls, start, stop, duration, knots: int = 8) -> PiecewiseLinear:
        """From start to stop at constant speed."""
        start, stop = float_leaf(start), float_leaf(stop)
        share = jnp.linspace(0.0, 1.0, knots, dtype=start.dtype).reshape(-1, *(1,) * start.ndim)
        return cls(start, stop, duration, start + (stop - start) * share)

    def __call__(self, t):
        share = jnp.asarray(t.t if isinstance(t, Clock) else t) / self.duration
        # A time of n steps may miss the end of the protocol by a rounding error.
        margin = 16 * jnp.finfo(self.duration.dtype).eps
        pieces = self.values.shape[0] - 1
        place = jnp.clip(share * pieces, 0.0, pieces)
        left = jnp.clip(jnp.floor(place).astype(jnp.int32), 0, pieces - 1)
        inside = self.values[left] + (place - left) * (self.values[left + 1] - self.values[left])
        return jnp.where(share <= margin, self.start, jnp.where(share >= 1 - margin, self.stop, inside))


class TimeReversed(eqx.Module):
    """lambda_R(t) = lambda(duration - t): the protocol run backwards. `reverse(protocol, duration)` makes it.

    >>> from diffneq.drives import Ramp
    >>> round(float(TimeReversed(Ramp(1.0, 2.0, 4.0), 4.0)(1.0)), 6)
    1.75
    """

    protocol: Any
    duration: Array = eqx.field(converter=float_leaf)

    def __check_init__(self):
        if not callable(self.protocol):
            raise ValueError("reverse: the protocol must be a function of time, for example diffneq.drives.Ramp(...).")
        check_finite("reverse", duration=self.duration)
        check_positive("reverse", duration=self.duration)

    def __call__(self, t):
        t = t.t if isinstance(t, Clock) else t
        return self.protocol(self.duration - t)


def reverse(protocol, duration) -> Any:
    """lambda_R(t) = lambda(duration - t). Reversing twice gives the protocol itself.

    Arguments:
        protocol: t -> parameter.
        duration: of the forward run, steps times dt [t].

    Raises:
        ValueError: for a protocol that cannot be called, or a duration that is not positive.

    >>> from diffneq.drives import Ramp
    >>> forward = Ramp(1.0, 2.0, duration=4.0)
    >>> reverse(reverse(forward, 4.0), 4.0) is forward
    True
    """
    if isinstance(protocol, TimeReversed) and float(protocol.duration) == float(duration):
        return protocol.protocol
    return TimeReversed(protocol, duration)
