"""R(t) with its error band: what every method returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from diffneq.statistics import Estimate


@dataclass(frozen=True)
class ResponseCurve:
    """R(t) = d<A(t)>/d(theta) from independent samples.

    Arguments:
        time: (n,) [t], the middle of each record.
        samples: (R, n), independent estimates of R(t) whose mean is the answer.
        method, name, unit: labels.
        warnings: sentences: why the error bar may be dishonest.
        diagnostics: the method's own.
    """

    time: np.ndarray
    samples: np.ndarray
    method: str
    name: str = ""
    unit: str = ""
    warnings: tuple[str, ...] = ()
    diagnostics: Mapping = field(default_factory=dict)

    def __post_init__(self):
        if self.samples.ndim != 2 or self.samples.shape[1] != len(self.time) or len(self.samples) < 2:
            raise ValueError(f"samples must have shape (R, {len(self.time)}) with R > 1, got {self.samples.shape}.")

    @property
    def value(self) -> np.ndarray:
        """Mean of the samples, (n,)."""
        return self.samples.mean(0)

    @property
    def error(self) -> np.ndarray:
        """One standard error, (n,)."""
        return self.samples.std(0, ddof=1) / np.sqrt(len(self.samples))

    def at(self, since: float | None = None) -> Estimate:
        """R at the end, or its mean over t >= `since` [t], with `dof` = R - 1.

        Raises:
            ValueError: for a time past the end.
        """
        chosen = np.zeros(len(self.time), bool)
        chosen[-1] = True
        if since is not None:
            chosen = self.time >= since
            if not chosen.any():
                raise ValueError(f"since = {since} lies past the last record, t = {self.time[-1]:g}.")
        each = self.samples[:, chosen].mean(1)
        error = float(each.std(ddof=1) / np.sqrt(len(each)))
        diagnostics = {"dof": len(each) - 1.0, "horizon": float(self.time[-1])}
        curve = {"time": self.time, "value": self.value, "error": self.error}
        warnings = self.warnings + self._still_moving()
        more = {**diagnostics, **self.diagnostics, "curve": curve}
        return Estimate(float(each.mean()), error, self.unit, self.name, self.method, warnings, more)

    def _still_moving(self) -> tuple[str, ...]:
        """A warning where the third quarter of the curve differs from the fourth by more than chance."""
        n = len(self.time)
        if n < 8:
            return ()
        third, fourth = (self.samples[:, n // 2 : 3 * n // 4].mean(1), self.samples[:, 3 * n // 4 :].mean(1))
        apart = fourth - third
        spread = apart.std(ddof=1) / np.sqrt(len(apart))
        size = 0.02 * abs(float(fourth.mean()))
        if abs(apart.mean()) > max(3 * spread, size) and spread > 0:
            return ("the response still moves at the end: it is not yet that of a stationary mean, use a longer time",)
        return ()


def interval_means(values: np.ndarray, first: np.ndarray, steps: int) -> np.ndarray:
    """Means over the time of each record, (R, n), from means over the states at the ends of its `steps` steps.

    The trapezoidal rule, exact to O(dt^2) where the means of ends alone lag by half a step; `first` (R,) is the value
    at t = 0, those between records are interpolated.
    """
    between = (values[:, 1:] + values[:, :-1]) / 2
    last = 1.5 * values[:, -1:] - 0.5 * values[:, -2:-1]
    edges = np.concatenate([np.asarray(first)[:, None], between, last], axis=1)
    return values + (edges[:, :-1] - edges[:, 1:]) / (2 * steps)


def running_integral(integrand: np.ndarray, interval: float) -> np.ndarray:
    """Means over each record of int_0^t f, (R, n), from means of f over the records; exact for f linear in a record."""
    whole = np.cumsum(integrand, axis=-1)
    return interval * (whole - integrand / 2 - np.gradient(integrand, axis=-1) / 12)
