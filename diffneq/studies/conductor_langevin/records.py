"""Trajectories of the total electron momentum of a conductor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq.drives import Constant
from diffneq.models import Conductor
from diffneq.models.conductor import ELECTRON
from diffneq.models.wrapper import AbstractWrapper
from diffneq.simulation.loop import simulate


@dataclass(frozen=True)
class Plan:
    """What is simulated, and at which intervals it is looked at.

    Arguments:
        preset, electrons: the conductor (uniform); phonons as many as electrons, impurities a third.
        fields: E [k_B T_0/(e R)].
        replicas: runs at each field, each with impurities of its own.
        time, transient: recorded, and before it [t].
        interval: between readings [t].
        thinnings: every so many readings a Langevin equation is asked to predict the next.
        seed: root of all random numbers.
    """

    preset: str = "soft"
    electrons: int = 30
    fields: tuple[float, ...] = (0.0, 0.3)
    replicas: int = 128
    time: float = 400.0
    transient: float = 60.0
    interval: float = 0.25
    thinnings: tuple[int, ...] = (1, 8)
    seed: int = 0

    def __post_init__(self):
        if self.replicas < 8:
            raise ValueError(f"replicas must be 8 or more, a quarter of them is held out; got {self.replicas}.")
        if self.time < 32 * self.interval * max(self.thinnings):
            raise ValueError(f"time = {self.time:g} leaves fewer than 32 readings: record longer.")

    def model(self) -> Conductor:
        return Conductor.preset(self.preset, self.electrons)


@dataclass(frozen=True)
class Record:
    """V(t) = P/M, the drift velocity, `values` (R, T) at `interval`; `mass` M = N m, `force` N e E on it.

    `electron_temperature`, `phonon_temperature`: mean kinetic temperatures, with whatever drift there is.
    """

    field: float
    values: np.ndarray
    interval: float
    mass: float
    force: float
    electron_temperature: float
    phonon_temperature: float


class _DriftVelocity(AbstractWrapper):
    """The conductor, which also reads V = sum m v_x/M at the end of a record, not averaged over it."""

    model: Conductor
    units: ClassVar[dict[str, str]] = {**Conductor.units, "drift_velocity": "L/t"}
    recorded: ClassVar[tuple[str, ...]] = ("drift_velocity", *Conductor.recorded)

    def at_record(self, state, neighbours, wanted: tuple[str, ...]) -> dict[str, Array]:
        drift = jnp.mean(state.velocity[0][: self.model.counts[ELECTRON]])
        return {"drift_velocity": drift, **self.model.at_record(state, neighbours, wanted)}


def record(plan: Plan, field: float, progress: bool = True) -> Record:
    """Simulate at one field; the transient is left out."""
    conductor = plan.model()
    model, dynamics, drive = _DriftVelocity(conductor), conductor.dynamics(), Constant(field)
    every = max(1, round(plan.interval / conductor.suggested_dt))
    steps = lambda time: every * round(time / (every * conductor.suggested_dt))
    keys = jax.random.split(jax.random.fold_in(jax.random.key(plan.seed), plan.fields.index(field)), plan.replicas)
    start = simulate(model, dynamics, drive, keys=keys, steps=steps(plan.transient), record_every=every,
                     progress=progress).state  # fmt: skip
    result = simulate(model, dynamics, drive, keys=keys, steps=steps(plan.time), record_every=every, start=start,
                      progress=progress)  # fmt: skip
    good = result.status == 0
    if np.count_nonzero(good) < 8:
        raise RuntimeError(f"only {np.count_nonzero(good)} runs at E = {field:g} were completed: {result.failures}")
    kept = {name: np.asarray(x, float)[good] for name, x in result.records.items()}
    count = conductor.counts[ELECTRON]
    return Record(
        field,
        kept["drift_velocity"],
        every * conductor.suggested_dt,
        count * float(conductor.mass[ELECTRON]),
        count * float(conductor.charge[ELECTRON]) * field,
        float(kept["electron_temperature"].mean()),
        float(kept["phonon_temperature"].mean()),
    )
