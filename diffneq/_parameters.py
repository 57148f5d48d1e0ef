"""Float parameters of drives and pair laws: how they are made into leaves and checked."""

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike


def float_leaf(value: ArrayLike) -> Array:
    """`value` as a strongly typed floating array; a floating array keeps its own precision.

    A Python float is weakly typed in JAX, and a weak leaf makes a second compilation of the same program.
    """
    dtype = getattr(value, "dtype", None)
    if dtype is not None and jnp.issubdtype(dtype, jnp.floating):
        return jnp.asarray(value)
    return jnp.asarray(value, dtype=jnp.result_type(float))


def concrete(value: Array) -> np.ndarray | None:
    """The numbers in `value`, or None while JAX traces (nothing can be checked then)."""
    return None if isinstance(value, Tracer) else np.asarray(value)


def check_finite(owner: str, **parameters: Array) -> None:
    """Raise ValueError, naming the parameter, where a concrete parameter is not a finite number."""
    for name, value in parameters.items():
        numbers = concrete(value)
        if numbers is not None and not np.all(np.isfinite(numbers)):
            raise ValueError(f"{owner}: {name} must be finite, got {_shown(numbers, ~np.isfinite(numbers))}.")


def check_positive(owner: str, zero: bool = False, **parameters: Array) -> None:
    """Raise ValueError where a concrete parameter is negative (or zero, unless `zero` is allowed)."""
    for name, value in parameters.items():
        numbers = concrete(value)
        if numbers is None:
            continue
        bad = ~(numbers >= 0) if zero else ~(numbers > 0)
        if np.any(bad):
            wanted = "zero or positive" if zero else "positive"
            raise ValueError(f"{owner}: {name} must be {wanted}, got {_shown(numbers, bad)}.")


def check_scalars(owner: str, **parameters: Array) -> None:
    """Raise ValueError unless each parameter is a scalar, or (R,): one value for each of R replicas."""
    lengths = {}
    for name, value in parameters.items():
        if value.ndim > 1:
            raise ValueError(
                f"{owner}: {name} must be a scalar, or (R,) for R replicas, got shape {tuple(value.shape)}."
            )
        if value.ndim == 1:
            lengths[name] = value.shape[0]
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise ValueError(f"{owner}: stacked parameters must count the same replicas, but {listed}.")


def _shown(numbers: np.ndarray, bad: np.ndarray) -> str:
    """The first offending number, and where it stands if there are several."""
    if numbers.ndim == 0:
        return str(numbers)
    where = tuple(int(i) for i in np.argwhere(bad)[0])
    return f"{numbers[where]} at index {list(where)}"


def check_function_of_time(owner: str, **named) -> None:
    """ValueError unless each argument is a function of time; a number is the likely mistake."""
    for name, value in named.items():
        if not callable(value):
            raise ValueError(
                f"{owner}: {name} is a function of time, a drive such as Ramp(1.0, 2.0, duration=1.0); got {value!r}."
            )
