"""A fundamental relation: one potential as a function of its natural variables, which holds all of thermodynamics."""

from collections.abc import Callable
from typing import Literal, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

Kind = Literal["U", "F", "G", "H"]
NATURAL: dict[str, tuple[str, str]] = {"U": ("S", "V"), "F": ("T", "V"), "G": ("T", "P"), "H": ("S", "P")}
# The conjugate of a natural variable x is sign * d phi/dx: T = dU/dS, P = -dU/dV, S = -dG/dT, V = dG/dP
CONJUGATE: dict[str, tuple[str, float]] = {"S": ("T", 1.0), "T": ("S", -1.0), "V": ("P", -1.0), "P": ("V", 1.0)}
QUANTITIES = ("T", "P", "V", "S", "U", "H", "F", "G")


class Potential(eqx.Module):
    """phi(x, y, N): U(S, V, N), F(T, V, N), G(T, P, N) or H(S, P, N), in J; T in K, P in Pa, V in m3, S in J/K.

    Arguments: `function` of the two natural variables and the amount N, scalar in, scalar out (a function, or an
    `equinox.Module` whose parameters are then leaves); `kind`, which potential it is. N is in whatever unit of amount
    the function takes.

    Raises ValueError: another kind.

    >>> ideal_gas = lambda T, V, N: -N * 8.314 * T * (1.0 + jnp.log(V / N * T**1.5))
    >>> with jax.enable_x64(True):
    ...     every = Potential(ideal_gas, "F").quantities(300.0, 0.025, 1.0)
    >>> {name: round(float(every[name]), 3) for name in ("P", "U")}
    {'P': 99768.0, 'U': 3741.3}
    """

    function: Callable[..., Array]
    kind: Kind = eqx.field(static=True)

    def __check_init__(self):
        if self.kind not in get_args(Kind):
            raise ValueError(f"A potential is one of {', '.join(get_args(Kind))}; got {self.kind!r}.")

    def __call__(self, x: ArrayLike, y: ArrayLike, N: ArrayLike = 1.0) -> Array:
        """phi at one state."""
        return self.function(*(jnp.asarray(z, float) for z in (x, y, N)))

    @property
    def natural(self) -> tuple[str, str]:
        """Names of x and y."""
        return NATURAL[self.kind]

    def quantities(self, x: ArrayLike, y: ArrayLike, N: ArrayLike = 1.0) -> dict[str, Array]:
        """T, P, V, S, U, H, F, G of one state."""
        x, y, N = (jnp.asarray(z, float) for z in (x, y, N))
        phi, slopes = jax.value_and_grad(self.__call__, (0, 1))(x, y, N)
        found = dict(zip(self.natural, (x, y), strict=True))
        for name, slope in zip(self.natural, slopes, strict=True):
            partner, sign = CONJUGATE[name]
            found[partner] = sign * slope
        TS, PV = found["T"] * found["S"], found["P"] * found["V"]
        U = {"U": phi, "F": phi + TS, "G": phi + TS - PV, "H": phi - PV}[self.kind]
        return found | {"U": U, "H": U + PV, "F": U - TS, "G": U + PV - TS}

    def chemical_potential(self, x: ArrayLike, y: ArrayLike, N: ArrayLike = 1.0) -> Array:
        """mu = (d phi/dN) at fixed natural variables, J per unit of amount."""
        return jax.grad(self.__call__, 2)(*(jnp.asarray(z, float) for z in (x, y, N)))
