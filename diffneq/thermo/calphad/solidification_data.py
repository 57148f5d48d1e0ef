"""The course of a solidification as a labelled dataset: amounts, compositions, heat."""

from typing import NamedTuple

import numpy as np
import xarray as xr

from diffneq.thermo.calphad.freezing import Solid, Step
from diffneq.thermo.calphad.solver.state import State
from diffneq.thermo.calphad.states import properties_at, states_at
from diffneq.thermo.calphad.system import System


class Row(NamedTuple):
    """A step, and the solids as they form at its end (of any amount)."""

    step: Step
    forming: tuple[Solid, ...]


class Heat(NamedTuple):
    """Of everything that is there, J and J/K for one mole of alloy."""

    H: np.ndarray
    C_P: np.ndarray  # every phase at its constitution


def as_dataset(system: System, rows: list[Row], P: float, liquids: np.ndarray, end: str, kept: bool) -> xr.Dataset:
    """What `scheil` (solids are `kept` as they froze) and `lever` (they are those of the moment) return."""
    C, steps = len(system.elements), [row.step for row in rows]
    T = np.array([step.T for step in steps])
    liquid = np.stack([step.liquid for step in steps])
    fraction = liquid.sum(axis=1)
    amounts = np.zeros((len(rows), len(system.phase_names)))
    for k, step in enumerate(steps):
        for solid in step.solids:
            amounts[k, solid.phase] += solid.atoms(C)
    amounts = np.cumsum(amounts, axis=0) if kept else amounts
    shown = np.flatnonzero(amounts.any(axis=0))
    heat = _heat(system, steps, P, liquids, kept)
    cooled = np.concatenate([[0.0], np.cumsum(0.5 * (heat.C_P[1:] + heat.C_P[:-1]) * -np.diff(T))])
    names, formed, x = _forming(system, rows)
    data = xr.Dataset(
        {
            "T": ("step", T, {"units": "K"}),
            "fraction_liquid": ("step", fraction),
            "amount": (("step", "phase"), amounts[:, shown], {"units": "mol of atoms"}),
            "x_liquid": (("step", "element"), liquid / np.where(fraction > 0, fraction, np.nan)[:, None]),
            "forming": (("step", "vertex"), names),
            "formed": (("step", "vertex"), formed, {"units": "mol of atoms"}),
            "x_forming": (("step", "vertex", "element"), x),
            "H": ("step", heat.H, {"units": "J/mol"}),
            "latent": ("step", heat.H[0] - heat.H - cooled, {"units": "J/mol"}),
            "status": ("step", np.array([step.status for step in steps])),
        },
        coords={"phase": [system.phase_names[p] for p in shown], "element": list(system.elements)},
        attrs={**system.provenance, "P": P, "end": end, "model": "Scheil-Gulliver" if kept else "lever rule"},
    )
    return data


def _forming(system: System, rows: list[Row]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Names, amounts formed in the step and compositions, in as many columns as are ever needed."""
    C, wide = len(system.elements), max(1, max(len(row.forming) for row in rows))
    names = np.full((len(rows), wide), "", dtype=object)
    formed, x = np.zeros((len(rows), wide)), np.full((len(rows), wide, C), np.nan)
    for k, row in enumerate(rows):
        for v, (new, now) in enumerate(zip(row.step.solids, row.forming, strict=True)):
            names[k, v], formed[k, v] = system.phase_names[new.phase], new.atoms(C)
            x[k, v] = now.formed[:C] / now.atoms(C)
    return names.astype(str), formed, x


def _heat(system: System, steps: list[Step], P: float, liquids: np.ndarray, kept: bool) -> Heat:
    """The liquid of each row and the solids of it, or of all rows before it too."""
    C, n = len(system.elements), len(steps)
    T = np.array([step.T for step in steps])
    wet = np.array([k for k, step in enumerate(steps) if step.liquid.sum() > 0.0])
    x = np.stack([steps[k].liquid / steps[k].liquid.sum() for k in wet])
    others = {name for k, name in enumerate(system.phase_names) if k not in liquids}
    owner, amount, phase, y, at = _of_liquid(states_at(system, T[wet], P, x, others), wet, steps)
    for k, step in enumerate(steps):
        for solid in step.solids:
            rows = np.arange(k, n) if kept else np.array([k])
            repeat = lambda value, rows=rows: np.repeat(np.asarray(value)[None], len(rows), axis=0)
            owner, at = np.concatenate([owner, rows]), np.concatenate([at, T[rows]])
            amount = np.concatenate([amount, repeat(solid.atoms(C))])
            phase = np.concatenate([phase, repeat(solid.phase)])
            y = np.concatenate([y, repeat(solid.formed[C:] / solid.atoms(C))])
    each = properties_at(system, at, P, phase, y)
    total = lambda values: np.bincount(owner, amount * values, minlength=n)
    return Heat(total(each.H), total(each.C_P))


def _of_liquid(state: State, wet: np.ndarray, steps: list[Step]):
    """(row, moles of atoms, phase, y, T) of every liquid of every row."""
    slot, lane = np.nonzero(state.active & (state.amount > 1e-12))
    fraction = np.array([steps[k].liquid.sum() for k in wet])
    T = np.array([steps[k].T for k in wet])
    amount = state.amount[slot, lane] * fraction[lane]
    return wet[lane], amount, state.phase[slot, lane], state.y[:, slot, lane].T, T[lane]
