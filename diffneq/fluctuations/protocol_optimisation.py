"""Protocols of least work, or of least variance of Jarzynski's average, by gradients through the simulation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from tqdm import tqdm

from diffneq._parameters import float_leaf
from diffneq.statistics import Estimate
from diffneq.stochastic import trajectories

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BLOCKS = 32  # left out one at a time for the error bars


class Driving(eqx.Module):
    """W(protocol, key), (n,): protocol plus shadow work of n trajectories, which obeys <W> >= dF at any time step.

    Arguments: `potential`, `dynamics`, `start` and `steps` as in `diffneq.stochastic.trajectories`.

    >>> from diffneq.stochastic import DraggedTrap, Overdamped, PiecewiseLinear
    >>> drag = Driving(DraggedTrap(1.0), Overdamped(0.05, 1.0), jnp.zeros(8), steps=20)
    >>> drag(PiecewiseLinear.ramp(0.0, 1.0, duration=1.0), jax.random.key(0)).shape
    (8,)
    """

    potential: Any
    dynamics: Any
    start: Any
    steps: int = eqx.field(static=True)

    def __call__(self, protocol, key: Array) -> Array:
        return trajectories(self.potential, self.dynamics, protocol, key, self.steps, self.start).total_work


class MeanWork(eqx.Module):
    """<W> [energy].

    >>> float(MeanWork()(jnp.array([1.0, 2.0])))
    1.5
    """

    name = "mean work"

    def __call__(self, work: Array) -> Array:
        return jnp.mean(work)


class JarzynskiVariance(eqx.Module):
    """<e^{-2W/T}>/<e^{-W/T}>^2 - 1: n times the relative variance of Jarzynski's average over n trajectories.

    Arguments: `temperature`, k_B T [energy].

    >>> float(JarzynskiVariance(1.0)(jnp.array([1.0, 1.0])))
    0.0
    """

    temperature: Array = eqx.field(converter=float_leaf)

    name = "relative variance of exp(-W/k_B T)"

    def __call__(self, work: Array) -> Array:
        log_mean = lambda s: jax.nn.logsumexp(-s * work / self.temperature) - np.log(work.size)
        return jnp.expm1(log_mean(2.0) - 2 * log_mean(1.0))


@dataclass(frozen=True, eq=False)
class OptimisedProtocol:
    """What `optimise` found.

    Arguments:
        given, protocol: where the search began, and the best, of the same kind.
        history: the objective at each iteration, on the trajectories of that iteration, (iterations + 1,).
        before, after: the objective of the given and of the found protocol, on trajectories of their own.
        saving: before - after; both on the same noise, so it is known better than either.
        work_before, work_after: (n,) of those trajectories.
    """

    given: Any
    protocol: Any
    history: np.ndarray
    before: Estimate
    after: Estimate
    saving: Estimate
    work_before: np.ndarray
    work_after: np.ndarray

    def __str__(self) -> str:
        share = 100 * self.saving.value / self.before.value if self.before.value else 0.0
        return f"{self.before.name}: {self.before} -> {self.after}, saving {self.saving} ({share:.1f} %)"

    def figure(self, parameter: str = "parameter", exact: Any = None, free_energy: float | None = None) -> "Figure":
        """Both protocols and the histograms of their works; `exact` is a protocol to compare with.

        Raises ValueError for a protocol that has no `duration` or more than one parameter.
        """
        from diffneq.plotting.work import optimised_protocol

        if not hasattr(self.protocol, "duration") or np.ndim(self.protocol(0.0)):
            raise ValueError("figure: for one parameter as a function of time on (0, duration); draw others by hand.")
        span = float(self.protocol.duration)
        time = np.concatenate([[0.0], np.linspace(1e-3, 1 - 1e-3, 400), [1.0]]) * span
        curves = [None if p is None else np.asarray(jax.vmap(p)(time)) for p in (self.given, self.protocol, exact)]
        return optimised_protocol(
            time, curves[0], curves[1], self.work_before, self.work_after, exact=curves[2], parameter=parameter,
            free_energy=free_energy,
        )  # fmt: skip


def optimise(
    work: Callable[[Any, Array], Array],
    protocol: Any,
    key: Array,
    objective: Callable[[Array], Array] | None = None,
    iterations: int = 200,
    optimiser: optax.GradientTransformation | None = None,
    fixed: tuple[str, ...] = ("start", "stop", "duration"),
    fresh: bool = True,
    progress: bool = True,
) -> OptimisedProtocol:
    """min over the leaves of a protocol of objective(W_1, ..., W_n), by gradients through the simulation.

    Each iteration has noise of its own, and the falling rate of the optimiser averages over them. With `fresh=False`
    all have the same: one smooth function is minimised, but fitted to the noise of n trajectories. What was gained is
    measured at the end on other noise, the same for both protocols.

    Arguments:
        work: (protocol, key) -> works (n,) [energy], differentiable: a `Driving`, or your own `equinox.Module`.
        protocol: where to begin, such as `PiecewiseLinear.ramp(...)`; its float leaves are moved.
        key: typed key of the noise.
        objective: works -> number; default `MeanWork()`, or `JarzynskiVariance(temperature)`.
        iterations: of the optimiser.
        optimiser: of optax; default Adam, its rate falling from 0.05 of the protocol's span by a cosine.
        fixed: names of leaves of the protocol that stay as they are.
        fresh: whether each iteration has noise of its own.
        progress: show a bar.

    Returns:
        `OptimisedProtocol`.

    Raises:
        ValueError: for a protocol with nothing to move, works that are not (n,), or where the objective or its
            gradient ceases to be finite.

    Source: T. Schmiedl, U. Seifert, Phys. Rev. Lett. 98, 108301 (2007); M. C. Engel, J. A. Smith, M. P. Brenner, Phys.
    Rev. X 13, 041032 (2023).

    >>> from diffneq.stochastic import DraggedTrap, Overdamped, PiecewiseLinear
    >>> start = jax.random.normal(jax.random.key(1), (2048,))
    >>> drag = Driving(DraggedTrap(1.0), Overdamped(0.1, 1.0), start, steps=10)
    >>> found = optimise(drag, PiecewiseLinear.ramp(0.0, 1.0, 1.0, knots=2), jax.random.key(0), iterations=40,
    ...                  progress=False)
    >>> bool(found.after.value < found.before.value), bool(found.protocol.values[0] > 0.2)
    (True, True)
    """
    objective = MeanWork() if objective is None else objective
    moved, rest = eqx.partition(protocol, _movable(protocol, fixed))
    fit, test = jax.random.split(key)
    _check(work, protocol, moved, fit)
    span = max(float(np.ptp(np.asarray(x))) for x in jax.tree.leaves(protocol))
    if optimiser is None:
        optimiser = optax.adam(optax.cosine_decay_schedule(0.05 * (span or 1.0), iterations))
    moved, history = _descend(work, objective, moved, rest, fit, iterations, optimiser, fresh, progress)
    found = eqx.combine(moved, rest)
    works = [np.asarray(_works(work, p, test), float) for p in (protocol, found)]
    return OptimisedProtocol(protocol, found, history, *_compared(objective, *works), *works)


def _movable(protocol, fixed: tuple[str, ...]):
    """True at the leaves of the protocol that are moved."""

    def one(path, leaf):
        names = {getattr(part, "name", None) for part in path}
        return eqx.is_inexact_array(leaf) and not names & set(fixed)

    return jax.tree_util.tree_map_with_path(one, protocol)


def _check(work, protocol, moved, key) -> None:
    if not jax.tree.leaves(moved):
        raise ValueError("optimise: the protocol has no float leaves that may be moved; see `fixed`.")
    shape = getattr(eqx.filter_eval_shape(work, protocol, key), "shape", None)
    if shape is None or len(shape) != 1 or shape[0] < 2 * _BLOCKS:
        raise ValueError(f"optimise: work must return (n,) works of at least {2 * _BLOCKS} trajectories, got {shape}.")


def _descend(work, objective, moved, rest, key, iterations: int, optimiser, fresh: bool, progress: bool):
    state, history = optimiser.init(moved), []
    bar = tqdm(range(iterations + 1), disable=not progress, desc="optimise")
    for iteration in bar:
        now = jax.random.fold_in(key, iteration) if fresh else key
        value, slope = _value_and_slope(work, objective, moved, rest, now)
        history.append(float(value))
        if not all(np.all(np.isfinite(x)) for x in (value, *jax.tree.leaves(slope))):
            raise ValueError(
                f"optimise: the objective or its gradient is not finite at iteration {iteration}; give an optimiser of "
                "a smaller rate, or dynamics of a smaller time step."
            )
        bar.set_postfix_str(f"{history[-1]:.5g}", refresh=False)
        if iteration < iterations:
            # Through the host: what the devices return is bound to all of them, and would ask for another program.
            updates, state = optimiser.update(jax.tree.map(np.asarray, slope), state, moved)
            moved = optax.apply_updates(moved, updates)
    return moved, np.array(history)


@eqx.filter_jit
def _value_and_slope(work, objective, moved, rest, key):
    return eqx.filter_value_and_grad(lambda m: objective(work(eqx.combine(m, rest), key)))(moved)


@eqx.filter_jit
def _works(work, protocol, key):
    return work(protocol, key)


def _compared(objective, before: np.ndarray, after: np.ndarray) -> list[Estimate]:
    """Before, after, and their difference, with errors by leaving out blocks of trajectories."""
    size = before.size - before.size % _BLOCKS
    groups = [np.delete(np.arange(size), part) for part in np.split(np.arange(size), _BLOCKS)]
    evaluate = jax.jit(lambda w: jnp.stack([objective(w[0]), objective(w[1])]))
    both = np.stack([before, after])
    whole = np.asarray(evaluate(both), float)
    parts = np.array([np.asarray(evaluate(both[:, group]), float) for group in groups])
    whole, parts = (np.column_stack([np.atleast_2d(x), np.atleast_2d(x) @ [1.0, -1.0]]) for x in (whole, parts))
    errors = np.sqrt((_BLOCKS - 1) / _BLOCKS * np.sum((parts - parts.mean(axis=0)) ** 2, axis=0))
    name = getattr(objective, "name", type(objective).__name__)
    names = (name, name, f"saving of {name}")
    diagnostics = {"dof": _BLOCKS - 1, "trajectories": int(before.size)}
    method = f"jackknife over {_BLOCKS} blocks of trajectories"
    return [
        Estimate(value, error, "", label, method, diagnostics=diagnostics)
        for value, error, label in zip(whole[0], errors, names, strict=True)
    ]
