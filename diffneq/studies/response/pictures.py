"""The pictures of the conductor's response."""

from __future__ import annotations

from pathlib import Path

from diffneq.plotting.derivatives import current_voltage
from diffneq.studies.response.report import Report


def draw(report: Report, folder: Path) -> list[Path]:
    """methods.png and current-voltage.png; their paths."""
    figures = {
        "methods": report.comparison.figure(),
        "current-voltage": current_voltage(report.curve.transient, report.curve.direct),
    }
    paths = []
    for name, figure in figures.items():
        path = folder / f"{name}.png"
        figure.savefig(path)
        paths.append(path)
    return paths
