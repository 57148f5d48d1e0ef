"""A parameter of the model follows a protocol: its work, beside that of a drive, and what the time step itself does."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq._parameters import concrete
from diffneq.drives import Clock
from diffneq.dynamics.state import Info, State, observed_units, per_particle
from diffneq.parameter_path import ParameterPath


class _System(NamedTuple):
    model: Any


class ProtocolWork(eqx.Module):
    """dE = W_drive + W_protocol + W_shadow + Q of any dynamics, while a parameter of the model follows lambda(t).

    Step n: the parameter jumps from lambda(t_n) to lambda(t_{n+1}) with the particles at rest, W_protocol = U(x,
    lambda(t_{n+1})) - U(x, lambda(t_n)); then the inner dynamics take their step at the new parameter. What their
    energy changes by beyond heat and work of the drive is W_shadow, which the finite time step does. With a splitting
    like BAOAB and a canonical start <exp(-(W_protocol + W_shadow)/k_B T)> = Z_1/Z_0 at any time step.

    The record "work" of `simulate` is the sum over a record of W_drive + W_protocol. "protocol_work" and "shadow_work"
    are those of one step, so a record holds their mean over its steps: times `record_every` it is their sum, and with
    `rollout`, which records every step, it is the step's. `diagnostics["energy_error"]` of a result is the shadow work
    of the run. A step costs about three energies and one force more than without.

    Arguments:
        dynamics: any equation of motion that takes its parameters from the model, such as `Langevin`.
        parameter: path of the parameter as in `response.derivatives`, "model.law.stiffness", "model.parameters.k". Not
            one of the box or a mass, which are no parameters of U, and none that changes how far forces reach.
        protocol: a drive (`diffneq.drives`), or what else takes a `Clock` and returns a number.

    Raises:
        ValueError: for a protocol that cannot be called; `check`, where the parameter does not fit the model.

    Source: D. A. Sivak, J. D. Chodera, G. E. Crooks, Phys. Rev. X 3, 011007 (2013).

    >>> import diffneq
    >>> law = diffneq.particles.pair_laws.Hertzian(10.0, 1.0)
    >>> fluid = diffneq.models.Fluid(law, (4.0, 4.0), (16,))
    >>> dynamics = ProtocolWork(diffneq.dynamics.Langevin(0.01, 1.0, 1.0), "model.law.stiffness",
    ...                         diffneq.drives.Ramp(10.0, 20.0, 1.0))
    >>> result = diffneq.simulate(fluid, dynamics, steps=100, keys=jax.random.key(0), progress=False)
    >>> np.testing.assert_allclose(result.records["work"], 10 * result.records["protocol_work"], rtol=1e-3, atol=1e-3)
    """

    dynamics: Any
    protocol: Any
    path: ParameterPath

    def __init__(self, dynamics, parameter: str, protocol):
        if not callable(protocol):
            raise ValueError(
                "ProtocolWork: protocol must be a function of time, for example diffneq.drives.Ramp(start, stop, time)."
            )
        self.dynamics, self.protocol, self.path = dynamics, protocol, ParameterPath(parameter)

    @property
    def dt(self) -> Array:
        return self.dynamics.dt

    @property
    def temperature(self) -> Array:
        return self.dynamics.temperature

    @property
    def needs_noise(self) -> bool:
        return self.dynamics.needs_noise

    @property
    def can_share(self) -> bool:
        return getattr(self.dynamics, "can_share", True)

    @property
    def units(self) -> dict[str, str]:
        return {**observed_units(self.dynamics), "protocol_work": "k_B T", "shadow_work": "k_B T"}

    def present(self, model, state: State):
        """The model with the parameter that belongs to the state's time."""
        return self._model_at(model, state.step)

    def _model_at(self, model, step: Array):
        return self.path.replaced(_System(model), self.protocol(Clock(step, self.dt))).model

    def check(self, model) -> None:
        """ValueError where the dynamics do not fit the model, or the protocol not the parameter."""
        if hasattr(self.dynamics, "check"):
            self.dynamics.check(model)
        name = self.path.path
        if not self.path.of_model or name.startswith(("model.box", "model.mass")):
            raise ValueError(
                f"ProtocolWork: parameter must be of the model's energy, such as 'model.law.stiffness', not {name!r}."
            )
        self.path.check(_System(model))
        shape = jax.eval_shape(self.protocol, Clock(0, self.dt)).shape
        if shape != ():
            raise ValueError(f"ProtocolWork: protocol must give one number for each replica, got shape {shape}.")
        self._check_reach(model)

    def _check_reach(self, model) -> None:
        """Lists are made for the model as it is given."""
        if getattr(model, "cutoff", None) is None or concrete(jnp.asarray(self.path.value(_System(model)))) is None:
            return
        value = self.path.value(_System(model))
        moved = self.path.replaced(_System(model), 1.1 * value + 0.1).model
        if not np.isclose(float(moved.cutoff), float(model.cutoff), rtol=1e-6):
            raise ValueError(
                f"ProtocolWork: {self.path.path!r} changes how far forces reach, and the lists of neighbours would not "
                "follow; move a strength, not a length."
            )

    def step(self, model, state: State, neighbours, drive=None) -> tuple[State, Info]:
        before, after = self.present(model, state), self._model_at(model, state.step + 1)
        energy = after.potential_energy(state.displacement, neighbours)
        jump = energy - before.potential_energy(state.displacement, neighbours)
        state = eqx.tree_at(lambda s: s.force, state, after.forces(state.displacement, neighbours))
        moved, info = self.dynamics.step(after, state, neighbours, drive)
        change = after.potential_energy(moved.displacement, neighbours) - energy
        change = change + _kinetic_change(after, state, moved)
        shadow = change - info.work - info.heat
        observed = {**info.observed, "protocol_work": jump, "shadow_work": shadow}
        return moved, Info(info.work + jump, info.heat, observed)


def _kinetic_change(model, before: State, after: State) -> Array:
    """sum m (v'^2 - v^2)/2, without the cancellation of two large sums."""
    gained = sum((w - v) * (w + v) for v, w in zip(before.velocity, after.velocity, strict=True))
    return jnp.sum(per_particle(model, model.mass) * gained) / 2
