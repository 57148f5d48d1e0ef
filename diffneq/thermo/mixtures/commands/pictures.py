"""The pictures of `diffneq vle`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from diffneq.plotting.mixture_triangles import residue_map
from diffneq.plotting.mixtures import boiling_diagram, equilibrium_curve
from diffneq.thermo.mixtures.azeotropes import Singular
from diffneq.thermo.mixtures.coexistence import ThreePhase
from diffneq.thermo.mixtures.mixture import Mixture
from diffneq.thermo.mixtures.points import Point
from diffneq.thermo.mixtures.residue import residue_curves
from diffneq.thermo.mixtures.status import LIQUID_UNSTABLE


def binary_pictures(
    asked: Any, system: Mixture, points: Point, azeotropes: Sequence[Singular], three: ThreePhase | None,
    data: Any = None,
) -> list[Path]:  # fmt: skip
    """T-x-y (or P-x-y) and x-y, written to the folder that was asked for."""
    isobaric = asked.pressure is not None
    level = np.asarray(points.T if isobaric else points.P)
    level = np.where(np.asarray(points.status) & LIQUID_UNSTABLE, np.nan, level)
    x, y = np.asarray(points.x[:, 0]), np.asarray(points.y[:, 0])
    name = system.names[0]
    given = f"{asked.pressure / 1e3:g} kPa" if isobaric else f"{asked.temperature:g} K"
    title = f"{' + '.join(system.names)}, {given}, {asked.model}"
    marks = [(float(s.x[0]), float(s.T if isobaric else s.P)) for s in azeotropes]
    line = None if three is None else (*three.x, three.y, three.T if isobaric else three.P)
    figures = {
        "T-x-y.png" if isobaric else "P-x-y.png": boiling_diagram(
            x, y, level, name=name, isobaric=isobaric, azeotropes=marks, three_phase=line, title=title,
            data=None if data is None else (data[0], data[1], data[2]),
        ),
        "x-y.png": equilibrium_curve(
            x, np.where(np.isfinite(level), y, np.nan), name=name, azeotropes=[at for at, _ in marks], title=title,
            data=None if data is None else (data[0], data[1]),
        ),
    }  # fmt: skip
    return [_saved(asked.place, name, figure) for name, figure in figures.items()]


def ternary_picture(asked: Any, system: Mixture, points: Sequence[Singular]) -> Path:
    """Residue curves through a few compositions, with the singular points."""
    starts = np.array([[a, b, 6 - a - b] for a in range(1, 5) for b in range(1, 6 - a)]) / 6.0
    curves, _ = residue_curves(system, asked.pressure, starts)
    title = f"residue curves, {asked.pressure / 1e3:g} kPa, {asked.model}"
    figure = residue_map(np.asarray(curves), names=system.names, points=points, title=title)
    return _saved(asked.place, "residue-curves.png", figure)


def _saved(folder: Path, name: str, figure: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / name)
    return folder / name
