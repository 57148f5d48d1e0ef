"""The table and the record of the piston's displacement."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diffneq.event_driven import PistonRecords
from diffneq.options.piston import PistonOptions
from diffneq.statistics import Estimate
from diffneq.studies.piston.analysis import Curves


@dataclass(frozen=True)
class Report:
    """What was found: `kappa`, the four cumulant rates; `variance` of V; `leading` formulas; `curves`; `records`."""

    options: PistonOptions
    kappa: list[Estimate]
    variance: Estimate
    leading: dict[str, float]
    curves: Curves
    records: PistonRecords | None
    provenance: dict[str, Any]
    pictures: list[Path] = field(default_factory=list)

    def table(self) -> str:
        """Everything in lines for people."""
        cold, hot = self.options.temperatures
        lines = [
            f"Rayleigh's piston, m/M = {self.options.mass_ratio:g}, T_L = {cold:g}, T_R = {hot:g}, M = A = p = 1; "
            f"by {self.options.method}",
            "lim kappa_n(X_t)/t                      leading order in m/M",
        ]
        for estimate in (*self.kappa, self.variance):
            formula = self.leading.get(estimate.name)
            exact = estimate.error < 1e-8 * abs(estimate.value)  # eight digits say it all
            number = f"{estimate.value:.8g}" if exact else str(estimate).split()[0]
            compared = "" if formula is None else f"{formula:.6g}"
            lines.append(f"  {estimate.name:8s} {number:>18s} {estimate.unit:9s} {compared}")
            lines += [f"    {warning}" for warning in estimate.warnings]
        lines.append(f"  gamma_0 = {self.leading['gamma_0']:.6f}, gamma_1 = {self.leading['gamma_1']:.6f}, "
                     f"T = {self.leading['temperature']:.6f}: the Langevin equation of long times (Ito)")  # fmt: skip
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `kappa` is a list of four, each with "value", "error", "unit", "method", "warnings"."""
        return {
            "options": self.options.to_dict(),
            "kappa": [k.to_dict() for k in self.kappa],
            "velocity_variance": self.variance.to_dict(),
            "leading_order": self.leading,
            "provenance": self.provenance,
        }
