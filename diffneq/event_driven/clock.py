"""Replicas that each keep their own time, advanced together from record to record.

An event takes a replica to its next collision or its next record. A compiled block makes events, for all replicas of
a tile in lockstep, until each has filled its records; who is done waits for the last one. Blocks are long enough that
this wait costs little.
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

_EVENTS_BETWEEN_CHECKS = 8
_EVENTS_IN_A_BLOCK = 2000.0
_MOST_SLOTS = 32
_TILE = {"cpu": 1024}  # the state of a tile stays in the cache of a core; elsewhere all replicas are one tile


class Clocked(Protocol):
    """A state whose arrays end with the axis of replicas; its summed parts count from the last record."""

    recorded: ClassVar[tuple[str, ...]]
    summed: ClassVar[tuple[str, ...]]
    remaining: Array
    collisions: Array


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
    slots = 2 ** int(np.clip(np.ceil(np.log2(wanted)), 0, np.log2(_MOST_SLOTS)))
    return Grid(count + 1, float(record_every), float(warm_up), slots)


def advance_all(
    event: Callable,
    system: Any,
    key: Array,
    start: Callable[[Array], Any],
    replicas: int,
    grid: Grid,
    devices: int | None = None,
    progress: bool = False,
) -> tuple[Any, dict[str, np.ndarray]]:
    """Run `replicas` over the grid: the final state, and what was recorded, name -> (replicas, rows).

    Arguments: `event(system, key, state, active, interval) -> (state, recorded)` for one tile; `start(identities)`,
    the states of replicas numbered so; `key` (2,) words; `devices`, how many to use, default all.
    """
    mesh, tiles, tile = _layout(replicas, devices)
    identity = jnp.arange(tiles * tile, dtype=jnp.uint32).reshape(tiles, tile)
    state = jax.vmap(start)(identity)
    dtype = state.remaining.dtype
    state = eqx.tree_at(lambda s: s.remaining, state, jnp.full((tiles, tile), grid.warm_up, dtype))
    interval, rows = jnp.asarray(grid.interval, dtype), {name: [] for name in state.recorded}
    with _bar(grid, progress) as bar:
        done = 0
        while done < grid.rows:
            count = min(grid.slots, grid.rows - done) if done else 1
            state, block = _block(event, grid.slots, mesh, system, key, state, interval, jnp.int32(count))
            for name, values in block.items():  # (tiles, slots, tile) -> (replicas, count)
                taken = np.moveaxis(np.asarray(values), 1, 2).reshape(tiles * tile, -1)
                rows[name].append(taken[:replicas, :count])
            if not done:  # collisions count from the first record
                state = eqx.tree_at(lambda s: s.collisions, state, jnp.zeros_like(state.collisions))
            done += count
            bar.update(count)
    records = {name: np.concatenate(parts, axis=1) for name, parts in rows.items()}
    return state, records | {"collisions": np.asarray(state.collisions).reshape(-1)[:replicas]}


@partial(jax.jit, static_argnames=("event", "slots", "mesh"))
def _block(event, slots: int, mesh, system, key, state, interval, count):
    """`count` records of every replica, at most `slots`, on all devices."""

    def local(system, key, state, interval, count):
        return lax.map(lambda tile: _tile(event, slots, system, key, tile, interval, count), state)

    if mesh is None:
        return local(system, key, state, interval, count)
    same, split = PartitionSpec(), PartitionSpec("tile")
    specs = (same, same, split, same, same)
    return jax.shard_map(local, mesh=mesh, in_specs=specs, out_specs=split, check_vma=False)(
        system, key, state, interval, count
    )


def _tile(event, slots: int, system, key, state, interval, count):
    shape = state.remaining.shape
    place = jnp.arange(slots, dtype=jnp.int32)[:, None]
    empty = {name: jnp.zeros((slots, *shape), state.remaining.dtype) for name in state.recorded}

    def one(_, carried):
        state, filled, rows = carried
        active = filled < count
        state, recorded = event(system, key, state, active, interval)
        here = recorded[None, :] & (place == filled[None, :])
        rows = {name: jnp.where(here, getattr(state, name)[None, :], rows[name]) for name in rows}
        sums = {name: jnp.where(recorded, 0, getattr(state, name)) for name in state.summed}
        state = eqx.tree_at(lambda s: [getattr(s, name) for name in sums], state, list(sums.values()))
        return state, filled + recorded.astype(jnp.int32), rows

    unfinished = lambda carried: jnp.any(carried[1] < count)
    several = lambda carried: lax.fori_loop(0, _EVENTS_BETWEEN_CHECKS, one, carried)
    state, _, rows = lax.while_loop(unfinished, several, (state, jnp.zeros(shape, jnp.int32), empty))
    return state, rows


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
