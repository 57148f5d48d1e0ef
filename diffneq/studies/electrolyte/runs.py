"""The stages of the study: equilibrium, then a field and two currents that its conductivity suggests."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np

from diffneq.drives import Constant
from diffneq.dynamics import Isokinetic, PeculiarLangevin
from diffneq.dynamics.isokinetic import degrees_of_freedom
from diffneq.materials.units import femtoseconds, kelvin, picoseconds, siemens_per_metre
from diffneq.options.electrolyte import ElectrolyteOptions
from diffneq.response.conductivity import CurrentPlan, constant_field, plan_current
from diffneq.statistics import Estimate
from diffneq.studies.electrolyte.material import Material
from diffneq.studies.electrolyte.trajectory import FRAME_EVERY, RECORD_EVERY, Stage, Trajectory

# Of the field at which a hop departs from linear response by a tenth: where the pilot run is driven.
_PILOT_FIELD = 0.8


@dataclass(frozen=True)
class Lanes:
    """A stage that is done: its trajectory and, for each lane, the temperature [K] and the strength of the drive."""

    trajectory: Trajectory
    temperature: np.ndarray
    strength: np.ndarray


class Runs:
    """Runs the stages one after another; each has a file of its own in the folder and is resumed from it."""

    def __init__(self, material: Material, options: ElectrolyteOptions):
        self.material, self.options = material, options
        self.dt, self.rate = femtoseconds(options.time_step), 1 / picoseconds(options.damping_time)
        self.root = jax.random.key(options.seed)

    @property
    def record_time(self) -> float:
        """[t0]."""
        return RECORD_EVERY * self.dt

    @property
    def charge(self) -> float:
        """e R/V times this is the current density, and lambda over it the field: 1 where colours are charges."""
        return float(self.material.model.carrier_charge)

    def records(self, time: float) -> int:
        """Records in a time given in ps, whole multiples of the distance of frames."""
        return FRAME_EVERY * max(1, round(picoseconds(time) / self.record_time / FRAME_EVERY))

    @property
    def settling(self) -> int:
        """Records of a driven run that are left out: its current or multiplier is not yet steady."""
        return self.records(self.options.equilibration)

    def _stage(self, name: str, number: int, lanes, start=None) -> Stage:
        """`lanes`: (label, dynamics, drive) each."""
        points = [(self.material.model, dynamics, drive) for _, dynamics, drive in lanes]
        key = jax.random.fold_in(self.root, number)
        return Stage(self.material, name, points, [label for label, _, _ in lanes], key, self.options, start)

    def _bath(self, temperature: float) -> PeculiarLangevin:
        return PeculiarLangevin(self.dt, kelvin(temperature), self.rate)

    def _recorded(self, temperature: float, flux: float | None = None) -> Isokinetic:
        """What is recorded moves without friction: a bath of 0.5 ps takes a fifth off the diffusion in molten NaCl."""
        return Isokinetic(self.dt, kelvin(temperature), flux)

    def _each(self):
        o = self.options
        return [(t, r) for t in o.temperatures for r in range(o.replicas)]

    def equilibrium(self) -> Lanes:
        """Annealed where the start is forgotten, settled at each temperature, then recorded."""
        o, hot = self.options, self.material.anneal
        lanes = lambda bath: [(f"T = {t:g} K, replica {r}", bath(t), None) for t, r in self._each()]
        short = self.records(o.equilibration)
        first = self._stage("annealing", 0, lanes(lambda t: self._bath(max(hot, t)))).run(short)
        second = self._stage("settling", 1, lanes(self._bath), first.state).run(short)
        found = self._stage("equilibrium", 2, lanes(self._recorded), second.state).run(self.records(o.time))
        temperatures = np.array([t for t, _ in self._each()])
        return Lanes(found, temperatures, np.zeros(len(temperatures)))

    def plans(self, pilots: dict[float, Estimate], lags: dict[float, float]) -> dict[float, CurrentPlan]:
        """The currents for each temperature: from the pilot where it says something, else from Arrhenius' law.

        A temperature of which neither says anything is left out.
        """
        known = {t: s for t, s in pilots.items() if s.value > 0 and s.error < 0.5 * s.value}
        out = {}
        for t in self.options.temperatures:
            pilot = known.get(t) or _extrapolated(known, t)
            if pilot is None:
                continue
            out[t] = plan_current(
                pilot, volume=self.material.volume, temperature=kelvin(t), relative_error=self.options.relative_error,
                hop=self.material.hop, carriers=self.material.carriers, damping_rate=float("inf"),
                degrees_of_freedom=degrees_of_freedom(self.material.model), lag=lags.get(t),
            )  # fmt: skip
        return out

    def constant_field(self, start, fields: dict[float, float]) -> Lanes:
        """One field for each temperature [V/A]."""
        lanes = [
            (
                f"T = {t:g} K, field {fields[t]:.3g} V/A, replica {r}",
                self._recorded(t),
                Constant(self.charge * fields[t]),
            )
            for t, r in self._each()
        ]
        found = self._stage("constant field", 3, lanes, start).run(self.records(self.options.time) + self.settling)
        return Lanes(found, np.array([t for t, _ in self._each()]), np.array([fields[t] for t, _ in self._each()]))

    def pilot_fields(self) -> dict[float, float]:
        """Fields near the end of linear response, whatever the conductivity [V/A]."""
        most = lambda t: 2 * kelvin(t) * np.sqrt(0.6) / self.material.hop
        return {t: float(_PILOT_FIELD * most(t)) for t in self.options.temperatures}

    def constant_current(self, start, currents: dict[float, tuple[float, ...]]) -> Lanes:
        """Currents as densities j [e/(A^2 t0)] for each temperature."""
        volume, charge = self.material.volume, self.charge
        lanes, temperature, strength, origin = [], [], [], []
        for number, (t, r) in enumerate(self._each()):
            for j in currents.get(t, ()):
                flux = j * volume / charge
                lanes.append(
                    (f"T = {t:g} K, j = {amperes(j):.3g} A/cm^2, replica {r}",
                     self._recorded(t, flux), None)
                )  # fmt: skip
                temperature.append(t)
                strength.append(j)
                origin.append(number)
        spread = jax.tree.map(lambda x: x[np.array(origin)], start)
        stage = self._stage("constant current", 4, lanes, spread)
        found = stage.run(self.records(self.options.time) + self.settling)
        return Lanes(found, np.array(temperature), np.array(strength))

    def pilots(self, driven: Lanes) -> dict[float, Estimate]:
        """sigma of each temperature from the run in a field."""
        out = {}
        for t in self.options.temperatures:
            here = np.flatnonzero(driven.temperature == t)
            records = settled(driven.trajectory, "current", here, self.settling)
            if records is None:
                continue
            field, volume = float(driven.strength[here[0]]), self.material.volume
            out[t] = constant_field(self.charge * records, field, volume, self.record_time)
        return out


def settled(found: Trajectory, name: str, lanes, skip: int) -> np.ndarray | None:
    """Records (R, T) of some lanes without the transient, as far as all that are used were well; None if too few."""
    good = [k for k in lanes if found.good[k] >= skip + 64]
    if not good:
        return None
    end = min(int(found.good[k]) for k in good)
    return found.records[name][good, skip:end].astype(float)


def amperes(current_density: float) -> float:
    """j in A/cm^2, from e/(A^2 t0)."""
    return siemens_per_metre(current_density) * 1e10 / 1e4


def from_amperes(current_density: float) -> float:
    """j in e/(A^2 t0), from A/cm^2."""
    return current_density / amperes(1.0)


def _extrapolated(known: dict[float, Estimate], temperature: float) -> Estimate | None:
    """sigma at a temperature of which the pilot says nothing, by the others; None where they are fewer than two."""
    if len(known) < 2:
        return None
    kT = np.array([kelvin(t) for t in known])
    y = np.array([np.log(s.value * k) for s, k in zip(known.values(), kT, strict=True)])
    slope, level = np.polyfit(1 / kT, y, 1)
    value = float(np.exp(level + slope / kelvin(temperature)) / kelvin(temperature))
    doubt = "the current was planned from the Arrhenius line of the other temperatures"
    return Estimate(value, 0.3 * value, warnings=(doubt,))
