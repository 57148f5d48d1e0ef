"""A parameter named by its path from a system to a leaf."""

from __future__ import annotations

import re
from operator import attrgetter
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import Array


class ParameterPath(eqx.Module):
    """One number of a system, by its path: "drive.amplitude", "model.law.stiffness", "dynamics.damping_rate[1]",
    "model.potential.law.law.laws[1].factor".

    A system is anything with the attributes `model`, `dynamics` and `drive`, or with those of them that are named.

    >>> from types import SimpleNamespace
    >>> system = SimpleNamespace(model={"laws": (jnp.asarray([1.0, 2.0]), {"factor": jnp.asarray(3.0)})})
    >>> ParameterPath("model['laws'][0][1]").value(system), ParameterPath("model['laws'][1]['factor']").value(system)
    (2.0, 3.0)
    """

    path: str = eqx.field(static=True)

    @property
    def of_model(self) -> bool:
        """Whether it is a parameter of the model, and so perhaps of the forces between particles."""
        return self.path.startswith("model")

    def _parts(self) -> tuple[str, int | None]:
        match = re.fullmatch(r"((?:model|dynamics|drive)(?:\.\w+|\['?\w+'?\])*?)(?:\[(\d+)\])?", self.path)
        if match is None:
            raise ValueError(
                f"parameter is a path such as 'drive.amplitude', 'model.law.stiffness' or "
                f"'dynamics.damping_rate[0]', got {self.path!r}."
            )
        return match[1], None if match[2] is None else int(match[2])

    def _leaf(self, system) -> Array:
        names, _ = self._parts()
        here: Any = system
        for name in re.findall(r"\w+", names):
            if isinstance(here, dict):
                here = here[name]
            else:
                here = here[int(name)] if name.isdigit() else attrgetter(name)(here)
        return here

    def value(self, system) -> float:
        """The parameter's value."""
        _, index = self._parts()
        leaf = np.asarray(self._leaf(system), float)
        return float(leaf.reshape(-1)[0] if index is None else leaf[index])

    def shifted(self, system, change):
        """The system with the parameter changed by `change`."""
        _, index = self._parts()

        def moved(leaf: Array) -> Array:
            step = jnp.asarray(change, leaf.dtype)
            return leaf + step if index is None else leaf.at[index].add(step)

        return eqx.tree_at(self._leaf, system, replace_fn=moved)

    def replaced(self, system, value):
        """The system whose parameter has this value."""
        _, index = self._parts()

        def put(leaf: Array) -> Array:
            new = jnp.asarray(value).astype(leaf.dtype)
            return jnp.broadcast_to(new, leaf.shape) if index is None else leaf.at[index].set(new)

        return eqx.tree_at(self._leaf, system, replace_fn=put)

    def check(self, system) -> None:
        """ValueError where there is no such float in the system, or it is more than one number."""
        if self.path.startswith("drive") and system.drive is None:
            raise ValueError(f"There is no drive to differentiate for {self.path!r}: give drive=Constant(0.0).")
        try:
            leaf = self._leaf(system)
        except (AttributeError, KeyError, IndexError, TypeError) as error:
            raise ValueError(f"The system has no parameter {self.path!r}: {error}.") from None
        if not eqx.is_inexact_array(leaf):
            raise ValueError(f"{self.path!r} is {leaf!r}, which is not a float that could be differentiated.")
        _, index = self._parts()
        if leaf.size != 1 and (index is None or leaf.ndim != 1):
            raise ValueError(f"{self.path!r} holds {leaf.size} numbers; name one of them, '{self.path}[0]'.")
