"""The admittance from driven runs: whole periods, driven harmonics, scatter over periods and replicas."""

from dataclasses import dataclass

import numpy as np

from diffneq.response.spectra import record_factor
from diffneq.statistics import as_replicas


@dataclass(frozen=True)
class Admittance:
    """J(w) = A sigma(w) E(w), Y(w) = sigma(w) L_y/L_x, in two dimensions with A = L_x L_y.

    Fields, all (K,) unless said: `frequency` [rad/time]; `sigma`, complex conductivity; `covariance` (K, 2,
    2) of (Re sigma, Im sigma); `samples` (n, K) complex, one estimate per replica and period;
    `dof` of the covariance; `length_x`, `length_y`; `undriven_harmonics` (U,) and `undriven_chi2`
    (U,), chi^2 per degree of freedom (2) of the mean current there: 1 on average unless the response is
    nonlinear.
    """

    frequency: np.ndarray
    sigma: np.ndarray
    covariance: np.ndarray
    samples: np.ndarray
    dof: float
    length_x: float
    length_y: float
    undriven_harmonics: np.ndarray
    undriven_chi2: np.ndarray
    unit: str = ""

    @property
    def error_real(self) -> np.ndarray:
        return np.sqrt(self.covariance[:, 0, 0])

    @property
    def error_imag(self) -> np.ndarray:
        return np.sqrt(self.covariance[:, 1, 1])

    @property
    def admittance(self) -> np.ndarray:
        """Y(w) = sigma(w) L_y/L_x; its errors are those of sigma times `shape_factor`."""
        return self.sigma * self.shape_factor

    @property
    def shape_factor(self) -> float:
        return self.length_y / self.length_x


