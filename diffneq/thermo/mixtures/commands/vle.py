"""`diffneq vle`: boiling, azeotropes, flashes, and fits of models to measured data."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from diffneq.thermo.mixtures.azeotropes import Singular, singular_points
from diffneq.thermo.mixtures.coexistence import ThreePhase, three_phase
from diffneq.thermo.mixtures.commands.pictures import binary_pictures, ternary_picture
from diffneq.thermo.mixtures.commands.regression import regression
from diffneq.thermo.mixtures.commands.report import (
    Report,
    phases_lines,
    phases_record,
    points_record,
    points_table,
    singular_lines,
    singular_record,
)
from diffneq.thermo.mixtures.flash import flash
from diffneq.thermo.mixtures.mixture import Mixture, mixture
from diffneq.thermo.mixtures.points import Point, bubble_pressure, bubble_temperature
from diffneq.thermo.mixtures.properties import activity_coefficients
from diffneq.thermo.mixtures.status import LIQUID_UNSTABLE, OUT_OF_RANGE

_ROWS = 21
_FINE = 201


@dataclasses.dataclass(frozen=True)
class Asked:
    """The words of the command line."""

    components: tuple[str, ...]
    pressure: float | None = None
    temperature: float | None = None
    model: str | None = "NRTL"
    vapour: str = "ideal"
    poynting: bool = False
    x: tuple[float, ...] | None = None
    data: str | None = None
    extrapolate: bool = False
    folder: str | None = None
    picture: bool = True

    @property
    def place(self) -> Path:
        """Where pictures go."""
        return Path(self.folder or "vle-" + "-".join(name.replace(" ", "_") for name in self.components))


def run(asked: Asked) -> Report:
    """The report; ValueError says in a sentence what is wrong with the words."""
    with jax.enable_x64(True):
        if asked.data is not None:
            return regression(asked)
        if asked.pressure is None and asked.temperature is None:
            raise ValueError("Give --pressure (Pa), --temperature (K), or both for a flash.")
        system = mixture(asked.components, asked.model, asked.vapour, asked.poynting)  # pyright: ignore[reportArgumentType]
        if asked.pressure is not None and asked.temperature is not None:
            return _flashed(asked, system)
        if asked.x is not None:
            return _boiling(asked, system, np.array([_fractions(asked.x, len(system.names))]))
        if len(system.names) == 2:
            return _binary(asked, system)
        return _many(asked, system)


def about(asked: Asked, system: Mixture) -> dict[str, Any]:
    """What every record begins with."""
    return {"components": list(system.names), "model": asked.model, "vapour": asked.vapour, "poynting": asked.poynting,
            "parameters": "ChemSep (Artistic Licence 2.0)"}  # fmt: skip


def _fractions(x: Sequence[float], n: int) -> np.ndarray:
    """All fractions, from all of them or from all but the last."""
    if len(x) not in (n, n - 1):
        raise ValueError(f"--x needs {n} mole fractions, or {n - 1} if the last is the rest; got {len(x)}.")
    x = tuple(x) if len(x) == n else (*x, 1.0 - sum(x))
    if min(x) < 0.0:
        raise ValueError(f"--x leaves {min(x):.6g} for a mole fraction; fractions are between 0 and 1.")
    return np.array(x)


def _flashed(asked: Asked, system: Mixture) -> Report:
    if asked.x is None:
        raise ValueError("With --pressure and --temperature both, give the overall composition with --x.")
    T, P = asked.temperature, asked.pressure
    phases = flash(system, T, P, _fractions(asked.x, len(system.names)), asked.extrapolate)  # pyright: ignore[reportArgumentType]
    records = {
        "T": T,
        "P": P,
        "phases": phases_record(phases),
        "certificate": phases.certificate,
        "status": phases.status,
    }
    return Report(about(asked, system), records, phases_lines(T, P, phases))  # pyright: ignore[reportArgumentType]


def _bubbles(asked: Asked, system: Mixture, x: np.ndarray) -> tuple[Point, np.ndarray]:
    if asked.pressure is not None:
        points = bubble_temperature(system, asked.pressure, x, asked.extrapolate)
    else:
        points = bubble_pressure(system, asked.temperature, x, asked.extrapolate)  # pyright: ignore[reportArgumentType]
    return points, np.asarray(activity_coefficients(system.liquid, points.T, points.x))


def _boiling(asked: Asked, system: Mixture, x: np.ndarray) -> Report:
    points, gamma = _bubbles(asked, system, x)
    return Report(about(asked, system), {"points": points_record(points, gamma)}, points_table(points, gamma))


def _stable(points: Sequence[Singular]) -> list[Singular]:
    return [s for s in points if not s.status & (LIQUID_UNSTABLE | OUT_OF_RANGE)]


def _binary(asked: Asked, system: Mixture) -> Report:
    row = np.linspace(0.0, 1.0, _FINE)
    points, gamma = _bubbles(asked, system, np.stack([row, 1.0 - row], axis=1))
    singular = _stable(singular_points(system, asked.pressure, asked.temperature))
    azeotropes = [s for s in singular if len(s.components) > 1]
    coarse = slice(None, None, (_FINE - 1) // (_ROWS - 1))
    shown = jax.tree.map(lambda leaf: leaf[coarse], points)
    lines = points_table(shown, gamma[coarse]) + (singular_lines(azeotropes) if azeotropes else ["", "no azeotrope"])
    records: dict[str, Any] = {
        "points": points_record(shown, gamma[coarse]), "azeotropes": singular_record(azeotropes)
    }  # fmt: skip
    three = None
    if np.any(np.asarray(points.status) & LIQUID_UNSTABLE):
        three = three_phase(system, asked.pressure, asked.temperature)
        records["three_phase"] = _three_record(three)
        lines += _three_lines(three)
    pictures = binary_pictures(asked, system, points, azeotropes, three) if asked.picture else []
    return Report(about(asked, system), records, lines, pictures)


def _three_record(three: ThreePhase) -> dict[str, Any]:
    return {"T": three.T, "P": three.P, "x1": three.x, "y1": three.y, "status": three.status,
            "heteroazeotrope": bool(three.heteroazeotrope)}  # fmt: skip


def _three_lines(three: ThreePhase) -> list[str]:
    kind = "heteroazeotrope" if bool(three.heteroazeotrope) else "two liquids and vapour"
    ends, y = ", ".join(f"{float(v):.5f}" for v in three.x), float(three.y)
    return [f"{kind}: T = {float(three.T):.3f} K, P = {float(three.P):.1f} Pa, liquids x1 = {ends}, y1 = {y:.5f}"]


def _many(asked: Asked, system: Mixture) -> Report:
    singular = singular_points(system, asked.pressure, asked.temperature)
    pictures = []
    if asked.picture and asked.pressure is not None and len(system.names) == 3:
        pictures = [ternary_picture(asked, system, _stable(singular))]
    return Report(
        about(asked, system), {"singular_points": singular_record(singular)}, singular_lines(singular), pictures
    )
