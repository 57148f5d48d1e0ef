"""From arguments to a starting state: checks at the rim, devices, padding."""

from __future__ import annotations

import inspect

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffneq.chunk import Batch
from diffneq.dynamics.state import State
from diffneq.particles.space import to_anchor


def check_arguments(model, dynamics, drive, keys, steps, record_every, record, in_axes):
    """Keys of shape (R,) and the names to record; raises ValueError with the right call in the sentence."""
    if not hasattr(dynamics, "step"):
        raise ValueError("dynamics must be an equation of motion, for example diffneq.dynamics.Langevin(...).")
    if drive is not None and not callable(drive):
        raise ValueError("drive must be a field in time, for example diffneq.drives.Constant(0.1), or None.")
    keys = jnp.asarray(keys) if not isinstance(keys, jax.Array) else keys
    if not jnp.issubdtype(keys.dtype, jax.dtypes.prng_key):
        raise ValueError("keys must be typed keys: jax.random.split(jax.random.key(0), replicas).")
    keys = keys.reshape(-1) if keys.ndim < 2 else keys
    if keys.ndim != 1:
        raise ValueError(f"keys must have shape (R,), got {keys.shape}.")
    if int(steps) != steps or steps < 1 or int(record_every) != record_every or record_every < 1:
        raise ValueError(f"steps and record_every must be positive integers, got {steps} and {record_every}.")
    if steps % record_every:
        raise ValueError(f"steps = {steps} must be a multiple of record_every = {record_every}.")
    if steps >= 2**32:
        raise ValueError("a run may have at most 2^32 - 1 steps; continue it with start=result.state.")
    names = tuple(model.recorded) if record is None else tuple(record)
    unknown = [n for n in names if n not in model.units]
    if unknown:
        raise ValueError(f"{type(model).__name__} records {sorted(model.units)}; it does not know {unknown}.")
    for tree, axes in zip((model, dynamics, drive), in_axes, strict=True):
        _check_axes(tree, axes, len(keys))
    return keys, names


def _check_axes(tree, axes, replicas: int) -> None:
    def check(axis, part):
        if axis is None:
            return
        for leaf in jax.tree.leaves(part):
            if np.ndim(leaf) < 1 or np.shape(leaf)[0] != replicas:
                raise ValueError(
                    f"in_axes says that a leaf of shape {np.shape(leaf)} is stacked over replicas, but there are "
                    f"{replicas} keys; use diffneq.sweep.batching.stack on {replicas} points."
                )

    jax.tree.map(check, axes, tree, is_leaf=lambda x: x is None)


def mesh_over(devices, replicas: int):
    """A mesh for the replicas, or None for a single device."""
    if devices is None:
        devices = jax.local_devices()
    elif isinstance(devices, int):
        if devices < 1 or devices > len(jax.local_devices()):
            raise ValueError(f"devices = {devices}, but this process has {len(jax.local_devices())}.")
        devices = jax.local_devices()[:devices]
    devices = list(devices)[: max(1, replicas)]
    if len(devices) == 1:
        return None, devices
    return jax.make_mesh((len(devices),), ("run",), devices=devices, axis_types=(jax.sharding.AxisType.Auto,)), devices


def pad_replicas(batch: Batch, keys, mesh):
    """Repeat the last replica until the devices share evenly; `valid` marks the real ones."""
    count = len(keys)
    extra = 0 if mesh is None else -count % mesh.size
    valid = np.arange(count + extra) < count
    if not extra:
        return batch, keys, valid
    index = np.minimum(np.arange(count + extra), count - 1)
    grow = lambda axis, part: part if axis is None else jax.tree.map(lambda x: jnp.asarray(x)[index], part)
    system = tuple(
        jax.tree.map(grow, a, t, is_leaf=lambda x: x is None) for a, t in zip(batch.axes, batch.system, strict=True)
    )
    return Batch(system, batch.axes), keys[index], valid


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
        raise ValueError(f"start: {what} must have shape ({size}, {dimension}) or ({replicas}, {size}, {dimension}), got {array.shape}.")
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
    model, dynamics, _ = batch.system
    size, dimension = sum(model.counts), model.box.dimension
    if start is None:
        places = [_initial(*one_replica(batch, r)[:2], jax.random.fold_in(keys[r], 0)) for r in range(replicas)]
        positions, velocities = (
            tuple(jnp.stack([p[which][a] for p in places]) for a in range(dimension)) for which in (0, 1)
        )
    else:
        dtype = jnp.result_type(model.mass)
        positions = _given(start[0], replicas, size, dimension, dtype, "positions")
        velocities = _given(start[1], replicas, size, dimension, dtype, "velocities")
    anchor, rest = batch.map(lambda m, _, __, x: to_anchor(m.box, x), positions)
    zero = tuple(jnp.zeros_like(v) for v in velocities)
    return State(rest, velocities, zero, anchor, jnp.zeros(replicas, jnp.uint32), _noise_keys(keys))


def _noise_keys(keys):
    return jax.vmap(lambda k: jax.random.key_data(jax.random.fold_in(k, 1))[:2])(keys)


def _initial(model, dynamics, key):
    """The model's own start; one without a temperature of its own takes that of the bath."""
    if "temperature" in inspect.signature(model.initial).parameters:
        return model.initial(key, temperature=getattr(dynamics, "temperature", 1.0))
    return model.initial(key)
