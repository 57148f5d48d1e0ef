"""A fluid as a fundamental relation: F(T, V, N) = N a(T, N/V), for `diffneq.thermo.potentials`."""

import equinox as eqx
from jaxtyping import Array

from diffneq.thermo.fluids.helmholtz import Fluid
from diffneq.thermo.potentials.relation import Potential


class _Helmholtz(eqx.Module):
    model: Fluid

    def __call__(self, T: Array, V: Array, N: Array) -> Array:
        rho = N / V
        return N * self.model.gas_constant * T * (self.model.ideal(T, rho) + self.model.residual(T, rho))


def potential(model: Fluid) -> Potential:
    """F(T, V, N) of a homogeneous fluid; N in the basis of the model (kg or mol), V in m3.

    >>> import jax
    >>> from diffneq.thermo.fluids import water
    >>> from diffneq.thermo.potentials import derivative
    >>> with jax.enable_x64(True):
    ...     slope = derivative(potential(water()), "T", "P", "S", 300.0, 1.0 / 996.556)
    >>> round(1e6 * float(slope), 5)  # K/MPa
    0.01979
    """
    return Potential(_Helmholtz(model), "F")
