"""States of the reference at many times: where daughters start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial
from tqdm import tqdm

from diffneq.dynamics.state import State
from diffneq.particles.neighbours import widen
from diffneq.response.derivatives.curve import interval_means
from diffneq.response.derivatives.problem import ParameterPath, Problem, System, derivative_at_zero
from diffneq.simulation.chunk import Batch, relist
from diffneq.simulation.loop import simulate
from diffneq.simulation.recovery import Lists
from diffneq.simulation.result import Result


@dataclass(frozen=True)
class Ensemble:
    """Snapshots of R replicas of the reference, far enough apart to be nearly independent.

    Arguments:
        problem: what is asked.
        states: one `State` of R replicas for each snapshot.
        key: of all noise to come.
        progress: show a bar over the runs.
    """

    problem: Problem
    states: tuple[State, ...]
    key: Array
    progress: bool = False
    skin: float | None = None
    _lists: list = field(default_factory=list, repr=False)

    @property
    def replicas(self) -> int:
        return int(self.states[0].step.shape[0])

    def keys(self, purpose: int, snapshot: int, count: int) -> Array:
        """Fresh keys for the runs of one method from one snapshot."""
        return jax.random.split(jax.random.fold_in(jax.random.fold_in(self.key, purpose), snapshot), count)

    def daughters(self, label: str, one: Callable[[int, State], Any]) -> list:
        """one(snapshot, states at time zero) for each snapshot."""
        bar = tqdm(self.states, desc=label, disable=not self.progress, dynamic_ncols=True)
        return [one(k, at_time_zero(states)) for k, states in enumerate(bar)]

    @property
    def list_plan(self):
        """The shape of the lists, as wide as `evaluate` needed them; None for a model without."""
        if not self._lists:
            self._lists.append(Lists.choose(self.problem.model, self.skin).plan)
        return self._lists[0]

    def evaluate(self, function: Callable, states: State | None = None):
        """function(state, lists) -> arrays, for each replica of `states` (default: of the first snapshot)."""
        states = self.states[0] if states is None else states
        batch = Batch((self.problem.model, self.problem.dynamics, self.problem.drive), (None, None, None))
        while True:
            plan = self.list_plan
            values, fills = _evaluated(batch, plan, function, states)
            wider = plan if plan is None else widen(plan, *(int(np.max(np.asarray(f))) for f in fills))
            if wider == plan:
                return values
            self._lists[0] = wider


@eqx.filter_jit
def _evaluated(batch: Batch, plan, function: Callable, states: State):
    states, neighbours = relist(batch, plan, states)
    values = batch.map(lambda _, __, ___, s, n: function(s, n), states, neighbours)
    return values, (neighbours.fill, neighbours.cell_fill)


def at_time_zero(states: State) -> State:
    """The same states with the clock set back: a change that depends on time begins now."""
    return eqx.tree_at(lambda s: s.step, states, jnp.zeros_like(states.step))


def sample(
    problem: Problem,
    key: Array,
    *,
    replicas: int = 64,
    snapshots: int = 4,
    equilibration: float | None = None,
    spacing: float | None = None,
    start: Any = None,
    progress: bool = False,
) -> Ensemble:
    """Run R replicas of the reference and keep a state now and then.

    Arguments:
        replicas, snapshots: R independent runs, and the states kept of each.
        equilibration, spacing: before the first and between the others [t]; default twice, and once, `problem.time`.
        start: as in `simulate`.

    Raises:
        ValueError: for a parameter that changes nothing; `RuntimeError` where a run of the reference was lost.
    """
    if replicas < 2 or snapshots < 1:
        raise ValueError(f"replicas = {replicas} must be at least 2 (errors are their scatter), snapshots at least 1.")
    first = 2 * problem.time if equilibration is None else equilibration
    lengths = [first] + (snapshots - 1) * [problem.time if spacing is None else spacing]
    states, now, skin = [], start, None
    bar = tqdm(lengths, desc="reference", disable=not progress, dynamic_ncols=True)
    for k, length in enumerate(bar):
        steps = max(1, round(length / problem.interval)) * problem.every
        keys = jax.random.split(jax.random.fold_in(key, 2 * k), replicas)
        result = run(problem, problem.system, now, keys, steps, skin=skin)
        if result.failures:
            raise RuntimeError(f"The reference failed before any response was asked: {result.failures[0]}")
        # On the host: programs over states that are spread over devices would exchange them, each waiting for another.
        now = jax.tree.map(np.asarray, result.state)
        skin = _skin(result) if skin is None else skin
        states.append(now)
    ensemble = Ensemble(problem, tuple(states), jax.random.fold_in(key, 1), progress, skin)
    _check_enters(ensemble)
    return ensemble


def _check_enters(ensemble: Ensemble) -> None:
    """ValueError where the parameter changes nothing in a step from any state of the first snapshot."""
    problem = ensemble.problem
    slopes = ensemble.evaluate(Partial(_step_slope, problem.observe, problem.system, problem.theta))
    if not any(np.any(np.asarray(leaf) != 0) for leaf in jax.tree.leaves(slopes)):
        raise ValueError(f"{problem.parameter!r} does not enter the equations of motion, nor the observable.")


def _step_slope(observe, system: System, theta: ParameterPath, state: State, neighbours):
    """d(positions, velocities, A)/d(theta) after one step."""

    def after(change):
        model, dynamics, drive = theta.shifted(system, change)
        new, _ = dynamics.step(model, state, neighbours, drive)
        return new.displacement, new.velocity, observe(model, state)

    return derivative_at_zero(after, system)


def _skin(result: Result) -> float | None:
    skin = result.diagnostics.get("list_skin")
    return None if skin is None or not np.isfinite(skin) else float(skin)


def run(problem: Problem, system: System, start, keys, steps: int, axes=(None, None, None), skin=None) -> Result:
    """`simulate` with A recorded as "observable"."""
    recorder = eqx.tree_at(lambda r: r.model, problem.recorder, system.model)
    return simulate(
        recorder,
        system.dynamics,
        system.drive,
        keys=keys,
        steps=steps,
        record_every=problem.every,
        record=(),
        start=start,
        in_axes=(_of_wrapper(recorder, axes[0]), axes[1], axes[2]),
        progress=False,
        skin=skin,
    )


def _of_wrapper(recorder, axes):
    """The axes of the inner model, where the wrapper has them."""
    return None if axes is None else eqx.tree_at(lambda r: r.model, recorder, axes)


def responses(ensemble: Ensemble, system: System, states: State, keys, axes=(None, None, None)):
    """Means of A over each record of daughters that follow `system` from `states`, (R, n), nan rows for the lost."""
    problem = ensemble.problem
    result = run(problem, system, states, keys, problem.steps, axes, ensemble.skin)
    first = np.asarray(at_start(problem.observe, axes[0], system.model, states), float)
    values = interval_means(np.asarray(result.records["observable"], float), first, problem.every)
    return np.where(np.asarray(result.status)[:, None] == 0, values, np.nan)


@eqx.filter_jit
def at_start(observe, axes, model, states: State) -> Array:
    """A of each state, (R,)."""
    return jax.vmap(observe, in_axes=(axes, 0))(model, states)


def doubled(first: State, second: State) -> State:
    """Two batches one after the other."""
    return jax.tree.map(lambda a, b: jnp.concatenate([a, b]), first, second)


def of_replicas(samples: list[np.ndarray]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Mean over snapshots for each replica, (R, n), without the lost ones, and a warning where some were lost."""
    stacked = np.stack(samples)
    good = np.asarray(np.isfinite(stacked).all(axis=-1))
    kept = np.asarray(good.any(axis=0))
    lost = int((~good).sum())
    if kept.sum() < 2:
        raise RuntimeError("Nearly all daughters were lost: the change is too strong, or the time step too long.")
    weights = good[..., None].astype(float)
    means = np.where(good[..., None], stacked, 0.0).sum(0)[kept] / weights.sum(0)[kept]
    warnings = (f"{lost} of {good.size} daughters were lost and left out",) if lost else ()
    return means, warnings
