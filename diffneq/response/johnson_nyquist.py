"""Johnson-Nyquist: the noise of undriven runs against the dissipation of driven ones."""

from dataclasses import dataclass

import numpy as np

from diffneq.response.admittance import Admittance
from diffneq.response.spectra import Spectrum, spectral_intensity
from diffneq.statistics import Estimate
from diffneq.statistics.distributions import chi_squared_tail

_ITERATIONS = 12  # of weights and ratio: each gains a digit


@dataclass(frozen=True)
class JohnsonNyquist:
    """g_I(w) = 2 k_B T Re Y(w) at the driven frequencies, all (K,) unless said.

    `frequency` [rad/time]; `noise` g_I and `noise_error`; `dissipation` 2 k_B T Re Y and `dissipation_error`;
    `chi2` (sum), `dof` (K), `p_value`, and `ratio`, the Estimate of g_I/(2 k_B T Re Y), 1 when the relation
    holds.
    """

    frequency: np.ndarray
    noise: np.ndarray
    noise_error: np.ndarray
    dissipation: np.ndarray
    dissipation_error: np.ndarray
    chi2: float
    dof: int
    p_value: float
    ratio: Estimate

    @property
    def chi2_per_frequency(self) -> float:
        return self.chi2 / self.dof


def johnson_nyquist(
    current,
    dt: float,
    response: Admittance,
    temperature: float,
    *,
    relative_width: float = 0.2,
    tapers: int = 1,
    steps: int | None = None,
) -> JohnsonNyquist:
    """g_I(w) = int <dI(t) dI(0)> e^{iwt} dt = 2 k_B T Re Y(w), I = J/L_x, Y = sigma L_y/L_x.

    Arguments: `current` (T,), (R, T) or (R, c, T) for c equivalent components, J of UNDRIVEN runs, interval means
    over `dt` [time]; `response`, the
    `Admittance` of driven runs; `temperature` k_B T [energy]; `relative_width`, full width of the band around
    each driven frequency over that frequency (narrowed where bands would overlap); `tapers` and `steps` as in
    `spectral_intensity`. A band is symmetric, so a slope of g drops out; its curvature is corrected with a
    parabola in ln w. chi^2 uses the variance 2 (2 k_B T Re Y)^2/dof of the noise and that of Re Y. The
    ratio has errors in both: the weighted sum of g over that of 2 k_B T Re Y, with weights that do not know
    which of the two came out large; NaN where Re Y is known to 30 % nowhere. Raises `ValueError` for a record
    too short to resolve the lowest driven
    frequency. Source: Nyquist, Phys. Rev. 32, 110 (1928); Callen and Welton, Phys. Rev. 83, 34 (1951).
    """
    w = response.frequency
    noise, dof = band_noise(current, dt, w, relative_width, tapers, steps)
    noise = noise / response.length_x**2
    dissipation = 2 * temperature * response.admittance.real
    doubt = 2 * temperature * response.shape_factor * response.error_real
    expected = np.maximum(dissipation, 0.0)
    pooled = np.where(doubt < 0.3 * np.abs(dissipation), expected, noise)
    noise_error = pooled * np.sqrt(2 / dof)
    chi2 = float(np.sum((noise - dissipation) ** 2 / (noise_error**2 + doubt**2)))
    ratio = _ratio(noise, dof, dissipation, doubt)
    return JohnsonNyquist(
        w, noise, noise_error, dissipation, doubt, chi2, len(w), chi_squared_tail(chi2, len(w)), ratio
    )


def band_noise(current, dt: float, frequency, relative_width: float, tapers: int, steps: int | None):
    """g_J at the given frequencies, from bands around them, and its degrees of freedom, (K,) each.

    Arguments as `johnson_nyquist`; `current` has zero mean, known or subtracted.
    """
    spectrum = spectral_intensity(current, dt, tapers=tapers, steps=steps, subtract_mean=False)
    w = np.asarray(frequency, float)
    order = np.argsort(w)
    half = _half_widths(w[order], relative_width)[np.argsort(order)]
    half = np.maximum(half, 0.51 * np.diff(spectrum.frequency)[0])
    if (w - half < spectrum.frequency[0] - 1e-9 * w).any() or (w + half > spectrum.frequency[-1]).any():
        raise ValueError("the record of the noise does not resolve every driven frequency; record longer.")
    bands = [spectrum.bands([a - b, a + b]) for a, b in zip(w, half, strict=True)]
    straight = [_flattening(spectrum, a, b) for a, b in zip(w, half, strict=True)]
    noise = np.array([band.intensity[0] for band in bands]) * straight
    return noise, np.array([band.dof[0] for band in bands])


def _half_widths(w: np.ndarray, relative: float) -> np.ndarray:
    """Half the band, at most half the distance to the nearest other driven frequency."""
    gap = np.diff(w, prepend=-np.inf, append=np.inf)
    return np.minimum(relative * w / 2, np.minimum(gap[:-1], gap[1:]) / 2)


def _flattening(spectrum: Spectrum, centre: float, half: float) -> float:
    """s(w)/(mean of s over the band), s a parabola for ln g against ln w from half to twice the frequency.

    For g ~ w^-2 a band of 20 % reads 1 % high; the parabola needs to be right to a tenth only.
    """
    wide = spectrum.bands(np.geomspace(centre / 2, 2 * centre, 9))
    if len(wide.frequency) < 5:
        return 1.0
    x = np.log(wide.frequency / centre)
    shape = np.polynomial.Polynomial.fit(x, np.log(wide.intensity), 2, w=np.sqrt(wide.dof))
    inside = spectrum.frequency[(spectrum.frequency >= centre - half) & (spectrum.frequency < centre + half)]
    return float(np.exp(shape(0.0)) / np.exp(shape(np.log(inside / centre))).mean())


def _ratio(noise, dof, dissipation, doubt) -> Estimate:
    """r such that sum_k w_k (n_k - r d_k) = 0, w = m/(v + r^2 s^2), m the best common value, v = 2 (r m)^2/dof.

    m = (d/s^2 + r n/v)/(1/s^2 + r^2/v) is uncorrelated with n - r d, so that no weight favours a dissipation
    that came out large, nor a noise that came out small. The bias of 1/sum w d is taken off.
    """
    name = "g_I/(2 k_B T Re Y)"
    if not (doubt < 0.3 * np.maximum(noise, np.abs(dissipation))).any():
        return Estimate(np.nan, np.inf, name=name, warnings=("no driven frequency is known to 30 %",))
    ratio, common = 1.0, noise
    for _ in range(_ITERATIONS):
        spread = 2 * (ratio * common) ** 2 / dof
        common = (dissipation * spread + ratio * noise * doubt**2) / (spread + (ratio * doubt) ** 2)
        common = np.maximum(common, 0.05 * noise / ratio)
        weight = common / (2 * (ratio * common) ** 2 / dof + (ratio * doubt) ** 2)
        if weight @ dissipation <= 3 * np.sqrt(weight**2 @ doubt**2):
            return Estimate(np.nan, np.inf, name=name, warnings=("the dissipation is not seen at 3 sigma",))
        ratio = float(weight @ noise / (weight @ dissipation))
    bias = float(weight**2 @ doubt**2 / (weight @ dissipation) ** 2)
    error = float(weight @ common) ** -0.5
    diagnostics = {"frequencies": int((doubt < 0.3 * common).sum()), "bias": bias}
    return Estimate(ratio * (1 - bias), error, "", name, "errors in both, optimal weights", (), diagnostics)
