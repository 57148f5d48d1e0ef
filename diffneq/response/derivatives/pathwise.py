"""Derivatives along trajectories: the tangent (forward) and the adjoint (reverse), and how far they can be trusted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial

from diffneq.dynamics.state import State
from diffneq.particles.neighbours import widen
from diffneq.response.derivatives.curve import ResponseCurve, interval_means
from diffneq.response.derivatives.ensemble import Ensemble, of_replicas
from diffneq.response.derivatives.problem import ParameterPath, Problem, System
from diffneq.simulation.rollout import rollout

_REBUILD_EVERY = 10
_TRIES = 4


def tangent(ensemble: Ensemble) -> ResponseCurve:
    """R(t) = <dA(t)/d(theta)> by forward differentiation of each trajectory.

    Trajectories of interacting particles separate as exp(lambda t), and so does the derivative of each, though that of
    the mean does not: past `horizon`, where exp(lambda t) reaches the square root of the number of trajectories, the
    mean is noise.

    Diagnostics:
        growth_rate [1/t] of the tangent and its error, horizon [t], norm (n,): exp<ln|d(state)/d(theta)|>.

    Raises:
        ValueError: for an observable that has no derivative.
    """
    problem = ensemble.problem
    check_differentiable(ensemble)
    run = _Trajectory.of(ensemble)
    samples, norms = [], []

    def one(snapshot: int, states) -> None:
        states = eqx.tree_at(lambda s: s.key, states, _noise(ensemble.keys(5, snapshot, ensemble.replicas)))
        slope, norm = _with_lists(run, lambda run: _tangents(run, problem.system, states))
        samples.append(interval_means(np.asarray(slope, float), problem.direct(states), problem.every))
        norms.append(np.asarray(norm, float))

    ensemble.daughters("tangent", one)
    means, warnings = of_replicas(samples)
    diagnostics = growth(problem, np.concatenate(norms))
    diagnostics["variance"] = np.nanvar(np.concatenate(samples), axis=0, ddof=1)
    return ResponseCurve(problem.times, means, "tangent", problem.name, problem.unit, warnings, diagnostics)


def adjoint(ensemble: Ensemble, points: int = 1) -> ResponseCurve:
    """R(t) = <dA(t)/d(theta)> by reverse differentiation, for the last record, or at `points` times up to the end.

    One backward pass a time gives the derivatives by all parameters: `gradients` in the diagnostics are those of the
    last, for every float of model, dynamics and drive. The numbers are those of the tangent, and fail as they do; the
    growth rate is measured with tangents of the first snapshot. Memory grows as the square root of the number of steps.
    """
    problem = ensemble.problem
    check_differentiable(ensemble)
    chosen = np.unique(np.round(problem.records * np.arange(1, points + 1) / points).astype(int))
    run = _Trajectory.of(ensemble)
    columns, gradients, warnings = [], [], ()
    for records in chosen:
        samples = []

        def one(snapshot: int, states, records=int(records), samples=samples):
            states = eqx.tree_at(lambda s: s.key, states, _noise(ensemble.keys(5, snapshot, ensemble.replicas)))
            slope, gradient = _with_lists(run, lambda run: _adjoints(run, problem.system, states, records))
            samples.append(np.asarray(slope, float)[:, None])
            return gradient

        gradients = ensemble.daughters(f"adjoint, {records} records", one)
        means, warnings = of_replicas(samples)
        columns.append(means)
    first = eqx.tree_at(lambda s: s.key, ensemble.states[0], _noise(ensemble.keys(5, 0, ensemble.replicas)))
    _, norm = _with_lists(run, lambda run: _tangents(run, problem.system, first))
    diagnostics = growth(problem, np.asarray(norm, float))
    diagnostics["gradients"] = jax.tree.map(lambda *leaves: np.mean(np.stack(leaves)), *gradients)
    return ResponseCurve(
        problem.times[chosen - 1],
        np.concatenate(columns, axis=1),
        "adjoint",
        problem.name,
        problem.unit,
        warnings,
        diagnostics,
    )


def growth(problem: Problem, norms: np.ndarray) -> dict:
    """Growth rate of the tangent and the horizon past which its mean over trajectories is noise.

    The rate is the mean slope of ln|tangent| over the second half, its error the scatter of trajectories; a rate that
    is not positive by two errors has no horizon.
    """
    n = norms.shape[1]
    logs = np.log(np.maximum(norms, 1e-300))
    span = problem.times[-1] - problem.times[n // 2]
    each = (logs[:, -1] - logs[:, n // 2]) / span
    rate, error = float(each.mean()), float(each.std(ddof=1) / np.sqrt(len(each)))
    # A tangent that a steady force drives grows as a power of time, at most as t^2: that is no exponential.
    power = 2 * np.log(problem.times[-1] / problem.times[n // 2]) / span
    chaotic = rate - 2 * error > power
    horizon = float(np.log(len(norms)) / (2 * rate)) if chaotic else np.inf
    return {"growth_rate": rate, "growth_rate_error": error, "horizon": horizon, "norm": np.exp(logs.mean(0))}


def check_differentiable(ensemble: Ensemble) -> None:
    """ValueError where A varies from state to state, yet its derivatives vanish."""
    problem = ensemble.problem

    slope = Partial(_state_slope, problem.observe, problem.model)
    value, size = (np.asarray(x) for x in ensemble.evaluate(slope))
    if not np.isfinite(size).all() or (np.ptp(value) > 0 and not (size > 0).any()):
        raise ValueError(
            f"{problem.name}: the observable varies but its derivative with respect to the state is zero or not "
            "finite, as that of a count; use 'coupled', 'transient_time_correlation' or 'likelihood_ratio'."
        )


def _state_slope(observe, model, state: State, _):
    """A and the size of its derivative with respect to the state."""
    floats, rest = eqx.partition(state, eqx.is_inexact_array)
    value, gradient = jax.value_and_grad(lambda f: observe(model, eqx.combine(f, rest)))(floats)
    return value, sum(jnp.sum(jnp.abs(g)) for g in jax.tree.leaves(gradient))


def _noise(keys) -> Array:
    return jax.vmap(lambda k: jax.random.key_data(k)[:2])(keys)


def _with_lists(run: _Trajectory, call: Callable):
    """call(run); again with better lists where one was too short or too old."""
    for _ in range(_TRIES):
        try:
            return jax.block_until_ready(call(run))
        except eqx.EquinoxRuntimeError:
            if run.plan is None:
                raise
            run = run.with_better_lists()
    return call(run)


class _Trajectory(eqx.Module):
    """What a differentiated run is made of; two of the same shape share a compiled program."""

    recorder: Any
    theta: ParameterPath
    plan: Any = eqx.field(static=True)
    rebuild_every: int = eqx.field(static=True)
    every: int = eqx.field(static=True)
    records: int = eqx.field(static=True)

    @classmethod
    def of(cls, ensemble: Ensemble) -> _Trajectory:
        problem = ensemble.problem
        rebuild = min(_REBUILD_EVERY, problem.every)
        return cls(problem.recorder, problem.theta, ensemble.list_plan, rebuild, problem.every, problem.records)

    def with_better_lists(self) -> _Trajectory:
        """Rows with more room, built twice as often."""
        plan = widen(self.plan, self.plan.slots + 1, self.plan.cell_slots + 1)
        return dataclasses.replace(self, plan=plan, rebuild_every=max(1, self.rebuild_every // 2))

    def advance(self, change: Array, system: System, state: State, records: int) -> tuple[Array, State]:
        """A of the last of `records` records, and the state after it."""
        model, dynamics, drive = self.theta.shifted(system, change)
        recorder = eqx.tree_at(lambda r: r.model, self.recorder, model)
        options = {"rebuild_every": self.rebuild_every, "plan": self.plan}
        steps = records * self.every
        state, given = rollout(recorder, dynamics, drive, start=state, key=None, steps=steps, **options)
        return jnp.mean(given["observable"][-self.every :]), state


@eqx.filter_jit
def _tangents(run: _Trajectory, system: System, states: State) -> tuple[Array, Array]:
    """dA/d(theta) and |tangent of the state| of R trajectories at each record, (R, n) both."""
    zero = jnp.zeros((), system.model.mass.dtype)

    def trajectory(state):
        def record(carry, _):
            floats, rest, slopes = carry

            def ahead(change, floats):
                value, state = run.advance(change, system, eqx.combine(floats, rest), 1)
                after, remainder = eqx.partition(state, eqx.is_inexact_array)
                return (value, after), remainder

            (_, floats), (slope, slopes), rest = jax.jvp(
                ahead, (zero, floats), (jnp.ones_like(zero), slopes), has_aux=True
            )
            size = sum(jnp.sum(s * s) for s in (*slopes.displacement, *slopes.velocity))
            return (floats, rest, slopes), (slope, jnp.sqrt(size))

        floats, rest = eqx.partition(state, eqx.is_inexact_array)
        start = (floats, rest, jax.tree.map(jnp.zeros_like, floats))
        return jax.lax.scan(record, start, None, length=run.records)[1]

    return jax.vmap(trajectory)(states)


@eqx.filter_jit
def _adjoints(run: _Trajectory, system: System, states: State, records: int) -> tuple[Array, Any]:
    """dA/d(theta) (R,) at the end of `records` records, and the mean gradient by all floats."""
    zero = jnp.zeros((), system.model.mass.dtype)
    floats, rest = eqx.partition(system, eqx.is_inexact_array)
    last = lambda change, floats, state: run.advance(change, eqx.combine(floats, rest), state, records)[0]
    slope = lambda state: jax.grad(last, argnums=(0, 1))(zero, floats, state)
    change, gradient = jax.vmap(slope)(states)
    return change, jax.tree.map(lambda g: g.mean(0), gradient)
