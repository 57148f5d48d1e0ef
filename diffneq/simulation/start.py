"""From arguments to a starting state: checks at the rim, devices, padding."""

from __future__ import annotations

import inspect

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffneq.drives import Clock
from diffneq.dynamics.state import State
from diffneq.particles import share
from diffneq.particles.space import to_anchor
from diffneq.simulation.chunk import Batch

# Smaller systems lose more by the exchange of positions in every step than they gain.
_SPLIT_FROM = 2000


def check_arguments(model, dynamics, drive, keys, steps, record_every, record, in_axes):
    """Keys of shape (R,) and the names to record; raises ValueError with the right call in the sentence."""
    if not hasattr(dynamics, "step"):
        raise ValueError("dynamics must be an equation of motion, for example diffneq.dynamics.Langevin(...).")
    if drive is not None and not callable(drive):
        raise ValueError("drive must be a field in time, for example diffneq.drives.Constant(0.1), or None.")
    keys = _check_keys(keys)
    _check_steps(steps, record_every)
    names = _check_names(model, record)
    if not isinstance(in_axes, tuple) or len(in_axes) != 3:
        raise ValueError(
            "in_axes must be a tuple of three, (model, dynamics, drive), as the second result of "
            f"diffneq.sweeps.batching.stack; got {in_axes!r}."
        )
    for tree, axes in zip((model, dynamics, drive), in_axes, strict=True):
        _check_axes(tree, axes, len(keys))
    _check_system(*one_replica(Batch((model, dynamics, drive), in_axes), 0))
    return keys, names


def _check_keys(keys):
    keys = jnp.asarray(keys) if not isinstance(keys, jax.Array) else keys
    if not jnp.issubdtype(keys.dtype, jax.dtypes.prng_key):
        raise ValueError("keys must be typed keys: jax.random.split(jax.random.key(0), replicas).")
    if keys.ndim > 1 or keys.size == 0:
        raise ValueError(f"keys must be one typed key, or R of them in shape (R,); got shape {keys.shape}.")
    return keys.reshape(-1)


def _check_steps(steps, record_every) -> None:
    whole = all(np.ndim(n) == 0 and not isinstance(n, bool) and int(n) == n and n >= 1 for n in (steps, record_every))
    if not whole:
        raise ValueError(f"steps and record_every must be positive integers, got {steps} and {record_every}.")
    if steps % record_every:
        raise ValueError(f"steps = {steps} must be a multiple of record_every = {record_every}.")
    if steps >= 2**32:
        raise ValueError("a run may have at most 2^32 - 1 steps; continue it with start=result.state.")


def _check_names(model, record) -> tuple[str, ...]:
    if isinstance(record, str):
        raise ValueError(f"record is a tuple of names: record=({record!r},).")
    names = tuple(model.recorded) if record is None else tuple(record)
    unknown = [n for n in names if n not in model.units]
    if unknown:
        raise ValueError(f"{type(model).__name__} records {sorted(model.units)}; it does not know {unknown}.")
    return names


def _check_system(model, dynamics, drive) -> None:
    """One replica: do dynamics and model fit, and are time step and field scalars?"""
    if jnp.shape(dynamics.dt) != ():
        raise ValueError(
            f"dt must be a scalar for each replica, got shape {jnp.shape(dynamics.dt)}; stack replicas with "
            "diffneq.sweeps.batching.stack and pass in_axes."
        )
    if hasattr(dynamics, "check"):
        dynamics.check(model)
    if drive is None:
        return
    shape = jax.eval_shape(lambda d, dt: d(Clock(jnp.uint32(0), dt)), drive, dynamics.dt).shape
    if shape != ():
        raise ValueError(
            f"The drive gives fields of shape {shape} where each replica needs a scalar; stack one drive for each "
            "replica with diffneq.sweeps.batching.stack and pass in_axes."
        )


def _check_axes(tree, axes, replicas: int) -> None:
    def check(axis, part):
        if axis is None:
            return
        if axis != 0:
            raise ValueError(f"in_axes may hold 0 (stacked over replicas) and None (shared), got {axis!r}.")
        for leaf in jax.tree.leaves(part):
            if np.ndim(leaf) < 1 or np.shape(leaf)[0] != replicas:
                raise ValueError(
                    f"in_axes says that a leaf of shape {np.shape(leaf)} is stacked over replicas, but there are "
                    f"{replicas} keys; use diffneq.sweeps.batching.stack on {replicas} points."
                )

    jax.tree.map(check, axes, tree, is_leaf=lambda x: x is None)


def mesh_over(devices, batch: Batch, replicas: int):
    """A mesh for the replicas or, where they are fewer than the devices, for the particles; None for one device."""
    if devices is None:
        devices = jax.local_devices()
    elif isinstance(devices, int):
        if devices < 1 or devices > len(jax.local_devices()):
            raise ValueError(f"devices = {devices}, but this process has {len(jax.local_devices())}.")
        devices = jax.local_devices()[:devices]
    devices = list(devices)
    axis = share.AXIS if _can_split(batch, replicas, len(devices)) else "run"
    devices = devices[: max(1, replicas)] if axis == "run" else devices
    if len(devices) == 1:
        return None, devices
    return jax.make_mesh((len(devices),), (axis,), devices=devices, axis_types=(jax.sharding.AxisType.Auto,)), devices


