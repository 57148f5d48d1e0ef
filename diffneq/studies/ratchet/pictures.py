"""The pictures of the ratchet."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from diffneq.plotting.ratchet import hidden_entropy, ratchet_efficiency
from diffneq.studies.ratchet.report import Report
from diffneq.studies.ratchet.solution import Curve


def draw(report: Report, folder: Path) -> list[Path]:
    """efficiency.png and hidden-entropy.png; their paths."""
    masses = report.masses
    names = ("sigma_1", "sigma_2", "sigma_3", "hidden_12", "hidden_23")
    curves = {name: getattr(masses.levels, name) for name in names}
    limits = {name: getattr(masses.levels, f"{name}_limit") for name in names[3:]}
    measured = {n: (report.options.mass, e.value, e.error) for n, e in report.simulated.items() if n in names}
    figures = {
        "efficiency": ratchet_efficiency({f"m = {c.mass:g}": _efficiency(c) for c in report.loads}, report.carnot()),
        "hidden-entropy": hidden_entropy(masses.values, curves, limits, measured),
    }
    paths = []
    for name, figure in figures.items():
        path = folder / f"{name}.png"
        figure.savefig(path)
        paths.append(path)
    return paths


def _efficiency(curve: Curve) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Torque, efficiency and power of each level."""
    found = curve.levels
    power = np.stack([found.power_underdamped, found.power_underdamped, found.power], axis=1)
    return curve.values, np.asarray(found.efficiency), power
