"""A fluid is one potential, a(T, rho) = R T alpha(T, rho); what it implies for p, s, h, c_p, w is here, once.

Of alpha we keep the scaled derivatives, which have no unit and no singularity at rho = 0 but that of the ideal gas:

    d_i t_j = delta^i tau^j  d^(i+j) alpha / d delta^i d tau^j,   delta ~ rho, tau ~ 1/T,

so rho d/d rho = delta d/d delta and -T d/dT = tau d/d tau whatever the reducing constants.
"""

from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float


class Alpha(NamedTuple):
    """alpha = a/(R T) and its scaled derivatives up to the second; all of one shape."""

    d0t0: Float[Array, "*batch"]
    d1t0: Float[Array, "*batch"]
    d2t0: Float[Array, "*batch"]
    d0t1: Float[Array, "*batch"]
    d0t2: Float[Array, "*batch"]
    d1t1: Float[Array, "*batch"]

    def __add__(self, other: "Alpha") -> "Alpha":  # type: ignore[override]
        return Alpha(*(a + b for a, b in zip(self, other, strict=True)))


class Range(NamedTuple):
    """Where a model was fitted; the scales on which states are looked for."""

    T_low: float  # K
    T_high: float  # K
    p_high: float  # Pa


class Fluid(Protocol):
    """What the rest of `fluids` asks of a model of a pure fluid: an `equinox.Module` with floats as leaves.

    `basis` is "kg" or "mol", and all quantities are per that: rho in kg/m3 or mol/m3, R in J/(kg K) or J/(mol K).
    T and rho may have any shapes that broadcast.
    """

    name: str
    basis: str
    citation: str
    validity: Range
    gas_constant: Array  # J/(basis K)
    molar_mass: Array  # kg/mol

    @property
    def critical(self) -> "Critical":
        """The critical point."""
        ...

    def ideal(self, T: ArrayLike, rho: ArrayLike) -> Array:
        """alpha of the ideal gas."""
        ...

    def residual(self, T: ArrayLike, rho: ArrayLike) -> Array:
        """alpha less that of the ideal gas; smooth at rho = 0."""
        ...

    def derivatives(self, T: ArrayLike, rho: ArrayLike) -> Alpha:
        """alpha and its scaled derivatives, ideal and residual together."""
        ...

    def coexistence_start(self, T: ArrayLike) -> tuple[Array, Array]:
        """Densities of saturated liquid and vapour, roughly; from the triple point to the critical one."""
        ...

    def pressure_start(self, T: ArrayLike) -> Array:
        """Saturation pressure, roughly; rising with T also above the critical point."""
        ...

    @property
    def densest(self) -> Array:
        """No denser state is looked for."""
        ...

    def supercritical_start(self, T: ArrayLike, p: ArrayLike) -> Array:
        """Density at T and p, roughly, at T >= T_c."""
        ...


class Critical(NamedTuple):
    """The critical point: K, basis/m3, Pa."""

    T: Array
    rho: Array
    p: Array


@jax.jit
def alpha_by_autodiff(model: Fluid, T: ArrayLike, rho: ArrayLike) -> Alpha:
    """The scaled derivatives by automatic differentiation of `ideal` + `residual`: the specification."""

    def one(T, rho):
        alpha = lambda d, t: model.ideal(T / t, rho * d) + model.residual(T / t, rho * d)
        unit = jnp.ones((), float)
        (a1, a2), ((a11, a12), (_, a22)) = jax.grad(alpha, (0, 1))(unit, unit), jax.hessian(alpha, (0, 1))(unit, unit)
        return Alpha(alpha(unit, unit), a1, a11, a2, a22, a12)

    return Alpha(*jnp.vectorize(one, signature="(),()->(),(),(),(),(),()")(T, rho))


def require_float64() -> None:
    """ValueError in single precision, in which no equation of state means anything."""
    if not jax.config.jax_enable_x64:
        raise ValueError("Equations of state need float64: call jax.config.update('jax_enable_x64', True) first.")
