"""The conductivity from driven steady states: constant field, constant current, and their limit at none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diffneq.response.norton import norton
from diffneq.statistics import Estimate, LinearFit, fit_polynomial, mean
from diffneq.statistics.distributions import chi_squared_tail


def constant_field(current, field: float, volume: float, dt: float = 1.0, *, unit: str = "") -> Estimate:
    """sigma = <J>/(V E), from records J (T,) or (R, T) of a steady state, the start left out.

    Raises `ValueError` for a field that is zero or not finite.

    >>> records = 3.0 + np.random.default_rng(0).normal(size=(4, 2000))
    >>> print(constant_field(records, field=0.5, volume=2.0))
    3.001(11)
    """
    field = float(field)
    if not np.isfinite(field) or field == 0:
        raise ValueError(f"field = {field:g} must be finite and not zero.")
    found = mean(np.asarray(current, float) / (volume * field), dt)
    return Estimate(
        found.value, found.error, unit, "conductivity", f"constant field, {found.method}", found.warnings,
        {**found.diagnostics, "field": field},
    )  # fmt: skip


def constant_current(multiplier, flux: float, volume: float, dt: float = 1.0, *, unit: str = "") -> Estimate:
    """sigma = j/<lambda>, j = r/V, from records lambda (T,) or (R, T) of `dynamics.Norton` or `dynamics.Isokinetic`.

    The flux r = sum q v_x was held; lambda is the field that this took [energy/(e length)]. A ratio estimator: its
    error is that of <lambda>, by blocks of the record, to first order. Under baths on peculiar velocities, lambda has
    nothing of the thermostat in it.

    >>> records = 5.0 + np.random.default_rng(0).normal(size=4000)
    >>> print(constant_current(records, flux=2.0, volume=4.0))
    0.10030(32)
    """
    found = norton(multiplier, flux, dt)
    return Estimate(
        found.value / volume, found.error / volume, unit, "conductivity", f"constant current, {found.method}",
        found.warnings, {**found.diagnostics, "flux": float(flux)},
    )  # fmt: skip


@dataclass(frozen=True)
class ZeroLimit:
    """sigma(x) = sigma + curvature x^2, x the current or the field: the limit, its fit, and the test of linearity.

    `sigma`, `curvature` (None for one strength), `fit`, `linear` the fit of a constant (None likewise), and
    `linear_p_value`, the chance of as bad a fit of a constant, were the response linear.
    """

    sigma: Estimate
    curvature: Estimate | None
    fit: LinearFit | None
    linear_p_value: float


def zero_limit(strength, sigma: Sequence[Estimate], *, unit: str = "") -> ZeroLimit:
    """The conductivity at vanishing current or field: weighted least squares of sigma_0 + sigma_2 x^2.

    Arguments: `strength` x (n,), currents or fields; `sigma` (n,) independent estimates, one for each. With an odd
    response the corrections are even. Warns where a constant does not fit (p < 0.01), where sigma_2 x^2 is more than a
    fifth of sigma_0, so that the next order may matter, and where there is but one strength and nothing can be tested.

    >>> x = np.array([1.0, 2.0])
    >>> print(zero_limit(x, [Estimate(2.0 + 0.1 * s**2, 0.01) for s in x]).sigma)
    2.000(14)
    """
    x = np.abs(np.asarray(strength, float))
    if x.shape != (len(sigma),) or len(x) == 0 or not np.all(x > 0):
        raise ValueError(
            f"strength must be one positive number for each of the {len(sigma)} estimates, got {strength}."
        )
    unit = unit or sigma[0].unit
    if len(np.unique(x)) < 2:
        text = "one strength of the drive only: whether the response is linear is not known"
        only = sigma[0]
        warnings = (*only.warnings, text)
        found = Estimate(only.value, only.error, unit, only.name, only.method, warnings, only.diagnostics)
        return ZeroLimit(found, None, None, float("nan"))
    value, error = (np.array([getattr(one, name) for one in sigma]) for name in ("value", "error"))
    flat = fit_polynomial(x, value, error, (0,))
    fit = fit_polynomial(x, value, error, (0, 2))
    improvement = flat.chi2 - fit.chi2
    p_value = chi_squared_tail(max(improvement, 0.0), 1)
    raw, curvature = fit.coefficient(0, unit), fit.coefficient(2)
    share = curvature.value * float(x.max()) ** 2 / raw.value
    warnings = list(dict.fromkeys(w for one in sigma for w in one.warnings)) + list(raw.warnings)
    if p_value < 0.01:
        warnings.append(
            f"the response is not linear: at the strongest drive sigma differs by {100 * share:+.0f} % from its limit "
            f"(p = {p_value:.1g}); the limit is that of the fit in even powers"
        )
    if abs(share) > 0.2 and abs(curvature.value) > 2 * curvature.error:
        warnings.append("the correction at the strongest drive is above 20 %: use weaker drives")
    diagnostics = {**raw.diagnostics, "share_of_correction": share, "linear_p_value": p_value}
    method = f"{sigma[0].method}, even fit to {len(x)} strengths"
    limit = Estimate(raw.value, raw.error, unit, "conductivity", method, tuple(warnings), diagnostics)
    return ZeroLimit(limit, curvature, fit, p_value)
