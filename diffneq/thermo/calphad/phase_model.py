"""One phase in the hands of a user: energies, entropies, heat capacities at given site fractions and temperature."""

import functools
from collections.abc import Callable, Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from diffneq.thermo.calphad import energy
from diffneq.thermo.calphad.constitution import Phase
from diffneq.thermo.calphad.tables import Tables

ATMOSPHERE = 101325.0  # Pa


PROPERTIES: dict[str, Callable] = {
    "energy": lambda function, T: function(T),
    "entropy": energy.entropy,
    "enthalpy": energy.enthalpy,
    "heat_capacity": energy.heat_capacity,
}


class Reference(eqx.Module):
    """A pure element in a phase: at the temperature of the question (`temperature` None) or at its own, K."""

    tables: Tables
    y: Float[Array, " n_y"]
    temperature: Float[Array, ""] | None


@functools.partial(jax.jit, static_argnames=("name", "per"))
def phase_property(
    tables: Tables, phase, references: tuple[Reference, ...], T, P, y: Float[Array, "*batch n_y"], name: str, per: str
) -> Float[Array, "*batch"]:
    """One of PROPERTIES of a phase at (T, P, y), broadcast, less those of the reference states.

    Args:
        tables, phase: as of `energy.formula_energy`.
        references: one for each element, in the order of the tables, or none.
        T, P, y: K, Pa, padded site fractions.
        name: of the property.
        per: mole of "atoms" or of "formula" units.
    """
    derive = PROPERTIES[name]
    function = energy.molar_energy if per == "atoms" else energy.formula_energy

    def one(T, P, y):
        value = derive(lambda t: function(tables, phase, t, P, y), T)
        moles = energy.formula_moles(tables, phase, y)
        amounts = moles / jnp.sum(moles) if per == "atoms" else moles
        for amount, state in zip(amounts, references, strict=False):  # padded elements have no reference
            at = T if state.temperature is None else state.temperature
            pure = functools.partial(energy.molar_energy, state.tables, 0, P=P, y=state.y)
            value = value - amount * derive(pure, at)
        return value

    return jnp.vectorize(one, signature="(),(),(n)->()")(T, P, y)


