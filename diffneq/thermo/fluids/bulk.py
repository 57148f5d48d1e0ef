"""What one potential alpha(T, rho) implies about a homogeneous state: pressure, energies, heat capacities, sound."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from diffneq.thermo.fluids.helmholtz import Alpha, Fluid

UNITS = {
    "T": "K", "p": "Pa", "rho": "{basis}/m3", "v": "m3/{basis}", "a": "J/{basis}", "u": "J/{basis}", "h": "J/{basis}",
    "g": "J/{basis}", "s": "J/({basis} K)", "cv": "J/({basis} K)", "cp": "J/({basis} K)", "w": "m/s",
    "expansivity": "1/K", "compressibility_T": "1/Pa", "compressibility_s": "1/Pa", "joule_thomson": "K/Pa",
    "grueneisen": "1", "dp_drho": "Pa m3/{basis}", "dp_dT": "Pa/K", "quality": "1",
}  # fmt: skip


class Bulk(eqx.Module):
    """A homogeneous state of a fluid, stable or not; every property is a short expression in `alpha`."""

    T: Float[Array, "*batch"]  # K
    rho: Float[Array, "*batch"]  # basis/m3
    alpha: Alpha
    R: Array  # J/(basis K)
    M: Array  # kg/basis

    @property
    def p(self) -> Array:
        """Pressure, Pa."""
        return self.rho * self.R * self.T * self.alpha.d1t0

    @property
    def a(self) -> Array:
        """Helmholtz energy, J/basis."""
        return self.R * self.T * self.alpha.d0t0

    @property
    def u(self) -> Array:
        """Internal energy, J/basis."""
        return self.R * self.T * self.alpha.d0t1

    @property
    def s(self) -> Array:
        """Entropy, J/(basis K)."""
        return self.R * (self.alpha.d0t1 - self.alpha.d0t0)

    @property
    def h(self) -> Array:
        """Enthalpy, J/basis."""
        return self.R * self.T * (self.alpha.d0t1 + self.alpha.d1t0)

    @property
    def g(self) -> Array:
        """Gibbs energy, J/basis."""
        return self.R * self.T * (self.alpha.d0t0 + self.alpha.d1t0)

    @property
    def dp_drho(self) -> Array:
        """(dp/drho)_T; negative inside the spinodal."""
        return self.R * self.T * (2.0 * self.alpha.d1t0 + self.alpha.d2t0)

    @property
    def dp_dT(self) -> Array:
        """(dp/dT)_rho."""
        return self.rho * self.R * (self.alpha.d1t0 - self.alpha.d1t1)

    @property
    def cv(self) -> Array:
        """Isochoric heat capacity, J/(basis K)."""
        return -self.R * self.alpha.d0t2

    @property
    def cp(self) -> Array:
        """Isobaric heat capacity, J/(basis K)."""
        bent = self.alpha.d1t0 - self.alpha.d1t1
        return self.cv + self.R * bent * bent / (2.0 * self.alpha.d1t0 + self.alpha.d2t0)

    @property
    def w(self) -> Array:
        """Speed of sound, m/s: w^2 = (dp/drho_mass)_s."""
        bent = self.alpha.d1t0 - self.alpha.d1t1
        stiff = 2.0 * self.alpha.d1t0 + self.alpha.d2t0 - bent * bent / self.alpha.d0t2
        return jnp.sqrt(self.R * self.T * stiff / self.M)

    @property
    def expansivity(self) -> Array:
        """-(dln rho/dT)_p, 1/K."""
        return self.dp_dT / (self.rho * self.dp_drho)

    @property
    def compressibility_T(self) -> Array:
        """(dln rho/dp)_T, 1/Pa."""
        return 1.0 / (self.rho * self.dp_drho)

    @property
    def compressibility_s(self) -> Array:
        """(dln rho/dp)_s, 1/Pa."""
        return 1.0 / (self.rho * self.M * self.w**2)

    @property
    def joule_thomson(self) -> Array:
        """(dT/dp)_h, K/Pa."""
        return (self.T * self.expansivity - 1.0) / (self.rho * self.cp)

    @property
    def grueneisen(self) -> Array:
        """(dp/du)_rho / rho."""
        return self.dp_dT / (self.rho * self.cv)


def bulk(model: Fluid, T: ArrayLike, rho: ArrayLike) -> Bulk:
    """p = rho^2 (da/drho)_T, s = -(da/dT)_rho, and all that follows, at T (K) and rho (basis/m3).

    >>> import jax
    >>> from diffneq.thermo.fluids import water
    >>> with jax.enable_x64(True):
    ...     state = bulk(water(), 300.0, 996.556)
    >>> round(float(state.p), 2), round(float(state.w), 3)
    (99241.84, 1501.519)
    """
    T, rho = jnp.broadcast_arrays(jnp.asarray(T, float), jnp.asarray(rho, float))
    return Bulk(T, rho, model.derivatives(T, rho), model.gas_constant, mass_of_basis(model))


def mass_of_basis(model: Fluid) -> Array:
    """Kilograms in the unit of amount of a model."""
    return jnp.ones(()) if model.basis == "kg" else model.molar_mass
