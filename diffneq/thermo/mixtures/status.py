"""What can be said of a lane, as bits of its status; zero is a result without reservation."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Int

NOT_CONVERGED, NOT_CERTIFIED, OUT_OF_RANGE, LIQUID_UNSTABLE, VIRIAL_DOUBTFUL = 1, 2, 4, 8, 16

SENTENCES = {
    NOT_CONVERGED: "Newton's method did not converge",
    NOT_CERTIFIED: "a phase lies below the tangent plane: not the global minimum",
    OUT_OF_RANGE: "the temperature is outside the range of a vapour pressure: extrapolated",
    LIQUID_UNSTABLE: "the liquid is not stable, it splits into two",
    VIRIAL_DOUBTFUL: "the pressure is too high for a second virial coefficient alone",
}


def combined(bits: Sequence[tuple[int, Bool[Array, ""]]]) -> Int[Array, ""]:
    """The sum of the bits that are set."""
    return sum((jnp.where(hit, bit, 0) for bit, hit in bits), jnp.zeros((), int))


def explain(status: ArrayLike) -> str:
    """The status of one lane in words.

    >>> explain(0), explain(12)
    ('certified', 'the temperature is outside the range ...: extrapolated; the liquid is not stable, ...')
    """
    words = [sentence for bit, sentence in SENTENCES.items() if int(np.asarray(status)) & bit]
    return "; ".join(words) or "certified"
