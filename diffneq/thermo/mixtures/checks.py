"""What is asked, looked at before anything is computed."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from diffneq._parameters import concrete
from diffneq.thermo.mixtures.mixture import Mixture

_WHOLE = 1e-6


def check_float64() -> None:
    """ValueError where x64 is off."""
    if not jax.config.jax_enable_x64:  # pyright: ignore[reportAttributeAccessIssue]
        raise ValueError("Phase equilibria need float64: call jax.config.update('jax_enable_x64', True) first.")


def composition(x: ArrayLike, n: int | None, name: str = "x") -> Array:
    """x as an array (.., n) of mole fractions.

    Raises:
        ValueError: another number of components, a fraction that is negative or not finite, or a sum that is not one.
    """
    x = jnp.asarray(x, float)
    if x.ndim == 0 or (n is not None and x.shape[-1] != n):
        wanted = "one entry a component" if n is None else f"{n} entries"
        raise ValueError(f"{name} must have {wanted} on its last axis, got shape {x.shape}.")
    numbers = concrete(x)
    if numbers is None:
        return x
    if not np.all(np.isfinite(numbers)) or np.any(numbers < 0.0):
        raise ValueError(f"{name} must be mole fractions, finite and not negative; got {numbers.min()} among them.")
    sums = np.ravel(numbers.sum(axis=-1))
    worst = sums[np.argmax(np.abs(sums - 1.0))]
    if abs(worst - 1.0) > _WHOLE:
        raise ValueError(f"{name} sums to {worst:.6g}, not to 1; divide {name} by its sum if that is what you mean.")
    return x


def positive(value: ArrayLike, name: str) -> Array:
    """`value` as an array; ValueError where it is not positive and finite."""
    value = jnp.asarray(value, float)
    numbers = concrete(value)
    if numbers is not None and not (np.all(np.isfinite(numbers)) and np.all(numbers > 0.0)):
        raise ValueError(f"{name} must be positive and finite, got {np.asarray(numbers).min()}.")
    return value


def within_range(mixture: Mixture, T: ArrayLike, extrapolate: bool) -> Array:
    """T (K), which must lie in the ranges of all vapour pressures unless they are to be extrapolated.

    Raises:
        ValueError: a temperature outside; the sentence names the component and the range.
    """
    T = positive(T, "T")
    numbers, low, high = concrete(T), concrete(mixture.saturation.low), concrete(mixture.saturation.high)
    if extrapolate or numbers is None or low is None or high is None:
        return T
    for name, a, b in zip(mixture.names, low, high, strict=True):
        bad = (numbers < a - 1e-9) | (numbers > b + 1e-9)
        if np.any(bad):
            raise ValueError(
                f"T = {numbers[bad].flat[0]:g} K is outside {a:g} to {b:g} K, where the vapour pressure of {name} is "
                "known; extrapolate=True continues it and marks the result."
            )
    return T
