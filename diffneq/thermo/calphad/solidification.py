"""Solidification: Scheil and Gulliver's limit of no diffusion in the solids, and the lever rule, the other limit."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import xarray as xr
from tqdm import tqdm

from diffneq.thermo.calphad.freezing import NARROW, Freezing, Step, course, frozen, together
from diffneq.thermo.calphad.solidification_data import Row, as_dataset
from diffneq.thermo.calphad.states import LOST, composition, states_at
from diffneq.thermo.calphad.system import System

COMPLETE = "solid to the last drop"
LIQUID_LEFT = "liquid is left at the lowest temperature of the database"
NOT_FOUND = "the equilibrium of the liquid could not be found below the last temperature"
_SCAN = 96  # temperatures at which the liquid is looked for
_AHEAD = 1e-3  # of the solid that forms, to have it in the equilibrium with the liquid


def scheil(
    system: System,
    x: Mapping[str, float],
    T_start: float | None = None,
    *,
    P: float = 101325.0,
    at: Sequence[float] = (),
    liquid: Iterable[str] | None = None,
    suspended: Iterable[str] = (),
    tolerance: float = 1e-6,
    longest: float = 10.0,
    progress: bool = True,
) -> xr.Dataset:
    """d(f_L x_L) = sum_s x_s df_s: the liquid is uniform, nothing moves in the solids, local equilibrium between them.

    The limit of infinitely small steps, with the error of every step under control, from the liquidus through all
    changes of the phases that form, down to the invariant reaction in which the rest freezes at once.

    Arguments:
        system: from `build`.
        x: mole fractions of the alloy, of all elements but one.
        T_start: K, where all is liquid; by default above the liquidus.
        P: Pa.
        at: temperatures, K, at which the result shall have a row.
        liquid: names of the phases in which diffusion is quick; by default those whose name says liquid.
        suspended: phases that shall not form.
        tolerance: largest error of one step, in moles of liquid of one mole of alloy.
        longest: step, K.

    Returns a dataset over `step`: `T`; `fraction_liquid`, `amount` of each solid so far and `formed` in the step (mol
    of atoms of one mole of alloy); `x_liquid`; `forming` and `x_forming`, the phases that freeze at T and their
    composition; `H` (J/mol of alloy, every solid at the composition it froze with), `latent` heat given off since the
    start (J/mol; H less what the present phases give off in cooling at fixed constitution); `status` (bits of
    `equilibrium`). `attrs["end"]` says how the course ended.

    Raises:
        ValueError: the composition is not that of the system, no liquid phase, or not all liquid at T_start.

    Sources: E. Scheil, Z. Metallkd. 34 (1942) 70; G.H. Gulliver, J. Inst. Met. 9 (1913) 120.

    >>> import jax
    >>> from diffneq.thermo import calphad
    >>> with jax.enable_x64(True):
    ...     path = scheil(calphad.build("Pb-Sn", ["Pb", "Sn"]), {"Sn": 0.5}, longest=30.0)
    >>> path.attrs["end"], sorted(path.phase.values.tolist()), round(float(path["T"][-1]), 1)
    ('solid to the last drop', ['BCT_A5', 'FCC_A1'], 454.6)
    """
    n, liquids, out = composition(system, x), liquid_phases(system, liquid), frozenset(map(str.upper, suspended))
    T = _all_liquid(system, n, P, liquids, out, T_start)
    stops = np.sort(np.asarray(at, float))[::-1]
    with tqdm(unit=" equilibria", desc="Scheil", delay=2.0, disable=not progress) as bar:

        def solve(T, x):
            bar.update(len(T))
            return states_at(system, T, P, x, out)

        path = course(n, T, system.temperature_range[0], liquids, tolerance, longest, stops)
        (freezing,) = together([path], solve)
    end = COMPLETE if freezing.complete else NOT_FOUND if freezing.failed else LIQUID_LEFT
    return as_dataset(system, _sharpened(system, freezing, P, liquids, out), P, liquids, end, kept=True)


def lever(
    system: System,
    x: Mapping[str, float],
    T_start: float | None = None,
    *,
    P: float = 101325.0,
    at: Sequence[float] = (),
    liquid: Iterable[str] | None = None,
    suspended: Iterable[str] = (),
    longest: float = 10.0,
) -> xr.Dataset:
    """f_L x_L + sum_s f_s x_s = x with all phases in equilibrium at every T: diffusion quick everywhere.

    Arguments and result as of `scheil`; `amount`, `formed`, `forming` and `x_forming` are those of the solids present.
    The temperatures where the set of phases changes are among the rows, each just before and just after.
    """
    n, liquids, out = composition(system, x), liquid_phases(system, liquid), frozenset(map(str.upper, suspended))
    start = _all_liquid(system, n, P, liquids, out, T_start)
    end = system.temperature_range[0]
    solve = lambda T: states_at(system, T, P, np.repeat(n[None], len(T), axis=0), out)
    T = np.unique(np.concatenate([np.linspace(end, start, int((start - end) / longest) + 2), np.asarray(at, float)]))
    T = T[(T >= end) & (T <= start)][::-1]
    parts = [frozen(solve(T), lane, liquids, 1.0, len(n)) for lane in range(len(T))]
    changes = np.flatnonzero([a.key != b.key for a, b in pairwise(parts)])
    high, low = T[changes], T[changes + 1]
    before = [parts[c].key for c in changes]
    while len(high) and (high - low).max() > NARROW:
        middle = 0.5 * (high + low)
        state = solve(middle)
        same = np.array([frozen(state, k, liquids, 1.0, len(n)).key == key for k, key in enumerate(before)])
        high, low = np.where(same, middle, high), np.where(same, low, middle)
    return _lever_rows(system, solve, np.unique(np.concatenate([T, high, low]))[::-1], n, P, liquids)


def _lever_rows(system: System, solve, T: np.ndarray, n: np.ndarray, P: float, liquids: np.ndarray) -> xr.Dataset:
    """From all liquid to the first row without liquid."""
    state = solve(T)
    parts = [frozen(state, lane, liquids, 1.0, len(n)) for lane in range(len(T))]
    dry = [k for k, part in enumerate(parts) if part.liquid.sum() == 0.0]
    keep = dry[0] + 1 if dry else len(T)
    steps = [Step(float(T[k]), parts[k].liquid, parts[k].solids, parts[k].status) for k in range(keep)]
    end = COMPLETE if dry else LIQUID_LEFT
    return as_dataset(system, [Row(step, step.solids) for step in steps], P, liquids, end, kept=False)


def liquid_phases(system: System, names: Iterable[str] | None) -> np.ndarray:
    """Places of the liquid phases.

    Raises:
        ValueError: no phase has a name that says liquid, or an unknown name.
    """
    if names is None:
        found = [k for k, name in enumerate(system.phase_names) if "LIQ" in name.upper()]
    else:
        found = [system.index(name) for name in ([names] if isinstance(names, str) else names)]
    if not found:
        raise ValueError(f"No phase of {', '.join(system.phase_names)} is called liquid; name it with liquid=[...].")
    return np.array(found)


def _all_liquid(system: System, n, P: float, liquids, suspended, T_start: float | None) -> float:
    """A temperature at which there is nothing but liquid: the one asked for, or the next above the liquidus."""
    low, high = system.temperature_range
    T = np.linspace(low, high, _SCAN) if T_start is None else np.array([T_start])
    state = states_at(system, T, P, np.repeat(n[None], len(T), axis=0), suspended)
    parts = [frozen(state, lane, liquids, 1.0, len(n)) for lane in range(len(T))]
    molten = np.array([set(part.key) == {-1} and not part.status & LOST for part in parts])
    if T_start is not None and not molten[0]:
        raise ValueError(f"At T_start = {T_start:g} K the alloy is not all liquid; start higher.")
    if not molten.any():
        raise ValueError(f"The alloy is not all liquid anywhere from {low:g} to {high:g} K.")
    if T_start is not None:
        return float(T_start)
    place = int(np.flatnonzero(molten)[-1])
    while place > 0 and molten[place - 1]:
        place -= 1
    return float(T[place])


def _sharpened(system: System, freezing: Freezing, P: float, liquids, suspended) -> list[Row]:
    """With every step the solids as they freeze at its end, where the step has only their mean."""
    steps, C = freezing.steps, len(system.elements)
    rows = [Row(step, step.solids) for step in steps]
    places = [k for k, step in enumerate(steps) if step.solids and step.liquid.sum() > 0.0]
    if not places:
        return rows
    x = []
    for k in places:
        mean = sum((solid.formed[:C] for solid in steps[k].solids), np.zeros(C))
        x.append((1 - _AHEAD) * steps[k].liquid / steps[k].liquid.sum() + _AHEAD * mean / mean.sum())
    state = states_at(system, np.array([steps[k].T for k in places]), P, np.stack(x), suspended)
    for lane, k in enumerate(places):
        sharp = frozen(state, lane, liquids, 1.0, C)
        if [s.phase for s in sharp.solids] == [s.phase for s in steps[k].solids] and not sharp.status & LOST:
            rows[k] = Row(steps[k], sharp.solids)
    return rows
