"""`Estimate`: a number with its standard error and its history. Import it from `diffneq.statistics`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import floor, inf, isfinite, log10, sqrt

import numpy as np

from diffneq.statistics.distributions import student_quantile


@dataclass(frozen=True)
class Estimate:
    """value +- error: one number, its standard error, and how it was got.

    Arguments: `value`, `error` (same unit; error is one standard error, >= 0), `unit`, `name`, `method`
    (strings), `warnings` (sentences: why the error bar may be dishonest), `diagnostics` (whatever is worth
    looking at; "dof" is the number of degrees of freedom behind the error). Raises `ValueError` for arrays
    and negative errors.

    >>> print(Estimate(0.12234, 0.0061, "e^2/h"))
    0.1223(61) e^2/h
    """

    value: float
    error: float
    unit: str = ""
    name: str = ""
    method: str = ""
    warnings: tuple[str, ...] = ()
    diagnostics: Mapping = field(default_factory=dict)

    def __post_init__(self):
        if np.ndim(self.value) or np.ndim(self.error):
            raise ValueError("an Estimate is one number; make one Estimate per element of the array.")
        object.__setattr__(self, "value", float(self.value))
        object.__setattr__(self, "error", float(self.error))
        object.__setattr__(self, "warnings", tuple(self.warnings))
        if self.error < 0:
            raise ValueError(f"error = {self.error} must not be negative; give one standard error.")

    @property
    def dof(self) -> float:
        """Degrees of freedom behind the error bar; infinite where the error is known, not estimated."""
        return float(self.diagnostics.get("dof", inf))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """value -+ t(level, dof) error: the central confidence interval, by Student's t."""
        half = student_quantile(float(level), self.dof) * self.error
        return self.value - half, self.value + half

    def z_score(self, other: "Estimate | float") -> float:
        """(value - other)/sqrt(error^2 + error_other^2), against a number or an independent Estimate."""
        value, error = (other.value, other.error) if isinstance(other, Estimate) else (float(other), 0.0)
        total = sqrt(self.error**2 + error**2)
        return (self.value - value) / total if total > 0 else (0.0 if self.value == value else inf)

    def to_dict(self) -> dict:
        """All fields with plain JSON types (arrays become lists)."""
        return {name: _plain(getattr(self, name)) for name in self.__dataclass_fields__}

    def __str__(self) -> str:
        return f"{_shorthand(self.value, self.error)} {self.unit}".rstrip()

    def __repr__(self) -> str:
        labels = ", ".join(part for part in (str(self), self.name, self.method, *self.warnings) if part)
        return f"Estimate({labels})"


def _shorthand(value: float, error: float) -> str:
    """0.1223(61): the error in units of the last digit shown, two digits of it."""
    if not (isfinite(value) and isfinite(error)) or error == 0:
        return f"{value:.10g}({error:g})"
    size = max(abs(value), error)
    power = floor(log10(size)) if size >= 1e6 or size < 1e-4 else 0
    value, error = value / 10.0**power, error / 10.0**power
    decimals = 1 - floor(log10(float(f"{error:.1e}")))
    digits = round(error * 10.0**decimals) * 10 ** max(0, -decimals)
    text = f"{round(value, decimals):.{max(decimals, 0)}f}({digits})"
    return f"{text}e{power:+03d}" if power else text


def _plain(item):
    if isinstance(item, Mapping):
        return {str(key): _plain(entry) for key, entry in item.items()}
    if isinstance(item, Estimate):
        return item.to_dict()
    if isinstance(item, np.ndarray | np.generic):
        return _plain(item.tolist())
    if isinstance(item, list | tuple):
        return [_plain(entry) for entry in item]
    return item if isinstance(item, str | int | float | bool | None) else str(item)
