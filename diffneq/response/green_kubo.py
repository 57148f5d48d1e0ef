"""The conductivity of equilibrium from the fluctuations of its current, by three estimators."""

from dataclasses import dataclass

import numpy as np

from diffneq.response.cepstral import cepstral_intercept
from diffneq.response.lowfrequency import spectral_intercept
from diffneq.response.spectra import as_series, periodogram
from diffneq.statistics import Estimate, autocovariance, correlation_window

_METHODS = ("spectral", "cepstral", "integral")


def green_kubo(
    current,
    dt: float,
    area: float,
    temperature: float,
    method: str = "spectral",
    *,
    cutoff: float | None = None,
    steps: int | None = None,
    unit: str = "",
) -> Estimate:
    """sigma = (1/(A k_B T)) int_0^inf <J(t) J(0)> dt = g_J(0)/(2 A k_B T).

    Arguments: `current` (T,), (R, T) or (R, c, T): equilibrium records (mean zero) of J [e length/time],
    averaged over intervals `dt` [time], R replicas, c equivalent components; `area` A [length^2];
    `temperature` k_B T [energy]; `steps` per record, see `spectra.record_factor`; `method`:
    "spectral": maximum likelihood of smooth models for the low-frequency periodogram (`spectral_intercept`);
    `cutoff` [rad/time] is the largest frequency used, default pi/(2 dt).
    "cepstral": `cepstral_intercept`; `cutoff` [rad/time] w*, default `automatic_cutoff`.
    "integral": the autocorrelation up to a self-consistent window (6 correlation times); `cutoff` [time]
    replaces it. The error is the scatter between the series (16 or more) or Bartlett's formula.
    The default has the least spread where one time dominates. Measured over 80 repetitions each, relative rms
    error, coverage of the 95 % interval (spectral; cepstral; integral), 8 replicas of 2000 records:
    Drude, 10 records: 9 %, 0.98; 14 %, 0.86; 13 %, 0.95. Ringing: 6 %, 0.98; 11 %, 0.84; 14 %, 0.98.
    ARMA(2, 4): 6 %, 0.98; 8 %, 0.88; 7 %, 0.94. Two times, 3 and 12 records: 15 %, 0.80; 12 %, 0.78; 10 %,
    0.81, and with 64 replicas 4.3 %, 0.94; 5.8 %, 0.69; 5.2 %, 0.60. A slow mode that the data barely
    resolve makes every estimator low (4 % here) and its error bar too small: compare two of them.
    Returns an `Estimate` in units of e^2 [J]^2 time/(area energy); diagnostics hold the estimator's own
    numbers. Warns where the record is short beside the correlation time, or a spectral fit is bad or rests
    on few points. Source: Kubo, J. Phys. Soc. Jpn. 12, 570 (1957); the estimators name theirs.

    >>> rng = np.random.default_rng(0)
    >>> white = rng.normal(size=(8, 4000)) / np.sqrt(0.1)  # sigma = g/2 = 1/2
    >>> abs(green_kubo(white, 0.1, area=1.0, temperature=1.0).z_score(0.5)) < 4
    True
    """
    x = as_series(current)
    if method not in _METHODS:
        raise ValueError(f"method must be one of {', '.join(_METHODS)}, not {method!r}.")
    if not (dt > 0 and area > 0 and temperature > 0):
        raise ValueError(f"dt = {dt}, area = {area} and temperature = {temperature} must be positive.")
    if method == "spectral":
        limit = np.pi / (2 * dt) if cutoff is None else cutoff
        result = spectral_intercept(periodogram(x, dt, steps), limit)
    elif method == "cepstral":
        result = cepstral_intercept(periodogram(x, dt, steps, subtract_mean=False), cutoff)
    else:
        result = _windowed_integral(x.reshape(-1, x.shape[-1]), dt, cutoff)
    scale = 1 / (2 * area * temperature)
    value = scale * result.pop("value")
    error = abs(value) * result["relative_error"]
    diagnostics = {"dof": result.get("dof", max(2 / result["relative_error"] ** 2, 1.0))} | result
    return Estimate(value, error, unit, "conductivity", f"Green-Kubo, {method}", _doubts(result), diagnostics)


