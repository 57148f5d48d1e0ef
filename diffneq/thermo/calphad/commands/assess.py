"""The command `diffneq assess`: fit a database to a folder of ESPEI data; table, fitted TDB, pictures."""

import dataclasses
import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from diffneq.json_record import as_json
from diffneq.plotting.assessment import diagram_with_errors, fit_residuals
from diffneq.thermo.calphad.assessment import Assessment, choose, fit, problem, read_data
from diffneq.thermo.calphad.assessment.bands import diagram_bands
from diffneq.thermo.calphad.assessment.data import Dataset
from diffneq.thermo.calphad.database import load
from diffneq.thermo.calphad.diagrams import binary
from diffneq.thermo.calphad.system import build


@dataclasses.dataclass(frozen=True)
class Report:
    """A fit and the files made of it."""

    result: Assessment
    files: tuple[Path, ...]

    def to_dict(self) -> dict[str, Any]:
        """For a program."""
        return {**self.result.to_dict(), "files": [str(path) for path in self.files]}

    def table(self) -> str:
        """For a reader."""
        return self.result.table()


def run(
    file: str,
    folder: str,
    names: Sequence[str] | None = None,
    like: Sequence[str] | None = None,
    rename: Sequence[str] | None = None,
    boundaries: str = "driving force",
    weights: Sequence[str] | None = None,
    out: str | Path | None = None,
    progress: bool = True,
) -> Report:
    """Fits parameters of a database to all data of a folder.

    Args:
        file: of the database, or the name of one that is shipped.
        folder: with ESPEI's JSON files.
        names, like: of the parameters, see `assessment.choose`.
        rename: "DATA=DATABASE", names of phases in the data and in the database.
        boundaries, weights: see `assessment.problem`; weights as "ZPF=20".
        out: folder of the files; by default ./assess-DATABASE.
        progress: show bars.

    Raises:
        ValueError: what is wrong with the database, the data or the names, in a sentence.
    """
    pairs = dict(_pair(entry) for entry in rename or ())
    factors = {kind.upper(): value for kind, value in map(_weight, weights or ())}
    with jax.enable_x64(True), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the notes of the system say the same
        database, data = load(file), read_data(folder, pairs)
        elements = sorted({e for d in data for e in d.components if e in database.elements})
        system = build(database, elements)
        parameters = choose(system, names, like)
        result = fit(problem(system, data, parameters, boundaries, factors), progress=progress)
        target = Path(out) if out is not None else Path(f"assess-{database.name}")
        return Report(result, write(result, target, progress))


def _pair(entry: str) -> tuple[str, str]:
    first, equals, second = entry.partition("=")
    if not (first and equals and second):
        raise ValueError(f"--rename takes DATA=DATABASE, for example LAVES_C15=CU2MG, not {entry}.")
    return first, second


def _weight(entry: str) -> tuple[str, float]:
    kind, _, value = entry.partition("=")
    try:
        return kind, float(value)
    except ValueError:
        raise ValueError(f"--weights takes KIND=FACTOR, for example ZPF=20, not {entry}.") from None


def write(result: Assessment, folder: Path, progress: bool = True) -> tuple[Path, ...]:
    """fitted.tdb, assessment.json, residuals.png and, for two elements, diagram.png."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in ("fitted.tdb", "assessment.json", "residuals.png")]
    paths[0].write_text(result.tdb(), encoding="utf-8")
    paths[1].write_text(json.dumps(as_json(result.to_dict()), allow_nan=False, indent=1), encoding="utf-8")
    groups, failed = residuals_by_dataset(result)
    fit_residuals(groups, failed=failed).savefig(paths[2])
    if len(result.problem.system.elements) == 2:
        diagram = binary(result.system, progress=progress)
        bands = diagram_bands(result, diagram)
        measured = boundary_points(result.problem.data, diagram.elements[1])
        paths.append(folder / "diagram.png")
        diagram_with_errors(*bands, diagram.elements, data=measured, span=diagram.span).savefig(paths[-1])
    return tuple(paths)


def residuals_by_dataset(result: Assessment) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """(name -> residuals that could be computed, name -> number of failures)."""
    groups: dict[str, np.ndarray] = {}
    failed: dict[str, int] = {}
    number = np.array([dataset for _, _, dataset in result.problem.labels])
    for k in np.unique(number):
        own, data = number == k, result.problem.data[k]
        name = Path(data.file).stem
        groups[name], failed[name] = result.residuals[own & ~result.failed], int(result.failed[own].sum())
    return groups, failed


def boundary_points(data: Sequence[Dataset], second: str) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
    """Reference -> (x, T) of all measured compositions of phase boundaries."""
    points: dict[str, list[tuple[float, float]]] = {}
    for dataset in data:
        if dataset.kind != "boundary":
            continue
        for T, region in zip(dataset.conditions["T"], dataset.values, strict=True):
            for vertex in region:
                for name, value in vertex.x.items():
                    if value is not None:
                        x = value if name == second else 1.0 - value
                        points.setdefault(dataset.reference or "data", []).append((x, float(T)))
    return {name: tuple(np.array(rows).T) for name, rows in points.items()}  # type: ignore[misc]
