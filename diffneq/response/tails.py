"""The late-time tail of an autocorrelation: exponential, +a/t, or -a/t^2, judged by likelihood."""

from dataclasses import dataclass, replace

import numpy as np

from diffneq.response.green_kubo import Autocorrelation
from diffneq.statistics import Estimate


@dataclass(frozen=True)
class TailFit:
    """One model of the tail: `name`, `amplitude` (Estimate), `decay_time` of its exponential (nan for none).

    `chi2`, `log_likelihood` (of the binned data, Gaussian), `aic` = 2 parameters - 2 log_likelihood,
    `parameters`.
    """

    name: str
    amplitude: Estimate
    decay_time: float
    chi2: float
    log_likelihood: float
    aic: float
    parameters: int


@dataclass(frozen=True)
class TailComparison:
    """`fits` by name, `preferred` (least AIC); `one_over_t`, beside an exponential core, else None.

    `time`, `value`, `covariance`: the binned correlation that was fitted.
    """

    fits: dict[str, TailFit]
    preferred: str
    one_over_t: Estimate | None
    time: np.ndarray
    value: np.ndarray
    covariance: np.ndarray

    def relative_likelihood(self, name: str) -> float:
        """exp((AIC_min - AIC)/2) of a model."""
        return float(np.exp((self.fits[self.preferred].aic - self.fits[name].aic) / 2))


