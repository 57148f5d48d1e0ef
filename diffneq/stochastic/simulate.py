"""Many trajectories of one Langevin equation whose potential follows a protocol."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.sharding import PartitionSpec

from diffneq.stochastic import draws
from diffneq.stochastic.blocks import Layout
from diffneq.stochastic.protocols import parameters
from diffneq.stochastic.record import Trajectories
from diffneq.stochastic.start import check_arguments
from diffneq.stochastic.walk import Walk


def trajectories(
    potential: Any,
    dynamics: Any,
    protocol: Any,
    key: Array,
    steps: int,
    start: Any,
    record_every: int | None = None,
    devices: int | None = None,
) -> Trajectories:
    """dE = dW + dQ along n trajectories in U(x, lambda(t)): work, heat and shadow work of each.

    Step n: the parameter jumps from lambda(t_n) to lambda(t_{n+1}) at fixed x, which is work; then the scheme runs at
    the new parameter. Its heat is what the bath gives, and what else the energy changes by is shadow work, done by the
    finite time step. For a canonical start <exp(-(work + shadow_work)/k_B T)> = Z_1/Z_0 exactly, at any time step.

    Everything can be differentiated, forwards and in reverse; reverse mode keeps of s steps about sqrt(s) states and
    what sqrt(s) steps need. Noise is a function of key, step and trajectory: results do not depend on the devices.

    Arguments:
        potential: U(x, parameter) -> energy of one trajectory, x of shape () or (d,); an `equinox.Module` or a function
            of a module (a new lambda compiles everything anew).
        dynamics: `Overdamped` or `Underdamped`.
        protocol: t -> parameter: a drive of `diffneq.drives`, or an `equinox.Module` that takes a time and returns a
            number or a tree of arrays. None: the potential is called with None.
        key: typed key, `jax.random.key(0)`.
        steps: number of time steps.
        start: positions (n,) or (n, d) [L], or (positions, velocities); velocities are Maxwellian unless given.
        record_every: steps between two records, a divisor of `steps`; None keeps the last state alone.
        devices: over how many local devices the trajectories are spread; default all.

    Returns:
        `Trajectories`.

    Raises:
        ValueError: for arguments that do not fit together.

    Source: G. E. Crooks, J. Stat. Phys. 90, 1481 (1998); D. A. Sivak, J. D. Chodera, G. E. Crooks, Phys. Rev. X 3,
    011007 (2013).

    >>> from diffneq.drives import Ramp
    >>> from diffneq.stochastic import Overdamped
    >>> def trap(x, k):
    ...     return k * x**2 / 2
    >>> runs = trajectories(trap, Overdamped(0.05, 1.0), Ramp(1.0, 2.0, 1.0), jax.random.key(0), 20,
    ...                     start=jax.random.normal(jax.random.key(1), (4000,)))
    >>> bool(abs(jnp.mean(jnp.exp(-runs.total_work)) - 2**-0.5) < 0.02)
    True
    """
    positions, velocities = check_arguments(potential, dynamics, protocol, key, steps, start, record_every)
    layout = Layout.choose(positions.shape[0], devices)
    every = None if record_every is None else int(record_every)
    return _run(Walk(potential, dynamics), protocol, key, layout, int(steps), every, positions, velocities)


@eqx.filter_jit
def _run(walk: Walk, protocol, key, layout: Layout, steps: int, every: int | None, positions, velocities):
    count = positions.shape[0]
    walk = walk.in_precision(positions.dtype)
    table = parameters(protocol, steps, walk.dynamics.dt)
    numbers = jnp.arange(steps, dtype=jnp.uint32)
    rows = (jax.tree.map(lambda x: x[:-1], table), jax.tree.map(lambda x: x[1:], table), numbers)
    words = draws.words_of(key, 0), draws.words_of(key, 1)
    split = (layout.names(), *layout.split((positions, velocities)))
    last, records = _everywhere(layout, walk, rows, words, every, split)
    last, records = layout.join(last, count), layout.join(records, count)
    finite = jnp.isfinite(last["work"] + last["heat"] + last["shadow_work"])
    finite &= jnp.all(jnp.isfinite(last["position"]).reshape(count, -1), axis=1)
    ends = np.array([0, steps]) if every is None else np.arange(0, steps + 1, every)
    time = jnp.asarray(ends).astype(positions.dtype) * walk.dynamics.dt
    kept = {} if records is None else {f"record_{name}": values for name, values in records.items()}
    return Trajectories(time=time, finite=finite, **last, **kept)


def _everywhere(layout: Layout, walk: Walk, rows, words, every, split):
    """All blocks, each device its own share of them."""

    def blocks(shared, split):
        walk, rows, words = shared
        return lax.map(lambda block: walk.run(rows, words, every, *block), split)

    arrays, static = eqx.partition((walk, rows, words), eqx.is_array)
    body = lambda arrays, split: blocks(eqx.combine(arrays, static), split)
    mesh = layout.mesh()
    if mesh is None:
        return body(arrays, split)
    run = jax.shard_map(
        body, mesh=mesh, in_specs=(PartitionSpec(), PartitionSpec("run")), out_specs=PartitionSpec("run"),
        check_vma=False,
    )  # fmt: skip
    return run(arrays, split)
