"""Which of several models: by the likelihood of blocks of the record that no fit has seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import numpy as np

from diffneq.inference.fit import fit
from diffneq.inference.objectives import likelihood
from diffneq.inference.parameters import in_double
from diffneq.inference.result import Fit
from diffneq.inference.series import TimeSeries, time_series
from diffneq.inference.transition import Density
from diffneq.statistics import Estimate


@dataclass(frozen=True)
class Selection:
    """Held-out log likelihoods: `fits` name -> Fit to the training blocks; `held_out` name -> (B,) nats of each block.

    `best`: the name with the largest sum. `advantage(name)`: best minus name, in nats per time, with its error.
    """

    fits: dict[str, Fit]
    held_out: dict[str, np.ndarray]
    block_time: float
    time_unit: str = "t"

    @property
    def best(self) -> str:
        """The model that predicts the held-out blocks best."""
        return max(self.held_out, key=lambda name: self.held_out[name].sum())

    def advantage(self, name: str, over: str | None = None) -> Estimate:
        """(l_best - l_name)/time, paired block by block; `over` takes another model's place as the better one."""
        first = self.best if over is None else over
        difference = (self.held_out[first] - self.held_out[name]) / self.block_time
        count = len(difference)
        error = float(np.std(difference, ddof=1)) / np.sqrt(count)
        label = f"log likelihood, {first} over {name}"
        warnings = () if count >= 8 else ("fewer than eight held-out blocks: the error is a guess",)
        return Estimate(difference.mean(), error, f"nats/{self.time_unit}", label, "held-out blocks, paired", warnings,
                        {"dof": count - 1.0, "blocks": count})  # fmt: skip

    def table(self) -> str:
        """The models, the best first."""
        order = sorted(self.held_out, key=lambda name: -self.held_out[name].sum())
        lines = ["held-out log likelihood [nats], and how much the best is ahead [nats/time]"]
        for name in order:
            behind = "" if name == order[0] else f"  {self.advantage(name)}"
            lines.append(f"  {name:34s} {self.held_out[name].sum():16.2f}{behind}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            name: {"held_out": float(values.sum()), "parameters": len(self.fits[name].parameters),
                   "behind_best": self.advantage(name).to_dict() if name != self.best else None}
            for name, values in self.held_out.items()
        }  # fmt: skip


def select(
    models: Mapping[str, Any],
    data,
    dt: float | None = None,
    *,
    time=None,
    variables=None,
    held_out: float = 0.25,
    density: Density = "Gaussian closure",
    substeps: int = 1,
    blocks: int = 64,
) -> Selection:
    """Fit each model to part of the record and compare sum ln p on the rest: l = sum_held-out ln p(x' | x; model).

    The record is cut into blocks; every (1/held_out)-th is held out, so that a drift of the conditions hits both parts.
    A parameter too many costs what it costs in prediction; no penalty is added.

    Arguments: `models`, name -> model with the start of its parameters; `held_out`, the fraction, 0.05 to 0.5; others
    as in `fit`. Raises `ValueError` for fewer than two models, and what `fit` raises.

    >>> rng = np.random.default_rng(0)
    >>> x = np.zeros((64, 200))
    >>> for t in range(199):
    ...     x[:, t + 1] = 0.9 * x[:, t] + rng.normal(size=64)
    >>> from diffneq.inference import ItoPolynomial
    >>> models = {"free": ItoPolynomial(0.1, 5.0), "bound": ItoPolynomial((0.1, -1.0), 5.0)}
    >>> select(models, x, dt=0.1).best
    'bound'
    """
    if len(models) < 2:
        raise ValueError("selection needs two models or more: {name: model, ...}.")
    if not 0.05 <= held_out <= 0.5:
        raise ValueError(f"held_out is a fraction from 0.05 to 0.5, got {held_out}.")
    series = time_series(data, dt, time, variables)
    pieces = series.blocks(blocks)
    period = round(1 / held_out)
    test = np.arange(len(pieces)) % period == period - 1
    if test.sum() < 2:
        raise ValueError(f"{len(pieces)} blocks leave {test.sum()} to hold out: record longer, or take more blocks.")
    train = TimeSeries(pieces[~test], series.dt, series.names, series.units, series.time_unit)
    fits, outcomes = {}, {}
    for name, model in models.items():
        fits[name] = fit(model, train, density=density, substeps=substeps)
        outcomes[name] = held_out_log_likelihood(fits[name].model, pieces[test], series.dt, density, substeps)
    return Selection(fits, outcomes, (pieces.shape[1] - 1) * series.dt, series.time_unit)


def held_out_log_likelihood(model, blocks: np.ndarray, dt: float, density: Density, substeps: int) -> np.ndarray:
    """sum ln p of each block (B,) under a model that is not changed; -inf where its diffusion is not positive."""
    with jax.enable_x64(True):
        doubled = in_double(model)
        try:
            return -np.asarray(_evaluated(likelihood(doubled, blocks, dt, density, substeps), doubled))
        except ValueError:
            return np.full(len(blocks), -np.inf)


@eqx.filter_jit
def _evaluated(objective, model):
    return objective(model)
