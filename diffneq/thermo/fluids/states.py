"""States of a fluid, one phase or two, from any of several pairs of given quantities: what they are and what they have.

A homogeneous state has one density; where liquid and vapour coexist the quality is the share of the vapour's mass (or
moles), and extensive quantities are means with it.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from diffneq.thermo.fluids.bulk import bulk
from diffneq.thermo.fluids.helmholtz import Fluid

MEANS = ("a", "u", "h", "s", "g", "v")  # of both phases where there are two
ONE_PHASE = (
    "cv", "cp", "w", "expansivity", "compressibility_T", "compressibility_s", "joule_thomson", "grueneisen",
)  # fmt: skip


class State(NamedTuple):
    """T (K), p (Pa), densities (basis/m3); quality is NaN and the densities are equal where there is one phase."""

    T: Float[Array, "*batch"]
    p: Float[Array, "*batch"]
    liquid: Float[Array, "*batch"]
    vapour: Float[Array, "*batch"]
    quality: Float[Array, "*batch"]
    status: Int[Array, "*batch"]  # 0, or bits of `status.SENTENCES`

    @property
    def two_phases(self) -> Array:
        """Do liquid and vapour coexist?"""
        return ~jnp.isnan(self.quality)

    @property
    def rho(self) -> Array:
        """Density of the whole."""
        x = jnp.where(self.two_phases, self.quality, 0.0)
        return 1.0 / ((1.0 - x) / self.liquid + x / self.vapour)


def properties(model: Fluid, state: State, names: tuple[str, ...]) -> dict[str, Array]:
    """Properties of states by name: those of `Bulk`, and v = 1/rho.

    Energies and volume of two coexisting phases are means with the quality; heat capacities, sound and the other
    derivatives are those of a homogeneous state and NaN where there are two.

    Raises ValueError: an unknown name.
    """
    unknown = set(names) - {*MEANS, *ONE_PHASE, "T", "p", "rho", "quality"}
    if unknown:
        raise ValueError(f"Unknown property {sorted(unknown)[0]!r}; choose from {', '.join((*MEANS, *ONE_PHASE))}.")
    x = jnp.where(state.two_phases, state.quality, 0.0)
    liquid, vapour = bulk(model, state.T, state.liquid), bulk(model, state.T, state.vapour)

    def value(name: str) -> Array:
        if name in ("T", "p", "quality"):
            return getattr(state, name)
        if name in ("v", "rho"):
            return state.rho if name == "rho" else 1.0 / state.rho
        if name in MEANS:
            return (1.0 - x) * getattr(liquid, name) + x * getattr(vapour, name)
        return jnp.where(state.two_phases, jnp.nan, getattr(liquid, name))

    return {name: value(name) for name in names}
