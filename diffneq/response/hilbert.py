"""Interpolation and principal-value integrals of measured points, as matrices that act on their values."""

from itertools import pairwise

import numpy as np

_FINE = 32  # sub-intervals between measured frequencies: the integrand is linear in w on each
_TAIL = np.geomspace(1, 1e4, 400)[1:]  # continuation above the last frequency, in its units


def hilbert_operator(w, error, given: int, power: float, *, spline: bool = True):
    """The matrix K: Im = K Re, Im(w) = -(1/pi) P int Re/(w' - w) dw' (given = 0), or Re = K Im (given = 1).

    The integrand is even (Re) or odd (Im) in w, linear between the points of a fine grid, so that
    P int f/(w' - w) dw' = [f ln|w' - w|] - sum_i f'_i [(w' - w) ln|w' - w| - (w' - w)]_i exactly.
    """
    fine, values = interpolation(w, power, slope_below=float(given), spline=spline)
    below = w[0] * np.array([0.0, 0.25, 0.5, 0.75])
    lower = np.zeros((len(below), len(w)))
    lower[:, 0] = (below / w[0]) ** given
    upper = np.zeros((len(_TAIL), len(w)))
    upper[:] = _TAIL[:, None] ** -power * tail_row(w, error, power)
    x = np.concatenate([below, fine, w[-1] * _TAIL])
    values = np.concatenate([lower, values, upper])
    if given == 0:
        return -(principal_value(x, w) - principal_value(x, -w)) @ values / np.pi
    return (principal_value(x, w) + principal_value(x, -w)) @ values / np.pi


def tail_row(w, error, power: float) -> np.ndarray:
    """c such that c @ x is the best value at the last frequency of a tail x ~ w^-power.

    Weighted least squares over the last factor of four in frequency: the last point alone is often noise.
    """
    shape = np.where(w >= w[-1] / 4, (w / w[-1]) ** -power, 0.0)
    weight = shape / np.maximum(error, 1e-12 * error.max() + 1e-300) ** 2
    return weight / (weight @ shape)


def principal_value(x, w) -> np.ndarray:
    """Rows: P int_{x_0}^{x_n} f(x')/(x' - w) dx' from the values of the piecewise linear f at x."""
    gap = x - w[:, None]
    log = np.log(np.maximum(np.abs(gap), 1e-300))
    slopes = np.diff(gap * log - gap, axis=1) / np.diff(x)
    rows = np.zeros(gap.shape)
    rows[:, 1:] -= slopes
    rows[:, :-1] += slopes
    rows[:, -1] += log[:, -1]
    rows[:, 0] -= log[:, 0]
    return rows


def interpolation(w, power: float, slope_below: float = 0.0, spline: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Fine grid and the matrix from values at w to values there: a cubic spline in ln w, given end slopes.

    Below the first point the signal goes as w^slope_below, above the last as w^-power: with end slopes
    slope_below x_1 and -power x_K the spline stays linear in the data.
    """
    u, count = np.log(w), len(w)
    pieces = [np.linspace(a, b, _FINE, endpoint=False) for a, b in pairwise(u)]
    fine = np.concatenate([*pieces, u[-1:]])
    i = np.clip(np.searchsorted(u, fine, "right") - 1, 0, count - 2)
    h = np.diff(u)
    s = (fine - u[i]) / h[i]
    unit = np.eye(count)
    if not spline:
        return np.exp(fine), (1 - s)[:, None] * unit[i] + s[:, None] * unit[i + 1]
    # slopes D x of the C2 spline: tridiagonal conditions inside, given slopes at the ends
    left, right = np.zeros((count, count)), np.zeros((count, count))
    left[0, 0] = left[-1, -1] = 1
    right[0, 0], right[-1, -1] = slope_below, -power
    for j in range(1, count - 1):
        left[j, j - 1 : j + 2] = 1 / h[j - 1], 2 / h[j - 1] + 2 / h[j], 1 / h[j]
        right[j, j - 1 : j + 2] = -3 / h[j - 1] ** 2, 3 / h[j - 1] ** 2 - 3 / h[j] ** 2, 3 / h[j] ** 2
    slope = np.linalg.solve(left, right)
    s, h = s[:, None], h[i][:, None]
    value = (1 + 2 * s) * (1 - s) ** 2 * unit[i] + s**2 * (3 - 2 * s) * unit[i + 1]
    value += h * s * (1 - s) ** 2 * slope[i] - h * s**2 * (1 - s) * slope[i + 1]
    return np.exp(fine), value


def trapezoid(x: np.ndarray) -> np.ndarray:
    """Weights of the trapezoidal rule on the points x."""
    weight = np.zeros(len(x))
    weight[:-1] += np.diff(x) / 2
    weight[1:] += np.diff(x) / 2
    return weight
