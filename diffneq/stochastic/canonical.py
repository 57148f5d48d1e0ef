"""Starts in thermal equilibrium, exactly: Metropolis moves, one chain for each trajectory."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from diffneq._parameters import concrete, float_leaf
from diffneq.stochastic import draws

# Moves are of all lengths between the scale and a hundredth of it, so that none has to be tuned.
_SHORTEST = 0.01
_DRIFT = 5.0  # standard errors by which the mean energy may still have changed in the second half


def canonical(potential: Any, parameter: Any, temperature, key: Array, start, moves: int = 400, scale=None) -> Array:
    """Positions with density exp(-U(x, parameter)/k_B T)/Z: n independent Metropolis chains, the end of each.

    A move shifts all coordinates by normal numbers times a length that is log-uniform between a hundredth of `scale`
    and `scale`. The density is kept exactly, there is no time step; what is left to you is that the chains have
    forgotten their start. A mean energy that still drifts in the second half of the moves is an error, but chains that
    never cross a high barrier cannot be noticed: let the start populate all wells, or make `scale` their distance.

    Arguments:
        potential: U(x, parameter), x of shape () or (d,), as in `trajectories`.
        parameter: where the protocol begins.
        temperature: k_B T [energy].
        key: typed key; not the one of the trajectories.
        start: positions where the chains begin, (n,) or (n, d) [L].
        moves: of each chain; of d coupled coordinates give about d times as many.
        scale: of the longest moves [L]; default 3 sqrt(k_B T/<U''>) of the start, U'' the mean curvature's size.

    Returns:
        positions, shaped like `start`.

    Raises:
        ValueError: for arguments that are not sound, and where the mean energy still drifts.

    >>> def well(x, k):
    ...     return k * x**2 / 2
    >>> x = canonical(well, 4.0, 1.0, jax.random.key(0), jnp.zeros(4000))
    >>> bool(abs(jnp.var(x) * 4 - 1) < 0.1)
    True
    """
    start = jnp.asarray(start)
    if start.ndim not in (1, 2) or 0 in start.shape or not jnp.issubdtype(start.dtype, jnp.inexact):
        raise ValueError(f"canonical: start must be real positions (n,) or (n, d), got shape {start.shape}.")
    if int(moves) != moves or moves < 2:
        raise ValueError(f"canonical: moves must be a whole number of at least 2, got {moves}.")
    temperature = float_leaf(temperature)
    if scale is None:
        scale = _thermal_length(potential, parameter, temperature, start)
    ends, middle, last = _chains(potential, parameter, temperature, float_leaf(scale), key, start, int(moves))
    _check_settled(concrete(middle), concrete(last))
    return ends


@eqx.filter_jit
def _thermal_length(potential, parameter, temperature, start) -> Array:
    """3 sqrt(k_B T/U'') with the root mean square of the curvature over the start."""

    def curvature(x):
        slope = jax.grad(potential)
        return jax.jvp(lambda y: slope(y, parameter), (x,), (jnp.ones_like(x),))[1]

    size = jnp.sqrt(jnp.mean(jax.vmap(curvature)(start) ** 2))
    return 3 * jnp.sqrt(temperature / jnp.where(size > 0, size, 1.0))


@eqx.filter_jit
def _chains(potential, parameter, temperature, scale, key, start, moves: int):
    """The ends of the chains, and their energies half-way and at the end."""
    words, dtype = draws.words_of(key, 0), start.dtype
    shape, size = start.shape[1:], max(1, start[0].size)
    energy = lambda x: potential(x, parameter).astype(dtype)

    def move(carry, number, name):
        x, now = carry
        *xi, length, chance = draws.of_step(words, number, name, size + 2, dtype)
        share = jax.scipy.stats.norm.cdf(length)
        step = scale.astype(dtype) * jnp.exp(np.log(_SHORTEST) * share) / np.sqrt(size).astype(dtype)
        trial = x + step * jnp.stack(xi).reshape(shape)
        then = energy(trial)
        # A proposal of infinite or undefined energy is refused.
        accept = jnp.log(jax.scipy.stats.norm.cdf(chance)) < (now - then) / temperature
        return jnp.where(accept, trial, x), jnp.where(accept, then, now)

    def half(carry, numbers):
        return lax.scan(lambda c, k: (jax.vmap(move, in_axes=(0, None, 0))(c, k, names), None), carry, numbers)[0]

    names, numbers = jnp.arange(start.shape[0], dtype=jnp.uint32), jnp.arange(moves, dtype=jnp.uint32)
    middle = half((start, jax.vmap(energy)(start)), numbers[: moves // 2])
    last = half(middle, numbers[moves // 2 :])
    return last[0], middle[1], last[1]


def _check_settled(middle, last) -> None:
    if middle is None or last is None:
        return
    change = np.asarray(last, float) - np.asarray(middle, float)
    if not np.all(np.isfinite(change)):
        raise ValueError("canonical: the energy is not finite; start where it is, and check the potential.")
    if change.size < 8:
        return
    error = change.std(ddof=1) / np.sqrt(change.size)
    if abs(change.mean()) > _DRIFT * error > 0:
        raise ValueError(
            f"canonical: the mean energy still changed by {change.mean():.3g} +- {error:.1g} in the second half of "
            "the moves; give more moves, or a start nearer to equilibrium."
        )
