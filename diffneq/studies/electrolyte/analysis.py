"""From the stages to conductivities in S/m, by every route, at each temperature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diffneq.materials.units import kelvin, picoseconds, siemens_per_metre, square_centimetres_per_second
from diffneq.models.tracks import members, unwrapped
from diffneq.response.conductivity import (
    Arrhenius,
    CurrentPlan,
    ZeroLimit,
    arrhenius,
    constant_current,
    constant_field,
    driven_error,
    einstein_helfand,
    equilibrium_error,
    haven_ratio,
    measured_speed_up,
    nernst_einstein,
    relative_to,
    self_diffusion,
    speed_up,
    zero_limit,
)
from diffneq.response.green_kubo import green_kubo
from diffneq.statistics import Estimate
from diffneq.studies.electrolyte.runs import Lanes, Runs, from_amperes, settled
from diffneq.studies.electrolyte.trajectory import FRAME_EVERY, framework_displacement

UNIT = "S/m"


def scaled(estimate: Estimate, factor: float, unit: str) -> Estimate:
    """The estimate in another unit."""
    return Estimate(
        factor * estimate.value, factor * estimate.error, unit, estimate.name, estimate.method, estimate.warnings,
        estimate.diagnostics,
    )  # fmt: skip


@dataclass(frozen=True)
class Current:
    """One current: `density` j [A/cm^2], `sigma` [S/m], `field` [V/A], the error that the law predicts and the speed-up
    over equilibrium, measured (None without an equilibrium value) and by the formula."""

    density: float
    sigma: Estimate
    field: Estimate
    predicted_error: float
    speed_up: Estimate | None
    predicted_speed_up: float | None


@dataclass(frozen=True)
class AtTemperature:
    """What was found at one temperature; a route that was not possible is None and `notes` says why."""

    temperature: float
    einstein_helfand: Estimate | None
    green_kubo: Estimate | None
    constant_field: Estimate | None
    limit: ZeroLimit | None
    currents: tuple[Current, ...]
    diffusion: dict[str, Estimate]
    nernst_einstein: Estimate | None
    haven_ratio: Estimate | None
    predicted_equilibrium_error: float | None
    kinetic_temperature: float
    framework_displacement: float | None
    plan: CurrentPlan | None
    notes: tuple[str, ...]

    @property
    def sigma(self) -> Estimate | None:
        """The best value: that at constant current, in the limit of none."""
        return None if self.limit is None else self.limit.sigma


def lag_of(found: Estimate | None) -> float | None:
    """Time to the diffusive regime of an Einstein-Helfand estimate that has one [t0]."""
    if found is None or found.value <= 0 or any("straight" in text for text in found.warnings):
        return None
    return float(found.diagnostics["lag"])


def equilibrium_routes(runs: Runs, lanes: Lanes, temperature: float):
    """Einstein-Helfand, Green-Kubo [S/m], diffusion of each species [cm^2/s], Nernst-Einstein; None where too short."""
    here = np.flatnonzero(lanes.temperature == temperature)
    found, kT, volume, dt = lanes.trajectory, kelvin(temperature), runs.material.volume, runs.record_time
    axes = [settled(found, name, here, 0) for name in ("current", "current_y", "current_z")]
    if axes[0] is None:
        return None, None, {}, None
    current = runs.charge * np.stack([x for x in axes if x is not None], axis=1)
    to_unit = siemens_per_metre(1.0)
    helfand = scaled(einstein_helfand(current, dt, volume, kT), to_unit, UNIT)
    kubo = scaled(green_kubo(current, dt, volume, kT, steps=20), to_unit, UNIT)
    good = [k for k in here if found.good[k] == found.length]
    diffusion = self_diffusions(runs, found.frames[good]) if good else {}
    model = runs.material.model
    if not diffusion:
        return helfand, kubo, {}, None
    charges = [float(z) for z in np.asarray(model.formal_charge)]
    used = [k for k, name in enumerate(model.names) if name in diffusion]
    own, counts = [diffusion[model.names[k]] for k in used], [model.counts[k] for k in used]
    expected = nernst_einstein(own, [charges[k] for k in used], counts, volume, kT)
    shown = {name: scaled(d, square_centimetres_per_second(1.0), "cm^2/s") for name, d in diffusion.items()}
    return helfand, kubo, shown, scaled(expected, to_unit, UNIT)


def self_diffusions(runs: Runs, frames: np.ndarray) -> dict[str, Estimate]:
    """D of each carrier [A^2/t0], in the frame of the framework's centre of mass, or of all ions in a melt."""
    model = runs.material.model
    path = unwrapped(model, frames)
    held = [name for name in model.names if name not in model.carriers]
    reference = members(model, held or model.names)
    masses = np.repeat(np.asarray(model.mass, float), model.counts)
    path = relative_to(path, reference, masses)
    dt = runs.record_time * FRAME_EVERY
    if path.shape[1] < 17:
        return {}
    return {name: self_diffusion(path[:, :, members(model, [name])], dt) for name in model.carriers}


