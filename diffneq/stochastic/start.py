"""From arguments to a start: checks at the rim."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq._parameters import concrete
from diffneq.drives import Clock
from diffneq.stochastic.draws import calls_a_step
from diffneq.stochastic.protocols import parameter_at


def check_arguments(potential, dynamics, protocol, key, steps, start, record_every) -> tuple[Array, Array | None]:
    """Positions and velocities (or None) in the precision of the run; ValueError where something does not fit."""
    if not (hasattr(dynamics, "step") and hasattr(dynamics, "draws")):
        raise ValueError("trajectories: dynamics must be Overdamped(dt, temperature) or Underdamped(...).")
    if not callable(potential):
        raise ValueError("trajectories: potential must be a function U(x, parameter) of one trajectory.")
    if protocol is not None and not callable(protocol):
        raise ValueError("trajectories: protocol must be a function of time, for example diffneq.drives.Ramp, or None.")
    if not (isinstance(key, jax.Array) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key) and key.ndim == 0):
        raise ValueError("trajectories: key must be one typed key, jax.random.key(0).")
    _check_steps(steps, record_every)
    positions, velocities = _arrays(dynamics, start)
    _check_scalars(potential, dynamics, protocol, positions)
    return positions, velocities


def _check_steps(steps, record_every) -> None:
    for name, n in {"steps": steps, "record_every": 1 if record_every is None else record_every}.items():
        if isinstance(n, bool) or np.ndim(n) or int(n) != n or not 1 <= n < 2**32:
            raise ValueError(f"trajectories: {name} must be a positive whole number below 2^32, got {n!r}.")
    if record_every is not None and steps % record_every:
        raise ValueError(f"trajectories: steps = {steps} must be a multiple of record_every = {record_every}.")


def _arrays(dynamics, start) -> tuple[Array, Array | None]:
    pair = isinstance(start, tuple)
    if pair and len(start) != 2:
        raise ValueError("trajectories: start is positions, or a pair (positions, velocities).")
    positions, velocities = (jnp.asarray(s) for s in start) if pair else (jnp.asarray(start), None)
    if positions.ndim not in (1, 2) or 0 in positions.shape:
        raise ValueError(f"trajectories: positions must have shape (n,) or (n, d), got {positions.shape}.")
    if velocities is not None and not dynamics.has_velocity:
        raise ValueError("trajectories: there are no velocities without inertia; give start=positions.")
    if velocities is not None and velocities.shape != positions.shape:
        raise ValueError(
            f"trajectories: positions and velocities must have one shape, got {positions.shape}, {velocities.shape}."
        )
    dtype = jnp.result_type(positions, *(x for x in jax.tree.leaves(dynamics)), jnp.float32)
    for name, values in {"positions": positions, "velocities": velocities}.items():
        numbers = None if values is None else concrete(values)
        if numbers is not None and not np.all(np.isfinite(numbers)):
            raise ValueError(f"trajectories: {name} must be finite at the start.")
    count, dimension = positions.shape[0], positions.size // positions.shape[0]
    if count * calls_a_step(dynamics.draws(dimension)) >= 2**32:
        raise ValueError("trajectories: too many trajectories for one key; run fewer, and the rest with another key.")
    return positions.astype(dtype), None if velocities is None else velocities.astype(dtype)


def _check_scalars(potential, dynamics, protocol, positions) -> None:
    """One energy a trajectory; parameters of the bath that fit the coordinates."""
    shape = positions.shape[1:]
    for leaf in jax.tree.leaves(dynamics):
        if jnp.shape(leaf) not in ((), shape):
            raise ValueError(
                f"trajectories: parameters of the dynamics are numbers, or one for each of the coordinates {shape}; "
                f"got shape {jnp.shape(leaf)}. Vary them over runs with jax.vmap."
            )
    if jnp.shape(dynamics.dt) != ():
        raise ValueError("trajectories: dt is one number.")

    def energy(x):
        return potential(x, parameter_at(protocol, Clock(jnp.uint32(0), dynamics.dt)))

    found = jax.eval_shape(energy, jax.ShapeDtypeStruct(shape, positions.dtype))
    if getattr(found, "shape", None) != () or not jnp.issubdtype(found.dtype, jnp.floating):
        raise ValueError(
            f"trajectories: potential(x, parameter) must return one energy for x of shape {shape}, got {found}."
        )
