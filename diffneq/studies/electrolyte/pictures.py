"""The pictures of the study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from diffneq.materials.units import kelvin
from diffneq.plotting.electrolyte import arrhenius_plot, driven_records, ions, mean_squared_displacements, speed_ups
from diffneq.studies.electrolyte.analysis import in_picoseconds
from diffneq.studies.electrolyte.report import Report
from diffneq.studies.electrolyte.runs import Lanes, Runs, amperes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(report: Report, runs: Runs, stages: list[Lanes], folder: Path) -> list[Path]:
    """Write all pictures as PNG files; returns their paths."""
    made: dict[str, Callable[[], Figure]] = {"structure": lambda: structure(runs)}
    if any(f.einstein_helfand is not None for f in report.temperatures):
        made["displacement"] = lambda: displacement(report)
    if len(stages) == 3:
        made["records"] = lambda: records(runs, stages[-1])
    if len(report.temperatures) > 1:
        made["arrhenius"] = lambda: temperature_dependence(report)
    if any(c.speed_up is not None for f in report.temperatures for c in f.currents):
        made["speed_up"] = lambda: speed_up(report)
    paths = []
    for name, make in made.items():
        path = folder / f"{name}.png"
        make().savefig(path, dpi=160)
        paths.append(path)
    return paths


def structure(runs: Runs) -> Figure:
    """The ions of the start, seen along z."""
    model, start = runs.material.model, runs.material.structure
    kinds = np.repeat(np.arange(len(model.counts)), model.counts)
    return ions(start.positions, kinds, model.names, start.cell)


def displacement(report: Report) -> Figure:
    """<|dM|^2>/3 against time, at each temperature."""
    curves = {}
    for found in report.temperatures:
        if found.einstein_helfand is not None:
            seen = found.einstein_helfand.diagnostics
            lag = in_picoseconds(float(seen["lag"]))
            curves[f"{found.temperature:g} K"] = (in_picoseconds(1.0) * seen["time"], seen["displacement"], lag)
    return mean_squared_displacements(curves)


def records(runs: Runs, driven: Lanes) -> Figure:
    """Current and multiplier of one lane at the highest temperature, and the running sigma."""
    lane = int(np.argmax(driven.temperature + 1e-9 * driven.strength / driven.strength.max()))
    found = driven.trajectory
    end = int(found.good[lane])
    time = in_picoseconds(runs.record_time) * np.arange(1, end + 1)
    density = amperes(1.0) * runs.charge * found.records["current"][lane, :end] / runs.material.volume
    field = found.records["multiplier"][lane, :end] / runs.charge
    return driven_records(time, density, field, in_picoseconds(runs.record_time) * runs.settling)


def temperature_dependence(report: Report) -> Figure:
    """ln(sigma T) against 1000/T by every route, with the fits."""
    routes = {
        "constant current": [(f.temperature, f.sigma) for f in report.temperatures],
        "Einstein-Helfand": [(f.temperature, f.einstein_helfand) for f in report.temperatures],
        "Green-Kubo": [(f.temperature, f.green_kubo) for f in report.temperatures],
        "constant field": [(f.temperature, f.constant_field) for f in report.temperatures],
        "Nernst-Einstein": [(f.temperature, f.nernst_einstein) for f in report.temperatures],
    }
    points = {
        name: np.array([(t, s.value, s.error) for t, s in found if s is not None and s.value > s.error])
        for name, found in routes.items()
    }
    fine = np.linspace(min(report.options.temperatures), max(report.options.temperatures), 80)
    curves = {
        name: (fine, fit(np.array([kelvin(t) for t in fine]), curved=True)) for name, fit in report.arrhenius.items()
    }
    return arrhenius_plot({name: p for name, p in points.items() if len(p)}, curves)


def speed_up(report: Report) -> Figure:
    """Measured and predicted speed-up of each current."""
    rows = [
        (f.temperature, c.density, c.speed_up.value, c.speed_up.error, c.predicted_speed_up)
        for f in report.temperatures
        for c in f.currents
        if c.speed_up is not None and c.predicted_speed_up is not None
    ]
    return speed_ups(np.array(rows, float))
