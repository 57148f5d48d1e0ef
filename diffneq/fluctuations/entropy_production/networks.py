"""Networks whose value changes sign when a step is reversed, and what they are trained to maximise."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array


class StepNetwork(eqx.Module):
    """S(x, x') = h(m, d) - h(m, -d) of a step, m = (x + x')/2, d = (x' - x)/size: any antisymmetric function.

    Trained to maximise <S + 1 - e^{-S}>, whose maximum over all S is <ln p(x, x')/p(x', x)>.

    Source: D.-K. Kim, Y. Bae, S. Lee, H. Jeong, Phys. Rev. Lett. 125, 140604 (2020).
    """

    layers: eqx.nn.MLP
    size: Array

    def __init__(self, dimension: int, width: int, depth: int, size: Array, key: Array):
        self.layers = eqx.nn.MLP(2 * dimension, "scalar", width, depth, jax.nn.silu, key=key)
        self.size = size

    def entropy(self, before: Array, after: Array) -> Array:
        """S of one step between scaled places (d,)."""
        middle, step = (before + after) / 2, (after - before) / jax.lax.stop_gradient(self.size)
        return self.layers(jnp.concatenate([middle, step])) - self.layers(jnp.concatenate([middle, -step]))

    @staticmethod
    def objective(entropy: Array) -> Array:
        return entropy - jnp.expm1(-entropy)


class CurrentNetwork(eqx.Module):
    """S(x, x') = f(m).(x' - x), m = (x + x')/2: a current whose coefficient is a network.

    Trained to maximise <2 S - S^2/2>; the best multiple of a given S makes that 2 <S>^2/<S^2>, the uncertainty bound
    for a short step. It is the objective of `StepNetwork` to second order in S.

    Source: S. Otsubo, S. Ito, A. Dechant, T. Sagawa, Phys. Rev. E 101, 062106 (2020).
    """

    layers: eqx.nn.MLP

    def __init__(self, dimension: int, width: int, depth: int, size: Array, key: Array):
        self.layers = eqx.nn.MLP(dimension, dimension, width, depth, jax.nn.silu, key=key)

    def entropy(self, before: Array, after: Array) -> Array:
        """S of one step between scaled places (d,)."""
        return self.layers((before + after) / 2) @ (after - before)

    @staticmethod
    def objective(entropy: Array) -> Array:
        return 2 * entropy - entropy**2 / 2


def force(network: StepNetwork | CurrentNetwork, place: Array) -> Array:
    """dS/dx' at x' = x: the thermodynamic force in scaled coordinates, (d,)."""
    return jax.grad(network.entropy, argnums=1)(place, place)
