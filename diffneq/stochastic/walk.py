"""The steps of a block of trajectories, with their accounts."""

from __future__ import annotations

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array, lax

from diffneq.stochastic import draws

_UNROLLED = 2  # steps in one piece of compiled code: a call of the generator serves two; more gains nothing


class Account(eqx.Module):
    """Where trajectories are, and what was done to them since the start: scalars for one, (size,) for a block."""

    position: Array
    velocity: Array | None
    work: Array
    heat: Array


class Walk(eqx.Module):
    """A potential and dynamics; `step` is of one trajectory, `run` of a block whose last axis is the trajectory."""

    potential: Any
    dynamics: Any

    def in_precision(self, dtype) -> Walk:
        """The same with dynamics in the precision of the run."""
        cast = lambda x: x.astype(dtype) if eqx.is_inexact_array(x) else x
        return Walk(self.potential, jax.tree.map(cast, self.dynamics))

    def step(self, before, after, account: Account, xi: list[Array]) -> Account:
        """The parameter jumps, then the scheme runs."""
        x, dtype = account.position, account.position.dtype
        jump = 0.0 if after is None else self.potential(x, after) - self.potential(x, before)
        slope = jax.grad(self.potential)
        position, velocity, heat = self.dynamics.step(lambda y: -slope(y, after), x, account.velocity, xi)
        work = account.work + jnp.asarray(jump, dtype)
        return Account(position, velocity, work, account.heat + heat.astype(dtype))

    def run(self, rows, words, every: int | None, names: Array, positions: Array, velocities: Array | None):
        """The last record of a block and, where there are records, all of them: (records + 1, ..., size)."""
        if velocities is None:
            velocities = self._velocities(words[0], names, positions)
        words, zero = words[1], jnp.zeros(names.shape, positions.dtype)
        account = Account(positions, velocities, zero, zero)
        steps = rows[2].shape[0]
        even = every is None or every % 2 == 0
        parameter = jax.tree.map(lambda x: x[0], rows[0])
        initial = self._energies(account, parameter)
        first = self._entry(account, initial, parameter)
        if every is None:
            account = self._advance(account, rows, words, names, even)
            return self._entry(account, initial, jax.tree.map(lambda x: x[-1], rows[1])), None

        @jax.checkpoint
        def record(account, rows):
            account = self._advance(account, rows, words, names, even)
            return account, self._entry(account, initial, jax.tree.map(lambda x: x[-1], rows[1]))

        account, records = lax.scan(record, account, _cut(rows, steps // every))
        last = jax.tree.map(lambda x: x[-1], records)
        return last, jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), first, records)

    def _velocities(self, words, names: Array, positions: Array) -> Array | None:
        """What the velocities of a block begin with."""
        shape, dtype = positions.shape[:-1], positions.dtype

        def one(name):
            xi = draws.of_step(words, jnp.uint32(0), name, math.prod(shape), dtype)
            return self.dynamics.initial_velocity(jnp.stack(xi).reshape(shape))

        return jax.vmap(one, out_axes=-1)(names)

    def _energies(self, account: Account, parameter) -> tuple[Array, Array]:
        """Potential energies, and kinetic energies of the velocities, whoever owns them."""

        def one(account):
            x, dtype = account.position, account.position.dtype
            kinetic = self.dynamics.kinetic_energy(account.velocity)
            return self.potential(x, parameter).astype(dtype), kinetic.astype(dtype)

        return jax.vmap(one, in_axes=-1, out_axes=-1)(account)

    def _entry(self, account: Account, initial: tuple[Array, Array], parameter) -> dict:
        """What is kept of a moment."""
        potential, kinetic = (now - then for now, then in zip(self._energies(account, parameter), initial, strict=True))
        shadow = potential + kinetic - account.work - account.heat
        entry = {"position": account.position, "work": account.work, "shadow_work": shadow}
        if self.dynamics.has_velocity:
            return entry | {"velocity": account.velocity, "heat": account.heat}
        # The velocity came from the bath at the start, and its energy goes back there.
        return entry | {"velocity": None, "heat": account.heat - kinetic}

    def _advance(self, account: Account, rows, words, names: Array, even: bool) -> Account:
        """All rows, in about sqrt(steps) stretches of which the reverse mode keeps the ends."""
        steps = rows[2].shape[0]
        size = min(steps, _UNROLLED)
        length = size * _near_root(steps // size)
        stretch = jax.checkpoint(lambda a, r: self._repeat(a, r, size, words, names, even))
        return _in_pieces(stretch, account, rows, length)

    def _repeat(self, account: Account, rows, size: int, words, names: Array, even: bool) -> Account:
        return _in_pieces(lambda a, r: self._group(a, r, words, names, even), account, rows, size)

    def _group(self, account: Account, rows, words, names: Array, even: bool) -> Account:
        """A few steps, written out."""
        before, after, numbers = rows
        shape, dtype = account.position.shape[:-1], account.position.dtype
        size = math.prod(shape)
        count = self.dynamics.draws(size)

        def one(account, name):
            noise = draws.of_steps(words, numbers[0], numbers.shape[0], name, count, dtype, even)
            for i, flat in enumerate(noise):
                pick = lambda tree, i=i: jax.tree.map(lambda x: x[i], tree)
                parts = [flat[k * size : (k + 1) * size] for k in range(count // size)]
                xi = [p[0] if shape == () else jnp.stack(p).reshape(shape) for p in parts]
                account = self.step(pick(before), pick(after), account, xi)
            return account

        return jax.vmap(one, in_axes=-1, out_axes=-1)(account, names)


def _in_pieces(advance, account: Account, rows, length: int) -> Account:
    """`advance` by pieces of `length` rows, and what is left over."""
    whole, rest = divmod(rows[2].shape[0], length)
    if whole > 1:
        front = jax.tree.map(lambda x: x[: whole * length], rows)
        account, _ = lax.scan(lambda a, r: (advance(a, r), None), account, _cut(front, whole))
    elif whole:
        account = advance(account, jax.tree.map(lambda x: x[:length], rows))
    return advance(account, jax.tree.map(lambda x: x[whole * length :], rows)) if rest else account


def _near_root(count: int) -> int:
    """A divisor of `count` between half and twice its root, or else the root; a rest costs another program."""
    root = max(1, math.isqrt(count))
    near = sorted(range(max(1, root // 2), 2 * root + 1), key=lambda n: abs(n - root))
    return next((n for n in near if count % n == 0), root)


def _cut(rows, pieces: int):
    """Leading axis cut into equal pieces."""
    return jax.tree.map(lambda x: x.reshape(pieces, x.shape[0] // pieces, *x.shape[1:]), rows)
