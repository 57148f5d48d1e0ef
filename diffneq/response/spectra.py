"""Power spectra of recorded currents: periodograms, sine multitapers, bands, and what averaging did to them.

Everywhere in `diffneq.response` a record is the MEAN of the signal over an interval of length `dt`, one
array of shape (T,), (R, T) for R replicas, or (R, c, T) for c equivalent components (x and y of an isotropic
current).
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Spectrum:
    """g(w) = int <dx(t) dx(0)> e^{iwt} dt, two-sided, at positive angular frequencies.

    Fields: `frequency` [rad/time], `intensity` [signal^2 time], `error` (one standard error, intensity
    sqrt(2/dof)), `dof` (n,) equivalent degrees of freedom, `resolution` [rad/time] half-width of the tapers,
    `tapers` K, `series` number of independent series behind each ordinate.
    """

    frequency: np.ndarray
    intensity: np.ndarray
    dof: np.ndarray
    resolution: float
    tapers: int
    series: int

    @property
    def error(self) -> np.ndarray:
        return self.intensity * np.sqrt(2 / self.dof)

    def bands(self, edges) -> "Spectrum":
        """Means over the bands [edges[i], edges[i + 1]) [rad/time]; empty bands are left out.

        The degrees of freedom allow for the overlap of tapers at neighbouring frequencies, for g flat in a
        band.
        """
        index = np.searchsorted(self.frequency, np.asarray(edges, float))
        pairs = [(a, b) for a, b in pairwise(index) if b > a]
        means = [(self.frequency[a:b].mean(), self.intensity[a:b].mean()) for a, b in pairs]
        dof = np.array([self.series * band_dof(b - a, self.tapers) for a, b in pairs])
        frequency, intensity = np.array(means).reshape(-1, 2).T
        return Spectrum(frequency, intensity, dof, self.resolution, self.tapers, self.series)

    def log_bands(self, per_decade: int = 10) -> "Spectrum":
        """Means over bands evenly spaced in log w: for pictures."""
        low, high = np.log10(self.frequency[self.frequency > 0][[0, -1]])
        edges = 10 ** np.arange(low - 1e-9, high + 1 / per_decade, 1 / per_decade)
        return self.bands(edges)


def as_series(current) -> np.ndarray:
    """float64 (R, c, T) from (T,), (R, T) or (R, c, T); `ValueError` for other shapes and bad data."""
    x = np.asarray(current, dtype=np.float64)
    x = x[None, None] if x.ndim == 1 else x[:, None] if x.ndim == 2 else x
    if x.ndim != 3 or x.shape[-1] < 16 or x.size == 0:
        shape = np.shape(current)
        raise ValueError(f"a current has shape (T,), (R, T) or (R, c, T) with T >= 16 records, not {shape}.")
    if not np.isfinite(x).all():
        raise ValueError("the current contains NaN or infinity; keep the good replicas, result.status == 0.")
    return x


def record_factor(frequency, dt: float, steps: int | None = None) -> np.ndarray:
    """F(w) = (1/dt) int_0^dt e^{-iwt} dt: what averaging over an interval does to e^{-iwt} at its start.

    With `steps` = s, records are means over the s step ends h, 2h, ..., s h = dt, and
    F(w) = e^{-iw(s + 1)h/2} sin(w dt/2)/(s sin(w h/2)). Arguments: `frequency` [rad/time], `dt` [time].

    >>> complex(record_factor(0.0, 0.1)), bool(abs(record_factor(2.0, 0.5)) < 1)
    ((1+0j), True)
    """
    w = np.asarray(frequency, float)
    if steps is None:
        return np.exp(-0.5j * w * dt) * np.sinc(w * dt / (2 * np.pi))
    h = dt / steps
    return np.exp(-0.5j * w * (dt + h)) * np.sinc(w * dt / (2 * np.pi)) / np.sinc(w * h / (2 * np.pi))


def periodogram(current, dt: float, steps: int | None = None, subtract_mean: bool = True) -> Spectrum:
    """I(w_k) = (dt/T) |sum_j x_j e^{iw_k j dt}|^2/|F(w_k)|^2, w_k = 2 pi k/(T dt), averaged over all series.

    Each ordinate is g/(2M) times a chi-squared variable with 2M degrees of freedom (M at the Nyquist
    frequency), M = R c; k = 0 is left out when the mean is subtracted and kept, with M, when it is known to
    be zero. Arguments as `spectral_intensity`. Source: Priestley, Spectral Analysis and Time Series (1981).
    """
    x = as_series(current)
    if subtract_mean:
        x = x - x.mean(-1, keepdims=True)
    length = x.shape[-1]
    power = (np.abs(np.fft.rfft(x)) ** 2).mean((0, 1)) * dt / length
    frequency = 2 * np.pi * np.fft.rfftfreq(length, dt)
    power = power / np.abs(record_factor(frequency, dt, steps)) ** 2
    series = x.shape[0] * x.shape[1]
    dof = np.full(len(power), 2.0 * series)
    dof[0] = series
    if length % 2 == 0:
        dof[-1] = series
    keep = slice(1 if subtract_mean else 0, None)
    return Spectrum(frequency[keep], power[keep], dof[keep], 2 * np.pi / (length * dt), 0, series)


def spectral_intensity(
    current,
    dt: float,
    *,
    tapers: int = 5,
    segment: int | None = None,
    steps: int | None = None,
    subtract_mean: bool = True,
) -> Spectrum:
    """g(w) = int <dx(t) dx(0)> e^{iwt} dt by sine multitapers, v_k(j) = sqrt(2/(n + 1)) sin(pi k j/(n + 1)).

    Arguments: `current` (T,), (R, T) or (R, c, T), interval means; `dt` [time] between records; `tapers` K,
    so that an ordinate has 2 K M degrees of freedom and half-width (K + 1) pi/(n dt); `segment` n, records
    per segment (default: the whole record), M = R c floor(T/n); `steps` per record, see `record_factor`;
    `subtract_mean`, per replica. The averaging is divided out, g = g_records/sinc^2(w dt/2). What folds back
    from above pi/dt is not: at small w it is suppressed by the same sinc^2 and is of order (w dt/2 pi)^2 of
    the true intensity there; trust w dt < 1. Frequencies below the half-width are left out.
    Source: Riedel and Sidorenko, IEEE Trans. Signal Process. 43, 188 (1995).

    >>> white = np.random.default_rng(0).normal(size=(4, 1024))
    >>> band = spectral_intensity(white, 0.1).bands([1.0, 2.0])
    >>> bool(abs(band.intensity[0] - 0.1) < 4 * band.error[0])
    True
    """
    x = as_series(current)
    n = x.shape[-1] if segment is None else int(segment)
    if not 16 <= n <= x.shape[-1] or not 1 <= tapers <= n // 4:
        raise ValueError(f"segment = {n} must lie in 16 ... {x.shape[-1]}, tapers in 1 ... segment/4.")
    if subtract_mean:
        x = x - x.mean(-1, keepdims=True)
    x = x[..., : x.shape[-1] // n * n].reshape(-1, n)
    j = np.arange(1, n + 1)
    power = np.zeros(n // 2 + 1)
    for k in range(1, tapers + 1):
        taper = np.sqrt(2 / (n + 1)) * np.sin(np.pi * k * j / (n + 1))
        power += (np.abs(np.fft.rfft(x * taper)) ** 2).mean(0) * dt / tapers
    frequency = 2 * np.pi * np.fft.rfftfreq(n, dt)
    resolution = (tapers + 1) * np.pi / (n * dt)
    keep = (frequency >= resolution) & (frequency < np.pi / dt)
    power = power / np.abs(record_factor(frequency, dt, steps)) ** 2
    dof = np.full(keep.sum(), len(x) * band_dof(1, tapers))
    return Spectrum(frequency[keep], power[keep], dof, resolution, tapers, len(x))


@lru_cache(maxsize=4096)
def band_dof(bins: int, tapers: int) -> float:
    """2 (n K)^2/sum |<v_k e_i, v_l e_j>|^2: degrees of freedom of a mean over n DFT bins and K sine tapers.

    K = 0 stands for no taper (independent bins). The overlaps are the continuum integrals
    int_0^1 2 sin(pi k s) sin(pi l s) e^{2 pi i m s} ds, exact for long segments.
    """
    if tapers == 0:
        return 2.0 * bins
    k = np.arange(1, tapers + 1)
    total = 0.0
    for m in range(min(bins, tapers + 200)):
        overlap = _cosine(m, k[:, None] - k) - _cosine(m, k[:, None] + k)
        total += (1 if m == 0 else 2) * (bins - m) * float(np.sum(np.abs(overlap) ** 2))
    return 2 * (bins * tapers) ** 2 / total


def _cosine(m: int, q: np.ndarray) -> np.ndarray:
    """int_0^1 cos(pi q s) e^{2 pi i m s} ds."""
    return (_exponential(2 * m + q) + _exponential(2 * m - q)) / 2


def _exponential(p: np.ndarray) -> np.ndarray:
    """int_0^1 e^{i pi p s} ds for whole p."""
    odd = p % 2 != 0
    return np.where(odd, 2j / (np.pi * np.where(odd, p, 1)), (p == 0) + 0j)
