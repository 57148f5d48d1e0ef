"""Many states at once: chunks that stay in the cache, on all devices, without a program for every length."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import P

from diffneq.thermo.fluids.density import at_temperature_pressure, branch_density, outside
from diffneq.thermo.fluids.helmholtz import Fluid
from diffneq.thermo.fluids.states import State
from diffneq.thermo.fluids.status import NOT_CONVERGED

_WIDTH = 2048  # lanes of a chunk
_FEW_STEPS = 16
_UNCERTAIN = 2e-3  # relative distance from the start for the saturation pressure within which the phase is not clear

Function = Callable[..., Any]


def in_batches(function: Function, model: Fluid, *arrays: np.ndarray) -> Any:
    """function(model, *arrays) for arrays (B,) of any length; the results are arrays of NumPy.

    `function` works lane by lane and is one object that lives as long as its program is wanted: it is compiled once for
    every power of two of chunks, whatever the number of states.
    """
    count = len(arrays[0])
    devices = jax.local_device_count() if count > 4 * _WIDTH else 1
    width = _WIDTH if count > _WIDTH // 4 else _power_of_two(count)
    chunks = -(-count // width)
    blocks = _power_of_two(-(-chunks // devices))
    padded = devices * blocks * width
    pad = lambda a: np.concatenate([a, np.full(padded - count, a[-1])]).reshape(devices * blocks, width)
    # The work is dealt out evenly: device d has rows d, d + devices, ...
    order = np.arange(devices * blocks).reshape(blocks, devices).T.ravel()
    each = [len(range(d, chunks, devices)) for d in range(devices)]
    out = _program(function, devices)(model, [pad(np.asarray(a, float))[order] for a in arrays], np.array(each))
    back = np.argsort(order)
    return jax.tree.map(lambda x: np.asarray(x)[back].reshape(padded)[:count], out)


@functools.lru_cache(maxsize=64)
def _program(function: Function, devices: int):
    """The loop over chunks, on each device as many as it has."""

    def local(model, rows, count):
        first = jax.eval_shape(function, model, *(row[0] for row in rows))
        empty = jax.tree.map(lambda s: jnp.zeros((len(rows[0]), *s.shape), s.dtype), first)

        def body(k, out):
            new = function(model, *(row[k] for row in rows))
            return jax.tree.map(lambda a, b: jax.lax.dynamic_update_index_in_dim(a, b, k, 0), out, new)

        return jax.lax.fori_loop(0, count[0], body, empty)

    if devices == 1:
        return jax.jit(local)
    mesh = jax.make_mesh((devices,), ("chunk",), axis_types=(jax.sharding.AxisType.Auto,))
    split = P("chunk")
    return jax.jit(jax.shard_map(local, mesh=mesh, in_specs=(P(), split, split), out_specs=split, check_vma=False))


def _power_of_two(n: int) -> int:
    return 1 << max(0, n - 1).bit_length()


def many_at_temperature_pressure(model: Fluid, T: np.ndarray, p: np.ndarray) -> State:
    """`at_temperature_pressure` for many stable states: few steps for all, all steps for the few that need them.

    The phase follows from the start for the saturation pressure; lanes close to it, and those that have not converged
    in a few steps, are collected and done again with the saturation line solved.
    """
    first = in_batches(_first_pass, model, T, p)
    again = np.flatnonzero(first.status & NOT_CONVERGED)
    if len(again):
        redone = in_batches(at_temperature_pressure, model, T[again], p[again])
        first = State(*(_put(a, again, b) for a, b in zip(first, redone, strict=True)))
    return first


def _put(array: np.ndarray, where: np.ndarray, values: np.ndarray) -> np.ndarray:
    array = np.array(array)
    array[where] = values
    return array


def _first_pass(model: Fluid, T, p) -> State:
    start = model.pressure_start(T)
    rho, converged = branch_density(model, T, p, p >= start, _FEW_STEPS)
    unclear = (jnp.abs(p / start - 1.0) < _UNCERTAIN) & (T < model.critical.T)
    status = outside(model, T, p) | jnp.where(converged & ~unclear, 0, NOT_CONVERGED)
    return State(T, p, rho, rho, jnp.full(T.shape, jnp.nan), status)
