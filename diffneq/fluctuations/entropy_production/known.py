"""Entropy along trajectories whose drift and diffusion are known."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import ArrayLike

from diffneq.fluctuations.entropy_production.blocks import as_trajectories
from diffneq.statistics import Estimate, mean


def medium_entropy(trajectories: Array, drift: Callable[[Array], Array], diffusion) -> Array:
    """dS_m = D^{-1} (f - div D) o dx for dx = f dt + sqrt(2 D) dB (Ito), the log ratio of a path and its reverse.

    Stratonovich's rule: the mean of the coefficient before and after a step.

    Arguments:
        trajectories: (..., T, d).
        drift: f, (d,) -> (d,), Ito.
        diffusion: D, an array (d, d) or (d,), or a function (d,) -> (d, d) of the place.

    Returns: the entropy of each step, (..., T - 1), differentiable.

    Source: U. Seifert, Phys. Rev. Lett. 95, 040602 (2005).

    >>> x = jnp.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> medium_entropy(x, lambda x: jnp.array([3.0, 1.0]), jnp.array([1.0, 0.5])).tolist()
    [3.0, 4.0]
    """
    x = jnp.asarray(trajectories)
    coefficient = jax.vmap(lambda place: _coefficient(place, drift, diffusion))(x.reshape(-1, x.shape[-1]))
    coefficient = coefficient.reshape(x.shape)
    return jnp.sum((coefficient[..., 1:, :] + coefficient[..., :-1, :]) / 2 * jnp.diff(x, axis=-2), axis=-1)


def _coefficient(place: Array, drift, diffusion) -> Array:
    if callable(diffusion):
        divergence = jnp.einsum("ijj->i", jax.jacfwd(diffusion)(place))  # sum_j dD_ij/dx_j
        return jnp.linalg.solve(diffusion(place), drift(place) - divergence)
    constant = jnp.asarray(diffusion, place.dtype)
    return drift(place) / constant if constant.ndim == 1 else jnp.linalg.solve(constant, drift(place))


def total_entropy(trajectories: Array, drift, diffusion, log_density: Callable[[Array], Array]) -> Array:
    """S = int dS_m - ln p(x_T) + ln p(x_0) of each trajectory, (...,): <e^{-S}> = 1 and <S> >= 0.

    `log_density` is ln p of one place (d,), of a steady state; the rest as in `medium_entropy`, with its source.

    >>> x = jnp.array([[0.0], [1.0]])
    >>> float(total_entropy(x, lambda x: -x, jnp.ones(1), lambda x: -0.5 * x[0] ** 2))    # detailed balance
    0.0
    """
    x = jnp.asarray(trajectories)
    ends = jax.vmap(log_density)(x[..., (0, -1), :].reshape(-1, x.shape[-1])).reshape(*x.shape[:-2], 2)
    return jnp.sum(medium_entropy(x, drift, diffusion), axis=-1) - ends[..., 1] + ends[..., 0]


def path_entropy_production(trajectories: ArrayLike, dt, drift, diffusion) -> Estimate:
    """sigma = <dS_m>/dt of a steady state, where the total entropy grows as that of the medium.

    Arguments: `trajectories` (R, T, d) or (T, d); `dt` [time] or times (T,); the rest as in `medium_entropy`. The error
    is that of the mean of a correlated record.

    >>> steps = 0.1 + np.random.default_rng(0).normal(size=(50, 400, 1))       # a walk with drift 0.1, D = 1/2
    >>> print(path_entropy_production(steps.cumsum(axis=1), 1.0, lambda x: 0.1 + 0 * x, np.array([0.5])))
    0.0209(15) 1/time
    """
    x, interval = as_trajectories(trajectories, dt)
    rates = np.asarray(medium_entropy(jnp.asarray(x), drift, diffusion), np.float64) / interval
    return mean(rates, interval, "1/time", "entropy production")
