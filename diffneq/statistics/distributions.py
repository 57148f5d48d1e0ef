"""Four special functions of statistics, so that the ground floor needs NumPy only.

digamma and trigamma set the bias and the variance of the logarithm of a chi-squared variable; the Student
quantile sets the half-width of a confidence interval; the chi-squared tail says how bad a fit is.
"""

from functools import lru_cache
from math import cos, exp, lgamma, log, pi, sqrt, tan
from statistics import NormalDist

import numpy as np

_NODES = np.polynomial.legendre.leggauss(64)


def digamma(x):
    """psi(x) = d ln Gamma(x)/dx for x > 0, to 1e-12: recurrence up to x >= 8, then the asymptotic series."""
    x = np.asarray(x, float)
    shift = np.zeros_like(x)
    for _ in range(8):
        small = x < 8
        shift = shift - np.where(small, 1 / x, 0.0)
        x = np.where(small, x + 1, x)
    y = 1 / x**2
    series = y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y * (1 / 132 - y * 691 / 32760)))))
    return (np.log(x) - 0.5 / x - series + shift)[()]


def trigamma(x):
    """psi'(x) = d^2 ln Gamma(x)/dx^2 for x > 0, to 1e-12, by the same route as `digamma`."""
    x = np.asarray(x, float)
    shift = np.zeros_like(x)
    for _ in range(8):
        small = x < 8
        shift = shift + np.where(small, 1 / x**2, 0.0)
        x = np.where(small, x + 1, x)
    y = 1 / x**2
    series = 1 / 6 - y * (1 / 30 - y * (1 / 42 - y * (1 / 30 - y * (5 / 66 - y * 691 / 2730))))
    return (1 / x + y / 2 + y / x * series + shift)[()]


@lru_cache(maxsize=4096)
def student_quantile(level: float, dof: float) -> float:
    """t such that P(|T| < t) = level for Student's T with `dof` degrees of freedom (not necessarily whole).

    With T = sqrt(dof) tan(theta) the density is proportional to cos(theta)^(dof - 1) on a finite interval,
    which Gauss-Legendre quadrature integrates without a special function; beyond 2000 the normal law is exact
    to four digits.
    """
    if not 0 < level < 1:
        raise ValueError(f"a confidence level lies between 0 and 1, not {level}; for 95 % write 0.95.")
    if not dof > 0:
        raise ValueError(f"degrees of freedom must be positive, not {dof}; record more blocks or replicas.")
    if dof > 2000:
        return NormalDist().inv_cdf(0.5 + level / 2)
    node, weight = _NODES
    norm = 2 * exp(lgamma((dof + 1) / 2) - lgamma(dof / 2)) / sqrt(pi)
    theta = 0.0
    for _ in range(100):  # the probability is concave in theta, so Newton's steps from 0 never overshoot
        cosines = np.cos(theta / 2 * (node + 1)) ** (dof - 1)
        step = (level - norm * theta / 2 * float(weight @ cosines)) / (norm * cos(theta) ** (dof - 1))
        theta += step
        if abs(step) < 1e-13:
            break
    return sqrt(dof) * tan(theta)


def chi_squared_tail(chi2: float, dof: float) -> float:
    """P(X > chi2) for X chi-squared with `dof` degrees of freedom: the p-value of a fit.

    Series for the lower incomplete gamma function below its mean, Lentz continued fraction above.
    """
    a, x = dof / 2, chi2 / 2
    if a <= 0 or x <= 0:
        return 1.0
    if a > 1e4:  # Wilson and Hilferty, Proc. Natl. Acad. Sci. (1931): the cube root is normal
        z = ((x / a) ** (1 / 3) - (1 - 1 / (9 * a))) * sqrt(9 * a)
        return 1 - NormalDist().cdf(z)
    front = exp(a * log(x) - x - lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        for n in range(1, 2000):
            term *= x / (a + n)
            total += term
        return max(0.0, 1 - front * total)
    b, c = x + 1 - a, 1e300
    d = h = 1 / b
    for n in range(1, 2000):
        step = -n * (n - a)
        b += 2
        d = 1 / (step * d + b)
        c = b + step / c
        h *= d * c
    return front * h
