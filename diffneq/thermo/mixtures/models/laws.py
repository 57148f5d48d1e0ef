"""How parameters of models depend on temperature."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from diffneq._parameters import check_finite, float_leaf


class TemperatureLaw(eqx.Module):
    """f(T) = a + b/T + c ln T + d T with T in K, for every entry of an array; made by `law`."""

    a: Array
    b: Array
    c: Array
    d: Array

    def __call__(self, T: Float[Array, ""]) -> Array:
        """f(T), of the shape of the coefficients."""
        return self.a + self.b / T + self.c * jnp.log(T) + self.d * T


def law(a: ArrayLike = 0.0, b: ArrayLike = 0.0, c: ArrayLike = 0.0, d: ArrayLike = 0.0) -> TemperatureLaw:
    """f(T) = a + b/T + c ln T + d T.

    Arguments: a (-), b (K), c (-), d (1/K), numbers or arrays of one shape. Raises ValueError for shapes that differ
    or values that are not finite.

    >>> float(law(1.0, b=600.0)(300.0))
    3.0
    """
    leaves = {name: float_leaf(value) for name, value in zip("abcd", (a, b, c, d), strict=True)}
    shapes = {leaf.shape for leaf in leaves.values() if leaf.ndim}
    if len(shapes) > 1:
        raise ValueError(f"law: the coefficients must have one shape, got {', '.join(map(str, sorted(shapes)))}.")
    check_finite("law", **leaves)
    shape = shapes.pop() if shapes else ()
    return TemperatureLaw(*(jnp.broadcast_to(leaf, shape) for leaf in leaves.values()))


def check_square(owner: str, name: str, values: TemperatureLaw, n: int | None = None) -> int:
    """The size of a square matrix of laws; ValueError where it is not square, or not n by n."""
    shape = values.a.shape
    if len(shape) != 2 or shape[0] != shape[1] or (n is not None and shape[0] != n):
        wanted = "(n, n)" if n is None else f"({n}, {n})"
        raise ValueError(f"{owner}: {name} must have shape {wanted}, one row and column a component, got {shape}.")
    return shape[0]