def at_temperature(
    runs: Runs, temperature: float, still: Lanes, field: Lanes | None, driven: Lanes | None, plan: CurrentPlan | None
) -> AtTemperature:
    """Everything at one temperature."""
    helfand, kubo, diffusion, expected = equilibrium_routes(runs, still, temperature)
    notes: list[str] = []
    steady = None if field is None else _field_route(runs, field, temperature)
    currents, limit = (), None
    if driven is not None:
        currents = _currents(runs, driven, temperature, still, helfand)
        if currents:
            limit = zero_limit([c.density for c in currents], [c.sigma for c in currents], unit=UNIT)
        else:
            notes.append("no current was held long enough: the framework flowed or the run was lost")
    known = [s for s in (helfand, None if limit is None else limit.sigma) if s is not None and s.value > 0]
    best = min(known, key=lambda s: s.error / s.value, default=None)
    ratio = None
    if expected is not None and best is not None and best.value > 2 * best.error and expected.value > 0:
        ratio = haven_ratio(expected, best)
    here = np.flatnonzero(still.temperature == temperature)
    lag = lag_of(helfand)
    time = still.trajectory.length * runs.record_time * len(here)
    moved = None
    if runs.material.solid:
        moved = float(framework_displacement(runs.material, still.trajectory.frames[here]).max())
    return AtTemperature(
        temperature, helfand, kubo, steady, limit, currents, diffusion, expected, ratio,
        None if lag is None else equilibrium_error(lag, 3, time), _kinetic(runs, still, here), moved, plan,
        tuple(notes),
    )  # fmt: skip


def _field_route(runs: Runs, lanes: Lanes, temperature: float) -> Estimate | None:
    here = np.flatnonzero(lanes.temperature == temperature)
    records = settled(lanes.trajectory, "current", here, runs.settling)
    if records is None:
        return None
    field = float(lanes.strength[here[0]])
    found = constant_field(runs.charge * records, field, runs.material.volume, runs.record_time)
    return scaled(found, siemens_per_metre(1.0), UNIT)


def _currents(
    runs: Runs, lanes: Lanes, temperature: float, still: Lanes, helfand: Estimate | None
) -> tuple[Current, ...]:
    out, volume, kT = [], runs.material.volume, kelvin(temperature)
    for j in np.unique(lanes.strength[lanes.temperature == temperature]):
        here = np.flatnonzero((lanes.temperature == temperature) & (lanes.strength == j))
        multiplier = settled(lanes.trajectory, "multiplier", here, runs.settling)
        if multiplier is None:
            continue
        flux = float(j) * volume / runs.charge
        native = scaled(constant_current(multiplier, flux, volume, runs.record_time), runs.charge**2, "")
        sigma = scaled(native, siemens_per_metre(1.0), UNIT)
        field = Estimate(
            native.diagnostics["multiplier"] / runs.charge, native.diagnostics["multiplier_error"] / runs.charge, "V/A"
        )
        time = multiplier.size * runs.record_time
        law = driven_error(native.value, float(j), volume, kT, time) if native.value > 0 else float("nan")
        measured = predicted = None
        lag = lag_of(helfand)
        if helfand is not None and lag is not None and native.value > 0:
            predicted = speed_up(native.value, float(j), volume, kT, lag)
            still_time = still.trajectory.length * runs.record_time * np.sum(still.temperature == temperature)
            measured = measured_speed_up(helfand, float(still_time), sigma, time)
        out.append(Current(float(j) / from_amperes(1.0), sigma, field, law, measured, predicted))
    return tuple(out)


def _kinetic(runs: Runs, still: Lanes, here: np.ndarray) -> float:
    """Kinetic temperature of the equilibrium run [K]."""
    energy = settled(still.trajectory, "kinetic_energy", here, 0)
    ions = runs.material.structure.size
    return float("nan") if energy is None else float(energy.mean()) * 2 / (3 * (ions - 1)) / kelvin(1.0)


def temperature_dependence(found: list[AtTemperature]) -> dict[str, Arrhenius]:
    """Arrhenius fits of the conductivity at constant current and of Nernst and Einstein's, where there are three."""
    out = {}
    routes = {"constant current": lambda f: f.sigma, "Nernst-Einstein": lambda f: f.nernst_einstein}
    for name, pick in routes.items():
        known = [(f.temperature, s) for f in found for s in (pick(f),) if s is not None and s.value > 2 * s.error > 0]
        if len(known) >= 3:
            out[name] = arrhenius([kelvin(t) for t, _ in known], [s for _, s in known], "eV")
    return out


def in_picoseconds(time: float) -> float:
    return time / picoseconds(1.0)
