"""Walls at both ends of one direction: elastic for some species, thermal for others."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq._parameters import check_finite, check_positive, float_leaf
from diffneq.dynamics.noise import normal, uniform, words
from diffneq.dynamics.state import State
from diffneq.particles.space import Vector


class ThermalWalls(eqx.Module):
    """Particles that reach the wall leave it with the flux-weighted Maxwellian at the wall's temperature,

        f(v_n) = (m v_n / k_B T) exp(-m v_n^2 / 2 k_B T), v_n > 0;   f(v_t) = sqrt(m / 2 pi k_B T) exp(-m v_t^2 / 2 k_B T),

    or, for a species that is not `thermal`, are reflected elastically. The time left in the step after the collision is
    spent moving away from the wall, so that the Maxwell distribution stays stationary.

    Arguments:
        temperature: k_B T of both walls [energy].
        thermal: one boolean for each species.
        axis: direction across which the walls stand, at 0 and at the box length.

    Raises:
        ValueError: where the temperature is not positive.

    Source: R. Tehver, F. Toigo, J. Koplik, J. R. Banavar, Phys. Rev. E 57, R17 (1998).

    >>> ThermalWalls(temperature=1.0, thermal=(False, True)).axis
    1
    """

    temperature: Array
    thermal: tuple[bool, ...] = eqx.field(static=True)
    axis: int = eqx.field(static=True)

    def __init__(self, temperature, thermal, axis: int = 1):
        self.temperature = float_leaf(temperature)
        check_finite("ThermalWalls", temperature=self.temperature)
        check_positive("ThermalWalls", temperature=self.temperature)
        self.thermal = tuple(bool(t) for t in thermal)
        self.axis = int(axis)

    def collide(self, model, state: State, moved: Vector, velocity: Vector, stream: int):
        """Send back who is beyond a wall; returns displacement, velocity and the heat taken in."""
        a, box = self.axis, model.box
        # Distances beyond the walls from the anchor in the box: exact, as the anchor never leaves [0, L).
        period, length = box.extent[a], box.lengths[a]
        base = state.anchor[a].astype(period.dtype) * (period / 2.0**32)
        # The torus is wider than the box: what lies in the upper half of the margin is below the lower wall.
        base = jnp.where(base > (period + length) / 2, base - period, base)
        below = -(base + moved[a])
        above = (base - length) + moved[a]
        hit = (below > 0) | (above > 0)
        inward = jnp.where(below > 0, 1.0, -1.0).astype(period.dtype)
        depth = jnp.where(hit, jnp.maximum(below, above), 0.0)
        speed = jnp.abs(velocity[a])
        new = self._leave(model, state, velocity, inward, speed, stream)
        # depth = speed * time left
        back = inward * depth * (1 + jnp.abs(new[a]) / jnp.where(speed > 0, speed, 1.0))
        gained = sum((w - v) * (w + v) for w, v in zip(new, velocity, strict=True))
        mass = jnp.concatenate([jnp.broadcast_to(model.mass[s], (n,)) for s, n in enumerate(model.counts)])
        heat = jnp.sum(jnp.where(hit, gained, 0.0) * mass) / 2
        velocity = tuple(jnp.where(hit, w, v) for w, v in zip(new, velocity, strict=True))
        moved = tuple(jnp.where(hit, u + back, u) if axis == a else u for axis, u in enumerate(moved))
        return moved, velocity, heat

    def _leave(self, model, state: State, velocity: Vector, inward, speed, stream: int) -> Vector:
        """Velocities after the wall, as if everybody had hit it."""
        pieces, start, dtype = [], 0, np.dtype(speed.dtype)
        for kind, count in enumerate(model.counts):
            here = slice(start, start + count)
            if self.thermal[kind] and model.mobile[kind] and count:
                width = jnp.sqrt(self.temperature / model.mass[kind])
                first, second = words(state.key, state.step, stream, start, count)
                draws = (normal(second, dtype),)
                if len(velocity) > 2:
                    draws += (normal(words(state.key, state.step, stream + 1, start, count)[0], dtype),)
                out = inward[here] * width * jnp.sqrt(-2 * jnp.log(uniform(first, dtype)))
                along = iter(draws)
                pieces.append(tuple(out if x == self.axis else width * next(along) for x in range(len(velocity))))
            else:
                pieces.append(
                    tuple(inward[here] * speed[here] if x == self.axis else v[here] for x, v in enumerate(velocity))
                )
            start += count
        return tuple(jnp.concatenate([piece[x] for piece in pieces]) for x in range(len(velocity)))
