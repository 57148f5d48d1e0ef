"""The ideal mixture."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffneq.thermo.mixtures.models.excess import ExcessModel


class Ideal(ExcessModel):
    """g^E = 0 (Raoult's law), for any number of components.

    >>> float(Ideal().reduced(300.0, jnp.array([0.2, 0.8])))
    0.0
    """

    components: int | None = eqx.field(static=True, default=None)

    def reduced(self, T: Float[Array, ""], x: Float[Array, " n"]) -> Float[Array, ""]:
        """Zero."""
        return jnp.zeros_like(jnp.sum(x))

    @property
    def size(self) -> int | None:
        """As was said, or any."""
        return self.components
