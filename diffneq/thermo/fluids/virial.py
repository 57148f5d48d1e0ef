"""Virial coefficients: p/(rho R T) = 1 + B rho + C rho^2 + ..."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from diffneq.thermo.fluids.helmholtz import Fluid


class Virial(NamedTuple):
    """B (m3/basis) and C (m6/basis2)."""

    B: Float[Array, "*batch"]
    C: Float[Array, "*batch"]


@jax.jit
def virial_coefficients(model: Fluid, T: ArrayLike) -> Virial:
    """B = d alpha_r/d rho, C = d2 alpha_r/d rho2, both at rho = 0; T in K.

    >>> from diffneq.thermo.fluids import water
    >>> with jax.enable_x64(True):
    ...     print(f"{float(virial_coefficients(water(), 600.0).B):.8e}")
    -5.55366808e-03
    """

    def one(T):
        first = jax.grad(model.residual, 1)
        return first(T, jnp.zeros(())), jax.grad(first, 1)(T, jnp.zeros(()))

    return Virial(*jnp.vectorize(one, signature="()->(),()")(jnp.asarray(T, float)))
