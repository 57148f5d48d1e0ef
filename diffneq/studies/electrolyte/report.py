"""The table and the record of the study."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diffneq.options.electrolyte import ElectrolyteOptions
from diffneq.response.conductivity import Arrhenius
from diffneq.statistics import Estimate
from diffneq.studies.electrolyte.analysis import AtTemperature, Current, in_picoseconds
from diffneq.studies.electrolyte.material import Material
from diffneq.studies.electrolyte.runs import amperes

_FRAME = {
    "formal charges": "current of the formal charges of all ions: total momentum zero, the same in every frame",
    "carriers": "current of the mobile ions in the frame of the framework's centre of mass",
}


@dataclass(frozen=True)
class Report:
    """What was found: one `AtTemperature` for each, Arrhenius fits by name, `notes`, `pictures`, `trajectories`."""

    options: ElectrolyteOptions
    material: Material
    temperatures: list[AtTemperature]
    arrhenius: dict[str, Arrhenius]
    notes: tuple[str, ...]
    provenance: dict[str, Any]
    pictures: list[Path] = field(default_factory=list)
    trajectories: list[Path] = field(default_factory=list)

    def table(self) -> str:
        """Everything in lines for people."""
        o = self.options
        lines = [
            self.material.description,
            f"{_FRAME[o.coupling]}; Gaussian thermostat on velocities relative to the mean of each species, no part of "
            "any resistance",
            f"{o.replicas} replicas of {o.time:g} ps, dt = {o.time_step:g} fs; S/m; errors are one standard error",
        ]
        for found in self.temperatures:
            lines += ["", f"T = {found.temperature:g} K (kinetic {found.kinetic_temperature:.0f} K)", *_rows(found)]
        for name, fit in self.arrhenius.items():
            lines += ["", f"Arrhenius, {name}: E_a = {fit.activation_energy}"]
            if fit.curvature is not None:
                z = fit.curvature.value / fit.curvature.error
                lines.append(f"  curvature of ln(sigma T) in 1/k_B T  {fit.curvature}   ({z:+.1f} standard errors)")
            lines += [f"  note: {text}" for text in fit.activation_energy.warnings]
        lines += [f"note: {text}" for text in self.notes]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "material": self.material.description,
            "frame": _FRAME[self.options.coupling],
            "options": self.options.to_dict(),
            "temperatures": [_record(found) for found in self.temperatures],
            "arrhenius": {name: _fit_record(fit) for name, fit in self.arrhenius.items()},
            "notes": list(self.notes),
            "provenance": self.provenance,
            "pictures": [str(path) for path in self.pictures],
            "trajectories": [str(path) for path in self.trajectories],
        }


def _rows(found: AtTemperature) -> list[str]:
    routes = {
        "equilibrium, Einstein-Helfand": found.einstein_helfand,
        "equilibrium, Green-Kubo": found.green_kubo,
        "constant field": found.constant_field,
        "constant current, limit of none": found.sigma,
        "Nernst-Einstein": found.nernst_einstein,
        "Haven ratio": found.haven_ratio,
    }
    lines = [f"  {name:34s} {_show(one)}" for name, one in routes.items() if one is not None]
    lines += [f"  {f'D of {name}':34s} {_show(d)}" for name, d in found.diffusion.items()]
    if found.einstein_helfand is not None:
        lag = in_picoseconds(float(found.einstein_helfand.diagnostics["lag"]))
        law = found.predicted_equilibrium_error
        lines.append(f"  {'time to the diffusive regime':34s} {lag:.3g} ps")
        if law is not None:
            seen = found.einstein_helfand.error / found.einstein_helfand.value
            lines.append(f"  {'error of Einstein-Helfand':34s} {100 * seen:.1f} %, by the law {100 * law:.1f} %")
    lines += [line for current in found.currents for line in _current_rows(current)]
    if found.limit is not None and found.limit.curvature is not None:
        lines.append(f"  {'test of linearity':34s} p = {found.limit.linear_p_value:.2g}")
    if found.plan is not None:
        lines.append(f"  plan: {_planned(found)}")
    if found.framework_displacement is not None:
        lines.append(f"  {'farthest of the framework':34s} {found.framework_displacement:.2f} A")
    every = [one for one in routes.values() if one is not None]
    doubts = dict.fromkeys(text for one in every for text in one.warnings)
    return lines + [f"  note: {text}" for text in (*doubts, *found.notes)]


def _planned(found: AtTemperature) -> str:
    plan = found.plan
    assert plan is not None
    weak, strong = (amperes(j) for j in plan.currents)
    times = [in_picoseconds(t) for t in plan.times]
    return (
        f"{100 * plan.relative_error:.2g} % of the limit needs j = {weak:.3g} A/cm^2 for {times[0]:.3g} ps and "
        f"{strong:.3g} for {times[1]:.3g} ps (field {plan.field:.3g} V/A, bounded by {plan.limited_by}); "
        f"predicted speed-up {plan.predicted_speed_up:.3g}"
    )


def _current_rows(current: Current) -> list[str]:
    seen = 100 * current.sigma.error / abs(current.sigma.value)
    lines = [
        f"  {f'j = {current.density:.3g} A/cm^2':34s} {_show(current.sigma)}   E = {current.field}; "
        f"error {seen:.1f} %, by the law {100 * current.predicted_error:.1f} %"
    ]
    if current.speed_up is not None and current.predicted_speed_up is not None:
        formula = f"formula {current.predicted_speed_up:.3g}"
        lines.append(f"  {'  speed-up over equilibrium':34s} {current.speed_up}   {formula}")
    return lines


def _show(estimate: Estimate) -> str:
    return f"{estimate}{' (!)' if estimate.warnings else ''}"


def _optional(estimate: Estimate | None) -> dict | None:
    return None if estimate is None else estimate.to_dict()


def _record(found: AtTemperature) -> dict[str, Any]:
    names = ("einstein_helfand", "green_kubo", "constant_field", "nernst_einstein", "haven_ratio")
    return {
        "temperature": found.temperature,
        **{name: _optional(getattr(found, name)) for name in names},
        "constant_current": _optional(found.sigma),
        "curvature_in_current": _optional(None if found.limit is None else found.limit.curvature),
        "linear_p_value": None if found.limit is None else found.limit.linear_p_value,
        "diffusion": {name: d.to_dict() for name, d in found.diffusion.items()},
        "currents": [
            {
                "density": c.density, "sigma": c.sigma.to_dict(), "field": c.field.to_dict(),
                "predicted_error": c.predicted_error, "speed_up": _optional(c.speed_up),
                "predicted_speed_up": c.predicted_speed_up,
            }
            for c in found.currents
        ],
        "predicted_equilibrium_error": found.predicted_equilibrium_error,
        "kinetic_temperature": found.kinetic_temperature,
        "framework_displacement": found.framework_displacement,
        "notes": list(found.notes),
    }  # fmt: skip


def _fit_record(fit: Arrhenius) -> dict[str, Any]:
    return {"activation_energy": fit.activation_energy.to_dict(), "curvature": _optional(fit.curvature)}
