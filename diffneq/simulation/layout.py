"""How the steps of a chunk are laid out: lists and records each on their own beat, as one sequence of stretches.

A stretch ends where a record ends or a list is due; both beats count from the first step of the run, so that a result
does not depend on the chunks in which it was computed.
"""

from __future__ import annotations

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import Array


class Schedule(eqx.Module):
    """A chunk that begins on both beats.

    Arguments:
        steps: steps in the chunk, a multiple of `record_every`.
        record_every: steps in a record.
        cadence: steps between two builds of the lists.
        record: names of what is taken at the end of a record.
        room: number of stretches for which the program is compiled, at least those of the chunk.
    """

    steps: int = eqx.field(static=True)
    record_every: int = eqx.field(static=True)
    cadence: int = eqx.field(static=True)
    record: tuple[str, ...] = eqx.field(static=True)
    room: int = eqx.field(static=True)

    @classmethod
    def plan(cls, steps: int, longest: int, record_every: int, cadence: int, record: tuple[str, ...]) -> Schedule:
        """A chunk of `steps` steps that shares the program of one of `longest` steps."""
        needed = len(_edges(max(steps, longest), record_every, cadence)) - 1
        # A power of two: another cadence then seldom asks for another program.
        return cls(steps, record_every, cadence, record, max(32, 1 << (needed - 1).bit_length()))

    def program(self) -> Schedule:
        """What of it the compiled program depends on."""
        return Schedule(0, self.record_every, 0, self.record, self.room)

    def stretches(self) -> Stretches:
        """Lengths and marks of the stretches; those beyond the end of the chunk are empty."""
        edges = _edges(self.steps, self.record_every, self.cadence)
        fill = lambda values: jnp.asarray(np.pad(values, (0, self.room - len(values))))
        return Stretches(
            fill(np.diff(edges).astype(np.int32)), fill(edges[:-1] % self.cadence == 0), fill(self.closing())
        )

    def closing(self) -> np.ndarray:
        """Which stretches end a record."""
        return _edges(self.steps, self.record_every, self.cadence)[1:] % self.record_every == 0


class Stretches(eqx.Module):
    """One entry a stretch: its steps, whether it begins with new lists, whether a record ends with it."""

    length: Array
    relist: Array
    close: Array


def _edges(steps: int, record_every: int, cadence: int) -> np.ndarray:
    return np.union1d(np.arange(0, steps + 1, record_every), np.arange(0, steps, cadence))


def cadence_beside(limit: int, record_every: int) -> int:
    """The largest cadence not far below `limit` whose beat meets that of the records before long."""
    near = range(max(1, math.ceil(0.85 * limit)), limit + 1)
    soon = [n for n in near if math.lcm(n, record_every) <= max(200, 4 * n, 4 * record_every)]
    return max(soon) if soon else min(near, key=lambda n: math.lcm(n, record_every))
