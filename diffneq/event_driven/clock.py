"""Replicas that each keep their own time, advanced together from record to record.

A motion has two parts. `propose(system, state, words)` finds the next collision of every replica, the costly part,
with two random words for each; `advance(system, state, proposal, active, interval)` takes it there or to its next
record, whichever comes first. A compiled block does this for all replicas of a tile in lockstep until each has filled
its records; who is done waits for the last one. Blocks are long enough that this wait costs little.

Proposals, and the random words for the next ones, are carried from one turn of the loop to the next, because XLA's CPU
compiler would else compute them again for every part of the state that depends on them: thrice the time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, NamedTuple, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.sharding import PartitionSpec

from diffneq.dynamics.noise import threefry

_EVENTS_BETWEEN_CHECKS = 8
_EVENTS_IN_A_BLOCK = 2000.0
_MOST_SLOTS = 512
_MOST_VALUES = 2**24  # of one recorded quantity in a block
_TILE = {"cpu": 1024}  # the state of a tile stays in the cache of a core; elsewhere all replicas are one tile


class Clocked(Protocol):
    """A state whose arrays end with the axis of replicas; its summed parts count from the last record."""

    recorded: ClassVar[tuple[str, ...]]
    summed: ClassVar[tuple[str, ...]]
    remaining: Array  # time until the next record
    events: Array  # uint32: collisions and records so far
    collisions: Array
    replica: Array  # uint32


class Motion(NamedTuple):
    """What a system does; functions of a module, because a new one would be compiled anew."""

    propose: Callable
    advance: Callable


class Grid(NamedTuple):
    """Records at 0, interval, ..., (rows - 1) interval after a warm-up; `slots` of them fit into a block."""

    rows: int
    interval: float
    warm_up: float
    slots: int


def record_grid(owner: str, replicas: int, duration: float, record_every: float, warm_up: float, rate: float) -> Grid:
    """The grid of a run, with ValueError where there is none; `rate` is the number of events per time."""
    if replicas < 1:
        raise ValueError(f"{owner}: replicas must be 1 or more, got {replicas}.")
    for name, value in (("duration", duration), ("record_every", record_every)):
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"{owner}: {name} must be positive and finite, got {value}.")
    if not (np.isfinite(warm_up) and warm_up >= 0):
        raise ValueError(f"{owner}: warm_up must be zero or positive, and finite, got {warm_up}.")
    count = round(duration / record_every)
    if count < 1 or abs(count * record_every - duration) > 1e-6 * duration:
        raise ValueError(f"{owner}: duration {duration:g} must be a multiple of record_every {record_every:g}.")
    wanted = _EVENTS_IN_A_BLOCK / max(rate * record_every, 1.0)
    most = max(1, min(_MOST_SLOTS, _MOST_VALUES // replicas))
    slots = 2 ** int(np.log2(np.clip(wanted, 1, most)))
    return Grid(count + 1, float(record_every), float(warm_up), slots)


def advance_all(
    motion: Motion,
    system: Any,
    key: Array,
    start: Callable[[Array], Any],
    replicas: int,
    grid: Grid,
    devices: int | None = None,
    progress: bool = False,
) -> tuple[Any, dict[str, np.ndarray]]:
    """Run `replicas` over the grid: the final state, and what was recorded, name -> (replicas, rows).

    Arguments: `motion` of `system`; `key` (2,) words; `start(identities)`, the states of replicas numbered so;
    `devices`, how many to use, default all.
    """
    mesh, tiles, tile = _layout(replicas, devices)
    identity = jnp.arange(tiles * tile, dtype=jnp.uint32).reshape(tiles, tile)
    state = jax.jit(jax.vmap(start))(identity)
    dtype = state.remaining.dtype
    state = eqx.tree_at(lambda s: s.remaining, state, jnp.full((tiles, tile), grid.warm_up, dtype))
    interval, rows = jnp.asarray(grid.interval, dtype), {name: [] for name in state.recorded}
    with _bar(grid, progress) as bar:
        done = 0
        while done < grid.rows:
            count = min(grid.slots, grid.rows - done) if done else 1
            state, block = _block(motion, grid.slots, mesh, system, key, state, interval, jnp.int32(count))
            for name, values in block.items():  # (tiles, slots, tile) -> (replicas, count)
                taken = np.moveaxis(np.asarray(values), 1, 2).reshape(tiles * tile, -1)
                rows[name].append(taken[:replicas, :count])
            if not done:  # collisions count from the first record
                state = eqx.tree_at(lambda s: s.collisions, state, jnp.zeros_like(state.collisions))
            done += count
            bar.update(count)
    records = {name: np.concatenate(parts, axis=1) for name, parts in rows.items()}
    return state, records | {"collisions": np.asarray(state.collisions).reshape(-1)[:replicas]}


@partial(jax.jit, static_argnames=("motion", "slots", "mesh"))
def _block(motion, slots: int, mesh, system, key, state, interval, count):
    """`count` records of every replica, at most `slots`, on all devices."""

    def local(system, key, state, interval, count):
        return lax.map(lambda tile: advance_tile(motion, slots, system, key, tile, interval, count), state)

    if mesh is None:
        return local(system, key, state, interval, count)
    same, split = PartitionSpec(), PartitionSpec("tile")
    specs = (same, same, split, same, same)
    return jax.shard_map(local, mesh=mesh, in_specs=specs, out_specs=split, check_vma=False)(
        system, key, state, interval, count
    )


def advance_tile(motion: Motion, slots: int, system, key, state, interval, count):
    """The state after `count` records, at most `slots`, and what was recorded, name -> (slots, replicas)."""
    shape = state.remaining.shape
    lane = jnp.arange(shape[0], dtype=jnp.int32)
    empty = {name: jnp.zeros((slots, *shape), state.remaining.dtype) for name in state.recorded}

    def one(_, carried):
        state, proposal, ahead, filled, rows = carried
        active = filled < count
        state, recorded = motion.advance(system, state, proposal, active, interval)
        place = jnp.where(recorded, filled, slots)  # past the end: nothing is written
        write = lambda row, value: row.at[place, lane].set(value, mode="drop", unique_indices=True)
        rows = {name: write(rows[name], getattr(state, name)) for name in rows}
        sums = {name: jnp.where(recorded, 0, getattr(state, name)) for name in state.summed}
        state = eqx.tree_at(lambda s: [getattr(s, name) for name in sums], state, list(sums.values()))
        next_one = motion.propose(system, state, ahead)
        proposal = jax.tree.map(lambda new, old: jnp.where(active, new, old), next_one, proposal)
        return state, proposal, _words(key, state, 1), filled + recorded.astype(jnp.int32), rows

    unfinished = lambda carried: jnp.any(carried[3] < count)
    several = lambda carried: lax.fori_loop(0, _EVENTS_BETWEEN_CHECKS, one, carried)
    proposal = motion.propose(system, state, _words(key, state, 0))
    first = (state, proposal, _words(key, state, 1), jnp.zeros(shape, jnp.int32), empty)
    last = lax.while_loop(unfinished, several, first)
    return last[0], last[4]


def _words(key: Array, state: Any, ahead: int) -> tuple[Array, Array]:
    """The random words of a replica's next event, or of the one after."""
    return threefry((key[0], key[1]), (state.events + np.uint32(ahead), state.replica))


def _layout(replicas: int, devices: int | None):
    """The mesh (None for one device), the number of tiles, a multiple of the devices, and the replicas in each."""
    present = jax.local_devices()
    if devices is not None and not 1 <= devices <= len(present):
        raise ValueError(f"devices = {devices}, but this process has {len(present)}.")
    used = present[: min(devices or len(present), replicas)]
    most = _TILE.get(used[0].platform, replicas)
    tiles = len(used) * -(-replicas // (most * len(used)))
    tile = -(-replicas // tiles)
    if len(used) == 1:
        return None, tiles, tile
    axis = (jax.sharding.AxisType.Auto,)
    return jax.make_mesh((len(used),), ("tile",), devices=used, axis_types=axis), tiles, tile


def _bar(grid: Grid, progress: bool):
    from tqdm import tqdm

    return tqdm(total=grid.rows, desc="collisions", unit="record", disable=not progress)
