"""`derivative`: one method, one number; `compare`: several, against the time horizon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jax import Array

from diffneq.response.derivatives.curve import ResponseCurve
from diffneq.response.derivatives.ensemble import Ensemble, sample
from diffneq.response.derivatives.methods import METHODS, check_method, choose, refusal
from diffneq.response.derivatives.problem import Problem
from diffneq.statistics import Estimate


def derivative(
    model: Any,
    dynamics: Any,
    drive: Any = None,
    *,
    observable,
    parameter: str,
    time: float,
    key: Array,
    method: str = "auto",
    since: float | None = None,
    replicas: int = 64,
    snapshots: int = 4,
    record_every: int | None = None,
    equilibration: float | None = None,
    spacing: float | None = None,
    start: Any = None,
    unit: str = "",
    progress: bool = True,
    **options: Any,
) -> Estimate:
    """d<A(t)>/d(theta), t = `time` after theta is changed; past the relaxation time, that of the steady state.

    Arguments:
        model, dynamics, drive: the reference, as in `simulate`.
        observable: name of what the model records at every step ("current"), or A(model, state) -> scalar.
        parameter: path of theta: "drive.amplitude", "model.law.stiffness", "dynamics.temperature", ...
        time: horizon [t]; a few relaxation times.
        key: of all noise.
        method: a key of `METHODS`, or "auto".
        since: mean over t >= since [t] instead of the last record.
        replicas, snapshots: independent runs, and daughters started from each; errors are the scatter of replicas.
        record_every: steps in a record, default a fiftieth of `time`.
        equilibration, spacing: of the reference [t]; default twice, and once, `time`.
        start: of the reference, as in `simulate`.
        unit: label of the result.
        options: of the method, such as change=0.05 for "coupled" and "transient_time_correlation".

    Returns:
        `Estimate` with the method's diagnostics, among them "curve": time, value and error of R(t).

    Raises:
        ValueError: where the method does not apply, with the reason and what to use instead.

    >>> import jax, diffneq
    >>> from diffneq.models import EnergyModel
    >>> free = EnergyModel(lambda R: 0.0 * R.sum(), (10.0,), (1,), charge=1.0)  # <v> = E/(m g) in the end
    >>> langevin = diffneq.dynamics.Langevin(0.05, temperature=1.0, damping_rate=1.0)
    >>> mobility = derivative(free, langevin, diffneq.drives.Constant(0.0), observable="current", time=10.0,
    ...                       parameter="drive.amplitude", key=jax.random.key(0), method="tangent", progress=False)
    >>> round(mobility.value, 3)
    1.0
    """
    problem = Problem(model, dynamics, drive, observable, parameter, time, record_every, unit)
    function = None if method == "auto" else check_method(method)
    more = {"equilibration": equilibration, "spacing": spacing, "start": start, "progress": progress}
    ensemble = sample(problem, key, replicas=replicas, snapshots=snapshots, **more)
    function = METHODS[choose(ensemble)] if function is None else function
    curve = function(ensemble, **options)
    sentence = refusal(curve)
    if sentence is not None:
        raise ValueError(sentence)
    return curve.at(since)


@dataclass(frozen=True)
class Comparison:
    """Curves of several methods for one question.

    Arguments:
        curves: name -> `ResponseCurve`.
        refused: name -> why the method does not apply, or why the end of its curve is no result.
    """

    problem: Problem
    curves: Mapping[str, ResponseCurve]
    refused: Mapping[str, str]

    def estimates(self, since: float | None = None) -> dict[str, Estimate]:
        """Of every method that was not refused."""
        return {name: curve.at(since) for name, curve in self.curves.items() if name not in self.refused}

    def table(self, since: float | None = None) -> str:
        """One line a method: the value, its error, what to know about it."""
        lines = [f"{self.problem.name}, t = {self.problem.time:g}"]
        for name, estimate in self.estimates(since).items():
            notes = "; ".join((*_remarks(estimate), *estimate.warnings))
            lines.append(f"  {name:28s} {estimate!s:18s} {notes}".rstrip())
        lines += [f"  {name:28s} refused: {why}" for name, why in self.refused.items()]
        return "\n".join(lines)

    def dataset(self):
        """`xarray.Dataset` with value and error of each method over (method, time)."""
        import xarray

        long = {name: curve for name, curve in self.curves.items() if len(curve.time) == self.problem.records}
        stacked = lambda what: np.stack([getattr(curve, what) for curve in long.values()])
        units = {"units": self.problem.unit}
        variables = {what: (("method", "time"), stacked(what), units) for what in ("value", "error")}
        coordinates = {"method": list(long), "time": ("time", self.problem.times, {"units": "t"})}
        attributes = {"name": self.problem.name, "refused": " ".join(f"{n}: {w}" for n, w in self.refused.items())}
        return xarray.Dataset(variables, coordinates, attributes)

    def figure(self, reference: float | None = None):
        """R(t) of every method with its band of one standard error; see `plotting.derivatives.comparison`."""
        from diffneq.plotting.derivatives import comparison

        curves = {name: (c.time, c.value, c.error) for name, c in self.curves.items()}
        horizons = {n: c.diagnostics["horizon"] for n, c in self.curves.items() if "horizon" in c.diagnostics}
        return comparison(curves, self.problem.name, horizons=horizons, reference=reference, unit=self.problem.unit)


def _remarks(estimate: Estimate) -> list[str]:
    known = {
        "change": "change {:.3g}",
        "decoupling_time": "decouples at t = {:.3g}",
        "growth_rate": "grows as exp({:.3g} t)",
        "effective_sample_size": "effective samples {:.0f}",
    }
    return [text.format(estimate.diagnostics[name]) for name, text in known.items() if name in estimate.diagnostics]


def compare(
    ensemble: Ensemble, methods: Sequence[str] | None = None, options: Mapping[str, Mapping] | None = None
) -> Comparison:
    """Run several methods from the same states.

    Arguments:
        ensemble: of `sample(Problem(...), key)`.
        methods: names, default all; those that do not apply are listed with the reason.
        options: name -> keywords of that method.
    """
    names = list(METHODS) if methods is None else list(methods)
    functions = {name: check_method(name) for name in names}
    curves, refused = {}, {}
    for name, function in functions.items():
        try:
            curves[name] = function(ensemble, **(options or {}).get(name, {}))
        except ValueError as error:
            refused[name] = str(error)
            continue
        sentence = refusal(curves[name])
        if sentence is not None:
            refused[name] = sentence
    return Comparison(ensemble.problem, curves, refused)
