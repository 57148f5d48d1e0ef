"""The parameters of a model as one vector without bounds, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.flatten_util import ravel_pytree


class Parameters(eqx.Module):
    """Which numbers of a model are free, and how: those that must be positive enter by their logarithm.

    `at` gives the vector z (P,) of a model, `put` the model of a vector; `names` of the free parameters.
    """

    template: Any
    names: tuple[str, ...] = eqx.field(static=True)
    places: tuple[int, ...] = eqx.field(static=True)
    logarithmic: tuple[bool, ...] = eqx.field(static=True)

    def at(self, model) -> Array:
        """z of `model`."""
        values = ravel_pytree(eqx.filter(model, eqx.is_inexact_array))[0][np.array(self.places)]
        positive = np.array(self.logarithmic)
        return jnp.where(positive, jnp.log(jnp.where(positive, values, 1.0)), values)

    def put(self, z: Array) -> Any:
        """The model with these free parameters."""
        arrays, static = eqx.partition(self.template, eqx.is_inexact_array)
        flat, unravel = ravel_pytree(arrays)
        return eqx.combine(unravel(flat.at[np.array(self.places)].set(self.physical(z))), static)

    def physical(self, z: Array) -> Array:
        """The values (P,) of the free parameters."""
        positive = np.array(self.logarithmic)
        return jnp.where(positive, jnp.exp(jnp.where(positive, z, 0.0)), z)


def parameters(model, free: Sequence[str] | None = None) -> Parameters:
    """The free parameters of `model`: all but those it lists as `given`, or those named.

    Arguments: `free`, names such as "temperature", "friction" (all its entries) or "friction[1]". Raises `ValueError`
    for a name that is not there, and for a parameter that must be positive and is not.

    >>> from diffneq.inference import ItoPolynomialFriction
    >>> parameters(ItoPolynomialFriction((1.0, 0.1), 2.0)).names
    ('friction[0]', 'friction[1]', 'temperature')
    """
    arrays = eqx.filter(model, eqx.is_inexact_array)
    leaves = jax.tree_util.tree_flatten_with_path(arrays)[0]
    names, roots = [], []
    for path, leaf in leaves:
        root = jax.tree_util.keystr(path).lstrip(".")
        entries = [root] if leaf.ndim == 0 else [root + "".join(f"[{i}]" for i in at) for at in np.ndindex(leaf.shape)]
        names += entries
        roots += [root] * len(entries)
    given, positive = _known(model, "given"), _known(model, "positive")
    if free is None:
        places = [i for i, root in enumerate(roots) if _last(root) not in given]
    else:
        unknown = [name for name in free if name not in names and name not in roots]
        if unknown:
            raise ValueError(f"{type(model).__name__} has no parameter {unknown[0]!r}: it has {', '.join(names)}.")
        places = [i for i, (name, root) in enumerate(zip(names, roots, strict=True)) if name in free or root in free]
    if not places:
        raise ValueError(f"{type(model).__name__} has no free parameter: name some of {', '.join(names)}.")
    flat = np.asarray(ravel_pytree(arrays)[0])
    logarithmic = tuple(_last(roots[i]) in positive for i in places)
    for i, must in zip(places, logarithmic, strict=True):
        if must and not flat[i] > 0:
            raise ValueError(f"{names[i]} = {flat[i]:g} is to be fitted and must be positive: start it above zero.")
    return Parameters(model, tuple(names[i] for i in places), tuple(places), logarithmic)


def in_double(model):
    """The model with float64 leaves; within `jax.enable_x64(True)`."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64) if eqx.is_inexact_array(leaf) else leaf, model)


def _known(model, name: str) -> tuple[str, ...]:
    """`given` or `positive` of the model, or of the one that it wraps."""
    inner = getattr(model, "model", None)
    return tuple(getattr(model, name, ())) + (() if inner is None else _known(inner, name))


def _last(root: str) -> str:
    return root.rsplit(".", 1)[-1]
