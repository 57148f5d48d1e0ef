"""Ito, Stratonovich, anti-Ito: what a multiplicative noise means, and how one is written as another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
from jax import Array

Convention = Literal["Ito", "Stratonovich", "anti-Ito", "additive"]
_POINT = {"Ito": 0.0, "Stratonovich": 0.5, "anti-Ito": 1.0}


def evaluation_point(convention: Convention) -> float:
    """Where in a step the noise strength is taken: 0 at its start (Ito), 1/2 (Stratonovich), 1 at its end (anti-Ito).

    Raises `ValueError` for another name, and for "additive", which stands for all three.

    >>> evaluation_point("Stratonovich")
    0.5
    """
    if convention not in _POINT:
        raise ValueError(f"the convention is one of {', '.join(_POINT)}, got {convention!r}; noise that does "
                         f"not depend on the state has none to convert.")  # fmt: skip
    return _POINT[convention]


def divergence(diffusion: Callable, x: Array) -> Array:
    """dD/dx, or for x (d,) the vector dD_i/dx_i: what one convention's drift differs from another's by.

    >>> float(divergence(lambda x: 1 + x**2, jnp.array(3.0)))
    6.0
    """
    x = jnp.asarray(x)
    if x.ndim == 0:
        return jax.jvp(diffusion, (x,), (jnp.ones_like(x),))[1]
    return jnp.diagonal(jax.jacfwd(diffusion)(x))


def drift_correction(diffusion: Callable, x: Array, convention: Convention, into: Convention) -> Array:
    """a_into(x) - a(x) = (l - l_into) dD_i/dx_i, l = 0, 1/2, 1: the same process dx = a dt + sqrt(2 D(x)) dW.

    Exact for scalar x and for diagonal noise, D_i(x) of any variables (d,); differentiable.

    Arguments: `diffusion` D, x -> () or (d,) [x^2/t]; `x` () or (d,); `convention` of a, and the one wanted. Raises
    `ValueError` for other names. Source: C. W. Gardiner, Handbook of Stochastic Methods (Springer, 1985), section 4.3.

    >>> float(drift_correction(lambda x: x**2, jnp.array(3.0), "Stratonovich", "Ito"))    # dx = x o dW sqrt(2)
    3.0
    """
    return (evaluation_point(convention) - evaluation_point(into)) * divergence(diffusion, x)
