"""Walls at both ends of one direction: elastic for some species, thermal for others."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq._parameters import check_finite, check_positive, float_leaf
from diffneq.dynamics.noise import normal, uniform, words
from diffneq.dynamics.state import State, per_particle
from diffneq.particles.space import Vector


class ThermalWalls(eqx.Module):
    """Particles that reach the wall leave it with the flux-weighted Maxwellian at the wall's temperature,

        f(v_n) = (m v_n / k_B T) exp(-m v_n^2 / 2 k_B T),  v_n > 0,
        f(v_t) = sqrt(m / 2 pi k_B T) exp(-m v_t^2 / 2 k_B T),

    or, for a species that is not `thermal`, are reflected elastically. The time left in the step after the
    collision is spent moving away from the wall, so that the Maxwell distribution stays stationary.

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

    def collide(self, model, state: State, moved: Vector, velocity: Vector, h: Array, stream: int):
        """Send back who is beyond a wall after a drift of duration h: displacement, velocity, heat taken in."""
        depth, inward = self._beyond(model, state, moved)
        hit, speed = depth > 0, jnp.abs(velocity[self.axis])
        new = self._leave(model, state, velocity, inward, speed, stream)
        # depth = speed * time left; the bound is for round-off on the depth of slow particles.
        left = jnp.minimum(depth / jnp.where(speed > 0, speed, 1.0), h)
        back = inward * (depth + left * jnp.abs(new[self.axis]))
        gained = sum((w - v) * (w + v) for w, v in zip(new, velocity, strict=True))
        heat = jnp.sum(jnp.where(hit, gained, 0.0) * per_particle(model, model.mass)) / 2
        velocity = tuple(jnp.where(hit, w, v) for w, v in zip(new, velocity, strict=True))
        moved = tuple(jnp.where(hit, u + back, u) if a == self.axis else u for a, u in enumerate(moved))
        return moved, velocity, heat

    def _beyond(self, model, state: State, moved: Vector) -> tuple[Array, Array]:
        """How far each particle is beyond a wall (0 inside), and the sign of the direction back."""
        a, box = self.axis, model.box
        period, length = box.extent[a], box.lengths[a]
        base = state.anchor[a].astype(period.dtype) * (period / 2.0**32)
        # The torus is wider than the box: what lies in the upper half of the margin is below the lower wall.
        base = jnp.where(base > (period + length) / 2, base - period, base)
        # Distances from the wall itself: exact for a small base, and (base - L) + u keeps its digits too.
        below, above = -(base + moved[a]), (base - length) + moved[a]
        inward = jnp.where(below > 0, 1.0, -1.0).astype(period.dtype)
        return jnp.maximum(jnp.maximum(below, above), 0.0), inward

    def _leave(self, model, state: State, velocity: Vector, inward, speed, stream: int) -> Vector:
        """Velocities after the wall, as if everybody had hit it."""
        pieces, start = [], 0
        for kind, count in enumerate(model.counts):
            here = slice(start, start + count)
            normal_part = inward[here]
            if self.thermal[kind] and model.mobile[kind]:
                width = jnp.sqrt(self.temperature / model.mass[kind])
                across, along = self._emitted(state, stream, start, count, len(velocity), np.dtype(speed.dtype))
                along = [width * x for x in along]
                along.insert(self.axis, normal_part * width * across)
                pieces.append(tuple(along))
            else:
                reflected = [v[here] for v in velocity]
                reflected[self.axis] = normal_part * speed[here]
                pieces.append(tuple(reflected))
            start += count
        return tuple(jnp.concatenate([piece[a] for piece in pieces]) for a in range(len(velocity)))

    def _emitted(self, state: State, stream: int, start: int, count: int, dimension: int, dtype):
        """Speeds away from the wall, x exp(-x^2/2), and d - 1 normals along it, in thermal units."""
        first, second = words(state.key, state.step, stream, start, count)
        along = [normal(second, dtype)]
        if dimension > 2:
            along.append(normal(words(state.key, state.step, stream + 1, start, count)[0], dtype))
        return jnp.sqrt(-2 * jnp.log(uniform(first, dtype))), along[: dimension - 1]


def check_walls(owner: str, model, walls: ThermalWalls | None) -> None:
    """ValueError unless walls stand exactly where the box of the model is not periodic."""
    closed = [a for a, free in enumerate(model.box.periodic) if not free]
    standing = [] if walls is None else [walls.axis]
    if closed != standing:
        raise ValueError(
            f"{owner}: the box is closed along axes {closed}, but walls stand along {standing}; pass "
            f"{owner}(..., walls=ThermalWalls(T, thermal=..., axis=...)) for a closed box, walls=None for an open one."
        )
    if walls is None:
        return
    if len(walls.thermal) != len(model.counts):
        raise ValueError(
            f"ThermalWalls: thermal needs one boolean for each of the {len(model.counts)} species, "
            f"got {len(walls.thermal)}."
        )
    # Across the walls images must not touch, and a particle at a wall must not reappear at the other.
    reach = getattr(model, "cutoff", None) or 0.0
    if model.box.margin <= 0 or model.box.margin < reach:
        raise ValueError(
            f"A box with walls needs a positive margin, at least the range {reach:g} of the pair law: "
            f"Box(lengths, periodic, margin={reach or 1.0:g}); it has {model.box.margin:g}."
        )
