"""The report of the study: one table for people, one dictionary for programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from diffneq.statistics import Estimate
from diffneq.studies.driven_conductor.local_equilibrium import FAR, LocalEquilibrium, WallProfiles, onset
from diffneq.studies.driven_conductor.plan import Plan
from diffneq.studies.driven_conductor.response import DrivenResponse

LEVEL = 0.05  # a departure from local equilibrium that counts


@dataclass(frozen=True)
class Report:
    """What the study found: `responses` by field, `ladder` of `LocalEquilibrium` by field, `walls`, `pictures`."""

    plan: Plan
    responses: dict[float, DrivenResponse]
    ladder: dict[float, LocalEquilibrium]
    walls: WallProfiles | None
    pictures: list[Path] = field(default_factory=list)

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Section, quantity, value, and what it should be."""
        rows = [row for e in self.responses for row in self._response(e)]
        return [*rows, *self._ladder(), *self._onsets()]

    def _response(self, e: float):
        here, n = self.responses[e], self.responses[e].weight
        scaled = lambda x: _show(Estimate(x.value / n, x.error / n))
        noise, fit = here.noise, here.agreement
        parts = (("imaginary", here.imaginary), ("real", here.real))
        return [
            (f"E = {e:g}", "sigma(0), differential", _show(here.static), ""),
            ("", "phi(0+) m/(n e^2), extrapolated", scaled(here.initial[0]), "1"),
            ("", "f-sum m/(n e^2), probe", _show(here.f_sum), "1"),
            ("", "first moment m/(n e^2)", scaled(here.initial[1]), "0"),
            ("", "second moment m/(n e^2)", scaled(here.second_moment), f"{scaled(here.curvature)} (curvature)"),
            ("", "   difference in standard errors", f"{here.second_moment.z_score(here.curvature):+.1f}", "0"),
            *(("", f"Kramers-Kronig, {name}: chi^2/n", f"{x.chi2 / x.dof:.2f}", "1") for name, x in parts),
            ("", "sigma(w), pulses and probe: chi^2/n", f"{fit.chi2 / fit.dof:.2f}", "1"),
            ("", "g_I/(2 k_B T Re Y), integrals", _show(noise.violation), "1 at E = 0"),
            ("", "   chi^2 per frequency", f"{noise.chi2 / len(noise.frequency):.2f}", "1 at E = 0"),
            ("", "collective temperature <dJ^2> m/(N e^2)", _show(here.collective), "T at E = 0"),
            ("", "kinetic temperature along E", _show(here.kinetic), "T at E = 0"),
        ]

    def _ladder(self):
        rows = []
        for e, here in self.ladder.items():
            tail, warm = here.tails[FAR], (here.phonon, here.along.temperature, here.across.temperature)
            text = "  ".join(_show(x) for x in (*warm, tail))
            rows.append(("" if rows else "temperatures", f"E = {e:g}: phonons  T_x  T_y  T_tail", text, "T at E = 0"))
        settling = {f"E = {e:g}": x.settling for e, x in self.ladder.items()}
        if self.walls is not None:
            settling[f"between walls, E = {self.walls.field:g}"] = self.walls.settling
        for k, (name, value) in enumerate(settling.items()):
            rows.append(("second half less first" if k == 0 else "", f"T, {name}", _show(value), "0"))
        for e, here in self.ladder.items():
            for name, value in here.departures().items():
                rows.append((f"departures, E = {e:g}" if name.startswith("T_y/T_p") else "", name, _show(value), "0"))
        return rows

    def _onsets(self):
        fields = list(self.ladder)
        found = {name: [x.departures()[name] for x in self.ladder.values()] for name in self._names()}
        rows = []
        for name, values in found.items():
            at = onset(fields, values, LEVEL)
            text = "outside the ladder" if np.isnan(at) else f"E = {at:.3f}"
            rows.append(("" if rows else f"departure of {LEVEL:.0%} at", name, text, ""))
        return rows

    def _names(self) -> list[str]:
        return list(next(iter(self.ladder.values())).departures())

    def table(self) -> str:
        """The numbers as a table."""
        lines = [("", "quantity", "value", "expected"), *self.rows()]
        widths = [max(len(line[i]) for line in lines) for i in range(4)]
        text = ["  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines]
        text.insert(1, "-" * max(map(len, text)))
        counts = self.plan.model().counts
        title = (
            f"Driven conductor, preset {self.plan.preset}: {counts[0]} electrons, {counts[1]} phonons, {counts[2]} "
            "impurities; units m = e = R = k_B T_0 = 1, errors are one standard error"
        )
        return "\n".join([title, "", *text])

    def to_dict(self) -> dict[str, Any]:
        """The same numbers with errors and units, ready for JSON."""
        plan = {name: getattr(self.plan, name) for name in self.plan.__dataclass_fields__}
        return {
            "plan": plan,
            "responses": [_response(x) for x in self.responses.values()],
            "local_equilibrium": [_velocities(x) for x in self.ladder.values()],
            "walls": None if self.walls is None else {**vars(self.walls), "settling": self.walls.settling.to_dict()},
            "pictures": [str(p) for p in self.pictures],
        }


def _response(here: DrivenResponse) -> dict[str, Any]:
    return {
        "field": here.field,
        "weight": here.weight,
        "conductivity": here.static.to_dict(),
        "f_sum_ratio": here.f_sum.to_dict(),
        "initial_derivatives": [x.to_dict() for x in here.initial],
        "curvature": here.curvature.to_dict(),
        "angular_frequency": here.probe.frequency,
        "sigma_real": here.probe.sigma.real, "sigma_real_error": here.probe.error_real,
        "sigma_imaginary": here.probe.sigma.imag, "sigma_imaginary_error": here.probe.error_imag,
        "kramers_kronig_chi2": [here.imaginary.chi2, here.real.chi2],
        "pulse_against_probe_chi2": here.agreement.chi2,
        "effective_temperature": here.noise.temperature, "effective_temperature_error": here.noise.error,
        "fluctuation_dissipation_ratio": here.noise.violation.to_dict(),
        "collective_temperature": here.collective.to_dict(),
        "kinetic_temperature": here.kinetic.to_dict(),
    }  # fmt: skip


def _velocities(here: LocalEquilibrium) -> dict[str, Any]:
    return {
        "field": here.field,
        "drift": here.along.drift.to_dict(),
        "temperature_along": here.along.temperature.to_dict(),
        "temperature_across": here.across.temperature.to_dict(),
        "phonon_temperature": here.phonon.to_dict(),
        "tail_temperatures": {f"{c:g}": x.to_dict() for c, x in here.tails.items()},
        "departures": {name: x.to_dict() for name, x in here.departures().items()},
    }


def _show(estimate: Estimate) -> str:
    return f"{estimate}{' (!)' if estimate.warnings else ''}"
