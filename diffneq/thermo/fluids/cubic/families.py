"""Cubic equations of state: p = rho R T/(1 - b rho) - a(T) rho^2/((1 + d1 b rho)(1 + d2 b rho)).

With y = b rho and q = a/(b R T) the residual Helmholtz energy of a pure fluid or a mixture is

    alpha_r = -ln(1 - y) - q ln((1 + d1 y)/(1 + d2 y))/(d1 - d2),

and a(T) = Omega_a (R T_c)^2/p_c [1 + m(omega)(1 - sqrt(T/T_c))]^2, b = Omega_b R T_c/p_c.
"""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

R = 8.31446261815324  # J/(mol K), CODATA 2018


@dataclasses.dataclass(frozen=True)
class Family:
    """One cubic equation: its two constants and its m(omega) as a polynomial, lowest power first."""

    title: str
    first: float
    second: float
    omega_a: float
    omega_b: float
    slope: tuple[float, ...]
    citation: str

    @property
    def Z_critical(self) -> float:
        """p_c/(rho_c R T_c): a third of the sum of the roots in Z, which coincide there."""
        return (1.0 - (self.first + self.second - 1.0) * self.omega_b) / 3.0

    def softness(self, T_reduced: Array, acentric: Array) -> Array:
        """a(T)/a(T_c)."""
        m = sum(c * acentric**k for k, c in enumerate(self.slope)) if self.slope else jnp.zeros(())
        return (1.0 + m * (1.0 - jnp.sqrt(T_reduced))) ** 2

    def alpha(self, y: Array, q: Array) -> Array:
        """alpha_r."""
        if self.first == self.second:
            return -jnp.log1p(-y) - q * y / (1.0 + self.first * y)
        ratio = jnp.log1p(self.first * y) - jnp.log1p(self.second * y)
        return -jnp.log1p(-y) - q * ratio / (self.first - self.second)

    def compressibilities(self, B: Array, q: Array) -> tuple[Array, Array]:
        """The least and the largest root Z > B of the cubic at B = b p/(R T), equal where there is but one."""
        u, w = self.first + self.second, self.first * self.second
        A = q * B
        c2, c1 = (u - 1.0) * B - 1.0, A + (w - u) * B * B - u * B
        c0 = -(A * B + w * B * B * (1.0 + B))
        return _outer_roots(c2, c1, c0)


def _outer_roots(c2: Array, c1: Array, c0: Array) -> tuple[Array, Array]:
    """Least and largest real root of z^3 + c2 z^2 + c1 z + c0, polished by Newton's method."""
    p, r = (c2 * c2 - 3.0 * c1) / 9.0, (c2 * (2.0 * c2 * c2 - 9.0 * c1) + 27.0 * c0) / 54.0
    three = r * r < p * p * p
    # Three real roots: cosines. One: Cardano's formula, without cancellation.
    size = jnp.sqrt(jnp.where(three, p, 1.0))
    angle = jnp.arccos(jnp.clip(jnp.where(three, r, 0.0) / size**3, -1.0, 1.0))
    low = -2.0 * size * jnp.cos(angle / 3.0)
    high = -2.0 * size * jnp.cos((angle + 2.0 * np.pi) / 3.0)
    s = -jnp.sign(r) * jnp.cbrt(jnp.abs(r) + jnp.sqrt(jnp.where(three, 1.0, r * r - p * p * p)))
    single = s + jnp.where(s == 0.0, 0.0, p / jnp.where(s == 0.0, 1.0, s))
    roots = [jnp.where(three, z, single) - c2 / 3.0 for z in (low, high)]
    for _ in range(3):
        roots = [_polished(z, c2, c1, c0) for z in roots]
    return roots[0], roots[1]


def _polished(z: Array, c2: Array, c1: Array, c0: Array) -> Array:
    value, slope = ((z + c2) * z + c1) * z + c0, (3.0 * z + 2.0 * c2) * z + c1
    return jnp.where(slope == 0.0, z, z - value / jnp.where(slope == 0.0, 1.0, slope))


VAN_DER_WAALS = Family("van der Waals", 0.0, 0.0, 27.0 / 64.0, 0.125, (), "J. D. van der Waals, thesis, Leiden (1873)")
SOAVE = Family(
    "Soave-Redlich-Kwong", 1.0, 0.0, 1.0 / (9.0 * (2.0 ** (1.0 / 3.0) - 1.0)), (2.0 ** (1.0 / 3.0) - 1.0) / 3.0,
    (0.480, 1.574, -0.176), "G. Soave, Chem. Eng. Sci. 27 (1972) 1197",
)  # fmt: skip
PENG_ROBINSON = Family(
    "Peng-Robinson", 1.0 + np.sqrt(2.0), 1.0 - np.sqrt(2.0), 0.45723552892138219, 0.07779607390388846,
    (0.37464, 1.54226, -0.26992), "D.-Y. Peng, D. B. Robinson, Ind. Eng. Chem. Fundam. 15 (1976) 59",
)  # fmt: skip
FAMILIES = {"vdW": VAN_DER_WAALS, "SRK": SOAVE, "PR": PENG_ROBINSON}
