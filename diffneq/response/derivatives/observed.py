"""A model that also records functions of the present state at every step."""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jax import Array

from diffneq.models.wrapper import AbstractWrapper
from diffneq.particles.neighbours import Neighbours


class Observed(AbstractWrapper):
    """The model, with name -> function(model, state) -> scalar among what it records at every step."""

    model: eqx.Module
    functions: tuple[tuple[str, Callable], ...] = eqx.field(static=True)

    def every_step(self, state) -> dict[str, Array]:
        return {**self.model.every_step(state), **{name: call(self.model, state) for name, call in self.functions}}


def no_list(anchor) -> Neighbours:
    """What a force that needs no list is called with: the anchors alone."""
    none = jnp.zeros((), jnp.int32)
    return Neighbours(anchor, jnp.zeros((0, 0), jnp.int32), none, none)
