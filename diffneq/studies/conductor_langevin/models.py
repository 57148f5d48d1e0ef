"""The candidates for the equation of motion of the current, with where their fits start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffneq.inference import (
    ColouredNoise,
    GeneralisedLangevin,
    ItoPolynomial,
    ItoPolynomialFriction,
    OrnsteinUhlenbeck,
)
from diffneq.statistics import integrated_time
from diffneq.studies.conductor_langevin.records import Record
from diffneq.studies.conductor_langevin.two_rates import TwoRates

PLAIN = "plain Langevin"
_COLLISION = 0.1  # a guess of how long a collision lasts [t]


class _Start:
    """Mean, variance and relaxation rate of a record, and what follows from them for a linear law."""

    def __init__(self, record: Record):
        self.record, self.mean, self.variance = record, record.values.mean(), record.values.var()
        self.rate = 1 / integrated_time(record.values, record.interval).value
        self.temperature, self.friction = record.mass * self.variance, record.mass * self.rate
        self.diffusion, self.push = self.variance * self.rate, self.mean * self.rate


def _friction(s: _Start, terms: int) -> ItoPolynomialFriction:
    # the force is known, so that the mean gives the friction
    chord = s.record.force / s.mean if s.record.force else s.friction
    return ItoPolynomialFriction((chord, *np.zeros(terms - 1)), s.temperature, s.record.force, s.record.mass)


CANDIDATES: dict[str, Callable[[_Start], Any]] = {
    PLAIN: lambda s: _friction(s, 1),
    "velocity-dependent friction": lambda s: _friction(s, 3),
    "linearised, force fitted": lambda s: OrnsteinUhlenbeck(
        s.friction, s.temperature, s.friction * s.mean, s.record.mass
    ),
    "multiplicative noise": lambda s: ItoPolynomial((s.push, -s.rate), (s.diffusion, 0.0, 0.0)),
    "coloured noise": lambda s: ColouredNoise(s.rate, s.push, s.diffusion, _COLLISION),
    "memory kernel": lambda s: GeneralisedLangevin(
        s.friction / 2, (s.friction / 2,), (_COLLISION,), s.temperature, s.friction * s.mean, s.record.mass
    ),
    "two rates": lambda s: TwoRates(
        (s.rate / 2, 2 * s.rate), (s.variance / 2, s.variance / 2), s.mean, _COLLISION
    ),
}  # fmt: skip


def candidates(record: Record, names: tuple[str, ...] | None = None) -> dict[str, Any]:
    """Name -> model, ready for `diffneq.inference.select`."""
    start = _Start(record)
    return {name: CANDIDATES[name](start) for name in (CANDIDATES if names is None else names)}
