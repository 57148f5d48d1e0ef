"""Rayleigh's piston from collision to collision, thousands of replicas in lockstep."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq.dynamics.noise import normal, threefry, uniform
from diffneq.event_driven.clock import Motion, advance_all, advance_tile, record_grid
from diffneq.event_driven.records import PistonRecords
from diffneq.models.effusion import effusion_velocity
from diffneq.models.piston import Piston


class State(eqx.Module):
    """Of the replicas of a tile; what is summed up counts from the last record."""

    recorded: ClassVar[tuple[str, ...]] = ("velocity", "travelled", "heat_left")
    summed: ClassVar[tuple[str, ...]] = ("travelled", "heat_left")

    velocity: Array
    travelled: Array
    heat_left: Array
    remaining: Array
    events: Array
    collisions: Array
    replica: Array


def simulate_piston(
    piston: Piston,
    key: Array,
    *,
    replicas: int,
    duration: float,
    record_every: float,
    warm_up: float | None = None,
    devices: int | None = None,
    progress: bool = False,
) -> PistonRecords:
    """X and V of independent pistons, exact in continuous time, on the grid 0, record_every, ..., duration.

    Between collisions V is constant, so the waiting time is exponential at the rate r_L(V) + r_R(V); the side and the
    flux-weighted velocity of the gas particle follow by inversion of their distributions. The clock of every replica
    is its own; all advance until the last one has passed a block of records. The numbers depend on the key and on
    nothing else: replica 7 is the same among ten and ten thousand, on one device or many.

    Arguments:
        piston: what moves; the precision is that of its parameters.
        key: of all random numbers.
        replicas: R, how many pistons; best a multiple of a thousand.
        duration: of the records [time].
        record_every: time between two records; `duration` is a multiple of it.
        warm_up: time before the records, from a Gaussian V; default 12 relaxation times.
        devices: over how many devices the replicas are spread; default all.
        progress: show a bar.

    Raises:
        ValueError: for times and numbers that are not positive, or a grid that does not end at `duration`.

    >>> from diffneq.models.piston import Piston
    >>> run = simulate_piston(Piston(0.04, (1.0, 2.0)), jax.random.key(0), replicas=4, duration=2.0, record_every=0.5)
    >>> run.displacement.shape
    (4, 5)
    """
    warm_up = 12 * float(piston.relaxation_time) if warm_up is None else warm_up
    rate = float(piston.moment(0, 0.0))
    grid = record_grid("simulate_piston", replicas, duration, record_every, warm_up, rate)
    words = _words_of(key)
    start = lambda identity: initial(piston, words, identity)
    _, blocks = advance_all(MOTION, piston, words, start, replicas, grid, devices, progress)
    return piston_records(piston, blocks, grid.interval)


def initial(piston: Piston, key: Array, replica: Array) -> State:
    """V from a Gaussian of the leading-order mean and temperature: the warm-up corrects what it lacks."""
    dtype = piston.mass.dtype
    bits, _ = threefry((key[0], key[1]), (jnp.full_like(replica, np.uint32(2**32 - 1)), replica))
    spread = jnp.sqrt(piston.temperature / piston.mass)
    zero, none = jnp.zeros(replica.shape, dtype), jnp.zeros(replica.shape, jnp.uint32)
    velocity = piston.mean_velocity + spread * normal(bits, np.dtype(dtype))
    return State(velocity, zero, zero, zero, none, none, replica)


def propose(piston: Piston, state: State, words: tuple[Array, Array]) -> tuple[Array, Array]:
    """The time until the next collision at constant V, and V after it."""
    dtype = np.dtype(piston.mass.dtype)
    left, right = piston.collision_rates(state.velocity)
    wait = -jnp.log(uniform(words[0], dtype)) / (left + right)
    return wait, _after_collision(piston, state.velocity, left, right, uniform(words[1], dtype))


def _after_collision(piston: Piston, velocity: Array, left: Array, right: Array, u: Array) -> Array:
    """One random number decides on the side and on the speed: the gas on the left pushes to the right."""
    speed_left, speed_right = piston.thermal_speeds
    place = u * (left + right)
    is_left = place < left
    side = jnp.where(is_left, 1, -1).astype(u.dtype)
    speed = jnp.where(is_left, speed_left, speed_right)
    survival = jnp.where(is_left, place / left, (place - left) / right)
    edge = jnp.finfo(u.dtype).epsneg
    relative = effusion_velocity(side * velocity / speed, jnp.clip(survival, edge, 1 - edge))
    return velocity + piston.exchange * side * speed * relative


def advance(piston: Piston, state: State, proposal, active: Array, interval: Array) -> tuple[State, Array]:
    """To the proposed collision or the next record, whichever comes first; whether it was a record.

    A waiting time that reaches beyond the record is forgotten there: an exponential law has no memory.
    """
    wait, after = proposal
    collides = active & (wait < state.remaining)
    records = active & ~collides
    passed = jnp.where(active, jnp.minimum(wait, state.remaining), 0)
    gain = 0.5 * piston.mass * (after - state.velocity) * (after + state.velocity)
    from_left = collides & (after > state.velocity)
    moved = State(
        velocity=jnp.where(collides, after, state.velocity),
        travelled=state.travelled + state.velocity * passed,
        heat_left=state.heat_left + jnp.where(from_left, gain, 0),
        remaining=jnp.where(records, interval, state.remaining - passed),
        events=state.events + active.astype(jnp.uint32),
        collisions=state.collisions + collides.astype(jnp.uint32),
        replica=state.replica,
    )
    return moved, records


MOTION = Motion(propose, advance)


class PistonPaths(eqx.Module):
    """V and the displacement of many pistons, step by step: the process that `large_deviations.cloning` needs."""

    piston: Piston

    def start(self, key: Array, population: int) -> Array:
        """V from a Gaussian of the leading-order mean and temperature, (population,)."""
        return initial(self.piston, _words_of(key), jnp.arange(population, dtype=jnp.uint32)).velocity

    def advance(self, velocity: Array, key: Array, interval) -> tuple[Array, Array]:
        """V after `interval`, and the displacement meanwhile."""
        none = jnp.zeros(velocity.shape, jnp.uint32)
        zero = jnp.zeros_like(velocity)
        interval = jnp.asarray(interval, velocity.dtype)
        replica = jnp.arange(velocity.size, dtype=jnp.uint32)
        state = State(velocity, zero, zero, jnp.broadcast_to(interval, velocity.shape), none, none, replica)
        state, rows = advance_tile(MOTION, 1, self.piston, _words_of(key), state, interval, jnp.int32(1))
        return state.velocity, rows["travelled"][0]


def _words_of(key: Array) -> Array:
    return jax.random.key_data(key).reshape(-1)[:2]


def piston_records(piston: Piston, blocks: dict[str, np.ndarray], interval: float) -> PistonRecords:
    """Sums over the increments between records, in double precision; the first record is the origin."""
    velocity, travelled = blocks["velocity"].astype(np.float64), blocks["travelled"].astype(np.float64)
    heat_left = np.cumsum(blocks["heat_left"].astype(np.float64)[:, 1:], axis=1)
    origin = np.zeros((len(velocity), 1))
    energy = 0.5 * float(piston.mass) * (velocity**2 - velocity[:, :1] ** 2)
    heat_left = np.concatenate([origin, heat_left], axis=1)
    return PistonRecords(
        time=interval * np.arange(velocity.shape[1]),
        displacement=np.concatenate([origin, np.cumsum(travelled[:, 1:], axis=1)], axis=1),
        velocity=velocity,
        heat_left=heat_left,
        heat_right=energy - heat_left,
        collisions=blocks["collisions"],
    )
