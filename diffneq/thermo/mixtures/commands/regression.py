"""`diffneq vle --data FILE.csv`: models fitted to measured boiling points, and tests of the data."""

import csv
import math
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from diffneq.thermo.mixtures.commands.report import Report
from diffneq.thermo.mixtures.mixture import Mixture, mixture
from diffneq.thermo.mixtures.models.ideal import Ideal
from diffneq.thermo.mixtures.regression.candidates import candidate
from diffneq.thermo.mixtures.regression.consistency import AreaTest, PointTest, area_test, point_test
from diffneq.thermo.mixtures.regression.fit import Fit, compare, fit
from diffneq.thermo.mixtures.regression.measurements import VapourLiquid, vapour_liquid

_COLUMNS = ("T", "P", "x", "y")
_ALL = ("Margules", "van Laar", "Wilson", "NRTL", "UNIQUAC")


def read_data(path: Path) -> dict[str, np.ndarray]:
    """Columns T (K), P (Pa), x and y (of the first component) of a file of comma-separated values; y may be empty.

    Raises:
        ValueError: no such file, an unknown column, or a row with something else than numbers.
    """
    if not path.is_file():
        raise ValueError(f"There is no file of data {path}.")
    try:
        rows = [row for row in csv.reader(path.read_text(encoding="utf-8-sig").splitlines()) if "".join(row).strip()]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is not a file of comma-separated text: {error}.") from error
    header = [name.strip() for name in rows[0]] if rows else []
    if not {"x"} <= set(header) <= set(_COLUMNS) or len(set(header)) < len(header):
        raise ValueError(f"{path} needs one line of column names among T, P, x and y, x always; it has {header}.")
    columns: dict[str, list[float]] = {name: [] for name in header}
    for n, row in enumerate(rows[1:], start=1):
        for name, text in zip(header, row, strict=False):
            columns[name].append(_number(text, name, n, path))
        if len(row) != len(header):
            raise ValueError(f"Row {n} of {path} has {len(row)} entries; it needs {len(header)}.")
    return {name: np.array(values) for name, values in columns.items()}


def _number(text: str, name: str, row: int, path: Path) -> float:
    if name == "y" and not text.strip():
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if not math.isfinite(value):
        raise ValueError(f"Row {row} of {path} has {name} = '{text.strip()}', which is not a number.")
    return value


def _measurements(asked: Any, system: Mixture) -> VapourLiquid:
    path = Path(asked.data)
    columns = read_data(path)
    T, P = columns.get("T", asked.temperature), columns.get("P", asked.pressure)
    if T is None or P is None:
        missing = "T and --temperature" if T is None else "P and --pressure"
        raise ValueError(f"{path} has no column {missing[0]}; add it, or give {missing[6:]} of all rows.")
    spread = lambda value: float(np.ptp(value)) / float(np.mean(value))
    predict = "T" if spread(P) < 1e-6 < spread(T) else "P"
    return vapour_liquid(system, T, P, columns["x"], columns.get("y"), predict=predict)


def regression(asked: Any) -> Report:
    """Fits of one model, or of all compared, and the consistency of the data."""
    if len(asked.components) != 2:
        raise ValueError("--data is for binaries: two components.")
    system = mixture(asked.components, Ideal(2), asked.vapour, asked.poynting)
    data = _measurements(asked, system)
    names = (system.names[0], system.names[1])
    chosen = _ALL if asked.model is None else (asked.model,)
    candidates = [candidate(name, names) for name in chosen]
    if len(candidates) > 1:
        comparison = compare(candidates, data)
        fits, text = list(comparison.fits), ["", comparison.table()]
        held_out = dict(zip((f.candidate.name for f in fits), comparison.held_out, strict=True))
    else:
        fits, text, held_out = [fit(candidates[0], data)], [], {}
    tests, remarks = _tests(data)
    about = {"components": list(names), "model": ", ".join(chosen), "vapour": asked.vapour, "data": str(asked.data),
             "rows": len(data.T), "predicted": "P" if data.isothermal else "T"}  # fmt: skip
    records = {"fits": [_record(each, held_out) for each in fits], **tests}
    lines = [*text, "", *(each.table() for each in fits), "", *remarks]
    return Report(about, records, lines)


def _record(found: Fit, held_out: dict[str, float]) -> dict[str, Any]:
    return {
        "model": found.candidate.name, "parameters": [p.to_dict() for p in found.parameters], "chi2": found.chi2,
        "dof": found.dof, "p_value": found.p_value, "aic": found.aic, "correlation": found.correlation,
        "held_out_chi2": held_out.get(found.candidate.name), "converged": found.converged,
    }  # fmt: skip


def _tests(data: VapourLiquid) -> tuple[dict[str, Any], list[str]]:
    """Area and point tests, where there is y enough."""
    if int(jnp.sum(jnp.isfinite(data.y[:, 0]) & (data.x[:, 0] > 0) & (data.x[:, 1] > 0))) < 5:
        return {}, ["no consistency test: y is known at fewer than five compositions"]
    area, point = area_test(data), point_test(data)
    return {"area_test": _area(area), "point_test": _point(point)}, [
        f"area test: integral {area.area}, D = {area.D:.1f}, J = {area.J:.1f}: "
        f"{'consistent' if area.consistent else 'NOT consistent'} (D - J < 10)",
        f"point test: mean |dy| = {point.mean_deviation:.4f}, bias {point.bias}: "
        f"{'consistent' if point.consistent else 'NOT consistent'} (mean |dy| < 0.01)",
    ]


def _area(test: AreaTest) -> dict[str, Any]:
    return {"area": test.area.to_dict(), "D": test.D, "J": test.J, "z": test.z, "consistent": test.consistent}


def _point(test: PointTest) -> dict[str, Any]:
    return {"mean_deviation": test.mean_deviation, "bias": test.bias.to_dict(), "chi2": test.chi2,
            "p_value": test.p_value, "consistent": test.consistent, "dy": test.dy}  # fmt: skip
