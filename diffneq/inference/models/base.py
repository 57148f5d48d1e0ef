"""What a Langevin model is: a drift, a diffusion, and the convention that gives their product with noise a meaning."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jax import Array

from diffneq.inference.conventions import Convention, drift_correction, evaluation_point


class Langevin(eqx.Module):
    """dx = a(x) dt + sqrt(2 D(x)) dW, x a scalar or (d,) with independent noises; dW as `convention` says.

    A member gives `drift` a(x) and `diffusion` D(x), each () or (d,), and names what a fit needs to know: `given`,
    parameters that are known and not fitted, and `positive`, those that must be greater than zero.
    """

    convention: eqx.AbstractClassVar[Convention]
    given: ClassVar[tuple[str, ...]] = ()
    positive: ClassVar[tuple[str, ...]] = ()

    @abc.abstractmethod
    def drift(self, x: Array) -> Array:
        """a(x) [x/t], in the model's own convention."""

    @abc.abstractmethod
    def diffusion(self, x: Array) -> Array:
        """D(x) [x^2/t], the diagonal where x is (d,)."""

    def ito_drift(self, x: Array) -> Array:
        """The drift of the same process written in Ito's sense."""
        if self.convention in ("Ito", "additive"):
            return self.drift(x)
        return self.drift(x) + drift_correction(self.diffusion, x, self.convention, "Ito")


class ItoLangevin(Langevin):
    """dx = a(x) dt + sqrt(2 D(x)) . dW in Ito's sense.

    Arguments: `drift_law` a and `diffusion_law` D, x -> () or (d,): equinox modules whose float leaves are the
    parameters, or functions of a module.

    >>> ItoLangevin(jnp.sin, jnp.exp).convention
    'Ito'
    """

    drift_law: Callable
    diffusion_law: Callable
    convention: ClassVar[Convention] = "Ito"

    def drift(self, x: Array) -> Array:
        return self.drift_law(x)

    def diffusion(self, x: Array) -> Array:
        return self.diffusion_law(x)


class StratonovichLangevin(Langevin):
    """dx = a(x) dt + sqrt(2 D(x)) o dW in Stratonovich's sense; arguments as `ItoLangevin`."""

    drift_law: Callable
    diffusion_law: Callable
    convention: ClassVar[Convention] = "Stratonovich"

    def drift(self, x: Array) -> Array:
        return self.drift_law(x)

    def diffusion(self, x: Array) -> Array:
        return self.diffusion_law(x)


class AntiItoLangevin(Langevin):
    """dx = a(x) dt + sqrt(2 D(x)) * dW, the noise strength taken at the end of the step; arguments as `ItoLangevin`."""

    drift_law: Callable
    diffusion_law: Callable
    convention: ClassVar[Convention] = "anti-Ito"

    def drift(self, x: Array) -> Array:
        return self.drift_law(x)

    def diffusion(self, x: Array) -> Array:
        return self.diffusion_law(x)


class ItoForm(Langevin):
    """The process of `model`, whatever its convention, written in Ito's sense."""

    model: Langevin
    convention: ClassVar[Convention] = "Ito"

    def drift(self, x: Array) -> Array:
        return self.model.ito_drift(x)

    def diffusion(self, x: Array) -> Array:
        return self.model.diffusion(x)


class StratonovichForm(Langevin):
    """The process of `model`, whatever its convention, written in Stratonovich's sense."""

    model: Langevin
    convention: ClassVar[Convention] = "Stratonovich"

    def drift(self, x: Array) -> Array:
        return self.model.ito_drift(x) + drift_correction(self.model.diffusion, x, "Ito", "Stratonovich")

    def diffusion(self, x: Array) -> Array:
        return self.model.diffusion(x)


class AntiItoForm(Langevin):
    """The process of `model`, whatever its convention, written in the anti-Ito sense."""

    model: Langevin
    convention: ClassVar[Convention] = "anti-Ito"

    def drift(self, x: Array) -> Array:
        return self.model.ito_drift(x) + drift_correction(self.model.diffusion, x, "Ito", "anti-Ito")

    def diffusion(self, x: Array) -> Array:
        return self.model.diffusion(x)


def converted(model: Langevin, into: Convention) -> Langevin:
    """The same process in another convention: a_into = a + (l - l_into) dD/dx, D unchanged; exact.

    Arguments: `model`, `into` "Ito", "Stratonovich" or "anti-Ito". Returns an `ItoForm`, `StratonovichForm` or
    `AntiItoForm` around it, with the same parameters. Raises `ValueError` for other names.

    >>> from diffneq.inference import ItoPolynomial
    >>> brownian = ItoPolynomial(drift=(0.0, 1.0), diffusion=(0.0, 0.0, 1.0))     # dx = x dt + sqrt(2) x . dW
    >>> float(converted(brownian, "Stratonovich").drift(jnp.array(3.0)))          # dx = sqrt(2) x o dW
    0.0
    """
    evaluation_point(into)
    return {"Ito": ItoForm, "Stratonovich": StratonovichForm, "anti-Ito": AntiItoForm}[into](model)


def polynomial(coefficients: Array, x: Array) -> Array:
    """sum_n c_n x^n by Horner's rule, for x of any shape."""
    total = jnp.zeros_like(x) + coefficients[-1]
    for c in coefficients[-2::-1]:
        total = total * x + c
    return total
