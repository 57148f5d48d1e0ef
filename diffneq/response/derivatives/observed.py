"""A model that also records functions of the present state at every step."""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jax import Array

from diffneq.models.wrapper import AbstractWrapper
from diffneq.particles.neighbours import Neighbours


class Observation(eqx.Module):
    """A(model, state): what the model records under a name, or a function. Two of the same share a compiled program."""

    observable: str | Callable = eqx.field(static=True)

    def __call__(self, model, state) -> Array:
        if isinstance(self.observable, str):
            return model.every_step(state)[self.observable]
        return self.observable(model, state)


class Observed(AbstractWrapper):
    """The model, with each function(model, state) -> scalar under its name among what it records at every step."""

    model: eqx.Module
    functions: dict[str, Callable]

    def every_step(self, state) -> dict[str, Array]:
        own = self.model.every_step(state)
        return {**own, **{name: call(self.model, state) for name, call in self.functions.items()}}


def no_list(anchor) -> Neighbours:
    """What a force that needs no list is called with: the anchors alone."""
    none = jnp.zeros((), jnp.int32)
    return Neighbours(anchor, jnp.zeros((0, 0), jnp.int32), none, none)
