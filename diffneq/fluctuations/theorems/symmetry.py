"""The outcome of a test of ln P(x)/P(-x) = slope x + intercept."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from diffneq.fluctuations.free_energy import jarzynski
from diffneq.fluctuations.theorems.logistic import LineFit
from diffneq.statistics import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class SymmetryTest:
    """What a theorem says of a sample, and what the sample says.

    `name`; `slope` and `intercept` of ln P(x)/P~(-x) against x, None where the data given do not fix them;
    `expected_slope`, `expected_intercept` (None: not known beforehand); `average`, <e^-x>, 1 by the theorem (None: not
    part of it); `x`, `log_ratio`, `log_ratio_error` (B,) in bins, for pictures; `linearity`, the p-value of the bins
    about the fitted line; `quantity`, what x is; `warnings` of all parts.
    """

    name: str
    slope: Estimate | None
    intercept: Estimate | None
    expected_slope: float
    expected_intercept: float | None
    average: Estimate | None
    x: np.ndarray
    log_ratio: np.ndarray
    log_ratio_error: np.ndarray
    linearity: float
    quantity: str
    warnings: tuple[str, ...]

    def z_scores(self) -> dict[str, float]:
        """(found - expected)/error of slope, intercept and average, those that can be compared."""
        wanted = {
            "slope": (self.slope, self.expected_slope),
            "intercept": (self.intercept, self.expected_intercept),
            "average": (self.average, 1.0),
        }
        return {name: e.z_score(x) for name, (e, x) in wanted.items() if e is not None and x is not None}

    def holds(self, largest_z: float = 3.0) -> bool:
        """Whether no part contradicts the theorem by more than `largest_z` errors, nor the bins a straight line.

        A sample that cannot decide (infinite errors) does not contradict it: read the warnings.
        """
        straight = not self.linearity < 1e-3
        return straight and all(not abs(z) > largest_z for z in self.z_scores().values())

    def figure(self) -> "Figure":
        """The binned log ratio with the fitted and the expected line."""
        from diffneq.plotting.theorems import symmetry

        return symmetry(self)


def symmetry_test(
    name: str,
    fit: LineFit | None,
    average: Estimate | None,
    quantity: str,
    *,
    expected_slope: float = 1.0,
    expected_intercept: float | None = 0.0,
    unit: str = "",
    temperature: float = 1.0,
) -> SymmetryTest:
    """The record from a fit in units of `temperature`; slopes [1/unit]."""
    inverse = f"1/{unit}" if unit else ""
    slope = intercept = None
    points, linearity, warnings = np.zeros((3, 0)), np.nan, []
    if fit is not None:
        method, notes = "logistic regression", (fit.fault,) if fit.fault else ()
        errors = np.sqrt(np.maximum(np.diag(fit.covariance), 0.0))
        if not fit.fault and not (errors > 0).all():
            notes, errors = ("the spread of the fit is not known",), np.full(2, np.inf)
        errors = np.full(2, np.inf) if fit.fault else errors
        slope = Estimate(fit.slope / temperature, errors[0] / temperature, inverse, "slope", method, notes)
        intercept = Estimate(fit.intercept, errors[1], "", "intercept", method, notes)
        points, linearity = fit.points, fit.linearity
        warnings += notes
        if linearity < 1e-3:
            warnings.append("the log ratio is not a straight line: p < 0.001")
    if average is not None:
        warnings += [text for text in average.warnings if text not in warnings]
    x = points[0] * temperature
    return SymmetryTest(
        name, slope, intercept, expected_slope, expected_intercept, average, x, points[1], points[2], linearity,
        quantity, tuple(warnings),
    )  # fmt: skip


def sample(owner: str, values, name: str, *, infinite: bool = False) -> np.ndarray:
    """(n,) float64, n >= 10, without NaN; else ValueError."""
    x = np.asarray(values, np.float64)
    if x.ndim != 1 or len(x) < 10:
        raise ValueError(f"{owner}: {name} must be (n,), ten values at least, got shape {x.shape}.")
    if np.isnan(x).any() or (np.isinf(x).any() and not (infinite and not np.isneginf(x).any())):
        raise ValueError(f"{owner}: {name} contains NaN or infinity; mend those runs; leaving them out is a bias.")
    return x


def exponential_average(values, inefficiency: float | str = 1.0) -> Estimate:
    """<e^-x> with the error and the warnings of Jarzynski's average; infinite where the sample does not resolve it."""
    found = jarzynski(values, inefficiency=inefficiency)
    value = float(np.exp(-found.value))
    error = value * found.error if np.isfinite(found.error) else np.inf
    return Estimate(value, error, "", "<e^-x>", "mean, delta method", found.warnings, found.diagnostics)
