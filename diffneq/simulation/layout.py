"""How the steps of a chunk are laid out: lists and records each on their own beat.

A stretch of steps ends where a record ends or a list is due; both beats count from the first step of the chunk.
"""

from __future__ import annotations

import math

import equinox as eqx
import jax.numpy as jnp
from jax import Array


class Schedule(eqx.Module):
    """A chunk that begins on both beats.

    What the compiled program depends on is static; lengths are data, so that another cadence, or a shorter last
    chunk, needs no other program.

    Arguments:
        record_every: steps in a record.
        record: names of what is taken at the end of a record.
        rows: number of records for which there is room, at least those of the chunk.
        steps: steps in the chunk, a multiple of `record_every`.
        cadence: steps between two builds of the lists.
    """

    record_every: int = eqx.field(static=True)
    record: tuple[str, ...] = eqx.field(static=True)
    rows: int = eqx.field(static=True)
    steps: Array
    cadence: Array

    @classmethod
    def plan(cls, steps: int, longest: int, record_every: int, cadence: int, record: tuple[str, ...]) -> Schedule:
        """A chunk of `steps` steps that shares the program of one of `longest` steps."""
        records = max(1, max(steps, longest) // record_every)
        room = 1 << (records - 1).bit_length()
        return cls(record_every, record, room, jnp.int32(steps), jnp.int32(cadence))

    @property
    def records(self) -> int:
        """Records that the chunk completes."""
        return int(self.steps) // self.record_every

    def list_is_due(self, step: Array) -> Array:
        return step % self.cadence == 0

    def stretch_end(self, step: Array) -> Array:
        """Where the stretch ends that begins with this step."""
        next_list = (step // self.cadence + 1) * self.cadence
        next_record = (step // self.record_every + 1) * self.record_every
        return jnp.minimum(jnp.minimum(next_list, next_record), self.steps)

    def ends_record(self, step: Array) -> Array:
        return step % self.record_every == 0


def cadence_beside(limit: int, record_every: int) -> int:
    """The largest cadence not far below `limit` whose beat meets that of the records before long."""
    near = range(max(1, math.ceil(0.85 * limit)), limit + 1)
    soon = [n for n in near if math.lcm(n, record_every) <= max(200, 4 * n, 4 * record_every)]
    return max(soon) if soon else min(near, key=lambda n: math.lcm(n, record_every))
