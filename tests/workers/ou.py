"""An Ornstein-Uhlenbeck process with the call signature of `simulate`, for sweeps that must be quick.

In a worker (environment OU_WORKER) importing this module puts the stand-in where sweep looks for `simulate`.
"""

import functools
import os
import signal
import sys
import time
import types
from dataclasses import dataclass, field

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np


class Well(eqx.Module):
    stiffness: jax.Array
    start: jax.Array  # (sites,)


class Bath(eqx.Module):
    temperature: float
    dt: float = 0.1


class Push(eqx.Module):
    force: jax.Array


@dataclass
class Result:
    records: dict
    time: np.ndarray
    status: np.ndarray
    failures: list
    units: dict = field(default_factory=dict)


CALLS: list[tuple] = []  # (size of the batch, devices) of every call in this process
BEFORE: list = []  # functions to call, one at the start of each call


def _one(well, bath, push, key, steps, record_every):
    def step(x, i):
        noise = jax.random.normal(jax.random.fold_in(key, i), x.shape, x.dtype)
        x = x - bath.dt * (well.stiffness * x - push.force) + jnp.sqrt(2 * bath.temperature * bath.dt) * noise
        return x, jnp.mean(x)

    _, means = jax.lax.scan(step, well.start, jnp.arange(steps))
    return means.reshape(-1, record_every).mean(1)


@functools.cache
def _program(axes, treedef, steps, every):
    in_axes = jax.tree.unflatten(treedef, axes)
    return jax.jit(jax.vmap(lambda p, k: _one(*p, k, steps, every), in_axes=(in_axes, 0)))


def simulate(model, dynamics, drive, *, steps, record_every=1, keys, in_axes=0, progress=True, devices=None):
    """Records "position" (R, n_records); a run pushed by more than 10 fails."""
    CALLS.append((len(keys), devices))
    if BEFORE:
        BEFORE.pop(0)()
    parts = (model, dynamics, drive)

    leaves = tuple(jax.tree.leaves(in_axes, is_leaf=lambda x: x is None))
    x = np.asarray(_program(leaves, jax.tree.structure(parts), steps, record_every)(parts, keys))
    status = np.broadcast_to(np.where(np.abs(np.asarray(drive.force)) > 10, 2, 0), (len(x),)).astype(np.int64)
    failures = [f"replica {r} ran away: the push is too strong" for r in np.flatnonzero(status)]
    ends = np.asarray(dynamics.dt)[..., None] * record_every * np.arange(1, x.shape[1] + 1)
    return Result({"position": x, "force": x * 0}, ends, status, failures, {"position": "L", "time": "tau"})


fake = types.ModuleType("diffneq.simulation.loop")
setattr(fake, "simulate", simulate)  # noqa: B010


def install():
    """Take the place of diffneq.simulate in this process."""
    sys.modules["diffneq.simulation.loop"] = fake


def in_worker():
    """For a worker's initializer."""
    os.environ["OU_WORKER"] = "1"
    install()


if os.environ.get("OU_WORKER"):
    install()


def build(force=0.5, stiffness=1.0, sites=3):
    well = Well(jnp.asarray(stiffness), jnp.zeros(sites))
    return well, Bath(0.5), Push(jnp.asarray(force))


def build_raising(force=0.5):
    """Builds everywhere, raises in the worker at a force of 0.3."""
    if force == 0.3 and os.environ.get("OU_WORKER"):
        raise RuntimeError("the packing did not converge")
    return build(force)


def build_killed(force=0.5, flag=None):
    """The first worker that builds force 0.3 dies by SIGKILL; `flag` is a folder that remembers it."""
    if force == 0.3 and os.environ.get("OU_WORKER"):
        try:
            os.mkdir(flag)
        except FileExistsError:
            pass
        else:
            time.sleep(0.3)
            os.kill(os.getpid(), signal.SIGKILL)
    return build(force)
