"""NRTL: the non-random two-liquid equation."""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from diffneq.thermo.mixtures.models.excess import ExcessModel
from diffneq.thermo.mixtures.models.laws import TemperatureLaw, check_square, law


class NRTL(ExcessModel):
    """g^E/(R T) = sum_i x_i (sum_j tau_ji G_ji x_j)/(sum_k G_ki x_k), G_ij = exp(-alpha_ij tau_ij).

    `tau` and `alpha` are laws in T, (n, n). Source: H. Renon, J. M. Prausnitz, AIChE J. 14 (1968) 135.

    >>> model = nrtl(b=[[0.0, -29.17], [624.9, 0.0]], alpha=0.2937)
    >>> round(float(model.reduced(343.15, jnp.array([0.252, 0.748]))), 4)
    0.275
    """

    tau: TemperatureLaw
    alpha: TemperatureLaw

    def reduced(self, T: Float[Array, ""], x: Float[Array, " n"]) -> Float[Array, ""]:
        """g^E/(R T)."""
        tau = self.tau(T)
        G = jnp.exp(-self.alpha(T) * tau)
        return jnp.sum(x * (x @ (tau * G)) / (x @ G))

    @property
    def size(self) -> int:
        """Of the matrices."""
        return self.tau.a.shape[0]


def nrtl(
    a: ArrayLike = 0.0, b: ArrayLike = 0.0, c: ArrayLike = 0.0, d: ArrayLike = 0.0,
    alpha: TemperatureLaw | ArrayLike = 0.3,
) -> NRTL:  # fmt: skip
    """An `NRTL` model from matrices (n, n) of tau = a + b/T + c ln T + d T; the diagonal of each is zero.

    Arguments: `alpha`, a number, a symmetric matrix, or a law in T. Raises ValueError for matrices that do not fit.
    """
    tau = law(a, b, c, d)
    n = check_square("nrtl", "a, b, c and d", tau)
    if not isinstance(alpha, TemperatureLaw):
        value = jnp.asarray(alpha, float)
        alpha = law(jnp.full((n, n), value) if value.ndim == 0 else value)
    check_square("nrtl", "alpha", alpha, n)
    return NRTL(tau, alpha)
