"""Velocity distributions against Maxwell's: moments, tails, histograms, with the scatter of replicas as errors."""

from dataclasses import dataclass
from math import erfc, exp, pi, sqrt

import numpy as np

from diffneq.statistics.estimate import Estimate

_ENOUGH = 400  # samples in a tail: fewer, and the likelihood is far from a parabola


@dataclass(frozen=True)
class VelocityMoments:
    """Drift <v>, kinetic temperature m <(v - <v>)^2>, skewness and excess kurtosis of one velocity component.

    The last two are zero for a Maxwellian.
    """

    drift: Estimate
    temperature: Estimate
    skewness: Estimate
    kurtosis: Estimate


def velocity_moments(samples, mass: float = 1.0) -> VelocityMoments:
    """<v>, T = m <w^2>, <w^3>/<w^2>^(3/2), <w^4>/<w^2>^2 - 3, with w = v - <v>: delete-one jackknife over replicas.

    Arguments: `samples` (R, n), n velocities of each of R independent replicas [L/t], which may be correlated within
    a replica in any way; `mass` m. Raises `ValueError` for another shape, fewer than four replicas, or NaN.
    Source of the jackknife: B. Efron, The Jackknife, the Bootstrap and Other Resampling Plans (SIAM, 1982).

    >>> v = np.random.default_rng(0).normal(1.0, np.sqrt(2.0), size=(16, 4000))
    >>> found = velocity_moments(v)
    >>> abs(found.temperature.z_score(2.0)) < 4 and abs(found.kurtosis.z_score(0.0)) < 4
    True
    """
    v = _replicas(samples)
    shift = v.mean()
    sums = np.stack([((v - shift) ** k).mean(1) for k in range(1, 5)])  # (4, R)

    def shape(s):
        one, two, three, four = s
        variance = two - one**2
        third = three - 3 * one * two + 2 * one**3
        fourth = four - 4 * one * three + 6 * one**2 * two - 3 * one**4
        return np.array([shift + one, mass * variance, third / variance**1.5, fourth / variance**2 - 3])

    values, errors = _jackknife(sums, shape)
    names = ("drift", "kinetic temperature", "skewness", "excess kurtosis")
    method, dof = "jackknife over replicas", {"dof": len(v) - 1.0}
    found = (Estimate(x, e, "", name, method, (), dof) for x, e, name in zip(values, errors, names, strict=True))
    return VelocityMoments(*found)


def tail_temperature(samples, threshold: float, mass: float = 1.0) -> Estimate:
    """T of P(v) ~ exp(-m v^2/2T) for |v| > v_c: the temperature of the far tails, by maximum likelihood.

    The likelihood equation is <v^2>_{|v| > v_c} = (T/m)[1 + 2 x e^{-x^2}/(sqrt(pi) erfc x)], x = v_c sqrt(m/2T): the
    mean square beyond v_c says all. A Maxwellian gives its temperature whatever v_c is.

    Arguments: `samples` (R, n), n velocities of a component without drift for each of R replicas [L/t]; `threshold`
    v_c > 0 [L/t]; `mass` m. Errors: jackknife over replicas. Warns where fewer than 400 samples lie in the tails.
    Raises `ValueError` for another shape, fewer than four replicas, or a tail that some replica alone fills.
    Source: T. Yuge, arXiv:0907.0503 (2009), who finds tails of P(v_y) that are Maxwellian with a temperature of
    their own; the estimator is the exponential-family likelihood of the truncated normal distribution.

    >>> v = np.random.default_rng(1).normal(0.0, np.sqrt(1.5), size=(16, 20000))
    >>> abs(tail_temperature(v, threshold=2.5).z_score(1.5)) < 4
    True
    """
    v = _replicas(samples)
    if not threshold > 0:
        raise ValueError(f"threshold = {threshold} must be a positive speed.")
    far = np.abs(v) > threshold
    counts = far.sum(1).astype(float)
    if (counts > 0).sum() < 2:
        raise ValueError(f"fewer than two replicas reach beyond {threshold:g}; lower the threshold or record longer.")
    sums = np.stack([counts, np.where(far, v**2, 0.0).sum(1)])
    solve = lambda s: np.array([_truncated_temperature(s[1] / s[0], threshold, mass)])
    values, errors = _jackknife(sums, solve)
    total = int(counts.sum())
    warnings = () if total >= _ENOUGH else (f"only {total} samples in the tails",)
    diagnostics = {"dof": len(v) - 1.0, "samples": total, "fraction": total / v.size, "threshold": float(threshold)}
    name, method = "tail temperature", "maximum likelihood, jackknife over replicas"
    return Estimate(values[0], errors[0], "", name, method, warnings, diagnostics)


