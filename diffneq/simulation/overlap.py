"""Whether particles of the start lie on top of each other, or so near that the first step would throw them out."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from diffneq.dynamics.state import State, inverse_mass
from diffneq.particles.space import integer_positions
from diffneq.simulation.chunk import Batch


def check_start(batch: Batch, state: State, energy: np.ndarray) -> None:
    """ValueError where particles of the start lie on top of each other, or would be thrown out of the system.

    Two particles in exactly one place feel no force in a list, whose empty slots look the same, so that they are
    looked for here. Steep laws have a finite energy at any distance: the test is how far one step would throw.
    """
    bad = np.flatnonzero(~np.isfinite(energy)).tolist()
    place = batch.map(lambda m, _, __, a, u: integer_positions(m.box.torus, a, u), state.anchor, state.displacement)
    place = np.stack([np.asarray(x) for x in place], axis=-1)
    bad += [r for r, here in enumerate(place) if _twice_in_one_place(here)]
    if bad:
        raise ValueError(
            f"start: in replica {sorted(set(bad))} two particles lie on top of each other. Give positions that do not "
            "overlap, or let the model place them (start=None)."
        )
    thrown = batch.map(_thrown, state)
    far = np.flatnonzero(~(np.asarray(thrown) < 1))
    if far.size:
        raise ValueError(
            f"start: in replica {far.tolist()} particles overlap so much that the first step would throw one across "
            "the range of the forces. Give positions that do not overlap, let the model place them (start=None), or "
            "use a much shorter time step."
        )


def _twice_in_one_place(here: np.ndarray) -> bool:
    """Whether two rows of integers (N, d) are equal."""
    # Sums with odd weights modulo 2^64 sort thirty times faster than rows; equal rows have equal sums.
    weights = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)[: here.shape[1]]
    sums = np.sort(here.astype(np.uint64) @ weights)
    return bool(np.any(sums[1:] == sums[:-1])) and len(np.unique(here, axis=0)) < len(here)


def _thrown(model, dynamics, _, state: State):
    """The longest way that the first kick sends a particle in one step, over the range of the forces."""
    reach = getattr(model, "cutoff", None)
    reach = jnp.min(jnp.stack(model.box.heights)) / 4 if reach is None else _range(model)
    push = inverse_mass(model) * jnp.sqrt(sum(f * f for f in state.force))
    return jnp.max(push) * dynamics.dt**2 / reach


def _range(model):
    law = getattr(model, "law", None)
    return model.cutoff if law is None else jnp.max(law.cutoff())
