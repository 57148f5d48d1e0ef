"""Entropy production from trajectories: where the equation of motion is known, and where there are only data.

| method | needs | is |
|---|---|---|
| `path_entropy_production` | drift and diffusion | exact as dt -> 0 |
| `ShortTimeBound` | overdamped data | a lower bound, tight as dt -> 0 in a basis that is rich enough; linear algebra |
| `NeuralEstimator("current")` | overdamped data, much of it | the same bound with a network |
| `NeuralEstimator("step")` | Markov data, much of it, without inertia | all that a record can tell, tight as dt -> 0 |
"""

from jax import Array
from numpy.typing import ArrayLike

from diffneq.fluctuations.entropy_production.basis import Gaussians, Polynomials
from diffneq.fluctuations.entropy_production.blocks import as_trajectories
from diffneq.fluctuations.entropy_production.fit import EntropyFit
from diffneq.fluctuations.entropy_production.known import medium_entropy, path_entropy_production, total_entropy
from diffneq.fluctuations.entropy_production.neural import NeuralEstimator
from diffneq.fluctuations.entropy_production.uncertainty import ShortTimeBound
from diffneq.statistics import Estimate

__all__ = [
    "EntropyFit",
    "Gaussians",
    "NeuralEstimator",
    "Polynomials",
    "ShortTimeBound",
    "as_trajectories",
    "entropy_production",
    "medium_entropy",
    "path_entropy_production",
    "total_entropy",
]

_METHODS = {
    "uncertainty": ShortTimeBound(),
    "step network": NeuralEstimator("step"),
    "current network": NeuralEstimator("current"),
}


def entropy_production(
    trajectories: ArrayLike,
    dt,
    method: str | ShortTimeBound | NeuralEstimator = "uncertainty",
    key: Array | None = None,
    progress: bool = True,
) -> Estimate:
    """sigma, the rate at which a steady state makes entropy, in units of k_B, from records of it alone.

    Arguments:
        trajectories: (R, T, d), or (T, d) for one. Coordinates that are left out make it a lower bound.
        dt: [time] between records, or the times of the records (T,).
        method: "uncertainty", "step network", "current network", or a configured `ShortTimeBound` or `NeuralEstimator`,
            whose `fit` also returns the learned force.
        key: a random key, for networks.
        progress: a bar, for networks.

    Raises:
        ValueError: for NaN, records too short or not uniform in time, an unknown method, a network without key.

    Source: see the methods.

    >>> import numpy as np
    >>> steps = 0.1 + np.random.default_rng(0).normal(size=(50, 400, 1))       # a walk with drift 0.1, D = 1/2
    >>> print(entropy_production(steps.cumsum(axis=1), dt=1.0, method=ShortTimeBound(Polynomials(degree=0))))
    0.0216(36) 1/time
    """
    if isinstance(method, str):
        if method not in _METHODS:
            raise ValueError(f"entropy_production: method {method!r} is none of {', '.join(map(repr, _METHODS))}.")
        method = _METHODS[method]
    if isinstance(method, ShortTimeBound):
        return method.fit(trajectories, dt).estimate
    if key is None:
        raise ValueError("entropy_production: a network needs a random key, key=jax.random.key(0).")
    return method.fit(trajectories, dt, key, progress).estimate
