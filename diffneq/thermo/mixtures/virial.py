"""Vapours beyond the ideal gas: second virial coefficients by corresponding states."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from diffneq._parameters import float_leaf
from diffneq.thermo.mixtures.data.substances import Substance
from diffneq.thermo.mixtures.models.excess import GAS_CONSTANT

R = GAS_CONSTANT


class VirialVapour(eqx.Module):
    """Z = 1 + B P/(R T), B = sum_ij y_i y_j B_ij(T), with B_ij by C. Tsonopoulos' corresponding states.

    Leaves (n, n), of pairs: critical temperature (K), pressure (Pa), acentric factor, and the polar coefficients a
    and b of B P_c/(R T_c) = f0 + w f1 + a/t^6 - b/t^8, t = T/T_c. Sources: C. Tsonopoulos, AIChE J. 20 (1974) 263 and
    21 (1975) 827; combining rules: J. M. Prausnitz, R. N. Lichtenthaler, E. G. de Azevedo, Molecular Thermodynamics of
    Fluid-Phase Equilibria (Prentice Hall 1999), section 5.7. Not for acids, which form dimers in the vapour.
    """

    temperature: Float[Array, "n n"]
    pressure: Float[Array, "n n"]
    acentric: Float[Array, "n n"]
    a: Float[Array, "n n"]
    b: Float[Array, "n n"]

    def second(self, T: Float[Array, ""]) -> Float[Array, "n n"]:
        """B_ij(T), m^3/mol."""
        u = self.temperature / T
        u2, u3 = u**2, u**3
        u8 = u3 * u3 * u2
        simple = 0.1445 - 0.330 * u - 0.1385 * u2 - 0.0121 * u3 - 0.000607 * u8
        shape = 0.0637 + 0.331 * u2 - 0.423 * u3 - 0.008 * u8
        reduced = simple + self.acentric * shape + self.a * u3 * u3 - self.b * u8
        return R * self.temperature / self.pressure * reduced

    def log_phi(self, T, P, y: Float[Array, " n"]) -> Float[Array, " n"]:
        """ln phi_i = (2 sum_j y_j B_ij - B) P/(R T)."""
        B = self.second(T)
        row = B @ y
        return (2.0 * row - y @ row) * P / (R * T)

    def log_phi_pure(self, T, P: Float[Array, " n"]) -> Float[Array, " n"]:
        """ln phi_i = B_ii P_i/(R T) of the pure vapours, each at its own pressure."""
        return jnp.diagonal(self.second(T)) * P / (R * T)

    def doubtful(self, T, P, y: Float[Array, " n"]) -> Bool[Array, ""]:
        """P > (T/2) sum y P_c/sum y T_c: beyond it the second coefficient alone is a poor approximation.

        The rule of thumb of Prausnitz and co-workers (Computer Calculations for Multicomponent Vapor-Liquid and
        Liquid-Liquid Equilibria, Prentice Hall 1980).
        """
        own = jnp.diagonal
        return P > 0.5 * T * (y @ own(self.pressure)) / (y @ own(self.temperature))


def _polar(each: Substance) -> tuple[float, float]:
    """Tsonopoulos' a and b by family; mu_r = 1e5 mu^2 P_c/T_c^2 in debye, atm, K.

    Of halides 2.188e-11: the 2.188e-4 that is also in circulation would make a of chloroform -30 instead of -3e-6.
    """
    mu = 1e5 * each.dipole**2 * (each.critical_pressure / 101325.0) / each.critical_temperature**2
    return {
        "normal": (0.0, 0.0),
        "ketone": (-2.14e-4 * mu - 4.308e-21 * mu**8, 0.0),
        "ester": (-2.14e-4 * mu - 4.308e-21 * mu**8, 0.0),
        "halide": (-2.188e-11 * mu**4 - 7.831e-21 * mu**8, 0.0),
        "alkanol": (0.0878, 0.00908 + 0.0006957 * mu),
        "methanol": (0.0878, 0.0525),
        "water": (-0.0109, 0.0),
    }[each.family]


def tsonopoulos(substances: Sequence[Substance], k: Float[np.ndarray, "n n"] | None = None) -> VirialVapour:
    """A `VirialVapour` of tabulated substances; `k` (n, n), binary corrections of T_c,ij, zero if None.

    T_c,ij = sqrt(T_ci T_cj)(1 - k_ij), V_c,ij^(1/3) the mean of both, P_c,ij = Z_c,ij R T_c,ij/V_c,ij; a and b of a
    pair are means where both are polar, else zero.

    >>> from diffneq.thermo.mixtures.data.substances import substance
    >>> B = tsonopoulos([substance("benzene")]).second(jnp.asarray(373.15))
    >>> round(1e6 * float(B[0, 0]))  # cm^3/mol
    -860
    """
    column = lambda name: np.array([getattr(each, name) for each in substances])
    T, P, V = (column(f"critical_{name}") for name in ("temperature", "pressure", "volume"))
    w = column("acentric_factor")
    Z = P * V / (R * T)
    mean = lambda v: 0.5 * (v[:, None] + v[None, :])
    Tij = np.sqrt(T[:, None] * T[None, :]) * (1.0 - (np.zeros((len(T), len(T))) if k is None else np.asarray(k)))
    Pij = mean(Z) * R * Tij / mean(np.cbrt(V)) ** 3
    same = np.eye(len(T), dtype=bool)
    Tij, Pij = np.where(same, T[:, None], Tij), np.where(same, P[:, None], Pij)
    a, b = np.array([_polar(each) for each in substances]).T
    both = (a != 0.0)[:, None] & (a != 0.0)[None, :]
    leaves = (Tij, Pij, mean(w), np.where(both, mean(a), 0.0), np.where(both, mean(b), 0.0))
    return VirialVapour(*(float_leaf(leaf) for leaf in leaves))
