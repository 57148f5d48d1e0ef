"""The species that come with the package, by collection and by name.

Collections: "shomate" (33 gases, NIST), "nasa" (gases and condensed phases, NASA-7), "nasa9" (hot air, NASA-9), "gri30"
(GRI-Mech 3.0, NASA-7), "sgte" (pure elements, condensed).
"""

import difflib
import functools
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

import jax

from diffneq.thermo.species.data import gri30, nasa9_air, nasa_condensed, nasa_gas, sgte_unary, shomate_nist
from diffneq.thermo.species.formulas import parse_formula
from diffneq.thermo.species.polynomials import nasa, shomate
from diffneq.thermo.species.sgte import sgte
from diffneq.thermo.species.species import Species


def collection(name: str) -> Mapping[str, Species]:
    """Name -> species of a collection.

    Raises:
        ValueError: no such collection, or x64 off.

    >>> with jax.enable_x64(True):
    ...     len(collection("shomate"))
    33
    """
    if name not in _COLLECTIONS:
        raise ValueError(f"No collection '{name}'; there are {', '.join(_COLLECTIONS)}.")
    if not jax.config.jax_enable_x64:
        raise ValueError("Gibbs energies need float64: call jax.config.update('jax_enable_x64', True) first.")
    return _load(name)


def species(name: str, source: str = "nasa") -> Species:
    """One species of a collection.

    Raises:
        ValueError: an unknown name, with close ones; an unknown collection.

    >>> with jax.enable_x64(True):
    ...     round(float(species("CO2", "shomate").molar_enthalpy(298.15)))
    -393525
    """
    return choose((name,), collection(source), source)[0]


def choose(names: Iterable[str], among: Mapping[str, Species], owner: str = "the given species") -> tuple[Species, ...]:
    """Species by name.

    Raises:
        ValueError: an unknown name, with close ones.
    """
    wanted = tuple(names)
    for name in wanted:
        if name not in among:
            raise ValueError(f"{name} is not in {owner}{suggestion(name, among)}.")
    return tuple(among[name] for name in wanted)


def suggestion(name: str, among: Iterable[str]) -> str:
    """Close names as the end of a sentence: the same letters in another case, or a small slip."""
    names = list(among)
    lower = {n.lower(): n for n in names}
    close = difflib.get_close_matches(name.lower(), lower, n=4, cutoff=0.6)
    stem = [n for n in names if n.lower().startswith(name.lower() + "(")]
    found = list(dict.fromkeys([*stem, *(lower[c] for c in close)]))
    return f"; did you mean {', '.join(found[:4])}?" if found else ""


def _nasa_table(module) -> dict[str, Species]:
    found: dict[str, Species] = {}
    name, atoms, edges, pieces, numbers = "", {}, [], [], []

    def finish() -> None:
        if name:
            found[name] = nasa(name, atoms, edges, pieces, source=module.SOURCE, phase=module.PHASE,
                               standard_pressure=module.STANDARD_PRESSURE)  # fmt: skip

    for line in module.TABLE.strip().splitlines():
        if "|" in line:
            finish()
            name, text, limits = (part.strip() for part in line.split("|"))
            atoms = {e: float(c) for e, c in (entry.split(":") for entry in text.split())}
            edges, pieces, numbers = [float(t) for t in limits.split()], [], []
            continue
        numbers += [float(word) for word in line.replace(";", " ").split()]
        if ";" in line:
            pieces.append(numbers)
            numbers = []
    finish()
    return found


def _shomate_table() -> dict[str, Species]:
    found: dict[str, Species] = {}
    blocks: dict[str, list] = {}
    name = ""
    for line in shomate_nist.TABLE.strip().splitlines():
        if "|" in line:
            name = line.split("|")[0].strip()
            blocks[name] = []
        else:
            low, high, *numbers = map(float, line.split())
            blocks[name].append((low, high, numbers))
    for name, pieces in blocks.items():
        found[name] = shomate(name, parse_formula("OCS" if name == "COS" else name), pieces, source=shomate_nist.SOURCE)
    return found


def _sgte_table() -> dict[str, Species]:
    found: dict[str, Species] = {}
    blocks: list[tuple[str, str, float, float, list]] = []
    for line in sgte_unary.TABLE.strip().splitlines():
        if "|" in line:
            left, right = line.split("|")
            element, structure = left.split()
            critical, moment = map(float, right.split())
            blocks.append((element.capitalize(), structure, critical, moment, []))
        else:
            low, high, *terms = line.split()
            values = {key: float(value) for key, value in (term.split("=") for term in terms)}
            blocks[-1][-1].append((float(low), float(high), values))
    for element, structure, critical, moment, pieces in blocks:
        name = f"{element}({structure})"
        found[name] = sgte(name, element, structure, pieces, critical, moment, sgte_unary.SOURCE)
    return found


_COLLECTIONS: dict[str, Callable[[], dict[str, Species]]] = {
    "shomate": _shomate_table,
    "nasa": lambda: _nasa_table(nasa_gas) | _nasa_table(nasa_condensed),
    "nasa9": lambda: _nasa_table(nasa9_air),
    "gri30": lambda: _nasa_table(gri30),
    "sgte": _sgte_table,
}
COLLECTIONS = tuple(_COLLECTIONS)


@functools.cache
def _load(name: str) -> Mapping[str, Species]:
    return MappingProxyType(_COLLECTIONS[name]())
