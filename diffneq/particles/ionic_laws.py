"""Pair laws of ions: bond-valence Morse, screened Coulomb, Buckingham, Born-Mayer-Huggins, sums, truncation.

The laws of this file reach to infinity; `Truncated` ends one, or a `Sum` of several, at a cutoff. Units are those of
the numbers given; force fields use eV and angstrom. Every number is a scalar or an (S, S) symmetric table over species.

>>> law = Truncated(BondValenceMorse(depth=0.98816, steepness=1.93798, minimum=1.94001), cutoff=6.0)
>>> round(float(law.energy(1.94001)), 4), float(law.energy(6.0))
(-0.9815, 0.0)
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import erfc
from jaxtyping import Array, ArrayLike

from diffneq._parameters import float_leaf

from ._pair_law import AbstractPairLaw, check_tables, inverse
from .pair_laws import Truncation, check_truncation


class BondValenceMorse(AbstractPairLaw):
    """u(r) = D [(exp(a (r0 - r)) - 1)^2 - 1]: attraction of an ion and its counter-ion in the bond-valence model.

    Arguments: `depth` D [energy] >= 0, `steepness` a [1/L] >= 0, `minimum` r0 [L] >= 0; D = 0 where a pair of species
    has no such bond. Raises ValueError for values that are not finite, of the wrong sign, or tables not symmetric.

    Source: S. Adams, R. P. Rao, Phys. Status Solidi A 208, 1746 (2011).

    >>> float(BondValenceMorse(depth=2.0, steepness=1.5, minimum=1.9).energy(1.9))
    -2.0
    """

    depth: Array = eqx.field(converter=float_leaf)
    steepness: Array = eqx.field(converter=float_leaf)
    minimum: Array = eqx.field(converter=float_leaf)

    def __check_init__(self):
        values = {"depth": self.depth, "steepness": self.steepness, "minimum": self.minimum}
        check_tables("BondValenceMorse", (), **values)

    def energy(self, r: ArrayLike) -> Array:
        rise = jnp.exp(self.steepness * (self.minimum - r))
        return self.depth * rise * (rise - 2.0)

    def cutoff(self) -> Array:
        return jnp.full_like(self.depth, jnp.inf)


class ScreenedCoulomb(AbstractPairLaw):
    """u(r) = K erfc(r/(f l))/r: Coulomb's law of two charges, K = k q_a q_b, screened over a length f l.

    With f l = 1/alpha it is the real-space part of Ewald's sum; in the bond-valence model l is the sum of two radii.

    Arguments: `strength` K [energy L], of any sign; `length` l [L] > 0; `factor` f > 0, one number for all pairs.
    Raises ValueError for values that are not finite, of the wrong sign, or tables not symmetric.

    Source: S. Adams, R. P. Rao, Phys. Status Solidi A 208, 1746 (2011).

    >>> round(float(ScreenedCoulomb(strength=14.4, length=2.0, factor=0.5).energy(1.0)), 4)  # 14.4 erfc(1)
    2.2651
    """

    strength: Array = eqx.field(converter=float_leaf)
    length: Array = eqx.field(converter=float_leaf)
    factor: Array = eqx.field(converter=float_leaf, default=1.0)

    def __check_init__(self):
        values = {"strength": self.strength, "length": self.length, "factor": self.factor}
        check_tables("ScreenedCoulomb", ("length", "factor"), ("strength",), **values)

    def energy(self, r: ArrayLike) -> Array:
        return self.strength * erfc(r * inverse(self.factor * self.length)) * inverse(float_leaf(r))

    def cutoff(self) -> Array:
        return jnp.full_like(self.strength, jnp.inf)


class Buckingham(AbstractPairLaw):
    """u(r) = A exp(-r/rho) - C/r^6 for r > r0, B/r^n + D r^2 below: the splice keeps close ions from collapsing.

    Arguments: `strength` A [energy] >= 0, `length` rho [L] > 0, `dispersion` C [energy L^6] >= 0; `splice`, None or
    (B, n, D, r0), with B [energy L^n] >= 0, n >= 0, D [energy/L^2] of any sign and r0 [L] >= 0; r0 = 0 where a pair of
    species has none. What joins smoothly at r0 is the caller's: values and slopes of published splices differ there in
    the last digits printed. Raises ValueError for values not finite, of the wrong sign, or tables not symmetric.

    Source: R. A. Buckingham, Proc. R. Soc. A 168, 264 (1938); the splice: L. Deng, J. Du, J. Am. Ceram. Soc. 102, 2482
    (2019).

    >>> law = Buckingham(2029.2204, 0.343640, 192.580, splice=(46.462, 3.430, -0.32605, 1.906))
    >>> abs(float(law.energy(1.90599) - law.energy(1.90601))) < 3e-3  # eV, where the two forms meet
    True
    """

    strength: Array
    length: Array
    dispersion: Array
    splice: tuple[Array, Array, Array, Array] | None

    def __init__(self, strength, length, dispersion, splice=None):
        self.strength, self.length, self.dispersion = map(float_leaf, (strength, length, dispersion))
        self.splice = None if splice is None else tuple(map(float_leaf, splice))  # pyright: ignore[reportAttributeAccessIssue]

    def __check_init__(self):
        values = {"strength": self.strength, "length": self.length, "dispersion": self.dispersion}
        if self.splice is not None:
            if len(self.splice) != 4:
                raise ValueError("Buckingham: splice is (B, n, D, r0), four numbers or tables, or None.")
            names = ("splice B", "splice n", "splice D", "splice r0")
            values |= dict(zip(names, self.splice, strict=True))
        check_tables("Buckingham", ("length",), ("splice D",), **values)

    def energy(self, r: ArrayLike) -> Array:
        r = float_leaf(r)
        if self.splice is None:
            return self._far(r)
        front, power, bend, start = self.splice
        near = r < start
        # below the splice the dispersion overflows, above it nothing does: each branch sees only its own distances
        inner = jnp.where(near, r, jnp.ones_like(r))
        far = self._far(jnp.where(near, start, r))
        return jnp.where(near, front * jnp.exp(-power * jnp.log(inner)) + bend * inner * inner, far)

    def cutoff(self) -> Array:
        return jnp.full_like(self.strength, jnp.inf)

    def _far(self, r: Array) -> Array:
        return self.strength * jnp.exp(-r * inverse(self.length)) - self.dispersion * inverse(r) ** 6


class BornMayerHuggins(AbstractPairLaw):
    """u(r) = A exp((s - r)/rho) - C/r^6 - D/r^8: repulsion of ions in contact at s, and their dispersion.

    Arguments: `strength` A [energy] >= 0, `contact` s [L] >= 0, `length` rho [L] > 0, `sextic` C [energy L^6] >= 0,
    `octic` D [energy L^8] >= 0. Raises ValueError for values not finite, of the wrong sign, or tables not symmetric.

    Source: M. P. Tosi, F. G. Fumi, J. Phys. Chem. Solids 25, 45 (1964).

    >>> round(float(BornMayerHuggins(0.21098, 2.755, 0.317, 6.9905, 8.6757).energy(2.755)), 4)  # Na-Cl in contact
    0.1924
    """

    strength: Array = eqx.field(converter=float_leaf)
    contact: Array = eqx.field(converter=float_leaf)
    length: Array = eqx.field(converter=float_leaf)
    sextic: Array = eqx.field(converter=float_leaf)
    octic: Array = eqx.field(converter=float_leaf)

    def __check_init__(self):
        values = {name: getattr(self, name) for name in ("strength", "contact", "length", "sextic", "octic")}
        check_tables("BornMayerHuggins", ("length",), **values)

    def energy(self, r: ArrayLike) -> Array:
        q = inverse(float_leaf(r) ** 2)
        cube = q * q * q
        near = self.strength * jnp.exp((self.contact - r) * inverse(self.length))
        return near - cube * (self.sextic + self.octic * q)

    def cutoff(self) -> Array:
        return jnp.full_like(self.strength, jnp.inf)


class Sum(AbstractPairLaw):
    """u(r) = u_1(r) + u_2(r) + ...; its cutoff is the longest of them.

    Arguments: `laws`, at least one pair law. Raises ValueError where there is none.

    >>> pair = BornMayerHuggins(1.0, 0.0, 1.0, 0.0, 0.0)
    >>> bool(Sum(pair, pair).energy(1.0) == 2 * pair.energy(1.0))
    True
    """

    laws: tuple[AbstractPairLaw, ...]

    def __init__(self, *laws: AbstractPairLaw):
        if not laws or not all(isinstance(law, AbstractPairLaw) for law in laws):
            raise ValueError("Sum: give one pair law or more, Sum(Buckingham(...), ScreenedCoulomb(...)).")
        self.laws = laws

    def energy(self, r: ArrayLike) -> Array:
        total = self.laws[0].energy(r)
        for law in self.laws[1:]:
            total = total + law.energy(r)
        return total

    def cutoff(self) -> Array:
        reach = self.laws[0].cutoff()
        for law in self.laws[1:]:
            reach = jnp.maximum(reach, law.cutoff())
        return reach


class Truncated(AbstractPairLaw):
    """u(r) - u(r_c) - (r - r_c) u'(r_c) below r_c, zero beyond: the law ended at r_c with energy and force continuous.

    Arguments: `law`, any pair law; `cutoff` r_c [L] > 0, one number; `truncation` "force_shifted" as above, "shifted"
    without the last term (the force jumps), or "cut" (the energy jumps, too). Raises ValueError for anything else.

    >>> law = Truncated(BornMayerHuggins(1.0, 0.0, 1.0, 0.0, 0.0), cutoff=2.0)
    >>> round(float(law.energy(1.0) - (jnp.exp(-1.0) - jnp.exp(-2.0) - jnp.exp(-2.0))), 6)
    0.0
    """

    law: AbstractPairLaw
    cutoff_distance: Array
    truncation: Truncation = eqx.field(static=True)

    def __init__(self, law: AbstractPairLaw, cutoff: ArrayLike, truncation: Truncation = "force_shifted"):
        self.law, self.cutoff_distance, self.truncation = law, float_leaf(cutoff), truncation

    def __check_init__(self):
        check_truncation("Truncated", self.truncation)
        check_tables("Truncated", ("cutoff",), cutoff=self.cutoff_distance)
        if self.cutoff_distance.ndim > 1:
            raise ValueError("Truncated: cutoff is one length for all pairs of species.")

    def energy(self, r: ArrayLike) -> Array:
        r, edge = float_leaf(r), self.cutoff_distance
        inside = r < edge
        within = jnp.where(inside, r, edge)
        energy = self.law.energy(within)
        if self.truncation != "cut":
            last, slope = jax.jvp(self.law.energy, (edge,), (jnp.ones_like(edge),))
            energy = energy - last
            if self.truncation == "force_shifted":
                energy = energy - (within - edge) * slope
        return jnp.where(inside, energy, 0.0)

    def cutoff(self) -> Array:
        return self.cutoff_distance


def tables(species: int, entries: dict[tuple[int, int], float], rest: float = 0.0) -> np.ndarray:
    """The symmetric (S, S) table with the given entries [a, b] = [b, a], and `rest` elsewhere.

    >>> tables(2, {(0, 1): 3.0}).tolist()
    [[0.0, 3.0], [3.0, 0.0]]
    """
    table = np.full((species, species), float(rest))
    for (a, b), value in entries.items():
        table[a, b] = table[b, a] = value
    return table