def compare_tails(
    acf: Autocorrelation, t_min: float, t_max: float, *, core: bool = False, bins: int | None = None
) -> TailComparison:
    """C(t) = b e^{-t/tau}, + a/t, or - a/t^2 for t_min <= t <= t_max, alone or beside an exponential core.

    Arguments: `acf` from `autocorrelation`, with many samples; `t_min`, `t_max` [time], the window; `core`
    False compares "zero", "exponential", "1/t" and "-1/t^2" (a >= 0) on a late window, True adds the latter two
    to one exponential core, "exponential + 1/t" and "exponential - 1/t^2", for windows that begin early; `bins`,
    log-spaced averages of lags (default: a quarter of the number of samples, at most 16). The covariance of
    the bins comes from the samples, shrunk towards its diagonal, and its inverse is unbiased by Hartlap's
    factor. Amplitudes are linear, decay times are scanned; `one_over_t` allows for the decay time by the
    curvature of its profile. Raises `ValueError` for fewer than 12 samples. Returns a `TailComparison`.
    Source: Alder and Wainwright, Phys. Rev. A 1, 18 (1970) for a/t in two dimensions; Ernst and Weyland,
    Phys. Lett. A 34, 39 (1971) for -a/t^2 in the Lorentz gas; Hartlap, Simon, Schneider, Astron. Astrophys.
    (2007).
    """
    inside = (acf.time >= t_min) & (acf.time <= t_max) & (acf.time > 0)
    count = len(acf.samples)
    if count < 12:
        raise ValueError(f"{count} samples cannot give a covariance; use at least 12 replicas or blocks.")
    if inside.sum() < 5:
        raise ValueError("fewer than 5 lags lie in the window; widen t_min ... t_max.")
    bins = min(16, max(5, count // 4)) if bins is None else bins
    lags = acf.time[inside]
    edges = _edges(lags, bins)

    def average(shape):  # models are averaged over the bins exactly as the data are
        return np.add.reduceat(shape, edges[:-1], axis=-1) / np.diff(edges)

    samples = average(acf.samples[:, inside])
    value = samples.mean(0)
    covariance, inverse = _inverse_covariance(samples)

    def core_shape(tau):
        return average(np.exp(-(lags - lags[0]) / tau))

    def with_core(name, shape):
        return _with_core(name, shape, core_shape, (lags[1] - lags[0], 3 * lags[-1]), value, inverse)

    tail, steep = average(1 / lags), average(-1 / lags**2)
    both = with_core("exponential + 1/t", tail) if core else None
    fits = [with_core("exponential", None)]
    if both is not None:
        fits += [both, with_core("exponential - 1/t^2", steep)]
    else:
        shapes = {"zero": [], "1/t": [tail], "-1/t^2": [steep]}
        fits += [_of_one_sign(name, shape, value, inverse) for name, shape in shapes.items()]
    fits = {fit.name: fit for fit in fits}
    preferred = min(fits, key=lambda name: fits[name].aic)
    return TailComparison(fits, preferred, both and both.amplitude, average(lags), value, covariance)


def _edges(time, bins: int):
    """First lag of each of about `bins` log-spaced bins, and the number of lags."""
    edges = np.unique(np.searchsorted(time, np.geomspace(time[0], time[-1] * (1 + 1e-9), bins + 1)))
    edges[-1] = len(time)
    return edges


def _inverse_covariance(samples):
    """Covariance of the mean, shrunk (Ledoit and Wolf 2004) towards its diagonal, and Hartlap's inverse."""
    n, d = samples.shape
    z = (samples - samples.mean(0)) / samples.std(0, ddof=1)
    correlation = z.T @ z / (n - 1)
    off = ~np.eye(d, dtype=bool)
    noise = (np.einsum("ni,nj->ij", z**2, z**2) / (n - 1) - correlation**2)[off].sum() / n
    shrink = float(np.clip(noise / np.sum(correlation[off] ** 2), 0, 1))
    correlation = np.where(off, (1 - shrink) * correlation, 1.0)
    scale = samples.std(0, ddof=1) / np.sqrt(n)
    hartlap = max((n - d - 2) / (n - 1), 0.1) * (1 - shrink) + shrink
    return correlation * np.outer(scale, scale), hartlap * np.linalg.inv(correlation) / np.outer(scale, scale)


def _linear(name, shapes, value, inverse, decay_time=np.nan, extra=0) -> TailFit:
    """Generalised least squares for the amplitudes of `shapes`; the first is the one reported."""
    amplitude = Estimate(0.0, 0.0, name=name)
    model = np.zeros_like(value)
    if shapes:
        basis = np.stack(shapes, 1)
        covariance = np.linalg.pinv(basis.T @ inverse @ basis, rcond=1e-12)
        coefficients = covariance @ basis.T @ inverse @ value
        model = basis @ coefficients
        error = np.sqrt(covariance[0, 0])
        amplitude = Estimate(coefficients[0], error, name=name, method="generalised least squares")
    residual = value - model
    chi2 = float(residual @ inverse @ residual)
    likelihood = 0.5 * (np.linalg.slogdet(inverse)[1] - len(value) * np.log(2 * np.pi) - chi2)
    parameters = len(shapes) + extra
    aic = 2 * parameters - 2 * likelihood
    return TailFit(name, amplitude, decay_time, chi2, float(likelihood), float(aic), parameters)


def _of_one_sign(name, shapes, value, inverse) -> TailFit:
    """The fit with an amplitude that is not negative."""
    fit = _linear(name, shapes, value, inverse)
    if not fit.amplitude.value < 0:
        return fit
    none = _linear(name, [], value, inverse, extra=len(shapes))
    return replace(none, amplitude=replace(fit.amplitude, value=0.0))


def _with_core(name, shape, core, tau_range, value, inverse) -> TailFit:
    """Scan of the decay time, zoomed three times; the amplitude's error allows for the decay time's.

    At the best decay time its derivative joins the linear shapes (Gauss-Newton), for the errors only.
    """

    def fit(tau, slope=False):
        shapes = [core(tau)] if shape is None else [shape, core(tau)]
        if slope:
            shapes.append((core(1.01 * tau) - core(tau / 1.01)) / 0.02)
        return _linear(name, shapes, value, inverse, float(tau), extra=0 if slope else 1)

    low, high = np.log(tau_range)
    for points in (40, 15, 15, 15):
        grid = np.exp(np.linspace(low, high, points))
        best = min((fit(tau) for tau in grid), key=lambda row: row.chi2)
        step = (high - low) / (points - 1)
        low, high = np.log(best.decay_time) - step, np.log(best.decay_time) + step
    error = fit(best.decay_time, slope=True).amplitude.error
    amplitude = Estimate(best.amplitude.value, error, name=name, method="generalised least squares")
    return replace(best, amplitude=amplitude)
