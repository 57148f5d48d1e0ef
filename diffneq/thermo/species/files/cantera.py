"""Cantera's YAML: the thermodynamic part of its species (NASA7, NASA9, Shomate)."""

from pathlib import Path
from typing import Any

from diffneq.thermo.species.polynomials import nasa, shomate
from diffneq.thermo.species.species import ATMOSPHERE, Phase, Species

_UNITS = {"Pa": 1.0, "bar": 1e5, "atm": ATMOSPHERE}


def read_cantera(path: str | Path, phase: Phase = "gas", standard_pressure: float = ATMOSPHERE) -> dict[str, Species]:
    """Name -> species of the list `species` of a file.

    Arguments:
        phase: of all of them; Cantera's files say it elsewhere.
        standard_pressure: Pa, where an entry has no reference-pressure; Cantera's own is 1 atm.

    Raises:
        ValueError: no such file, no species, or a model of another kind.
    """
    import yaml  # comes with zarr

    if not Path(path).is_file():
        raise ValueError(f"There is no file {path}.")
    entries = (yaml.load(Path(path).read_text(encoding="utf-8"), Loader=_plain(yaml)) or {}).get("species") or []
    if not entries:
        raise ValueError(f"{path} has no list of species.")
    return {str(e["name"]): _species(e, path, phase, standard_pressure) for e in entries}


def _plain(yaml: Any) -> Any:
    """A loader for which NO is nitric oxide and not a boolean."""

    class Loader(yaml.SafeLoader):
        pass

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in pairs if tag != "tag:yaml.org,2002:bool"]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return Loader


def _species(entry: dict[str, Any], path: str | Path, phase: Phase, standard_pressure: float) -> Species:
    thermo, name = entry.get("thermo", {}), str(entry["name"])
    pressure = _pressure(thermo.get("reference-pressure", standard_pressure), name)
    atoms = {str(e).capitalize(): float(c) for e, c in entry["composition"].items()}
    edges, rows, source = thermo.get("temperature-ranges"), thermo.get("data"), Path(path).name
    if thermo.get("model") in ("NASA7", "NASA9"):
        edges = edges[: len(rows) + 1]
        return nasa(name, atoms, edges, rows, phase=phase, standard_pressure=pressure, source=source)
    if thermo.get("model") == "Shomate":
        pieces = [(low, high, row) for low, high, row in zip(edges, edges[1:], rows, strict=False)]
        return shomate(name, atoms, pieces, phase=phase, standard_pressure=pressure, source=source)
    raise ValueError(f"{name} of {path} has the model {thermo.get('model')}; NASA7, NASA9 and Shomate can be read.")


def _pressure(value: Any, name: str) -> float:
    if isinstance(value, (int, float)):
        return float(value)
    number, _, unit = str(value).partition(" ")
    if unit.strip() not in _UNITS:
        raise ValueError(f"The reference pressure '{value}' of {name} is not in Pa, bar or atm.")
    return float(number) * _UNITS[unit.strip()]
