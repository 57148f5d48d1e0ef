"""Mixtures by a cubic equation of state, with one-fluid mixing rules."""

from collections.abc import Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from diffneq._parameters import float_leaf
from diffneq.thermo.fluids.cubic.families import Family, R
from diffneq.thermo.fluids.cubic.pure import family_of, ideal_gas
from diffneq.thermo.fluids.cubic.substances import Substance, substance
from diffneq.thermo.fluids.helmholtz import require_float64


class CubicMixture(eqx.Module):
    """A(T, V, n)/(R T) = sum n_i alpha_0i + n alpha_r(b n/V, a/(b R T)), the pure fluids' form with

        b = sum x_i b_i,   a = sum x_i x_j sqrt(a_i a_j) (1 - k_ij).

    Every number is a leaf; fugacity coefficients, volumes and enthalpies are derivatives of this one function.
    """

    T_critical: Float[Array, "C"]  # K
    p_critical: Float[Array, "C"]  # Pa
    acentric: Float[Array, "C"]
    heat_capacity: Float[Array, "C 4"]
    molar_mass: Float[Array, "C"]  # kg/mol
    k: Float[Array, "C C"]  # k_ij, symmetric, zero on the diagonal
    gas_constant: Array
    family: Family = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)

    def covolumes(self) -> Float[Array, "C"]:
        """b_i, m3/mol."""
        return self.family.omega_b * self.gas_constant * self.T_critical / self.p_critical

    def attractions(self, T: Array) -> Float[Array, "C"]:
        """a_i(T), Pa m6/mol2."""
        scale = self.family.omega_a * (self.gas_constant * self.T_critical) ** 2 / self.p_critical
        return scale * self.family.softness(T / self.T_critical, self.acentric)

    def mixed(self, T: Array, x: Float[Array, "C"]) -> tuple[Array, Array]:
        """(b, q = a/(b R T)) of the mixture."""
        root = jnp.sqrt(self.attractions(T)) * x
        b = x @ self.covolumes()
        return b, root @ (1.0 - self.k) @ root / (b * self.gas_constant * T)

    def residual(self, T: Array, V: Array, n: Float[Array, "C"]) -> Array:
        """A_r/(R T), moles."""
        total = jnp.sum(n)
        b, q = self.mixed(T, n / total)
        return total * self.family.alpha(b * total / V, q)

    def helmholtz(self, T: ArrayLike, V: ArrayLike, n: Float[Array, "C"]) -> Array:
        """A(T, V, n), J."""
        T, V = jnp.asarray(T, float), jnp.asarray(V, float)
        pure = ideal_gas(self.heat_capacity, self.gas_constant, T, n / V)
        return self.gas_constant * T * (jnp.sum(n * pure) + self.residual(T, V, n))

    def compressibility(self, T: Array, p: Array, x: Float[Array, "C"], dense: Array) -> Array:
        """Z of the dense or the dilute root; the same where there is but one."""
        b, q = self.mixed(T, x)
        B = b * p / (self.gas_constant * T)
        low, high = self.family.compressibilities(B, q)
        return jnp.where(dense & (low > B), low, high)

    def log_fugacity(self, T: ArrayLike, p: ArrayLike, x: Float[Array, "C"], dense: ArrayLike | None = None):
        """ln phi_i = d(A_r/R T)/dn_i at fixed T, V, less ln Z.

        Arguments: `T`, K; `p`, Pa; `x`, mole fractions (they are taken as amounts of one mole); `dense`, True for the
        liquid root, False for the vapour's, None for the one of lower Gibbs energy.

        >>> with jax.enable_x64(True):
        ...     gas = mixture("PR", ["methane", "propane"])
        ...     gas.log_fugacity(300.0, 1e6, jnp.array([0.5, 0.5])).round(4)
        Array([-0.0038, -0.1508], dtype=float64)
        """
        T, p, x = jnp.asarray(T, float), jnp.asarray(p, float), jnp.asarray(x, float)
        if dense is None:
            both = [self.log_fugacity(T, p, x, jnp.asarray(d)) for d in (True, False)]
            return jnp.where(x @ both[0] < x @ both[1], both[0], both[1])
        Z = self.compressibility(T, p, x, jnp.asarray(dense))
        V = Z * self.gas_constant * T / p
        return jax.grad(self.residual, 2)(T, V, x) - jnp.log(Z)

    def wilson(self, T: ArrayLike, p: ArrayLike) -> Float[Array, "C"]:
        """K_i = p_c/p exp(5.373 (1 + omega)(1 - T_c/T)): G. Wilson's estimate, where searches start."""
        log = 5.373 * (1.0 + self.acentric) * (1.0 - self.T_critical / jnp.asarray(T, float))
        return self.p_critical / jnp.asarray(p, float) * jnp.exp(log)


def mixture(
    equation: str, fluids: Sequence[str | Substance], k: Mapping[tuple[str, str], float] | None = None
) -> CubicMixture:
    """A mixture by the equation "vdW", "SRK" or "PR".

    Arguments: `equation`; `fluids`, names of `SUBSTANCES` or a `Substance` each; `k`, binary parameters (name, name) ->
    k_ij, zero where not given.

    Raises ValueError: an unknown equation, fluid or pair, a fluid named twice, or single precision.
    """
    require_float64()
    family, members = family_of(equation), [substance(fluid) for fluid in fluids]
    names = tuple(member.name for member in members)
    if len(set(names)) < len(names) or not names:
        raise ValueError(f"A mixture needs each fluid once; got {', '.join(names) or 'none'}.")
    matrix = np.zeros((len(names), len(names)))
    for (a, b), value in (k or {}).items():
        if a not in names or b not in names or a == b:
            raise ValueError(f"k of ({a}, {b}) is for no pair of {', '.join(names)}.")
        i, j = names.index(a), names.index(b)
        matrix[i, j] = matrix[j, i] = value
    column = lambda field: float_leaf([getattr(member, field) for member in members])
    fields = ("T_critical", "p_critical", "acentric", "heat_capacity", "molar_mass")
    return CubicMixture(*map(column, fields), float_leaf(matrix), float_leaf(R), family, names)
