"""The conductivity of ions by every route, at several temperatures: what `diffneq electrolyte` does."""

from __future__ import annotations

import json
import time

import jax

import diffneq
from diffneq.json_record import as_json
from diffneq.materials.units import siemens_per_metre
from diffneq.options.electrolyte import ElectrolyteOptions
from diffneq.response.conductivity import CurrentPlan
from diffneq.statistics import Estimate
from diffneq.studies.electrolyte.analysis import (
    at_temperature,
    equilibrium_routes,
    lag_of,
    scaled,
    temperature_dependence,
)
from diffneq.studies.electrolyte.export import write_trajectories
from diffneq.studies.electrolyte.material import Material, material
from diffneq.studies.electrolyte.pictures import draw
from diffneq.studies.electrolyte.report import Report
from diffneq.studies.electrolyte.runs import Lanes, Runs, from_amperes

__all__ = ["ElectrolyteOptions", "Report", "run", "study"]

_UNPLANNED = (
    "the pilot run at {:g} K is too short to plan a current: give a longer --time, or the currents by --current"
)


def run(options: ElectrolyteOptions) -> Report:
    """Equilibrium, a field as the pilot, currents as planned; table, record, pictures and trajectories in a folder."""
    return study(material(options), options)


def study(system: Material, options: ElectrolyteOptions) -> Report:
    """The study of one material, of the catalogue or your own.

    Where no current can be planned for a temperature, that is said and the rest is reported.
    """
    started = time.monotonic()
    options.folder.mkdir(parents=True, exist_ok=True)
    runs = Runs(system, options)
    still = runs.equilibrium()
    field, driven, plans = _driven(runs, still)
    notes = [_UNPLANNED.format(t) for t in options.temperatures if driven is None or t not in driven.temperature]
    stages = [stage for stage in (still, field, driven) if stage is not None]
    found = [at_temperature(runs, t, still, field, driven, plans.get(t)) for t in options.temperatures]
    notes += [sentence for stage in stages for sentence in stage.trajectory.sentences]
    provenance = {
        "diffneq": diffneq.__version__, "jax": jax.__version__, "devices": [d.device_kind for d in jax.local_devices()],
        "seconds": round(time.monotonic() - started, 1),
        "seconds_of_stages": [round(s.trajectory.seconds, 1) for s in stages],
    }  # fmt: skip
    report = Report(options, system, found, temperature_dependence(found), tuple(notes), provenance)
    report.pictures.extend(draw(report, runs, stages, options.folder))
    report.trajectories.extend(write_trajectories(runs, stages, options.folder))
    (options.folder / "table.txt").write_text(report.table() + "\n")
    (options.folder / "report.json").write_text(json.dumps(as_json(report.to_dict()), indent=1) + "\n")
    return report


def _driven(runs: Runs, still: Lanes) -> tuple[Lanes, Lanes | None, dict[float, CurrentPlan]]:
    """A constant field, the currents that its conductivity suggests, and the plans behind them."""
    options, start = runs.options, still.trajectory.state
    field = runs.constant_field(start, runs.pilot_fields())
    lags = {t: lag_of(equilibrium_routes(runs, still, t)[0]) for t in options.temperatures}
    pilots = {t: s for t in options.temperatures for s in (_single_ions(runs, still, t),) if s is not None}
    pilots |= {t: s for t, s in runs.pilots(field).items() if s.value > 2 * s.error}
    plans = runs.plans(pilots, {t: lag for t, lag in lags.items() if lag is not None})
    currents = {t: plan.currents for t, plan in plans.items()}
    if options.currents is not None:
        currents = {t: tuple(from_amperes(j) for j in options.currents) for t in options.temperatures}
    return field, runs.constant_current(start, currents) if currents else None, plans


def _single_ions(runs: Runs, still: Lanes, temperature: float) -> Estimate | None:
    """Nernst and Einstein's conductivity in units of the model: what is known first, and good enough for a plan."""
    found = equilibrium_routes(runs, still, temperature)[3]
    return None if found is None else scaled(found, 1 / siemens_per_metre(1.0), "")
