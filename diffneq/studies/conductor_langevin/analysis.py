"""Which Langevin equation predicts the next reading of the current, and what each leaves unexplained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diffneq.inference import KramersMoyal, Selection, kramers_moyal, select, time_series
from diffneq.inference.residuals import residuals, whiteness
from diffneq.statistics import Estimate, autocovariance
from diffneq.studies.conductor_langevin.models import PLAIN, candidates
from diffneq.studies.conductor_langevin.records import Record

_SURE = 4.0  # standard errors
_WHITE = 1e-3
_LAGS = 20


@dataclass(frozen=True)
class View:
    """One record looked at every `dt`.

    Arguments: `selection`, fits and held-out likelihoods; `whiteness`, name -> Box-Pierce Q of the residuals with its
    p-value; `skewness`, `excess`, name -> third and fourth cumulant of the standardised residuals, which are zero for
    a diffusion watched at short times.
    """

    field: float
    dt: float
    selection: Selection
    whiteness: dict[str, Estimate]
    skewness: dict[str, Estimate]
    excess: dict[str, Estimate]

    def gain(self, name: str) -> Estimate:
        """Held-out log likelihood of a model over that of the plain Langevin equation [nats/t]."""
        return self.selection.advantage(PLAIN, over=name)

    def better(self) -> list[str]:
        """Models that predict better than the plain one by four standard errors, the best first."""
        sure = {name: self.gain(name) for name in self.selection.held_out if name != PLAIN}
        kept = [name for name, gain in sure.items() if gain.value > _SURE * gain.error]
        return sorted(kept, key=lambda name: -sure[name].value)

    def faults(self, name: str) -> list[str]:
        """What a model leaves: memory in its residuals, noise that is not Gaussian."""
        found = []
        if self.whiteness[name].diagnostics["p_value"] < _WHITE:
            found.append("memory")
        for what, value in (("skew noise", self.skewness[name]), ("heavy tails", self.excess[name])):
            if abs(value.value) > _SURE * value.error:
                found.append(what)
        return found

    def verdict(self) -> str:
        """Whether the plain equation holds, and what mends it."""
        faults, better = self.faults(PLAIN), self.better()
        if not faults and not better:
            return "the plain Langevin equation holds"
        best = better[0] if better else None
        text = f"the plain Langevin equation fails ({', '.join(faults) or 'prediction'})"
        if best is None:
            return f"{text}; no candidate predicts better"
        rest = self.faults(best)
        return f"{text}; best mended by {best}" + (f", which leaves {', '.join(rest)}" if rest else "")


def view(record: Record, thinning: int, names: tuple[str, ...] | None = None) -> View:
    """Fit on three quarters of the replicas, predict the rest; residuals of all."""
    values, dt = record.values[:, ::thinning], record.interval * thinning
    selection = select(candidates(record, names), values, dt, blocks=len(values))
    series = time_series(values, dt)
    left = {name: residuals(found.model, series) for name, found in selection.fits.items()}
    return View(
        record.field,
        dt,
        selection,
        {name: whiteness(x, _LAGS)[2] for name, x in left.items()},
        {name: _cumulant(x, 3) for name, x in left.items()},
        {name: _cumulant(x, 4) for name, x in left.items()},
    )


def _cumulant(left: np.ndarray, order: int) -> Estimate:
    """Third or fourth cumulant of standardised residuals (B, L), its error from the scatter of the blocks."""
    x = (left - left.mean()) / left.std()
    each = np.mean(x**order, axis=1) - (3.0 if order == 4 else 0.0)
    error = float(np.std(each, ddof=1) / np.sqrt(len(each)))
    return Estimate(float(each.mean()), error, "", f"cumulant {order}", "scatter of blocks")


@dataclass(frozen=True)
class Measured:
    """What needs no model: the autocorrelation of V, and its moments.

    Arguments: `lag`, `correlation` <dV(t) dV(0)>/<dV^2> and its `error`, (n,); `mean` of V; `temperature` M Var V;
    `skewness` of V; `moments`, Kramers-Moyal at the shortest interval.
    """

    lag: np.ndarray
    correlation: np.ndarray
    error: np.ndarray
    mean: Estimate
    temperature: Estimate
    skewness: Estimate
    moments: KramersMoyal


def measure(record: Record, longest: float = 25.0) -> Measured:
    """Autocorrelation, moments of V, Kramers-Moyal moments, each with errors from the scatter of replicas."""
    x = record.values - record.values.mean()
    lags = min(x.shape[1] // 4, round(longest / record.interval))
    each = autocovariance(x, lags)
    scatter = lambda values: np.std(values, axis=0, ddof=1) / np.sqrt(len(values))
    variance = each[:, 0].mean()
    correlation = each.mean(0) / variance
    error = scatter(each / variance - correlation * each[:, :1] / variance)
    of = lambda values, name: Estimate(values.mean(), scatter(values), "", name, "scatter of replicas")
    return Measured(
        np.arange(lags) * record.interval,
        correlation,
        error,
        of(record.values.mean(1), "drift velocity"),
        of(record.mass * (x**2).mean(1), "M Var V"),
        of((x**3).mean(1) / variance**1.5, "skewness of V"),
        kramers_moyal(record.values, record.interval, bins=12),
    )
