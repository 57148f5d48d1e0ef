"""Work samples: what may be in them, how many independent ones they hold, and how to decline an estimate."""

from dataclasses import dataclass

import numpy as np

from diffneq.statistics import Estimate, integrated_time

FEW = 25  # runs below which tails and errors are not judged
TOO_FEW = 10  # runs below which there is no error at all


@dataclass(frozen=True)
class Works:
    """W/k_BT of n runs: `values` (n,), +inf allowed; `inefficiency` g; `fault`, why they cannot be used, or ""."""

    values: np.ndarray
    inefficiency: float
    fault: str
    warnings: tuple[str, ...]

    @property
    def count(self) -> int:
        """Number of runs."""
        return len(self.values)

    @property
    def independent(self) -> float:
        """Number of independent runs, n/g."""
        return self.count / self.inefficiency


def work_sample(owner: str, work, temperature: float, inefficiency: float | str = 1.0, name: str = "work") -> Works:
    """The checked sample, in units of k_B T.

    Arguments: `work` (n,) [energy]; `temperature` k_B T [energy]; `inefficiency`, number of runs that count as one
    independent run, or "auto" for `statistical_inefficiency` of the works in the order given. Raises `ValueError` for
    other shapes, no work at all, and a temperature or inefficiency that is not positive.
    """
    values = np.asarray(work, np.float64)
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"{owner}: {name} must be (n,) with at least one run, got shape {values.shape}.")
    temperature = float(temperature)
    if not (np.isfinite(temperature) and temperature > 0):
        raise ValueError(f"{owner}: temperature = {temperature:g} must be positive and finite; give k_B T.")
    values = values / temperature
    fault, notes = _judge(values, name)
    if inefficiency == "auto":
        g = 1.0 if fault or len(values) < 4 else statistical_inefficiency(values)
    else:
        g = float(inefficiency)
    if not (np.isfinite(g) and g >= 1):
        raise ValueError(f"{owner}: inefficiency = {g:g} must be 1 (independent runs) or larger, or 'auto'.")
    return Works(values, g, fault, notes)


def _judge(values: np.ndarray, name: str) -> tuple[str, tuple[str, ...]]:
    bad, negative, infinite = np.isnan(values).sum(), np.isneginf(values).sum(), np.isposinf(values).sum()
    count = len(values)
    if bad:
        return f"{bad} of {count} values of {name} are NaN: mend those runs, leaving them out would bias the rest", ()
    if negative:
        return f"{negative} of {count} values of {name} are -infinity: no finite free energy allows that", ()
    if infinite == count:
        return f"every value of {name} is infinite: no run says anything but that", ()
    if infinite:
        return "", (f"{infinite} of {count} values of {name} are infinite, so exp(-W) = 0: right for hard walls",)
    return "", ()


def statistical_inefficiency(work, temperature: float = 1.0) -> float:
    """g = max(1, 2 tau): how many successive correlated runs are worth one, for W and for exp(-W/kT), the larger.

    Argument: `work` (n,) or (R, n) in the order in which the runs were made [energy], `temperature` [energy].

    >>> steady = np.random.default_rng(0).normal(size=4000)
    >>> statistical_inefficiency(np.repeat(steady, 5)) > 4
    True
    """
    reduced = np.asarray(work, np.float64) / temperature
    weight = np.exp(-(reduced - np.min(reduced)))
    records = [weight] if np.isinf(reduced).any() else [weight, reduced]
    times = [integrated_time(record).value for record in records if np.ptp(record) > 0]
    return max([1.0, *(2 * time for time in times)])


def declined(reason: str, name: str, method: str, unit: str, value: float = np.nan, **diagnostics) -> Estimate:
    """No number: NaN with an infinite error, and the reason. `value` where one is known, but not its error."""
    return Estimate(value, np.inf, unit, name, method, (reason,), diagnostics)


def log_mean_exp(logs: np.ndarray, axis: int = -1) -> np.ndarray:
    """ln <e^x> without overflow; -inf where every x is."""
    top = np.max(logs, axis, keepdims=True)
    safe = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.log(np.mean(np.exp(logs - safe), axis)) + np.squeeze(safe, axis)
