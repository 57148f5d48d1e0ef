"""Driving fields E(t): constant, ramp, sine, many sines at once, table, and sums of these.

A drive is called with a time, `drive(t) -> field`; the time is a float (or an array of times), or a `Clock`,
which counts steps and so keeps the phase of an oscillating field exact over any run.

>>> import jax
>>> field = Sine(amplitude=0.02, frequency=0.05)
>>> round(float(field(5.0)), 6)                             # a quarter of a period
0.02
>>> round(float(field(Clock(step=100_000_500, dt=0.01))), 5)  # 50,000 periods later, in single precision
0.02
>>> float(jax.grad(lambda a: Sine(a, 0.05)(5.0))(0.02))     # every number in a drive can be differentiated
1.0
"""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from diffneq._parameters import check_finite, check_positive, check_scalars, concrete, float_leaf
from diffneq.drives.clock import Clock, Time, cycles, seconds
from diffneq.drives.multisines import Multisine, crest_factor, multisine

__all__ = [
    "Clock",
    "Constant",
    "Multisine",
    "Ramp",
    "Sine",
    "Sum",
    "Table",
    "Time",
    "crest_factor",
    "cycles",
    "multisine",
    "seconds",
]


class Constant(eqx.Module):
    """E(t) = amplitude.

    Arguments: `amplitude` [force/charge], scalar, or (R,) for R replicas. Raises ValueError if not finite.

    >>> float(Constant(0.5)(7.0))
    0.5
    """

    amplitude: Array = eqx.field(converter=float_leaf)

    def __check_init__(self):
        check_scalars("Constant", amplitude=self.amplitude)
        check_finite("Constant", amplitude=self.amplitude)

    def __call__(self, t: Time) -> Array:
        shape = jnp.broadcast_shapes(self.amplitude.shape, jnp.shape(seconds(t)))
        return jnp.broadcast_to(self.amplitude, shape)


class Ramp(eqx.Module):
    """E(t) = start + (stop - start) * t/duration for 0 <= t <= duration; start before, stop after.

    Arguments: `start`, `stop` [force/charge], `duration` [time] > 0; scalars, or (R,) for R replicas. Raises
    ValueError for a value that is not finite and for duration <= 0.

    >>> float(Ramp(start=0.0, stop=0.2, duration=10.0)(5.0)) == 0.5 * float(Ramp(0.0, 0.2, 10.0)(99.0))
    True
    """

    start: Array = eqx.field(converter=float_leaf)
    stop: Array = eqx.field(converter=float_leaf)
    duration: Array = eqx.field(converter=float_leaf)

    def __check_init__(self):
        values = {"start": self.start, "stop": self.stop, "duration": self.duration}
        check_scalars("Ramp", **values)
        check_finite("Ramp", **values)
        check_positive("Ramp", duration=self.duration)

    def __call__(self, t: Time) -> Array:
        return self.start + (self.stop - self.start) * jnp.clip(seconds(t) / self.duration, 0.0, 1.0)


class Sine(eqx.Module):
    """E(t) = amplitude * sin(2 pi frequency t + phase).

    Arguments: `amplitude` [force/charge], `frequency` [1/time] (cycles, not radians), `phase` [radians];
    scalars, or (R,) for R replicas. Raises ValueError for a value that is not finite.

    >>> round(float(Sine(0.1, frequency=0.25, phase=0.0)(1.0)), 6)
    0.1
    """

    amplitude: Array = eqx.field(converter=float_leaf)
    frequency: Array = eqx.field(converter=float_leaf)
    phase: Array = eqx.field(converter=float_leaf, default=0.0)

    def __check_init__(self):
        values = {"amplitude": self.amplitude, "frequency": self.frequency, "phase": self.phase}
        check_scalars("Sine", **values)
        check_finite("Sine", **values)

    def __call__(self, t: Time) -> Array:
        return self.amplitude * jnp.sin(2.0 * np.pi * cycles(self.frequency, t) + self.phase)


class Table(eqx.Module):
    """E(t) = values[i] + (values[i+1] - values[i]) * (t - times[i])/(times[i+1] - times[i]): straight lines.

    Before the first and after the last point the field keeps the end value; with `periodic=True` it repeats
    with period times[-1] - times[0] (let the two end values agree, or it jumps there).

    Arguments: `times` (n,) [time], strictly increasing, n >= 2; `values` (n,) [force/charge]; `periodic`,
    static. With R replicas, times and values may be (R, n). Raises ValueError for shapes that do not match,
    times that do not increase, or values that are not finite.

    >>> field = Table(times=[0.0, 1.0, 3.0], values=[0.0, 2.0, 0.0], periodic=True)
    >>> round(float(field(2.0)), 5), round(float(field(3.5)), 5)
    (1.0, 1.0)
    """

    times: Array = eqx.field(converter=float_leaf)
    values: Array = eqx.field(converter=float_leaf)
    periodic: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        shapes = tuple(self.times.shape), tuple(self.values.shape)
        fitting = all(len(shape) in (1, 2) for shape in shapes) and shapes[0][-1] == shapes[1][-1] >= 2
        if not fitting:
            raise ValueError(f"Table: times and values must have the same length, at least 2, got shapes {shapes}.")
        check_finite("Table", times=self.times, values=self.values)
        times = concrete(self.times)
        if times is not None and np.any(np.diff(times) <= 0):
            raise ValueError("Table: times must increase strictly; sort them and drop the repeated ones.")

    def __call__(self, t: Time) -> Array:
        if self.periodic:
            start, length = self.times[0], self.times[-1] - self.times[0]
            # the fraction of a period since times[0]; both parts modulo one before they are subtracted
            turns = cycles(1.0 / length, t) - cycles(1.0 / length, start)
            at = start + length * (turns - jnp.floor(turns))
        else:
            at = seconds(t)
        return jnp.interp(at, self.times, self.values)


class Sum(eqx.Module):
    """E(t) = sum_i E_i(t): for example a constant field with a small multisine on it.

    Arguments: `parts`, any drives. Raises ValueError if there are none, or one cannot be called.

    >>> float(Sum([Constant(0.5), Constant(0.25)])(1.0))
    0.75
    """

    parts: tuple

    def __init__(self, parts: Sequence):
        self.parts = tuple(parts)
        if not self.parts or not all(callable(part) for part in self.parts):
            raise ValueError("Sum: parts must be drives, for example Sum([Constant(0.1), Sine(0.01, 0.2)]).")

    def __call__(self, t: Time) -> Array:
        total = self.parts[0](t)
        for part in self.parts[1:]:
            total = total + part(t)
        return total
