"""What is asked of the conductor: sigma at vanishing field, j(E) from tiny fields to strong ones, d ln sigma/d ln x."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

import equinox as eqx
import jax
import numpy as np
from tqdm import tqdm

from diffneq.drives import Constant
from diffneq.models import Conductor
from diffneq.options import ResponseOptions
from diffneq.response.derivatives import METHODS, Comparison, Ensemble, Problem, compare, sample
from diffneq.simulation.loop import simulate
from diffneq.statistics import Estimate, mean

UNIT = "e^2 t/m"
# A field at which the driven runs are still linear and well above their noise.
_WEAK_FIELD = 0.03
_FIELDS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1.0)
_DIRECT = (0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
_RELATIVE_CHANGE = 0.25


def conductor(options: ResponseOptions) -> Conductor:
    """The system of all questions."""
    return Conductor.preset(options.preset, electrons=options.electrons, temperature=options.temperature)


def current_density(model, state):
    """j = sum e v_x/A."""
    return model.every_step(state)["current"] / model.area


def problem_of(model: Conductor, options: ResponseOptions) -> Problem:
    """d<j>/dE of the undriven conductor."""
    every = max(1, round(0.2 / model.suggested_dt))
    drive = Constant(0.0)
    return Problem(model, model.dynamics(), drive, current_density, "drive.amplitude", options.horizon, every, UNIT)


def _sampled(model: Conductor, options: ResponseOptions, number: int) -> Ensemble:
    return sample(
        problem_of(model, options),
        jax.random.key(16 * options.seed + number),
        replicas=options.replicas,
        snapshots=options.snapshots,
        equilibration=100.0,
        progress=options.progress,
    )


def conductivity(options: ResponseOptions) -> tuple[Ensemble, Comparison]:
    """sigma = d<j>/dE at E = 0 by every method; those that do not apply say why."""
    ensemble = _sampled(conductor(options), options, 0)
    pathwise = replace(ensemble, states=ensemble.states[:1])  # they are refused at this horizon: a look is enough
    names = list(METHODS) if options.methods is None else list(options.methods)
    few = [name for name in names if name in ("tangent", "adjoint")]
    many = [name for name in names if name not in few]
    found = [compare(ensemble, many, {"coupled": {"change": _WEAK_FIELD}}), compare(pathwise, few)]
    curves = {name: c for part in found for name, c in part.curves.items()}
    refused = {name: why for part in found for name, why in part.refused.items()}
    return ensemble, Comparison(ensemble.problem, curves, refused)


@dataclass(frozen=True)
class CurrentVoltage:
    """j(E)/E: `transient` and `direct` hold (field, value, error) rows; TTCF and steady driven runs."""

    transient: np.ndarray
    direct: np.ndarray
    header = "method(0=TTCF;1=steady run),field,conductivity,error"

    def rows(self) -> np.ndarray:
        """Both curves with the method in front."""
        return np.concatenate([np.insert(part, 0, k, axis=1) for k, part in enumerate((self.transient, self.direct))])


def current_voltage(options: ResponseOptions, ensemble: Ensemble) -> CurrentVoltage:
    """j(E)/E by TTCF at any field, joined to steady runs where the current stands out of its noise."""
    fields = _FIELDS if options.fields is None else options.fields
    quiet = replace(ensemble, progress=False)
    late = options.horizon * 2 / 3
    rows = []
    for field in _bar(fields, "transient time correlation", options):
        found = METHODS["transient_time_correlation"](quiet, change=field).at(late)
        rows.append((field, found.value, found.error))
    steady = []
    for field in _bar(_DIRECT, "steady runs", options):
        found = steady_conductivity(ensemble.problem.model, field, options, start=ensemble.states[-1])
        steady.append((field, found.value, found.error))
    return CurrentVoltage(np.array(rows), np.array(steady))


def steady_conductivity(model: Conductor, field: float, options: ResponseOptions, start=None, number: int = 1):
    """<j>/E of a steady state, from runs of ten horizons of which the first third is left out."""
    problem = problem_of(model, options)
    steps = round(10 * options.horizon / problem.interval) * problem.every
    keys = jax.random.split(jax.random.key(16 * options.seed + 7 + number), options.replicas)
    result = simulate(
        model, model.dynamics(), Constant(field), keys=keys, steps=steps, record_every=problem.every, record=(),
        start=start, progress=False,
    )  # fmt: skip
    good = result.status == 0
    values = result.records["current"][good][:, result.records["current"].shape[1] // 3 :]
    return mean(values / (float(model.area) * field), problem.interval, UNIT, f"j/E at E = {field:g}")


def changed(model: Conductor, name: str, factor: float) -> Conductor:
    """The conductor with one parameter multiplied; the number of impurities is rounded."""
    if name == "stiffness":
        return eqx.tree_at(lambda m: m.law.stiffness, model, model.law.stiffness * factor)
    if name == "temperature":
        return eqx.tree_at(lambda m: m.temperature, model, model.temperature * factor)
    electrons, phonons, impurities = model.counts
    counts = (electrons, phonons, max(1, round(impurities * factor)))
    return Conductor(
        model.law.stiffness, tuple(np.asarray(model.box.lengths)), counts, temperature=model.temperature,
        damping_rate=model.damping_rate, suggested_dt=model.suggested_dt,
    )  # fmt: skip


def parameter_dependence(options: ResponseOptions) -> dict[str, dict[str, Estimate]]:
    """d ln sigma/d ln x by central differences, from undriven fluctuations and, independently, from weakly driven runs.

    A field-independent parameter moves the equilibrium as well as its dynamics, and both count; reweighting alone
    would see the first.
    """
    model, out = conductor(options), {}
    for number, name in enumerate(("stiffness", "temperature", "impurities"), start=2):
        ends = []
        for factor in _bar((1 - _RELATIVE_CHANGE, 1 + _RELATIVE_CHANGE), name, options):
            here = changed(model, name, factor)
            ensemble = _sampled(here, replace(options, progress=False), number + (5 if factor > 1 else 0))
            still = METHODS["fluctuation_dissipation"](ensemble).at(options.horizon * 2 / 3)
            driven = steady_conductivity(here, _WEAK_FIELD, options, ensemble.states[-1], 2 * number + (factor > 1))
            true = here.counts[2] / model.counts[2] if name == "impurities" else factor
            ends.append((true, {"fluctuations": still, "driven": driven}))
        out[name] = {route: _logarithmic_slope(ends, route, name) for route in ("fluctuations", "driven")}
    return out


def _logarithmic_slope(ends, route: str, name: str) -> Estimate:
    (low, first), (high, second) = ends
    a, b, width = first[route], second[route], np.log(high / low)
    error = float(np.hypot(a.error / a.value, b.error / b.value) / width)
    value = float(np.log(b.value / a.value) / width)
    return Estimate(value, error, "", f"d ln(sigma)/d ln({name})", f"differences, {route}")


def _bar(items, label: str, options: ResponseOptions):
    return tqdm(items, desc=label, disable=not options.progress, file=sys.stderr, dynamic_ncols=True)