def _can_split(batch: Batch, replicas: int, devices: int) -> bool:
    """Whether a system is large enough, and of a kind, to be spread over the devices."""
    (model, dynamics, _), axes = batch.system, batch.axes[0]
    size = sum(model.counts)
    if replicas >= devices or size < _SPLIT_FROM or size % devices or axes is not None:
        return False
    return getattr(model, "can_share", False) and getattr(dynamics, "can_share", True)


def padding(count: int, mesh) -> np.ndarray:
    """Which replica runs in each place: the last one is repeated until the devices share evenly."""
    extra = 0 if mesh is None or mesh.axis_names == (share.AXIS,) else -count % mesh.size
    return np.minimum(np.arange(count + extra), count - 1)


def pad_replicas(batch: Batch, places: np.ndarray) -> Batch:
    """The batch with these replicas."""
    if np.array_equal(places, np.arange(len(places))):
        return batch
    grow = lambda axis, part: part if axis is None else jax.tree.map(lambda x: jnp.asarray(x)[places], part)
    system = tuple(
        jax.tree.map(grow, a, t, is_leaf=lambda x: x is None) for a, t in zip(batch.axes, batch.system, strict=True)
    )
    return Batch(system, batch.axes)


def one_replica(batch: Batch, r: int):
    """Model, dynamics and drive of replica r."""
    pick = lambda axis, part: part if axis is None else jax.tree.map(lambda x: x[r], part)
    return tuple(
        jax.tree.map(pick, a, t, is_leaf=lambda x: x is None) for a, t in zip(batch.axes, batch.system, strict=True)
    )


def _given(array, replicas: int, size: int, dimension: int, dtype, what: str):
    """Positions or velocities (N, d) or (R, N, d) as d arrays (R, N)."""
    array = jnp.asarray(array, dtype)
    if array.ndim == 2:
        array = jnp.broadcast_to(array[None], (replicas, *array.shape))
    if array.shape != (replicas, size, dimension):
        raise ValueError(
            f"start: {what} must have shape ({size}, {dimension}) or ({replicas}, {size}, {dimension}), "
            f"got {array.shape}."
        )
    if not bool(jnp.all(jnp.isfinite(array))):
        raise ValueError(f"start: {what} must be finite.")
    return tuple(array[..., a] for a in range(dimension))


def starting_state(batch: Batch, keys, start) -> State:
    """The state of all replicas before the first step; forces are still zero."""
    replicas = len(keys)
    if isinstance(start, State):
        count = start.step.shape[0]
        if count not in (1, replicas):
            raise ValueError(f"start is a state of {count} replicas, but there are {replicas} keys.")
        spread = lambda x: jnp.broadcast_to(x, (replicas, *x.shape[1:])) if count == 1 else x
        start = jax.tree.map(spread, start)
        # A continued run keeps its clock; new keys start new noise.
        return eqx.tree_at(lambda s: s.key, start, _noise_keys(keys))
    model = batch.system[0]
    size, dimension = sum(model.counts), model.box.dimension
    if start is None:
        places = [_initial(*one_replica(batch, r)[:2], jax.random.fold_in(keys[r], 0)) for r in range(replicas)]
        positions, velocities = (
            tuple(jnp.stack([p[which][a] for p in places]) for a in range(dimension)) for which in (0, 1)
        )
    else:
        if not isinstance(start, (tuple, list)) or len(start) != 2:
            raise ValueError("start is None, (positions, velocities), or the state of an earlier result.")
        dtype = jnp.result_type(model.mass)
        positions = _given(start[0], replicas, size, dimension, dtype, "positions")
        velocities = _given(start[1], replicas, size, dimension, dtype, "velocities")
        _check_fixed(model, velocities)
    anchor, rest = batch.map(lambda m, _, __, x: to_anchor(m.box, x), positions)
    zero = tuple(jnp.zeros_like(v) for v in velocities)
    return State(rest, velocities, zero, anchor, jnp.zeros(replicas, jnp.uint32), _noise_keys(keys))


def _check_fixed(model, velocities) -> None:
    """Species that do not move must be given at rest."""
    first = 0
    for count, moves in zip(model.counts, model.mobile, strict=True):
        here = slice(first, first + count)
        if not moves and any(bool(jnp.any(v[:, here] != 0)) for v in velocities):
            raise ValueError(f"start: particles {first} to {first + count - 1} do not move; give them velocity 0.")
        first += count


def _noise_keys(keys):
    return jax.vmap(lambda k: jax.random.key_data(jax.random.fold_in(k, 1))[:2])(keys)


def _initial(model, dynamics, key):
    """The model's own start; one without a temperature of its own takes that of the bath."""
    if "temperature" in inspect.signature(model.initial).parameters:
        return model.initial(key, temperature=getattr(dynamics, "temperature", 1.0))
    return model.initial(key)
