"""Any derivative (dX/dY)_Z of T, P, V, S, U, H, F, G, by Jacobians, and the measured ones by their names.

At fixed N every quantity is a function of the two natural variables (x, y) of the potential, so

    (dX/dY)_Z = d(X, Z)/d(x, y) / [d(Y, Z)/d(x, y)].
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from diffneq.thermo.potentials.relation import QUANTITIES, Potential


def derivative(potential: Potential, X: str, Y: str, Z: str, x: ArrayLike, y: ArrayLike, N: ArrayLike = 1.0) -> Array:
    """(dX/dY)_Z with any three of T, P, V, S, U, H, F, G, at fixed N.

    Arguments: `potential`; `X`, `Y`, `Z`, names; `x`, `y`, the natural variables of the potential; `N`, amount.
    A pure function: `jax.grad` gives higher derivatives, `jax.vmap` many states.

    Raises ValueError: an unknown name, or Y = Z.

    >>> F = Potential(lambda T, V, N: -N * 8.314 * T * (1.0 + jnp.log(V / N * T**1.5)), "F")
    >>> with jax.enable_x64(True):
    ...     print(derivative(F, "H", "T", "P", 300.0, 0.025).round(3))  # C_P = 5/2 R
    20.785
    """
    return quotient(table(potential, x, y, N)[1], X, Y, Z)


def quotient(gradients: Mapping[str, tuple[Array, Array]], X: str, Y: str, Z: str) -> Array:
    """(dX/dY)_Z from the gradients of `table`: one table, any number of derivatives.

    Raises ValueError: an unknown name, or Y = Z.
    """
    for name in (X, Y, Z):
        if name not in QUANTITIES:
            raise ValueError(f"Unknown quantity {name!r}; choose from {', '.join(QUANTITIES)}.")
    if Y == Z:
        raise ValueError(f"(d{X}/d{Y})_{Z} has no meaning: what is varied cannot be held fixed.")
    jacobian = lambda a, b: gradients[a][0] * gradients[b][1] - gradients[a][1] * gradients[b][0]
    return jacobian(X, Z) / jacobian(Y, Z)


def table(
    potential: Potential, x: ArrayLike, y: ArrayLike, N: ArrayLike = 1.0
) -> tuple[dict[str, Array], dict[str, tuple[Array, Array]]]:
    """(values, gradients in the natural variables) of all eight quantities at one state."""
    x, y, N = (jnp.asarray(z, float) for z in (x, y, N))
    values = potential.quantities(x, y, N)
    return values, jax.jacfwd(lambda z: potential.quantities(z[0], z[1], N))((x, y))


def properties(
    potential: Potential, x: ArrayLike, y: ArrayLike, N: ArrayLike = 1.0, mass: ArrayLike = 1.0
) -> dict[str, Array]:
    """The second derivatives that have names, at one state.

    Arguments: as of `derivative`; `mass`, kg of the amount N, for the speed of sound.

    Returns `expansivity` (1/V)(dV/dT)_P, `compressibility_T` and `compressibility_s`, `cp` and `cv` (J/K, of the whole
    amount), `w` (m/s), `joule_thomson` (dT/dP)_H, `joule` (dT/dV)_U, `grueneisen` V (dP/dU)_V, `pressure_coefficient`
    (dP/dT)_V and `adiabatic_gradient` (dT/dP)_S.

    >>> F = Potential(lambda T, V, N: -N * 8.314 * T * (1.0 + jnp.log(V / N * T**1.5)), "F")
    >>> with jax.enable_x64(True):
    ...     print(properties(F, 300.0, 0.025, mass=0.04)["w"].round(2))
    322.37
    """
    values, rows = table(potential, x, y, N)
    of = lambda X, Y, Z: quotient(rows, X, Y, Z)
    T, V = values["T"], values["V"]
    return {
        "expansivity": of("V", "T", "P") / V, "compressibility_T": -of("V", "P", "T") / V,
        "compressibility_s": -of("V", "P", "S") / V, "cp": T * of("S", "T", "P"), "cv": T * of("S", "T", "V"),
        "w": V * jnp.sqrt(-of("P", "V", "S") / jnp.asarray(mass, float)), "joule_thomson": of("T", "P", "H"),
        "joule": of("T", "V", "U"), "grueneisen": V * of("P", "U", "V"), "pressure_coefficient": of("P", "T", "V"),
        "adiabatic_gradient": of("T", "P", "S"),
    }  # fmt: skip
