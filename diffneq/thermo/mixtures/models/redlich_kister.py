"""Polynomials in the mole fractions: Redlich-Kister with Muggianu's extrapolation, regular and Margules as members."""

import itertools
import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from diffneq.thermo.mixtures.models.excess import GAS_CONSTANT, ExcessModel
from diffneq.thermo.mixtures.models.laws import TemperatureLaw, law


class RedlichKister(ExcessModel):
    """g^E = sum_{i<j} x_i x_j sum_v L^v_ij(T) (x_i - x_j)^v + sum_{i<j<k} x_i x_j x_k (v_i L_i + v_j L_j + v_k L_k).

    `pairs` (n(n-1)/2, orders) in J/mol, pairs in the order 12, 13, .., 23, ..; `triples` (triples, 3) in J/mol or
    None, with v_i = x_i + (1 - x_i - x_j - x_k)/3. The Redlich-Kister-Muggianu form of CALPHAD databases (O. Redlich,
    A. T. Kister, Ind. Eng. Chem. 40 (1948) 345; Y.-M. Muggianu et al., J. Chim. Phys. 72 (1975) 83).

    >>> model = redlich_kister([[2000.0, 500.0]])
    >>> round(float(model.reduced(300.0, jnp.array([0.3, 0.7]))) * GAS_CONSTANT * 300.0, 2)
    378.0
    """

    pairs: TemperatureLaw
    triples: TemperatureLaw | None = None

    def reduced(self, T: Float[Array, ""], x: Float[Array, " n"]) -> Float[Array, ""]:
        """The polynomial over R T."""
        i, j = np.triu_indices(len(x), 1)
        L, difference = self.pairs(T), x[i] - x[j]
        # Horner's scheme: a power of a difference that is zero would have no derivative.
        series = jnp.zeros_like(difference)
        for v in reversed(range(L.shape[1])):
            series = series * difference + L[:, v]
        energy = jnp.sum(x[i] * x[j] * series)
        if self.triples is not None:
            energy = energy + _ternary(self.triples(T), x)
        return energy / (GAS_CONSTANT * T)

    @property
    def size(self) -> int:
        """n of n(n-1)/2 pairs."""
        return (1 + math.isqrt(1 + 8 * self.pairs.a.shape[0])) // 2


def _ternary(L, x):
    """Of all sets of three, with coefficients L (sets, 3)."""
    own = x[np.array(list(itertools.combinations(range(len(x)), 3)))]
    shares = own + (1.0 - jnp.sum(own, axis=1, keepdims=True)) / 3.0
    return jnp.sum(jnp.prod(own, axis=1) * jnp.sum(shares * L, axis=1))


def redlich_kister(pairs: TemperatureLaw | ArrayLike, triples: TemperatureLaw | ArrayLike | None = None):
    """A `RedlichKister` from coefficients in J/mol, constant or laws in T.

    Raises:
        ValueError: a number of pairs that is not n(n-1)/2, or of triples that does not fit.
    """
    pairs = pairs if isinstance(pairs, TemperatureLaw) else law(jnp.asarray(pairs, float))
    if pairs.a.ndim != 2 or math.isqrt(1 + 8 * pairs.a.shape[0]) ** 2 != 1 + 8 * pairs.a.shape[0]:
        raise ValueError(
            f"redlich_kister: pairs must have shape (n(n-1)/2, orders), for a binary [[L0, L1]], got {pairs.a.shape}."
        )
    if triples is not None and not isinstance(triples, TemperatureLaw):
        triples = law(jnp.asarray(triples, float))
    model = RedlichKister(pairs, triples)
    if triples is not None and triples.a.shape != (math.comb(model.size, 3), 3):
        raise ValueError(f"redlich_kister: triples must have shape ({math.comb(model.size, 3)}, 3).")
    return model


def regular(omega: ArrayLike) -> RedlichKister:
    """g^E = sum_{i<j} omega_ij x_i x_j, the regular solution; omega in J/mol, a number for a binary or (pairs,).

    Source: J. H. Hildebrand, J. Am. Chem. Soc. 51 (1929) 66.

    >>> float(regular(2.0 * GAS_CONSTANT * 400.0).reduced(400.0, jnp.array([0.5, 0.5])))
    0.5
    """
    return redlich_kister(jnp.atleast_1d(jnp.asarray(omega, float))[:, None])


def margules(A12: ArrayLike, A21: ArrayLike, b12: ArrayLike = 0.0, b21: ArrayLike = 0.0) -> RedlichKister:
    """g^E/(R T) = x_1 x_2 (A_21 x_1 + A_12 x_2), A_ij + b_ij/T in place of A_ij; two suffixes where A_12 = A_21.

    ln gamma_1 at infinite dilution is A_12. Source: M. Margules, Sitzungsber. Akad. Wiss. Wien 104 (1895) 1243.

    >>> model = margules(0.5, 0.8)
    >>> round(float(model.reduced(300.0, jnp.array([0.25, 0.75]))) / (0.25 * 0.75), 6)
    0.575
    """
    A12, A21, b12, b21 = (jnp.asarray(value, float) for value in (A12, A21, b12, b21))
    series = lambda first, second: 0.5 * GAS_CONSTANT * jnp.stack([first + second, second - first])[None]
    return RedlichKister(law(a=series(b12, b21), d=series(A12, A21)))
