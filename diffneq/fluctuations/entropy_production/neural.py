"""Entropy production by networks that learn to tell the direction of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import ArrayLike

from diffneq.fluctuations.entropy_production import networks
from diffneq.fluctuations.entropy_production.blocks import Blocks, as_trajectories, cut
from diffneq.fluctuations.entropy_production.fit import EntropyFit, HeldOut, against_interval, estimate_of
from diffneq.fluctuations.entropy_production.training import Folds, block_entropies, train

_CLASSES = {"step": networks.StepNetwork, "current": networks.CurrentNetwork}


@dataclass(frozen=True)
class NeuralEstimator:
    """sigma from a network S(x, x') = -S(x', x) that is trained on steps x -> x' of a steady state.

    learns="step": sigma = max <S + 1 - e^{-S}>/dt; with enough data and a network that is large enough S is
    ln p(x, x')/p(x', x) and sigma exactly what a record with this interval can tell, for Markov dynamics of any kind
    in coordinates that are even under reversal of time. learns="current": S = f(x) o dx maximises <2 S - S^2/2>, and
    sigma is the uncertainty bound 2 <S>^2/(Var S dt); for overdamped Langevin motion, as dt -> 0.

    Every fold has its own seed, is trained on the other blocks, stopped early on a part of them, and read only on the
    blocks it has never seen. The error is the scatter of all blocks: an objective does not feel a small error of its
    argument, but <S> alone would, and be less certain than it looks. What is left is a bias downwards, by the finite
    interval and by what the network did not learn.

    Diagnostics: "fold_values"; for steps "mean", <S>/dt, which agrees with the estimate where S is the log ratio, and
    "normalisation", <e^{-S}> - 1 with its error, then zero; for currents "interval_bias" and "extrapolated" as with
    `ShortTimeBound`.

    Arguments:
        learns: "step" or "current".
        width, depth: of the network.
        blocks: for the error bar, a multiple of `folds`; folds >= 3.
        rate: of Adam. batch: steps in a minibatch. rounds: of 100 minibatches, at most. patience: rounds without
            improvement of any fold after which training ends.

    Raises:
        ValueError: for settings that do not fit together; see `as_trajectories` for bad records.

    Source: D.-K. Kim, Y. Bae, S. Lee, H. Jeong, Phys. Rev. Lett. 125, 140604 (2020); S. Otsubo, S. Ito, A. Dechant,
    T. Sagawa, Phys. Rev. E 101, 062106 (2020).
    """

    learns: Literal["step", "current"] = "step"
    width: int = 48
    depth: int = 2
    blocks: int = 40
    folds: int = 4
    rate: float = 1e-3
    batch: int = 4096
    rounds: int = 60
    patience: int = 10

    def __post_init__(self):
        if self.learns not in _CLASSES:
            raise ValueError(f'NeuralEstimator: learns must be "step" or "current", not {self.learns!r}.')
        if self.folds < 3 or self.blocks < 2 * self.folds or self.blocks % self.folds:
            raise ValueError("NeuralEstimator: folds >= 3, and blocks a multiple of folds, two blocks a fold or more.")

    def fit(self, trajectories: ArrayLike, dt, key: Array, progress: bool = False) -> EntropyFit:
        """The estimate from records of a steady state, (R, T, d) or (T, d), the learned force, and the training."""
        x, interval = as_trajectories(trajectories, dt)
        data = cut(x, interval, self.blocks)
        scales = data.scales()
        order = np.arange(self.blocks).reshape(-1, self.folds).T  # row f: the blocks held out by fold f
        trained, training, validation = self._train(data, scales, order, key, progress)
        mean, square, weight = self._read(trained, data, scales, order)
        fold = np.repeat(np.arange(self.folds), order.shape[1])
        if self.learns == "step":
            values = (mean + 1 - weight).ravel() / data.dt
            warnings, diagnostics = _normalisation(mean, weight, data.dt)
        else:
            values = HeldOut(mean.ravel(), square.ravel(), fold, data.steps, data.dt).bound()
            wide = cut(x, interval, self.blocks, stride=2)
            first, second, _ = self._read(trained, wide, scales, order)
            coarse = HeldOut(first.ravel(), second.ravel(), fold, wide.steps, wide.dt).bound()
            warnings, diagnostics = against_interval(values, coarse)
        diagnostics["fold_values"] = [float(values[fold == f].mean()) for f in range(self.folds)]
        if len(validation) == self.rounds:
            warnings += ("training was still improving when it ended: give more rounds",)
        estimate = estimate_of(values, f"neural network, {self.learns}", data.warnings + warnings, diagnostics)
        step = 100 * (1 + np.arange(len(validation)))
        history = {"step": step, "training": training.T / data.dt, "validation": validation.T / data.dt}
        return EntropyFit(estimate, _Force(trained, *scales), history)

    def _train(self, data: Blocks, scales, order: np.ndarray, key: Array, progress: bool):
        rolled = [np.roll(order, -f, axis=0) for f in range(self.folds)]
        kept = Folds(
            _scaled(data.before, scales),
            _scaled(data.after, scales),
            jnp.asarray(np.stack([rows[2:].ravel() for rows in rolled])),
            jnp.asarray(np.stack([rows[1] for rows in rolled])),
        )
        size = jnp.sqrt(jnp.mean((kept.after - kept.before) ** 2, axis=(0, 1)))
        seeds, noise = jax.random.split(key)
        make = lambda seed: _CLASSES[self.learns](data.dimension, self.width, self.depth, size, seed)
        start = _single(eqx.filter_vmap(make)(jax.random.split(seeds, self.folds)))
        return train(start, kept, noise, self.rate, self.batch, self.rounds, self.patience, progress)

    def _read(self, trained, data: Blocks, scales, order: np.ndarray):
        """Means of S, S^2, e^{-S} over held-out blocks, (folds, blocks/folds) in double precision."""
        found = block_entropies(trained, _scaled(data.before[order], scales), _scaled(data.after[order], scales))
        return tuple(np.asarray(part, np.float64) for part in found)


def _normalisation(mean: np.ndarray, weight: np.ndarray, dt: float) -> tuple[tuple[str, ...], dict]:
    """Whether <e^{-S}> is one, from block means of S and e^{-S}."""
    excess = (float(weight.mean() - 1), float(weight.std(ddof=1) / np.sqrt(weight.size)))
    diagnostics = {"mean": float(mean.mean()) / dt, "normalisation": excess}
    if abs(excess[0]) <= 4 * excess[1]:
        return (), diagnostics
    return ("<e^{-S}> differs from one: the network is not the log ratio, train it longer or enlarge it",), diagnostics


class _Force:
    """Mean over folds of the learned force, in the coordinates of the records."""

    def __init__(self, trained, centre: np.ndarray, spread: np.ndarray):
        self.trained, self.centre, self.spread = trained, centre, spread

    def __call__(self, places: np.ndarray) -> np.ndarray:
        scaled = _scaled(np.atleast_2d(places), (self.centre, self.spread))
        each = eqx.filter_vmap(lambda network: jax.vmap(lambda x: networks.force(network, x))(scaled))(self.trained)
        return np.asarray(each.mean(0), np.float64) / self.spread


def _scaled(x: np.ndarray, scales) -> Array:
    return jnp.asarray((x - scales[0]) / scales[1], jnp.float32)


def _single(tree):
    """Networks train in single precision, also where double precision is enabled."""
    return jax.tree.map(lambda leaf: leaf.astype(jnp.float32) if eqx.is_inexact_array(leaf) else leaf, tree)
