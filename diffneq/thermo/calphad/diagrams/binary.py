"""Temperature-composition diagrams of binary systems."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from tqdm import tqdm

from diffneq.thermo.calphad.conditions import conditions
from diffneq.thermo.calphad.diagrams.fields import Field, fields
from diffneq.thermo.calphad.diagrams.labelled import labelled
from diffneq.thermo.calphad.diagrams.ordering import shown_name
from diffneq.thermo.calphad.diagrams.reactions import Reaction, SpecialPoint, is_fluid, reaction, special_point
from diffneq.thermo.calphad.diagrams.scan import Tie
from diffneq.thermo.calphad.diagrams.strands import skeleton
from diffneq.thermo.calphad.diagrams.tracing import traced
from diffneq.thermo.calphad.equilibrium import solve_all
from diffneq.thermo.calphad.system import System

_ROWS = 32
_REPAIRS = 3


@dataclasses.dataclass(frozen=True, eq=False)
class Region:
    """A two-phase region: for each T (K) the mole fractions of the second element in the poorer and the richer phase.

    `mu` in J/mol are the chemical potentials that both phases share, `y` the site fractions (padded).
    """

    phases: tuple[str, str]
    T: np.ndarray  # (n,)
    x: np.ndarray  # (n, 2)
    mu: np.ndarray  # (n, 2)
    y: np.ndarray  # (n, 2, n_y)


@dataclasses.dataclass(frozen=True, eq=False)
class BinaryDiagram:
    """What `binary` found. `notes` says where something was not understood; empty is good."""

    elements: tuple[str, str]
    masses: tuple[float, float]
    span: tuple[float, float]
    P: float
    regions: tuple[Region, ...]
    invariants: tuple[Reaction, ...]
    points: tuple[SpecialPoint, ...]
    fields: tuple[Field, ...]
    notes: tuple[str, ...]
    provenance: Mapping[str, Any]

    @property
    def dataset(self) -> xr.Dataset:
        """All curves, points and names with labels and units, for pictures and files."""
        return labelled(self)

    def to_dict(self) -> dict[str, Any]:
        """Invariants and special points, for JSON."""
        return {
            "elements": list(self.elements), "T": list(self.span), "P": self.P, **self.provenance,
            "invariants": [each.to_dict() for each in self.invariants],
            "points": [each.to_dict() for each in self.points], "notes": list(self.notes),
        }  # fmt: skip


def binary(
    system: System, T: tuple[float, float] | None = None, P: float = 101325.0, *, rows: int = _ROWS,
    count: int = 61, progress: bool = True,
) -> BinaryDiagram:  # fmt: skip
    """mu_e(a) = mu_e(b) for both elements e: all tie-lines of a binary system between two temperatures.

    Rows of equilibria at some temperatures give the tie-lines there. Where neighbouring rows differ, the invariant
    reaction, congruent or critical point between them is solved for as a square system of equations; each is accepted
    only if no other state lies below its plane. The boundaries are then traced between these points.

    Arguments:
        system: from `build`, of two elements.
        T: lowest and highest temperature, K; by default from 300 K to somewhat above the last melting point.
        P: pressure, Pa.
        rows: temperatures of the first survey; regions that live within less than (T_1 - T_0)/rows may be missed.
        count: equilibria across the diagram at each of them.
        progress: show a bar when it takes more than two seconds.

    Raises ValueError: not two elements, or temperatures that make no sense.

    >>> import jax
    >>> from diffneq.thermo.calphad import build
    >>> with jax.enable_x64(True):
    ...     diagram = binary(build("Pb-Sn", ["Pb", "Sn"]), T=(400, 500), progress=False)
    >>> [(each.kind, round(each.T, 1)) for each in diagram.invariants]
    [('eutectic', 454.6)]
    """
    low, high = _span(system, T, P)
    temperatures = list(np.linspace(low, high, max(int(rows), 4)))
    with tqdm(unit=" K", desc="phase diagram", total=round(high - low), delay=2.0, disable=not progress) as bar:
        for _ in range(_REPAIRS):
            frame = skeleton(system, P, temperatures, count, _tick(bar))
            ties, doubtful = traced(system, P, frame.strands, (low, high))
            if not doubtful:
                break
            # Another state is stable somewhere on a region: rows there will show which.
            temperatures += sorted({round(tie.T, 3) for tie in doubtful})[:: max(1, len(doubtful) // 8)]
        bar.update(bar.total - bar.n)
    notes = [*frame.notes, *_doubts(system, doubtful)]
    return BinaryDiagram(
        _two(system), (system.masses[0], system.masses[1]), (low, high), float(P),
        tuple(_region(system, region) for region in ties),
        tuple(reaction(system, e) for e in frame.events if e.kind in ("invariant", "transition")),
        tuple(special_point(system, e) for e in frame.events if e.kind not in ("invariant", "transition")),
        tuple(fields(ties, (low, high), _named(system), lambda t: _alone(system, t, P))), tuple(notes),
        dict(system.provenance),
    )  # fmt: skip


def _tick(bar):
    def tick(kelvin: float) -> None:
        bar.update(min(round(kelvin), bar.total) - bar.n)

    return tick


def _two(system: System) -> tuple[str, str]:
    if len(system.elements) != 2:
        raise ValueError(f"A binary diagram needs two elements; the system has {', '.join(system.elements)}.")
    return system.elements[0], system.elements[1]


def _span(system: System, T, P: float) -> tuple[float, float]:
    _two(system)
    least, most = system.temperature_range
    if T is None:
        return max(least, 300.0), _above_melting(system, max(least, 300.0), most, P)
    low, high = (float(t) for t in T)
    if not least <= low < high <= most:
        raise ValueError(
            f"T must be two temperatures, lower one first, within {least:g} to {most:g} K; got {low:g} and {high:g}."
        )
    return low, high


def _above_melting(system: System, low: float, high: float, P: float) -> float:
    """Somewhat above the temperature from which on one phase covers all compositions."""
    T, x = np.linspace(low, high, 60), np.linspace(0.02, 0.98, 15)
    given = conditions(system, np.repeat(T, len(x)), P, {system.elements[1]: np.tile(x, len(T))})
    state = solve_all(system, given)
    single = (state.active.sum(axis=0) == 1).reshape(len(T), -1).all(axis=1)
    one = np.where(state.active, state.phase, 0).sum(axis=0).reshape(len(T), -1)
    calm = single & (np.ptp(one, axis=1) == 0)
    fluid = np.flatnonzero([is_fluid(name) for name in system.phase_names])
    molten = calm & np.isin(one[:, 0], fluid)
    places = np.flatnonzero(molten if molten.any() else calm)
    top = T[places[0]] if len(places) else high
    return float(min(high, top + 0.06 * (top - low)))


def _named(system: System):
    return lambda tie, side: shown_name(system, tie.phases[side], np.exp(tie.log_y[side]))


def _alone(system: System, T: np.ndarray, P: float) -> list[str]:
    state = solve_all(system, conditions(system, T, P, {system.elements[1]: np.full(len(T), 0.5)}))
    slot = np.argmax(state.amount, axis=0)
    return [shown_name(system, int(state.phase[s, k]), state.y[:, s, k]) for k, s in enumerate(slot)]


def _region(system: System, ties: list[Tie]) -> Region:
    present = np.asarray(system.tables.present)[list(ties[0].phases)]
    a, b = (system.phase_names[k] for k in ties[0].phases)
    stack = lambda name: np.array([getattr(tie, name) for tie in ties])
    return Region((a, b), stack("T"), stack("x"), stack("mu"), np.where(present, np.exp(stack("log_y")), 0.0))


def _doubts(system: System, ties: list[Tie]) -> list[str]:
    return [
        f"At {tie.T:.2f} K a state lies below the tie-line {' - '.join(system.phase_names[k] for k in tie.phases)} "
        f"at x = {tie.x[0]:.4f} to {tie.x[1]:.4f}." for tie in ties[:3]
    ]  # fmt: skip
