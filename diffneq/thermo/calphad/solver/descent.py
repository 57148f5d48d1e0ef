"""Downhill from a constitution of one phase to a minimum of G(y) - mu . M(y), for a block of lanes.

Newton's method with a modified Hessian may climb or wander where a phase is unstable: a step that climbs is taken back
and tried again at a quarter of its length.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffneq.thermo.calphad.solver.energies import Coefficients, Phase, evaluate
from diffneq.thermo.calphad.solver.response import moved, remaining, resolution, response

_POLISHED = 3e-4  # relative step at which the energy is converged to its square
_NEUTRAL = 3e-6  # the same where it is to be neutral to its square, too
_MOST_STEPS = 30
_SLACK = 1e-12  # a climb by this much is rounding


class _Walk(NamedTuple):
    trial: Float[Array, "n_y B"]  # where to look next
    y: Float[Array, "n_y B"]  # the lowest place so far
    height: Float[Array, "B"]  # there, over R T per formula unit
    step: Float[Array, "n_y B"]  # Newton's step from there
    length: Float[Array, "B"]  # the part of it that is taken
    left: Float[Array, "B"]
    count: Array


def descend(
    phase: Phase,
    coefficients: Coefficients,
    start: Float[Array, "n_y B"],
    mu: Float[Array, "elements B"],
    channels: tuple[str, ...],
    trust: float,
) -> Float[Array, "n_y B"]:
    """The minimum below `start`; one that even `trust` times what its step promises cannot bring below zero is left."""
    finest = resolution(phase.charge)
    charged = jnp.any(phase.charge != 0.0)
    small = jnp.where(charged, _NEUTRAL, _POLISHED)

    def body(walk: _Walk) -> _Walk:
        energy = evaluate(phase, coefficients, walk.trial, channels, mu)
        step = response(phase, energy, walk.trial, jnp.where(walk.count < 8, 5e-2, 1e-3)).at(mu)
        slope = walk.trial * (energy.gradient - jnp.sum(mu[:, None] * energy.moles_gradient, axis=0))
        height = energy.above(mu)
        # The charge that a step leaves is worth any height where mu is not determined: charged phases go Newton's way.
        lower = (height <= walk.height + _SLACK) | charged
        promise = -0.5 * jnp.sum(slope * step, axis=0) + 0.0125 * energy.moles.sum(axis=0)
        left = remaining(walk.trial, step, finest)
        # Of a trace that is to grow by orders of magnitude the parabola knows nothing, nor of charge.
        left = jnp.where((height > trust * promise) & (left < 2.0) & ~charged, 0.0, left)
        found, kept = (walk.trial, height, step, left), (walk.y, walk.height, walk.step, walk.left)
        y, height, step, left = (jnp.where(lower, new, old) for new, old in zip(found, kept, strict=True))
        length = jnp.where(lower, jnp.minimum(1.0, 2.0 * walk.length), 0.25 * walk.length)
        return _Walk(moved(phase, y, step * length), y, height, step, length, left, walk.count + 1)

    high = jnp.full(start.shape[1], jnp.inf)
    walk = _Walk(start, start, high, jnp.zeros_like(start), jnp.ones_like(high), high, jnp.asarray(0))
    more = lambda walk: jnp.any(walk.left > small) & (walk.count < _MOST_STEPS)
    walk = jax.lax.while_loop(more, body, walk)
    return jnp.where(walk.left <= small, walk.trial, walk.y)
