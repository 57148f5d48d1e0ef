"""The pictures of the piston's displacement."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from diffneq.plotting.piston import displacement_histogram, rate_function
from diffneq.studies.piston.report import Report


def draw(report: Report, folder: Path) -> list[Path]:
    """rate-function.png and, of a simulation, displacement.png; their paths."""
    curves, rates = report.curves, [k.value for k in report.kappa]
    figures = {"rate-function": rate_function(curves.current, curves.rate, rates)}
    if report.records is not None:
        time, at = _window(report)
        moved = np.diff(_without_ends(report)[:, ::at], axis=1).ravel()
        saddle = curves.current * time, np.exp(-time * curves.rate) / np.sqrt(2 * np.pi * time * curves.curvature)
        figures["displacement"] = displacement_histogram(moved, time, rates, saddle)
    paths = []
    for name, figure in figures.items():
        path = folder / f"{name}.png"
        figure.savefig(path)
        paths.append(path)
    return paths


def _without_ends(report: Report) -> np.ndarray:
    """X + (M/gamma_0) V: its cumulants are those of X at long times, and nearly proportional to t from the start."""
    records = report.records
    assert records is not None
    return records.displacement + report.leading["relaxation_time"] * records.velocity


def _window(report: Report) -> tuple[float, int]:
    """About ten relaxation times, long enough for the limit and short enough for a skewness to be seen."""
    records = report.records
    assert records is not None
    at = max(1, min(round(10 * report.leading["relaxation_time"] / records.interval), len(records.time) - 1))
    return at * records.interval, at
