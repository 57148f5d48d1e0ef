"""States as labelled datasets."""

import numpy as np
import xarray as xr

from diffneq.thermo.calphad.conditions import Conditions
from diffneq.thermo.calphad.solver.state import (
    INFEASIBLE,
    NOT_CERTIFIED,
    NOT_CONVERGED,
    POTENTIALS_NOT_DETERMINED,
    State,
)
from diffneq.thermo.calphad.system import System

SENTENCES = {
    NOT_CERTIFIED: "a phase lies below the plane of the chemical potentials: not the global minimum",
    NOT_CONVERGED: "Newton's method did not converge",
    INFEASIBLE: "no mixture of the phases has this composition",
    POTENTIALS_NOT_DETERMINED: "the stable phases do not determine all chemical potentials; mu is one of many",
}


def explain(status: int) -> str:
    """The status of a condition in words.

    >>> explain(0)
    'certified'
    """
    words = [sentence for bit, sentence in SENTENCES.items() if status & bit]
    return "; ".join(words) or "certified"


def to_dataset(system: System, given: Conditions, state: State) -> xr.Dataset:
    """The dataset that `equilibrium` describes."""
    C, names = len(system.elements), np.array([*system.phase_names, ""])
    shaped = lambda a, dims=(): (given.dims + dims, np.moveaxis(a, -1, 0).reshape((*given.shape, *a.shape[:-1])))
    # The largest amount first, so that the order says something.
    order = np.argsort(-np.where(state.active, state.amount, -1.0), axis=0, kind="stable")
    sort = lambda a: np.take_along_axis(a, order.reshape((1,) * (a.ndim - 2) + order.shape), axis=-2)
    active = sort(state.active) & (sort(state.amount) > 1e-12)
    lost = (state.status & (NOT_CONVERGED | INFEASIBLE)) > 0
    blank = lambda a: np.where(lost, np.nan, a)
    active &= ~((state.status & INFEASIBLE) > 0)
    hidden = lambda a: np.where(active, sort(a), np.nan)
    phase = np.where(active, sort(state.phase), len(names) - 1)
    G, S = blank(state.G), blank(state.S)
    variables = {
        "phase": shaped(names[phase], ("vertex",)),
        "amount": shaped(hidden(state.amount), ("vertex",)),
        "x": shaped(np.swapaxes(hidden(state.x)[:C], 0, 1), ("vertex", "element")),
        "y": shaped(np.swapaxes(hidden(state.y), 0, 1), ("vertex", "constituent")),
        "G_phase": shaped(hidden(state.energy), ("vertex",)),
        "G": shaped(G), "H": shaped(G + given.T * S), "S": shaped(S),
        "mu": shaped(blank(state.mu[:C]), ("element",)),
        "certificate": shaped(np.where(state.status & INFEASIBLE, np.nan, state.certificate)),
        "worst": shaped(names[state.worst]), "status": shaped(state.status),
        "T": shaped(given.T), "P": shaped(given.P),
    }  # fmt: skip
    coords = {**given.coords, "element": list(system.elements)}
    variables = {k: v for k, v in variables.items() if k not in coords}
    units = {"G": "J/mol", "H": "J/mol", "S": "J/(mol K)", "mu": "J/mol", "G_phase": "J/mol", "T": "K", "P": "Pa",
             "certificate": "J/mol", "amount": "mol of atoms"}  # fmt: skip
    data = xr.Dataset(variables, coords=coords, attrs={**system.provenance, "per": "mole of atoms"})
    for name, unit in units.items():
        if name in data:
            data[name].attrs["units"] = unit
    names_of = {p.name: " ".join(f"{c}@{s + 1}" for s, c in p.variables) for p in system.phases}
    data["y"].attrs["constituents"] = "; ".join(f"{name}: {order}" for name, order in names_of.items())
    data["status"].attrs["meaning"] = ", ".join(f"{bit}: {words}" for bit, words in SENTENCES.items())
    return data
