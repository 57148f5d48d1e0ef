"""One velocity whose friction depends on it: polynomial gamma(V) and its noise, in three conventions."""

from __future__ import annotations

from typing import ClassVar

import jax.numpy as jnp
from jax import Array

from diffneq._parameters import check_finite, check_positive, float_leaf
from diffneq.inference.conventions import Convention
from diffneq.inference.models.base import Langevin, polynomial


class _PolynomialFriction(Langevin):
    """Parameters and laws that the three conventions share."""

    friction: Array
    temperature: Array
    force: Array
    mass: Array
    given: ClassVar[tuple[str, ...]] = ("force", "mass")
    positive: ClassVar[tuple[str, ...]] = ("temperature",)

    def __init__(self, friction, temperature, force=0.0, mass=1.0):
        self.friction, self.temperature = jnp.atleast_1d(float_leaf(friction)), float_leaf(temperature)
        self.force, self.mass = float_leaf(force), float_leaf(mass)
        owner = type(self).__name__
        check_finite(owner, friction=self.friction, temperature=self.temperature, force=self.force, mass=self.mass)
        check_positive(owner, temperature=self.temperature, mass=self.mass, friction=self.friction[0])

    def friction_at(self, velocity: Array) -> Array:
        """gamma(V) [mass/time]."""
        return polynomial(self.friction, velocity)

    def drift(self, x: Array) -> Array:
        return (self.force - self.friction_at(x) * x) / self.mass

    def diffusion(self, x: Array) -> Array:
        return self.friction_at(x) * self.temperature / self.mass**2


class ItoPolynomialFriction(_PolynomialFriction):
    """M dV = (F - gamma(V) V) dt + sqrt(2 gamma(V) T) . dW in Ito's sense, gamma(V) = gamma_0 + gamma_1 V + ...

    Arguments: `friction` (gamma_0, gamma_1, ...) [mass/time, mass/length, ...], gamma_0 > 0; `temperature` k_B T
    [energy]; `force` F and `mass` M, which fits take as given. Where gamma(V) <= 0 there is no such process: a fit
    refuses parameters with which the data get there.

    Raises `ValueError` for numbers that are not finite, or not positive where they must be. Source: A. Seya, T. Aoyagi,
    M. Itami, Y. Nakayama, N. Nakagawa, arXiv:1904.07033, where such an equation reproduces long-time properties.

    >>> model = ItoPolynomialFriction(friction=(1.0, 0.5), temperature=2.0)
    >>> float(model.drift(jnp.array(1.0))), float(model.diffusion(jnp.array(1.0)))
    (-1.5, 3.0)
    """

    convention: ClassVar[Convention] = "Ito"


class StratonovichPolynomialFriction(_PolynomialFriction):
    """M dV = (F - gamma(V) V) dt + sqrt(2 gamma(V) T) o dW in Stratonovich's sense; see `ItoPolynomialFriction`."""

    convention: ClassVar[Convention] = "Stratonovich"


class AntiItoPolynomialFriction(_PolynomialFriction):
    """M dV = (F - gamma(V) V) dt + sqrt(2 gamma(V) T) * dW, anti-Ito: canonical whatever gamma(V), for F = 0.

    The stationary density is exp(-M V^2/2T) for any gamma(V) > 0; see `ItoPolynomialFriction` for the arguments.
    """

    convention: ClassVar[Convention] = "anti-Ito"
