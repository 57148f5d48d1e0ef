"""Isopleths: sections of temperature against one variable of composition, in systems of any number of elements."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from scipy import ndimage
from tqdm import tqdm

from diffneq.thermo.calphad.conditions import conditions
from diffneq.thermo.calphad.equilibrium import solve_all
from diffneq.thermo.calphad.solver.state import INFEASIBLE, NOT_CERTIFIED, NOT_CONVERGED
from diffneq.thermo.calphad.system import System

_HALVINGS = 14
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
    bisection, to 1e-4 of an edge. Lines run through these points.

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
    with tqdm(desc="isopleth", total=_HALVINGS + 1, delay=2.0, disable=not progress) as bar:
        here = section.phases(np.repeat(t, len(s)), np.tile(s, len(t)))
        bar.update()
        names = sorted(set(here))
        image = np.array([names.index(p) for p in here]).reshape(shape)
        crossings = _crossings(section, names, image, t, s, bar)
    labels = tuple((*label,) for label in _labels(image, names, t, s))
    return Isopleth(system.elements, section.start, section.end, (float(T[0]), float(T[1])),
                    _segments(crossings, shape, t, s), labels, dict(system.provenance))  # fmt: skip


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


def _crossings(section: _Section, names, image: np.ndarray, t, s, bar) -> dict:
    """(axis, i, j) of an edge -> (s, T) where its first phases end."""
    keys = [(0, i, j) for i, j in np.argwhere(image[1:] != image[:-1])]
    keys += [(1, i, j) for i, j in np.argwhere(image[:, 1:] != image[:, :-1])]
    if not keys:
        return {}
    axis, i, j = np.array(keys).T
    low = np.stack([s[j], t[i]], axis=1)
    high = np.stack([s[j + axis], t[i + 1 - axis]], axis=1)
    first = [names[image[a, b]] for a, b in zip(i, j, strict=True)]
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        found = section.phases(middle[:, 1], middle[:, 0])
        same = np.array([a == b for a, b in zip(found, first, strict=True)])[:, None]
        low, high = np.where(same, middle, low), np.where(same, high, middle)
        bar.update()
    return {tuple(int(v) for v in key): at for key, at in zip(keys, 0.5 * (low + high), strict=True)}


def _segments(crossings: dict, shape: tuple[int, int], t, s) -> np.ndarray:
    """In every mesh the points on its edges are joined: two by a line, more of them at the place between them."""
    out = []
    for i in range(shape[0] - 1):
        for j in range(shape[1] - 1):
            edges = ((0, i, j), (0, i, j + 1), (1, i, j), (1, i + 1, j))
            points = [crossings[e] for e in edges if e in crossings]
            if len(points) == 2:
                out.append(points)
            elif len(points) > 2:
                out += _joined(points, t[1] - t[0], s[1] - s[0])
    return np.array(out).reshape(-1, 2, 2)


def _joined(points, dt: float, ds: float) -> list:
    """A horizontal line, if two points make one, belongs to an invariant: it passes, and the others end on it."""
    level = [(a, b) for k, a in enumerate(points) for b in points[k + 1 :]
             if abs(a[1] - b[1]) < 1e-3 * dt and abs(a[0] - b[0]) > 0.9 * ds]  # fmt: skip
    if level:
        a, b = level[0]
        rest = [p for p in points if p is not a and p is not b]
        return [(a, b), *((p, np.array([p[0], a[1]])) for p in rest)]
    middle = np.mean(points, axis=0)
    return [(p, middle) for p in points]


def _labels(image: np.ndarray, names, t, s):
    for number, phases in enumerate(names):
        parts, count = ndimage.label(image == number)
        for part in range(1, count + 1):
            deep = ndimage.distance_transform_edt(np.pad(parts == part, 1))[1:-1, 1:-1]
            row, column = np.unravel_index(int(np.argmax(deep)), deep.shape)
            yield phases, float(s[column]), float(t[row]), int(np.ptp(np.flatnonzero(parts[row] == part))) + 1


def _words(composition: Mapping[str, float]) -> str:
    return " ".join(f"{e}={x:g}" for e, x in composition.items())
