"""First and second derivatives of the features, as products again.

The derivative of p_f = prod_k z[factors[f, k]] with respect to its k-th factor is the product of the others, so

    dG/dy_a        = sum_m first_out[a, m]   c[first_feature[m]]  prod z[first_rest[m]]
    d2G/dy_a dy_b  = sum_m second_out[ab, m] c[second_feature[m]] prod z[second_rest[m]]

with fixed matrices that hold dz/dy and how often a product occurs. Pairs ab are packed, a >= b.
"""

from collections import Counter
from itertools import combinations

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float, Int

from diffneq.thermo.calphad.sizes import bucket
from diffneq.thermo.calphad.tables import Tables


class Monomials(eqx.Module):
    """The lists above for every phase, padded with products that count zero times."""

    first_feature: Int[Array, "phases m1"]
    first_rest: Int[Array, "phases m1 d1"]
    first_out: Float[Array, "phases n_y m1"]
    second_feature: Int[Array, "phases m2"]
    second_rest: Int[Array, "phases m2 d2"]
    second_out: Float[Array, "phases packed m2"]
    ideal_out: Float[Array, "phases packed n_z"]  # d2/dy_a dy_b of z_j ln z_j is ideal_out[ab, j] / z_j


def packed_pairs(n: int) -> tuple[np.ndarray, np.ndarray]:
    """The pairs (a, b), a >= b, in the order in which they are packed."""
    return np.tril_indices(n)


def unpacking(n: int) -> np.ndarray:
    """index[a, b] of the pair in the packed order."""
    rows, columns = packed_pairs(n)
    index = np.zeros((n, n), np.int32)
    index[rows, columns] = index[columns, rows] = np.arange(len(rows))
    return index


def monomials(tables: Tables) -> Monomials:
    """The derivative lists of all phases; on the host, once a system."""
    factors, extended = np.asarray(tables.factors), np.asarray(tables.extended)
    degree = factors.shape[-1]
    first = [_terms(f, 1) for f in factors]
    second = [_terms(f, 2) for f in factors]
    m1, m2 = (bucket(max(1, *map(len, lists))) for lists in (first, second))
    f1, r1, z1, n1 = _padded(first, m1, 1, max(degree - 1, 1))
    f2, r2, z2, n2 = _padded(second, m2, 2, max(degree - 2, 1))
    a, b = packed_pairs(extended.shape[-1])
    rows = np.arange(len(factors))[:, None]
    first_out = np.swapaxes(extended[rows, z1[..., 0]] * n1[..., None], 1, 2)
    left, right = extended[rows, z2[..., 0]], extended[rows, z2[..., 1]]
    both = left[..., a] * right[..., b] + left[..., b] * right[..., a]
    second_out = np.swapaxes(both * n2[..., None], 1, 2)
    ideal_out = np.swapaxes(extended[..., a] * extended[..., b], 1, 2)
    return Monomials(f1, r1, first_out, f2, r2, second_out, ideal_out)


def _terms(factors: np.ndarray, order: int) -> list[tuple]:
    """(feature, remaining factors, differentiated factors) -> how often, for one phase; 0 is the factor 1."""
    counts: Counter[tuple] = Counter()
    for feature, own in enumerate(factors):
        real = sorted(int(z) for z in own if z != 0)
        for places in combinations(range(len(real)), order):
            rest = tuple(z for k, z in enumerate(real) if k not in places)
            counts[feature, rest, tuple(real[k] for k in places)] += 1
    return list(counts.items())


def _padded(lists: list[list[tuple]], length: int, order: int, rest: int):
    shape = (len(lists), length)
    feature, others = np.zeros(shape, np.int32), np.zeros((*shape, rest), np.int32)
    taken, count = np.zeros((*shape, order), np.int32), np.zeros(shape)
    for i, terms in enumerate(lists):
        for m, ((f, remaining, differentiated), n) in enumerate(terms):
            feature[i, m], count[i, m] = f, n
            others[i, m, : len(remaining)] = remaining
            taken[i, m] = differentiated
    return feature, others, taken, count
