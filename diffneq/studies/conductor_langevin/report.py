"""The table and the record: where the plain Langevin equation holds, where it fails, what mends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diffneq.plotting.conductor_langevin import langevin_candidates
from diffneq.statistics import Estimate
from diffneq.studies.conductor_langevin.analysis import Measured, View
from diffneq.studies.conductor_langevin.models import PLAIN
from diffneq.studies.conductor_langevin.records import Plan, Record
from diffneq.studies.conductor_langevin.two_rates import correlation


@dataclass(frozen=True)
class Report:
    """What was found: `records` and `measured` by field, `views` by (field, interval)."""

    plan: Plan
    records: dict[float, Record]
    measured: dict[float, Measured]
    views: dict[tuple[float, float], View] = field(default_factory=dict)

    def table(self) -> str:
        """Everything in lines for people."""
        plan, counts = self.plan, self.plan.model().counts
        lines = [f"Drift velocity of {counts[0]} electrons, {counts[1]} phonons, {counts[2]} impurities, preset "
                 f"{plan.preset}; {plan.replicas} runs of {plan.time:g}"]  # fmt: skip
        for e, found in self.measured.items():
            here = self.records[e]
            lines.append(f"E = {e:g}: <V> {found.mean}   M Var V {found.temperature}   skewness {found.skewness}   "
                         f"T_e {here.electron_temperature:.3f}   T_p {here.phonon_temperature:.3f}")  # fmt: skip
        for (e, dt), view in self.views.items():
            lines.append(f"E = {e:g}, read every {dt:g}: {view.verdict()}")
            lines.append(f"  {'':30s}{'gain [nats/t]':>20s}{'white: p':>12s}{'skewness':>14s}{'excess':>14s}")
            for name in view.selection.held_out:
                gain = "" if name == PLAIN else str(Estimate(view.gain(name).value, view.gain(name).error))
                p = view.whiteness[name].diagnostics["p_value"]
                lines.append(f"  {name:30s}{gain:>20s}{p:12.2g}{view.skewness[name]!s:>14}{view.excess[name]!s:>14}")
            for name in (PLAIN, *view.better()[:1]):
                shown = (f"{key} {value}" for key, value in view.selection.fits[name].parameters.items())
                lines.append(f"    {name}: " + "  ".join(shown))
        return "\n".join(lines)

    def figure(self):
        """Autocorrelation with the laws fitted at the shortest interval, gains in prediction; a row for each field."""
        rows = []
        for e, found in self.measured.items():
            views = {dt: view for (field_, dt), view in self.views.items() if field_ == e}
            shortest = views[min(views)]
            laws = {name: self._law(shortest, name, found.lag) for name in shortest.selection.fits}
            gains = {f"read every {dt:g}": self._gains(view) for dt, view in views.items()}
            curves = {name: law for name, law in laws.items() if law is not None}
            rows.append((f"E = {e:g}", (found.lag, found.correlation, found.error), curves, gains))
        return langevin_candidates(rows)

    def _gains(self, view: View) -> dict[str, tuple[float, float]]:
        gains = {name: view.gain(name) for name in view.selection.fits if name != PLAIN}
        return {name: (gain.value, gain.error) for name, gain in gains.items()}

    def _law(self, view: View, name: str, lag):
        """The autocorrelation of the plain equation and of linear models; others are not linear."""
        model = view.selection.fits[name].model
        if name == PLAIN:
            return np.exp(-float(model.friction[0]) / float(model.mass) * lag)
        return correlation(model, lag) if name in ("coloured noise", "two rates") else None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "plan": dict(vars(self.plan)),
            "measured": [
                {"field": e, "mean": m.mean.to_dict(), "temperature": m.temperature.to_dict(),
                 "skewness": m.skewness.to_dict(), "lag": m.lag.tolist(), "correlation": m.correlation.tolist(),
                 "correlation_error": m.error.tolist()}
                for e, m in self.measured.items()
            ],
            "views": [_view(view) for view in self.views.values()],
        }  # fmt: skip


def _view(view: View) -> dict[str, Any]:
    models = {
        name: {
            "gain": None if name == PLAIN else view.gain(name).to_dict(),
            "whiteness": view.whiteness[name].to_dict(),
            "skewness": view.skewness[name].to_dict(),
            "excess": view.excess[name].to_dict(),
            "fit": fit.to_dict(),
        }
        for name, fit in view.selection.fits.items()
    }
    return {"field": view.field, "interval": view.dt, "verdict": view.verdict(), "models": models}
