"""Kramers-Kronig relations and the f-sum rule as linear operators on data, so that errors propagate."""

from dataclasses import dataclass

import numpy as np

from diffneq.response.hilbert import hilbert_operator, interpolation, principal_value, tail_row, trapezoid
from diffneq.statistics import Estimate, fit_polynomial
from diffneq.statistics.distributions import chi_squared_tail

_LOWEST = 2.5  # points up to this multiple of the lowest frequency, three at least, show the curvature there


@dataclass(frozen=True)
class KramersKronig:
    """One part of sigma(w) predicted from the other: `frequency`, `predicted`, `measured`, `error`, (K,).

    `statistical` (K,) propagated from the input, `systematic` (K,) from tails and interpolation, `error`
    (K,) of the difference, all included; `chi2`, `dof`, `p_value` of the difference with its full covariance.
    """

    frequency: np.ndarray
    predicted: np.ndarray
    measured: np.ndarray
    statistical: np.ndarray
    systematic: np.ndarray
    error: np.ndarray
    chi2: float
    dof: int
    p_value: float

    @property
    def predicted_error(self) -> np.ndarray:
        """Of the prediction alone, statistical and systematic."""
        return np.hypot(self.statistical, self.systematic)


def kramers_kronig(
    frequency,
    sigma,
    covariance,
    *,
    predict: str = "imag",
    tail_power: float | None = None,
    tail_spread: float = 0.5,
) -> KramersKronig:
    """Im sigma(w) = -(1/pi) P int Re sigma(w')/(w' - w) dw', and back: Re = (1/pi) P int Im/(w' - w) dw'.

    For the time factor e^{-iwt}. The measured part is interpolated by a cubic spline in ln w, continued
    below the first point as 1/(a + b w^2) (times w for Im) where the lowest points show b at two standard
    errors, as a + b w^2 where they rise, else as a constant (Re) or as w (Im), above the last as w^-p, and
    integrated exactly on
    a fine grid: a matrix K acts on the data, and K C K^T is the statistical covariance.
    Arguments: `frequency` w (K,) [rad/time], increasing and positive, K >= 5; `sigma` (K,) complex;
    `covariance` (K, 2, 2) of (Re, Im); `predict` "imag" or "real"; `tail_power` p (default: Re 2, Im 1);
    `tail_spread`, by how much p may be off: the changes of the prediction for p -+ spread, half
    that between the two continuations below (all of it where b is not significant), and for a piecewise-
    linear interpolation are systematic errors, fully correlated.
    Raises `ValueError` for unordered frequencies. Source: Kubo, J. Phys. Soc. Jpn. 12, 570 (1957).

    >>> w = np.geomspace(0.01, 100, 60)
    >>> result = kramers_kronig(w, 1 / (1 - 1j * w), np.full((60, 2, 2), 1e-6) * np.eye(2))
    >>> bool(np.max(np.abs(result.predicted - result.measured)) < 0.01)
    True
    """
    w, sigma, covariance = _check(frequency, sigma, covariance)
    if predict not in ("imag", "real"):
        raise ValueError(f'predict must be "imag" or "real", not {predict!r}.')
    given = 0 if predict == "imag" else 1
    source, target = (sigma.real, sigma.imag) if given == 0 else (sigma.imag, sigma.real)
    power = (2.0, 1.0)[given] if tail_power is None else tail_power
    noise = np.sqrt(covariance[:, given, given])
    continued = _below(w, source, noise, given)
    change = _continuation_operator(w, given, power, continued)
    flat = hilbert_operator(w, noise, given, power)
    operator = flat + continued.sure * change
    predicted = operator @ source
    powers = (max(power - tail_spread, 0.5), power + tail_spread)
    variants = [hilbert_operator(w, noise, given, p) @ source for p in powers]
    flat = flat @ source
    tail = np.abs(np.array(variants) - flat).max(0) * np.sign(variants[1] - flat)
    linear = hilbert_operator(w, noise, given, power, spline=False) @ source - flat
    low = (1 - continued.sure / 2) * change @ source
    shifts = [tail, low]
    rough = np.diag((linear / 4) ** 2)  # a spline is at least four times better than straight lines
    statistical = operator @ np.diag(covariance[:, given, given]) @ operator.T
    mixed = operator @ np.diag(covariance[:, 0, 1])
    total = statistical + np.diag(covariance[:, 1 - given, 1 - given]) - mixed - mixed.T
    systematic = rough + sum(np.outer(shift, shift) for shift in shifts)
    difference = target - predicted
    chi2 = float(difference @ np.linalg.solve(total + systematic, difference))
    known, guessed, error = (np.sqrt(np.diag(m)) for m in (statistical, systematic, total + systematic))
    p_value = chi_squared_tail(chi2, len(w))
    return KramersKronig(w, predicted, target, known, guessed, error, chi2, len(w), p_value)


