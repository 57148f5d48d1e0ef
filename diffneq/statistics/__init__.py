"""Error bars: the `Estimate`, means of correlated records, weighted fits. NumPy only, float64.

Conventions: an error bar is ONE standard error; `diagnostics["dof"]` says how many degrees of freedom it
rests on (absent: infinitely many), and `Estimate.interval` widens by Student's t accordingly.
"""

from math import sqrt

import numpy as np

from diffneq.statistics.distributions import chi_squared_tail
from diffneq.statistics.estimate import Estimate
from diffneq.statistics.fits import LinearFit, fit_columns, fit_polynomial, weighted_mean

__all__ = [
    "Estimate",
    "LinearFit",
    "as_replicas",
    "autocovariance",
    "blocking",
    "correlation_window",
    "fit_columns",
    "fit_polynomial",
    "integrated_time",
    "mean",
    "weighted_mean",
]

_WINDOW = 6.0  # summation window in correlation times: an exponential is cut at e^-6 of its integral
_FEW = 150.0  # correlation times below which a windowed tau is often far too small: blocks bound the error
_CHANCE = 1.42  # sqrt(chi^2/7) exceeded once in twenty: blocks beyond it rule on longer records too
_BLOCK_DOF = 4.0  # of the larger of the windowed error and that from eight blocks, on records of 16 tau


def as_replicas(records, name: str = "records") -> np.ndarray:
    """A float64 array (R, T) from (T,) or (R, T); raises `ValueError` for other shapes and for bad data."""
    x = np.asarray(records, dtype=np.float64)
    x = x[None] if x.ndim == 1 else x
    if x.ndim != 2 or x.shape[1] < 4 or x.shape[0] < 1:
        raise ValueError(f"{name} must have shape (T,) or (R, T) with T >= 4, not {np.shape(records)}.")
    if not np.isfinite(x).all():
        raise ValueError(f"{name} contains NaN or infinity; keep the good replicas, result.status == 0.")
    return x


def autocovariance(x: np.ndarray, lags: int) -> np.ndarray:
    """C(k) = sum_t x(t) x(t + k)/(T - k), k = 0 .. lags - 1, along the last axis, by zero-padded FFT."""
    length = x.shape[-1]
    size = 1 << (length + lags - 1).bit_length()
    power = np.abs(np.fft.rfft(x, size)) ** 2
    return np.fft.irfft(power, size)[..., :lags] / (length - np.arange(lags))


