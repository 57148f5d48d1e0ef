"""The energy of one phase at one constitution, and what follows from it by derivatives.

Plain functions of (tables, phase, T, P, y): they can be jitted, mapped and differentiated in every argument.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffneq.thermo.calphad.physical import physical_energy
from diffneq.thermo.calphad.tables import Magnetism, Tables

TINY = 1e-100  # below it ln y is taken here: y ln y is 0 at y = 0 and its derivatives stay numbers


def extended(tables: Tables, phase, y: Float[Array, " n_y"]) -> tuple[Float[Array, " n_z"], Float[Array, " n_f"]]:
    """z = constant + extended y and p_f = prod_k z[factors[f, k]]."""
    z = tables.constant[phase] + tables.extended[phase] @ y
    return z, jnp.prod(z[tables.factors[phase]], axis=-1)


def formula_energy(tables: Tables, phase, T, P, y: Float[Array, " n_y"]) -> Float[Array, ""]:
    """G = sum_f c_f(T, P) p_f(y) + R T sum_j entropy_j z_j ln z_j + G_phys(y, T), J per mole of formula units.

    Args:
        tables: of a system.
        phase: index of the phase in the tables.
        T: temperature, K.
        P: pressure, Pa.
        y: site fractions, padded to the n_y of the tables.
    """
    T, P = jnp.asarray(T, float), jnp.asarray(P, float)
    z, p = extended(tables, phase, y)
    weights = tables.entropy[phase]
    if tables.feature_entropy is not None:
        weights = weights + tables.feature_entropy[phase] @ p
    mixing = jnp.sum(weights * z * jnp.log(jnp.maximum(z, TINY)))
    energy = tables.energy_coefficients(T, P)[phase] @ p + tables.gas_constant * T * mixing
    if not tables.channels:
        return energy
    values = tables.physical_coefficients(T, P)[phase] @ p
    magnetism = Magnetism(*(entry[phase] for entry in tables.magnetism))
    return energy + physical_energy(tables.channels, values, T, magnetism, tables.gas_constant)


def formula_moles(tables: Tables, phase, y: Float[Array, " n_y"]) -> Float[Array, " elements"]:
    """M_e = sum_s a_s sum_j b_ej y_sj, moles of each element in a mole of formula units."""
    moles = tables.moles[phase] @ y
    if tables.feature_moles is None:
        return moles
    return moles + tables.feature_moles[phase] @ extended(tables, phase, y)[1]


def molar_energy(tables: Tables, phase, T, P, y: Float[Array, " n_y"]) -> Float[Array, ""]:
    """G / sum_e M_e, J per mole of atoms."""
    return formula_energy(tables, phase, T, P, y) / jnp.sum(formula_moles(tables, phase, y))


def slope(function: Callable) -> Callable:
    """df/dT of a function f(T) of a scalar."""
    return lambda T: jax.jvp(function, (T,), (jnp.ones_like(T),))[1]


def entropy(energy: Callable, T: Float[Array, ""]) -> Array:
    """S = -dG/dT at fixed y, of a function G(T)."""
    return -slope(energy)(T)


def enthalpy(energy: Callable, T: Float[Array, ""]) -> Array:
    """H = G - T dG/dT at fixed y."""
    return energy(T) - T * slope(energy)(T)


def heat_capacity(energy: Callable, T: Float[Array, ""]) -> Array:
    """C_P = -T d2G/dT2 at fixed y."""
    return -T * slope(slope(energy))(T)


def driving_force(
    tables: Tables, phase, potentials: Float[Array, " elements"], T, P, y: Float[Array, " n_y"]
) -> Float[Array, ""]:
    """D = (sum_e mu_e M_e - G) / sum_e M_e, J per mole of atoms; positive where the phase would form.

    Args:
        potentials: chemical potentials mu_e of the elements, J/mol, padded to the elements of the tables.
        tables, phase, T, P, y: as of `formula_energy`.
    """
    moles = formula_moles(tables, phase, y)
    return (potentials @ moles - formula_energy(tables, phase, T, P, y)) / jnp.sum(moles)
