"""Kicked and unkicked runs with the same noise: the response to a force, from its first moment on."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from diffneq.dynamics.state import State
from diffneq.response.derivatives.canonical import force_slope
from diffneq.response.derivatives.curve import ResponseCurve, running_integral
from diffneq.response.derivatives.ensemble import Ensemble, doubled, of_replicas, responses
from diffneq.response.derivatives.scale import check_change


def transient_subtraction(ensemble: Ensemble, change: float | None = None, same_noise: bool = True) -> ResponseCurve:
    """R(t) = int_0^t <A(s; v0 + h F'/m) - A(s; v0 - h F'/m)>/2h ds, F' = d(force)/d(theta), undriven but for the kick.

    With the same noise the variance does not depend on h while the trajectories stay together; as h -> 0 it is that of
    the tangent, which grows as exp(2 lambda t). The bias is O(h^2).

    Arguments:
        change: h [theta times t]; default the default change of theta times a tenth of the time.
        same_noise: False for independent noise, what the subtraction is compared with.

    Raises:
        ValueError: where the parameter does not change a force, or changes friction or noise as well.

    Source: P. Monmarche, R. Spacek, G. Stoltz, arXiv:2410.00212 (2024).
    """
    problem, count = ensemble.problem, ensemble.replicas
    step = 0.1 * problem.time * check_change(None, ensemble) if change is None else check_change(change, ensemble)
    _check_is_force(ensemble)
    slope = Partial(force_slope, problem.system, problem.theta)
    differences = []

    def one(snapshot: int, states) -> None:
        kick = ensemble.evaluate(slope, states)
        pairs = doubled(_kicked(states, kick, step), _kicked(states, kick, -step))
        keys = ensemble.keys(4, snapshot, 2 * count)
        keys = jnp.concatenate([keys[:count], keys[:count]]) if same_noise else keys
        values = responses(ensemble, problem.system, pairs, keys)
        integral = running_integral((values[:count] - values[count:]) / (2 * step), problem.interval)
        differences.append(integral + problem.direct(states)[:, None])

    ensemble.daughters("transient subtraction", one)
    samples, warnings = of_replicas(differences)
    diagnostics = {"change": step, "variance": np.nanvar(np.concatenate(differences), axis=0, ddof=1)}
    method = "transient subtraction" if same_noise else "transient, independent noise"
    return ResponseCurve(problem.times, samples, method, problem.name, problem.unit, warnings, diagnostics)


def _kicked(states: State, kick, step: float) -> State:
    velocity = tuple(v + step * k for v, k in zip(states.velocity, kick, strict=True))
    return eqx.tree_at(lambda s: s.velocity, states, velocity)


def _check_is_force(ensemble: Ensemble) -> None:
    problem = ensemble.problem
    if problem.parameter.startswith("dynamics"):
        raise ValueError(f"{problem.parameter!r} is not the strength of a force, which a kick could stand for.")
    slopes = ensemble.evaluate(Partial(force_slope, problem.system, problem.theta))
    if not any(np.any(np.asarray(k) != 0) for k in slopes):
        raise ValueError(f"{problem.parameter!r} does not change any force in the sampled states.")
