"""Driven runs at theta + change and theta - change with the same start and the same noise."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from diffneq.response.derivatives.curve import ResponseCurve
from diffneq.response.derivatives.ensemble import Ensemble, doubled, of_replicas, responses
from diffneq.response.derivatives.scale import check_change
from diffneq.sweeps.batching import stack


def coupled(ensemble: Ensemble, change: float | None = None, same_noise: bool = True) -> ResponseCurve:
    """R(t) = <A(t; theta + h) - A(t; theta - h)>/2h, the bias is O(h^2).

    While the two trajectories stay together the variance does not depend on h; after they have decoupled it is that of
    independent runs, Var(A)/2h^2. The time at which Var(A+ - A-) reaches half of Var(A+) + Var(A-) is reported.

    Arguments:
        change: h, default `default_change`.
        same_noise: False for independent noise, what the coupling is compared with.

    Diagnostics:
        change, decoupling_time [t] (inf if they never did), variance_ratio (n,): Var(A+ - A-)/(Var A+ + Var A-), small
            while they are coupled, one when they are independent.
    """
    problem, step = ensemble.problem, check_change(change, ensemble)
    count = ensemble.replicas
    points = [problem.changed(step)] * count + [problem.changed(-step)] * count
    system, axes = stack(points)
    differences, levels = [], []

    def one(snapshot: int, states) -> None:
        keys = ensemble.keys(2, snapshot, 2 * count)
        keys = jnp.concatenate([keys[:count], keys[:count]]) if same_noise else keys
        values = responses(ensemble, system, doubled(states, states), keys, axes)
        differences.append((values[:count] - values[count:]) / (2 * step))
        levels.append((values[:count], values[count:]))

    ensemble.daughters("coupled", one)
    samples, warnings = of_replicas(differences)
    plus, minus = (np.concatenate(part) for part in zip(*levels, strict=True))
    ratio = np.nanvar(plus - minus, axis=0) / np.maximum(np.nanvar(plus, axis=0) + np.nanvar(minus, axis=0), 1e-300)
    apart = np.flatnonzero(ratio > 0.5)
    diagnostics = {
        "change": step,
        "decoupling_time": float(problem.times[apart[0]]) if len(apart) else np.inf,
        "variance_ratio": ratio,
        "variance": np.nanvar(np.concatenate(differences), axis=0, ddof=1),
    }
    method = "driven, coupled" if same_noise else "driven, independent noise"
    return ResponseCurve(problem.times, samples, method, problem.name, problem.unit, warnings, diagnostics)
