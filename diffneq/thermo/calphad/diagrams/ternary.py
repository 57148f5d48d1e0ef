"""Isothermal sections of ternary systems: tie-triangles, families of tie-lines, single-phase fields."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from tqdm import tqdm

from diffneq.thermo.calphad.conditions import conditions
from diffneq.thermo.calphad.diagrams.families import Chord, chained, closed, filled
from diffneq.thermo.calphad.diagrams.images import deepest, parts
from diffneq.thermo.calphad.diagrams.ordering import shown_name
from diffneq.thermo.calphad.equilibrium import solve_all
from diffneq.thermo.calphad.solver.state import INFEASIBLE, NOT_CERTIFIED, NOT_CONVERGED, State
from diffneq.thermo.calphad.system import System

_EDGE = 1e-9
_ROUNDS = 5


@dataclasses.dataclass(frozen=True, eq=False)
class TernarySection:
    """An isothermal section. x are mole fractions in the order of `elements`.

    `triangles`: (phases, x (3, 3)) of each three-phase field; `families`: (phases, x (n, 2, 3)), tie-lines of each
    two-phase field from one end to the other; `labels`: (phase, x (3,)) of each single-phase field.
    """

    elements: tuple[str, ...]
    T: float
    P: float
    triangles: tuple[tuple[tuple[str, ...], np.ndarray], ...]
    families: tuple[tuple[tuple[str, ...], np.ndarray], ...]
    labels: tuple[tuple[str, np.ndarray], ...]
    provenance: Mapping[str, Any]

    @property
    def dataset(self) -> xr.Dataset:
        """Labelled arrays, for pictures and files."""
        sizes = [len(x) for _, x in self.families]
        ties = np.concatenate([x for _, x in self.families]) if sizes else np.zeros((0, 2, 3))
        corners = np.array([x for _, x in self.triangles]).reshape(-1, 3, 3)
        words = lambda entries, n: np.array([list(e) for e in entries], dtype=np.str_).reshape(-1, n)
        return xr.Dataset(
            {
                "family": ("tie_line", np.repeat(np.arange(len(sizes)), sizes)),
                "x": (("tie_line", "end", "element"), ties),
                "family_phase": (("two_phase_field", "end"), words([p for p, _ in self.families], 2)),
                "triangle_x": (("triangle", "corner", "element"), corners),
                "triangle_phase": (("triangle", "corner"), words([p for p, _ in self.triangles], 3)),
                "label_x": (("single_phase_field", "element"), np.array([x for _, x in self.labels]).reshape(-1, 3)),
                "label": ("single_phase_field", np.array([p for p, _ in self.labels], dtype=np.str_)),
            },
            coords={"element": list(self.elements)}, attrs={**self.provenance, "T": self.T, "P": self.P},
        )  # fmt: skip


def ternary(system: System, T: float, P: float = 101325.0, *, count: int = 48, progress: bool = True) -> TernarySection:
    """mu_e equal in all phases of a field: the section of a ternary system at one temperature.

    Equilibria on a triangular grid of `count` + 1 points a side give tie-triangles and tie-lines, all exact; tie-lines
    of one field are put in order, and more are calculated where neighbours lie far apart.

    Arguments:
        system: from `build`, of three elements.
        T: temperature, K.
        P: pressure, Pa.
        count: fields narrower than 1/count may be missed.
        progress: show a bar when it takes more than two seconds.

    Raises ValueError: not three elements, or T outside the range of the database.
    """
    if len(system.elements) != 3:
        raise ValueError(f"A ternary section needs three elements; the system has {', '.join(system.elements)}.")
    i, j = np.array([(i, j) for i in range(count + 1) for j in range(count + 1 - i)]).T
    x = np.stack([1.0 - (i + j) / count, i / count, j / count], axis=1)
    with tqdm(desc="ternary section", total=_ROUNDS + 2, delay=2.0, disable=not progress) as bar:
        states = at_compositions(system, T, P, x)
        bar.update()
        triangles = _distinct([tuple(s) for s in states if len(s) == 3])
        sides = [(t[a], t[b]) for t in triangles for a, b in ((0, 1), (0, 2), (1, 2))]
        chords = [Chord.of(*pair) for pair in (*sides, *(s for s in states if len(s) == 2))]
        families = chained(chords)
        solve = lambda where: at_compositions(system, T, P, where)
        for _ in range(_ROUNDS):
            families = filled(families, solve)
            bar.update()
        families = closed(families, solve)
        bar.update()
    name = lambda point: shown_name(system, point[0], point[2])
    return TernarySection(
        system.elements, float(T), float(P),
        tuple((tuple(name(p) for p in t), np.array([p[1] for p in t])) for t in triangles),
        tuple(((name(f[len(f) // 2].ends[0]), name(f[len(f) // 2].ends[1])), np.array([c.x for c in f]))
              for f in families if len(f) > 1),
        tuple(_labels(states, i, j, x, count, name)), dict(system.provenance),
    )  # fmt: skip


def at_compositions(system: System, T: float, P: float, x: np.ndarray) -> list[list[tuple]]:
    """For each composition the stable phases as (phase, x, y), in the order of the phases; [] where none was found."""
    x = np.maximum(x, _EDGE)
    x = x / x.sum(axis=1, keepdims=True)
    fractions = {e: x[:, k] for k, e in enumerate(system.elements) if k}
    state = solve_all(system, conditions(system, np.full(len(x), T), P, fractions))
    bad = (state.status & (NOT_CERTIFIED | NOT_CONVERGED | INFEASIBLE)) > 0
    return [[] if bad[k] else _points(state, k) for k in range(len(x))]


def _points(state: State, k: int) -> list[tuple]:
    slots = np.flatnonzero(state.active[:, k] & (state.amount[:, k] > 1e-9))
    points = [(int(state.phase[s, k]), state.x[:3, s, k], state.y[:, s, k]) for s in slots]
    return sorted(points, key=lambda p: (p[0], *np.round(p[1], 6)))


def _distinct(triangles: Sequence[tuple]) -> list[tuple]:
    kept: dict = {}
    for t in triangles:
        kept.setdefault(tuple((p[0], *np.round(p[1], 4)) for p in t), t)
    return list(kept.values())


def _labels(states, i, j, x, count: int, name):
    """For each connected part of the grid with one phase the place farthest from its rim."""
    image = np.zeros((count + 3, count + 3), int)
    names = sorted({name(s[0]) for s in states if len(s) == 1})
    for k, s in enumerate(states):
        if len(s) == 1:
            image[i[k] + 1, j[k] + 1] = names.index(name(s[0])) + 1
    places = {(a + 1, b + 1): k for k, (a, b) in enumerate(zip(i, j, strict=True))}
    for number, phase in enumerate(names):
        for part in parts(image == number + 1, corners=True):
            yield phase, x[places[deepest(part)]]
