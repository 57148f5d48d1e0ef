"""Systems with exact answers, shared by the tests of the dynamics."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffneq.models import EnergyModel
from diffneq.particles.neighbours import Neighbours
from diffneq.particles.space import absolute
from diffneq.simulation.chunk import total_energy
from diffneq.simulation.rollout import initial_state


def free_particles(counts, lengths=(1000.0, 1000.0), mass=1.0, charge=1.0, box=None):
    """No forces at all."""
    return EnergyModel(nothing, lengths if box is None else box, counts, mass=mass, charge=charge)


def nothing(positions):
    return jnp.zeros((), positions.dtype)


def well(positions, k):
    return 0.5 * k * jnp.sum((positions - 500.0) ** 2)


def harmonic(count, k, mass=1.0, charge=1.0):
    """Independent particles in one well in the middle of a box of 1000."""
    return EnergyModel(well, (1000.0, 1000.0), (count,), mass=mass, charge=charge, parameters={"k": k})


def waves(positions, a):
    """Smooth to any order and periodic with a box of side 2 pi: particles in a lattice, coupled to each other."""
    apart = positions[:, None, :] - positions[None, :, :]
    return a * jnp.sum(jnp.cos(positions)) + 0.5 * jnp.sum(jnp.cos(apart)) / positions.shape[0]


def coupled(counts=(6,)):
    side = 2 * np.pi
    return EnergyModel(waves, (side, side), counts, mass=1.3, charge=0.7, parameters={"a": 0.9})


def start_of(model, seed=0, temperature=1.0):
    """Positions and velocities (N, d) of the model's own start."""
    positions, velocities = model.initial(jax.random.key(seed), temperature)
    return jnp.stack(positions, axis=1), jnp.stack(velocities, axis=1)


@eqx.filter_jit
def advance(model, dynamics, drive, start, key, steps) -> "Ran":
    """`steps` steps of a model without lists; `steps` is data, so one program serves every length and dt."""
    state = initial_state(model, *start, key)
    blank = jnp.zeros((), jnp.int32)
    neighbours = Neighbours(state.anchor, jnp.zeros((0, 0), jnp.int32), blank, blank)
    state = eqx.tree_at(lambda s: s.force, state, model.forces(state.displacement, neighbours))

    def one(_, carry):
        state, work, heat = carry
        state, info = dynamics.step(model, state, neighbours, drive)
        return state, work + info.work, heat + info.heat

    zero = jnp.zeros((), state.velocity[0].dtype)
    last, work, heat = jax.lax.fori_loop(0, steps, one, (state, zero, zero))
    gain = total_energy(model, last, neighbours) - total_energy(model, state, neighbours)
    place = jnp.stack(absolute(model.box, last.anchor, last.displacement), axis=1)
    return Ran(place, jnp.stack(last.velocity, axis=1), work, heat, gain)


class Ran(eqx.Module):
    """Where a run ended, (N, d) each, not wrapped; work and heat in all; what the energy gained."""

    positions: jax.Array
    velocities: jax.Array
    work: jax.Array
    heat: jax.Array
    gain: jax.Array

    @property
    def gap(self):
        return self.gain - self.work - self.heat


def z_score(values, expected):
    """(mean - expected) in standard errors, for independent values."""
    values = np.asarray(values, float).ravel()
    return (values.mean() - expected) / (values.std(ddof=1) / np.sqrt(values.size))
