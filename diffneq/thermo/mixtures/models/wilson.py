"""Wilson's equation."""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from diffneq.thermo.mixtures.models.excess import ExcessModel
from diffneq.thermo.mixtures.models.laws import TemperatureLaw, check_square, law


class Wilson(ExcessModel):
    """g^E/(R T) = -sum_i x_i ln sum_j Lambda_ij x_j, ln Lambda_ij = a_ij + b_ij/T + c_ij ln T + d_ij T.

    It cannot describe two liquid phases. Source: G. M. Wilson, J. Am. Chem. Soc. 86 (1964) 127.

    >>> model = wilson(jnp.log(jnp.array([[1.0, 0.154], [0.888, 1.0]])))
    >>> round(float(model.reduced(300.0, jnp.array([0.252, 0.748]))), 4)
    0.2739
    """

    log_lambda: TemperatureLaw

    def reduced(self, T: Float[Array, ""], x: Float[Array, " n"]) -> Float[Array, ""]:
        """g^E/(R T)."""
        return -jnp.sum(x * jnp.log(jnp.exp(self.log_lambda(T)) @ x))

    @property
    def size(self) -> int:
        """Of the matrix."""
        return self.log_lambda.a.shape[0]


def wilson(a: ArrayLike = 0.0, b: ArrayLike = 0.0, c: ArrayLike = 0.0, d: ArrayLike = 0.0) -> Wilson:
    """A `Wilson` model from matrices (n, n) of ln Lambda = a + b/T + c ln T + d T; the diagonal of each is zero.

    Raises ValueError for matrices that are not square.
    """
    model = Wilson(law(a, b, c, d))
    check_square("wilson", "a, b, c and d", model.log_lambda)
    return model