def f_sum_rule(
    frequency, real_sigma, error, *, tail_power: float = 2.0, tail_spread: float = 0.5, unit: str = ""
) -> Estimate:
    """int_{-inf}^{inf} (dw/pi) Re sigma(w), to be compared with n e^2/m.

    Arguments as `kramers_kronig`, `real_sigma` and `error` (K,). The error contains the statistical error,
    the change for tails w^-(p -+ spread), that for straight lines instead of the spline and half that of the
    continuation below against a constant; warns where a part beyond the range is over 5 %. Diagnostics carry
    "statistical", "tail" and "below" (beyond the measured range), "tail_systematic", "below_systematic",
    "interpolation".
    Source: Kubo (1957); out of equilibrium Shimizu and Yuge, J. Phys. Soc. Jpn. 79, 013002 (2010).

    >>> w = np.geomspace(0.01, 100, 60)
    >>> abs(f_sum_rule(w, 1 / (1 + w**2), np.full(60, 1e-4)).value - 1) < 2e-3
    True
    """
    w, value, error = (np.asarray(item, float) for item in (frequency, real_sigma, error))
    w, value, _ = _check(w, value, np.ones((len(w), 2, 2)))
    continued = _below(w, value, error, 0)
    fine, flat = interpolation(w, tail_power)
    _, curved = interpolation(w, tail_power, slope_below=continued.slope)
    spline = curved if continued.sure else flat
    weight = 2 / np.pi * trapezoid(fine) @ spline
    beyond = 2 / np.pi * w[-1] * tail_row(w, error, tail_power) / (tail_power - 1)
    tail = float(beyond @ value)
    mean_shape = float(trapezoid(continued.x) @ continued.shape) / w[0]
    weight[0] += 2 / np.pi * w[0] * (mean_shape if continued.sure else 1.0)
    below = 2 / np.pi * w[0] * value[0] * (mean_shape if continued.sure else 1.0)
    change = w[0] * (mean_shape - 1) * value[0] + trapezoid(fine) @ (curved - flat) @ value
    below_error = abs(2 / np.pi * float(change)) * (1 - continued.sure / 2)
    weight += beyond
    total = float(weight @ value)
    _, straight = interpolation(w, tail_power, spline=False)
    rough = abs(2 / np.pi * float(trapezoid(fine) @ (straight - flat) @ value)) / 4
    others = np.array([max(tail_power - tail_spread - 1, 0.1), tail_power + tail_spread - 1])
    tail_error = float(np.max(np.abs(tail * ((tail_power - 1) / others - 1))))
    statistical = float(np.sqrt(weight**2 @ error**2))
    whole = float(np.sqrt(statistical**2 + tail_error**2 + rough**2 + below_error**2))
    diagnostics = {"statistical": statistical, "tail": tail, "below": below}
    diagnostics |= {"tail_systematic": tail_error, "interpolation": rough, "below_systematic": below_error}
    parts = {"the tail beyond the last frequency": tail, "the part below the lowest frequency": below}
    warnings = tuple(f"{part} carries over 5 %" for part, x in parts.items() if abs(x) > 0.05 * abs(total))
    return Estimate(total, whole, unit, "f-sum", "spline in log w and power-law tail", warnings, diagnostics)


@dataclass(frozen=True)
class _Below:
    """f(w) = f(w_1) shape(w/w_1) on the grid `x` from 0 to w_1; `slope` d ln f/d ln w at w_1; `sure` of it."""

    x: np.ndarray
    shape: np.ndarray
    slope: float
    sure: bool


def _below(w, source, error, given: int) -> _Below:
    """The continuation of y = source/w^given that the lowest points show: 1/(a + b w^2), or a + b w^2.

    The first, exact for a Drude metal, where y falls and both a and b are known to two standard errors; the
    second, with a >= 0 and at most twice the first point, otherwise. `sure` is whether b is significant.
    """
    x = w[0] * np.linspace(0, 1, 65)
    use = slice(0, max(3, int(np.searchsorted(w, _LOWEST * w[0]))))
    v, y = (w[use] / w[0]) ** 2, source[use] / w[use] ** given
    y, doubt = y * np.sign(y[0]), error[use] / w[use] ** given
    doubt = np.maximum(doubt, 1e-6 * np.abs(y).max() + 1e-300)
    sure = False
    line = fit_polynomial(v, y, doubt)
    a, b = line.coefficients
    if b < -2 * np.sqrt(line.covariance[1, 1]) and (y > 3 * doubt).all():
        inverse = fit_polynomial(v, 1 / y, doubt / y**2)
        known = inverse.coefficients > 2 * np.sqrt(np.diag(inverse.covariance))
        if known.all():
            p, q = inverse.coefficients
            shape, slope, sure = (p + q) / (p + q * (x / w[0]) ** 2), -2 * q / (p + q), True
    if not sure:
        sure = bool(b > 2 * np.sqrt(line.covariance[1, 1]))
        at_first = a + b
        start = min(max(a / at_first, 0.0), 2.0) if at_first > 0 else 1.0
        shape, slope = start + (1 - start) * (x / w[0]) ** 2, 2 * (1 - start)
    return _Below(x, shape * (x / w[0]) ** given, slope + given, sure)


def _continuation_operator(w, given: int, power: float, continued: _Below) -> np.ndarray:
    """By how much the continuation and its slope at the first point change `hilbert_operator`."""
    fine, flat = interpolation(w, power, slope_below=float(given))
    _, curved = interpolation(w, power, slope_below=continued.slope)
    rows = np.zeros((len(continued.x), len(w)))
    rows[:, 0] = continued.shape - (continued.x / w[0]) ** given
    sign = -1 if given == 0 else 1
    kernels = [principal_value(x, w) + sign * principal_value(x, -w) for x in (continued.x, fine)]
    return sign * (kernels[0] @ rows + kernels[1] @ (curved - flat)) / np.pi


def _check(frequency, sigma, covariance):
    w, sigma, covariance = np.asarray(frequency, float), np.asarray(sigma), np.asarray(covariance, float)
    if w.ndim != 1 or len(w) < 5 or w[0] <= 0 or (np.diff(w) <= 0).any():
        raise ValueError("frequency must be (K,), K >= 5, positive and increasing; sort it first.")
    if sigma.shape != w.shape or covariance.shape != (len(w), 2, 2):
        raise ValueError(f"sigma must have shape ({len(w)},) and covariance ({len(w)}, 2, 2).")
    return w, sigma, covariance
