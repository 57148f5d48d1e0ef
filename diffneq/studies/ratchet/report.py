"""The table and the record of the ratchet."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from diffneq.models.ratchet import Levels
from diffneq.options.ratchet import RatchetOptions
from diffneq.statistics import Estimate
from diffneq.studies.ratchet.solution import NUMBERS, Curve, Solution

_WORDS = {
    "current": "current J, level 3",
    "current_underdamped": "current J, levels 1, 2",
    "sigma_1": "entropy production, level 1",
    "sigma_2": "entropy production, level 2",
    "sigma_3": "entropy production, level 3",
    "heat_1": "heat from bath 1",
    "heat_2": "heat from bath 2",
}


@dataclass(frozen=True)
class Report:
    """What was found: `solution` of the equations, `simulated` rates by name (or nothing), curves, `pictures`."""

    options: RatchetOptions
    solution: Solution
    simulated: dict[str, Estimate]
    loads: tuple[Curve, ...]
    masses: Curve
    provenance: dict[str, Any]
    pictures: list[Path] = field(default_factory=list)

    @property
    def levels(self) -> Levels:
        """By the Fokker-Planck equations."""
        return self.solution.levels

    def numbers(self) -> dict[str, Estimate]:
        """The rates by the method that was asked for."""
        if self.simulated:
            return {name: self.simulated[name] for name in _WORDS}
        errors, method = self.solution.errors, "Fokker-Planck equation"
        value = lambda name: float(getattr(self.levels, name))
        return {name: Estimate(value(name), errors.get(name, 0.0), "1/t", name, method) for name in _WORDS}

    def hidden(self) -> dict[str, tuple[float, float]]:
        """Entropy production hidden by each step of coarse-graining, and by the formula for m -> 0."""
        found = self.levels
        pairs = {"12": (found.hidden_12, found.hidden_12_limit), "23": (found.hidden_23, found.hidden_23_limit)}
        return {step: (float(value), float(limit)) for step, (value, limit) in pairs.items()}

    def efficiencies(self) -> list[float] | None:
        """Of levels 1, 2, 3; None where the ratchet does no work against the torque."""
        working = float(self.levels.power) > 0 and float(self.levels.power_underdamped) > 0
        return [float(x) for x in self.levels.efficiency] if working else None

    def carnot(self) -> float:
        """1 - T_cold/T_hot."""
        return 1 - min(self.options.temperatures) / max(self.options.temperatures)

    def table(self) -> str:
        """Everything in lines for people."""
        o, found = self.options, self.levels
        lines = [f"Ratchet, m = {o.mass:g}, T = {o.temperatures[0]:g} and {o.temperatures[1]:g}, f = {o.torque:g}; "
                 f"by {o.method}; rates per unit of time"]  # fmt: skip
        for name, estimate in self.numbers().items():
            exact = float(getattr(found, name))
            beside = f"   ({exact:.8g} by the equation, {estimate.z_score(exact):+.1f} standard errors)"
            text = f"{Estimate(estimate.value, estimate.error)}{beside}" if self.simulated else f"{exact:.8g}"
            lines.append(f"  {_WORDS[name]:32s} {text}")
        for step, (value, limit) in self.hidden().items():
            lines.append(f"  hidden from level {step[0]} to {step[1]:10s}  {value:.8g}   ({limit:.8g} for m -> 0)")
        lines.append(f"  first law, Q_1 + Q_2 + f <v>     {self._first_law():.1e}")
        working = self.efficiencies()
        text = "none: no work is done against the torque" if working is None else "  ".join(f"{x:.4g}" for x in working)
        lines.append(f"  efficiency, levels 1, 2, 3       {text}   (Carnot {self.carnot():.4g})")
        lines.append(f"  {'derivatives':32s} " + "".join(f"{p:>15s}" for p in self.solution.derivatives["current"]))
        for name in NUMBERS:
            row = "".join(f"{x:15.6g}" for x in self.solution.derivatives[name].values())
            lines.append(f"    {name:30s} {row}")
        lines += [f"  warning: {text}" for text in self.solution.warnings]
        return "\n".join(lines)

    def _first_law(self) -> float:
        if self.simulated:
            return -self.simulated["shadow_work"].value  # all that the finite step leaves of it
        return float(self.levels.heat_1 + self.levels.heat_2 - self.levels.power_underdamped)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: the rates as numbers, their standard errors beside them."""
        numbers = self.numbers()
        record: dict[str, Any] = {name: estimate.value for name, estimate in numbers.items()}
        record["errors"] = {name: estimate.error for name, estimate in numbers.items()}
        for step, (value, limit) in self.hidden().items():
            record |= {f"hidden_{step}": value, f"hidden_{step}_limit": limit}
        return record | {
            "first_law": self._first_law(),
            "efficiency": self.efficiencies(),
            "carnot": self.carnot(),
            "derivatives": self.solution.derivatives,
            "simulated": {name: estimate.to_dict() for name, estimate in self.simulated.items()},
            "solution": {name: float(getattr(self.levels, name)) for name in _WORDS},
            "warnings": list(self.solution.warnings),
            "options": asdict(self.options) | {"out": str(self.options.folder)},
            "provenance": self.provenance | {"points_modes": list(self.solution.resolution)},
            "pictures": [str(path) for path in self.pictures],
        }
