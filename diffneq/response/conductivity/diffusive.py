"""Slopes of mean squared displacements with the covariance of overlapping windows, and where they are straight."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from diffneq.statistics.distributions import chi_squared_tail

_LAGS = 8  # multiples of the shortest lag in a fit
_STEPS_PER_DECADE = 6
_LEAST_WINDOWS = 24  # windows of the shortest lag behind a fit, all series together
_Z = 2.0


@dataclass(frozen=True)
class DiffusiveFit:
    """<dx(t)^2> = offset + slope t at t = lag, 2 lag, ...: fit with its errors.

    `slope`, `error`, `offset`, `lag` [time], and `chi2`, `dof`, `p_value` of the straight line.
    """

    slope: float
    error: float
    offset: float
    lag: float
    chi2: float
    dof: int
    p_value: float


def squared_displacement(path: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """<(x(n + k) - x(n))^2> over n, for paths (..., T) and lags (K,) in records: (..., K)."""
    columns = [np.mean((path[..., k:] - path[..., : path.shape[-1] - k]) ** 2, axis=-1) for k in lags]
    return np.stack(columns, axis=-1)


def covariance(lags: np.ndarray, length: int, step: float, offset: float, series: float) -> np.ndarray:
    """Cov(MSD_i, MSD_j) of a Gaussian random walk seen through white noise, (K, K).

    x_n = walk of variance `step` a record + noise, MSD_k = offset + step k, `length` records, averaged over `series`
    independent ones: 2 sum_(n,m) Cov(x_(n+i) - x_n, x_(m+j) - x_m)^2/(n_i n_j).
    """
    out = np.zeros((len(lags), len(lags)))
    for a, i in enumerate(lags):
        for b, j in enumerate(lags[: a + 1]):
            delta = np.arange(-j, i + 1)  # m - n
            overlap = np.minimum(i, delta + j) - np.maximum(0, delta)
            ends = (delta + j == i).astype(float) + (delta == 0) - (delta == i) - (delta + j == 0)
            each = step * overlap + offset / 2 * ends
            first, second = length - i, length - j
            pairs = np.minimum(first, second - delta) - np.maximum(0, -delta)
            total = 2 * np.sum(np.maximum(pairs, 0) * each**2) / (first * second)
            out[a, b] = out[b, a] = total / series
    return out


def dependence(path: np.ndarray, lag: int) -> float:
    """Variance of the squared displacement of one window, averaged over a group, over that of independent walks.

    For paths (R, G, T) of G series that may move together, from windows that do not overlap; one for independent
    Gaussian displacements, more where ions move together or by rare jumps.
    """
    moves = np.diff(path[..., ::lag], axis=-1) ** 2
    together = moves.mean(1)
    if together.size < 16:
        return 1.0
    return max(1.0, float(np.var(together, ddof=1)) * path.shape[1] / (2 * float(together.mean()) ** 2))


def fit_slope(path: np.ndarray, dt: float, lag: int) -> DiffusiveFit:
    """Generalised least squares at lag, 2 lag, ... (records) for paths (R, G, T): R independent groups of G series."""
    total = path.shape[-1]
    series = path.shape[0] * path.shape[1] / (dependence(path, lag) if path.shape[1] > 1 else 1.0)
    count = min(_LAGS, (total - 1) // (2 * lag))
    steps = np.arange(1, count + 1)
    found = squared_displacement(path, lag * steps).mean((0, 1))
    basis = np.stack([np.ones(count), steps], 1)
    offset, step = np.linalg.lstsq(basis, found, rcond=None)[0]
    for _ in range(4):
        step = max(step, 1e-3 * found[0])
        # Overlap of windows at the resolution of the lag: those between tell little new.
        matrix = covariance(steps, (total - 1) // lag + 1, step, max(offset, -0.45 * step), series)
        inverse = np.linalg.inv(matrix)
        normal = np.linalg.inv(basis.T @ inverse @ basis)
        rows = normal @ basis.T @ inverse
        offset, step = rows @ found
    rest = found - basis @ np.array([offset, step])
    chi2, dof = float(rest @ inverse @ rest), count - 2
    unit = lag * dt
    return DiffusiveFit(
        step / unit, float(np.sqrt(normal[1, 1])) / unit, float(offset), unit, chi2, dof, chi_squared_tail(chi2, dof)
    )


def diffusive_fit(path: np.ndarray, dt: float, lag: float | None = None) -> tuple[DiffusiveFit, bool]:
    """The slope where the mean squared displacement has become straight, and whether it has.

    Arguments: `path` (R, G, T), R independent groups of G series that may move together; `dt` [time] between records;
    `lag` [time], None to find it.
    A line is accepted where it fits, p > 0.05, and no longer lag has another slope: the difference of an efficient
    estimate and one from fewer data has the difference of their variances (J. A. Hausman, Econometrica 46, 1251, 1978).
    The lag that is used is twice the shortest of these: what is left of the transient where it cannot be seen any more
    would still bias the slope by as much as its error.
    """
    total, groups = path.shape[-1], path.shape[0]
    if lag is not None:
        return fit_slope(path, dt, max(1, round(lag / dt))), True
    longest = max(1, min((total - 1) // 8, groups * total // _LEAST_WINDOWS))
    count = 1 + int(_STEPS_PER_DECADE * np.log10(max(longest, 1)))
    lags = np.unique(np.geomspace(1, longest, count).round().astype(int))
    fits = [fit_slope(path, dt, k) for k in lags]
    for number, fit in enumerate(fits):
        later = fits[number + 1 :]
        spread = [np.sqrt(max(other.error**2 - fit.error**2, (0.3 * other.error) ** 2)) for other in later]
        agree = all(abs(other.slope - fit.slope) < _Z * s for other, s in zip(later, spread, strict=True))
        if fit.p_value > 0.05 and agree and later:
            return fit_slope(path, dt, min(2 * int(lags[number]), longest)), True
    return _doubtful(fits), False


def _doubtful(fits: list[DiffusiveFit]) -> DiffusiveFit:
    """The fit at the longest lag, where none is accepted, with an error that an earlier slope does not refute.

    What a fit gives as its error is proportional to its own slope: one that is low by chance has too small a one. The
    walk may as well have the slope of the first line that fits.
    """
    last = fits[-1]
    first = next((fit for fit in fits if fit.p_value > 0.05), last)
    if last.slope <= 0:
        return last
    return replace(last, error=last.error * max(1.0, first.slope / last.slope))
