"""The tail of a weighted average: does the sample contain the values that make the average?"""

import numpy as np

_FEWEST = 5  # exceedances, below which a tail has no shape


def pareto_shape(log_weights) -> tuple[float, float]:
    """k of P(weight > x) ~ x^(-1/k): the mean of the weights has a finite variance for k < 1/2, exists for k < 1.

    A generalised Pareto law is fitted to the min(n/5, 3 sqrt n) largest weights. For Gaussian work k is the slope of
    the tail as far as it was seen, sigma/sqrt(2 ln n) about, and grows past 1/2 where the average is not resolved.

    Argument: `log_weights` (n,), -inf allowed. Returns k and its standard error (1 + k)/sqrt(m), m weights in the tail;
    k = -inf where the tail has no shape (fewer than five weights stand out of it), nan below 25 weights.
    Source: J. Zhang, M. A. Stephens, Technometrics 51, 316 (2009), for the fit; A. Vehtari, D. Simpson, A. Gelman,
    Y. Yao, J. Gabry, Journal of Machine Learning Research 25, 72 (2024), for its use.

    >>> draws = np.random.default_rng(0).pareto(2.5, size=20_000)      # k = 0.4
    >>> shape, error = pareto_shape(np.log(draws))
    >>> bool(abs(shape - 0.4) < 3 * error)
    True
    """
    logs = np.sort(np.asarray(log_weights, float))
    if len(logs) < 25:
        return float("nan"), float("inf")
    count = int(min(len(logs) / 5, 3 * np.sqrt(len(logs))))
    top = np.exp(logs[-count - 1 :] - logs[-1])
    excess = top[1:] - top[0]
    excess = excess[excess > 0]
    if len(excess) < _FEWEST:
        return -np.inf, 0.0
    shape = _shape(excess)
    return shape, (1 + max(shape, 0.0)) / np.sqrt(len(excess))


def _shape(excess: np.ndarray) -> float:
    """Posterior mean of Zhang and Stephens, drawn to 1/2 by ten imaginary observations as Vehtari and others do."""
    n = len(excess)
    grid = 30 + int(np.sqrt(n))
    b = 1 - np.sqrt(grid / (np.arange(1, grid + 1) - 0.5))
    b = b / (3 * excess[int(n / 4 + 0.5) - 1]) + 1 / excess[-1]
    k = np.log1p(-b[:, None] * excess).mean(1)
    likelihood = n * (np.log(-b / k) - k - 1)
    weight = np.exp(likelihood - likelihood.max())
    best = float(b @ weight / weight.sum())
    return (n * float(np.log1p(-best * excess).mean()) + 5.0) / (n + 10.0)


def lognormal_spread(log_weights) -> float:
    """s^2, the variance the logarithms would have if they were Gaussian with the upper half seen.

    Twice the mean square excess over the median, from the weights above it. For a log-normal weight the relative
    variance is e^(s^2) - 1, which the weights themselves show only when the sample is large enough.
    """
    logs = np.asarray(log_weights, float)
    middle = np.median(logs)
    above = logs[logs > middle] - middle if np.isfinite(middle) else np.zeros(0)
    return float(2 * np.sum(above**2) / len(logs))
