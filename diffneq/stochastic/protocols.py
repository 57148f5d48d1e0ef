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
