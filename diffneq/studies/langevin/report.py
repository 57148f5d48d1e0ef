"""What the fit of Langevin equations to a file found."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diffneq.inference import Fit, LongTime, Selection, TimeSeries
from diffneq.options.langevin import LangevinOptions
from diffneq.statistics import Estimate


@dataclass(frozen=True)
class Report:
    """`fits` name -> Fit to the whole record; `selection` by held-out blocks (likelihood, two models or more), or None;
    `long_time`, what was measured, or None; `white`, Q of the best model's residuals; `refused` name -> why."""

    options: LangevinOptions
    series: TimeSeries
    fits: dict[str, Fit]
    selection: Selection | None
    long_time: LongTime | None
    white: Estimate | None
    refused: dict[str, str]
    provenance: dict[str, Any]
    pictures: list[Path] = field(default_factory=list)

    @property
    def best(self) -> str:
        """The name of the model that predicts best, or fits best where none was held out."""
        if self.selection is not None:
            return self.selection.best
        return max(self.fits, key=lambda name: self.fits[name].log_likelihood)

    def table(self) -> str:
        """Everything in lines for people."""
        series = self.series
        shape = " x ".join(map(str, series.values.shape[:2]))
        lines = [f"{self.options.data}: {shape} records, dt = {series.dt:g}"]
        if self.long_time is not None:
            lines.append(f"measured, windows of {self.long_time.window:g} and twice that")
            measured = [self.long_time[target] for target in self.long_time.targets]
            lines += [f"  {estimate.name:28s} {estimate}" for estimate in measured]
        for fit in self.fits.values():
            lines.append(fit.table())
        if self.selection is not None:
            lines.append(self.selection.table())
        lines += [f"{name} was not fitted: {why}" for name, why in self.refused.items()]
        lines.append(f"best: {self.best}")
        if self.white is not None:
            lines.append(f"  residuals: Q = {self.white.value:.1f} over {self.white.diagnostics['lags']} lags, "
                         f"p = {self.white.diagnostics['p_value']:.2g}")  # fmt: skip
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; the parameters of the best model come first."""
        best = self.fits[self.best]
        return {
            "best": self.best,
            "parameters": {name: estimate.to_dict() for name, estimate in best.parameters.items()},
            "log_likelihood": best.log_likelihood,
            "models": {name: fit.to_dict() for name, fit in self.fits.items()},
            "selection": None if self.selection is None else self.selection.to_dict(),
            "long_time": None if self.long_time is None else {
                str(target): self.long_time[target].to_dict() for target in self.long_time.targets},
            "residuals": None if self.white is None else self.white.to_dict(),
            "refused": self.refused,
            "options": self.options.to_dict(),
            "provenance": self.provenance,
        }  # fmt: skip
