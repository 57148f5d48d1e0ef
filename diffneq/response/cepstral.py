"""The zero-frequency intensity from the cosine transform of the log-periodogram."""

import numpy as np

from diffneq.response.spectra import Spectrum
from diffneq.statistics.distributions import digamma, trigamma


def cepstral_error(series: float, points: int, coefficients: int) -> float:
    """std(ln g_0) = sqrt(psi'(l) (4 P - 2)/N), the relative error of a cepstral estimate.

    Arguments: l `series`, N = `points` = 2 (number of periodogram ordinates - 1), P `coefficients` kept.
    Source: Ercole, Marcolongo, Baroni, Sci. Rep. 7, 15835 (2017).

    >>> round(cepstral_error(3, 5554, 34), 5), round(cepstral_error(2, 2856, 4), 5)
    (0.09761, 0.05623)
    """
    return float(np.sqrt(trigamma(series) * (4 * coefficients - 2) / points))


def automatic_cutoff(spectrum: Spectrum) -> float:
    """w*: where the intensity, in bands of a fifth of a decade, first falls below a tenth of its maximum."""
    bands = spectrum.log_bands(5)
    solid = bands.dof >= 40
    frequency, intensity = bands.frequency[solid], bands.intensity[solid]
    if len(intensity) < 2:
        return float(spectrum.frequency[-1])
    peak = int(np.argmax(intensity))
    below = np.flatnonzero(intensity[peak:] < intensity[peak] / 10)
    return float(frequency[peak + below[0]] if len(below) else spectrum.frequency[-1])


def cepstral_intercept(spectrum: Spectrum, cutoff: float | None = None) -> dict:
    """ln g_0 = c_0 + 2 sum_{n=1}^{P-1} c_n, c_n the cosine transform of ln I(w_k) - psi(l) + ln l on [0, w*].

    Arguments: `spectrum` from `periodogram(..., subtract_mean=False)` (k = 0 included), `cutoff` w*
    [rad/time] (default `automatic_cutoff`); P minimises Akaike's sum_{n>=P} c_n^2/var + 2 P, var =
    psi'(l)/N. Returns a dict: "value" g_0, "relative_error", "cutoff", "coefficients" P, "points" N.
    Source: Ercole, Marcolongo, Baroni, Sci. Rep. 7, 15835 (2017).
    """
    cutoff = automatic_cutoff(spectrum) if cutoff is None else cutoff
    count = max(17, int(np.searchsorted(spectrum.frequency, cutoff)))
    power, shape = spectrum.intensity[:count], spectrum.dof[:count] / 2
    half = shape.copy()
    half[-1] = spectrum.series if count < len(spectrum.intensity) else half[-1]
    logs = np.log(power) - digamma(half) + np.log(half)
    points = 2 * (len(logs) - 1)
    cepstrum = np.fft.irfft(logs, points)[: len(logs)]  # even extension: a type-I cosine transform
    variance = trigamma(spectrum.series) / points
    left_out = np.append(np.cumsum(cepstrum[::-1] ** 2)[::-1], 0.0)[1:]  # n >= P for P = 1, 2, ...
    tail = left_out / variance
    kept = 1 + int(np.argmin(tail + 2 * (np.arange(len(tail)) + 1)))
    log_value = cepstrum[0] + 2 * cepstrum[1:kept].sum()
    error = cepstral_error(spectrum.series, points, kept)
    edge = float(spectrum.frequency[count - 1])
    value = float(np.exp(log_value))
    return {"value": value, "relative_error": error, "cutoff": edge, "coefficients": kept, "points": points}
