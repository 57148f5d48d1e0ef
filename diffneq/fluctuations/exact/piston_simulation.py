"""The stroke of a piston played collision by collision, many particles at once."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from diffneq.fluctuations.exact.piston import PistonStroke


def piston_strokes(stroke: PistonStroke, key: Array, particles: int) -> Array:
    """The work on each of `particles` independent particles, drawn from equilibrium, (particles,) [energy].

    >>> from diffneq.fluctuations.exact.piston import PistonStroke
    >>> work = piston_strokes(PistonStroke(speed=1.0, duration=1.0), jax.random.key(0), 1000)
    >>> bool(abs(work.mean() + 0.1487) < 4 * work.std() / 1000**0.5)
    True
    """
    places, speeds = jax.random.split(key)
    position = stroke.length * jax.random.uniform(places, (particles,), stroke.length.dtype)
    velocity = stroke.thermal_speed * jax.random.normal(speeds, (particles,), stroke.length.dtype)
    return played(stroke, position, velocity)


@jax.jit
def played(stroke: PistonStroke, position: Array, velocity: Array) -> Array:
    """The work on particles from given starts, (n,): from one collision to the next until the stroke is over."""
    return jax.vmap(lambda x, u: _one(stroke, x, u))(position, velocity)


def _one(stroke: PistonStroke, position: Array, velocity: Array) -> Array:
    speed = stroke.speed

    def next_hit(x, u, t):
        wall = jnp.where(u < 0, -x / jnp.where(u < 0, u, 1.0), jnp.inf)
        nears = u > speed
        piston = jnp.where(nears, (stroke.length + speed * t - x) / jnp.where(nears, u - speed, 1.0), jnp.inf)
        return jnp.maximum(jnp.minimum(wall, piston), 0.0), piston < wall

    def collide(state):
        x, u, t, work = state
        wait, at_piston = next_hit(x, u, t)
        t = t + wait
        gained = jnp.where(at_piston, 2 * stroke.mass * speed * (speed - u), 0.0)
        place = jnp.where(at_piston, stroke.length + speed * t, 0.0)
        return place, jnp.where(at_piston, 2 * speed - u, -u), t, work + gained

    def goes_on(state):
        x, u, t, _ = state
        return t + next_hit(x, u, t)[0] < stroke.duration

    zero = jnp.zeros_like(position)
    return jax.lax.while_loop(goes_on, collide, (position, velocity, zero, zero))[3]
