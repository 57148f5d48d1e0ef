"""Our engine on the ionic materials: Langevin runs, list rebuilds and records included."""

from __future__ import annotations

import numpy as np

from .electrolyte_cases import DAMPING_FEMTOSECONDS, FEMTOSECONDS, KELVIN, build
from .ours import _contender, _package, _precision, _Run
from .report import Contender


def prepare(name: str, steps: int, replicas: int = 1, precision: str = "f32") -> Contender:
    """One system, or one a core; warmed up so that the lists have settled and everything is compiled."""
    jax, diffneq = _package()
    from diffneq.materials import units

    with _precision(precision):
        model = build(name).model
        rate = 1.0 / units.femtoseconds(DAMPING_FEMTOSECONDS)
        dynamics = diffneq.dynamics.Langevin(units.femtoseconds(FEMTOSECONDS), units.kelvin(KELVIN[name]), rate)
        keys = jax.random.split(jax.random.key(0), replicas)
        speeds = [np.stack(model.initial(key, dynamics.temperature)[1], axis=1) for key in keys]
        places = np.stack([np.stack(model.sites, axis=1)] * replicas)
        run = _Run((model, dynamics, None), (None, None, None), replicas, (places, np.stack(speeds)), precision, 10)
    for _ in range(2):
        run.further(steps)
    return _contender(name, run, sum(model.counts), steps)
