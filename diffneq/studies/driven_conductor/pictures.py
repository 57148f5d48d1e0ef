"""The pictures of the study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from diffneq import plotting
from diffneq.studies.driven_conductor.local_equilibrium import FAR
from diffneq.studies.driven_conductor.report import Report

UNITS = {
    "time": "$t_0$",
    "omega": "$1/t_0$",
    "field": "$k_\\mathrm{B}T_0/eR$",
    "temperature": "$T_0$",
    "length": "$R$",
    "first moment": "$1/t_0$",
    "second moment": "$1/t_0^2$",
}


def draw(report: Report, folder: Path) -> list[Path]:
    """Write all pictures as PNG files; returns their paths."""
    pictures: dict[str, Callable] = {
        "pulse_response": lambda: pulses(report),
        "sum_rules": lambda: sum_rules(report),
        "effective_temperature": lambda: effective_temperature(report),
        "velocity_tails": lambda: velocity_tails(report),
        "temperatures": lambda: temperatures(report),
        "departures": lambda: departures(report),
    }
    pictures |= {f"conductivity_{e:g}": lambda e=e: conductivity(report, e) for e in report.responses}
    if report.walls is not None:
        pictures["walls"] = lambda: walls(report)
    paths = []
    for name, make in pictures.items():
        path = folder / f"{name}.png"
        make().savefig(path, dpi=160)
        paths.append(path)
    return paths


def pulses(report: Report):
    """phi(t) at each field; the beginning beside the curvature of the potential."""
    curves = {_name(e): (x.pulse.time, x.pulse.response, x.pulse.error) for e, x in report.responses.items()}
    initial = {
        _name(e): (x.curvature.value / x.weight, x.curvature.error / x.weight) for e, x in report.responses.items()
    }
    return plotting.pulse_responses(curves, initial, reach=min(30.0, report.plan.pulse_time), units=UNITS)


def sum_rules(report: Report):
    """Running integrals of the three moments."""
    found = report.responses.items()
    cutoff = next(iter(report.responses.values())).moments.cutoff
    moments = {_name(e): x.moments.moments / x.weight for e, x in found}
    errors = {_name(e): x.moments.errors / x.weight for e, x in found}
    exact = {_name(e): (1.0, 0.0, (x.curvature.value / x.weight, x.curvature.error / x.weight)) for e, x in found}
    return plotting.running_sum_rules(cutoff, moments, errors, exact, units=UNITS)


def conductivity(report: Report, field: float):
    """sigma(w) under the probe, with its Kramers-Kronig transforms, as an admittance."""
    here = report.responses[field]
    shape = here.probe.shape_factor
    transforms = (here.real.predicted, here.imaginary.predicted, here.real.predicted_error)
    predicted = (here.probe.frequency, *(shape * x for x in (*transforms, here.imaginary.predicted_error)))
    y = here.probe.admittance
    return plotting.admittance(
        here.probe.frequency, y.real, y.imag, shape * here.probe.error_real, shape * here.probe.error_imag,
        kramers_kronig=predicted, units={"omega": UNITS["omega"], "admittance": "$e^2t_0/m$"},
    )  # fmt: skip


def effective_temperature(report: Report):
    """T_eff(w) at each field beside the temperatures of bath, electrons and phonons."""
    curves, levels = {}, {}
    for e, here in report.responses.items():
        noise = here.noise
        curves[_name(e)] = (noise.frequency, noise.temperature, noise.error)
        own = {"electrons along $E$": here.kinetic, "phonons": report.ladder[e].phonon}
        levels[_name(e)] = own if e else {"bath": report.plan.temperature}
    return plotting.effective_temperatures(curves, levels, units=UNITS)


def velocity_tails(report: Report):
    """P(v_y) at some fields, scaled with the kinetic temperature of each."""
    fields = list(report.ladder)
    chosen = [fields[0], *fields[len(fields) // 2 :]] if len(fields) > 3 else fields
    mass = float(report.plan.model().mass[0])
    curves, tails = {}, {}
    for e in chosen:
        here = report.ladder[e]
        kinetic = here.across.temperature.value
        shift = np.log(kinetic / mass) / 2
        curves[_name(e)] = (mass * here.speed**2 / kinetic, here.log_density + shift, here.error)
        tails[_name(e)] = (here.tails[FAR].value / kinetic, FAR)
    return plotting.velocity_tails(curves, tails)


def temperatures(report: Report):
    """Temperatures of tail, electrons along and across, phonons and bath against the field."""
    ladder = report.ladder.values()
    series = {
        "electrons, along $E$ (about the drift)": [x.along.temperature for x in ladder],
        "electrons, across": [x.across.temperature for x in ladder],
        "electrons, far tail across": [x.tails[FAR] for x in ladder],
        "phonons": [x.phonon for x in ladder],
    }
    return plotting.temperatures_against_field(list(report.ladder), series, report.plan.temperature, units=UNITS)


def departures(report: Report):
    """How local equilibrium breaks as the field grows."""
    names = {
        "T_y/T_phonon - 1": r"$T_y/T_\mathrm{phonon}-1$",
        "T_x/T_y - 1": "$T_x/T_y-1$",
        "skewness of v_x": "skewness of $v_x$",
        "excess kurtosis of v_x": "excess kurtosis of $v_x$",
        "excess kurtosis of v_y": "excess kurtosis of $v_y$",
        "T_tail/T_y - 1": r"$T_\mathrm{tail}/T_y-1$",
    }
    found = [x.departures() for x in report.ladder.values()]
    series = {shown: [x[name] for x in found] for name, shown in names.items()}
    return plotting.departures_against_field(list(report.ladder), series, units=UNITS)


def walls(report: Report):
    """Density, drift, temperatures and kurtosis across the conductor between thermal walls."""
    here = report.walls
    assert here is not None
    hot = {
        "electrons, along $E$": (here.along, here.along_error),
        "electrons, across": (here.across, here.across_error),
        "phonons": (here.phonon, here.phonon_error),
    }
    panels = {
        "electron density  [$1/R^2$]": {"": (here.density, here.density_error)},
        "drift  [$R/t_0$]": {"": (here.drift, here.drift_error)},
        "temperature  [$T_0$]": hot,
        "excess kurtosis of $v_y$": {"": (here.kurtosis, here.kurtosis_error)},
    }
    return plotting.profiles_across(here.y, panels, units=UNITS)


def _name(field: float) -> str:
    return f"$E = {field:g}$"
