"""Pair laws u(r): Hertzian overlap, soft spheres, WCA and Lennard-Jones; those of ions are in `ionic_laws`.

A law is one energy, `law.energy(r)` of ONE pair at distance r, zero from `law.cutoff()` on. Its numbers are
scalars, or (S, S) symmetric tables over species; `law.for_pair(a, b)` is the law between species a and b. The
force is -du/dr by autodiff, `pair_force(law, r)`; every number in a law can be differentiated as well.

The force kernel never needs r itself: with s = r^2 the force on particle 1 is -2 (du/ds) (x1 - x2), and
`energy_of_squared(law, s)` = u(sqrt(s)) spares the square root where the law can. At and beyond the cutoff
the energy and its derivatives of every order are exactly zero, never NaN. At r = 0 the inverse powers are
infinite. The Hertzian energy is finite there, but its force has no direction: du/ds is infinite, so that two
particles in one place are never taken for a quiet pair. Whoever fills a list up with pairs that do not exist
gives those a distance beyond the cutoff, not zero.

>>> law = Hertzian(stiffness=40.0, diameter=2.0)
>>> float(law.energy(1.0)), float(pair_force(law, 1.0)), float(law.energy(2.5))
(40.0, 100.0, 0.0)
>>> epsilon, sigma = mix(epsilon=[1.0, 4.0], sigma=[1.0, 2.0])
>>> law = LennardJones(epsilon, sigma, cutoff=5.0, truncation="cut").for_pair(0, 1)
>>> round(float(law.energy(1.5 * 2 ** (1 / 6))), 5)  # the bottom of the well
-2.0
"""

from typing import Literal, get_args

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from diffneq._parameters import float_leaf

from ._pair_law import (
    AbstractPairLaw,
    check_tables,
    energy_of_squared,
    five_halves,
    inverse,
    mix,
    pair_force,
)

__all__ = [
    "WCA",
    "AbstractPairLaw",
    "Hertzian",
    "LennardJones",
    "SoftSphere",
    "Truncation",
    "energy_of_squared",
    "mix",
    "pair_force",
]

Truncation = Literal["cut", "shifted", "force_shifted"]


def check_truncation(owner: str, truncation: str) -> None:
    """ValueError for another kind of truncation than there is."""
    if truncation not in get_args(Truncation):
        raise ValueError(f"{owner}: truncation is one of {get_args(Truncation)}, not {truncation!r}.")


class Hertzian(AbstractPairLaw):
    """u(r) = Y max(0, D - r)^(5/2): elastic bodies that overlap by D - r.

    Arguments: `stiffness` Y [energy/L^(5/2)] >= 0 and `diameter` D [L] > 0, the sum of the two radii;
    scalars, or (S, S) symmetric tables. Energy, force and stiffness are continuous at contact, the third
    derivative is not. Raises ValueError for values that are not finite, of the wrong sign, or tables that are
    not symmetric.

    Source: H. Hertz, J. reine angew. Math. 92, 156 (1881).

    >>> float(Hertzian(stiffness=4000.0, diameter=2.0).energy(1.75))
    125.0
    """

    stiffness: Array = eqx.field(converter=float_leaf)
    diameter: Array = eqx.field(converter=float_leaf)

    def __check_init__(self):
        check_tables("Hertzian", ("diameter",), stiffness=self.stiffness, diameter=self.diameter)

    def energy(self, r: ArrayLike) -> Array:
        inside = r < self.diameter
        # sqrt is not differentiable at zero, so outside it acts on a one that is then thrown away
        overlap = jnp.where(inside, self.diameter - r, 1.0)
        return jnp.where(inside, self.stiffness * five_halves(overlap), 0.0)

    def energy_of_squared(self, s: ArrayLike) -> Array:
        """u(sqrt(s)); finite derivatives beyond the cutoff, infinite du/ds at s = 0."""
        inside = s < self.diameter * self.diameter
        return self.energy(jnp.where(inside, jnp.sqrt(jnp.where(inside, s, 1.0)), self.diameter))

    def cutoff(self) -> Array:
        return self.diameter


class SoftSphere(AbstractPairLaw):
    """u(r) = eps (sigma/r)^n for r < r_c, less its value at r_c if `shifted`; zero beyond.

    Arguments: `epsilon` [energy] >= 0, `sigma` [L] > 0, `cutoff` r_c [L] > 0: scalars, or (S, S) symmetric
    tables; `exponent` n > 0 and `shifted`, static. Without `shifted` the energy jumps at r_c. Even exponents
    are quickest. Raises ValueError for values that are not finite, of the wrong sign, or tables that are not
    symmetric.

    >>> float(SoftSphere(epsilon=1.0, sigma=1.0, exponent=12, cutoff=2.5, shifted=False).energy(0.5))
    4096.0
    """

    epsilon: Array
    sigma: Array
    cutoff_distance: Array
    exponent: float = eqx.field(static=True)
    shifted: bool = eqx.field(static=True)

    def __init__(
        self,
        epsilon: ArrayLike,
        sigma: ArrayLike,
        exponent: float,
        cutoff: ArrayLike,
        shifted: bool = True,
    ):
        self.epsilon, self.sigma, self.cutoff_distance = map(float_leaf, (epsilon, sigma, cutoff))
        self.exponent, self.shifted = exponent, shifted

    def __check_init__(self):
        if not (np.isfinite(self.exponent) and self.exponent > 0):
            raise ValueError(f"SoftSphere: exponent must be positive and finite, got {self.exponent}.")
        values = {"epsilon": self.epsilon, "sigma": self.sigma, "cutoff": self.cutoff_distance}
        check_tables("SoftSphere", ("sigma", "cutoff"), **values)

    def energy(self, r: ArrayLike) -> Array:
        return self.energy_of_squared(float_leaf(r) ** 2)

    def energy_of_squared(self, s: ArrayLike) -> Array:
        """u(sqrt(s)), a power of sigma^2/s: no square root for even exponents."""
        edge = self.cutoff_distance * self.cutoff_distance
        inside = s < edge
        energy = self.epsilon * self._power(jnp.where(inside, s, edge))
        if self.shifted:
            energy = energy - self.epsilon * self._power(edge)
        return jnp.where(inside, energy, 0.0)

    def cutoff(self) -> Array:
        return self.cutoff_distance

    def _power(self, s: Array) -> Array:
        half = self.exponent / 2
        ratio = self.sigma * self.sigma * inverse(s)
        return ratio ** int(half) if half == int(half) else ratio**half


