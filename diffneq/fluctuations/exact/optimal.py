"""Paths of least mean work in finite time, and that work. They jump at both ends."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jax import Array

from diffneq._parameters import check_finite, check_positive, float_leaf


class OptimalDragging(eqx.Module):
    """l(t) = L (t/tau + 1)/(T/tau + 2) for 0 < t < T, tau = friction/k; l = 0 before and L after.

    The least mean work of moving a harmonic trap by L in a time T is k L^2/(2 + T/tau). With inertia the same work is
    the infimum, whatever the mass: it is approached by kicks that set the particle moving and catch it.

    Arguments:
        distance: L [length].
        duration: T [time].
        stiffness: k [energy/length^2].
        friction: drag [mass/time].

    Raises:
        ValueError: where a number that must be positive is not.

    Source: T. Schmiedl, U. Seifert, Phys. Rev. Lett. 98, 108301 (2007).

    >>> round(float(OptimalDragging(distance=1.0, duration=1.0).work()), 6)
    0.333333
    """

    distance: Array = eqx.field(converter=float_leaf)
    duration: Array = eqx.field(converter=float_leaf)
    stiffness: Array = eqx.field(converter=float_leaf, default=1.0)
    friction: Array = eqx.field(converter=float_leaf, default=1.0)

    def __check_init__(self):
        positive = {"duration": self.duration, "stiffness": self.stiffness, "friction": self.friction}
        check_finite("OptimalDragging", distance=self.distance, **positive)
        check_positive("OptimalDragging", **positive)

    def __call__(self, t) -> Array:
        rate = self.stiffness / self.friction
        inside = self.distance * (rate * t + 1) / (rate * self.duration + 2)
        return jnp.where(t <= 0, 0.0, jnp.where(t >= self.duration, self.distance, inside))

    def work(self) -> Array:
        """The least <W> [energy]."""
        return self.stiffness * self.distance**2 / (2 + self.stiffness * self.duration / self.friction)


class OptimalBreathing(eqx.Module):
    """k(t) of least mean work between two stiffnesses of an overdamped trap: sqrt<x^2> grows linearly in time.

    With u = sqrt(<x^2>/T) from u_i = start^{-1/2} to u_f, t~ = t/friction:
    u_f = [u_i/t~ + sqrt(u_i^2/t~^2 + stop + 2/t~)]/(stop + 2/t~), k = (1 - u u')/u^2 inside, jumps at both ends, and
    W = T [(stop u_f^2 - 1)/2 - ln(u_f/u_i) + (u_f - u_i)^2/t~].

    Arguments:
        start, stop: stiffness before and after [energy/length^2].
        duration: t [time].
        friction: drag [mass/time].
        temperature: k_B T [energy].

    Raises:
        ValueError: where a number is not positive.

    Source: T. Schmiedl, U. Seifert, Phys. Rev. Lett. 98, 108301 (2007).

    >>> round(float(OptimalBreathing(start=1.0, stop=2.0, duration=1.0).work()), 6)
    0.402918
    """

    start: Array = eqx.field(converter=float_leaf)
    stop: Array = eqx.field(converter=float_leaf)
    duration: Array = eqx.field(converter=float_leaf)
    friction: Array = eqx.field(converter=float_leaf, default=1.0)
    temperature: Array = eqx.field(converter=float_leaf, default=1.0)

    def __check_init__(self):
        names = ("start", "stop", "duration", "friction", "temperature")
        positive = {name: getattr(self, name) for name in names}
        check_finite("OptimalBreathing", **positive)
        check_positive("OptimalBreathing", **positive)

    def widths(self) -> tuple[Array, Array]:
        """u_i and u_f, sqrt(<x^2>/T) at the start and at the end [length/energy^{1/2}]."""
        first, rate = self.start**-0.5, self.friction / self.duration
        last = first * rate + jnp.sqrt((first * rate) ** 2 + self.stop + 2 * rate)
        return first, last / (self.stop + 2 * rate)

    def __call__(self, t) -> Array:
        first, last = self.widths()
        slope = (last - first) / self.duration
        width = first + slope * jnp.clip(t, 0.0, self.duration)
        inside = (1 - self.friction * width * slope) / width**2
        return jnp.where(t <= 0, self.start, jnp.where(t >= self.duration, self.stop, inside))

    def work(self) -> Array:
        """The least <W> [energy]."""
        first, last = self.widths()
        dissipated = self.friction * (last - first) ** 2 / self.duration
        return self.temperature * ((self.stop * last**2 - 1) / 2 - jnp.log(last / first) + dissipated)
