"""The functions of temperature of which every tabulated Gibbs energy is a sum.

With t = T/1000 K: 1, t, t ln t, ln t and powers of t. NASA's and Shomate's polynomials need the first few, SGTE's
functions the powers 7, -2, -3 and -9, and Inden's magnetic terms, expanded, the rest.
"""

from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Float

LOGARITHMIC = ("t ln t", "ln t")
POWERS = (0, 1, 2, 3, 4, 5, 7, -1, -2, -3, -9, 10, 16, -4, -14, -24)
NAMES = (*LOGARITHMIC, *(f"t^{p}" for p in POWERS))
SCALE = 1000.0  # K


def place(power: int) -> int:
    """Where the coefficient of t to a power stands."""
    return len(LOGARITHMIC) + POWERS.index(power)


def values(T: Float[Array, "*shape"], chosen: Sequence[int] | None = None) -> Float[Array, "functions *shape"]:
    """phi(T) of the functions with the given places, all by default.

    >>> values(jnp.asarray(1000.0)).shape
    (18,)
    """
    t = jnp.asarray(T) / SCALE
    logarithm = jnp.log(t)
    places = range(len(NAMES)) if chosen is None else chosen
    return jnp.stack([_one(t, logarithm, k) for k in places])


def _one(t: Array, logarithm: Array, k: int) -> Array:
    if k < len(LOGARITHMIC):
        return t * logarithm if k == 0 else logarithm
    power = POWERS[k - len(LOGARITHMIC)]
    return jnp.ones_like(t) if power == 0 else t**power
