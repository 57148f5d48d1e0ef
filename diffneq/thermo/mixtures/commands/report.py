"""The answer of `diffneq vle`, for a reader, for a program, and as pictures."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from diffneq.thermo.mixtures.flash import VAPOUR
from diffneq.thermo.mixtures.status import explain


@dataclasses.dataclass(frozen=True)
class Report:
    """What was calculated: `about` the system, named records, and lines of text that were made of them."""

    about: Mapping[str, Any]
    records: Mapping[str, Any]
    lines: Sequence[str]
    pictures: Sequence[Path] = ()

    def to_dict(self) -> dict[str, Any]:
        """SI units: K, Pa, J/mol; mole fractions in the order of `components`."""
        return {**self.about, **self.records, "pictures": [str(path) for path in self.pictures]}

    def table(self) -> str:
        """For a reader."""
        names = ", ".join(f"{k + 1} {name}" for k, name in enumerate(self.about["components"]))
        head = f"{names}; {self.about['model']}, {self.about['vapour']} vapour"
        return "\n".join([head, *self.lines])


def points_table(points: Any, gamma: np.ndarray) -> list[str]:
    """Bubble points, one line each."""
    n = gamma.shape[-1]
    head = f"{'T / K':>10} {'P / Pa':>12}" + "".join(
        f"{f'{q}{k + 1}':>10}" for q in ("x", "y", "gamma") for k in range(n)
    )
    lines = ["", head]
    for T, P, x, y, g, status in zip(points.T, points.P, points.x, points.y, gamma, points.status, strict=True):
        numbers = "".join(f"{float(v):10.5f}" for v in (*x, *y, *g))
        remark = f"  {explain(status)}" if int(status) else ""
        lines.append(f"{float(T):10.3f} {float(P):12.1f}{numbers}{remark}")
    return lines


def points_record(points: Any, gamma: np.ndarray) -> list[dict[str, Any]]:
    """The same for a program."""
    keys = ("T", "P", "x", "y", "certificate", "status")
    rows = zip(*(np.asarray(getattr(points, key)) for key in keys), gamma, strict=True)
    return [dict(zip((*keys, "gamma"), row, strict=True)) | {"meaning": explain(row[5])} for row in rows]


def singular_record(points: Sequence[Any]) -> list[dict[str, Any]]:
    """Pure substances and azeotropes."""
    return [
        {"components": s.components, "kind": s.kind, "role": s.role, "T": s.T, "P": s.P, "x": s.x,
         "eigenvalues": s.eigenvalues, "status": s.status, "meaning": explain(s.status)} for s in points
    ]  # fmt: skip


def singular_lines(points: Sequence[Any]) -> list[str]:
    """One line each."""
    lines = [""]
    for s in points:
        x = ", ".join(f"{float(v):.5f}" for v in s.x)
        remark = f"  ({explain(s.status)})" if s.status else ""
        lines.append(f"{s.kind}: T = {float(s.T):.3f} K, P = {float(s.P):.1f} Pa, x = ({x}), {s.role}{remark}")
    return lines


def phases_record(phases: Any) -> list[dict[str, Any]]:
    """The phases of one flash."""
    shown = np.flatnonzero(np.asarray(phases.kind) > 0)
    return [
        {"phase": "vapour" if int(phases.kind[k]) == VAPOUR else "liquid", "amount": phases.amount[k], "x": phases.x[k]}
        for k in shown
    ]


def phases_lines(T: float, P: float, phases: Any) -> list[str]:
    """The same for a reader."""
    lines = ["", f"T = {T:g} K   P = {P:g} Pa   {explain(phases.status)}; "
             f"lowest phase {float(phases.certificate):.1e} R T above the tangent plane"]  # fmt: skip
    for each in phases_record(phases):
        fractions = "".join(f"{float(v):10.6f}" for v in each["x"])
        lines.append(f"  {each['phase']:7} {float(each['amount']):10.6f} mol   x ={fractions}")
    return lines
