"""The short-ranged half of Ewald's sum, as a pair law."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import erfc
from jaxtyping import Array, ArrayLike

from diffneq._parameters import concrete, float_leaf
from diffneq.particles._pair_law import AbstractPairLaw, check_tables
from diffneq.particles.electrostatics.smeared import inverse_root, smeared


class EwaldRealSpace(AbstractPairLaw):
    """u(r) = K erfc(alpha r)/r for r < r_c, with K = k q_a q_b: Coulomb's law between screened charges.

    Arguments: `strength` K [energy L] of any sign, a scalar or an (S, S) symmetric table; `alpha` [1/L] > 0 and
    `cutoff` r_c [L] > 0, scalars. The jump at r_c is part of the error that `plan` estimates. Raises ValueError for
    values that are not finite, of the wrong sign, or tables that are not symmetric.

    Source: P. P. Ewald, Ann. Phys. 369, 253 (1921).

    >>> law = EwaldRealSpace(strength=-14.4, alpha=0.3, cutoff=9.0)
    >>> round(float(law.energy(2.5)), 5), float(law.energy(9.5))
    (-1.66374, 0.0)
    """

    strength: Array
    alpha: Array
    cutoff_distance: Array
    reach: float | None = eqx.field(static=True)

    def __init__(self, strength: ArrayLike, alpha: ArrayLike, cutoff: ArrayLike):
        self.strength, self.alpha, self.cutoff_distance = map(float_leaf, (strength, alpha, cutoff))
        self.reach = _reach(concrete(self.alpha), concrete(self.cutoff_distance))

    def __check_init__(self):
        values = {"strength": self.strength, "alpha": self.alpha, "cutoff": self.cutoff_distance}
        check_tables("EwaldRealSpace", ("alpha", "cutoff"), ("strength",), **values)

    def energy(self, r: ArrayLike) -> Array:
        return self.energy_of_squared(float_leaf(r) ** 2)

    def energy_of_squared(self, s: ArrayLike) -> Array:
        """u(sqrt(s)): one reciprocal square root and a polynomial, where alpha was known when the law was made."""
        edge = self.cutoff_distance * self.cutoff_distance
        inside = s < edge
        within = jnp.where(inside, s, edge)
        if self.reach is None:
            r = jnp.sqrt(within)
            return jnp.where(inside, self.strength * erfc(self.alpha * r) / r, 0.0)
        z = self.alpha * (self.alpha * within)  # in the precision of the distance
        # Where somebody has put a larger alpha into the law, erfc is less than erfc(reach) and counts as zero.
        inside = inside & (z < self.reach**2)
        screened = inverse_root(within) - self.alpha * smeared(self.reach, z)
        return jnp.where(inside, self.strength * screened, 0.0)

    def cutoff(self) -> Array:
        return self.cutoff_distance


def _reach(alpha: np.ndarray | None, cutoff: np.ndarray | None) -> float | None:
    """alpha r_c, rounded up so that laws of nearly the same alpha share one program; None where it is not known."""
    if alpha is None or cutoff is None or alpha.ndim or cutoff.ndim or not np.isfinite(alpha * cutoff):
        return None
    return float(np.ceil(4 * alpha * cutoff * (1 + 1e-6)) / 4)
