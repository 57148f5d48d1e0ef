"""Databases: read a file, remember where it came from, and say clearly what is wrong with it."""

import dataclasses
import hashlib
import re
import warnings
from pathlib import Path
from typing import Any

import pycalphad
from tinydb import where

from diffneq.thermo.calphad.expressions import GAS_SYMBOL

FOLDER = Path(__file__).parent / "databases"
FILE_GAS_CONSTANT = 8.3145  # J/(mol K): what pycalphad writes for the symbol R, where it read the file itself


@dataclasses.dataclass(frozen=True, eq=False)
class Database:
    """A CALPHAD database as read by pycalphad, with its provenance.

    `version` is the first line of the file that says anything; `notes` are the warnings given while it was read.
    """

    content: pycalphad.Database = dataclasses.field(repr=False)
    name: str
    hash: str  # SHA-256 of the text
    version: str
    path: Path | None = None
    notes: tuple[str, ...] = dataclasses.field(default=(), repr=False)

    @property
    def elements(self) -> tuple[str, ...]:
        """The elements, alphabetical, without vacancies and electrons."""
        return tuple(sorted(str(e) for e in self.content.elements if e not in ("VA", "/-", "*")))

    @property
    def phases(self) -> tuple[str, ...]:
        """The phases, alphabetical."""
        return tuple(sorted(self.content.phases))


def shipped() -> tuple[str, ...]:
    """The names of the databases that come with this package, for `load`.

    >>> "Al-Zn" in shipped()
    True
    """
    return tuple(sorted(path.stem for path in FOLDER.glob("*.tdb")))


def load(source: str | Path | pycalphad.Database) -> Database:
    """Reads a database in the TDB or ChemSage DAT format.

    Args:
        source: a path, the name of a shipped database, the text of a TDB file, or a pycalphad `Database` (in which the
            symbol R is already 8.3145; in files R follows the `gas_constant` of `build`).

    Raises:
        ValueError: no such file, or a file that cannot be read; the sentence says which and why.

    >>> load("Al-Zn").elements
    ('AL', 'ZN')
    """
    if isinstance(source, pycalphad.Database):
        return Database(source, "pycalphad Database", _hash(_written(source)), "read by pycalphad")
    if isinstance(source, str) and ("!" in source or "\n" in source):
        return _read(source, "text", "tdb", None)
    path = Path(source)
    if not path.is_file() and str(source) in shipped():
        path = FOLDER / f"{source}.tdb"
    if not path.is_file():
        raise ValueError(f"There is no database file {source}; give a path, or one of {', '.join(shipped())}.")
    text = path.read_bytes().decode("utf-8", errors="replace")
    return _read(text, path.stem, "dat" if path.suffix.lower() == ".dat" else "tdb", path)


def _written(content: pycalphad.Database) -> str:
    """Functions, phases and parameters in one order, for the hash of a database without a file."""
    lines = [f"{name} = {expression}" for name, expression in content.symbols.items()]
    for name, phase in content.phases.items():
        sublattices: Any = phase.constituents or ()
        lines.append(f"{name} {phase.sublattices} {[sorted(map(str, s)) for s in sublattices]} {phase.model_hints}")
    for entry in content.search(where("phase_name").exists()):
        lines.append(" ".join(str(entry[key]) for key in sorted(entry)))
    return "\n".join(sorted(lines))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read(text: str, name: str, form: str, path: Path | None) -> Database:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            content = pycalphad.Database.from_string(_name_gas_constant(text) if form == "tdb" else text, fmt=form)
        except Exception as error:  # the reader raises many kinds
            raise ValueError(
                f"The database {path or name} cannot be read{_reason(error)}; correct the file."
            ) from error
    if not content.phases:
        raise ValueError(f"The database {path or name} holds no phase; give a TDB or ChemSage DAT file.")
    if empty := [phase for phase, entry in content.phases.items() if not entry.constituents]:
        raise ValueError(
            f"The database {path or name} lacks the CONSTITUENT of {', '.join(empty)}; add it to the file."
        )
    notes = tuple(dict.fromkeys(str(warning.message) for warning in caught))
    return Database(content, name, _hash(text), _version(text), path, notes)


def _reason(error: Exception) -> str:
    """Where and why the reader stopped, on one line."""
    line = getattr(error, "lineno", None)
    where = f" at line {line} near '{str(getattr(error, 'line', '')).strip()[:80]}'" if line else ""
    first = (str(error).strip().splitlines() or [type(error).__name__])[0].strip().rstrip(".;")
    return f"{where} ({type(error).__name__}: {first[:160]})"


def _version(text: str) -> str:
    lines = (line.strip(" $*!\t\r") for line in text.splitlines())
    return next((line for line in lines if line.strip("-=# ")), "")


def _name_gas_constant(text: str) -> str:
    """The text with the symbol R of expressions under a name that the reader does not replace by a number."""
    lines = [line.split("$", 1)[0] for line in text.split("\n")]
    commands = "\n".join(line.split("!")[0] + ("!" if "!" in line else "") for line in lines).split("!")
    return "!".join(_replace_gas_constant(command) for command in commands)


def _replace_gas_constant(command: str) -> str:
    """In PARAMETER TYPE(...) expression, and in FUNCTION name expression, R alone is the gas constant."""
    head = re.match(r"\s*(?:PAR[A-Z_]*\s[^)]*\)|FUN[A-Z_]*\s+\S+)", command, re.IGNORECASE)
    if head is None:
        return command
    return head.group() + re.sub(r"(?<![\w.])R(?![\w.])", GAS_SYMBOL, command[head.end() :], flags=re.IGNORECASE)
