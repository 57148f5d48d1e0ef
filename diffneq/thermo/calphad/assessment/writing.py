"""A database with other numbers in it, and as a TDB file that other programs read."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pycalphad
import symengine
from tinydb import where

from diffneq.thermo.calphad.assessment.parameters import Parameter
from diffneq.thermo.calphad.database import FILE_GAS_CONSTANT, Database, load
from diffneq.thermo.calphad.expressions import GAS_SYMBOL, Unit
from diffneq.thermo.calphad.pieces import pieces
from diffneq.thermo.calphad.system import System
from diffneq.thermo.calphad.tables import BASIS

_T, _P = symengine.Symbol("T"), symengine.Symbol("P")
_FUNCTIONS = {
    **{name: _T ** int(name[2:]) for name in BASIS if name.startswith("T^")},
    "T ln T": _T * symengine.log(_T), "ln T": symengine.log(_T), "T ln P": _T * symengine.log(_P), "P": _P,
    "T P": _T * _P,
}  # fmt: skip


def changed(system: System, parameters: Sequence[Parameter], theta: Sequence[float]) -> pycalphad.Database:
    """A copy of the database of a system in which the parameters have the values theta.

    Raises:
        ValueError: a parameter that cannot be found in the database again.
    """
    content = copy.deepcopy(system.database.content)
    content.symbols = dict(content.symbols)  # pycalphad's copy shares them
    units = {unit.row: unit for unit in system.parameters}
    old = np.asarray(system.tables.coefficients)
    for parameter, value in zip(parameters, theta, strict=True):
        unit = units[parameter.row]
        step = float(value) - float(old[parameter.row, parameter.column])
        function = _FUNCTIONS[BASIS[parameter.column]] * _FUNCTIONS[BASIS[unit.multiplier]]
        _add(content, unit, step, float(value), function)
    return content


def written(system: System, parameters: Sequence[Parameter], theta: Sequence[float]) -> str:
    """The changed database as the text of a TDB file, by pycalphad."""
    content = changed(system, parameters, theta)
    _name_number(content)
    return content.to_string(fmt="tdb", if_incompatible="ignore")


def write(system: System, parameters: Sequence[Parameter], theta: Sequence[float], path: str | Path) -> Database:
    """Writes the changed database to a TDB file and reads it back."""
    Path(path).write_text(written(system, parameters, theta), encoding="utf-8")
    return load(path)


def _add(content: pycalphad.Database, unit: Unit, step: float, value: float, function: Any) -> None:
    """Adds step * function to one piece of a FUNCTION or PARAMETER."""
    if unit.kind == "FUNCTION":
        content.symbols[unit.name] = _replaced(unit, content.symbols[unit.name], step, value, function)
        return
    matching = [e for e in content._parameters.all() if _label(e) == unit.name]
    if len(matching) != 1:
        raise ValueError(f"PARAMETER {unit.name} occurs {len(matching)} times in the database; it cannot be written.")
    entry = matching[0]
    new = _replaced(unit, entry["parameter"], step, value, function)
    content._parameters.update({"parameter": new}, doc_ids=[entry.doc_id])


def _label(entry: Any) -> str:
    names = ":".join(",".join(s.name for s in sublattice) for sublattice in entry["constituent_array"])
    return f"{entry['parameter_type']}({entry['phase_name']},{names};{entry['parameter_order']})"


def _replaced(unit: Unit, expression: Any, step: float, value: float, function: Any) -> Any:
    expression = symengine.sympify(expression)
    if not isinstance(expression, symengine.Piecewise):
        return _sum(expression, step, value, function)
    target = pieces(unit.name, expression).parts[unit.piece]
    branches = list(zip(expression.args[::2], expression.args[1::2], strict=True))
    changed = []
    for part, condition in branches:
        one = pieces(unit.name, symengine.Piecewise((part, condition), (0, True)))
        here = part == target[0] and (unit.pieces == 1 or _touches(one.limits, target[1]))
        changed.append((_sum(part, step, value, function) if here else part, condition))
    return symengine.Piecewise(*changed)


def _touches(limits, used) -> bool:
    return max(limits.low, used.low) < min(limits.high, used.high)


def _sum(part: Any, step: float, value: float, function: Any) -> Any:
    """The value itself where the coefficient is written once; else what is there plus the step."""
    terms = list(part.args) if isinstance(part, symengine.Add) else [part]
    free = lambda q: {str(s) for s in q.free_symbols} <= {"T", "P"}
    own = [t for t in terms if free(t) and (t / function).is_Number]
    rest = [t for t in terms if t not in own]
    before = sum((float(t / function) for t in own), 0.0)
    exact = value if abs(before + step - value) <= 1e-9 * max(1.0, abs(value)) else before + step
    return symengine.Add(*rest, symengine.RealDouble(exact) * function)


def _name_number(content: pycalphad.Database) -> None:
    """pycalphad writes the gas constant as it reads it: as a number."""
    named = symengine.Symbol(GAS_SYMBOL)
    for name, expression in content.symbols.items():
        if named in symengine.sympify(expression).free_symbols:
            content.symbols[name] = expression.subs({named: FILE_GAS_CONSTANT})
    for entry in content._parameters.search(where("phase_name").exists()):
        if named in symengine.sympify(entry["parameter"]).free_symbols:
            new = entry["parameter"].subs({named: FILE_GAS_CONSTANT})
            content._parameters.update({"parameter": new}, doc_ids=[entry.doc_id])
