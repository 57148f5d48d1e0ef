"""The temperature dependence of a conductivity: ln(sigma T) against 1/T, its slope and its curvature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diffneq.statistics import Estimate, LinearFit, fit_polynomial


@dataclass(frozen=True)
class Arrhenius:
    """ln(sigma T) = a + b x + c x^2, x = 1/k_B T - <1/k_B T>.

    `activation_energy` E_a = -b of the straight line [energy], `line` and, from four temperatures on, `parabola` and
    its `curvature` c [energy^2]; `centre` <1/k_B T>.
    """

    activation_energy: Estimate
    curvature: Estimate | None
    line: LinearFit
    parabola: LinearFit | None
    centre: float

    def __call__(self, temperature, curved: bool = False) -> np.ndarray:
        """sigma of the fit at k_B T."""
        kT = np.asarray(temperature, float)
        fit = self.parabola if curved and self.parabola is not None else self.line
        return np.exp(fit(1 / kT - self.centre)[0]) / kT


def arrhenius(temperature: Sequence[float], sigma: Sequence[Estimate], energy_unit: str = "") -> Arrhenius:
    """Weighted least squares of ln(sigma T) by a line and by a parabola in 1/k_B T.

    Arguments: `temperature` k_B T (n,), `sigma` (n,), positive, n >= 3. Raises `ValueError` for fewer temperatures or a
    conductivity that is not positive. Warns where the line does not fit, p < 0.01: an activation energy is then that of
    a range of temperatures, and must not be extrapolated.

    >>> kT = np.array([0.05, 0.07, 0.09, 0.11])
    >>> found = arrhenius(kT, [Estimate(np.exp(-0.3 / t) / t, 1e-3 * np.exp(-0.3 / t) / t) for t in kT])
    >>> print(round(found.activation_energy.value, 6), abs(found.curvature.value) < 1e-9)
    0.3 True
    """
    kT = np.asarray(temperature, float)
    value, error = (np.array([getattr(one, name) for one in sigma], float) for name in ("value", "error"))
    if len(np.unique(kT)) < 3:
        raise ValueError(f"an Arrhenius plot needs three temperatures or more, got {len(np.unique(kT))}.")
    if not np.all(value > 0):
        raise ValueError("a conductivity that is not positive has no logarithm: leave that temperature out.")
    x, y = 1 / kT, np.log(value * kT)
    centre = float(x.mean())
    line = fit_polynomial(x - centre, y, error / value, (0, 1))
    slope = line.coefficient(1)
    warnings = ()
    if line.p_value < 0.01:
        warnings = ("ln(sigma T) is not a straight line in 1/T: the activation energy is that of this range alone",)
    energy = Estimate(
        -slope.value, slope.error, energy_unit, "activation energy", "line in 1/T", warnings, slope.diagnostics
    )
    if len(kT) < 4:
        return Arrhenius(energy, None, line, None, centre)
    parabola = fit_polynomial(x - centre, y, error / value, (0, 1, 2))
    raw = parabola.coefficient(2)
    curvature = Estimate(
        raw.value, raw.error, f"{energy_unit}^2" if energy_unit else "", "curvature of ln(sigma T) in 1/k_B T",
        "parabola in 1/T", raw.warnings, raw.diagnostics,
    )  # fmt: skip
    return Arrhenius(energy, curvature, line, parabola, centre)
