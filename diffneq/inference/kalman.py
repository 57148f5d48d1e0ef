"""The likelihood of linear models with hidden variables, by the Kalman filter with exact discretisation."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from diffneq.inference.models.linear import LinearSystem

_HALVINGS, _TERMS, _DOUBLINGS = 12, 10, 60


class Propagator(NamedTuple):
    """z(t + h) = z(t) + E z(t) + f + N(0, S) of some time h: `change` E.

    E = F - 1 of the propagator F: short times keep their digits.
    """

    change: Array
    constant: Array
    noise: Array

    @property
    def matrix(self) -> Array:
        """1 + E = exp(A h)."""
        return self.change + jnp.eye(len(self.change), dtype=self.change.dtype)

    def twice(self) -> Propagator:
        """Of the time 2 h."""
        change, constant, noise = self
        spread = change @ noise
        return Propagator(2 * change + change @ change, 2 * constant + change @ constant,
                          2 * noise + spread + spread.T + spread @ change.T)  # fmt: skip


def discretised(system: LinearSystem, dt: Array) -> Propagator:
    """Exactly 1 + E = exp(A dt), f = int_0^dt e^{As} c ds, S = int_0^dt e^{As} Q e^{A^T s} ds.

    Taylor's series over dt/4096, then twelve doublings: only products of small matrices, so that nothing cancels in S
    however short dt is, A may be singular, and the program is short.

    >>> one = LinearSystem(-jnp.eye(1), jnp.ones(1), 2 * jnp.eye(1), jnp.array(0.0))
    >>> [round(float(part.ravel()[0]), 4) for part in discretised(one, 0.5)]
    [-0.3935, 0.3935, 0.6321]
    """
    generator, h = system.matrix, dt / 2**_HALVINGS

    def term(carry, k):
        change, constant, noise, total = carry  # h^k A^k/k!, and the same terms of the two integrals
        total = Propagator(total.change + change, total.constant + constant, total.noise + noise)
        spread = generator @ noise
        following = (generator @ change, generator @ constant, spread + spread.T)
        return (*(part * (h / (k + 1)) for part in following), total), None

    first = (generator * h, system.constant * h, system.noise * h)
    zero = Propagator(*(jnp.zeros_like(part) for part in first))
    start, _ = lax.scan(term, (*first, zero), jnp.arange(1, 1 + _TERMS, dtype=generator.dtype))
    return lax.scan(lambda p, _: (p.twice(), None), start[3], length=_HALVINGS)[0]


def stationary(step: Propagator) -> tuple[Array, Array]:
    """Mean and covariance to which z relaxes, by doubling the time sixty times; not finite where it does not relax.

    >>> system = LinearSystem(-2 * jnp.eye(1), jnp.ones(1), jnp.eye(1), jnp.array(0.0))
    >>> [round(float(part.ravel()[0]), 5) for part in stationary(discretised(system, 0.1))]
    [0.5, 0.25]
    """
    final = lax.scan(lambda p, _: (p.twice(), None), step, length=_DOUBLINGS)[0]
    lost = jnp.where(jnp.max(jnp.abs(final.matrix)) < 1e-2, 0.0, jnp.nan)
    return final.constant + lost, (final.noise + final.noise.T) / 2 + lost


def innovations(system: LinearSystem, records: Array, dt: Array) -> tuple[Array, Array]:
    """What each record adds to what was known, e_t = y_t - <y_t | y_s, s < t>, and its variance.

    The hidden variables are stationary before the first record. Arguments: `records` (B, T) of z[0]. Returns (B, T)
    and (T,): the variance is the same for all B pieces.

    Source: R. E. Kalman, J. Basic Eng. 82, 35 (1960).
    """
    move = discretised(system, dt)
    mean, covariance = stationary(move)

    def step(carry, reading):
        known, spread = carry  # (B, n), (n, n)
        variance = spread[0, 0] + system.measurement
        error = reading - known[:, 0]
        gain = spread[:, 0] / variance
        known = known + error[:, None] * gain[None, :]
        spread = spread - gain[:, None] * spread[0][None, :]
        known = known @ move.matrix.T + move.constant[None, :]
        spread = move.matrix @ spread @ move.matrix.T + move.noise
        return (known, (spread + spread.T) / 2), (error, variance)

    start = (jnp.broadcast_to(mean, (records.shape[0], mean.shape[0])), covariance)
    _, (errors, variances) = lax.scan(step, start, records.T)
    return errors.T, variances


def log_likelihoods(system: LinearSystem, records: Array, dt: Array) -> Array:
    """ln p(y_1 ... y_T | y_0) of each piece, (B,): conditional on its first record, as of a Markov model.

    -inf where no stationary state exists, or the noise is not positive.
    """
    errors, variances = innovations(system, records, dt)
    sound = jnp.all(variances > 0)
    safe = jnp.where(variances > 0, variances, 1.0)[None, 1:]
    terms = -(errors[:, 1:] ** 2) / (2 * safe) - 0.5 * jnp.log(2 * jnp.pi * safe)
    return jnp.where(sound, jnp.sum(terms, axis=1), -jnp.inf)
