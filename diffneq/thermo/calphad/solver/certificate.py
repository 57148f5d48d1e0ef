"""The certificate of a global minimum: how far below the plane of the chemical potentials any phase can go.

    D = min over phases and constitutions of [G(y) - mu . M(y)] / n_atoms(y)

At the global minimum D = 0; a negative D names a phase that would lower the energy. Of every phase the lowest grid
point is polished by Newton's method at fixed mu, unless it cannot matter: it lies far above the plane, it is the
constitution of a stable phase itself, or it has nothing to vary.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffneq.thermo.calphad.solver.dispatch import for_each_block
from diffneq.thermo.calphad.solver.energies import Phase, evaluate
from diffneq.thermo.calphad.solver.hull import reduced
from diffneq.thermo.calphad.solver.newton import BLOCK, Lanes
from diffneq.thermo.calphad.solver.points import NEVER, Points, place_of, with_places
from diffneq.thermo.calphad.solver.response import moved, remaining, resolution, response
from diffneq.thermo.calphad.solver.slots import Slots

_CLOSE = 0.03  # a grid point this near (largest difference of site fractions) to a stable phase is that phase
_STIFF = 0.1
_REACH = 0.15  # polishing lowers no grid point by more than this (over R T; largest seen: 0.024)
_POLISHED = 3e-4  # relative step at which the energy is converged to its square
_MOST_STEPS = 15


class Candidates(NamedTuple):
    """Constitutions of phases, a few for every lane, and their height above the plane."""

    phase: Int[Array, "n W"]
    height: Float[Array, "n W"]  # over R T per mole of atoms; NEVER where there is none
    y: Float[Array, "n_y n W"]
    x: Float[Array, "elements n W"]
    atoms: Float[Array, "n W"]  # moles of atoms per formula unit


def lowest_of_families(
    points: Points, g: Float[Array, "points W"], mu: Float[Array, "elements W"]
) -> Candidates:
    """Of every family (see `Grid`) the grid point that lies lowest against the plane `mu`."""
    place, height = _best_on_grid(points, reduced(g, points.x, mu))
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


def matters(
    low: Candidates, freedom: Int[Array, "phases"], slots: Slots, stiffness: Float[Array, "slots W"]
) -> Bool[Array, "n W"]:
    """Which candidates could lie below the plane once polished."""
    return (freedom[low.phase] > 0) & (low.height < _REACH) & ~_near(slots, stiffness > _STIFF, low)


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


def _near(slots: Slots, stiff: Bool[Array, "slots W"], low: Candidates) -> Bool[Array, "n W"]:
    """Is this constitution that of a stable phase, and far from demixing, so that it has one minimum around here?"""
    near = jnp.zeros(low.phase.shape, bool)
    for s in range(slots.phase.shape[0]):
        distance = jnp.abs(low.y - slots.y[:, None, s]).max(axis=0)
        near = near | ((slots.phase[s] == low.phase) & slots.active[s] & stiff[s] & (distance < _CLOSE))
    return near


def polished(
    stack: Phase, lanes: Lanes, mu: Float[Array, "elements W"], low: Candidates, wanted: Bool[Array, "n W"], channels
) -> Candidates:
    """The wanted candidates after Newton's method at fixed mu; those that it would raise stay as they are."""
    n, W = wanted.shape
    n_y, elements = low.y.shape[0], low.x.shape[0]
    flat = (low.height.reshape(-1), low.y.reshape(n_y, -1), low.x.reshape(elements, -1), low.atoms.reshape(-1))

    def block(carry, index, pair):
        phase, lane = stack.at(index), pair % W
        coefficients, potentials = lanes.of(index, lane), mu[:, lane]
        finest = resolution(phase.charge)

        def step(state):
            y, _, count = state
            energy = evaluate(phase, coefficients, y, channels, potentials)
            change = response(phase, energy, y, jnp.where(count < 8, 5e-2, 1e-3)).at(potentials)
            return moved(phase, y, change), jnp.max(remaining(y, change, finest)), count + 1

        more = lambda state: (state[1] > _POLISHED) & (state[2] < _MOST_STEPS)
        y = jax.lax.while_loop(more, step, (flat[1][:, pair], jnp.asarray(jnp.inf), 0))[0]
        energy = evaluate(phase, coefficients, y, channels, hessian=False)
        atoms = energy.moles.sum(axis=0)
        real = jnp.where(atoms > 1e-6, atoms, 1.0)
        height = jnp.where(atoms > 1e-6, (energy.value - jnp.sum(potentials * energy.moles, axis=0)) / real, NEVER)
        better = height < flat[0][pair]
        put = lambda old, new: old.at[..., pair].set(jnp.where(better, new, old[..., pair]), mode="drop")
        return jax.tree.map(put, carry, (height, y, energy.moles / real, atoms))

    phase = low.phase.reshape(-1)
    height, y, x, atoms = for_each_block(block, flat, phase, wanted.reshape(-1), stack.moles.shape[0], BLOCK)
    return Candidates(
        low.phase, height.reshape(n, W), y.reshape(low.y.shape), x.reshape(low.x.shape), atoms.reshape(n, W)
    )