def admittance(
    current,
    dt: float,
    base_period: float,
    harmonics,
    amplitudes,
    phases,
    length_x: float,
    length_y: float,
    *,
    steps: int | None = None,
    discard_periods: int = 1,
    start: float = 0.0,
    unit: str = "",
) -> Admittance:
    """sigma(w_k) = J_k/(A E_k F(w_k)), w_k = 2 pi k/T_0, for E(t) = sum_k a_k sin(w_k t + phi_k).

    With x(t) = Re sum_k x_k e^{-i w_k t}: E_k = i a_k e^{-i phi_k}, J_k = (2/n) sum_j J_j e^{i w_k t_j} over
    the n records of a period, t_j the START of record j, and F the exact factor of averaging over a record
    (`record_factor`), so that a Drude metal gives sigma_0/(1 - i w tau).
    Arguments: `current` (T,) or (R, T), J [e length/time] averaged over intervals `dt` [time]; `base_period`
    T_0 [time], a whole number of records; `harmonics` k (K,), whole and positive; `amplitudes` a_k [force/e]
    and `phases` phi_k [rad], (K,) or (R, K); `length_x`, `length_y` [length]; `steps` s per record, given
    when a record is the mean over the ends of s steps of dt/s; `discard_periods`, the transient; `start`,
    the time at which the first record begins. Errors: scatter over replicas and periods, which must be long
    beside the correlation time; wider where replicas differ for good. Raises `ValueError` for periods that
    are not whole records, harmonics beyond the Nyquist frequency, and fewer than two samples.
    Source: Pintelon and Schoukens, System Identification: A Frequency Domain Approach (IEEE Press, 2012).

    >>> end = 0.1 * np.arange(1, 601)  # an Ohmic conductor, sigma = 2, recorded at every step of 0.1
    >>> current = 2 * np.sin(0.2 * np.pi * end) + 0.01 * np.random.default_rng(0).normal(size=600)
    >>> result = admittance(current, 0.1, 10.0, [1], [1.0], [0.0], 1.0, 1.0, steps=1)
    >>> bool(abs(result.sigma[0] - 2) < 0.01)
    True
    """
    x = as_replicas(current, "current")
    per_period, k = _check_harmonics(dt, base_period, harmonics)
    periods = x.shape[1] // per_period - discard_periods
    if periods < 1 or periods * len(x) < 2:
        raise ValueError("fewer than two whole periods remain after the transient; run longer.")
    first = discard_periods * per_period
    folded = x[:, first : first + periods * per_period].reshape(len(x), periods, per_period)
    w = 2 * np.pi * np.arange(per_period // 2) / base_period
    phasor = np.exp(1j * w * (start + first * dt))  # later periods add whole turns
    fourier = np.fft.fft(folded)[..., : per_period // 2].conj() * (2 / per_period) * phasor
    fourier[..., 1:] /= record_factor(w[1:], dt, steps)
    area = length_x * length_y
    field = 1j * np.asarray(amplitudes, float) * np.exp(-1j * np.asarray(phases, float))
    if field.shape[-1:] != k.shape or (field.ndim == 2 and len(field) != len(x)) or field.ndim > 2:
        raise ValueError(f"amplitudes and phases must have shape ({len(k)},) or ({len(x)}, {len(k)}).")
    field = np.broadcast_to(field, (len(x), len(k)))
    samples = fourier[..., k] / (area * field[:, None, :])
    excess = _excess_between_replicas(samples)
    samples = samples.reshape(-1, len(k))
    sigma, covariance = _mean_and_covariance(samples)
    covariance = covariance * excess
    quiet, chi2 = _undriven(fourier, k)
    return Admittance(w[k], sigma, covariance, samples, len(samples) - 1.0, length_x, length_y, quiet, chi2, unit)


def _check_harmonics(dt: float, base_period: float, harmonics) -> tuple[int, np.ndarray]:
    ratio = base_period / dt
    per_period = round(ratio)
    if per_period < 4 or abs(ratio - per_period) > 1e-6 * ratio:
        raise ValueError(f"base_period/dt = {ratio:.8g} must be a whole number of records; change dt.")
    k = np.atleast_1d(np.asarray(harmonics))
    if (k != np.round(k)).any() or (k < 1).any() or (k >= per_period / 2).any() or len(np.unique(k)) < len(k):
        raise ValueError(f"harmonics must be distinct whole numbers from 1 to {(per_period - 1) // 2}.")
    return per_period, k.astype(int)


def _mean_and_covariance(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (K,) and covariance (K, 2, 2) of the mean's real and imaginary parts."""
    mean = samples.mean(0)
    parts = np.stack([(samples - mean).real, (samples - mean).imag], -1)  # (n, K, 2)
    n = len(samples)
    return mean, np.einsum("nka,nkb->kab", parts, parts) / (n * (n - 1))


def _excess_between_replicas(samples: np.ndarray) -> float:
    """How much more the means of replicas vary than their periods say, (R, P, K), pooled over all frequencies; or one.

    Replicas may differ for good, by their impurities. One number for all frequencies is known far better than the
    scatter of R replicas at each; it counts only where it is three standard errors above one.
    """
    replicas, periods, count = samples.shape
    if replicas < 4 or periods < 2:
        return 1.0
    between = np.mean(np.abs(samples.mean(1) - samples.mean((0, 1))) ** 2, 0) * replicas / (replicas - 1)
    within = np.mean(np.abs(samples - samples.mean(1, keepdims=True)) ** 2, (0, 1)) / (periods - 1)
    ratio = float(np.mean(between / within))
    doubt = np.sqrt((1 / (replicas - 1) + 1 / (replicas * (periods - 1))) / count)
    return ratio if ratio > 1 + 3 * doubt else 1.0


def _undriven(fourier: np.ndarray, driven: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Harmonics up to the highest driven one that carry no drive, and chi^2/2 of the mean current there."""
    quiet = np.setdiff1d(np.arange(1, driven.max() + 1), driven)
    samples = fourier[..., quiet].reshape(fourier.shape[0] * fourier.shape[1], len(quiet))
    n = len(samples)
    power = np.mean(np.abs(samples - samples.mean(0)) ** 2, 0) / (n - 1)
    return quiet, np.abs(samples.mean(0)) ** 2 / power
