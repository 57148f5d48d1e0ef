"""The piston with its gases: particles that fly, meet the piston, and are warmed again at the outer walls."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq._parameters import check_positive, float_leaf
from diffneq.dynamics.noise import normal, threefry, uniform
from diffneq.event_driven.clock import Motion, advance_all, record_grid
from diffneq.event_driven.piston import piston_records
from diffneq.event_driven.records import PistonRecords
from diffneq.models.piston import Piston


class GasPiston(eqx.Module):
    """M dV = sum of elastic collisions with N_L + N_R free particles in one dimension between thermal walls.

    Gas b fills the length l_b = N_b T_b/(p A), so that it has the piston's pressure in the middle, and does not see
    the other gas or itself. A particle that reaches the outer wall comes back with the flux-weighted Maxwell velocity
    of T_b. The pressure of a gas of finite length follows the displacement, a spring of about p A (1/l_L + 1/l_R), and
    the particles return: the ideal reservoirs of `Piston` are the limit of many particles, for times that are short
    against l_b divided by their speed; see `departure`. For m/M = 0.04, T = 1, 4, the variance of the displacement in
    eight relaxation times is 0.20(1), 0.90(5), 0.88(4) of the ideal one for 8, 40 and 200 particles on either side.

    Arguments: `piston`; `particles`, N_L and N_R. Raises `ValueError` for fewer than two on a side.

    >>> gas = GasPiston(Piston(0.04, (1.0, 2.0)), (100, 60))
    >>> [float(length) for length in gas.lengths]
    [100.0, 120.0]
    """

    piston: Piston
    lengths: tuple[Array, Array]
    particles: tuple[int, int] = eqx.field(static=True)

    def __init__(self, piston: Piston, particles: tuple[int, int] = (128, 128)):
        self.piston, self.particles = piston, (int(particles[0]), int(particles[1]))
        if min(self.particles) < 2:
            raise ValueError(f"GasPiston: particles are two numbers of 2 or more, got {particles}.")
        force = piston.pressure * piston.area
        left, right = piston.temperature_left, piston.temperature_right
        self.lengths = float_leaf(self.particles[0] * left / force), float_leaf(self.particles[1] * right / force)
        check_positive("GasPiston", left=self.lengths[0], right=self.lengths[1])

    @property
    def departure(self) -> Array:
        """The spring's rate p A (1/l_L + 1/l_R)/gamma_0 [1/time]: times must be short against its inverse."""
        force = self.piston.pressure * self.piston.area
        return force * (1 / self.lengths[0] + 1 / self.lengths[1]) / self.piston.friction


class State(eqx.Module):
    """Of the replicas of a tile, on the last axis."""

    recorded: ClassVar[tuple[str, ...]] = ("velocity", "travelled", "heat_left")
    summed: ClassVar[tuple[str, ...]] = ("travelled", "heat_left")

    distance: Array  # (N, replicas) of the particles from the piston
    outward: Array  # (N, replicas) their velocities away from it, in the frame of the walls
    place: Array  # of the piston, from the middle
    velocity: Array
    travelled: Array
    heat_left: Array
    remaining: Array
    events: Array
    collisions: Array
    replica: Array


def simulate_gas_piston(
    gas: GasPiston,
    key: Array,
    *,
    replicas: int,
    duration: float,
    record_every: float,
    warm_up: float | None = None,
    devices: int | None = None,
    progress: bool = False,
) -> PistonRecords:
    """X and V of the piston with explicit gases, exact between its events, as `simulate_piston` gives them.

    An event costs N_L + N_R operations. The warm-up (default 6 relaxation times) begins with gases in equilibrium,
    uniform and Maxwellian. Arguments, errors and what the numbers depend on: see `simulate_piston`.

    >>> gas = GasPiston(Piston(0.04, (1.0, 2.0)), (8, 8))
    >>> run = simulate_gas_piston(gas, jax.random.key(0), replicas=2, duration=1.0, record_every=0.5)
    >>> run.velocity.shape
    (2, 3)
    """
    warm_up = 6 * float(gas.piston.relaxation_time) if warm_up is None else warm_up
    rate = 2 * float(gas.piston.moment(0, 0.0))  # as many at the walls as at the piston
    grid = record_grid("simulate_gas_piston", replicas, duration, record_every, warm_up, rate)
    words = jax.random.key_data(key).reshape(-1)[:2]
    _, blocks = advance_all(
        MOTION, gas, words, lambda identity: _initial(gas, words, identity), replicas, grid, devices, progress
    )
    return piston_records(gas.piston, blocks, grid.interval)


