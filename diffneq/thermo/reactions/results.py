"""States as labelled datasets, with what the candidate set left out."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from diffneq.thermo.reactions.solver.state import (
    EXTRAPOLATED,
    INFEASIBLE,
    NO_GAS,
    NOT_CERTIFIED,
    NOT_CONVERGED,
    OUTSIDE,
    State,
)
from diffneq.thermo.reactions.table import Table
from diffneq.thermo.species import library
from diffneq.thermo.species.species import GAS_CONSTANT, Species

SENTENCES = {
    INFEASIBLE: "the candidates cannot hold these elements in this proportion",
    OUTSIDE: "no temperature in the range of the data has the property asked for",
    NOT_CONVERGED: "Newton's method did not converge",
    NOT_CERTIFIED: "a candidate lies below the plane of the chemical potentials, or an element does not balance",
    EXTRAPOLATED: "a gas is beyond the range of its polynomial",
}
_FAILED = INFEASIBLE | OUTSIDE | NOT_CONVERGED


def explain(status: int) -> str:
    """The status of a condition in words.

    >>> explain(0), explain(16)
    ('certified', 'a gas is beyond the range of its polynomial')
    """
    return "; ".join(sentence for bit, sentence in SENTENCES.items() if status & bit) or "certified"


def to_dataset(
    table: Table,
    known: Mapping[str, Species],
    aside: Sequence[Species],
    state: State,
    b: np.ndarray,
    like: xr.DataArray,
) -> xr.Dataset:
    """The dataset that `equilibrium` describes."""
    places, gases = list(table.places), len(table.gases)
    lost = (state.status & _FAILED) > 0
    blank = lambda a: np.where(lost, np.nan, a)
    shaped = lambda a, dims=(): (like.dims + dims, np.moveaxis(a, -1, 0).reshape((*like.shape, *a.shape[:-1])))
    n = blank(np.asarray(state.n)[places])
    N = n[:gases].sum(axis=0)
    some = NO_GAS * np.maximum(np.abs(b).sum(axis=0), 1e-300) < N
    n = np.concatenate([np.where(some, n[:gases], 0.0), n[gases:]])
    y = np.where(some, n[:gases] / np.where(some, N, 1.0), np.nan)
    y = np.concatenate([y, np.full_like(n[gases:], np.nan)])
    absent = ~((np.abs(table.formulas)[..., None] * (n > 0)[None]).sum(axis=1) > 0)
    mu = np.where(absent, np.nan, state.potential)
    driving = _driving(table, known, state, mu)
    by_species, by_element = ("species",), ("element",)
    data = {
        "n": (*shaped(n, by_species), {"units": "mol"}),
        "y": (*shaped(y, by_species), {"units": "1"}),
        "mu": (*shaped(blank(mu), by_element), {"units": "J/mol"}),
        "driving": (*shaped(blank(driving), by_species), {"units": "J/mol"}),
        "certificate": (*shaped(blank(state.certificate)), {"units": "J/mol"}),
        "balance": (*shaped(blank(state.balance)), {"units": "1"}),
        "status": shaped(state.status),
        **{k: (*shaped(blank(getattr(state, k))), {"units": u}) for k, u in (("T", "K"), ("P", "Pa"))},
        **{k: (*shaped(blank(getattr(state.properties, k))), {"units": u})
           for k, u in (("H", "J"), ("S", "J/K"), ("G", "J"), ("U", "J"), ("V", "m3"))},
    }  # fmt: skip
    names = np.array(table.names)
    kinds = np.array(["gas"] * gases + ["condensed"] * (len(names) - gases))
    coordinates = {**like.coords, "species": names, "phase": ("species", kinds), "element": np.array(table.elements)}
    out = xr.Dataset(data, coordinates)  # type: ignore[arg-type]
    alive = np.asarray(state.alive)[places]
    return _with_aside(out, table, known, aside, state, mu, like).assign_attrs(
        standard_pressure=table.standard_pressure, reference=table.reference, gas_constant=GAS_CONSTANT,
        sources="; ".join(table.sources), not_considered=", ".join(not_considered(known, table.elements)),
        out_of_range=", ".join(names[~alive.all(axis=-1)]),
        absent_elements=", ".join(e for e, gone in zip(table.elements, (b == 0).all(axis=-1), strict=True) if gone),
    )  # fmt: skip


def _driving(table: Table, known: Mapping[str, Species], state: State, mu: np.ndarray) -> np.ndarray:
    """J/mol by which a species that is absent lies above the plane; NaN where an element of it is, or at no such T."""
    rows = [_above(known[name], table, mu, state.T, state.P) for name in table.names]
    return np.where(np.asarray(state.alive)[list(table.places)], np.stack(rows), np.nan)


def _above(species: Species, table: Table, mu: np.ndarray, T: np.ndarray, P: np.ndarray) -> np.ndarray:
    """G - a . mu; a gas at the pressure of the whole, so that -R T ln y results for one that is there."""
    G = np.asarray(species.molar_gibbs(T))
    if species.phase == "gas":
        G = G + GAS_CONSTANT * T * np.log(P / species.standard_pressure)
    return G - sum(count * mu[table.elements.index(e)] for e, count in species.elements)


def _with_aside(out: xr.Dataset, table: Table, known, aside: Sequence[Species], state, mu, like) -> xr.Dataset:
    """Driving forces of suspended species: negative for one that would lower the Gibbs energy."""
    inside = [s for s in aside if all(e in table.elements for e, _ in s.elements)]
    values = np.array([_above(s, table, mu, state.T, state.P) for s in inside])
    shape = (len(inside), *like.shape)
    array = xr.DataArray(values.reshape(shape), dims=("suspended", *like.dims), attrs={"units": "J/mol"})
    return out.assign(suspended_driving=array).assign_coords(suspended=[s.name for s in inside])


def not_considered(known: Mapping[str, Species], elements: Sequence[str]) -> list[str]:
    """Condensed phases and molecules that the package knows of these elements and that were not candidates."""
    every = library.collection("nasa").values()
    mine = set(elements)
    return [s.name for s in every if {e for e, _ in s.elements} <= mine and s.name not in known]
