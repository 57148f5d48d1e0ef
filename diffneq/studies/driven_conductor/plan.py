"""What the study of the driven conductor runs, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diffneq.drives import Constant, Multisine, Sum, multisine
from diffneq.models import Conductor

# Planning value: it shapes the amplitudes of the probe, no result depends on it.
_RELAXATION_TIME = 6.0


@dataclass(frozen=True)
class Plan:
    """The runs of the study.

    Arguments:
        preset, temperature: of the conductor (`uniform`: no walls).
        electrons: their number; phonons as many, impurities a third.
        fields: where the response is measured, [k_B T/(e L)]; zero should be among them.
        probes: strength of the multisine at each of these: the constant field that dissipates as much.
        ladder: fields at which the velocity distribution is looked at; `fields` must be among them.
        replicas: runs at each field, each with impurities of its own.
        time, transient: recorded time of these, and time before it [t].
        interval: time between snapshots [t]; every other one starts short pulses, the others give the curvature of
            the potential, so that the two sides of the sum rule share no state.
        pulses: long pulse runs that start from each replica.
        pulse_time, short_time: how long the current is followed after a long and a short pulse [t].
        impulse: change of velocity by a pulse, in thermal velocities sqrt(T_x/m) of the state that is kicked.
        period, periods: base period of the multisine [t], and how many are recorded after the first.
        frequencies: number of sines.
        walls_electrons, walls_field, walls_replicas, walls_time, walls_transient: the conductor between thermal walls.
        seed: root of all random numbers.
        record_time: records are averages over this time [t].
    """

    preset: str = "soft"
    temperature: float = 1.0
    electrons: int = 100
    fields: tuple[float, ...] = (0.0, 0.2)
    probes: tuple[float, ...] = (0.02, 0.05)
    ladder: tuple[float, ...] = (0.0, 0.025, 0.05, 0.1, 0.2, 0.3)
    replicas: int = 128
    time: float = 200.0
    transient: float = 60.0
    interval: float = 2.5
    pulses: int = 10
    pulse_time: float = 50.0
    short_time: float = 0.16
    impulse: float = 0.25
    period: float = 100.0
    periods: int = 3
    frequencies: int = 24
    walls_electrons: int = 200
    walls_field: float = 0.05
    walls_replicas: int = 32
    walls_time: float = 400.0
    walls_transient: float = 400.0
    seed: int = 0
    record_time: float = 0.1

    def __post_init__(self):
        if len(self.fields) != len(self.probes) or not set(self.fields) <= set(self.ladder):
            raise ValueError("fields need one probe each and must be among those of the ladder.")
        if self.snapshots < 2 * self.pulses:
            raise ValueError(f"{self.pulses} pulses need {2 * self.pulses} snapshots, there are {self.snapshots}.")
        if self.replicas < 4 or self.replicas % 2:
            raise ValueError(f"replicas must be even and at least 4, got {self.replicas}.")

    @property
    def snapshots(self) -> int:
        """Snapshots of a run at one field."""
        return round(self.time / self.interval)

    def model(self) -> Conductor:
        return Conductor.preset(self.preset, self.electrons, "uniform", temperature=self.temperature)

    def walled(self) -> Conductor:
        """The square conductor between thermal walls."""
        size = self.walls_electrons
        return Conductor.preset(self.preset, size, "walls", aspect=1.0, temperature=self.temperature)

    @property
    def dt(self) -> float:
        return self.model().suggested_dt

    @property
    def record_every(self) -> int:
        return round(self.record_time / self.dt)

    def steps(self, time: float) -> int:
        """Steps that take this time, a whole number of records."""
        return self.record_every * max(1, round(time / self.record_time))

    def probe(self, field: float) -> Multisine:
        """Sines on top of a constant field, each with about the same dissipation in a Drude metal."""
        strength = self.probes[self.fields.index(field)]
        lowest, highest = 1 / self.period, 0.2 / self.record_time
        trial = multisine(lowest, highest, self.frequencies, 1.0, self.dt)
        shape = np.sqrt(1 + (2 * np.pi * trial.frequencies * _RELAXATION_TIME) ** 2)
        return multisine(lowest, highest, self.frequencies, strength * np.sqrt(2 / self.frequencies) * shape, self.dt)

    def probed(self, field: float, sign: float) -> Sum:
        """The constant field with the probe, upright or upside down: even orders in the probe cancel in the mean."""
        probe = self.probe(field)
        turned = Multisine(sign * probe.amplitudes, probe.phases, probe.harmonics, probe.period)
        return Sum([Constant(field), turned])