def log_density(samples, edges) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """ln P(v) of a component that is even in v, in bins of |v|: root-mean-square |v|, ln P, its error; (B,) each.

    P is normalised over both signs and averaged over each bin: take bins narrow beside sqrt(T/m). Bins with fewer
    than ten samples in all, or in which fewer than four replicas have any, are left out.
    Arguments: `samples` (R, n) [L/t]; `edges` (B + 1,) of |v|, increasing [L/t]. Errors: jackknife over replicas.

    >>> v = np.random.default_rng(2).normal(size=(16, 20000))
    >>> speed, value, error = log_density(v, np.linspace(0, 3, 31))
    >>> bool(np.max(np.abs(value + speed**2 / 2 + np.log(2 * np.pi) / 2)) < 0.05)
    True
    """
    v = np.abs(_replicas(samples))
    edges = np.asarray(edges, float)
    counts = np.stack([np.histogram(x, edges)[0] for x in v], axis=1).astype(float)  # (B, R)
    squares = np.stack([np.histogram(x, edges, weights=x**2)[0] for x in v], axis=1)
    kept = (counts.sum(1) >= 10) & ((counts > 0).sum(1) >= 4)
    counts, squares, width = counts[kept], squares[kept], 2 * np.diff(edges)[kept]
    with np.errstate(divide="ignore"):
        values, errors = _jackknife(counts / v.shape[1], lambda s: np.log(s / width))
    return np.sqrt(squares.sum(1) / counts.sum(1)), values, errors


def _replicas(samples) -> np.ndarray:
    v = np.asarray(samples, np.float64)
    if v.ndim != 2 or v.shape[0] < 4 or v.shape[1] < 1:
        raise ValueError(f"samples must have shape (R, n) with R >= 4 replicas, not {np.shape(samples)}.")
    if not np.isfinite(v).all():
        raise ValueError("samples contain NaN or infinity; keep the good replicas, result.status == 0.")
    return v


def _jackknife(sums: np.ndarray, function) -> tuple[np.ndarray, np.ndarray]:
    """f(mean over replicas) and its error from the means without one replica each; `sums` (K, R)."""
    count = sums.shape[1]
    whole = sums.mean(1)
    value = function(whole)
    without = np.stack([function((whole * count - sums[:, r]) / (count - 1)) for r in range(count)])
    error = np.sqrt((count - 1) / count * ((without - without.mean(0)) ** 2).sum(0))
    return value, error


def _truncated_temperature(square: float, threshold: float, mass: float) -> float:
    """T with <v^2>_{|v| > v_c} = square; the left side grows with T, from v_c^2 to 3 v_c^2 and on."""
    low, high = 1e-3 * mass * threshold**2, mass * square
    for _ in range(60):
        middle = (low + high) / 2
        x = threshold * sqrt(mass / (2 * middle))
        low, high = (middle, high) if middle / mass * (1 + _hazard(x)) < square else (low, middle)
    return (low + high) / 2


def _hazard(x: float) -> float:
    """2 x e^{-x^2}/(sqrt(pi) erfc x); beyond x = 20 by its series."""
    return 2 * x * exp(-x * x) / (sqrt(pi) * erfc(x)) if x < 20 else 2 * x * x + 1 - 1 / (x * x)
