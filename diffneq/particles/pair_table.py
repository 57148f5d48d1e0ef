"""Pair forces from a table: what makes laws of exponentials and error functions over many species quick.

F(s) = -2 du/ds, s = r^2, so that the force on particle 1 is F(s) (x1 - x2)

F is a cubic in r over each of `bins` equal intervals, for each pair of species, that meets value and slope of the exact
law at their ends. (Equal intervals of s would spare the square root, and need four times as many.) The table is made
anew from the law wherever a program begins, so that it cannot outlive a change of its parameters; energies and
derivatives are those of the exact law.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq.particles._pair_law import AbstractPairLaw, energy_of_squared

# Tried in turn until the force is good enough.
_BINS = (256, 512, 1024, 2048, 4096)


class TablePlan(eqx.Module):
    """How fine a table is.

    Arguments:
        start: distance [L] below which F keeps the value that it has there.
        bins: intervals between there and the cutoff.
    """

    start: float = eqx.field(static=True)
    bins: int = eqx.field(static=True)


class Tabulated(AbstractPairLaw):
    """A law with a table of its forces beside it.

    Arguments:
        law: the exact law.
        low, high: (S S (bins + 1),) complex, coefficients c0 + i c1 and c2 + i c3 of each interval; the last is zero.
        edge: the two ends [L].
        species: S.
        bins: intervals.
    """

    law: AbstractPairLaw
    low: Array
    high: Array
    edge: tuple[Array, Array]
    species: int = eqx.field(static=True)
    bins: int = eqx.field(static=True)

    def energy(self, r) -> Array:
        return self.law.energy(r)

    def energy_of_squared(self, s) -> Array:
        """That of the exact law."""
        return energy_of_squared(self.law, s)

    def cutoff(self) -> Array:
        return self.law.cutoff()

    def force(self, pair: Array, s: Array) -> Array:
        """F at s for pairs of species numbered a S + b; zero beyond the cutoff. `pair` counts replicas through."""
        first, last = (spread_scalar(x, s) for x in self.edge)
        x = jnp.clip((jnp.sqrt(s) - first) * (self.bins / (last - first)), 0.0, self.bins)
        number = x.astype(jnp.int32)
        t = x - number.astype(x.dtype)
        at = pair * (self.bins + 1) + number
        pick = lambda values: values.reshape(-1).at[at].get(mode="promise_in_bounds", wrap_negative_indices=False)
        # Barrier: inside the sum over slots the gathers are one by one, and twice as slow.
        low, high = jax.lax.optimization_barrier((pick(self.low), pick(self.high)))
        return low.real + t * (low.imag + t * (high.real + t * high.imag))


def spread_scalar(value: Array, like: Array) -> Array:
    """A scalar as it is; one of each replica already spread over pairs likewise."""
    return value if value.ndim == 0 else value.reshape((1,) * (like.ndim - 1) + value.shape)


def exact(law):
    """The law itself where it has a table."""
    return law.law if isinstance(law, Tabulated) else law


def species_of(law) -> int | None:
    """Number of species that a law has tables over; None where it has none and does not ask for species.

    >>> from diffneq.particles.pair_laws import LennardJones
    >>> species_of(LennardJones(1.0, 1.0, 2.5)), species_of(LennardJones(np.ones((3, 3)), 1.0, 2.5))
    (None, 3)
    """
    leaves = jax.tree.leaves(exact(law))
    return next((leaf.shape[-1] for leaf in leaves if eqx.is_array(leaf) and leaf.ndim >= 2), None)


def tabulate(law: AbstractPairLaw, plan: TablePlan, species: int) -> Tabulated:
    """The law with the table of its forces; traced or not."""
    reach = jnp.max(law.cutoff())
    ends = jnp.asarray(plan.start, reach.dtype), reach
    low, high = _cubics(law, ends, plan.bins, species)
    return Tabulated(law, low, high, ends, species, plan.bins)


def _cubics(law, ends: tuple[Array, Array], bins: int, species: int) -> tuple[Array, Array]:
    """Coefficients of all intervals of all pairs of species."""
    first, last = ends
    step = (last - first) / bins
    r = first + step * jnp.arange(bins + 1, dtype=first.dtype)
    r = r.at[-1].set(last * (1 - 8 * jnp.finfo(first.dtype).eps))  # the limit from within

    def force(one, value):
        return -2 * jax.jvp(lambda x: energy_of_squared(one, x), (value,), (jnp.ones_like(value),))[1]

    def along(one):
        return jax.jvp(lambda x: force(one, x * x), (r,), (jnp.ones_like(r),))

    values, slopes = jax.vmap(along)(_over_pairs(law, species))
    slopes = slopes * step
    rise = values[:, 1:] - values[:, :-1]
    left, right = slopes[:, :-1], slopes[:, 1:]
    low = jax.lax.complex(values[:, :-1], left)
    high = jax.lax.complex(3 * rise - 2 * left - right, left + right - 2 * rise)
    return tuple(jnp.pad(part, ((0, 0), (0, 1))).reshape(-1) for part in (low, high))  # pyright: ignore[reportReturnType]


def plan_table(law: AbstractPairLaw, species: int, height: float, thermal: float, accuracy: float = 1e-6):
    """The coarsest table whose pair forces are good to `accuracy` of the largest thermal one, or None.

    Arguments:
        law: with numbers in its leaves.
        height: energy [energy] that a pair may climb on its way in for the accuracy to hold; the table goes on to four
            times that.
        thermal: the same for the range whose largest force is the unit of `accuracy`.
        accuracy: of the force.

    Returns:
        `TablePlan`, or None where no table is good enough: a law that jumps or bends somewhere within that range.
    """
    with jax.enable_x64(True):
        law = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf), jnp.float64), law)
        reach = float(jnp.max(law.cutoff()))
        r = np.linspace(0.02 * reach, reach * (1 - 1e-9), 20_011)
        energies, forces = map(np.asarray, _on_grid(law, species, jnp.asarray(r)))
        # What a pair has climbed on its way in from the cutoff: the wall that keeps it out.
        climbed = energies - np.minimum.accumulate(energies[:, ::-1], axis=1)[:, ::-1]
        inner = lambda ok: np.array([r[np.flatnonzero(~row).max(initial=-1) + 1] for row in ok])
        nearest = inner(climbed < height)
        # On a coarse grid, so that laws of nearly the same numbers share a program.
        start = 0.05 * float(np.floor(inner(climbed < 4 * height).min() / 0.05))
        usual = r[None] >= inner(climbed < thermal)[:, None]
        unit = float(np.max(np.abs(forces)[usual], initial=0.0))
        for bins in _BINS:
            plan = TablePlan(start, bins)
            wrong = np.abs(np.asarray(_from_table(law, plan, species, jnp.asarray(r))) - forces)
            if np.max(wrong * (r[None] >= nearest[:, None])) <= accuracy * unit:
                return plan
    return None


def _over_pairs(law, species: int):
    """The law with leaves (S S,), one entry for each pair of species."""
    flat = lambda leaf: leaf.reshape(-1) if leaf.ndim >= 2 else jnp.broadcast_to(leaf, (species**2,))
    return jax.tree.map(flat, law)


@eqx.filter_jit
def _on_grid(law, species: int, r: Array) -> tuple[Array, Array]:
    """Energies and forces of all pairs of species, (S S, points)."""
    one = lambda pair: jax.jvp(pair.energy, (r,), (jnp.ones_like(r),))
    energies, slopes = jax.vmap(one)(_over_pairs(law, species))
    return energies, -slopes


@eqx.filter_jit
def _from_table(law, plan: TablePlan, species: int, r: Array) -> Array:
    """Forces of all pairs of species from the table, (S S, points)."""
    table = tabulate(law, plan, species)
    return table.force(jnp.arange(species**2)[:, None], (r * r)[None, :]) * r[None, :]