def correlation_window(x: np.ndarray) -> tuple[np.ndarray, int, float, float]:
    """Covariance (lags,), window, integrated time in samples, its relative variance, of centred x (R, T).

    The window is the first W >= 6 max(tau(W), reach(W)), where reach = 2 sum rho^2 - 3/2 is tau for an
    exponential but does not vanish for a record that rings, which would close Sokal's window too early. A
    ringing exponential has half the sum of squares of a plain one, hence the doubling.
    """
    length = x.shape[1]
    raw = covariance = autocovariance(x, length // 2).mean(0)
    if raw[0] <= 0:
        return raw, 0, 0.5, 2 / x.size
    window, time, lag = 0, np.zeros(1), np.arange(length // 2)
    for _ in range(2):  # the subtracted mean steals g_0/(samples behind it) from every lag: see `mean`
        rho = covariance / covariance[0]
        time = np.cumsum(rho) - 0.5
        reach = (2 * np.cumsum(rho**2) - 1.5) * np.where(np.minimum.accumulate(rho) < -0.2, 2, 1)
        closed = lag >= _WINDOW * np.maximum(np.maximum(time, reach), 0.5)
        window = int(np.argmax(closed)) if closed.any() else len(rho) - 1
        covariance = raw + max(0.0, 2 * covariance[0] * time[window]) / x.size
    tau = max(0.5 + float(covariance[1 : window + 1].sum() / covariance[0]), 1e-3)
    return covariance, window, tau, _relative_variance(covariance / covariance[0], window, tau) / x.size


def _relative_variance(rho: np.ndarray, window: int, tau: float) -> float:
    """N Var(g_0)/g_0^2 = 2 sum_d (2 W + 1 - |d|) (rho * rho)(d)/(2 tau)^2, Gaussian x (Bartlett 1946)."""
    both = np.concatenate([rho[window:0:-1], rho[: window + 1]])
    size = 1 << (4 * window + 2).bit_length()
    product = np.fft.irfft(np.abs(np.fft.rfft(both, size)) ** 2, size)[: 2 * window + 1]
    weight = 2.0 * (2 * window + 1 - np.arange(2 * window + 1))
    weight[0] /= 2
    return max(2 * float(weight @ product) / (2 * tau) ** 2, 2.0)


def integrated_time(records, dt: float = 1.0, unit: str = "") -> Estimate:
    """tau = dt (1/2 + sum_k rho(k dt)), so that Var(mean) = 2 tau Var(x)/(T dt).

    Arguments: `records` (T,) or (R, T) replicas of one stationary signal, `dt` [time] between records. The
    sum stops at a self-consistent window of six correlation times; its error is Bartlett's for Gaussian
    signals. Source: Sokal, in Functional Integration (1997); Wolff, Comput. Phys. Commun. 156, 143 (2004).

    >>> noise = np.random.default_rng(0).normal(size=4000)
    >>> abs(integrated_time(noise).z_score(0.5)) < 3
    True
    """
    x = as_replicas(records)
    covariance, window, tau, relative = correlation_window(x - x.mean())
    short = x.shape[1] < 8 * window  # 48 correlation times
    warnings = ("record shorter than about 50 correlation times: tau is a guess",) if short else ()
    diagnostics = {"window": window * dt, "variance": float(covariance[0])}
    error = tau * dt * sqrt(relative)
    return Estimate(tau * dt, error, unit, "integrated time", "self-consistent window", warnings, diagnostics)


def blocking(records) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """error(b)^2 = Var(means over blocks of b)/(number of blocks): the blocking curve.

    Argument: `records` (T,) or (R, T). Returns block lengths b = 1, 2, 4, ..., the standard error of the
    mean at each level, and the error of that error. Source: Flyvbjerg and Petersen, J. Chem. Phys. 91, 461
    (1989).
    """
    x = as_replicas(records)
    lengths, errors, doubts = [], [], []
    block = 1
    while (count := x.shape[0] * x.shape[1]) >= 4 and x.shape[1] >= 1:
        error = float(np.std(x, ddof=1)) / sqrt(count)
        lengths.append(block)
        errors.append(error)
        doubts.append(error / sqrt(2 * (count - 1)))
        if x.shape[1] < 2:
            break
        even = x.shape[1] // 2 * 2
        x, block = x[:, :even].reshape(x.shape[0], -1, 2).mean(-1), 2 * block
    return np.array(lengths), np.array(errors), np.array(doubts)


def mean(records, dt: float = 1.0, unit: str = "", name: str = "mean") -> Estimate:
    """<x> +- sqrt(2 tau Var(x)/(R T dt)): the mean of a correlated stationary record and an honest error.

    Arguments: `records` (T,) or (R, T), R independent replicas; `dt` [time] between records. With 16
    replicas or more the error is the scatter between replicas (dof = R - 1), which assumes nothing about
    time; with fewer, the windowed autocovariance pooled over replicas (dof from the variance of its sum),
    unless the replicas disagree or eight or more are shorter than 20 correlation times, when their scatter
    rules. A windowed time may come out far too small on a short record, so the error is never below that of
    eight blocks when there are fewer than 150 correlation times in all, or when blocks exceed it beyond
    chance. The plateau of the blocking curve is in the diagnostics. Warns below 50 correlation times in all,
    and where the replicas disagree. Source: Wolff, Comput. Phys. Commun. 156, 143 (2004); Flyvbjerg and
    Petersen, J. Chem. Phys. 91, 461 (1989).

    >>> estimate = mean(np.random.default_rng(1).normal(size=(4, 1000)))
    >>> abs(estimate.z_score(0.0)) < 4
    True
    """
    x = as_replicas(records)
    replicas, length = x.shape
    covariance, window, tau, relative = correlation_window(x - x.mean())
    pooled = sqrt(max(0.0, 2 * tau * covariance[0] / x.size))
    dof = max(1.0, 2 / relative)
    scatter = float(np.std(x.mean(1), ddof=1)) / sqrt(replicas) if replicas > 1 else 0.0
    lengths, errors, _ = blocking(x)
    plateau = float(errors[min(np.searchsorted(lengths, 10 * tau), len(errors) - 1)])
    blocks, corrected = _few_blocks(x)
    warnings, windowed = [], pooled
    if x.size < 8 * window:
        warnings.append("fewer than about 50 correlation times: the error bar is a guess, record longer")
        pooled = max(pooled, plateau, corrected)
    if x.size < _FEW * tau or blocks > _CHANCE * windowed:  # tau itself may have come out far too small
        pooled, dof = max(pooled, blocks), max(dof, _BLOCK_DOF)
    odd = _replicas_disagree(x, scatter)
    if odd:
        warnings.append("replicas differ by more than their fluctuations: not ergodic, or a drift")
    error, method = pooled, "windowed autocovariance"
    if replicas >= 16 or odd or (replicas >= 8 and length < 20 * tau):
        error = max(scatter, pooled) if replicas < 8 else scatter  # few replicas may agree by chance
        dof, method = replicas - 1.0, "scatter of replicas"
    diagnostics = {"dof": dof, "integrated_time": tau * dt, "effective_samples": x.size / (2 * tau)}
    diagnostics |= {"pooled": pooled, "blocking": plateau, "scatter": scatter, "eight_blocks": blocks}
    return Estimate(float(x.mean()), error, unit, name, method, tuple(warnings), diagnostics)


def _few_blocks(x: np.ndarray) -> tuple[float, float]:
    """Standard error from the scatter of about eight blocks in all; the same allowing for their correlation.

    The blocks are as long as they can be, whatever tau came out as. Their lag-one correlation r, less its
    bias -(1 + 3 r)/n (Kendall 1954), widens the second by sqrt((1 + r)/(1 - r)).
    """
    replicas, length = x.shape
    each = min(-(-8 // replicas), length // 2)
    means = x[:, : length // each * each].reshape(replicas, each, -1).mean(-1)
    error = float(np.std(means, ddof=1)) / sqrt(means.size)
    centred = means - means.mean()
    if each == 1 or error == 0:
        return error, error
    r = float((centred[:, 1:] * centred[:, :-1]).sum() / (centred**2).sum()) * each / (each - 1)
    r = min(max(r + (1 + 3 * r) / means.size, 0.0), 0.5)
    return error, error * sqrt((1 + r) / (1 - r))


def _replicas_disagree(x: np.ndarray, scatter: float) -> bool:
    """Whether their scatter would come up once in a thousand, were the replicas equivalent and long."""
    if len(x) == 1:
        return False
    covariance, _, tau, _ = correlation_window(x - x.mean(1, keepdims=True))
    within = 2 * tau * covariance[0] / x.size
    dof = x.shape[0] - 1
    if x.shape[1] < 50 * tau or within <= 0:
        return False
    return chi_squared_tail(dof * scatter**2 / within, dof) < 1e-3
