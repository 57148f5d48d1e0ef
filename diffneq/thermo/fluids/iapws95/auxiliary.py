"""Auxiliary equations for saturated water: where Newton's method starts.

W. Wagner, A. Pruss, J. Phys. Chem. Ref. Data 22 (1993) 783 (IAPWS SR1-86): saturation pressure to 0.03 %, densities to
0.1 % near the critical point and better elsewhere, from 273.16 K to 647.096 K.
"""

import jax.numpy as jnp
from jaxtyping import Array

from diffneq.thermo.fluids.iapws95 import coefficients as table

_PRESSURE = ((2, -7.85951783), (3, 1.84408259), (6, -11.7866497), (7, 22.6807411), (8, -15.9618719), (15, 1.80122502))
_LIQUID = (
    (1, 1.99274064), (2, 1.09965342), (5, -0.510839303), (16, -1.75493479), (43, -45.5170352), (110, -6.74694450e5),
)  # fmt: skip
_VAPOUR = (
    (2, -2.03150240), (4, -2.68302940), (8, -5.38626492), (18, -17.2991605), (37, -44.7586581), (71, -63.9201063),
)  # fmt: skip


def pressure(T: Array) -> Array:
    """Pa; above the critical temperature the straight line of ln p against 1/T."""
    theta = 1.0 - T / table.T_CRITICAL
    below = jnp.maximum(theta, 0.0)
    powers = _series(jnp.sqrt(below), _PRESSURE)
    beyond = _PRESSURE[0][1] * jnp.minimum(theta, 0.0)
    return table.P_CRITICAL * jnp.exp(table.T_CRITICAL / T * (powers + beyond))


def liquid_density(T: Array) -> Array:
    """kg/m3; the critical density above the critical temperature."""
    third = _below(T) ** (1.0 / 3.0)
    return table.RHO_CRITICAL * (1.0 + _series(third, _LIQUID))


def vapour_density(T: Array) -> Array:
    """kg/m3; the critical density above the critical temperature."""
    sixth = _below(T) ** (1.0 / 6.0)
    return table.RHO_CRITICAL * jnp.exp(_series(sixth, _VAPOUR))


def _below(T: Array) -> Array:
    return jnp.maximum(1.0 - T / table.T_CRITICAL, 0.0)


def _series(x: Array, terms: tuple[tuple[int, float], ...]) -> Array:
    return jnp.sum(jnp.stack([c * x**k for k, c in terms]), axis=0)
