"""Two phases in equilibrium, each with a Gibbs energy of its own: where they coexist, and the slope of the line."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool

from diffneq.thermo.potentials.implicit import rooted
from diffneq.thermo.potentials.relation import Potential

_STEPS, _DONE = 60, 1e-10


class Line(NamedTuple):
    """A point of a coexistence line."""

    T: Array  # K
    P: Array  # Pa
    slope: Array  # dP/dT, Pa/K
    latent_heat: Array  # T (S_2 - S_1), J per unit of amount
    volume_change: Array  # V_2 - V_1, m3 per unit of amount
    converged: Bool[Array, ""]


def clapeyron(first: Potential, second: Potential, T: ArrayLike, P: ArrayLike) -> Line:
    """dP/dT = (S_2 - S_1)/(V_2 - V_1) where G_1(T, P) = G_2(T, P), for any two phases of any two models.

    Arguments: `first`, `second`, potentials of kind "G" for one and the same unit of amount and with common reference
    states; `T`, K; `P`, Pa, where Newton's method for the pressure starts. Differentiable in T and in the parameters of
    both.

    Raises ValueError: potentials of another kind.

    >>> ice = Potential(lambda T, P, N: N * (-1000.0 * (T - 273.15) + 1.09e-3 * P), "G")
    >>> liquid = Potential(lambda T, P, N: N * (-2222.0 * (T - 273.15) + 1.0e-3 * P), "G")
    >>> with jax.enable_x64(True):
    ...     print(clapeyron(ice, liquid, 272.15, 1e5).slope)  # 1222/(-9e-5)
    -13577777.777777774
    """
    if first.kind != "G" or second.kind != "G":
        raise ValueError(
            f"clapeyron needs two potentials G(T, P, N), got {first.kind} and {second.kind}; transform them."
        )
    T, P = jnp.asarray(T, float), jnp.asarray(P, float)
    constant = lambda x: jax.lax.stop_gradient(x) if eqx.is_array(x) else x
    frozen, there, start = jax.tree.map(constant, ((first, second), T, P))
    gap = lambda phases, T, P: phases[1](T, P) - phases[0](T, P)

    def body(carry):
        count, P, _ = carry
        value, slope = jax.value_and_grad(gap, 2)(frozen, there, P)
        new = P - value / slope
        return count + 1, new, jnp.abs(new - P) / (jnp.abs(new) + 1.0)

    going = lambda carry: (carry[0] < _STEPS) & (carry[2] > _DONE)
    _, found, change = jax.lax.while_loop(going, body, (0, start, jnp.asarray(jnp.inf)))
    (P,) = rooted(lambda z: (gap((first, second), T, z[0]),), (found,))
    (T_1, P_1), (T_2, P_2) = (jax.grad(phase, (0, 1))(T, P, 1.0) for phase in (first, second))
    dS, dV = T_1 - T_2, P_2 - P_1
    return Line(T, P, dS / dV, T * dS, dV, change < 1e3 * _DONE)
