"""The certificate of a global minimum: how far below the plane of the chemical potentials any phase can go.

    D = min over phases and constitutions of [G(y) - mu . M(y)] / n_atoms(y)

At the global minimum D = 0; a negative D names a phase that would lower the energy. Of every family of grid points
(see `Grid`) the lowest that is not the constitution of a stable phase is polished by Newton's method at fixed mu,
unless it cannot matter: it lies far above the plane, the energy is convex from it to a stable phase, or it cannot vary.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffneq.thermo.calphad.solver.descent import descend
from diffneq.thermo.calphad.solver.dispatch import for_each_block
from diffneq.thermo.calphad.solver.energies import Phase, evaluate
from diffneq.thermo.calphad.solver.grid import EMPTY
from diffneq.thermo.calphad.solver.hull import reduced
from diffneq.thermo.calphad.solver.newton import BLOCK, Lanes
from diffneq.thermo.calphad.solver.points import NEVER, Points, place_of, with_places
from diffneq.thermo.calphad.solver.slots import Slots

_CLOSE = 0.03  # a grid point this near (distance of site fractions) to a stable phase is that phase
_STIFF = 0.1
_WAY = 5  # points on the way from a candidate to a stable phase, both ends among them


class Candidates(NamedTuple):
    """Constitutions of phases, a few for every lane, and their height above the plane."""

    phase: Int[Array, "n W"]
    height: Float[Array, "n W"]  # over R T per mole of atoms; NEVER where there is none
    y: Float[Array, "n_y n W"]
    x: Float[Array, "elements n W"]
    atoms: Float[Array, "n W"]  # moles of atoms per formula unit


def lowest_of_families(
    points: Points, g: Float[Array, "points W"], mu: Float[Array, "elements W"], stable: Slots | None = None
) -> Candidates:
    """Of every family (see `Grid`) the grid point that lies lowest against the plane `mu`, none around `stable`."""
    height = reduced(g, points.x, mu)
    if stable is not None:
        height = jnp.where(_around(points, stable), NEVER, height)
    place, height = _best_on_grid(points, height)
    y = jnp.moveaxis(points.y.reshape(-1, points.y.shape[2])[place], 2, 0)
    phase = jnp.broadcast_to(points.family_phase[:, None], height.shape)
    return Candidates(phase, height, y, jnp.moveaxis(points.x[place], 2, 0), points.atoms.reshape(-1)[place])


def lowest_of_phases(
    points: Points, phases: int, g: Float[Array, "points W"], mu: Float[Array, "elements W"]
) -> Candidates:
    """Of every phase the grid point that lies lowest against the plane `mu`."""
    low = lowest_of_families(points, g, mu)
    own = points.family_phase == jnp.arange(phases, dtype=jnp.int32)[:, None]  # (phases, families)
    height = jnp.where(own[..., None] & (low.height < NEVER / 2), low.height, NEVER)
    best = jnp.argmin(height, axis=1)
    take = lambda x: jnp.take_along_axis(x, best.reshape((1,) * (x.ndim - 2) + best.shape), axis=-2)
    phase = jnp.broadcast_to(jnp.arange(phases, dtype=jnp.int32)[:, None], best.shape)
    return Candidates(phase, jnp.min(height, axis=1), take(low.y), take(low.x), take(low.atoms))


def stiff(slots: Slots, stiffness: Float[Array, "slots W"]) -> Slots:
    """The slots that are far from demixing, so that each has one minimum around it."""
    return slots._replace(active=slots.active & (stiffness > _STIFF))


def reach(T: Float[Array, "W"], freedom: Int[Array, "n W"]) -> Float[Array, "n W"]:
    """Polishing lowers no grid point by more than this, over R T: what interactions vary by between two points.

    The more internal degrees of freedom a phase has, the farther apart its points are.
    """
    return (0.05 + 200.0 / T) * jnp.maximum(1.0, 0.25 * freedom)


def sliding(
    stack: Phase,
    lanes: Lanes,
    mu: Float[Array, "elements W"],
    low: Candidates,
    wanted: Bool[Array, "n W"],
    slots: Slots,
    channels,
) -> Bool[Array, "n W"]:
    """Which candidates would slide down to a stable phase: the energy is convex all the way to it."""
    n, W = wanted.shape
    own = (low.phase[:, None] == slots.phase) & slots.active  # (n, slots, W)
    distance = jnp.sum((low.y[:, :, None] - slots.y[:, None]) ** 2, axis=0)
    nearest = jnp.argmin(jnp.where(own, distance, jnp.inf), axis=1)
    target = jnp.take_along_axis(slots.y, nearest[None], axis=1).reshape(low.y.shape[0], -1)
    start, t = low.y.reshape(target.shape), jnp.linspace(0.0, 1.0, _WAY)[:, None]

    def block(carry, index, pair):
        along = start[:, None, pair] * (1.0 - t) + target[:, None, pair] * t
        potentials = jnp.tile(mu[:, pair % W], (1, _WAY))
        coefficients = lanes.of(index, jnp.tile(pair % W, _WAY))
        energy = evaluate(stack.at(index), coefficients, along.reshape(len(along), -1), channels, hessian=False)
        convex = jnp.all(jnp.diff(energy.above(potentials).reshape(_WAY, -1), 2, axis=0) > 0.0, axis=0)
        return carry.at[pair].set(convex, mode="drop")

    wanted, phase = (wanted & own.any(axis=1)).reshape(-1), low.phase.reshape(-1)
    return for_each_block(block, jnp.zeros(n * W, bool), phase, wanted, stack.moles.shape[0], BLOCK).reshape(n, W)


def _best_on_grid(points: Points, height: Float[Array, "points W"]):
    """Index of the lowest point of every family and its height."""
    tiles, tile = points.valid.shape
    packed, mask = with_places(height)
    of_tiles = packed.reshape(tiles, tile, -1).min(axis=1)
    best = jax.ops.segment_min(of_tiles, points.family, points.family_phase.shape[0], indices_are_sorted=False)
    found = jnp.isfinite(best)
    index = jnp.where(found, place_of(best, mask), 0)
    value = jnp.where(found, jnp.take_along_axis(height, index, axis=0), NEVER)
    return index, value


def _around(points: Points, slots: Slots) -> Bool[Array, "points W"]:
    """Which grid points are constitutions of a stable phase, to within `_CLOSE`."""
    y = points.y.reshape(-1, points.y.shape[2])
    size, tile = jnp.sum(y**2, axis=1)[:, None], points.y.shape[1]
    found = jnp.zeros((len(y), slots.phase.shape[1]), bool)
    for s in range(slots.phase.shape[0]):
        square = size - 2.0 * (y @ slots.y[:, s]) + jnp.sum(slots.y[:, s] ** 2, axis=0)
        same = (points.phase[:, None] == slots.phase[s]) & slots.active[s]
        found = found | (jnp.repeat(same, tile, axis=0) & (square < _CLOSE**2))
    return found


def polished(
    stack: Phase,
    lanes: Lanes,
    mu: Float[Array, "elements W"],
    low: Candidates,
    wanted: Bool[Array, "n W"],
    channels,
    trust: float = 4.0,
) -> Candidates:
    """The wanted candidates after `descend` at fixed mu; those that it would raise stay as they are."""
    n, W = wanted.shape
    n_y, elements = low.y.shape[0], low.x.shape[0]
    flat = (low.height.reshape(-1), low.y.reshape(n_y, -1), low.x.reshape(elements, -1), low.atoms.reshape(-1))

    def block(carry, index, pair):
        phase, lane = stack.at(index), pair % W
        coefficients, potentials = lanes.of(index, lane), mu[:, lane]
        y = descend(phase, coefficients, flat[1][:, pair], potentials, channels, trust)
        energy = evaluate(phase, coefficients, y, channels, hessian=False)
        atoms = energy.moles.sum(axis=0)
        real = jnp.where(atoms > EMPTY, atoms, 1.0)
        height = jnp.where(atoms > EMPTY, energy.above(potentials) / real, NEVER)
        # Charge could be worth any height where compounds leave mu undetermined.
        neutral = jnp.abs(jnp.sum(phase.charge[:, None] * y, axis=0)) < 1e-10
        better = (height < flat[0][pair]) & neutral
        put = lambda old, new: old.at[..., pair].set(jnp.where(better, new, old[..., pair]), mode="drop")
        return jax.tree.map(put, carry, (height, y, energy.moles / real, atoms))

    phase = low.phase.reshape(-1)
    height, y, x, atoms = for_each_block(block, flat, phase, wanted.reshape(-1), stack.moles.shape[0], BLOCK)
    return Candidates(
        low.phase, height.reshape(n, W), y.reshape(low.y.shape), x.reshape(low.x.shape), atoms.reshape(n, W)
    )
