"""The report of the study: one table for people, one dictionary for programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diffneq.statistics import Estimate
from diffneq.studies.conductor.analysis import Alternating, Equilibrium, SizeDependence, SteadyState
from diffneq.studies.conductor.plan import Plan


@dataclass(frozen=True)
class Report:
    """What the study found.

    Fields: `plan`, `equilibrium`, `steady`, `alternating`, `sizes` (None where no sizes were asked for), `pictures`
    (paths), `provenance`, `warnings`.
    """

    plan: Plan
    equilibrium: Equilibrium
    steady: SteadyState
    alternating: Alternating
    sizes: SizeDependence | None
    pictures: list[Path] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Section, quantity, value, and what it should be."""
        return [*self._equilibrium(), *self._steady(), *self._conductivity(), *self._alternating(), *self._sizes()]

    def _equilibrium(self):
        here, kT = self.equilibrium, f"{self.plan.temperature:g}"
        tails = here.tails
        rows = [
            ("equilibrium", "electron temperature", _show(here.electron_temperature), kT),
            ("", "phonon temperature", _show(here.phonon_temperature), kT),
            ("", "<J^2> m/(N_e e^2 k_B T)", _show(here.current_variance), "1"),
        ]
        if tails is not None:
            rows += [
                ("", "tail of <J(t) J(0)>, least AIC", tails.preferred, "no +1/t"),
                ("", "likelihood of +1/t relative to it", f"{tails.relative_likelihood('1/t'):.2g}", "small"),
            ]
        return rows

    def _steady(self):
        here = self.steady
        rows = [("steady state", "drift of the current", _show(here.drift), "0")]
        rows += [("", "heat to the bath/Joule power", _show(here.balance), "1")]
        for e, j, hot in zip(here.field, here.current_density, here.electron_temperature, strict=True):
            if e > 0:
                share = Estimate(j.value / e, j.error / e, j.unit)
                rows.append(("", f"j/E at E = {e:g}  (T_e = {hot.value:.3f})", _show(share), ""))
        rows.append(
            (
                "",
                "chi^2 of j(E) + j(-E) = 0",
                f"{here.ohm.odd_chi2:.1f}",
                f"{here.ohm.odd_pairs} +- {(2 * here.ohm.odd_pairs) ** 0.5:.1f}",
            )
        )
        return rows

    def _conductivity(self):
        gk = self.equilibrium.conductivity
        rows = [("conductivity", "constant field, E -> 0", _show(self.steady.ohm.sigma), "")]
        if self.steady.ohm.sigma_3 is not None:
            rows.append(("", "sigma_3 in j = sigma E + sigma_3 E^3", _show(self.steady.ohm.sigma_3), ""))
        rows += [("", f"Green-Kubo, {name}", _show(gk[name]), "") for name in gk]
        rows.append(("", "multisine, w -> 0", _show(self.alternating.conductivity), ""))
        return rows

    def _alternating(self):
        here = self.alternating
        k = len(here.response.frequency)
        imag, real, noise = here.predicted_imaginary, here.predicted_real, here.noise
        span = f"{here.response.frequency.min():.3f} to {here.response.frequency.max():.2f}"
        return [
            ("admittance", "angular frequencies", f"{k}, {span}", ""),
            ("", "electron temperature under the drive", _show(here.electron_temperature), "near 1"),
            ("", "f-sum m/(n_e e^2)", _show(here.sum_rule), "1"),
            ("", "Kramers-Kronig, Im from Re: chi^2/n", f"{imag.chi2 / imag.dof:.2f}", "1"),
            ("", "Kramers-Kronig, Re from Im: chi^2/n", f"{real.chi2 / real.dof:.2f}", "1"),
            ("Johnson-Nyquist", "g_I/(2 k_B T Re Y), all w", _show(noise.ratio), "1"),
            ("", "chi^2 per frequency", f"{noise.chi2_per_frequency:.2f}", "1"),
        ]

    def _sizes(self):
        here = self.sizes
        if here is None:
            return []
        rows = []
        for number, sigma in zip(here.electrons, here.conductivity, strict=True):
            rows.append(
                ("size" if not rows else "", f"j/E at E = {self.plan.size_field:g}, N_e = {number}", _show(sigma), "")
            )
        rows.append(("", "slope of sigma against 1/L", _show(here.slope), "0"))
        return rows

    def table(self) -> str:
        """The table that the command prints."""
        lines = [("", "quantity", "value", "expected"), *self.rows()]
        widths = [max(len(line[i]) for line in lines) for i in range(4)]
        text = ["  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines]
        text.insert(1, "-" * max(map(len, text)))
        notes = [f"note: {w}" for w in self.warnings]
        return "\n".join([self._title(), "", *text, *notes])

    def _title(self) -> str:
        plan, counts = self.plan, self.plan.model().counts
        return (
            f"Conductor, preset {plan.preset}, {plan.variant}: {counts[0]} electrons, {counts[1]} phonons, "
            f"{counts[2]} impurities, dt = {plan.dt:g}; units m = e = R = k_B T_0 = 1, errors are one standard error"
        )

    def to_dict(self) -> dict[str, Any]:
        """The same numbers with errors and units, ready for JSON."""
        here = self.alternating
        steady = [
            {"field": e, "current_density": j.to_dict(), "work": w.to_dict(), "heat": q.to_dict()}
            for e, j, w, q in zip(
                self.steady.field, self.steady.current_density, self.steady.work, self.steady.heat, strict=True
            )
        ]
        out = {
            "plan": {name: getattr(self.plan, name) for name in self.plan.__dataclass_fields__},
            "units": {"mass": "m_e", "charge": "e", "length": "R", "energy": "k_B T_0", "conductivity": "e^2 t/m"},
            "equilibrium": {
                "electron_temperature": self.equilibrium.electron_temperature.to_dict(),
                "phonon_temperature": self.equilibrium.phonon_temperature.to_dict(),
                "current_variance_ratio": self.equilibrium.current_variance.to_dict(),
            },
            "conductivity": {
                "constant_field": self.steady.ohm.sigma.to_dict(),
                **{f"green_kubo_{k}": v.to_dict() for k, v in self.equilibrium.conductivity.items()},
                "multisine": here.conductivity.to_dict(),
            },
            "steady_state": {
                "fields": steady,
                "balance": self.steady.balance.to_dict(),
                "drift": self.steady.drift.to_dict(),
            },
            "admittance": _admittance(here),
            "johnson_nyquist": {
                "ratio": here.noise.ratio.to_dict(),
                "chi2_per_frequency": here.noise.chi2_per_frequency,
                "noise": here.noise.noise, "noise_error": here.noise.noise_error,
                "dissipation": here.noise.dissipation, "dissipation_error": here.noise.dissipation_error,
            },
            "pictures": [str(p) for p in self.pictures],
            "provenance": self.provenance,
            "warnings": self.warnings,
        }  # fmt: skip
        if self.steady.ohm.sigma_3 is not None:
            out["conductivity"]["sigma_3"] = self.steady.ohm.sigma_3.to_dict()
        if self.sizes is not None:
            out["sizes"] = {
                "electrons": self.sizes.electrons,
                "conductivity": [s.to_dict() for s in self.sizes.conductivity],
                "slope": self.sizes.slope.to_dict(),
            }
        return out


def _admittance(here: Alternating) -> dict[str, Any]:
    response = here.response
    return {
        "angular_frequency": response.frequency,
        "real": response.admittance.real,
        "real_error": response.error_real * response.shape_factor,
        "imaginary": response.admittance.imag,
        "imaginary_error": response.error_imag * response.shape_factor,
        "f_sum_ratio": here.sum_rule.to_dict(),
        "kramers_kronig_chi2": {
            "imaginary_from_real": here.predicted_imaginary.chi2,
            "real_from_imaginary": here.predicted_real.chi2,
            "frequencies": len(response.frequency),
        },
    }


def _show(estimate: Estimate) -> str:
    mark = " (!)" if estimate.warnings else ""
    return f"{estimate}{mark}"
