"""One species: its Gibbs energy as a function of temperature, in pieces, with its reference state."""

from collections.abc import Iterable, Mapping
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, ArrayLike, Float

from diffneq.thermo.species.formulas import molar_mass
from diffneq.thermo.species.functions import values

GAS_CONSTANT = 8.314462618  # J/(mol K), CODATA 2018
BAR, ATMOSPHERE = 1e5, 101325.0  # Pa
Phase = Literal["gas", "condensed"]
Reference = Literal["elements at 298.15 K", "elements at 0 K"]


class Species(eqx.Module):
    """G(T) = sum_k c_k phi_k(T) of a pure substance at its standard pressure; H = G - T G', S = -G', C_P = -T G''.

    Arguments:
        name, elements: (("C", 1.0), ("O", 2.0)); a charge is a number of electrons, element "E".
        phase: "gas" (ideal) or "condensed" (a pure phase of fixed composition; its volume is neglected).
        edges: (pieces + 1,) temperatures, K, between which the pieces hold.
        coefficients: (pieces, functions), J/mol, over `functions.NAMES`.
        standard_pressure: Pa, to which G refers: 1e5 (1 bar) or 101325 (1 atm).
        reference: what has enthalpy zero. "elements at 298.15 K": the stable elements at 298.15 K, so that
            H(298.15 K) is the enthalpy of formation; entropies are absolute (third law).
        model, source: how the numbers were given and by whom.
    """

    name: str = eqx.field(static=True)
    elements: tuple[tuple[str, float], ...] = eqx.field(static=True)
    phase: Phase = eqx.field(static=True)
    edges: np.ndarray
    coefficients: Float[Array, "pieces functions"]
    standard_pressure: float = eqx.field(static=True)
    reference: Reference = eqx.field(static=True)
    model: str = eqx.field(static=True)
    source: str = eqx.field(static=True)

    @property
    def molar_mass(self) -> float:
        """kg/mol."""
        return molar_mass(dict(self.elements))

    @property
    def range(self) -> tuple[float, float]:
        """Temperatures between which the coefficients hold, K."""
        return float(self.edges[0]), float(self.edges[-1])

    def molar_gibbs(self, T: ArrayLike) -> Array:
        """G(T), J/mol, at the standard pressure; beyond the range the first or the last piece goes on."""
        T = jnp.asarray(T, dtype=float)
        coefficients = jnp.asarray(self.coefficients)
        phi = values(T)
        pieces = jnp.tensordot(coefficients, phi, axes=1)  # (pieces, *shape)
        inner = jnp.asarray(self.edges[1:-1])
        piece = jnp.searchsorted(inner, T, side="left")
        return jnp.take_along_axis(pieces, piece[None], axis=0)[0]

    def molar_enthalpy(self, T: ArrayLike) -> Array:
        """H = G - T dG/dT, J/mol."""
        T = jnp.asarray(T, dtype=float)
        G, slope = jax.jvp(self.molar_gibbs, (T,), (jnp.ones_like(T),))
        return G - T * slope

    def molar_entropy(self, T: ArrayLike) -> Array:
        """S = -dG/dT, J/(mol K), at the standard pressure."""
        T = jnp.asarray(T, dtype=float)
        return -jax.jvp(self.molar_gibbs, (T,), (jnp.ones_like(T),))[1]

    def molar_heat_capacity(self, T: ArrayLike) -> Array:
        """C_P = dH/dT = -T d2G/dT2, J/(mol K)."""
        T = jnp.asarray(T, dtype=float)
        return jax.jvp(self.molar_enthalpy, (T,), (jnp.ones_like(T),))[1]

    def check_range(self, T: ArrayLike, extrapolate: bool = False) -> bool:
        """Whether any T lies outside of the range.

        Raises:
            ValueError: one does, and `extrapolate` is False.
        """
        low, high = self.range
        numbers = np.atleast_1d(np.asarray(T, float))
        outside = (numbers < low * (1 - 1e-9)) | (numbers > high * (1 + 1e-9))
        if outside.any() and not extrapolate:
            raise ValueError(
                f"{self.name} ({self.model}) is given from {low:g} to {high:g} K, not at {numbers[outside][0]:g} K; "
                "use extrapolate=True to go on with the nearest polynomial."
            )
        return bool(outside.any())

    def properties(self, T: ArrayLike, per: Literal["mole", "kilogram"] = "mole", extrapolate: bool = False):
        """G, H, S and Cp at temperatures, with units, reference state, standard pressure and source as attributes.

        Raises:
            ValueError: a temperature out of range without `extrapolate`, or another amount than mole and kilogram.

        >>> from diffneq.thermo.species import library
        >>> with jax.enable_x64(True):
        ...     water = library.species("H2O", "nasa").properties([500.0, 1000.0], per="kilogram")
        >>> water.Cp.attrs["units"], round(float(water.Cp[1]), 1)
        ('J/(kg K)', 2292.2)
        """
        if per not in ("mole", "kilogram"):
            raise ValueError(f"per is 'mole' or 'kilogram', not {per!r}.")
        beyond = self.check_range(T, extrapolate)
        unit, amount = ("mol", 1.0) if per == "mole" else ("kg", self.molar_mass)
        temperature = np.atleast_1d(np.asarray(T, float))
        verbs = {"G": self.molar_gibbs, "H": self.molar_enthalpy, "S": self.molar_entropy,
                 "Cp": self.molar_heat_capacity}  # fmt: skip
        data = {
            name: ("T", np.asarray(verb(temperature)) / amount,
                   {"units": f"J/{unit}" if name in ("G", "H") else f"J/({unit} K)"})
            for name, verb in verbs.items()
        }  # fmt: skip
        about = {"species": self.name, "phase": self.phase, "per": per, "standard_pressure": self.standard_pressure,
                 "reference": self.reference, "model": self.model, "source": self.source,
                 "range": self.range, "extrapolated": int(beyond)}  # fmt: skip
        return xr.Dataset(data, {"T": ("T", temperature, {"units": "K"})}, about)


def make(
    name: str,
    elements: Mapping[str, float] | Iterable[tuple[str, float]],
    phase: Phase,
    edges: ArrayLike,
    coefficients: ArrayLike,
    *,
    standard_pressure: float,
    model: str,
    source: str,
    reference: Reference = "elements at 298.15 K",
) -> Species:
    """A `Species`, checked.

    Raises:
        ValueError: edges that do not ascend or do not fit the coefficients, no atoms, another phase, x64 off.
    """
    if not jax.config.jax_enable_x64:
        raise ValueError("Gibbs energies need float64: call jax.config.update('jax_enable_x64', True) first.")
    limits, numbers = np.asarray(edges, float), np.asarray(coefficients, float)
    if limits.ndim != 1 or len(limits) != len(numbers) + 1 or not (np.diff(limits) > 0).all() or limits[0] <= 0:
        raise ValueError(f"{name}: the edges of the pieces must ascend from above 0 K, one more than pieces.")
    if not np.isfinite(numbers).all():
        raise ValueError(f"{name}: a coefficient is not finite.")
    atoms = tuple((e, float(c)) for e, c in dict(elements).items() if c)
    if phase not in ("gas", "condensed"):
        raise ValueError(f"{name}: the phase is 'gas' or 'condensed', not {phase!r}.")
    if not atoms:
        raise ValueError(f"{name} has no atoms.")
    return Species(name, atoms, phase, limits, numbers, float(standard_pressure), reference, model, source)
