"""The phases that may be stable at a condition."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

_ALIKE = 1e-3  # in mole fractions and in energy over R T


class Slots(NamedTuple):
    """The phases that may be stable, one in a slot; a phase may hold several (a miscibility gap)."""

    phase: Int[Array, "slots W"]
    y: Float[Array, "n_y slots W"]
    amount: Float[Array, "slots W"]  # moles of formula units
    active: Bool[Array, "slots W"]


def merged(slots: Slots, threshold: Array | float) -> Slots:
    """Slots of one phase whose site fractions differ by less than the threshold become one."""
    phase, y, amount, active = slots
    for j in range(1, phase.shape[0]):
        for i in range(j):
            near = jnp.abs(y[:, i] - y[:, j]).max(axis=0) < threshold
            same = near & active[i] & active[j] & (phase[i] == phase[j])
            own, other = jnp.maximum(amount[i], 1e-12), jnp.maximum(amount[j], 0.0)
            share = jnp.where(same, other / (own + other), 0.0)
            y = y.at[:, i].set(y[:, i] * (1.0 - share) + y[:, j] * share)
            amount = amount.at[i].add(jnp.where(same, amount[j], 0.0))
            amount = amount.at[j].set(jnp.where(same, 0.0, amount[j]))
            active = active.at[j].set(active[j] & ~same)
    return Slots(phase, y, amount, active)


def without_copies(slots: Slots, moles: Float[Array, "elements slots W"], value: Float[Array, "slots W"]) -> Slots:
    """Of slots of one phase with the same composition and energy one is kept.

    Such are states that ran into each other, and mirror images of an ordered state on other sublattices. Kept apart
    they would make Newton's system singular: any division of the amount between them is as good.
    """
    phase, active, amount = slots.phase, slots.active, slots.amount
    atoms = jnp.where(active, moles.sum(axis=0), 1.0)
    x, g = moles / atoms, value / atoms
    for j in range(1, phase.shape[0]):
        for i in range(j):
            alike = (jnp.abs(x[:, i] - x[:, j]).max(axis=0) < _ALIKE) & (jnp.abs(g[i] - g[j]) < _ALIKE)
            same = alike & active[i] & active[j] & (phase[i] == phase[j])
            amount = amount.at[i].add(jnp.where(same, amount[j] * atoms[j] / atoms[i], 0.0))
            amount = amount.at[j].set(jnp.where(same, 0.0, amount[j]))
            active = active.at[j].set(active[j] & ~same)
    return slots._replace(amount=amount, active=active)