def _sides(gas: GasPiston, left, right, dtype) -> Array:
    """One number for each particle, (N, 1), from those of its side."""
    counts = np.array(gas.particles)
    return jnp.repeat(jnp.stack([jnp.asarray(left, dtype), jnp.asarray(right, dtype)]), counts,
                      total_repeat_length=int(counts.sum()))[:, None]  # fmt: skip


def _initial(gas: GasPiston, key: Array, replica: Array) -> State:
    dtype = np.dtype(gas.piston.mass.dtype)
    number = jnp.arange(sum(gas.particles) + 1, dtype=jnp.uint32)[:, None]
    first, second = threefry((key[0], key[1] ^ np.uint32(1)), jnp.broadcast_arrays(number, replica[None, :]))
    spread = jnp.sqrt(gas.piston.temperature / gas.piston.mass)
    velocity = gas.piston.mean_velocity + spread * normal(second[-1], dtype)
    zero, none = jnp.zeros(replica.shape, dtype), jnp.zeros(replica.shape, jnp.uint32)
    distance = uniform(first[:-1], dtype) * _sides(gas, *gas.lengths, dtype)
    outward = normal(second[:-1], dtype) * _sides(gas, *gas.piston.thermal_speeds, dtype)
    return State(distance, outward, zero, velocity, zero, zero, zero, none, none, replica)


def _propose(gas: GasPiston, state: State, words: tuple[Array, Array]) -> tuple[Array, ...]:
    """The time until the next event, which particle has it, whether at the wall, and its random number."""
    dtype = np.dtype(gas.piston.mass.dtype)
    side = _sides(gas, 1, -1, dtype)
    receding = state.outward + side * state.velocity[None]
    gap = _sides(gas, *gas.lengths, dtype) + side * state.place[None] - state.distance
    never = jnp.finfo(dtype).max
    at_piston = jnp.where(receding < 0, state.distance / jnp.where(receding < 0, -receding, 1), never)
    out = state.outward > 0
    at_wall = jnp.where(out, jnp.maximum(gap, 0) / jnp.where(out, state.outward, 1), never)
    both = jnp.minimum(at_piston, at_wall)
    who = jnp.argmin(both, axis=0).astype(jnp.int32)
    return jnp.min(both, axis=0), who, jnp.min(at_wall, axis=0) <= jnp.min(at_piston, axis=0), words[0]


def _advance(gas: GasPiston, state: State, proposal, active: Array, interval: Array) -> tuple[State, Array]:
    """To the proposed event or the next record, whichever comes first; whether it was a record."""
    piston, dtype = gas.piston, np.dtype(gas.piston.mass.dtype)
    wait, who, at_wall, word = proposal
    happens = active & (wait < state.remaining)
    records, hits = active & ~happens, happens & ~at_wall
    passed = jnp.where(active, jnp.minimum(wait, state.remaining), 0)
    side = _sides(gas, 1, -1, dtype)
    receding = state.outward + side * state.velocity[None]
    distance, place = jnp.maximum(state.distance + receding * passed[None], 0), state.place + state.velocity * passed
    mine = (jnp.arange(sum(gas.particles), dtype=jnp.int32)[:, None] == who[None]) & happens[None]
    kick = -piston.exchange * jnp.sum(jnp.where(mine, side * receding, 0), axis=0)
    velocity = state.velocity + jnp.where(hits, kick, 0)
    speeds = _sides(gas, *piston.thermal_speeds, dtype)
    warmed = -speeds * jnp.sqrt(-2 * jnp.log(uniform(word, dtype)))[None]
    outward = jnp.where(mine, jnp.where(at_wall[None], warmed, -receding - side * velocity[None]), state.outward)
    ends = jnp.where(at_wall[None], _sides(gas, *gas.lengths, dtype) + side * place[None], 0)
    gain = 0.5 * piston.mass * (velocity - state.velocity) * (velocity + state.velocity)
    moved = State(
        distance=jnp.where(mine, ends, distance),
        outward=outward,
        place=place,
        velocity=velocity,
        travelled=state.travelled + state.velocity * passed,
        heat_left=state.heat_left + jnp.where(velocity > state.velocity, gain, 0),
        remaining=jnp.where(records, interval, state.remaining - passed),
        events=state.events + active.astype(jnp.uint32),
        collisions=state.collisions + hits.astype(jnp.uint32),
        replica=state.replica,
    )
    return moved, records


MOTION = Motion(_propose, _advance)
