"""IAPWS-95: the Helmholtz energy of ordinary water substance."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from diffneq._parameters import float_leaf
from diffneq.thermo.fluids.cubic.families import PENG_ROBINSON
from diffneq.thermo.fluids.helmholtz import Alpha, Critical, Range, require_float64
from diffneq.thermo.fluids.iapws95 import by_terms, quick
from diffneq.thermo.fluids.iapws95 import coefficients as table
from diffneq.thermo.fluids.iapws95.auxiliary import liquid_density, pressure, vapour_density
from diffneq.thermo.fluids.iapws95.by_terms import snapped
from diffneq.thermo.fluids.iapws95.leaves import Leaves

_MANY = 1024  # states: from here on the quicker program is worth its compilation
_C, _D = (np.array([row[k] for row in table.POWER]) for k in range(2))
_T = np.array([row[2] for row in table.POWER])
_GAUSSIAN_D, _GAUSSIAN_T = (np.array([row[k] for row in table.GAUSSIAN]) for k in range(2))


class IAPWS95(eqx.Module):
    """a(T, rho)/(R T) = phi0(delta, tau) + phir(delta, tau), delta = rho/rho_c, tau = T_c/T; per kilogram.

    phir is a sum of 7 powers, 44 powers with exponentials, 3 Gaussians and 2 terms that are not analytic at the
    critical point. The exponents c, d, t, a, beta are fixed; every other number is a leaf and can be differentiated.

    `ideal` and `residual` are written as in the release; `derivatives` is the same function with its first and second
    derivatives by hand. At the critical point itself, where c_v of the
    formulation diverges as |tau - 1|^(-0.3), the divergent part of the second derivative in tau is left out, so that
    every value and derivative is a finite number; on the critical isochore and isotherm all are exact.

    Source: IAPWS R6-95(2018); W. Wagner, A. Pruss, J. Phys. Chem. Ref. Data 31 (2002) 387. Valid from the melting curve
    to 1273 K and 1000 MPa.
    """

    leaves: Leaves
    T_critical: Array  # K
    rho_critical: Array  # kg/m3
    gas_constant: Array  # J/(kg K)
    molar_mass: Array  # kg/mol
    name: str = eqx.field(static=True, default="water")
    basis: str = eqx.field(static=True, default="kg")
    citation: str = eqx.field(static=True, default="IAPWS R6-95(2018)")
    validity: Range = eqx.field(static=True, default=Range(table.T_TRIPLE, table.T_HIGHEST, table.P_HIGHEST))

    @property
    def critical(self) -> Critical:
        """T_c and rho_c are parameters of the formulation; the pressure is the one it gives there."""
        alpha = self.derivatives(self.T_critical, self.rho_critical)
        p = self.rho_critical * self.gas_constant * self.T_critical * alpha.d1t0
        return Critical(self.T_critical, self.rho_critical, p)

    def ideal(self, T: ArrayLike, rho: ArrayLike) -> Array:
        """phi0, equation (5) of the release."""
        delta, tau = self._reduced(T, rho)
        lead, slope, log = self.leaves.ideal
        n, gamma = self.leaves.bath
        bath = jnp.sum(n * jnp.log1p(-jnp.exp(-gamma * tau[..., None])), axis=-1)
        return jnp.log(delta) + lead + slope * tau + log * jnp.log(tau) + bath

    def residual(self, T: ArrayLike, rho: ArrayLike) -> Array:
        """phir, equation (6) of the release; the terms are along the last axis until they are summed."""
        delta, tau = (x[..., None] for x in self._reduced(T, rho))
        value = self.leaves.power * _whole(delta, _D) * tau**_T * jnp.where(_C > 0, jnp.exp(-_whole(delta, _C)), 1.0)
        n, alpha, beta, gamma, epsilon = self.leaves.gaussian
        bell = jnp.exp(-alpha * (delta - epsilon) ** 2 - beta * (tau - gamma) ** 2)
        gaussian = n * _whole(delta, _GAUSSIAN_D) * tau**_GAUSSIAN_T * bell
        away, (A, B) = jnp.abs(snapped(delta - 1.0)), self.leaves.distance
        theta = A * _power(away, 1.0 / table.NONANALYTIC_BETA) - snapped(tau - 1.0)
        distance = theta**2 + B * away ** int(2 * table.NONANALYTIC_a)
        b, n, C, D = self.leaves.nonanalytic
        psi = jnp.exp(-C * (delta - 1.0) ** 2 - D * (tau - 1.0) ** 2)
        nonanalytic = n * _power(distance, b) * delta * psi
        return value.sum(axis=-1) + gaussian.sum(axis=-1) + nonanalytic.sum(axis=-1)

    def derivatives(self, T: ArrayLike, rho: ArrayLike) -> Alpha:
        """phi0 + phir and their scaled derivatives, in closed form; from 1024 states on by the quicker program."""
        delta, tau = self._reduced(T, rho)
        return (quick if delta.size >= _MANY else by_terms).alpha(delta, tau, self.leaves)

    def coexistence_start(self, T: ArrayLike) -> tuple[Array, Array]:
        """The auxiliary equations for the saturated densities."""
        T = jnp.asarray(T, float)
        return liquid_density(T), vapour_density(T)

    def pressure_start(self, T: ArrayLike) -> Array:
        """The auxiliary equation for the saturation pressure."""
        return pressure(jnp.asarray(T, float))

    @property
    def densest(self) -> Array:
        """No denser state is looked for, kg/m3; at 251 K and 1 GPa there are 1240."""
        return 5.0 * self.rho_critical

    def supercritical_start(self, T: ArrayLike, p: ArrayLike) -> Array:
        """The root of the Peng-Robinson equation with the critical point of water."""
        T, p = jnp.asarray(T, float), jnp.asarray(p, float)
        beta, reduced = PENG_ROBINSON.omega_b * self.T_critical / table.P_CRITICAL, T / self.T_critical
        softness = PENG_ROBINSON.softness(reduced, jnp.asarray(table.ACENTRIC))
        q = PENG_ROBINSON.omega_a / PENG_ROBINSON.omega_b * softness / reduced
        Z = PENG_ROBINSON.compressibilities(beta * p / T, q)[1]
        return p / (Z * self.gas_constant * T)

    def _reduced(self, T: ArrayLike, rho: ArrayLike) -> tuple[Array, Array]:
        T, rho = jnp.broadcast_arrays(jnp.asarray(T, float), jnp.asarray(rho, float))
        return rho / self.rho_critical, self.T_critical / T


def _whole(x: Float[Array, "*batch 1"], exponents: np.ndarray) -> Array:
    """x^k for each of whole exponents along the last axis, with derivatives of any order also at x = 0."""
    distinct, place = np.unique(exponents, return_inverse=True)
    return jnp.concatenate([x ** int(k) for k in distinct], axis=-1)[..., place]


def _power(x: Array, exponent: ArrayLike) -> Array:
    """x^exponent for x >= 0, with all derivatives zero at x = 0."""
    positive = x > 0.0
    return jnp.where(positive, jnp.where(positive, x, 1.0) ** exponent, 0.0)


def water() -> IAPWS95:
    """Ordinary water by IAPWS-95, as published.

    Raises:
        ValueError: JAX runs in single precision.

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     round(float(water().critical.p))
    22064000
    """
    require_float64()
    columns = lambda rows, *which: tuple(float_leaf([row[k] for row in rows]) for k in which)
    leaves = Leaves(
        ideal=tuple(map(float_leaf, (table.IDEAL_LEAD, table.IDEAL_SLOPE, table.IDEAL_LOG))),
        bath=columns(table.IDEAL, 0, 1),
        power=columns(table.POWER, 3)[0],
        gaussian=columns(table.GAUSSIAN, 2, 3, 4, 5, 6),
        nonanalytic=columns(table.NONANALYTIC, 0, 1, 2, 3),
        distance=(float_leaf(table.NONANALYTIC_A), float_leaf(table.NONANALYTIC_B)),
    )
    scales = (table.T_CRITICAL, table.RHO_CRITICAL, table.GAS_CONSTANT, table.MOLAR_MASS)
    return IAPWS95(leaves, *map(float_leaf, scales))
