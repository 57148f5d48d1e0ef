"""What an estimator of entropy production returns, and how held-out blocks become an estimate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from diffneq.statistics import Estimate


@dataclass(frozen=True)
class EntropyFit:
    """The entropy production rate, and what was learned on the way.

    Arguments: `estimate`; `force`, the learned thermodynamic force, (n, d) -> (n, d) [1/x], such that dS = F(x) o dx;
    `history`, for trained networks: "step" (k,), "training" and "validation" (folds, k), in units of the rate.
    """

    estimate: Estimate
    force: Callable[[np.ndarray], np.ndarray]
    history: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class HeldOut:
    """Mean and mean square of the learned current in each held-out block, (B,): per step; `fold` that left it out."""

    mean: np.ndarray
    square: np.ndarray
    fold: np.ndarray
    steps: int
    dt: float

    def bound(self) -> np.ndarray:
        """2 <J>^2/(Var J dt) as a mean over blocks of these values, (B,), each linear in the averages of its block.

        <J>^2 exceeds its expectation by Var J/N; that is taken off.
        """
        values = np.empty(len(self.mean))
        for f in np.unique(self.fold):
            own = self.fold == f
            first, second = self.mean[own].mean(), self.square[own].mean()
            variance = second - first**2
            level = 2 * first**2 / variance - 2 / (own.sum() * self.steps)
            slope = 4 * first / variance * (1 + first**2 / variance)
            values[own] = level + slope * (self.mean[own] - first)
            values[own] -= 2 * first**2 / variance**2 * (self.square[own] - second)
        return values / self.dt


def estimate_of(values: np.ndarray, method: str, warnings: tuple[str, ...], diagnostics: dict) -> Estimate:
    """Mean of block values (B,) and its standard error, with the warnings every estimator has."""
    value, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
    if value < 3 * error:
        warnings += ("not resolved from zero: a longer record, or a simpler current, is needed",)
    diagnostics = {"dof": len(values) - 1, "blocks": len(values), **diagnostics}
    return Estimate(value, error, "1/time", "entropy production", method, warnings, diagnostics)


def against_interval(fine: np.ndarray, coarse: np.ndarray) -> tuple[tuple[str, ...], dict]:
    """What doubling the interval does: block values (B,) at dt and at 2 dt, to a warning and to diagnostics.

    The bias is of order dt, so 2 sigma(dt) - sigma(2 dt) is free of it to that order.
    """
    blocks = len(fine)
    change = fine - coarse
    difference, error = float(change.mean()), float(change.std(ddof=1) / np.sqrt(blocks))
    better = 2 * fine - coarse
    extrapolated = (float(better.mean()), float(better.std(ddof=1) / np.sqrt(blocks)))
    diagnostics = {"interval_bias": (difference, error), "extrapolated": extrapolated}
    own = float(fine.std(ddof=1) / np.sqrt(blocks))
    if abs(difference) > max(own, 2 * error):
        return ("changes with the sampling interval: see diagnostics 'interval_bias' and 'extrapolated'",), diagnostics
    return (), diagnostics
