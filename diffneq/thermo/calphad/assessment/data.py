"""ESPEI's JSON files of measured and calculated data, read as they are.

The format is described at espei.org (B. Bocklund et al., MRS Communications 9 (2019) 618): one file is one dataset
with the keys components, phases, conditions, output, values, and, by the kind of output, solver or reference_state.
"""

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

THERMOCHEMICAL = ("HM", "SM", "CPM", "GM")
HYPERPLANE = "__HYPERPLANE__"
SHIPPED = Path(__file__).parent / "measurements"


@dataclasses.dataclass(frozen=True)
class Vertex:
    """One end of a tie-line: a phase and its composition, unknown fractions as None."""

    phase: str
    x: Mapping[str, float | None]
    disordered: bool = False


@dataclasses.dataclass(frozen=True)
class Dataset:
    """One file: `kind` is "thermochemical", "activity", "boundary" or "equilibrium" (ESPEI's HM etc. of mixtures).

    `conditions` hold arrays, P in Pa and T in K; `values` an array (P, T, configuration or composition), or for
    boundaries a tuple of regions, each a tuple of vertices. `weight` multiplies the inverse standard deviation.
    """

    file: str
    kind: str
    output: str
    components: tuple[str, ...]
    phases: tuple[str, ...]
    conditions: Mapping[str, np.ndarray]
    values: Any
    reference: str
    weight: np.ndarray
    solver: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    reference_state: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    excluded: tuple[str, ...] = ()


def read_data(
    source: str | Path | Iterable[str | Path], rename: Mapping[str, str] | None = None
) -> tuple[Dataset, ...]:
    """Reads ESPEI datasets.

    Args:
        source: a folder (all .json files in it and below it), a file, several files, or the name of a collection
            that comes with this package ("Cu-Mg": published measurements, see its README).
        rename: phase name in the data -> phase name in the database, for example {"LAVES_C15": "CU2MG"}.

    Raises:
        ValueError: no file, or a sentence that names the file and the key at fault.
    """
    paths = [source] if isinstance(source, (str, Path)) else list(source)
    paths = [SHIPPED / p if not Path(p).exists() and (SHIPPED / p).is_dir() else p for p in paths]
    missing = [p for p in paths if not Path(p).exists()]
    if missing:
        raise ValueError(f"There is no file or folder {missing[0]}; give a folder of ESPEI datasets.")
    files = [f for p in map(Path, paths) for f in (sorted(p.rglob("*.json")) if p.is_dir() else [p])]
    if not files:
        raise ValueError(f"{source} holds no .json file; give a folder of ESPEI datasets.")
    names = {k.upper(): v.upper() for k, v in (rename or {}).items()}
    return tuple(read_file(f, names) for f in files)


def read_file(file: Path, rename: Mapping[str, str]) -> Dataset:
    """One dataset; see `read_data`."""
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise ValueError(f"{file} is not JSON ({error}).") from error
    return dataset(record, str(file), rename)


def dataset(record: Any, file: str = "record", rename: Mapping[str, str] | None = None) -> Dataset:
    """A dataset from the contents of a file.

    >>> liquidus = {"components": ["CU", "MG"], "phases": ["LIQUID", "HCP_A3"], "output": "ZPF", "reference": "doc",
    ...             "conditions": {"P": 101325, "T": [800.0]},
    ...             "values": [[["LIQUID", ["MG"], [0.9]], ["HCP_A3", ["MG"], [None]]]]}
    >>> dataset(liquidus).values[0][1]
    Vertex(phase='HCP_A3', x={'MG': None}, disordered=False)
    """
    fault = _Fault(file)
    if not isinstance(record, dict):
        raise ValueError(f"{file} is no JSON object; an ESPEI dataset is one.")
    for key in ("components", "phases", "conditions", "output", "values"):
        if key not in record:
            raise fault(key, "is missing")
    names = rename or {}
    output = str(record["output"]).upper()
    components = tuple(sorted({str(c).upper() for c in fault.list_of("components", record["components"])} - {"VA"}))
    phases = tuple(names.get(p, p) for p in (str(p).upper() for p in fault.list_of("phases", record["phases"])))
    conditions = _conditions(record["conditions"], fault)
    common = {
        "file": file, "output": output, "components": components, "phases": phases, "conditions": conditions,
        "reference": str(record.get("reference", "")), "weight": fault.numbers("weight", record.get("weight", 1.0)),
        "excluded": tuple(map(str, record.get("excluded_model_contributions", ()))),
    }  # fmt: skip
    if not np.all(common["weight"] > 0):
        raise fault("weight", "must be positive")
    quantity = output.split("_")[0]
    if output == "ZPF":
        if record.get("broadcast_conditions"):
            raise fault("broadcast_conditions", "is true, which has no meaning for ZPF")
        values = _regions(record["values"], conditions, names, components, fault)
        return Dataset(kind="boundary", values=values, **common)
    if quantity == "ACR":
        state = record.get("reference_state")
        if not isinstance(state, dict) or not {"phases", "conditions"} <= set(state):
            raise fault("reference_state", "must have phases and conditions")
        state = {"phases": tuple(names.get(str(p).upper(), str(p).upper()) for p in state["phases"]),
                 "conditions": _conditions(state["conditions"], fault, "reference_state")}  # fmt: skip
        values = _shaped(record["values"], conditions, _compositions(conditions, fault), fault)
        return Dataset(kind="activity", values=values, reference_state=state, **common)
    if quantity not in THERMOCHEMICAL:
        raise fault("output", f"{output} is not one of ZPF, ACR_X, {', '.join(q + '_*' for q in THERMOCHEMICAL)}")
    if "solver" not in record:
        values = _shaped(record["values"], conditions, _compositions(conditions, fault), fault)
        return Dataset(kind="equilibrium", values=values, **common)
    solver = _solver(record["solver"], fault)
    values = _shaped(record["values"], conditions, len(solver["configurations"]), fault)
    return Dataset(kind="thermochemical", values=values, solver=solver, **common)


