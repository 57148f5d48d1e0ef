"""From the records of the runs to numbers with error bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from diffneq.response.admittance import Admittance, admittance
from diffneq.response.green_kubo import Autocorrelation, autocorrelation, green_kubo
from diffneq.response.johnson_nyquist import JohnsonNyquist, johnson_nyquist
from diffneq.response.kramers_kronig import KramersKronig, f_sum_rule, kramers_kronig
from diffneq.response.ohm import OhmicResponse, ohm
from diffneq.response.tails import TailComparison, compare_tails
from diffneq.statistics import Estimate, fit_columns, fit_polynomial, mean, weighted_mean
from diffneq.studies.conductor.plan import Plan

SIGMA = "e^2 t/m"


def settled(plan: Plan, dataset, name: str) -> np.ndarray:
    """Records (R, T) after the transient of the runs that did not fail."""
    values = dataset[name].values
    values = values.reshape(-1, values.shape[-1])
    good = np.isfinite(values).all(axis=1)
    if not good.any():
        raise ValueError(f"every run failed: {dataset.attrs.get('failures', '')}")
    return values[good][:, plan.transient_records :]


def current_along(plan: Plan, dataset, fields, electrons: int, scale: float, unit: str = "") -> Estimate:
    """Mean current along the field times `scale`, from the runs in `fields`: a field, or both directions of one.

    Runs differ for good, by their impurities: the error is the scatter of their means, pooled over both directions.
    """
    both = [f for f in dataset["field"].values if np.isclose(abs(f), abs(fields[0]))]
    along = {f: np.sign(f) * scale * settled(plan, dataset.sel(field=f), "current") for f in both}
    name = f"current at |E| = {abs(fields[0]):g}, N_e = {electrons}"
    records = np.concatenate([along[f] for f in fields])
    dof = sum(len(x) - 1 for x in along.values())
    if dof < 4:  # too few runs to compare with each other
        return mean(records, plan.record_time, unit, name)
    variance = sum(float(np.var(x.mean(1)) * len(x)) for x in along.values()) / dof
    error = float(np.sqrt(variance / len(records)))
    diagnostics = {"dof": dof, "runs": len(records)}
    return Estimate(float(records.mean()), error, unit, name, "scatter of runs", (), diagnostics)


@dataclass(frozen=True)
class Equilibrium:
    """The undriven conductor: equipartition, fluctuation of the current, Green-Kubo, decay of the correlation.

    `series` (R, c, T): the settled current along the field and, where there are no walls, across it.
    """

    electron_temperature: Estimate
    phonon_temperature: Estimate
    current_variance: Estimate
    conductivity: dict[str, Estimate]
    correlation: Autocorrelation
    tails: TailComparison | None
    series: np.ndarray


def equilibrium(plan: Plan, dataset) -> Equilibrium:
    """<J^2> against N_e e^2 k_B T/m, and sigma = int <J(t) J(0)> dt/(A k_B T) by every estimator."""
    model, dt, kT = plan.model(), plan.record_time, plan.temperature
    current, across = settled(plan, dataset, "current"), settled(plan, dataset, "transverse_current")
    squared = settled(plan, dataset, "current_squared")
    exact = model.counts[0] * kT
    ratio = mean(squared / exact, dt, name="<J^2> m/(N_e e^2 k_B T)")
    # Both components are equivalent where there are no walls.
    series = np.stack([current, across], axis=1) if plan.variant == "uniform" else current[:, None, :]
    area, steps = float(model.area), plan.record_every
    sigma = {
        method: green_kubo(series, dt, area, kT, method, steps=steps, unit=SIGMA)
        for method in ("spectral", "cepstral", "integral")
    }
    reach = min(60.0, 0.2 * dt * current.shape[1])
    correlation = autocorrelation(series, dt, max_time=reach)
    try:
        tails = compare_tails(correlation, min(15.0, reach / 4), reach)
    except ValueError:
        tails = None  # too short a run for its tail; the table then says so
    hot = {
        species: mean(settled(plan, dataset, f"{species}_temperature"), dt, "T_0", f"{species} temperature")
        for species in ("electron", "phonon")
    }
    return Equilibrium(hot["electron"], hot["phonon"], ratio, sigma, correlation, tails, series)


@dataclass(frozen=True)
class SteadyState:
    """Constant fields: j(E), its linear and cubic part, and the balance of power; arrays over the fields."""

    field: np.ndarray
    current_density: list[Estimate]
    work: list[Estimate]
    heat: list[Estimate]
    electron_temperature: list[Estimate]
    balance: Estimate
    ohm: OhmicResponse
    drift: Estimate
    time: np.ndarray
    strongest: np.ndarray


def steady_state(plan: Plan, dataset) -> SteadyState:
    """j(E) = sigma E + sigma_3 E^3; Joule power = heat given to the bath."""
    model, dt = plan.model(), plan.record_time
    area, field = float(model.area), dataset["field"].values

    def pick(name: str, e: float, scale: float) -> Estimate:
        return mean(settled(plan, dataset.sel(field=e), name) * scale, dt, name=name)

    current = [current_along(plan, dataset, [e], plan.electrons, np.sign(e) / area) for e in field]
    work = [pick("work", e, 1 / dt) for e in field]
    heat = [pick("heat", e, -1 / dt) for e in field]
    hot = [pick("electron_temperature", e, 1.0) for e in field]
    response = ohm(field, [j.value for j in current], [j.error for j in current], unit=SIGMA)
    difference = [
        mean(
            (settled(plan, dataset.sel(field=e), "work") + settled(plan, dataset.sel(field=e), "heat")) / dt / w.value,
            dt,
        )
        for e, w in zip(field, work, strict=True)
        if w.value > 3 * w.error
    ]
    together = weighted_mean(difference, "1 - heat/work") if difference else Estimate(np.nan, np.inf)
    balance = Estimate(
        1 - together.value, together.error, name="heat to the bath / Joule power", method="weighted mean"
    )
    strongest = dataset.sel(field=field.max())["current"].values.reshape(-1, dataset.sizes["time"]) / area
    return SteadyState(
        field, current, work, heat, hot, balance, response, _drift(plan, dataset), dataset["time"].values, strongest
    )


def _drift(plan: Plan, dataset) -> Estimate:
    """Second half minus first half of the steady current, in units of the mean current: zero in a steady state."""
    parts = []
    for e in dataset["field"].values:
        current = settled(plan, dataset.sel(field=e), "current") * np.sign(e)
        half = current.shape[1] // 2
        difference = current[:, half : 2 * half].mean() - current[:, :half].mean()
        whole = mean(current)
        if whole.value > 0:
            # The halves are too short for error bars of their own; in a steady state theirs are those of the whole
            # times sqrt(2), and that of their difference is twice it.
            parts.append(Estimate(float(difference) / whole.value, 2 * whole.error / whole.value))
    total = weighted_mean(parts, "drift") if parts else Estimate(np.nan, np.inf)
    return Estimate(total.value, total.error, name="drift of the steady current", method="second half less first")


@dataclass(frozen=True)
class Alternating:
    """The conductor under many frequencies at once."""

    response: Admittance
    predicted_imaginary: KramersKronig
    predicted_real: KramersKronig
    sum_rule: Estimate
    conductivity: Estimate
    noise: JohnsonNyquist
    electron_temperature: Estimate


def alternating(plan: Plan, dataset, undriven: np.ndarray) -> Alternating:
    """Y(w) of the driven runs; Kramers-Kronig, f-sum rule, and the noise of the undriven runs beside it."""
    model, dt, drive = plan.model(), plan.record_time, plan.drive()
    values = dataset["current"].values.reshape(-1, dataset.sizes["time"])
    values = values[np.isfinite(values).all(axis=1)]
    lengths = [float(x) for x in model.box.lengths]
    response = admittance(
        values, dt, drive.period, drive.harmonics, drive.amplitudes, drive.phases, *lengths,
        steps=plan.record_every, unit=SIGMA,
    )  # fmt: skip
    w, sigma, covariance = response.frequency, response.sigma, response.covariance
    # Electron forces depend on positions only, so Re sigma falls faster than w^-2 beyond the collision rate.
    total = f_sum_rule(w, sigma.real, response.error_real, tail_power=2.5)
    exact = model.counts[0] / float(model.area)
    ratio = Estimate(
        total.value / exact, total.error / exact, "", "f-sum m/(n_e e^2)", total.method, total.warnings,
        {name: part / exact for name, part in total.diagnostics.items()},
    )  # fmt: skip
    hot = mean(settled(plan, dataset, "electron_temperature"), dt, "T_0", "electron temperature, multisine")
    return Alternating(
        response,
        kramers_kronig(w, sigma, covariance, predict="imag", tail_power=2.5),
        kramers_kronig(w, sigma, covariance, predict="real"),
        ratio,
        _low_frequency(response),
        johnson_nyquist(undriven, dt, response, plan.temperature, relative_width=0.3, steps=plan.record_every),
        hot,
    )


def _low_frequency(response: Admittance) -> Estimate:
    """sigma(0) from Re 1/sigma(w) = 1/sigma(0) + b (w tau)^2/(1 + (w tau)^2), tau scanned.

    For a Drude metal b = 0; b and tau allow for a friction that itself relaxes, as two kinds of collisions do.
    """
    sigma, w, covariance = response.sigma, response.frequency, response.covariance
    slope = 1 / sigma**2  # d(1/sigma) = -slope d(sigma)
    variance = slope.real**2 * covariance[:, 0, 0] + slope.imag**2 * covariance[:, 1, 1]
    variance -= 2 * slope.real * slope.imag * covariance[:, 0, 1]
    low = w <= max(1.0, float(np.sort(w)[min(6, len(w) - 1)]))
    x, y, error = w[low], (1 / sigma).real[low], np.sqrt(variance[low])
    shape = lambda tau: (x * tau) ** 2 / (1 + (x * tau) ** 2)
    fit = lambda *columns: fit_columns(np.stack([np.ones_like(x), *columns], 1), y, error)
    times = np.geomspace(0.3 / x.max(), 1 / x.min(), 60)
    best = min(times, key=lambda tau: fit(shape(tau)).chi2)
    found = fit(shape(best))
    # The derivative by tau joins the columns for the error only (Gauss-Newton).
    allowed = fit(shape(best), (shape(1.05 * best) - shape(best / 1.05)) / 0.1)
    value = 1 / found.coefficients[0]
    doubt = value**2 * float(np.sqrt(allowed.covariance[0, 0]))
    diagnostics = {"chi2": found.chi2, "fit_dof": found.dof - 1, "relaxation_time": float(best)}
    return Estimate(float(value), doubt, SIGMA, "conductivity", "multisine, w -> 0", (), diagnostics)


@dataclass(frozen=True)
class SizeDependence:
    """sigma = j/E at one field for several sizes, and the fit against 1/L."""

    inverse_length: np.ndarray
    electrons: np.ndarray
    conductivity: list[Estimate]
    limit: Estimate
    slope: Estimate
    slope_z: float


def size_dependence(plan: Plan, datasets: dict[int, Any], main) -> SizeDependence | None:
    """sigma against 1/L, L = sqrt(A): a conductivity has no slope."""
    if not datasets:
        return None
    sigma, inverse, electrons = [], [], []
    everything = {**datasets}
    if plan.size_field in plan.fields:
        everything[plan.electrons] = main
    for number, dataset in sorted(everything.items()):
        fields = [f for f in dataset["field"].values if np.isclose(abs(f), plan.size_field)]
        area = float(plan.model(number).area)
        sigma.append(current_along(plan, dataset, fields, number, 1 / (area * plan.size_field), SIGMA))
        inverse.append(area**-0.5)
        electrons.append(number)
    if len(sigma) < 2:
        return None
    fit = fit_polynomial(inverse, [s.value for s in sigma], [s.error for s in sigma], (0, 1))
    limit, slope = fit.coefficient(0, SIGMA), fit.coefficient(1, SIGMA + " R")
    return SizeDependence(np.array(inverse), np.array(electrons), sigma, limit, slope, slope.value / slope.error)
