"""Polynomial drift and polynomial diffusion of one variable: multiplicative noise, in three conventions."""

from __future__ import annotations

from typing import ClassVar

import jax.numpy as jnp
from jax import Array

from diffneq._parameters import check_finite, float_leaf
from diffneq.inference.conventions import Convention
from diffneq.inference.models.base import Langevin, polynomial


class _Polynomial(Langevin):
    """Coefficients and laws that the three conventions share."""

    drift_coefficients: Array
    diffusion_coefficients: Array

    def __init__(self, drift, diffusion):
        self.drift_coefficients = jnp.atleast_1d(float_leaf(drift))
        self.diffusion_coefficients = jnp.atleast_1d(float_leaf(diffusion))
        check_finite(type(self).__name__, drift=self.drift_coefficients, diffusion=self.diffusion_coefficients)

    def drift(self, x: Array) -> Array:
        return polynomial(self.drift_coefficients, x)

    def diffusion(self, x: Array) -> Array:
        return polynomial(self.diffusion_coefficients, x)


class ItoPolynomial(_Polynomial):
    """dx = (a_0 + a_1 x + ...) dt + sqrt(2 (d_0 + d_1 x + ...)) . dW in Ito's sense.

    Arguments: `drift` (a_0, a_1, ...) [x/t, 1/t, ...]; `diffusion` (d_0, ...) [x^2/t, ...], one entry for noise that
    does not depend on x. A fit refuses parameters with which the diffusion is not positive at the data. Raises
    `ValueError` for numbers that are not finite.

    >>> ItoPolynomial(drift=(0.0, -1.0), diffusion=(1.0, 0.0, 0.5)).diffusion(jnp.array(2.0)).item()
    3.0
    """

    convention: ClassVar[Convention] = "Ito"


class StratonovichPolynomial(_Polynomial):
    """dx = (a_0 + a_1 x + ...) dt + sqrt(2 (d_0 + d_1 x + ...)) o dW in Stratonovich's sense; see `ItoPolynomial`."""

    convention: ClassVar[Convention] = "Stratonovich"


class AntiItoPolynomial(_Polynomial):
    """dx = (a_0 + a_1 x + ...) dt + sqrt(2 (d_0 + d_1 x + ...)) * dW in the anti-Ito sense; see `ItoPolynomial`."""

    convention: ClassVar[Convention] = "anti-Ito"
