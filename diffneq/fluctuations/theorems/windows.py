"""Sums over windows of a steady record: slopes of ln P(A)/P(-A) at each length, and their limit of long windows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from diffneq.fluctuations.theorems.logistic import LineFit, mirrored
from diffneq.statistics import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GROUPS = 20  # of records, at least: the jackknife rests on their scatter


@dataclass(frozen=True)
class FiniteTimeTest:
    """Slopes of ln P(A_tau)/P(-A_tau) against A_tau, window by window, and their limit.

    `name`; `window` (K,) lengths tau [time]; `slopes`, `intercepts`, K Estimates each; `slope`, `intercept`, the limits
    tau -> infinity, 1 and 0 by the theorem; `fits`, the regressions; `unit` of time; `warnings`.
    """

    name: str
    window: np.ndarray
    slopes: tuple[Estimate, ...]
    intercepts: tuple[Estimate, ...]
    slope: Estimate
    intercept: Estimate
    fits: tuple[LineFit, ...]
    unit: str
    warnings: tuple[str, ...]

    def holds(self, largest_z: float = 3.0) -> bool:
        """Whether the limits are within `largest_z` errors of 1 and 0. A sample that cannot decide does not deny."""
        return not (abs(self.slope.z_score(1.0)) > largest_z or abs(self.intercept.z_score(0.0)) > largest_z)

    def figure(self) -> "Figure":
        """1/slope against 1/tau with its straight line, and the log ratios of every window."""
        from diffneq.plotting.theorems import finite_time

        return finite_time(self)


def as_records(owner: str, production, longest: int) -> np.ndarray:
    """(R, T) with R >= 20, long records cut into pieces, each at least `longest`; else ValueError."""
    x = np.asarray(production, np.float64)
    x = x[None] if x.ndim == 1 else x
    if x.ndim != 2 or not np.isfinite(x).all():
        raise ValueError(f"{owner}: production must be (T,) or (R, T) and finite, got shape {np.shape(production)}.")
    pieces = -(-_GROUPS // len(x))
    length = x.shape[1] // pieces
    if length < longest:
        raise ValueError(
            f"{owner}: {len(x)} records of {x.shape[1]} steps make no {_GROUPS} pieces of {longest} steps, "
            f"the longest window; shorten the windows to {length} or record longer."
        )
    return x[:, : pieces * length].reshape(-1, length)


def finite_time_test(
    name: str, owner: str, production, dt: float, windows, unit: str = "", least: float = 0.0
) -> FiniteTimeTest:
    """The test from records (R, T) of production within each step of dt, for `windows`, integers of steps.

    The limit: 1/slope is a straight line in 1/tau, from windows longer than `least` [time]; errors by jackknife over
    groups of records, so that the correlation between windows is counted.
    """
    lengths = np.unique(np.asarray(windows, int))
    if len(lengths) < 2 or lengths[0] < 1 or not dt > 0:
        raise ValueError(f"{owner}: give two or more window lengths of one step or more, and a dt > 0; got {windows}.")
    x = as_records(owner, production, int(lengths[-1]))
    groups = np.arange(len(x)) % _GROUPS
    sums = [windows_of(x, n) for n in lengths]
    fits = tuple(mirrored(s.ravel(), np.repeat(groups, s.shape[1])) for s in sums)
    left = np.array([[_fit_without(s, groups, g) for s in sums] for g in range(_GROUPS)])  # (G, K, 2)
    error = _jackknife(left)
    window = lengths * float(dt)
    chosen = window >= least
    slopes, intercepts = (_estimates(fits, error[:, i], kind) for i, kind in enumerate(("slope", "intercept")))
    warnings = [f"window {t:g}: {fit.fault}" for t, fit in zip(window, fits, strict=True) if fit.fault]
    usable = chosen & np.array([not fit.fault for fit in fits])
    usable &= np.isfinite(error).all(1)
    if usable.sum() < 2:
        warnings.append("fewer than two windows have a slope: their limit is not known")
        limits = tuple(_declined(kind, warnings) for kind in ("slope", "intercept"))
    else:
        whole = np.array([(fit.slope, fit.intercept) for fit in fits])
        limits = _limits(whole[usable], left[:, usable], error[usable], window[usable])
        warnings += limits[0].warnings
    return FiniteTimeTest(name, window, slopes, intercepts, *limits, fits, unit, tuple(warnings))


def windows_of(x: np.ndarray, length: int) -> np.ndarray:
    """Sums over windows that do not overlap, (R, T // length)."""
    count = x.shape[1] // length
    return x[:, : count * length].reshape(len(x), count, length).sum(-1)


def _fit_without(sums: np.ndarray, groups: np.ndarray, group: int) -> tuple[float, float]:
    fit = mirrored(sums[groups != group].ravel())
    return (np.nan, np.nan) if fit.fault else (fit.slope, fit.intercept)


def _estimates(fits, error: np.ndarray, kind: str) -> tuple[Estimate, ...]:
    method, dof = "logistic regression, jackknife", {"dof": _GROUPS - 1}
    known = np.where(np.isfinite(error), error, np.inf)
    notes = [(fit.fault,) if fit.fault else () for fit in fits]
    found = zip(fits, known, notes, strict=True)
    return tuple(Estimate(getattr(fit, kind), s, "", kind, method, note, dof) for fit, s, note in found)


def _declined(kind: str, warnings: list[str]) -> Estimate:
    return Estimate(np.nan, np.inf, "", kind, "extrapolation", tuple(warnings))


def _limits(whole, left, error, window) -> tuple[Estimate, Estimate]:
    """1/slope and the intercept as lines in 1/tau, weighted by their errors; jackknifed."""
    value, spread = _ends(whole, error, window), _jackknife([_ends(v, error, window) for v in left])
    warnings = ()
    if len(window) > 2:
        later = [_ends(v[1:], error[1:], window[1:]) for v in (whole, *left)]
        apart = later[0][0] - value[0]
        doubt = _jackknife([a[0] - _ends(v, error, window)[0] for a, v in zip(later[1:], left, strict=True)])
        if abs(apart) > 2 * doubt:
            warnings = ("the shortest window is off the straight line in 1/tau: raise the relaxation time",)
    method, diagnostics = f"1/tau -> 0 from {len(window)} windows, jackknife", {"dof": _GROUPS - 1}
    slope = Estimate(value[0], spread[0], "", "slope", method, warnings, diagnostics)
    return slope, Estimate(value[1], spread[1], "", "intercept", method, warnings, diagnostics)


def _ends(values, error, window) -> np.ndarray:
    """Slope and intercept at 1/tau = 0, from values (K, 2) with errors (K, 2)."""
    design = np.stack([np.ones_like(window), 1 / window], -1)
    inverse = np.linalg.lstsq(design * (values[:, :1] ** 2 / error[:, :1]), values[:, 0] / error[:, 0], rcond=None)[0][
        0
    ]
    flat = np.linalg.lstsq(design / error[:, 1:], values[:, 1] / error[:, 1], rcond=None)[0][0]
    return np.array([1 / inverse, flat])


def _jackknife(left) -> np.ndarray:
    return np.sqrt((_GROUPS - 1) * np.var(left, axis=0))
