"""Trajectories of the models themselves: what a fitted equation of motion would have recorded."""

from __future__ import annotations

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array, lax

from diffneq.inference.kalman import discretised, stationary
from diffneq.inference.models import Langevin, Linear


def paths(model, key: Array, *, replicas: int, records: int, dt: float, start=None, substeps: int = 10) -> Array:
    """x' = x + a(x) h + sqrt(2 D(x) h) xi in Ito's form, h = dt/substeps; linear models exactly, at any dt.

    Arguments:
        model: of `diffneq.inference`; key: of the noise.
        replicas, records, dt: R trajectories of T records, dt apart.
        start: x at the first record, () or (d,), the same for all, or (R,) or (R, d); default zero. Linear models
            start in their stationary state.
        substeps: Euler-Maruyama steps between records; the error of the stationary density is of order h.

    Returns (R, T), or (R, T, d) for several variables; of linear models what is recorded, with measurement noise.

    >>> from diffneq.inference import OrnsteinUhlenbeck
    >>> paths(OrnsteinUhlenbeck(1.0, 1.0), jax.random.key(0), replicas=3, records=5, dt=0.1).shape
    (3, 5)
    """
    if isinstance(model, Linear):
        return _linear(model, key, replicas, records, dt)
    if not isinstance(model, Langevin):
        raise ValueError(f"{type(model).__name__} is no model of diffneq.inference.")
    dtype = jnp.result_type(float)
    begin = jnp.asarray(0.0 if start is None else start, dtype)
    if begin.ndim == 0 or begin.shape[0] != replicas:
        begin = jnp.broadcast_to(begin, (replicas, *begin.shape))
    return jax.vmap(partial(_one, model, dt=jnp.asarray(dt, dtype), records=records, substeps=substeps))(
        begin, jax.random.split(key, replicas)
    )


@eqx.filter_jit
def _one(model: Langevin, start: Array, key: Array, *, dt: Array, records: int, substeps: int) -> Array:
    h = dt / substeps

    def step(x, noise):
        return x + model.ito_drift(x) * h + jnp.sqrt(2 * jnp.maximum(model.diffusion(x), 0.0) * h) * noise, None

    def record(x, k):
        noise = jax.random.normal(jax.random.fold_in(key, k), (substeps, *start.shape), start.dtype)
        return lax.scan(step, x, noise)[0], x

    return lax.scan(record, start, jnp.arange(records))[1]


@eqx.filter_jit
def _linear(model: Linear, key: Array, replicas: int, records: int, dt: float) -> Array:
    system = model.system()
    move = discretised(system, jnp.asarray(dt, system.matrix.dtype))
    mean, covariance = stationary(move)
    factor, first = _root(move.noise), _root(covariance)
    size, dtype = len(mean), mean.dtype
    begin = mean[None, :] + jax.random.normal(jax.random.fold_in(key, records), (replicas, size), dtype) @ first.T

    def record(z, k):
        one, two = jax.random.split(jax.random.fold_in(key, k))
        reading = z[:, 0] + jnp.sqrt(system.measurement) * jax.random.normal(one, (replicas,), dtype)
        noise = jax.random.normal(two, (replicas, size), dtype) @ factor.T
        return z @ move.matrix.T + move.constant[None, :] + noise, reading

    return lax.scan(record, begin, jnp.arange(records))[1].T


def _root(covariance: Array) -> Array:
    """B with B B^T = C, also where C is singular."""
    values, vectors = jnp.linalg.eigh(covariance)
    return vectors * jnp.sqrt(jnp.maximum(values, 0.0))[None, :]
