"""Compositions that cover a simplex: where global searches start."""

import functools
import itertools

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

_DIVISIONS = {2: 200, 3: 40, 4: 16, 5: 9, 6: 7}
_TRACES = (1e-3, 1e-6)  # what stands for zero: dilute corners are where phases of low solubility lie
_RANDOM = 3000


@functools.lru_cache(maxsize=16)
def _points(n: int) -> np.ndarray:
    if n in _DIVISIONS:
        m = _DIVISIONS[n]
        bars = np.array(list(itertools.combinations(range(m + n - 1), n - 1)))
        ends = np.full((len(bars), 1), m + n - 1)
        points = np.diff(np.concatenate([np.full((len(bars), 1), -1), bars, ends], axis=1), axis=1) - 1.0
        points = points / m
    else:
        rng = np.random.default_rng(n)
        points = np.concatenate([np.eye(n), rng.dirichlet(np.full(n, 0.5), _RANDOM)])
    filled = [np.maximum(points, trace) for trace in _TRACES]
    if n == 2:  # a row of points in ln x as well
        low = np.geomspace(1e-7, 5e-3, 40)
        filled += [np.stack([low, 1 - low], axis=1), np.stack([1 - low, low], axis=1)]
    every = np.unique(np.round(np.concatenate(filled), 12), axis=0)
    return every / every.sum(axis=1, keepdims=True)


def grid(n: int) -> Float[Array, "points n"]:
    """Positive mole fractions of n components: a lattice, or from seven components on vertices and random points.

    >>> grid(2).shape[1], bool(grid(3).min() > 0)
    (2, True)
    """
    return jnp.asarray(_points(n))
