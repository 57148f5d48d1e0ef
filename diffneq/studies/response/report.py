"""The table and the record of the conductor's response."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from diffneq.options import ResponseOptions
from diffneq.response.derivatives import Comparison
from diffneq.statistics import Estimate
from diffneq.studies.response.questions import UNIT, CurrentVoltage


@dataclass(frozen=True)
class Report:
    """What was found: `comparison` of methods, `curve` j(E)/E, `slopes` name -> route -> Estimate, `pictures`."""

    options: ResponseOptions
    comparison: Comparison
    curve: CurrentVoltage
    slopes: dict[str, dict[str, Estimate]]
    provenance: dict[str, Any]
    pictures: list[Path] = field(default_factory=list)

    @property
    def since(self) -> float:
        """Responses are averaged over the last third of the horizon."""
        return self.options.horizon * 2 / 3

    def table(self) -> str:
        """Everything in lines for people."""
        lines = [f"Conductor, {self.options.electrons} electrons: sigma [{UNIT}], t = {self.since:g} to "
                 f"{self.options.horizon:g}"]  # fmt: skip
        lines += self.comparison.table(self.since).splitlines()[1:]
        lines.append("j/E by transient time correlation, and in steady runs")
        for part, label in ((self.curve.transient, "transient"), (self.curve.direct, "steady")):
            lines += [f"  {label:10s} E = {e:<8g} {Estimate(v, s)}" for e, v, s in part]
        lines.append("d ln(sigma)/d ln(x), from undriven fluctuations and from weakly driven runs")
        for name, routes in self.slopes.items():
            lines.append(f"  {name:12s} " + "   ".join(f"{route} {value}" for route, value in routes.items()))
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "options": asdict(self.options) | {"out": str(self.options.folder)},
            "conductivity": {name: e.to_dict() for name, e in self.comparison.estimates(self.since).items()},
            "refused": dict(self.comparison.refused),
            "current_voltage": {"columns": ["field", "conductivity", "error"], "unit": UNIT,
                                "transient": self.curve.transient.tolist(), "steady": self.curve.direct.tolist()},
            "logarithmic_slopes": {n: {r: e.to_dict() for r, e in s.items()} for n, s in self.slopes.items()},
            "provenance": self.provenance,
        }  # fmt: skip
