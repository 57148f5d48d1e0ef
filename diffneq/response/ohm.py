"""Current-voltage curves: the linear conductivity, its first correction, and whether j is odd in E."""

from dataclasses import dataclass

import numpy as np

from diffneq.statistics import Estimate, LinearFit, fit_polynomial
from diffneq.statistics.distributions import chi_squared_tail


@dataclass(frozen=True)
class OhmicResponse:
    """j(E) = sigma E + sigma_3 E^3: `sigma`, `sigma_3` (Estimates), `fit`, and the test of oddness.

    `even` is the E^2 coefficient added to the fit (None when too few fields); `odd_chi2`, `odd_pairs`,
    `odd_p_value` test j(E) + j(-E) = 0 over the fields measured with both signs.
    """

    sigma: Estimate
    sigma_3: Estimate | None
    even: Estimate | None
    fit: LinearFit
    odd_chi2: float
    odd_pairs: int
    odd_p_value: float


def ohm(field, current_density, error, *, cubic: bool = True, unit: str = "") -> OhmicResponse:
    """j(E) = sigma E + sigma_3 E^3 by weighted least squares, and chi^2 of j(E) + j(-E) = 0.

    Arguments: `field` E (n,) [energy/(e length)], `current_density` j = <J>/A (n,), `error` (n,) one
    standard error; `cubic` False fits Ohm's law alone. Raises `ValueError` for too few fields or for errors
    that are not positive. Source: the parity argument of Kubo, J. Phys. Soc. Jpn. 12, 570 (1957), section 2.

    >>> result = ohm([-1.0, -0.5, 0.5, 1.0], [-2.1, -1.0, 1.0, 2.1], [0.01] * 4)
    >>> round(result.fit.chi2, 3), result.odd_pairs
    (0.0, 2)
    """
    e, j, s = (np.asarray(item, float) for item in (field, current_density, error))
    powers = (1, 3) if cubic else (1,)
    fit = fit_polynomial(e, j, s, powers)
    distinct = len(np.unique(np.abs(e[e != 0])))
    if distinct < len(powers):
        raise ValueError(f"{len(powers)} coefficients need as many distinct field strengths, not {distinct}.")
    even = None
    if len(e) > len(powers) + 1 and len(np.unique(e[e != 0])) > len(powers):
        even = fit_polynomial(e, j, s, (*powers, 2)).coefficient(2)
    chi2, pairs = _oddness(e, j, s)
    return OhmicResponse(
        fit.coefficient(1, unit),
        fit.coefficient(3) if cubic else None,
        even,
        fit,
        chi2,
        pairs,
        chi_squared_tail(chi2, pairs),
    )


def _oddness(e, j, s) -> tuple[float, int]:
    """chi^2 over fields present with both signs; repeated fields are combined first."""
    combined = {}
    for field in np.unique(np.round(e, 12)):
        here = np.isclose(e, field, rtol=1e-9, atol=1e-12)
        weight = s[here] ** -2
        combined[float(field)] = (weight @ j[here] / weight.sum(), 1 / weight.sum())
    pairs = [(combined[f], combined[-f]) for f in combined if f > 0 and -f in combined]
    return float(sum((a[0] + b[0]) ** 2 / (a[1] + b[1]) for a, b in pairs)), len(pairs)
