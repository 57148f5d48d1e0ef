"""The effective temperature of a driven state: its noise over its response, frequency by frequency."""

from dataclasses import dataclass

import numpy as np

from diffneq.response.admittance import Admittance
from diffneq.response.johnson_nyquist import band_noise
from diffneq.statistics import Estimate
from diffneq.statistics.distributions import chi_squared_tail


@dataclass(frozen=True)
class EffectiveTemperature:
    """T_eff(w) = g_I(w)/(2 Re Y(w)) at the driven frequencies, all (K,) unless said.

    `frequency` [rad/time]; `noise` g_I and `noise_error`; `response` Re Y and `response_error`; `temperature` and
    `error`; `chi2` of g_I - 2 k_B T Re Y at the temperature of the bath and its `p_value`; `violation`, the Estimate
    of the ratio of the two, each integrated over the frequencies: 1 when the fluctuation-dissipation relation holds.
    """

    frequency: np.ndarray
    noise: np.ndarray
    noise_error: np.ndarray
    response: np.ndarray
    response_error: np.ndarray
    temperature: np.ndarray
    error: np.ndarray
    chi2: float
    p_value: float
    violation: Estimate


def effective_temperature(
    current,
    dt: float,
    response: Admittance,
    bath_temperature: float,
    *,
    relative_width: float = 0.3,
    tapers: int = 1,
    steps: int | None = None,
) -> EffectiveTemperature:
    """k_B T_eff(w) = g_I(w)/(2 Re Y(w)): noise AND differential response of one and the same driven steady state.

    At equilibrium T_eff is the temperature of the bath at every w. Away from it nothing says that it is one number,
    or even positive.

    Arguments: `current` (T,), (R, T) or (R, c, T), J in the steady state without the probe, means over `dt` [time]
    (the mean of each record is subtracted); `response`, the `Admittance` of runs with a small probe on top of the
    same drive; `bath_temperature` k_B T [energy]; `relative_width`, `tapers`, `steps` as in `johnson_nyquist`.
    Errors: of g_I from the degrees of freedom of its band, of Re Y from the scatter of periods and replicas, which
    share no data. Raises `ValueError` as `johnson_nyquist`.
    Source: L. F. Cugliandolo, J. Kurchan, L. Peliti, Phys. Rev. E 55, 3898 (1997).

    >>> from diffneq.response import admittance
    >>> rng, t = np.random.default_rng(0), 0.1 * np.arange(1, 4001)
    >>> noise = rng.normal(size=(8, 4000))  # white current noise: g_J = 0.1
    >>> driven = 2 * np.sin(0.2 * np.pi * t) + 0.01 * noise  # conductance 2, so T_eff = 0.1/(2*2)
    >>> probe = admittance(driven, 0.1, 10.0, [1], [1.0], [0.0], 1.0, 1.0, steps=1)
    >>> found = effective_temperature(noise, 0.1, probe, bath_temperature=1.0, steps=1)
    >>> bool(abs(found.temperature[0] - 0.025) < 4 * found.error[0])
    True
    """
    x = np.asarray(current, float)
    x = x - x.mean(-1, keepdims=True)
    noise, dof = band_noise(x, dt, response.frequency, relative_width, tapers, steps)
    noise = noise / response.length_x**2
    noise_error = noise * np.sqrt(2 / dof)
    real = response.admittance.real
    doubt = response.shape_factor * response.error_real
    with np.errstate(divide="ignore", invalid="ignore"):
        temperature = noise / (2 * real)
        error = np.abs(temperature) * np.hypot(noise_error / noise, doubt / real)
    expected = 2 * bath_temperature * real
    spread = 2 * bath_temperature * doubt
    chi2 = float(np.sum((noise - expected) ** 2 / (noise_error**2 + spread**2)))
    violation = _summed(noise, noise_error, expected, spread, response.frequency)
    p_value = chi_squared_tail(chi2, len(noise))
    return EffectiveTemperature(
        response.frequency, noise, noise_error, real, doubt, temperature, error, chi2, p_value, violation
    )


def _summed(noise, noise_error, expected, spread, frequency) -> Estimate:
    """int g dw/int 2 k_B T Re Y dw over the measured range, trapezoidal: weights that do not know the data."""
    weight = np.gradient(frequency) if len(frequency) > 1 else np.ones(1)
    above, below = float(weight @ noise), float(weight @ expected)
    ratio = above / below
    relative = np.hypot(np.sqrt(weight**2 @ noise_error**2) / above, np.sqrt(weight**2 @ spread**2) / below)
    return Estimate(ratio, abs(ratio) * float(relative), "", "g_I/(2 k_B T Re Y)", "integrals over frequency")
