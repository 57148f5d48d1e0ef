"""One reaction: its equilibrium constant and what follows from it."""

import re
from collections.abc import Iterable, Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from diffneq.thermo.species import library
from diffneq.thermo.species.reference import check_same_reference
from diffneq.thermo.species.species import GAS_CONSTANT, Species

_SIDE = re.compile(r"\s+\+\s+|(?<=\S)\s*\+\s+|\s+\+\s*(?=\S)")
_TERM = re.compile(r"^\s*(?:(\d+(?:\.\d*)?(?:/\d+)?|\.\d+)\s*\*?\s*)?(\S.*?)\s*$")


class Reaction(eqx.Module):
    """0 = sum_k nu_k S_k; K(T) = exp(-sum_k nu_k G_k(T) / (R T)), at the standard pressure of the species.

    d ln K / d ln T = Delta H / (R T) (J. H. van 't Hoff).
    """

    species: tuple[Species, ...]
    coefficients: tuple[float, ...] = eqx.field(static=True)

    @property
    def standard_pressure(self) -> float:
        """Pa, to which K refers."""
        return self.species[0].standard_pressure

    def _sum(self, values: Iterable[Array]) -> Array:
        return jnp.sum(jnp.stack([nu * v for nu, v in zip(self.coefficients, values, strict=True)]), axis=0)

    def gibbs(self, T: ArrayLike) -> Array:
        """Delta G(T), J per mole of reaction as written."""
        return self._sum(s.molar_gibbs(T) for s in self.species)

    def enthalpy(self, T: ArrayLike) -> Array:
        """Delta H(T), J per mole of reaction as written."""
        return self._sum(s.molar_enthalpy(T) for s in self.species)

    def entropy(self, T: ArrayLike) -> Array:
        """Delta S(T), J/K per mole of reaction as written."""
        return self._sum(s.molar_entropy(T) for s in self.species)

    def ln_K(self, T: ArrayLike) -> Array:
        """ln K(T)."""
        T = jnp.asarray(T, dtype=float)
        return -self.gibbs(T) / (GAS_CONSTANT * T)

    def log10_K(self, T: ArrayLike) -> Array:
        """log10 K(T)."""
        return self.ln_K(T) / np.log(10.0)

    def K(self, T: ArrayLike) -> Array:
        """K(T)."""
        return jnp.exp(self.ln_K(T))

    def ln_K_slope(self, T: ArrayLike) -> Array:
        """d ln K/dT, 1/K, by differentiation; equal to Delta H/(R T^2)."""
        T = jnp.asarray(T, dtype=float)
        return jax.jvp(self.ln_K, (T,), (jnp.ones_like(T),))[1]

    def check_range(self, T: ArrayLike, extrapolate: bool = False) -> tuple[str, ...]:
        """Names of species beyond their range; ValueError unless `extrapolate`."""
        return tuple(s.name for s in self.species if s.check_range(T, extrapolate))

    def __str__(self) -> str:
        def side(sign: float) -> str:
            terms = [(abs(nu), s.name) for nu, s in zip(self.coefficients, self.species, strict=True) if nu * sign > 0]
            return " + ".join(name if nu == 1 else f"{nu:g} {name}" for nu, name in terms)

        return f"{side(-1.0)} = {side(1.0)}"


def reaction(equation: str, source: str | Mapping[str, Species] = "nasa") -> Reaction:
    """A reaction from its equation.

    Arguments:
        equation: such as "N2 + 3 H2 = 2 NH3"; a plus sign has a space on one side at least.
        source: a collection of the library, or name -> species.

    Raises:
        ValueError: no equation, an unknown species (with close names), atoms that do not balance, mixed references.

    >>> with jax.enable_x64(True):
    ...     ammonia = reaction("1/2 N2 + 3/2 H2 = NH3", "shomate")
    ...     round(float(ammonia.log10_K(700.0)), 5)
    -2.02891
    """
    sides = re.split(r"<=>|=>|->|⇌|=", equation)
    if len(sides) != 2 or not all(side.strip() for side in sides):
        raise ValueError(f"'{equation}' is not a reaction; write for example N2 + 3 H2 = 2 NH3.")
    nu: dict[str, float] = {}
    for sign, side in zip((-1.0, 1.0), sides, strict=True):
        for term in _SIDE.split(side.strip()):
            count, name = _term(term, equation)
            nu[name] = nu.get(name, 0.0) + sign * count
    among = library.collection(source) if isinstance(source, str) else source
    owner = f"the collection '{source}'" if isinstance(source, str) else "the given species"
    species = library.choose(nu, among, owner)
    check_same_reference(species)
    check_balance(equation, species, tuple(nu.values()))
    return Reaction(species, tuple(nu.values()))


def _term(text: str, equation: str) -> tuple[float, str]:
    found = _TERM.match(text)
    if found is None or not found.group(2):
        raise ValueError(f"'{text}' in '{equation}' is not a species with a coefficient.")
    number, _, below = (found.group(1) or "1").partition("/")
    return float(number) / float(below or 1), found.group(2)


def check_balance(equation: str, species: Iterable[Species], nu: Iterable[float]) -> None:
    """ValueError, with the excess of each element, unless the atoms balance."""
    excess: dict[str, float] = {}
    for s, count in zip(species, nu, strict=True):
        for e, atoms in s.elements:
            excess[e] = excess.get(e, 0.0) + count * atoms
    wrong = {e: x for e, x in excess.items() if abs(x) > 1e-9}
    if wrong:
        listed = ", ".join(f"{e} by {x:+g}" for e, x in wrong.items())
        raise ValueError(f"'{equation}' does not balance: the right side exceeds the left in {listed}.")
