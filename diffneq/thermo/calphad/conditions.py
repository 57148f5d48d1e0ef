"""What is held fixed: T, P and, for all elements but one, a fraction, a ratio of two, or a chemical potential."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import xarray as xr

from diffneq.thermo.calphad.shares import LEAST, affine, closed, floored
from diffneq.thermo.calphad.solver.hull import Demand
from diffneq.thermo.calphad.system import System

__all__ = ["LEAST", "Conditions", "conditions"]


class Conditions(NamedTuple):
    """Conditions one after the other, with what is needed to give the result its shape and labels back."""

    T: np.ndarray  # (B,)
    P: np.ndarray  # (B,)
    fractions: dict[str, np.ndarray]  # element -> (B,), as given
    potentials: dict[str, np.ndarray]  # element -> (B,), J/mol
    kind: str  # of the fractions: "x" and "w" of the whole, "u" of the elements without prescribed potential
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    coords: dict[str, xr.DataArray]
    ratios: dict[tuple[str, str], np.ndarray] = {}  # (element, element) -> (B,), moles  # noqa: RUF012

    def free(self, system: System) -> list[str]:
        """The elements whose amounts are given."""
        return [e for e in system.elements if e not in self.potentials]

    def masses(self, system: System) -> np.ndarray:
        """What a mole of each element counts in the whole."""
        return np.asarray(system.masses) if self.kind == "w" else np.ones(len(system.elements))

    def affine(self, system: System) -> tuple[np.ndarray, np.ndarray]:
        """Amounts of the free elements as a + b S, see `shares`."""
        fractions = self.fractions
        if len(fractions) == len(system.elements):  # they sum to one up to rounding, which is taken from all alike
            total = sum(fractions.values(), np.zeros(len(self.T)))
            fractions = {e: value / total for e, value in list(fractions.items())[:-1]}
        masses = dict(zip(system.elements, self.masses(system), strict=True))
        return affine(self.free(system), masses, fractions, self.ratios, len(self.T))

    @property
    def needs_whole(self) -> bool:
        """Are there fractions of a whole that only the equilibrium tells?"""
        return bool(self.potentials) and bool(self.fractions) and self.kind != "u"

    def at(self, lanes: np.ndarray) -> "Conditions":
        """Some of them."""
        pick = lambda values: {key: value[lanes] for key, value in values.items()}
        return self._replace(
            T=self.T[lanes], P=self.P[lanes], fractions=pick(self.fractions), potentials=pick(self.potentials),
            ratios=pick(self.ratios),
        )  # fmt: skip

    def demand(self, system: System, u: np.ndarray | None = None) -> Demand:
        """As linear rows on the amounts of the elements; batch last. `u`: amounts of the free elements, if known."""
        elements, free = system.elements, self.free(system)
        padded, B = system.tables.sizes[1], len(self.T)
        fixed, rows = np.zeros((padded, B)), np.zeros((len(free), padded, B))
        RT = system.provenance["gas_constant"] * self.T
        for name, mu in self.potentials.items():
            fixed[elements.index(name)] = mu / RT
        for k, e in enumerate(free):
            rows[k, elements.index(e)] = 1.0
        u = self._amounts(system) if u is None else u
        return Demand(jnp.asarray(rows), jnp.asarray(floored(u)), jnp.asarray(fixed))

    def _amounts(self, system: System) -> np.ndarray:
        """Of the free elements, where they are all there is or where the fractions refer to them alone."""
        a, b = self.affine(system)
        here = [system.elements.index(e) for e in self.free(system)]
        u = a + b * (1.0 if self.kind == "u" else closed(a, b, self.masses(system)[here]))
        if (u < -1e-9).any():
            raise ValueError("The fractions and ratios leave a negative amount of an element.")
        return u


def conditions(
    system: System,
    T: Any,
    P: Any,
    x: Mapping[str, Any] | None = None,
    w: Mapping[str, Any] | None = None,
    mu: Mapping[str, Any] | None = None,
    u: Mapping[str, Any] | None = None,
    ratio: Mapping[tuple[str, str], Any] | None = None,
) -> Conditions:
    """Checked and broadcast: arrays of one length go together, `xarray.DataArray`s with names of dimensions multiply.

    Raises:
        ValueError: what is wrong with the conditions, in a sentence.
    """
    chosen = [(kind, values) for kind, values in (("x", x), ("w", w), ("u", u)) if values]
    if len(chosen) > 1:
        raise ValueError("Give mole fractions x, mass fractions w or u-fractions u, only one kind of them.")
    kind, values = chosen[0] if chosen else ("x", {})
    fractions = _by_element(system, values, kind)
    potentials = _by_element(system, mu or {}, "mu")
    ratios = _by_pair(system, ratio or {}, potentials)
    _phase_rule(system, fractions, potentials, ratios)
    groups = (("f", fractions), ("mu", potentials), ("ratio", ratios))
    names = ["T", "P", *((group, key) for group, entries in groups for key in entries)]
    arrays = [_labelled(v) for v in (T, P, *(v for _, entries in groups for v in entries.values()))]
    _same_length(arrays)
    together = xr.broadcast(*arrays)
    flat = {n: np.asarray(a.values, float).reshape(-1) for n, a in zip(names, together, strict=True)}
    given = Conditions(
        flat["T"], flat["P"], {e: flat["f", e] for e in fractions}, {e: flat["mu", e] for e in potentials}, kind,
        tuple(map(str, together[0].dims)), together[0].shape,
        {str(k): v for a in together for k, v in a.coords.items()}, {pair: flat["ratio", pair] for pair in ratios},
    )  # fmt: skip
    _check_values(system, given)
    return given


def _by_element(system: System, values: Mapping[str, Any], name: str) -> dict[str, Any]:
    out = {str(e).upper(): v for e, v in values.items()}
    unknown = [e for e in out if e not in system.elements]
    if unknown:
        raise ValueError(f"{name} names {', '.join(unknown)}, and the system has {', '.join(system.elements)}.")
    return out


def _by_pair(system: System, values: Mapping[tuple[str, str], Any], potentials) -> dict[tuple[str, str], Any]:
    """Ratios of moles by (element, element)."""
    out = {}
    for pair, value in values.items():
        if isinstance(pair, str) or len(pair) != 2:
            raise ValueError("Name a ratio by its two elements, for example ratio={('C', 'FE'): 0.05}.")
        names = tuple(_by_element(system, dict.fromkeys(pair, value), "ratio"))
        fixed = [e for e in names if e in potentials]
        if len(names) != 2 or fixed:
            raise ValueError(f"A ratio needs two elements without a chemical potential, not {', '.join(pair)}.")
        out[names] = value
    return out


def _phase_rule(system: System, fractions, potentials, ratios) -> None:
    twice = [e for e in fractions if e in potentials]
    if twice:
        raise ValueError(f"{twice[0]} has a fraction and a chemical potential; give one of them.")
    C, given = len(system.elements), len(fractions) + len(potentials) + len(ratios)
    complete = given == C == len(fractions)
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
    if not all((np.isfinite(v) & (v >= 0)).all() for v in given.ratios.values()):
        raise ValueError("A ratio of amounts must be finite and not negative.")
    if not all(np.isfinite(v).all() for v in given.potentials.values()):
        raise ValueError("A chemical potential is not finite.")
