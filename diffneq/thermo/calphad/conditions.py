"""What is held fixed: T, P and, for all elements but one, a mole fraction, a mass fraction or a chemical potential."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import xarray as xr

from diffneq.thermo.calphad.solver.hull import Demand
from diffneq.thermo.calphad.system import System

LEAST = 1e-12  # smallest mole fraction; an element that is asked for with less is there with this much


class Conditions(NamedTuple):
    """Conditions one after the other, with what is needed to give the result its shape and labels back."""

    T: np.ndarray  # (B,)
    P: np.ndarray  # (B,)
    fractions: dict[str, np.ndarray]  # element -> (B,), as given
    potentials: dict[str, np.ndarray]  # element -> (B,), J/mol
    by_mass: bool
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    coords: dict[str, xr.DataArray]

    def demand(self, system: System) -> Demand:
        """As linear rows on the amounts of the elements; batch last."""
        elements, masses = system.elements, np.asarray(system.masses)
        C, padded, B = len(elements), system.tables.sizes[1], len(self.T)
        fixed = np.zeros((padded, B))
        RT = system.provenance["gas_constant"] * self.T
        for name, mu in self.potentials.items():
            fixed[elements.index(name)] = mu / RT
        if not self.potentials:
            x = self._mole_fractions(elements, masses)
            rows = np.broadcast_to(np.eye(C, padded)[..., None], (C, padded, B))
            return Demand(jnp.asarray(rows), jnp.asarray(x), jnp.asarray(fixed))
        free = [e for e in elements if e not in self.potentials]
        rows = np.zeros((len(free), padded, B))
        for k, e in enumerate(free):
            rows[k, elements.index(e)] = 1.0
        u = np.stack([self._share(e, free, masses) for e in free])
        return Demand(jnp.asarray(rows), jnp.asarray(u), jnp.asarray(fixed))

    def _share(self, element: str, free: list[str], masses) -> np.ndarray:
        """Moles of one element per mole of all elements whose potentials are not prescribed."""
        values = dict(self.fractions)
        for e in free:
            values.setdefault(e, 1.0 - sum(self.fractions.values(), np.zeros(len(self.T))))
        return np.maximum(values[element], LEAST)

    def _mole_fractions(self, elements, masses) -> np.ndarray:
        missing = [e for e in elements if e not in self.fractions]
        values = dict(self.fractions)
        if missing:
            values[missing[0]] = 1.0 - sum(values.values(), np.zeros(len(self.T)))
        x = np.stack([values[e] for e in elements])
        if self.by_mass:
            x = x / masses[:, None]
            x = x / x.sum(axis=0)
        x = np.maximum(x, LEAST)
        return x / x.sum(axis=0)


def conditions(
    system: System,
    T: Any,
    P: Any,
    x: Mapping[str, Any] | None = None,
    w: Mapping[str, Any] | None = None,
    mu: Mapping[str, Any] | None = None,
) -> Conditions:
    """Checked and broadcast: arrays of one length go together, `xarray.DataArray`s with names of dimensions multiply.

    Raises:
        ValueError: what is wrong with the conditions, in a sentence.
    """
    if x and w:
        raise ValueError("Give mole fractions x or mass fractions w, not both.")
    fractions = _by_element(system, w or x or {}, "w" if w else "x")
    potentials = _by_element(system, mu or {}, "mu")
    _phase_rule(system, fractions, potentials)
    names = ["T", "P", *(("f", e) for e in fractions), *(("mu", e) for e in potentials)]
    arrays = [_labelled(v) for v in (T, P, *fractions.values(), *potentials.values())]
    _same_length(arrays)
    together = xr.broadcast(*arrays)
    flat = {n: np.asarray(a.values, float).reshape(-1) for n, a in zip(names, together, strict=True)}
    given = Conditions(
        flat["T"], flat["P"], {e: flat["f", e] for e in fractions}, {e: flat["mu", e] for e in potentials}, bool(w),
        tuple(map(str, together[0].dims)), together[0].shape,
        {str(k): v for a in together for k, v in a.coords.items()},
    )  # fmt: skip
    _check_values(system, given)
    return given


def _by_element(system: System, values: Mapping[str, Any], name: str) -> dict[str, Any]:
    out = {str(e).upper(): v for e, v in values.items()}
    unknown = [e for e in out if e not in system.elements]
    if unknown:
        raise ValueError(f"{name} names {', '.join(unknown)}, and the system has {', '.join(system.elements)}.")
    return out


def _phase_rule(system: System, fractions, potentials) -> None:
    twice = [e for e in fractions if e in potentials]
    if twice:
        raise ValueError(f"{twice[0]} has a fraction and a chemical potential; give one of them.")
    C, given = len(system.elements), len(fractions) + len(potentials)
    complete = given == C and not potentials
    if given != C - 1 and not complete:
        raise ValueError(
            f"With {C} elements give the fraction or the potential of {C - 1} of {', '.join(system.elements)}; "
            f"{given} {'is' if given == 1 else 'are'} given (Gibbs' phase rule)."
        )


def _labelled(value: Any) -> xr.DataArray:
    if isinstance(value, xr.DataArray):
        return value
    array = np.asarray(value, float)
    if array.ndim > 1:
        raise ValueError("Give conditions as numbers, 1-D arrays, or xarray.DataArrays with named dimensions.")
    return xr.DataArray(array, dims=("condition",) if array.ndim else ())


def _same_length(arrays: list[xr.DataArray]) -> None:
    lengths = {a.sizes["condition"] for a in arrays if "condition" in a.dims}
    if len(lengths) > 1:
        raise ValueError(
            f"Conditions of lengths {', '.join(map(str, sorted(lengths)))} do not go together; give one length, or "
            "xarray.DataArrays with dimensions of their own for a product."
        )


def _check_values(system: System, given: Conditions) -> None:
    for name, values in (("T", given.T), ("P", given.P)):
        if not (np.isfinite(values) & (values > 0)).all():
            raise ValueError(f"{name} must be finite and positive; one value is {values[~(values > 0)][:1]}.")
    low, high = system.temperature_range
    if (given.T < low).any() or (given.T > high).any():
        bad = given.T[(given.T < low) | (given.T > high)][0]
        raise ValueError(f"T = {bad:g} K is outside {low:g} to {high:g} K, where {system.provenance['name']} is valid.")
    for e, values in given.fractions.items():
        if not ((values >= 0) & (values <= 1)).all():
            raise ValueError(f"The fraction of {e} must lie between 0 and 1; one value is {values.min():g} or more.")
    total = sum(given.fractions.values(), np.zeros(len(given.T)))
    complete = len(given.fractions) == len(system.elements)
    if complete and np.abs(total - 1).max() > 1e-6:
        raise ValueError(f"The fractions sum to {total[np.abs(total - 1).argmax()]:g}, not 1; leave one element out.")
    if not complete and (total > 1 + 1e-12).any():
        raise ValueError(f"The fractions sum to {total.max():g}, which leaves less than nothing for the rest.")
    if not all(np.isfinite(v).all() for v in given.potentials.values()):
        raise ValueError("A chemical potential is not finite.")
