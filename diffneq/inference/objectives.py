"""Negative log likelihoods, block by block: what a fit minimises and held-out data are judged by."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array

from diffneq.inference.kalman import log_likelihoods
from diffneq.inference.models import Langevin, Linear
from diffneq.inference.transition import Density, log_density


class MarkovLikelihood(eqx.Module):
    """-sum_t ln p(x_{t+1} | x_t; dt) of each block, all variables being recorded.

    `blocks` (B, L + 1, d), `dt` (); `density` and `substeps` as in `transition.log_density`.
    """

    blocks: Array
    dt: Array
    density: Density = eqx.field(static=True)
    substeps: int = eqx.field(static=True)

    def __call__(self, model: Langevin) -> Array:
        points = self.blocks[..., 0] if self.blocks.shape[2] == 1 else self.blocks
        one = lambda x, to: log_density(model, x, to, self.dt, self.density, self.substeps)
        terms = jax.vmap(jax.vmap(one))(points[:, :-1], points[:, 1:])
        return -jnp.sum(terms, axis=1)


class FilteredLikelihood(eqx.Module):
    """-ln p(y_1 ... y_L | y_0) of each block, the other variables of a linear model being hidden."""

    blocks: Array
    dt: Array

    def __call__(self, model: Linear) -> Array:
        return -log_likelihoods(model.system(), self.blocks[..., 0], self.dt)


def likelihood(model, blocks, dt: float, density: Density, substeps: int) -> MarkovLikelihood | FilteredLikelihood:
    """The likelihood that suits the model.

    Raises `ValueError` for a model of another number of variables than the record, and a diffusion that is not positive
    at the data.
    """
    array = jnp.asarray(blocks)
    if isinstance(model, Linear):
        if array.shape[2] != 1:
            raise ValueError(f"{type(model).__name__} is for one recorded variable, there are {array.shape[2]}.")
        return FilteredLikelihood(array, jnp.asarray(dt, array.dtype))
    if not isinstance(model, Langevin):
        raise ValueError(f"{type(model).__name__} is no model of diffneq.inference: it needs a drift and a diffusion.")
    check_diffusion(model, array.reshape(-1, array.shape[2]))
    return MarkovLikelihood(array, jnp.asarray(dt, array.dtype), density, int(substeps))


def check_diffusion(model: Langevin, points: Array) -> None:
    """ValueError where the diffusion of the model is not positive at one of the points (n, d)."""
    points = points[:, 0] if points.shape[1] == 1 else points
    try:
        strength = _strength(model, points)
    except (ValueError, TypeError) as error:
        number = 1 if points.ndim == 1 else points.shape[1]
        raise ValueError(f"{type(model).__name__} cannot be evaluated at records of {number} variables.") from error
    bad = (strength < 0) | ~jnp.isfinite(strength)
    bad = bad | (strength == 0) if points.ndim == 1 else bad.any(1) | ~(strength > 0).any(1)
    if bool(bad.any()):
        where = points[int(jnp.argmax(bad))]
        raise ValueError(f"{type(model).__name__}: the diffusion is not positive at {where}, which the record visits: "
                         f"start from other parameters, or choose another form.")  # fmt: skip


@eqx.filter_jit
def _strength(model: Langevin, points: Array) -> Array:
    return jax.vmap(model.diffusion)(points)
