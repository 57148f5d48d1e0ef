"""What the study of the conductor runs, and for how long: from options to numbers of steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diffneq.drives import Multisine, multisine
from diffneq.models import Conductor
from diffneq.options import ConductorOptions

# Planning values only (kinetic theory and first runs): they shape the drive, no result depends on them.
_RELAXATION_TIME = 7.0
# Constant field that dissipates as much as all sines together: it heats the electrons by two percent.
_FIELD_OF_MULTISINE = 0.014
# Particle-steps a second and device: only to turn minutes into a length of runs.
_NOMINAL_RATE = 8e6


@dataclass(frozen=True)
class Plan:
    """The runs of the study.

    Arguments:
        preset, variant, temperature: of the conductor.
        electrons: number of electrons in the main runs; phonons as many, impurities a third.
        fields: positive fields [k_B T/(e L)]; each is run in both directions.
        seeds: runs for each field and direction; each has impurities of its own, by which conductances differ.
        replicas: undriven runs, and as many under the multisine.
        time: recorded time of each of these [t]; runs in a constant field, of which there are more, take a quarter.
        transient: time before it [t].
        sizes: further numbers of electrons at which the conductivity is measured, at `size_field`.
        frequencies, decades: how many sines, over how many decades of frequency.
        seed: root of all random numbers.
        record_time: records are averages over this time [t].
    """

    preset: str = "soft"
    variant: str = "uniform"
    temperature: float = 1.0
    electrons: int = 300
    fields: tuple[float, ...] = (0.02, 0.035, 0.05, 0.1)
    seeds: int = 8
    replicas: int = 40
    time: float = 1000.0
    transient: float = 100.0
    sizes: tuple[int, ...] = (150, 600, 1200)
    size_field: float = 0.05
    frequencies: int = 32
    decades: float = 2.5
    seed: int = 0
    record_time: float = 0.1

    def __post_init__(self):
        if self.time < 50:
            raise ValueError(f"time must be at least 50 units, seven relaxation times, got {self.time:g}.")

    @classmethod
    def of(cls, options: ConductorOptions, devices: int = 1) -> Plan:
        """The plan that fulfils the wishes; what they leave open keeps its default."""
        given = {"preset": options.preset, "variant": options.variant, "temperature": options.temperature}
        if options.fields is not None:
            given["fields"] = tuple(sorted({abs(f) for f in options.fields}))
        if options.sizes is not None:
            given["electrons"], given["sizes"] = options.sizes[0], tuple(options.sizes[1:])
        if options.seeds is not None:
            given["seeds"], given["replicas"] = options.seeds, max(12, 5 * options.seeds)
        if options.time is not None:
            given["time"], given["transient"] = options.time, min(100.0, options.time / 3)
        plan = cls(**given, seed=options.seed)
        if options.minutes is None:
            return plan
        room = options.minutes * 60 * _NOMINAL_RATE * devices
        time = max(50.0, plan.time * room / plan.particle_steps())
        return cls(**{**given, "time": time, "transient": min(100.0, time / 3)}, seed=options.seed)

    def model(self, electrons: int | None = None) -> Conductor:
        number = electrons or self.electrons
        return Conductor.preset(self.preset, number, self.variant, temperature=self.temperature)

    @property
    def dt(self) -> float:
        return self.model().suggested_dt

    @property
    def record_every(self) -> int:
        return round(self.record_time / self.dt)

    @property
    def transient_records(self) -> int:
        return 10 * round(self.transient / self.record_time / 10)

    def steps(self, time: float) -> int:
        """Steps of a run whose recorded part takes `time`: whole multiples of ten records."""
        block = self.record_every * 10
        return block * max(1, round(time / self.dt / block)) + self.transient_records * self.record_every

    def drive(self) -> Multisine:
        """Sines that all dissipate the same power; amplitudes grow as the conductivity falls, sqrt(1 + (w tau)^2).

        The longest wave fits `time` five times.
        """
        period = 10 * self.record_time * max(1, round(self.time / 50 / self.record_time))
        lowest, highest = 1 / period, min(10**self.decades / period, 0.2 / self.record_time)
        trial = multisine(lowest, highest, self.frequencies, 1.0, self.dt)
        shape = np.sqrt(1 + (2 * np.pi * trial.frequencies * _RELAXATION_TIME) ** 2)
        amplitude = _FIELD_OF_MULTISINE * self.temperature * np.sqrt(2 / self.frequencies) * shape
        return multisine(lowest, highest, self.frequencies, amplitude, self.dt)

    def periods(self) -> int:
        """Recorded periods of the multisine."""
        return max(2, round(self.time / self.drive().period))

    @property
    def field_time(self) -> float:
        """Recorded time of a run in a constant field."""
        return max(50.0, self.time / 4)

    def seeds_at(self, electrons: int) -> int:
        """Small systems run more seeds: their currents fluctuate more, and they cost less."""
        largest = max((*self.sizes, self.electrons))
        return min(4 * self.seeds, int(np.ceil(self.seeds * largest / electrons)))

    def particle_steps(self) -> float:
        """Of all runs together."""
        particles = sum(self.model().counts)
        field = (self.field_time + self.transient) / self.dt
        fields = field * particles * 2 * len(self.fields) * self.seeds
        sizes = field * sum(particles * n / self.electrons * self.seeds_at(n) for n in self.sizes)
        sines = (self.periods() + 1) * self.drive().period / self.dt
        return fields + sizes + particles * self.replicas * (self.steps(self.time) + sines)
