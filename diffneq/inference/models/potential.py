"""A potential and a friction: overdamped in one coordinate, or underdamped in (position, velocity)."""

from __future__ import annotations

from typing import ClassVar

import jax
import jax.numpy as jnp
from jax import Array

from diffneq._parameters import check_finite, check_positive, float_leaf
from diffneq.inference.conventions import Convention
from diffneq.inference.models.base import Langevin, polynomial


class OverdampedPotential(Langevin):
    """g dx = -U'(x) dt + sqrt(2 g T) dW, U(x) = sum_n c_n x^n from n = 1: additive noise, all conventions coincide.

    Arguments: `potential` (c_1, c_2, ...) [energy/x^n]; `friction` g [mass/time]; `temperature` k_B T [energy]. A
    record of x determines c_n/g and T/g only, so fits take the temperature as given. Raises `ValueError` for numbers
    that are not finite, or not positive where they must be.

    >>> well = OverdampedPotential(potential=(0.0, -1.0, 0.0, 0.25), friction=2.0, temperature=1.0)
    >>> float(well.drift(jnp.array(2.0)))
    -2.0
    """

    potential: Array
    friction: Array
    temperature: Array
    convention: ClassVar[Convention] = "additive"
    given: ClassVar[tuple[str, ...]] = ("temperature",)
    positive: ClassVar[tuple[str, ...]] = ("friction", "temperature")

    def __init__(self, potential, friction, temperature):
        self.potential = jnp.atleast_1d(float_leaf(potential))
        self.friction, self.temperature = float_leaf(friction), float_leaf(temperature)
        check_finite("OverdampedPotential", potential=self.potential, friction=self.friction, temperature=temperature)
        check_positive("OverdampedPotential", friction=self.friction, temperature=self.temperature)

    def energy(self, x: Array) -> Array:
        """U(x)."""
        return polynomial(self.potential, x) * x

    def drift(self, x: Array) -> Array:
        return -jax.grad(self.energy)(x) / self.friction

    def diffusion(self, x: Array) -> Array:
        return self.temperature / self.friction + jnp.zeros_like(x)


class ItoUnderdampedPotential(Langevin):
    """dx = v dt, M dv = -U'(x) dt - g(v) v dt + sqrt(2 g(v) T) . dW in Ito's sense; both x and v are recorded.

    Arguments: `potential` (c_1, c_2, ...), U = sum_n c_n x^n; `friction` (g_0, g_1, ...) [mass/time, ...];
    `temperature` [energy]; `mass`, which fits take as given. The record holds (x, v) in this order, (T, 2) or
    (R, T, 2); fit it with `substeps=2` or more, for x feels the noise only to third order in dt. Raises `ValueError`
    for numbers that are not finite, or not positive where they must be.

    >>> ItoUnderdampedPotential((0.0, 0.5), 1.0, 1.0).drift(jnp.array([2.0, 3.0])).tolist()
    [3.0, -5.0]
    """

    potential: Array
    friction: Array
    temperature: Array
    mass: Array
    convention: ClassVar[Convention] = "Ito"
    given: ClassVar[tuple[str, ...]] = ("mass",)
    positive: ClassVar[tuple[str, ...]] = ("temperature",)

    def __init__(self, potential, friction, temperature, mass=1.0):
        self.potential, self.friction = jnp.atleast_1d(float_leaf(potential)), jnp.atleast_1d(float_leaf(friction))
        self.temperature, self.mass = float_leaf(temperature), float_leaf(mass)
        owner = type(self).__name__
        check_finite(owner, potential=self.potential, friction=self.friction, temperature=temperature, mass=self.mass)
        check_positive(owner, temperature=self.temperature, mass=self.mass, friction=self.friction[0])

    def energy(self, position: Array) -> Array:
        """U(x)."""
        return polynomial(self.potential, position) * position

    def drift(self, x: Array) -> Array:
        position, velocity = x
        drag = polynomial(self.friction, velocity) * velocity
        return jnp.stack([velocity, (-jax.grad(self.energy)(position) - drag) / self.mass])

    def diffusion(self, x: Array) -> Array:
        strength = polynomial(self.friction, x[1]) * self.temperature / self.mass**2
        return jnp.stack([jnp.zeros_like(strength), strength])