class PhaseModel(eqx.Module):
    """G(T, P, y) of one phase of a system, and its derivatives.

    Every method takes T (K), y (site fractions in the order of `phase.variables`, last axis) and P (Pa); axes before
    the last of y, and those of T and P, are broadcast. Values in J/mol and J/(mol K), per mole of "atoms" or of
    "formula" units.

    >>> from diffneq.thermo.calphad.system import build
    >>> with jax.enable_x64(True):
    ...     fcc = build("Al-Zn", ["AL", "ZN"]).phase("FCC_A1")
    ...     y = fcc.site_fractions({"AL": 0.7, "ZN": 0.3})
    ...     round(float(fcc.energy(600.0, y)), 2)
    -22971.82
    """

    tables: Tables
    index: Array
    references: tuple[Reference, ...]
    phase: Phase = eqx.field(static=True)
    elements: tuple[str, ...] = eqx.field(static=True)

    def energy(self, T: ArrayLike, y: ArrayLike, P: ArrayLike = ATMOSPHERE, per: str = "atoms") -> Array:
        """G, relative to the reference states if any were chosen."""
        return self._property("energy", T, y, P, per)

    def entropy(self, T: ArrayLike, y: ArrayLike, P: ArrayLike = ATMOSPHERE, per: str = "atoms") -> Array:
        """S = -dG/dT at fixed y."""
        return self._property("entropy", T, y, P, per)

    def enthalpy(self, T: ArrayLike, y: ArrayLike, P: ArrayLike = ATMOSPHERE, per: str = "atoms") -> Array:
        """H = G - T dG/dT at fixed y."""
        return self._property("enthalpy", T, y, P, per)

    def heat_capacity(self, T: ArrayLike, y: ArrayLike, P: ArrayLike = ATMOSPHERE, per: str = "atoms") -> Array:
        """C_P = -T d2G/dT2 at fixed y."""
        return self._property("heat_capacity", T, y, P, per)

    def moles(self, y: ArrayLike) -> Array:
        """M_e, moles of each of `elements` in a mole of formula units."""
        count = jnp.vectorize(lambda y: energy.formula_moles(self.tables, self.index, y), signature="(n)->(e)")
        return count(self._padded(y))[..., : len(self.elements)]

    def gradient(self, T: ArrayLike, y: ArrayLike, P: ArrayLike = ATMOSPHERE) -> Array:
        """dG/dy, J per mole of formula units, every site fraction on its own (the sums over sublattices not held)."""
        slope = jax.grad(energy.formula_energy, argnums=4)
        each = jnp.vectorize(lambda T, P, y: slope(self.tables, self.index, T, P, y), signature="(),(),(n)->(n)")
        return each(jnp.asarray(T, float), jnp.asarray(P, float), self._padded(y))[..., : self.phase.n_y]

    def driving_force(self, potentials: ArrayLike, T: ArrayLike, y: ArrayLike, P: ArrayLike = ATMOSPHERE) -> Array:
        """D = (sum_e mu_e M_e - G) / sum_e M_e, J per mole of atoms; `potentials` in the order of `elements`, J/mol."""
        potentials = jnp.asarray(potentials, float)
        absent = self.tables.sizes[1] - len(self.elements)
        potentials = jnp.pad(potentials, [(0, 0)] * (potentials.ndim - 1) + [(0, absent)])
        force = lambda mu, T, P, y: energy.driving_force(self.tables, self.index, mu, T, P, y)
        each = jnp.vectorize(force, signature="(e),(),(),(n)->()")
        return each(potentials, jnp.asarray(T, float), jnp.asarray(P, float), self._padded(y))

    def site_fractions(self, *sublattices: Mapping[str, float]) -> Array:
        """y from one mapping of species to site fraction for each sublattice that holds more than vacancies.

        Raises:
            ValueError: another number of sublattices, an unknown species, or fractions that do not sum to one.
        """
        shown = [(s, names) for s, names in enumerate(self.phase.sublattices) if names != ("VA",)]
        words = " : ".join(",".join(names) for _, names in shown)
        if len(sublattices) != len(shown):
            raise ValueError(f"{self.phase.name} has the sublattices {words}; give one mapping for each.")
        y = []
        for (_, names), given in zip(shown, sublattices, strict=True):
            fractions = {name.upper(): value for name, value in given.items()}
            total = sum(fractions.values())
            if not set(fractions) <= set(names) or abs(total - 1.0) > 1e-9 or min(fractions.values()) < 0.0:
                raise ValueError(
                    f"{self.phase.name} has the sublattices {words}; on each give fractions that sum to 1."
                )
            y += [fractions.get(name, 0.0) for name in names]
        return jnp.asarray(y, float)

    def _property(self, name: str, T: ArrayLike, y: ArrayLike, P: ArrayLike, per: str) -> Array:
        if per not in ("atoms", "formula"):
            raise ValueError(f"per must be 'atoms' or 'formula', not {per!r}.")
        T, P = jnp.asarray(T, float), jnp.asarray(P, float)
        return phase_property(self.tables, self.index, self.references, T, P, self._padded(y), name, per)

    def _padded(self, y: ArrayLike) -> Array:
        y = jnp.asarray(y, float)
        if y.ndim == 0 or y.shape[-1] != self.phase.n_y:
            names = ", ".join(f"{name} on sublattice {s}" for s, name in self.phase.variables)
            raise ValueError(f"y of {self.phase.name} has {self.phase.n_y} entries on its last axis: {names}.")
        absent = self.tables.sizes[2] - self.phase.n_y
        return jnp.pad(y, [(0, 0)] * (y.ndim - 1) + [(0, absent)])
