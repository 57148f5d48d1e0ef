"""What is asked: the response of an observable to a parameter of a model, its dynamics or its drive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq.dynamics.state import State
from diffneq.parameter_path import ParameterPath
from diffneq.response.derivatives.observed import Observation, Observed


class System(NamedTuple):
    """A model with its equation of motion and its drive."""

    model: Any
    dynamics: Any
    drive: Any


@dataclass(frozen=True, eq=False)
class Problem:
    """R(t) = d<A(t)>/d(theta): theta is changed at t = 0 in an ensemble that is stationary without the change.

    Past the relaxation time R is the derivative of the stationary mean. Records are means over `record_every` steps,
    so R is given in the middle of each.

    Arguments:
        model, dynamics, drive: the reference system, as in `simulate`.
        observable: name of what `model.every_step` records, or a function A(model, state) -> scalar.
        parameter: path of theta, for example "drive.amplitude", "model.law.stiffness", "dynamics.temperature".
        time: how long after the change the response is followed [t].
        record_every: steps in a record; default a fiftieth of `time`.
        unit: of the response.

    Raises:
        ValueError: for an observable or a parameter that is not there, or a time shorter than two records.
    """

    model: Any
    dynamics: Any
    drive: Any
    observable: str | Callable
    parameter: str
    time: float
    record_every: int | None = None
    unit: str = ""
    name: str = field(init=False, default="")

    def __post_init__(self):
        dt, steps = float(self.dynamics.dt), float(self.time) / float(self.dynamics.dt)
        every = self.record_every or max(1, round(steps / 50))
        if not (np.isfinite(steps) and round(steps) >= 2 * every):
            raise ValueError(f"time = {self.time} must hold two records of {every} steps of dt = {dt:g}.")
        object.__setattr__(self, "record_every", int(every))
        self.theta.check(self.system)
        if hasattr(self.dynamics, "check"):
            self.dynamics.check(self.model)
        _check_observable(self)
        label = self.observable if isinstance(self.observable, str) else self.observable.__name__
        object.__setattr__(self, "name", f"d<{label}>/d({self.parameter})")

    @property
    def system(self) -> System:
        return System(self.model, self.dynamics, self.drive)

    @property
    def theta(self) -> ParameterPath:
        return ParameterPath(self.parameter)

    @property
    def records(self) -> int:
        """Number of records of a response."""
        return max(2, round(float(self.time) / float(self.dynamics.dt) / self.every))

    @property
    def every(self) -> int:
        return int(self.record_every or 1)

    @property
    def steps(self) -> int:
        return self.records * self.every

    @property
    def interval(self) -> float:
        """Length of a record [t]."""
        return self.every * float(self.dynamics.dt)

    @property
    def value(self) -> float:
        """Of the parameter, in the reference."""
        return self.theta.value(self.system)

    @property
    def times(self) -> np.ndarray:
        """Middle of each record, (n,) [t]."""
        return (np.arange(self.records) + 0.5) * self.interval

    @property
    def observe(self) -> Observation:
        """A(model, state)."""
        return Observation(self.observable)

    def direct(self, states: State) -> np.ndarray:
        """dA/d(theta) of states as they are, (R,): not zero where the parameter is part of the observable."""
        return np.asarray(_direct(self.observe, self.system, self.theta, states), float)

    @property
    def recorder(self) -> Observed:
        """The model that records A as "observable"."""
        return Observed(self.model, {"observable": self.observe})

    def changed(self, change, system: System | None = None) -> System:
        """The system whose theta is changed."""
        return self.theta.shifted(self.system if system is None else system, change)


@eqx.filter_jit
def _direct(observe: Observation, system: System, theta: ParameterPath, states: State) -> Array:
    def one(state):
        return derivative_at_zero(lambda x: observe(theta.shifted(system, x).model, state), system)

    return jax.vmap(one)(states)


def derivative_at_zero(function: Callable, system: System):
    """d function(x)/dx at x = 0, forward."""
    zero = jnp.zeros((), system.model.mass.dtype)
    return jax.jvp(function, (zero,), (jnp.ones_like(zero),))[1]


def _check_observable(problem: Problem) -> None:
    model, observable = problem.model, problem.observable
    size, dimension = sum(model.counts), model.box.dimension
    dtype = jnp.result_type(model.mass)
    real = tuple(jax.ShapeDtypeStruct((size,), dtype) for _ in range(dimension))
    whole = tuple(jax.ShapeDtypeStruct((size,), jnp.uint32) for _ in range(dimension))
    state = State(real, real, real, whole, jax.ShapeDtypeStruct((), jnp.uint32), jax.ShapeDtypeStruct((2,), jnp.uint32))
    if isinstance(observable, str):
        names = list(jax.eval_shape(model.every_step, state))
        if observable not in names:
            raise ValueError(
                f"{type(model).__name__} records {names} at every step, not {observable!r}; "
                "give a function A(model, state) for anything else."
            )
    elif not callable(observable):
        raise ValueError(f"observable is a name or a function A(model, state), got {observable!r}.")
    try:
        value = eqx.filter_eval_shape(lambda s: problem.observe(model, s), state)
    except TypeError as error:
        raise ValueError(
            f"An observable is a function A(model, state) of the present state; one that asks for more, such as later "
            f"states, has no response ({error})."
        ) from error
    if getattr(value, "shape", None) != () or not jnp.issubdtype(value.dtype, jnp.floating):
        raise ValueError(f"The observable must return a real scalar, got {value}.")
