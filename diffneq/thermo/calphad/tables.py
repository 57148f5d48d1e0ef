"""The numbers of all phases of a system, as arrays of one shape: what compiled code sees of a database.

The energy of a phase per mole of formula units, in J/mol, as a function of its site fractions y [n_y], T and P:

    z   = constant + extended y               (n_z)  row 0 of z is 1; then y, disordered fractions, RK differences
    p_f = prod_k z[factors[f, k]]             (n_f)  features: products of entries of z
    c_f = sum of `energy` rows at (T, P)      (n_f)  their coefficients, piecewise in T
    G   = sum_f c_f p_f + R T sum_j entropy_j z_j ln z_j + physical(sum_f c^k_f p_f; T)
    M_e = sum_j moles_ej y_j                         moles of element e in a formula unit

c^k are the coefficients of the physical channels k (Curie temperature, magnetic moment, ...). In the ionic liquid
the numbers of sites depend on the constitution: M_e and entropy_j then get sums over features besides.
All phases are padded to one shape and every array is an argument of the compiled functions, so that databases of
the same (rounded) sizes share one executable, and every coefficient is a leaf that can be differentiated.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

GAS_CONSTANT = 8.314462618  # J/(mol K), CODATA 2018, exact
# Functions of T (and P) over which every coefficient is written; a power list so that exponents are read, not typed.
TEMPERATURE_POWERS = (0, 1, 2, 3, 4, 5, 7, -1, -2, -3, -9)
BASIS = (*(f"T^{n}" for n in TEMPERATURE_POWERS), "T ln T", "ln T", "T ln P", "P", "T P")


def basis(T: Float[Array, "*batch"], P: Float[Array, "*batch"]) -> Float[Array, "basis *batch"]:
    """The functions of BASIS at T (K) and P (Pa)."""
    inverse = 1.0 / T
    powers = {0: jnp.ones_like(T), 1: T, -1: inverse}
    for n in (2, 3, 4, 5):
        powers[n] = powers[n - 1] * T
    powers[7] = powers[5] * powers[2]
    powers[-2] = inverse * inverse
    powers[-3] = powers[-2] * inverse
    powers[-9] = powers[-3] * powers[-3] * powers[-3]
    log_t = jnp.log(T)
    P = jnp.broadcast_to(P, T.shape)
    return jnp.stack([*(powers[n] for n in TEMPERATURE_POWERS), T * log_t, log_t, T * jnp.log(P), P, T * P])


class Rows(eqx.Module):
    """Sums of pieces: c_t(T, P) = sum over rows r with target t of 1[low <= T < high] w basis_m U_u1 U_u2.

    U_u = coefficients_u . basis(T, P) is the polynomial of unit u. Unit 0 is the number 1, so that a row with one
    factor has u2 = 0 and a row that multiplies a named constant by T has m = 1.
    """

    weight: Float[Array, "rows"]
    multiplier: Int[Array, "rows"]
    unit: Int[Array, "rows 2"]
    low: Float[Array, "rows"]  # -inf and inf at the ends: coefficients are extrapolated, and the rim says so
    high: Float[Array, "rows"]
    target: Int[Array, "rows"]
    targets: int = eqx.field(static=True)

    def __call__(self, values: Float[Array, "basis *batch"], units: Float[Array, "units *batch"]):
        """c_t, (targets, *batch); `values` from `basis`, `units` the polynomials."""
        T = values[1]
        wide = lambda x: x.reshape(x.shape + (1,) * T.ndim)
        inside = (wide(self.low) <= T) & (wide(self.high) > T)
        terms = wide(self.weight) * values[self.multiplier] * units[self.unit[:, 0]] * units[self.unit[:, 1]]
        return jax.ops.segment_sum(jnp.where(inside, terms, 0.0), self.target, self.targets, indices_are_sorted=True)


class Magnetism(NamedTuple):
    """Per phase: 0 none, 1 Inden-Hillert-Jarl, 2 Xiong; structure factor p; antiferromagnetic factor."""

    kind: Int[Array, "phases"]
    structure_factor: Float[Array, "phases"]
    afm_factor: Float[Array, "phases"]


class Tables(eqx.Module):
    """See the head of this file. Padded phases, features, constituents and sublattices are zeros."""

    coefficients: Float[Array, "units basis"]
    energy: Rows  # target: phase * n_f + feature
    physical: Rows | None  # target: (phase * len(channels) + channel) * n_f + feature; None without channels
    factors: Int[Array, "phases n_f degree"]
    constant: Float[Array, "phases n_z"]
    extended: Float[Array, "phases n_z n_y"]
    entropy: Float[Array, "phases n_z"]
    moles: Float[Array, "phases elements n_y"]
    sites: Float[Array, "phases n_s n_y"]  # 1 where constituent j is on sublattice s
    charge: Float[Array, "phases n_y"]  # charge of the formula unit = charge . y, zero in uncharged phases
    present: Bool[Array, "phases n_y"]  # False: padding
    magnetism: Magnetism
    gas_constant: Float[Array, ""]
    # Only in systems with an ionic liquid:
    feature_moles: Float[Array, "phases elements n_f"] | None
    feature_entropy: Float[Array, "phases n_z n_f"] | None
    channels: tuple[str, ...] = eqx.field(static=True)
    # Expressions outside BASIS, functions (T, P) -> value appended to the units; () in nearly every database.
    expressions: tuple = eqx.field(static=True)
    # Do physical channels depend on T? Almost never; then they are evaluated once a call.
    physical_varies: bool = eqx.field(static=True)

    @property
    def sizes(self) -> tuple[int, int, int, int, int]:
        """(phases, elements, n_y, n_z, n_f), all padded."""
        phases, elements, n_y = self.moles.shape
        return phases, elements, n_y, self.constant.shape[1], self.factors.shape[1]

    def units(self, T, P):
        """(basis values, unit values) at T, P (*batch)."""
        values = basis(T, P)
        units = jnp.tensordot(self.coefficients, values, axes=1)
        if self.expressions:
            extra = [jnp.broadcast_to(f(T, P), T.shape) for f in self.expressions]
            units = jnp.concatenate([units, jnp.stack(extra)])
        return values, units

    def energy_coefficients(self, T, P):
        """c_f in J/mol, (phases, n_f, *batch)."""
        phases, _, _, _, n_f = self.sizes
        return self.energy(*self.units(T, P)).reshape(phases, n_f, *T.shape)

    def physical_coefficients(self, T, P):
        """c^k_f, (phases, channels, n_f, *batch), in each channel's own unit; batch axes of length 1 where constant."""
        phases, _, _, _, n_f = self.sizes
        if self.physical is None:
            return jnp.zeros((phases, 0, n_f, *(1 for _ in T.shape)))
        if not self.physical_varies:
            T = jnp.full((1,) * T.ndim, 1000.0)
            P = jnp.full((1,) * T.ndim, 101325.0)
        return self.physical(*self.units(T, P)).reshape(phases, len(self.channels), n_f, *T.shape)
