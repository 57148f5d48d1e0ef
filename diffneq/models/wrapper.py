"""A model around a model: everything that is not said anew is the inner model's own."""

from __future__ import annotations

import equinox as eqx


class AbstractWrapper(eqx.Module):
    """Base of models that change or add one thing to another model, `model`."""

    model: eqx.AbstractVar[eqx.Module]

    can_share = False  # what is added may ask for all particles of the system

    def prepared(self):
        """The same with the inner model prepared for a stretch of steps, where that is of use to it."""
        prepare = getattr(self.model, "prepared", None)
        return self if prepare is None else eqx.tree_at(lambda wrapper: wrapper.model, self, prepare())

    def __getattr__(self, name: str):
        if name == "model" or name.startswith("__"):  # not there yet while the module is being made
            raise AttributeError(name)
        return getattr(self.model, name)