def _windowed_integral(x: np.ndarray, dt: float, cutoff: float | None) -> dict:
    _, window, tau, relative = correlation_window(x)
    if cutoff is not None:
        window = max(1, min(round(cutoff / dt), x.shape[1] // 2 - 1))
        relative = (2 * window + 1) * 2 / x.size
    each = autocovariance(x, window + 1)
    integrals = 2 * dt * (each[:, 0] / 2 + each[:, 1:].sum(1))
    value = float(integrals.mean())
    error, dof = np.sqrt(relative), 2 / relative
    if len(x) >= 16:
        error, dof = np.std(integrals, ddof=1) / np.sqrt(len(x)) / abs(value), len(x) - 1.0
    result = {"value": value, "relative_error": float(error), "dof": float(max(dof, 1.0))}
    return result | {"cutoff": window * dt, "integrated_time": tau * dt, "short": x.shape[1] < 8 * window}


def _doubts(result: dict) -> tuple[str, ...]:
    doubts = []
    if result.get("short"):
        doubts.append("the record is shorter than about 50 correlation times: record longer")
    if result.get("deviance", 0.0) > 2.0:
        doubts.append("the spectral model misfits its own range: choose a smaller cutoff")
    if result.get("ordinates", 99) < 12:
        doubts.append("fewer than 12 ordinates lie below the spectral cut-off: record longer")
    if result["relative_error"] > 0.2:
        doubts.append("the error exceeds 20 %, where its own uncertainty is large: record more")
    return tuple(doubts)


@dataclass(frozen=True)
class Autocorrelation:
    """C(t) = <x(t) x(0)>: `time` (L,), `value` (L,), `error` (L,) one standard error, `samples` (n, L).

    The samples are the correlations of single replicas (or of blocks of them, when replicas are few) and
    carry the covariance between lags: `covariance` (L, L) of the mean.
    """

    time: np.ndarray
    value: np.ndarray
    error: np.ndarray
    samples: np.ndarray

    @property
    def covariance(self) -> np.ndarray:
        return np.atleast_2d(np.cov(self.samples.T)) / len(self.samples)


def autocorrelation(
    current, dt: float, *, max_time: float | None = None, subtract_mean: bool = False, blocks: int = 32
) -> Autocorrelation:
    """C(t) = <x(t) x(0)>, t = 0, dt, 2 dt, ..., with the error band from replicas or blocks.

    Arguments: `current` (T,), (R, T) or (R, c, T); `dt` [time] between records; `max_time` [time], default a
    tenth of the record; `subtract_mean`, the mean of all series (an equilibrium current has none);
    `blocks`: replicas fewer than this are cut into pieces to give at least that many samples, no piece
    shorter than four times max_time. Components of one replica are averaged into one sample. Records are
    interval means: C(0) is that of the means, below the instantaneous <x^2>. Raises `ValueError` for
    max_time beyond half a record.

    >>> result = autocorrelation(np.random.default_rng(0).normal(size=(40, 500)), 0.1, max_time=1.0)
    >>> result.time.shape, bool(abs(result.value[0] - 1) < 4 * result.error[0])
    ((11,), True)
    """
    x = as_series(current)
    length = x.shape[-1]
    lags = 1 + (length // 10 if max_time is None else round(max_time / dt))
    if not 2 <= lags <= length // 2:
        raise ValueError(f"max_time must lie between dt and half a record, {length // 2 * dt:g}.")
    if subtract_mean:
        x = x - x.mean()
    pieces = max(1, min(-(-blocks // len(x)), length // (4 * lags)))
    size = length // pieces
    x = x[..., : pieces * size].reshape(*x.shape[:2], pieces, size)
    samples = autocovariance(x, lags).mean(1).reshape(-1, lags)
    if len(samples) < 2:
        raise ValueError("one short record has no error band; give more replicas or a smaller max_time.")
    error = samples.std(0, ddof=1) / np.sqrt(len(samples))
    return Autocorrelation(dt * np.arange(lags), samples.mean(0), error, samples)
