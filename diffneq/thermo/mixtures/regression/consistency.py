"""Do measured vapour-liquid equilibria obey the Gibbs-Duhem equation? Area test and point test, with statistics."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from diffneq.statistics import Estimate, fit_columns
from diffneq.statistics.distributions import chi_squared_tail
from diffneq.thermo.mixtures.regression.candidates import candidate
from diffneq.thermo.mixtures.regression.fit import Fit, fit
from diffneq.thermo.mixtures.regression.measurements import VapourLiquid


class AreaTest(NamedTuple):
    """`area` = int_0^1 ln(gamma_1/gamma_2) dx_1 with its error; zero at constant T and P.

    `D` = 100 |A+ - A-|/(A+ + A-), the difference of the areas above and below zero over their sum; `J` = 150 (T_max -
    T_min)/T_min, Herington's allowance for heats of mixing at constant pressure (0 at constant T); `consistent` by his
    rule D - J < 10; `z` = area/error; `chi2`, `dof` of the polynomial for ln(gamma_1/gamma_2).
    """

    area: Estimate
    D: float
    J: float
    consistent: bool
    z: float
    chi2: float
    dof: int


class PointTest(NamedTuple):
    """y measured less y from a g^E fitted to P (or T) and x alone.

    `consistent` by Fredenslund's rule mean |dy| < 0.01; `bias` is the mean of dy with its error from the scatter;
    `chi2` = sum (dy/error_y)^2 with `p_value`; `fit` is the g^E that was used.
    """

    dy: np.ndarray
    mean_deviation: float
    bias: Estimate
    chi2: float
    p_value: float
    consistent: bool
    fit: Fit


def _log_ratio(data: VapourLiquid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(x_1, ln gamma_1/gamma_2, its standard deviation) of the points with both components and y measured."""
    x, y = np.asarray(data.x), np.asarray(data.y)
    inside = np.isfinite(y).all(axis=1) & (x > 0).all(axis=1) & (y > 0).all(axis=1)
    if inside.sum() < 5:
        raise ValueError(f"A consistency test needs y at five compositions or more, got {inside.sum()}.")
    fugacity = []
    for T, P, one in zip(data.T, data.P, data.y, strict=True):
        fugacity.append(np.asarray(data.mixture.log_phi(T, P, one) - data.mixture.pure(T, P)))
    log_gamma = np.log(y[inside] / x[inside]) + np.array(fugacity)[inside]
    error = float(data.error_y) * (1.0 / y[inside, 0] + 1.0 / y[inside, 1])
    return x[inside, 0], log_gamma[:, 0] - log_gamma[:, 1], error


def area_test(data: VapourLiquid, orders: int = 4) -> AreaTest:
    """int_0^1 ln(gamma_1/gamma_2) dx_1 = 0 at constant T and P, for a binary.

    ln(gamma_1/gamma_2) is fitted by a polynomial in x_1 - x_2 with `orders` terms, weighted by the error of y, and
    integrated exactly. Only the ratio of P_sat of the components enters besides x and y, so this test cannot see errors
    of the total pressure. Sources: O. Redlich, A. T. Kister, Ind. Eng. Chem. 40 (1948) 345; E. F. G. Herington, J.
    Inst. Petrol. 37 (1951) 457.

    Raises:
        ValueError: not a binary, or fewer than five compositions with y.
    """
    if data.x.shape[1] != 2:
        raise ValueError("area_test is for binaries.")
    x, ratio, error = _log_ratio(data)
    basis = lambda x: (2.0 * np.asarray(x)[:, None] - 1.0) ** np.arange(orders)
    polynomial = fit_columns(basis(x), ratio, error)
    whole = np.array([1.0 / (k + 1) if k % 2 == 0 else 0.0 for k in range(orders)])
    area = Estimate(float(whole @ polynomial.coefficients), float(np.sqrt(whole @ polynomial.covariance @ whole)), "",
                    "area", "weighted polynomial")  # fmt: skip
    row = np.linspace(0.0, 1.0, 2001)
    curve = basis(row) @ polynomial.coefficients
    above, below = np.trapezoid(np.maximum(curve, 0.0), row), np.trapezoid(np.maximum(-curve, 0.0), row)
    D = 100.0 * abs(above - below) / (above + below)
    T = np.asarray(data.T)
    J = 150.0 * float(np.ptp(T)) / float(T.min())
    return AreaTest(area, D, J, bool(D - J < 10.0), area.value / area.error, polynomial.chi2, polynomial.dof)


def point_test(data: VapourLiquid, orders: int = 4) -> PointTest:
    """dy = y - y*(T, P, x), with y* from a g^E (Redlich-Kister, `orders` terms) fitted without y.

    By Gibbs and Duhem P(x) at constant T determines y(x): what is left in dy is inconsistency. Sources: H. C. Van Ness,
    S. M. Byer, R. E. Gibbs, AIChE J. 19 (1973) 238; A. Fredenslund, J. Gmehling, P. Rasmussen, Vapor-Liquid
    Equilibria Using UNIFAC (Elsevier 1977).

    Raises:
        ValueError: not a binary, or fewer points than terms.
    """
    if data.x.shape[1] != 2:
        raise ValueError("point_test is for binaries.")
    without = eqx.tree_at(lambda d: d.y, data, jnp.full(data.y.shape, jnp.nan))
    best = fit(candidate("Margules", orders=orders), without)
    _, predicted = eqx.filter_jit(VapourLiquid.states)(data, best.model)
    dy = np.asarray(data.y[:, 0] - predicted[:, 0])
    inside = np.isfinite(dy) & (np.asarray(data.x) > 0).all(axis=1)
    dy = dy[inside]
    if len(dy) < 2:
        raise ValueError("point_test needs y at two compositions or more.")
    bias = Estimate(float(dy.mean()), float(dy.std(ddof=1) / np.sqrt(len(dy))), "", "bias of y_1", "scatter of dy",
                    diagnostics={"dof": len(dy) - 1})  # fmt: skip
    chi2 = float(np.sum((dy / float(data.error_y)) ** 2))
    mean = float(np.abs(dy).mean())
    return PointTest(dy, mean, bias, chi2, chi_squared_tail(chi2, len(dy)), mean < 0.01, best)
