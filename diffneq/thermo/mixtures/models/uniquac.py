"""UNIQUAC: the universal quasichemical equation."""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from diffneq._parameters import check_positive, float_leaf
from diffneq.thermo.mixtures.models.excess import ExcessModel
from diffneq.thermo.mixtures.models.laws import TemperatureLaw, check_square, law

COORDINATION = 10.0


class UNIQUAC(ExcessModel):
    """g^E/(R T) = sum_i x_i [ln(phi_i/x_i) + (z/2) q_i ln(theta_i/phi_i) - q'_i ln(sum_j theta'_j tau_ji)].

    phi, theta and theta' are the fractions of volume r, of surface q and of the surface q' of interaction; z = 10;
    ln tau_ij = a_ij + b_ij/T + c_ij ln T + d_ij T. Sources: D. S. Abrams, J. M. Prausnitz, AIChE J. 21 (1975) 116;
    q' of alcohols and water: T. F. Anderson, J. M. Prausnitz, Ind. Eng. Chem. Process Des. Dev. 17 (1978) 552.

    >>> tau = jnp.array([[1.0, 1.0919744], [0.3745290, 1.0]])
    >>> model = uniquac([2.1055, 0.92], [1.972, 1.4], jnp.log(tau))
    >>> round(float(model.reduced(300.0, jnp.array([0.252, 0.748]))), 4)
    0.3797
    """

    r: Float[Array, " n"]
    q: Float[Array, " n"]
    q_residual: Float[Array, " n"]
    log_tau: TemperatureLaw

    def reduced(self, T: Float[Array, ""], x: Float[Array, " n"]) -> Float[Array, ""]:
        """g^E/(R T); phi_i/x_i and theta_i/phi_i are written so that x_i = 0 is nothing special."""
        volume, surface = self.r @ x, self.q @ x
        combinatorial = jnp.log(self.r / volume) + 0.5 * COORDINATION * self.q * jnp.log(
            self.q * volume / (self.r * surface)
        )
        parts = self.q_residual * x
        residual = self.q_residual * jnp.log((parts / jnp.sum(parts)) @ jnp.exp(self.log_tau(T)))
        return jnp.sum(x * (combinatorial - residual))

    @property
    def size(self) -> int:
        """One volume a component."""
        return self.r.shape[0]


def uniquac(
    r: ArrayLike, q: ArrayLike, a: ArrayLike = 0.0, b: ArrayLike = 0.0, c: ArrayLike = 0.0, d: ArrayLike = 0.0,
    q_residual: ArrayLike | None = None,
) -> UNIQUAC:  # fmt: skip
    """A `UNIQUAC` model: r, q (n,), matrices (n, n) of ln tau = a + b/T + c ln T + d T with zero diagonals.

    `q_residual` is q' (n,), q if None. Raises ValueError for shapes that do not fit or sizes that are not positive.
    """
    r, q = float_leaf(jnp.asarray(r, float)), float_leaf(jnp.asarray(q, float))
    q_residual = q if q_residual is None else float_leaf(jnp.asarray(q_residual, float))
    check_positive("uniquac", r=r, q=q, q_residual=q_residual)
    log_tau = law(a, b, c, d)
    if r.ndim != 1 or q.shape != r.shape or q_residual.shape != r.shape:
        raise ValueError(f"uniquac: r, q and q_residual must have one shape (n,), got {r.shape} and {q.shape}.")
    check_square("uniquac", "a, b, c and d", log_tau, r.shape[0])
    return UNIQUAC(r, q, q_residual, log_tau)