class WCA(AbstractPairLaw):
    """u(r) = 4 eps [(sigma/r)^12 - (sigma/r)^6] + eps for r < 2^(1/6) sigma, zero beyond: purely repulsive.

    Arguments: `epsilon` [energy] >= 0 and `sigma` [L] > 0; scalars, or (S, S) symmetric tables. Energy and
    force are continuous. Raises ValueError for values that are not finite, of the wrong sign, or tables that
    are not symmetric.

    Source: J. D. Weeks, D. Chandler, H. C. Andersen, J. Chem. Phys. 54, 5237 (1971).

    >>> float(WCA(epsilon=1.0, sigma=1.0).energy(1.0)), float(WCA(1.0, 1.0).energy(1.13))
    (1.0, 0.0)
    """

    epsilon: Array = eqx.field(converter=float_leaf)
    sigma: Array = eqx.field(converter=float_leaf)

    def __check_init__(self):
        check_tables("WCA", ("sigma",), epsilon=self.epsilon, sigma=self.sigma)

    def energy(self, r: ArrayLike) -> Array:
        return self.energy_of_squared(float_leaf(r) ** 2)

    def energy_of_squared(self, s: ArrayLike) -> Array:
        """u(sqrt(s)) = eps (2q - 1)^2 with q = (sigma^2/s)^3: no cancellation near the cutoff."""
        edge = 2.0 ** (1.0 / 3.0) * self.sigma * self.sigma
        inside = s < edge
        twice = 2.0 * (self.sigma * self.sigma * inverse(jnp.where(inside, s, edge))) ** 3 - 1.0
        return jnp.where(inside, self.epsilon * (twice * twice), 0.0)

    def cutoff(self) -> Array:
        return 2.0 ** (1.0 / 6.0) * self.sigma


class LennardJones(AbstractPairLaw):
    """u(r) = v(r) [- v(r_c) [- (r - r_c) v'(r_c)]] for r < r_c, with v = 4 eps [(sigma/r)^12 - (sigma/r)^6].

    The brackets are what "shifted" and "force_shifted" add to "cut"; beyond r_c the energy is zero.

    Arguments: `epsilon` [energy] >= 0, `sigma` [L] > 0, `cutoff` r_c [L] > 0: scalars, or (S, S) symmetric
    tables; `truncation`, static: "cut" (the energy jumps at r_c), "shifted" (the energy is continuous, the
    force jumps) or "force_shifted" (both continuous; needs a square root). Raises ValueError for another
    truncation, values that are not finite, of the wrong sign, or tables that are not symmetric.

    Sources: J. E. Lennard-Jones, Proc. Phys. Soc. 43, 461 (1931); for "force_shifted", S. D. Stoddard, J.
    Ford, Phys. Rev. A 8, 1504 (1973).

    >>> law = LennardJones(epsilon=1.0, sigma=1.0, cutoff=2.5, truncation="force_shifted")
    >>> round(float(law.energy(1.0)), 6), float(law.energy(2.5))
    (0.074816, 0.0)
    """

    epsilon: Array
    sigma: Array
    cutoff_distance: Array
    truncation: Truncation = eqx.field(static=True)

    def __init__(
        self,
        epsilon: ArrayLike,
        sigma: ArrayLike,
        cutoff: ArrayLike,
        truncation: Truncation = "shifted",
    ):
        self.epsilon, self.sigma, self.cutoff_distance = map(float_leaf, (epsilon, sigma, cutoff))
        self.truncation = truncation

    def __check_init__(self):
        check_truncation("LennardJones", self.truncation)
        values = {"epsilon": self.epsilon, "sigma": self.sigma, "cutoff": self.cutoff_distance}
        check_tables("LennardJones", ("sigma", "cutoff"), **values)

    def energy(self, r: ArrayLike) -> Array:
        return self.energy_of_squared(float_leaf(r) ** 2)

    def energy_of_squared(self, s: ArrayLike) -> Array:
        """u(sqrt(s)); a square root only for "force_shifted"."""
        edge = self.cutoff_distance * self.cutoff_distance
        inside = s < edge
        within = jnp.where(inside, s, edge)
        energy = self._full(within)
        if self.truncation != "cut":
            energy = energy - self._full(edge)
        if self.truncation == "force_shifted":
            energy = energy - (jnp.sqrt(within) - self.cutoff_distance) * self._slope(edge)
        return jnp.where(inside, energy, 0.0)

    def cutoff(self) -> Array:
        return self.cutoff_distance

    def _full(self, s: Array) -> Array:
        q = (self.sigma * self.sigma * inverse(s)) ** 3
        return 4.0 * self.epsilon * (q * (q - 1.0))  # a product: at s = 0 it is infinite, q^2 - q would be NaN

    def _slope(self, s: Array) -> Array:
        """v'(r) at r = sqrt(s)."""
        q = (self.sigma * self.sigma * inverse(s)) ** 3
        return -24.0 * self.epsilon * (q * (2.0 * q - 1.0)) / jnp.sqrt(s)
