"""Langevin dynamics without inertia."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jax import Array

from diffneq._parameters import check_finite, check_positive, float_leaf

SCHEMES = ("Leimkuhler-Matthews", "Euler-Maruyama")


class Overdamped(eqx.Module):
    """friction dx = -dU/dx dt + sqrt(2 friction k_B T) dB, the friction being constant.

    "Leimkuhler-Matthews": x' = x + (h/friction) F + sqrt(2 k_B T h/friction) (xi_n + xi_{n+1})/2. It is BAOAB of a
    particle of mass 1 whose velocity is drawn afresh in each step, for steps of sqrt(2 h/friction), so work, heat and
    shadow work are accounted as there; that velocity belongs to the bath, its energy is not the system's. Averages
    of positions are of second order in h.
    "Euler-Maruyama": x' = x + (h/friction) F + sqrt(2 k_B T h/friction) xi, of first order. Its heat is
    k_B T ln P(x|x')/P(x'|x), the logarithm of the ratio of the densities of the step backwards and forwards.

    Arguments:
        dt: time step h [t].
        temperature: k_B T [energy], a scalar, or (d,): a bath for each coordinate.
        friction: drag [mass/t], likewise.
        scheme: "Leimkuhler-Matthews" or "Euler-Maruyama".

    Raises:
        ValueError: for another scheme, and for parameters that are not finite and positive.

    Source: B. Leimkuhler, C. Matthews, Appl. Math. Res. Express 2013, 34; D. A. Sivak, J. D. Chodera, G. E. Crooks,
    Phys. Rev. X 3, 011007 (2013).

    >>> Overdamped(dt=0.01, temperature=1.0).scheme
    'Leimkuhler-Matthews'
    """

    dt: Array = eqx.field(converter=float_leaf)
    temperature: Array = eqx.field(converter=float_leaf)
    friction: Array = eqx.field(converter=float_leaf, default=1.0)
    scheme: str = eqx.field(static=True, default=SCHEMES[0])

    def __check_init__(self):
        if self.scheme not in SCHEMES:
            raise ValueError(f"Overdamped: scheme must be one of {SCHEMES}, got {self.scheme!r}.")
        values = {"dt": self.dt, "temperature": self.temperature, "friction": self.friction}
        check_finite("Overdamped", **values)
        check_positive("Overdamped", **values)

    @property
    def has_velocity(self) -> bool:
        return False

    def draws(self, dimension: int) -> int:
        """Normal numbers that a step takes."""
        return dimension

    def initial_velocity(self, xi: Array) -> Array | None:
        """The bath's velocity that Leimkuhler-Matthews begins with, from normal numbers."""
        return jnp.sqrt(self.temperature) * xi if self.scheme == SCHEMES[0] else None

    def kinetic_energy(self, velocity: Array | None) -> Array:
        return jnp.zeros(()) if velocity is None else jnp.sum(velocity**2) / 2

    def step(self, force, position: Array, velocity: Array | None, xi: list[Array]):
        """Position, the bath's velocity, and the heat of the step; `xi` is one array shaped like the position."""
        if self.scheme == SCHEMES[1] or velocity is None:
            return self._euler_maruyama(force, position, xi[0])
        return self._leimkuhler_matthews(force, position, velocity, xi[0])

    def _leimkuhler_matthews(self, force, position: Array, velocity: Array, xi: Array):
        h = jnp.sqrt(2 * self.dt / self.friction)
        velocity = velocity + (h / 2) * force(position)
        fresh = jnp.sqrt(self.temperature) * xi
        heat = jnp.sum((fresh - velocity) * (fresh + velocity)) / 2
        position = position + (h / 2) * (velocity + fresh)
        return position, fresh + (h / 2) * force(position), heat

    def _euler_maruyama(self, force, position: Array, xi: Array):
        a = self.dt / self.friction
        here = force(position)
        change = a * here + jnp.sqrt(2 * self.temperature * a) * xi
        there = force(position + change)
        heat = jnp.sum(a / 4 * (here - there) * (here + there) - change * (here + there) / 2)
        return position + change, None, heat
