"""Force matching: the parameters of an energy function from the forces of another one, by stochastic gradients.

    min over p of  < |F_p - F|^2 >/< |F|^2 > + w < (E_p - E)^2 >/< (E - <E>)^2 >

F_p = -dE_p/dx by autodiff, so that the forces fitted are those of an energy.

Source: F. Ercolessi, J. B. Adams, Europhys. Lett. 26, 583 (1994).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from diffneq.models.energy import jax_md_list
from diffneq.particles.neighbours import build, plan_list, replica_axes, widen
from diffneq.particles.space import absolute, to_anchor

# energy(parameters, positions (N, d), cell (d, d), rows (N, K)) -> scalar
Energy = Callable[[Any, Array, Array, Array], Array]


class ForceData(eqx.Module):
    """C configurations of N ions with their energies and forces.

    Arguments:
        positions: (C, N, d) [L].
        cell: (C, d, d), edges as rows [L].
        energy: (C,) [energy].
        forces: (C, N, d) [energy/L].
        rows: (C, N, K) neighbours of each ion; an empty slot holds N.
    """

    positions: Array
    cell: Array
    energy: Array
    forces: Array
    rows: Array

    def __getitem__(self, which) -> ForceData:
        """Some of the configurations: a slice or an array of their numbers."""
        return jax.tree.map(lambda x: x[which], self)

    def __len__(self) -> int:
        return self.positions.shape[0]


@dataclass(frozen=True)
class ForceErrors:
    """Root mean squares over configurations, ions and components.

    Arguments: `force` [energy/L] of a component, and `force_size`, what the components themselves are; `energy`
    [energy] an ion; `energy_size`, how the energies an ion scatter.
    """

    force: float
    force_size: float
    energy: float
    energy_size: float

    def __str__(self) -> str:
        return (
            f"force {self.force:.3g} of {self.force_size:.3g} ({100 * self.force / self.force_size:.1f} %), "
            f"energy an ion {self.energy:.2g} of {self.energy_size:.2g}"
        )


@dataclass(frozen=True)
class ForceFit:
    """Fitted parameters, and the loss of each step, (steps,)."""

    parameters: Any
    loss: np.ndarray


def labelled(model, positions, slots: int | None = None) -> ForceData:
    """Energies and forces of a model with neighbour lists (`Fluid`, `Electrolyte`) at positions (C, N, d) [L].

    Raises:
        ValueError: for positions of another shape than the model's, or a model without a cutoff.
    """
    positions = jnp.asarray(positions, dtype=jnp.result_type(float))
    size, box = sum(model.counts), model.box
    if positions.ndim != 3 or positions.shape[1:] != (size, box.dimension):
        raise ValueError(f"labelled: positions are (C, {size}, {box.dimension}), got {positions.shape}.")
    if model.cutoff is None:
        raise ValueError("labelled: the model needs a cutoff, as its neighbour lists come with the data.")
    anchor, u = to_anchor(box, tuple(positions[..., a] for a in range(box.dimension)))
    plan = plan_list(box, size, model.cutoff, 0.02 * model.cutoff, slots)
    lists = jax.jit(build, static_argnums=0)(plan, box, anchor)
    while int(jnp.max(lists.fill)) > plan.slots or int(jnp.max(lists.cell_fill)) > plan.cell_slots > 0:
        plan = widen(plan, int(jnp.max(lists.fill)), int(jnp.max(lists.cell_fill)))
        lists = jax.jit(build, static_argnums=0)(plan, box, anchor)

    @jax.jit
    def one(model, u, lists):
        place = jnp.stack(absolute(box, lists.anchor, u), axis=1)
        rows = jax_md_list(lists, place).idx
        return place, model.potential_energy(u, lists), jnp.stack(model.forces(u, lists), axis=1), rows

    place, energy, forces, rows = jax.vmap(one, in_axes=(None, 0, replica_axes(lists)))(model, u, lists)
    cell = jnp.broadcast_to(box.cell, (len(positions), *box.cell.shape))
    return ForceData(place, cell, energy, forces, rows)


def energies_and_forces(energy: Energy, parameters, data: ForceData) -> tuple[Array, Array]:
    """(C,) and (C, N, d) of an energy function at the configurations of the data."""
    return jax.vmap(lambda x, cell, rows: _both(energy, parameters, x, cell, rows))(
        data.positions, data.cell, data.rows
    )


def force_errors(energy: Energy, parameters, data: ForceData) -> ForceErrors:
    """How far an energy function is from the data."""
    found, forces = eqx.filter_jit(energies_and_forces)(energy, parameters, data)
    size = data.positions.shape[1]
    rms = lambda x: float(jnp.sqrt(jnp.mean(x * x)))
    scatter = (data.energy - jnp.mean(data.energy)) / size
    return ForceErrors(rms(forces - data.forces), rms(data.forces), rms((found - data.energy) / size), rms(scatter))


def match_forces(
    energy: Energy,
    parameters,
    data: ForceData,
    key: Array,
    steps: int = 500,
    batch: int = 4,
    rate: float = 5e-3,
    energy_weight: float = 0.05,
    free=eqx.is_inexact_array,
) -> ForceFit:
    """Fit by Adam with a rate that falls to zero along a cosine; one compiled program for all steps.

    Arguments:
        energy: E(parameters, positions, cell, rows) -> scalar [energy].
        parameters: any tree of arrays, the start.
        data: what to fit.
        key: typed key: which configurations make each batch.
        steps, batch: gradient steps, and configurations in each.
        rate: largest step of Adam.
        energy_weight: w.
        free: which leaves move: a function of leaves, or a tree of booleans.

    Raises:
        ValueError: for a batch larger than the data, or a fit that diverged: lower the rate.

    >>> spring = lambda p, x, cell, rows: 0.5 * p["k"] * jnp.sum(x * x)
    >>> x = jax.random.normal(jax.random.key(0), (8, 5, 3))
    >>> data = ForceData(x, jnp.ones((8, 3, 3)), 1.5 * jnp.sum(x * x, axis=(1, 2)), -3.0 * x, jnp.zeros((8, 5, 0), int))
    >>> found = match_forces(spring, {"k": jnp.asarray(1.0)}, data, jax.random.key(1), steps=200, rate=0.1)
    >>> round(float(found.parameters["k"]), 3)
    3.0
    """
    if not 1 <= batch <= len(data):
        raise ValueError(f"match_forces: a batch is of 1 to {len(data)} configurations, got {batch}.")
    if steps < 1 or not rate > 0:
        raise ValueError(f"match_forces: steps and rate are positive, got {steps} and {rate}.")
    moving, held = eqx.partition(parameters, free)
    adam = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(optax.cosine_decay_schedule(rate, steps)))
    moving, loss = _descend(energy, adam, moving, held, data, jax.random.split(key, steps), batch, energy_weight)
    loss = np.asarray(loss)
    if not np.all(np.isfinite(loss)):
        raise ValueError(f"match_forces: the fit diverged at step {int(np.argmin(np.isfinite(loss)))}; lower rate.")
    return ForceFit(eqx.combine(moving, held), loss)


@eqx.filter_jit
def _descend(energy: Energy, adam, moving, held, data: ForceData, keys: Array, batch: int, energy_weight):
    force_scale = jnp.mean(data.forces**2)
    energy_scale = jnp.var(data.energy) + jnp.finfo(data.energy.dtype).tiny

    def loss(moving, some: ForceData):
        found, forces = energies_and_forces(energy, eqx.combine(moving, held), some)
        missed = jnp.mean((forces - some.forces) ** 2) / force_scale
        return missed + energy_weight * jnp.mean((found - some.energy) ** 2) / energy_scale

    def step(carry, key):
        moving, state = carry
        some = data[jax.random.choice(key, len(data), (batch,), replace=False)]
        value, slope = jax.value_and_grad(loss)(moving, some)
        change, state = adam.update(slope, state, moving)
        return (optax.apply_updates(moving, change), state), value

    (moving, _), losses = jax.lax.scan(step, (moving, adam.init(moving)), keys)
    return moving, losses


def _both(energy: Energy, parameters, x: Array, cell: Array, rows: Array) -> tuple[Array, Array]:
    value, slope = jax.value_and_grad(lambda x: energy(parameters, x, cell, rows))(x)
    return value, -slope
