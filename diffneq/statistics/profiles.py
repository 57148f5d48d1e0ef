"""Averages in slices of the system: density, and means of whatever the particles carry."""

import numpy as np


def density_profile(position, edges, breadth: float) -> tuple[np.ndarray, np.ndarray]:
    """n(y) = particles in a slice/(its width times `breadth`), and its error from the scatter of replicas, (B,) each.

    Arguments: `position` (R, S, N), coordinate of N particles in S snapshots of R replicas [L]; `edges` (B + 1,) of the
    slices [L]; `breadth`, extent of the system along the slices [L]. Raises `ValueError` as `mean_profile`.

    >>> y = np.random.default_rng(0).uniform(0, 10, size=(8, 50, 100))
    >>> n, error = density_profile(y, np.linspace(0, 10, 6), breadth=2.0)
    >>> bool(np.max(np.abs(n - 5.0) / error) < 5)
    True
    """
    counts = _sums(position, None, edges)
    density = counts / (np.diff(edges) * breadth) / np.shape(position)[1]
    return density.mean(0), density.std(0, ddof=1) / np.sqrt(len(density))


def mean_profile(position, values, edges) -> tuple[np.ndarray, np.ndarray]:
    """<a>(y) = sum of a over the particles in a slice/their number, and its error, (B,) each.

    Arguments: `position`, `values` (R, S, N), a coordinate and a quantity a of N particles in S snapshots of R
    replicas; `edges` (B + 1,). Errors: delete-one jackknife over replicas. Raises `ValueError` for shapes that do not
    match, fewer than four replicas, or a slice that is empty.

    >>> y = np.random.default_rng(0).uniform(0, 10, size=(8, 50, 100))
    >>> mean, error = mean_profile(y, y, [0.0, 5.0, 10.0])
    >>> bool(np.max(np.abs(mean - [2.5, 7.5]) / error) < 5)
    True
    """
    if np.shape(position) != np.shape(values):
        raise ValueError(f"position and values must have one shape, not {np.shape(position)} and {np.shape(values)}.")
    counts, sums = _sums(position, None, edges), _sums(position, values, edges)
    total = counts.sum(0)
    if (total == 0).any():
        raise ValueError("a slice holds no particle; take wider slices.")
    count = len(counts)
    without = (sums.sum(0) - sums) / np.maximum(total - counts, 1)
    error = np.sqrt((count - 1) / count * ((without - without.mean(0)) ** 2).sum(0))
    return sums.sum(0) / total, error


def kurtosis_profile(position, velocity, edges) -> tuple[np.ndarray, np.ndarray]:
    """<v^4>/<v^2>^2 - 3 in each slice, for a component without drift, and its error, (B,) each: zero for Maxwellians.

    Arguments, errors and what is raised as in `mean_profile`.

    >>> rng = np.random.default_rng(0)
    >>> y, v = rng.uniform(0, 10, (8, 50, 100)), rng.normal(size=(8, 50, 100))
    >>> excess, error = kurtosis_profile(y, v, [0.0, 5.0, 10.0])
    >>> bool(np.max(np.abs(excess) / error) < 4.5)
    True
    """
    mean_profile(position, velocity, edges)  # the same checks
    squares = np.asarray(velocity, float) ** 2
    sums = np.stack([_sums(position, x, edges) for x in (None, squares, squares**2)])
    excess = lambda s: s[2] * s[0] / s[1] ** 2 - 3
    without = excess(sums.sum(1, keepdims=True) - sums)
    count = sums.shape[1]
    error = np.sqrt((count - 1) / count * ((without - without.mean(0)) ** 2).sum(0))
    return excess(sums.sum(1)), error


def _sums(position, values, edges) -> np.ndarray:
    """Sum of values (or number of particles) in each slice, (R, B), over all snapshots."""
    y = np.asarray(position, float)
    if y.ndim != 3 or len(y) < 4:
        raise ValueError(f"position must have shape (R, S, N) with R >= 4 replicas, not {y.shape}.")
    weights = [None] * len(y) if values is None else np.asarray(values, float).reshape(len(y), -1)
    return np.stack([np.histogram(a, edges, weights=b)[0] for a, b in zip(y.reshape(len(y), -1), weights, strict=True)])
