"""The pictures of the study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from diffneq import plotting
from diffneq.drives import Constant
from diffneq.simulation.loop import simulate
from diffneq.studies.conductor.plan import Plan
from diffneq.studies.conductor.report import Report

_UNITS = {
    "time": "R (m/k_BT_0)^{1/2}",
    "field": "k_BT_0/eR",
    "conductivity": "e^2t/m",
    "omega": "1/t",
}


def draw(report: Report, folder: Path) -> list[Path]:
    """Write all pictures as PNG files; returns their paths."""
    pictures: dict[str, Callable] = {
        "snapshot": lambda: snapshot(report.plan),
        "steady_state": lambda: _steady_state(report),
        "current_voltage": lambda: _current_voltage(report),
        "power_balance": lambda: _power_balance(report),
        "autocorrelation": lambda: _autocorrelation(report),
        "admittance": lambda: _admittance(report),
        "johnson_nyquist": lambda: _johnson_nyquist(report),
    }
    if report.sizes is not None:
        pictures["size"] = lambda: _size(report)
    paths = []
    for name, make in pictures.items():
        path = folder / f"{name}.png"
        make().savefig(path, dpi=160)
        paths.append(path)
    return paths


def snapshot(plan: Plan):
    """The particles after a short run at the strongest field."""
    model = plan.model()
    drive = Constant(max(plan.fields))
    result = simulate(
        model,
        model.dynamics(),
        drive,
        steps=1000,
        record_every=100,
        keys=jax.random.key(plan.seed),
        progress=False,
        devices=1,
    )
    species = np.repeat(np.arange(3), model.counts)
    lengths = np.asarray(model.box.lengths)
    return plotting.snapshot(result.positions(), species, lengths, [1.0, 1.0, 1.0], walls=plan.variant == "walls")


def _steady_state(report: Report):
    here = report.steady
    strongest = int(np.argmax(here.field))
    # Averages over five time units: the transient shows, the noise of single records does not.
    bunch = max(1, round(5.0 / report.plan.record_time))
    count = here.strongest.shape[1] // bunch
    runs = here.strongest[:, : count * bunch].reshape(len(here.strongest), count, bunch).mean(-1)
    time = here.time[: count * bunch].reshape(count, bunch).mean(-1)
    return plotting.time_series(time, runs, steady=here.current_density[strongest], transient=report.plan.transient)


def _current_voltage(report: Report):
    here = report.steady
    value, error = np.transpose([(j.value, j.error) for j in here.current_density])
    return plotting.current_voltage(here.field, value, error, conductivity=here.ohm.sigma, cubic=here.ohm.sigma_3)


def _power_balance(report: Report):
    here = report.steady
    work, work_error = np.transpose([(w.value, w.error) for w in here.work])
    heat, heat_error = np.transpose([(q.value, q.error) for q in here.heat])
    return plotting.power_balance(here.field, work, heat, work_error, heat_error)


def _autocorrelation(report: Report):
    acf = report.equilibrium.correlation
    return plotting.autocorrelation(acf.time, acf.value, acf.error)


def _admittance(report: Report):
    here = report.alternating
    shape = here.response.shape_factor
    real, imag = here.predicted_real, here.predicted_imaginary
    values = (real.predicted, imag.predicted, real.predicted_error, imag.predicted_error)
    predicted = (real.frequency, *(x * shape for x in values))
    y = here.response.admittance
    return plotting.admittance(
        here.response.frequency, y.real, y.imag, here.response.error_real * shape, here.response.error_imag * shape,
        kramers_kronig=predicted,
    )  # fmt: skip


def _johnson_nyquist(report: Report):
    noise = report.alternating.noise
    return plotting.johnson_nyquist(
        noise.frequency, noise.noise, noise.noise_error, noise.dissipation, noise.dissipation_error
    )


def _size(report: Report):
    here = report.sizes
    assert here is not None
    value, error = np.transpose([(s.value, s.error) for s in here.conductivity])
    return plotting.conductivity_against_size(here.inverse_length, value, error, limit=here.limit, slope=here.slope)
