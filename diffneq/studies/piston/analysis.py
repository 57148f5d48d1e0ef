"""Cumulant rates of the piston's displacement, from its generator or from a simulation."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from diffneq.event_driven import PistonRecords, simulate_piston
from diffneq.large_deviations.cumulants import rate_function
from diffneq.large_deviations.martingale import martingale_cumulants
from diffneq.large_deviations.piston import PistonGenerator
from diffneq.models.piston import Piston
from diffneq.options.piston import PistonOptions
from diffneq.statistics import Estimate

UNITS = ("L/t", "L^2/t", "L^3/t", "L^4/t")
_SIZES = 32, 40
_RECORDS_IN_A_RELAXATION = 8
_MEMORY = 8.0  # relaxation times


@dataclass(frozen=True)
class Curves:
    """theta(s) [1/t] and its Legendre transform I(j) [1/t] on tilts s within the domain, and theta''(s)."""

    tilt: np.ndarray
    theta: np.ndarray
    current: np.ndarray
    rate: np.ndarray
    curvature: np.ndarray


def piston_of(options: PistonOptions) -> Piston:
    return Piston(options.mass_ratio, options.temperatures)


def from_generator(options: PistonOptions) -> tuple[list[Estimate], Estimate]:
    """kappa_1..kappa_4 rates and Var V; the error is the change from a smaller basis."""
    with jax.enable_x64(True):
        piston = piston_of(options)
        small, large = (_spectral(piston, size) for size in _SIZES)
    method = f"tilted generator, {_SIZES[1]} Hermite polynomials against {_SIZES[0]}"
    names = (*(f"kappa_{n}" for n in range(1, 5)), "Var V")
    found = [
        Estimate(value, abs(value - other), unit, name, method)
        for value, other, unit, name in zip(large, small, (*UNITS, "(L/t)^2"), names, strict=True)
    ]
    return found[:4], found[4]


def _spectral(piston: Piston, size: int) -> np.ndarray:
    generator = PistonGenerator(piston, size)
    return np.append(np.asarray(generator.cumulant_rates(4)), float(generator.moments()[1]))


def curves(options: PistonOptions, points: int = 81) -> Curves:
    """theta and I over a range of currents that shows the skewness: 0.6 of the domain, both ways."""
    with jax.enable_x64(True):
        generator = PistonGenerator(piston_of(options), _SIZES[0])
        end = 0.6 * min(-float(generator.domain[0]), float(generator.domain[1]))
        tilt = jnp.linspace(-end, end, points)
        current, rate = rate_function(generator.scgf, tilt)
        curvature = np.gradient(np.asarray(current), np.asarray(tilt), edge_order=2)
        return Curves(*(np.asarray(a) for a in (tilt, tilt * current - rate, current, rate)), curvature)


def from_simulation(options: PistonOptions) -> tuple[list[Estimate], Estimate, PistonRecords]:
    """kappa_1..kappa_4 rates by martingale increments, Var V from independent replicas, and the records."""
    piston = piston_of(options)
    relaxation = float(piston.relaxation_time)
    interval = relaxation / _RECORDS_IN_A_RELAXATION
    duration = interval * round((options.duration or 200 * relaxation) / interval)
    run = simulate_piston(
        piston, jax.random.key(options.seed), replicas=options.replicas, duration=duration, record_every=interval,
        devices=options.devices, progress=options.progress,
    )  # fmt: skip
    kappa = martingale_cumulants(run.displacement, run.velocity, interval, memory=_MEMORY * relaxation, order=4)
    named = [
        Estimate(k.value, k.error, unit, f"kappa_{n}", k.method, k.warnings, k.diagnostics)
        for n, (k, unit) in enumerate(zip(kappa, UNITS, strict=True), 1)
    ]
    return named, _variance(run.velocity), run


def _variance(velocity: np.ndarray) -> Estimate:
    each = ((velocity - velocity.mean()) ** 2).mean(axis=1)
    error = each.std(ddof=1) / np.sqrt(len(each))
    return Estimate(each.mean(), error, "(L/t)^2", "Var V", "replicas", diagnostics={"dof": len(each) - 1})
