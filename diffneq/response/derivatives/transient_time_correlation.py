"""TTCF: driven daughters from an equilibrium mother; exact at any field, with the same relative error at any field."""

from __future__ import annotations

import equinox as eqx
import numpy as np
from jax.tree_util import Partial

from diffneq.dynamics.state import State
from diffneq.particles.space import absolute, to_anchor
from diffneq.response.derivatives.canonical import check_canonical, dissipation
from diffneq.response.derivatives.curve import ResponseCurve, running_integral
from diffneq.response.derivatives.ensemble import Ensemble, at_start, doubled, of_replicas, responses
from diffneq.response.derivatives.scale import check_change


def time_reversed(states: State) -> State:
    """v -> -v."""
    return eqx.tree_at(lambda s: s.velocity, states, tuple(-v for v in states.velocity))


def reflected(model, states: State, axis: int = 0) -> State:
    """x -> L - x and v_x -> -v_x, for a batch of states."""
    positions = absolute(model.box, states.anchor, states.displacement)
    mirror = tuple(-x if a == axis else x for a, x in enumerate(positions))
    anchor, rest = to_anchor(model.box, mirror)
    velocity = tuple(-v if a == axis else v for a, v in enumerate(states.velocity))
    force = tuple(-f if a == axis else f for a, f in enumerate(states.force))
    return State(rest, velocity, force, anchor, states.step, states.key)


_MAPPINGS = {"time_reversal": lambda model, states: time_reversed(states), "reflection": reflected}


def transient_time_correlation(ensemble: Ensemble, change: float | None = None, mapping: str = "auto") -> ResponseCurve:
    """<A(t)> - <A(0)> = int_0^t <Omega(0) A(s)> ds, divided by the change of the parameter.

    Omega = rho^-1 L* rho of the changed equations of motion and the canonical density comes from autodiff. Daughters
    follow the changed system. They come in pairs of a state and its image, chosen so that Omega(0) changes its sign:
    the pair's sum of Omega vanishes, and the mean of A drops out. Without such a mapping the mean over daughters is
    taken from A. Exact at any `change`, which need not be small; the variance grows as t, whatever the change is.

    Arguments:
        change: of the parameter, default `default_change`.
        mapping: "time_reversal", "reflection" along x for systems that have this symmetry, "none", or "auto":
            time reversal where it turns Omega, else none.

    Raises:
        ValueError: where the reference is not in canonical equilibrium, or the mapping does not turn Omega.

    Source: D. J. Evans, G. P. Morriss, Phys. Rev. A 38, 4142 (1988); for the recentred estimator
    P. Monmarche, R. Spacek, G. Stoltz, arXiv:2410.00212 (2024).
    """
    if mapping not in ("auto", "none", *_MAPPINGS):
        raise ValueError(f"mapping is 'auto', 'none' or one of {sorted(_MAPPINGS)}, got {mapping!r}.")
    problem, step = ensemble.problem, check_change(change, ensemble)
    check_canonical(problem, ensemble)
    system, count = problem.changed(step), ensemble.replicas
    omega = Partial(dissipation, problem.system, system, problem.theta.of_model)
    mapping = _choose(ensemble, omega, mapping)
    samples, sizes = [], []

    def one(snapshot: int, states) -> None:
        starts = states if mapping == "none" else doubled(states, _MAPPINGS[mapping](problem.model, states))
        rate = np.asarray(ensemble.evaluate(omega, starts), float)[:, None]
        values = responses(ensemble, system, starts, ensemble.keys(3, snapshot, len(rate)))
        if mapping == "none":
            product = rate * (values - np.nanmean(values, axis=0)) * count / (count - 1)
        else:
            product = (rate[:count] - rate[count:]) * (values[:count] - values[count:]) / 4
        at_once = at_start(problem.observe, None, system.model, states) - at_start(
            problem.observe, None, problem.model, states
        )  # zero, unless the parameter is part of A
        samples.append((running_integral(product, problem.interval) + np.asarray(at_once, float)[:, None]) / step)
        sizes.append(rate)

    ensemble.daughters("transient time correlation", one)
    means, warnings = of_replicas(samples)
    diagnostics = {
        "change": step,
        "mapping": mapping,
        "dissipation_rms": float(np.sqrt(np.mean(np.concatenate(sizes) ** 2))),
        "variance": np.nanvar(np.concatenate(samples), axis=0, ddof=1),
    }
    method = "transient time correlation"
    return ResponseCurve(problem.times, means, method, problem.name, problem.unit, warnings, diagnostics)


def _choose(ensemble: Ensemble, omega, mapping: str) -> str:
    """The mapping, checked on the first snapshot: Omega of a state and of its image must add up to zero."""
    states = ensemble.states[0]
    rate = np.asarray(ensemble.evaluate(omega), float)
    size = np.sqrt(np.mean(rate**2))
    if size == 0:
        raise ValueError(f"{ensemble.problem.parameter!r} does not enter the equations of motion.")
    if mapping == "none":
        return mapping
    name = "time_reversal" if mapping == "auto" else mapping
    image = np.asarray(ensemble.evaluate(omega, _MAPPINGS[name](ensemble.problem.model, states)), float)
    if np.max(np.abs(rate + image)) <= 1e-3 * size:
        return name
    if mapping == "auto":
        return "none"
    raise ValueError(f"mapping = {mapping!r} does not turn the sign of Omega; use mapping='auto'.")