class _Fault:
    """Errors of one file."""

    def __init__(self, file: str):
        self.file = file

    def __call__(self, key: str, words: str) -> ValueError:
        return ValueError(f"{self.file}: the key '{key}' {words}.")

    def list_of(self, key: str, value: Any) -> list:
        if not isinstance(value, list) or not value:
            raise self(key, "must be a list with entries")
        return value

    def numbers(self, key: str, value: Any) -> np.ndarray:
        try:
            array = np.asarray(value, float)
        except (TypeError, ValueError) as error:
            raise self(key, "must hold numbers in a regular array") from error
        if not np.isfinite(array).all():
            raise self(key, "holds a number that is not finite")
        return array


def _conditions(given: Any, fault: _Fault, within: str = "conditions") -> dict[str, np.ndarray]:
    if not isinstance(given, dict) or not {"P", "T"} <= set(given):
        raise fault(within, "must give P and T")
    result = {str(k).upper(): np.atleast_1d(fault.numbers(f"{within}: {k}", v)) for k, v in given.items()}
    for name in ("P", "T"):
        if result[name].ndim != 1 or not np.all(result[name] > 0):
            raise fault(f"{within}: {name}", "must be one positive number or a list of them")
    return result


def _compositions(conditions: Mapping[str, np.ndarray], fault: _Fault) -> int:
    sizes = {k: v.size for k, v in conditions.items() if k.startswith("X_")}
    if not sizes or len(set(sizes.values())) != 1:
        raise fault("conditions", "must give compositions X_..., all of one length")
    return next(iter(sizes.values()))


def _shaped(values: Any, conditions, last: int, fault: _Fault) -> np.ndarray:
    array = fault.numbers("values", values)
    shape = (conditions["P"].size, conditions["T"].size, last)
    if array.shape != shape:
        raise fault("values", f"has the shape {array.shape}, and its conditions (P, T, rest) have {shape}")
    return array


def _solver(solver: Any, fault: _Fault) -> dict[str, Any]:
    """configurations: per entry and sublattice a mapping from species to site fraction; site_ratios."""
    if not isinstance(solver, dict):
        raise fault("solver", "must be an object")
    entries = fault.list_of("solver: sublattice_configurations", solver.get("sublattice_configurations"))
    ratios = fault.numbers("solver: sublattice_site_ratios", solver.get("sublattice_site_ratios"))
    occupancies = solver.get("sublattice_occupancies") or [[1.0] * len(entry) for entry in entries]
    if len(occupancies) != len(entries):
        words = f"has {len(occupancies)} entries for {len(entries)} configurations"
        raise fault("solver: sublattice_occupancies", words)
    configurations = []
    for entry, shares in zip(entries, occupancies, strict=True):
        if len(entry) != len(ratios) or len(shares) != len(entry):
            raise fault("solver", f"has {len(ratios)} site ratios, and the configuration {entry} does not fit them")
        configurations.append(tuple(_sublattice(s, share, fault) for s, share in zip(entry, shares, strict=True)))
    return {"configurations": tuple(configurations), "site_ratios": tuple(map(float, np.atleast_1d(ratios)))}


def _sublattice(species: Any, shares: Any, fault: _Fault) -> dict[str, float]:
    names = [str(s).upper() for s in (species if isinstance(species, list) else [species])]
    parts = np.atleast_1d(fault.numbers("solver: sublattice_occupancies", shares))
    if len(parts) != len(names) or abs(parts.sum() - 1.0) > 1e-3 or (parts < 0).any():
        raise fault("solver: sublattice_occupancies", f"gives {shares} to {', '.join(names)}; fractions that sum to 1")
    return {n: float(p) for n, p in zip(names, parts / parts.sum(), strict=True)}


def _regions(values: Any, conditions, rename: Mapping[str, str], components, fault: _Fault):
    values = fault.list_of("values", values)
    count = conditions["T"].size
    if len(values) != count or conditions["P"].size not in (1, count):
        raise fault("values", f"has {len(values)} phase regions for {count} temperatures")
    return tuple(tuple(_vertex(v, rename, components, fault) for v in fault.list_of("values", r)) for r in values)


def _vertex(entry: Any, rename: Mapping[str, str], components, fault: _Fault) -> Vertex:
    if not isinstance(entry, list) or len(entry) not in (3, 4) or not all(isinstance(e, list) for e in entry[1:3]):
        raise fault("values", f"has the vertex {entry}, which is not [phase, [components], [fractions]]")
    phase, names, fractions = str(entry[0]).upper(), [str(c).upper() for c in entry[1]], entry[2]
    if len(names) != len(fractions) or not set(names) <= set(components):
        raise fault("values", f"has the vertex {entry}, whose components and fractions do not fit")
    known = [f for f in fractions if f is not None]
    right = all(isinstance(f, (int, float)) and math.isfinite(f) and 0.0 <= f <= 1.0 for f in known)
    if not right or sum(known) > 1.0 + 1e-9:
        raise fault("values", f"has the vertex {entry}, whose fractions are not from 0 to 1 in sum")
    x = {n: None if f is None else float(f) for n, f in zip(names, fractions, strict=True)}
    return Vertex(rename.get(phase, phase), x, len(entry) == 4 and entry[3] == "disordered")
