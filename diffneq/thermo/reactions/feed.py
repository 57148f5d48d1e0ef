"""What is in the vessel: amounts of species or elements, as arrays, and the energies of a feed."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from diffneq.thermo.reactions.table import Table
from diffneq.thermo.species.formulas import parse_formula
from diffneq.thermo.species.library import suggestion
from diffneq.thermo.species.species import GAS_CONSTANT, Species


class Feed(NamedTuple):
    """Moles by species and by element; every value broadcast to (B,)."""

    species: dict[str, np.ndarray]
    known: dict[str, Species]
    elements: np.ndarray  # (elements, B)


def read_feed(
    table: Table, candidates: Mapping[str, Species], feed: Mapping[str, Any] | None, elements: Mapping[str, Any] | None
) -> tuple[dict[str, Any], dict[str, dict[str, float]]]:
    """(amounts, atoms of each entry), from species of the candidates or plain formulas, or from elements.

    Raises:
        ValueError: neither or both, an unknown name, an element that no candidate holds.
    """
    if (feed is None) == (elements is None):
        raise ValueError("Give either a feed, {species: moles}, or elements, {symbol: moles}.")
    given = dict(feed if feed is not None else elements or {})
    if not given:
        raise ValueError("The feed is empty.")
    atoms: dict[str, dict[str, float]] = {}
    for name in given:
        if elements is not None:
            atoms[name] = {name: 1.0}
        elif name in candidates:
            atoms[name] = dict(candidates[name].elements)
        else:
            atoms[name] = _formula(name, candidates)
        lost = [e for e in atoms[name] if e not in table.elements]
        if lost:
            raise ValueError(f"No candidate holds the element {', '.join(lost)} of {name}.")
    return given, atoms


def _formula(name: str, candidates: Mapping[str, Species]) -> dict[str, float]:
    try:
        return parse_formula(name)
    except ValueError:
        raise ValueError(
            f"{name} is neither among the candidates nor a formula{suggestion(name, candidates)}."
        ) from None


def check_amounts(amounts: Mapping[str, np.ndarray], fractions: bool) -> None:
    """ValueError for amounts that are negative or not finite, or fractions that do not sum to one."""
    for name, value in amounts.items():
        if not (np.isfinite(value) & (value >= 0)).all():
            raise ValueError(f"The amount of {name} must be finite and not negative; one value is {value.min():g}.")
    total = sum(amounts.values())
    if fractions and np.abs(total - 1.0).max() > 1e-6:
        worst = np.atleast_1d(total)[np.abs(np.atleast_1d(total) - 1.0).argmax()]
        raise ValueError(f"The mole fractions sum to {worst:g}, not 1; give amounts as feed= if they are moles.")
    if not np.all(total > 0):
        raise ValueError("A feed holds nothing.")


def feed_properties(
    amounts: Mapping[str, np.ndarray], candidates: Mapping[str, Species], T: np.ndarray, P: np.ndarray,
    extrapolate: bool = False,
) -> dict[str, np.ndarray]:  # fmt: skip
    """H, S, U, V of the feed before it reacts, an ideal mixture of its gases and pure condensed phases, at T and P.

    Raises:
        ValueError: an entry without data, or T out of the range of one.
    """
    missing = [name for name in amounts if name not in candidates]
    if missing:
        raise ValueError(
            f"The enthalpy of {missing[0]} is not known here: feed species of the candidates"
            f"{suggestion(missing[0], candidates)}, or give H, S, U or V of the vessel."
        )
    zero = np.zeros(np.broadcast(T, *amounts.values()).shape)
    H, S, N, y_log_y = zero, zero, zero, zero
    for name, n in amounts.items():
        s = candidates[name]
        if np.any(n > 0):
            s.check_range(T, extrapolate)
        H, S = H + n * np.asarray(s.molar_enthalpy(T)), S + n * np.asarray(s.molar_entropy(T))
        if s.phase == "gas":
            N, y_log_y = N + n, y_log_y + np.where(n > 0, n * np.log(np.where(n > 0, n, 1.0)), 0.0)
    standard = next(iter(candidates.values())).standard_pressure
    S = S - GAS_CONSTANT * (y_log_y - N * np.log(np.where(N > 0, N, 1.0)) + N * np.log(P / standard))
    V = N * GAS_CONSTANT * T / P
    return {"H": H, "S": S, "U": H - P * V, "V": V, "T": zero + T, "P": zero + P}
