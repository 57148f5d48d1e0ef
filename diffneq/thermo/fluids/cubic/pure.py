"""A pure fluid by a cubic equation of state."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from diffneq._parameters import float_leaf
from diffneq.thermo.fluids.cubic.coexistence import coexistence_curve
from diffneq.thermo.fluids.cubic.families import FAMILIES, Family, R
from diffneq.thermo.fluids.cubic.substances import Substance, substance
from diffneq.thermo.fluids.helmholtz import Alpha, Critical, Range, alpha_by_autodiff, require_float64

T_REFERENCE, P_REFERENCE = 298.15, 1.0e5  # K, Pa: u = h = s = 0 of the ideal gas, but for h - u = R T


class Cubic(eqx.Module):
    """a(T, rho)/(R T) = alpha_0(T, rho) + alpha_r(b rho, a(T)/(b R T)), per mole; alpha_r of `families.Family`.

    The ideal gas has c_p = sum_k C_k T^k, and h = 0, s = 0 at 298.15 K and 1 bar.
    """

    T_critical: Array  # K
    p_critical: Array  # Pa
    acentric: Array
    heat_capacity: Float[Array, "4"]  # C_k, J/(mol K^(k+1))
    molar_mass: Array  # kg/mol
    gas_constant: Array  # J/(mol K)
    family: Family = eqx.field(static=True)
    name: str = eqx.field(static=True)
    citation: str = eqx.field(static=True)
    validity: Range = eqx.field(static=True)
    basis: str = eqx.field(static=True, default="mol")

    @property
    def critical(self) -> Critical:
        """T_c and p_c as given; rho_c is that of the equation."""
        rho = self.p_critical / (self.family.Z_critical * self.gas_constant * self.T_critical)
        return Critical(self.T_critical, rho, self.p_critical)

    @property
    def covolume(self) -> Array:
        """b, m3/mol."""
        return self.family.omega_b * self.gas_constant * self.T_critical / self.p_critical

    @property
    def densest(self) -> Array:
        """No denser state exists: 1/b."""
        return 1.0 / self.covolume

    def attraction(self, T: ArrayLike) -> Array:
        """q = a(T)/(b R T)."""
        reduced = jnp.asarray(T, float) / self.T_critical
        ratio = self.family.omega_a / self.family.omega_b
        return ratio * self.family.softness(reduced, self.acentric) / reduced

    def ideal(self, T: ArrayLike, rho: ArrayLike) -> Array:
        """alpha of the ideal gas: (h0 - T s0)/(R T) - 1."""
        return ideal_gas(self.heat_capacity, self.gas_constant, jnp.asarray(T, float), jnp.asarray(rho, float))

    def residual(self, T: ArrayLike, rho: ArrayLike) -> Array:
        """alpha_r."""
        return self.family.alpha(jnp.asarray(rho, float) * self.covolume, self.attraction(T))

    def derivatives(self, T: ArrayLike, rho: ArrayLike) -> Alpha:
        """alpha and its scaled derivatives, by automatic differentiation."""
        return alpha_by_autodiff(self, T, rho)

    def coexistence_start(self, T: ArrayLike) -> tuple[Array, Array]:
        """From the curve that all fluids of a family share."""
        ratio = self.attraction(T) * self.family.omega_b / self.family.omega_a
        s = jnp.sqrt(jnp.maximum(ratio - 1.0, 0.0))
        grid, liquid, vapour = map(jnp.asarray, coexistence_curve(self.family))
        # Below the end of the table ln y of the vapour goes on in a straight line in q.
        beyond = jnp.maximum(s * s - grid[-1] ** 2, 0.0) * (vapour[-1] - vapour[-2]) / (grid[-1] ** 2 - grid[-2] ** 2)
        y = jnp.exp(jnp.interp(s, grid, liquid)), jnp.exp(jnp.interp(s, grid, vapour) + beyond)
        return y[0] / self.covolume, y[1] / self.covolume

    def pressure_start(self, T: ArrayLike) -> Array:
        """The pressure of the saturated vapour of `coexistence_start`; above T_c, ln p is a straight line in 1/T."""
        T = jnp.asarray(T, float)
        y, q = self.coexistence_start(T)[1] * self.covolume, self.attraction(T)
        d1, d2 = self.family.first, self.family.second
        Z = 1.0 / (1.0 - y) - q * y / ((1.0 + d1 * y) * (1.0 + d2 * y))
        beyond = self.p_critical * jnp.exp(7.0 * (1.0 - self.T_critical / T))
        return jnp.where(T < self.T_critical, Z * y * self.gas_constant * T / self.covolume, beyond)

    def supercritical_start(self, T: ArrayLike, p: ArrayLike) -> Array:
        """The root of the cubic."""
        T, p = jnp.asarray(T, float), jnp.asarray(p, float)
        B = p * self.covolume / (self.gas_constant * T)
        Z = self.family.compressibilities(B, self.attraction(T))[1]
        return p / (Z * self.gas_constant * T)


def ideal_gas(heat_capacity: Array, gas_constant: Array, T: Array, rho: Array) -> Array:
    """alpha_0 with c_p = sum_k C_k T^k, h = s = 0 at 298.15 K and 1 bar; the C_k along the last axis."""
    C = jnp.moveaxis(heat_capacity, -1, 0)
    h = sum(C[k] * (T ** (k + 1) - T_REFERENCE ** (k + 1)) / (k + 1) for k in range(4))
    s = C[0] * jnp.log(T / T_REFERENCE) + sum(C[k] * (T**k - T_REFERENCE**k) / k for k in range(1, 4))
    s = s - gas_constant * jnp.log(rho * gas_constant * T / P_REFERENCE)
    return (h - T * s) / (gas_constant * T) - 1.0


def cubic(equation: str, fluid: str | Substance) -> Cubic:
    """A pure fluid by the equation "vdW", "SRK" or "PR".

    Arguments: `equation`; `fluid`, a name of `SUBSTANCES` or a `Substance` of your own.

    Raises ValueError: an unknown equation or fluid, or single precision.

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     print(round(float(cubic("PR", "methane").critical.rho), 1))
    9442.8
    """
    require_float64()
    family, given = family_of(equation), substance(fluid)
    leaves = (given.T_critical, given.p_critical, given.acentric, given.heat_capacity, given.molar_mass, R)
    validity = Range(0.3 * given.T_critical, max(1000.0, 3.0 * given.T_critical), 1e8)
    citation = f"{family.citation}; constants: {given.citation}"
    return Cubic(*map(float_leaf, leaves), family, given.name, citation, validity)


def family_of(equation: str) -> Family:
    """The equation of a name; ValueError for another."""
    if equation not in FAMILIES:
        raise ValueError(f"Unknown equation of state {equation!r}; choose from {', '.join(FAMILIES)}.")
    return FAMILIES[equation]
