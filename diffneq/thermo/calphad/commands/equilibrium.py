"""The command `diffneq equilibrium`: phase equilibria at a list of conditions, as a table or as records."""

import csv
import dataclasses
import math
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import xarray as xr

from diffneq.thermo.calphad.database import Database, load
from diffneq.thermo.calphad.equilibrium import equilibrium
from diffneq.thermo.calphad.results import explain
from diffneq.thermo.calphad.system import System, build

MANY = 6  # elements; with more, whoever asks says which
ATMOSPHERE = 101325.0  # Pa


@dataclasses.dataclass(frozen=True)
class Report:
    """Equilibria of a system, in the words of whoever asked."""

    system: System
    data: xr.Dataset

    @property
    def failures(self) -> list[str]:
        """A sentence for each condition without a certified equilibrium."""
        status = self.data.status.values
        return [f"condition {n + 1}: {explain(int(status[n]))}" for n in np.flatnonzero(status)]

    def to_dict(self) -> dict[str, Any]:
        """For a program: energies in J per mole of atoms, amounts in moles of atoms of one mole in all."""
        system = self.system
        about = {
            "database": system.provenance["name"], "sha256": system.provenance["hash"],
            "gas_constant": system.provenance["gas_constant"], "components": list(system.elements),
            "candidates": list(system.phase_names), "notes": list(system.notes),
        }  # fmt: skip
        return {**about, "results": [self._record(n) for n in range(self.data.sizes["condition"])]}

    def _record(self, n: int) -> dict[str, Any]:
        here, elements = self.data.isel(condition=n), self.system.elements
        by_element = lambda values: dict(zip(elements, map(float, values), strict=True))
        phases = [
            {"name": str(name), "amount": float(amount), "x": by_element(x)}
            for name, amount, x in zip(here.phase.values, here.amount.values, here.x.values, strict=True) if name
        ]  # fmt: skip
        return {
            "T": float(here["T"]), "P": float(here["P"]), "GM": float(here.G), "MU": by_element(here.mu.values),
            "phases": phases, "certificate": float(here.certificate), "status": int(here.status),
            "meaning": explain(int(here.status)),
        }  # fmt: skip

    def table(self) -> str:
        """For a reader."""
        system = self.system
        lines = [f"{system.provenance['name']}: {', '.join(system.elements)}; phases {', '.join(system.phase_names)}"]
        for record in self.to_dict()["results"]:
            lines += ["", *_block(record)]
        return "\n".join(lines)


def _block(record: dict[str, Any]) -> list[str]:
    """One condition."""
    elements = list(record["MU"])
    energies = "   ".join(f"mu({e}) = {mu:.3f}" for e, mu in record["MU"].items())
    lines = [
        f"T = {record['T']:g} K   P = {record['P']:g} Pa   G = {record['GM']:.3f}   {energies}   J/mol",
        f"  {'phase':16} {'amount, mol':>12}" + "".join(f"{f'x({e})':>12}" for e in elements),
    ]
    for phase in record["phases"]:
        fractions = "".join(f"{phase['x'][e]:12.6f}" for e in elements)
        lines.append(f"  {phase['name']:16} {phase['amount']:12.6f}{fractions}")
    lines.append(f"  {record['meaning']}; lowest driving force of any phase {record['certificate']:.2g} J/mol")
    return lines


def run(
    file: str,
    components: Sequence[str] | None = None,
    phases: Sequence[str] | None = None,
    temperature: Sequence[float] | None = None,
    pressure: float | None = None,
    x: Sequence[str] | None = None,
    table: str | None = None,
) -> Report:
    """min G at fixed T, P and x, for all conditions of a table or for one composition at some temperatures.

    Args:
        file: of the database, or the name of one that is shipped.
        components: elements; by default those of the file, if they are few.
        phases: by default all that the elements allow.
        temperature: K.
        pressure: Pa; 101325 if None.
        x: words such as "ZN=0.3", mole fractions of all elements but one.
        table: a file of comma-separated values with columns T, X(ELEMENT) and, if wanted, P; instead of the three.

    Raises:
        ValueError: what is wrong with the database, the names or the conditions, in a sentence.
    """
    if (table is None) == (temperature is None):
        raise ValueError("Give either --temperature (with --x) or --conditions FILE.csv.")
    if table is not None and (x or pressure is not None):
        raise ValueError("With --conditions the columns P and X(ELEMENT) of the file take the place of the options.")
    if table is not None:
        given = read_conditions(Path(table))
    else:
        T = np.asarray(temperature, float)
        given = {"T": T, "P": np.full(T.shape, ATMOSPHERE if pressure is None else pressure), "x": _fractions(x or ())}
    with jax.enable_x64(True), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the notes of the system say the same, and the report holds them
        system = build_named(load(file), components, phases)
        return Report(system, equilibrium(system, T=given["T"], P=given["P"], x=given["x"]))


def build_named(database: Database, components: Sequence[str] | None, phases: Sequence[str] | None) -> System:
    """The system of the elements named, or of all in a database of few."""
    if components is None and len(database.elements) > MANY:
        raise ValueError(
            f"{database.name} has {len(database.elements)} elements; choose with --components from "
            f"{', '.join(database.elements)}."
        )
    return build(database, components or database.elements, phases)


def _fractions(words: Sequence[str]) -> dict[str, float]:
    """Mole fractions from words such as ZN=0.3."""
    fractions: dict[str, float] = {}
    for word in words:
        name, equals, value = word.partition("=")
        name = name.strip().upper()
        if not (name and equals and _is_number(value)):
            raise ValueError(f"'{word}' is not a mole fraction; write for example ZN=0.3.")
        if name in fractions:
            raise ValueError(f"The mole fraction of {name} is given twice.")
        fractions[name] = float(value)
    return fractions


def read_conditions(path: Path) -> dict[str, Any]:
    """T (K), P (Pa) and x by element, each an array with one value for every row of the table.

    Raises:
        ValueError: no such file, no header, an unknown column, or a row with something else than numbers.
    """
    if not path.is_file():
        raise ValueError(f"There is no file of conditions {path}.")
    try:
        rows = [row for row in csv.reader(path.read_text(encoding="utf-8-sig").splitlines()) if "".join(row).strip()]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is not a file of comma-separated text: {error}.") from error
    header = [name.strip().upper() for name in rows[0]] if rows else []
    columns = {name: _column(path, name) for name in header}
    if "T" not in columns or len(set(columns.values())) < len(header):
        raise ValueError(f"{path} needs one line of column names, T, X(ELEMENT) and perhaps P, each once.")
    if len(rows) < 2:
        raise ValueError(f"{path} holds column names but no conditions.")
    for n, row in enumerate(rows[1:], start=1):
        if len(row) != len(header) or not all(map(_is_number, row)):
            raise ValueError(f"Row {n} of {path} is '{','.join(row)}'; it needs {len(header)} numbers.")
    values = dict(zip(header, np.array(rows[1:], float).T, strict=True))
    return {
        "T": values["T"], "P": values.get("P", np.full(len(rows) - 1, ATMOSPHERE)),
        "x": {columns[name]: value for name, value in values.items() if name not in ("T", "P")},
    }  # fmt: skip


def _column(path: Path, name: str) -> str:
    """T, P, or the element of X(ELEMENT)."""
    found = re.fullmatch(r"T|P|X\(\s*([A-Z]{1,2})\s*\)", name)
    if found is None:
        raise ValueError(f"{path} has a column '{name}'; columns are T, P and X(ELEMENT), for example T,P,X(ZN).")
    return found.group(1) or name


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
