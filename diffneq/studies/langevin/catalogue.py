"""The models by name, with starts read off the record: its mean, its variance, its relaxation rate."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffneq import inference
from diffneq.inference import TimeSeries
from diffneq.options.langevin import LangevinOptions


def start(name: str, series: TimeSeries, options: LangevinOptions) -> Any:
    """A model of this name near the record, its convention being part of the name."""
    x, mass = series.scalar, options.mass
    mean, variance, rate = float(x.mean()), float(x.var()), relaxation_rate(x, series.dt)
    kind, flat = getattr(inference, name), [0.0] * options.degree
    if name == "OrnsteinUhlenbeck":
        return kind(rate * mass, variance * mass, force=rate * mass * mean, mass=mass)
    if name.endswith("PolynomialFriction"):
        return kind((rate * mass, *flat), variance * mass, mass=mass)
    if name.endswith("Polynomial"):
        return kind((rate * mean, -rate, *flat), (rate * variance, *flat))
    if name == "OverdampedPotential":
        centred = (-mean, 0.5, *[0.0] * (options.degree * 2))
        return kind(centred, 1 / rate, variance)
    if name == "GeneralisedLangevin":
        times = np.geomspace(1, 10, options.memory) / rate
        share = rate * mass / (options.memory + 1)
        return kind(share, np.full(options.memory, share), times, variance * mass, rate * mass * mean, mass)
    if name == "ColouredNoise":
        return kind(rate, rate * mean, rate * variance, 0.3 / rate)
    return kind(rate**2 * mass, rate * mass, rate**2 * variance * mass, centre=mean, mass=mass)


def relaxation_rate(x: np.ndarray, dt: float) -> float:
    """r of exp(-r t), from the first lag at which the correlation has lost half, or from a tenth of the record."""
    centred = x - x.mean()
    variance = float(np.mean(centred**2))
    lag, last = 1, max(1, x.shape[1] // 10)
    while lag < last and np.mean(centred[:, lag:] * centred[:, :-lag]) > 0.5 * variance:
        lag = max(lag + 1, int(1.2 * lag))
    kept = float(np.mean(centred[:, lag:] * centred[:, :-lag])) / variance
    return -np.log(min(max(kept, 0.05), 0.999)) / (lag * dt)
