"""Combining estimates: weighted means and linear least squares with known errors."""

from dataclasses import dataclass

import numpy as np

from diffneq.statistics.distributions import chi_squared_tail
from diffneq.statistics.estimate import Estimate


def weighted_mean(estimates, name: str = "weighted mean") -> Estimate:
    """sum_i x_i/s_i^2 / sum_i 1/s_i^2 +- (sum_i 1/s_i^2)^(-1/2), for independent estimates of one quantity.

    Argument: `estimates`, a sequence of `Estimate` with positive errors. chi^2 and its p-value are in the
    diagnostics; a p-value under 1e-3 gives a warning, never a silent rescaling of the error.

    >>> print(weighted_mean([Estimate(1.0, 0.1), Estimate(1.2, 0.1)]))
    1.100(71)
    """
    value, error = np.array([[e.value, e.error] for e in estimates], float).reshape(-1, 2).T
    if len(value) == 0 or not (error > 0).all():
        raise ValueError("weighted_mean needs at least one Estimate, each with a positive error.")
    weight = error**-2.0
    best = float(weight @ value / weight.sum())
    chi2 = float(weight @ (value - best) ** 2)
    p_value = chi_squared_tail(chi2, len(value) - 1)
    warnings = ("the estimates disagree: p < 0.001",) if p_value < 1e-3 else ()
    diagnostics = {"chi2": chi2, "points": len(value), "p_value": p_value}
    error = weight.sum() ** -0.5
    return Estimate(best, error, estimates[0].unit, name, "inverse variances", warnings, diagnostics)


@dataclass(frozen=True)
class LinearFit:
    """y(x) = sum_p c_p x^p: `coefficients` (P,), `covariance` (P, P), `powers`, `chi2`, `dof`, `p_value`."""

    coefficients: np.ndarray
    covariance: np.ndarray
    powers: tuple[int, ...]
    chi2: float
    dof: int
    p_value: float

    def coefficient(self, power: int, unit: str = "") -> Estimate:
        """The coefficient of x^power with its standard error."""
        i = self.powers.index(power)
        diagnostics = {"chi2": self.chi2, "fit_dof": self.dof, "p_value": self.p_value}
        warnings = ("the fit is bad: p < 0.001",) if self.p_value < 1e-3 else ()
        error, name = np.sqrt(self.covariance[i, i]), f"x^{power}"
        return Estimate(self.coefficients[i], error, unit, name, "least squares", warnings, diagnostics)

    def __call__(self, x) -> tuple[np.ndarray, np.ndarray]:
        """The fitted curve and its standard error at x."""
        basis = np.asarray(x, float)[..., None] ** np.array(self.powers)
        return basis @ self.coefficients, np.sqrt(np.einsum("...i,ij,...j", basis, self.covariance, basis))


def fit_polynomial(x, y, error, powers=(0, 1)) -> LinearFit:
    """min_c sum_i (y_i - sum_p c_p x_i^p)^2/error_i^2: weighted linear least squares.

    Arguments: `x`, `y`, `error` (n,), error the standard error of y; `powers`, the powers of x to fit. The
    covariance is (X^T W X)^-1, from the given errors and not rescaled by chi^2. Raises `ValueError` for fewer
    points than powers.

    >>> fit = fit_polynomial([0.0, 1.0, 2.0], [1.0, 3.0, 5.0], [0.1, 0.1, 0.1])
    >>> fit.coefficients.round(6).tolist(), round(fit.chi2, 6)
    ([1.0, 2.0], 0.0)
    """
    x, y, error = np.broadcast_arrays(*(np.asarray(item, float) for item in (x, y, error)))
    if x.ndim != 1 or len(x) < len(powers):
        raise ValueError(f"fit_polynomial needs at least {len(powers)} points (x, y, error) of shape (n,).")
    return fit_columns(x[:, None] ** np.array(powers), y, error, tuple(powers))


def fit_columns(columns, y, error, powers: tuple[int, ...] = ()) -> LinearFit:
    """min_c sum_i (y_i - sum_p c_p X_ip)^2/error_i^2 for any shapes X (n, P), each a column.

    Arguments: `columns` X, `y` (n,), `error` (n,) the standard error of y; `powers`, what they are called.
    Raises `ValueError` for errors that are not positive.
    """
    columns, y, error = (np.asarray(item, float) for item in (columns, y, error))
    if not (error > 0).all():
        raise ValueError("every error must be positive; drop points without an error bar.")
    basis = columns / error[:, None]
    scale = np.linalg.norm(basis, axis=0)  # columns of very different size would be lost to the rank cut-off
    inverse = np.linalg.pinv(basis / scale) / scale[:, None]
    coefficients = inverse @ (y / error)
    chi2 = float(np.sum((y / error - basis @ coefficients) ** 2))
    dof = len(y) - columns.shape[1]
    p_value = chi_squared_tail(chi2, dof)
    return LinearFit(coefficients, inverse @ inverse.T, powers, chi2, dof, p_value)
