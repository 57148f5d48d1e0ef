"""Isopleths: sections of temperature against one variable of composition, in systems of any number of elements."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from tqdm import tqdm

from diffneq.thermo.calphad.conditions import conditions
from diffneq.thermo.calphad.diagrams.images import deepest, parts
from diffneq.thermo.calphad.equilibrium import solve_all
from diffneq.thermo.calphad.solver.state import INFEASIBLE, NOT_CERTIFIED, NOT_CONVERGED
from diffneq.thermo.calphad.system import System

_HALVINGS = 13
_MOST = 4  # changes along one edge of the grid
_EDGE = 1e-9
UNKNOWN = ("?",)


@dataclasses.dataclass(frozen=True, eq=False)
class Isopleth:
    """A section along x(s) = (1 - s) start + s end. `segments` (n, 2, 2) are pieces of the lines between fields, as
    (s, T in K); `labels`: (phases, s, T) of each field, where there is most room."""

    elements: tuple[str, ...]
    start: Mapping[str, float]
    end: Mapping[str, float]
    span: tuple[float, float]
    segments: np.ndarray
    labels: tuple[tuple[tuple[str, ...], float, float, int], ...]
    provenance: Mapping[str, Any]

    @property
    def dataset(self) -> xr.Dataset:
        """Labelled arrays, for pictures and files."""
        names = np.array([" + ".join(p) for p, *_ in self.labels], dtype=np.str_)
        return xr.Dataset(
            {
                "segment": (("line", "end", "variable"), self.segments),
                "field": ("place", names),
                "field_at": (("place", "variable"), np.array([at[:2] for _, *at in self.labels], float).reshape(-1, 2)),
                "field_size": ("place", np.array([size for *_, size in self.labels], int)),
            },
            coords={"variable": ["s", "T"]},
            attrs={**self.provenance, "start": _words(self.start), "end": _words(self.end),
                   "T_low": self.span[0], "T_high": self.span[1]},
        )  # fmt: skip


def isopleth(
    system: System, T: tuple[float, float], start: Mapping[str, float], end: Mapping[str, float],
    P: float = 101325.0, *, shape: tuple[int, int] = (57, 65), progress: bool = True,
) -> Isopleth:  # fmt: skip
    """min G at x(s) = (1 - s) start + s end: where the set of stable phases changes with s and T.

    A grid of equilibria; along every edge of the grid whose ends have different phases the change is found by
    bisection, to 1e-4 of an edge, and so are more changes behind a narrow field. Lines join these points.

    Arguments:
        system: from `build`.
        T: lowest and highest temperature, K.
        start, end: mole fractions of all elements but one, at both ends of the section.
        P: pressure, Pa.
        shape: temperatures and compositions of the grid; fields smaller than its meshes may be missed.
        progress: show a bar when it takes more than two seconds.

    Raises ValueError: compositions that name other elements, or do not leave room for the rest.
    """
    section = _Section(system, P, {k.upper(): v for k, v in start.items()}, {k.upper(): v for k, v in end.items()})
    t, s = np.linspace(*T, shape[0]), np.linspace(0.0, 1.0, shape[1])
    with tqdm(desc="isopleth", total=_MOST + 1, delay=2.0, disable=not progress) as bar:
        here = section.phases(np.repeat(t, len(s)), np.tile(s, len(t)))
        bar.update()
        names = sorted(set(here))
        image = np.array([names.index(p) for p in here]).reshape(shape)
        crossings = _crossings(section, names, image, t, s, bar)
    labels = tuple((*label,) for label in _labels(image, names, t, s))
    return Isopleth(system.elements, section.start, section.end, (float(T[0]), float(T[1])),
                    _segments(crossings, shape), labels, dict(system.provenance))  # fmt: skip


@dataclasses.dataclass(frozen=True)
class _Section:
    system: System
    P: float
    start: Mapping[str, float]
    end: Mapping[str, float]

    def phases(self, T: np.ndarray, s: np.ndarray) -> list[tuple[str, ...]]:
        """The names of the stable phases at each (T, s)."""
        if set(self.start) != set(self.end):
            raise ValueError("start and end must name the same elements.")
        x = {e: np.clip((1 - s) * self.start[e] + s * self.end[e], _EDGE, 1 - _EDGE) for e in self.start}
        state = solve_all(self.system, conditions(self.system, T, self.P, x))
        bad = (state.status & (NOT_CERTIFIED | NOT_CONVERGED | INFEASIBLE)) > 0
        stable = state.active & (state.amount > 1e-7)
        name = self.system.phase_names
        return [UNKNOWN if bad[k] else tuple(sorted(name[p] for p in state.phase[stable[:, k], k]))
                for k in range(len(T))]  # fmt: skip


class _Crossing(NamedTuple):
    """Where two sets of phases meet on an edge of the grid."""

    at: np.ndarray  # (s, T)
    between: frozenset


def _crossings(section: _Section, names, image: np.ndarray, t, s, bar) -> dict[tuple, list[_Crossing]]:
    """(axis, i, j) of an edge -> all changes of the set of phases that were found along it."""
    keys = [(0, *map(int, ij)) for ij in np.argwhere(image[1:] != image[:-1])]
    keys += [(1, *map(int, ij)) for ij in np.argwhere(image[:, 1:] != image[:, :-1])]
    found: dict[tuple, list[_Crossing]] = {}
    at = lambda i, j: np.array([s[j], t[i]])
    todo = [(k, at(*k[1:]), at(k[1] + 1 - k[0], k[2] + k[0]), names[image[k[1], k[2]]],
             names[image[k[1] + 1 - k[0], k[2] + k[0]]]) for k in keys]  # fmt: skip
    for _ in range(_MOST):
        if not todo:
            break
        low, high = (np.array([edge[n] for edge in todo]) for n in (1, 2))
        after = [edge[4] for edge in todo]
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            new = section.phases(middle[:, 1], middle[:, 0])
            same = [p == edge[3] for p, edge in zip(new, todo, strict=True)]
            after = [a if keep else p for a, p, keep in zip(after, new, same, strict=True)]
            keep = np.array(same)[:, None]
            low, high = np.where(keep, middle, low), np.where(keep, high, middle)
        bar.update()
        for k, edge in enumerate(todo):
            found.setdefault(edge[0], []).append(_Crossing(0.5 * (low[k] + high[k]), frozenset((edge[3], after[k]))))
        # Beyond a narrow field there is another change on the same edge.
        todo = [(edge[0], high[k], edge[2], after[k], edge[4]) for k, edge in enumerate(todo) if after[k] != edge[4]]
    return found


def _segments(crossings: dict, shape: tuple[int, int]) -> np.ndarray:
    """In every mesh the points where the same two fields meet are joined; single ones end where they meet."""
    out = []
    for i in range(shape[0] - 1):
        for j in range(shape[1] - 1):
            edges = ((0, i, j), (0, i, j + 1), (1, i, j), (1, i + 1, j))
            groups: dict[frozenset, list] = {}
            for crossing in (c for edge in edges for c in crossings.get(edge, ())):
                groups.setdefault(crossing.between, []).append(crossing.at)
            out += [(g[k], g[k + 1]) for g in groups.values() for k in range(0, len(g) - 1, 2)]
            single = [g[-1] for g in groups.values() if len(g) % 2]
            out += [(p, np.mean(single, axis=0)) for p in single if len(single) > 1]
    return np.array(out).reshape(-1, 2, 2)


def _labels(image: np.ndarray, names, t, s):
    for number, phases in enumerate(names):
        for part in parts(image == number):
            row, column = deepest(part)
            yield phases, float(s[column]), float(t[row]), int(np.ptp(np.flatnonzero(part[row]))) + 1


def _words(composition: Mapping[str, float]) -> str:
    return " ".join(f"{e}={x:g}" for e, x in composition.items())
