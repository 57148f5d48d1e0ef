"""Energies of an ideal gas and pure condensed phases from their amounts; volumes of condensed phases are zero."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffneq.thermo.reactions.table import Arrays
from diffneq.thermo.species.species import GAS_CONSTANT


class Properties(NamedTuple):
    """Of the whole system; J, J/K, m3."""

    H: Float[Array, "B"]
    S: Float[Array, "B"]
    G: Float[Array, "B"]
    U: Float[Array, "B"]
    V: Float[Array, "B"]


def properties(
    table: Arrays, chosen: tuple[int, ...], gases: int, n: Float[Array, "species B"], T: Array, P: Array
) -> Properties:
    """H = sum n_k H_k, S = sum n_k (S_k - R ln(y_k P/P0)) over the gas plus sum n_c S_c, V = N R T/P."""
    G, slope = jax.jvp(lambda T: table.molar_gibbs(chosen, T), (T,), (jnp.ones_like(T),))
    H = jnp.sum(n * (G - T[None] * slope), axis=0)
    gas = n[:gases]
    N = jnp.sum(gas, axis=0)
    mixed = jnp.sum(_x_log_x(gas), axis=0) - _x_log_x(N) + N * jnp.log(P / table.standard_pressure)
    S = -jnp.sum(n * slope, axis=0) - GAS_CONSTANT * mixed
    V = N * GAS_CONSTANT * T / P
    return Properties(H, S, H - T * S, H - P * V, V)


def _x_log_x(x: Array) -> Array:
    inside = x > 1e-290
    return jnp.where(inside, x * jnp.log(jnp.where(inside, x, 1.0)), 0.0)
