"""Where on a line of conditions a property of the equilibrium takes a given value.

    q(equilibrium at T(t), P(t), x(t)) = value,   T, P, x linear in t from 0 to 1

Found by dividing the line with equilibria that are searched globally, 127 parts at a time, so that it cannot be
missed nor confused with a metastable one; then Newton's method at fixed phases, from both sides, whose answer counts
only if a global search agrees with it there. A property that jumps (an invariant reaction) is divided down to
rounding. The derivatives of t follow the implicit function theorem, dt = -(dq - dvalue) / (dq/dt).
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from diffneq.thermo.calphad.following import follow, phases_of
from diffneq.thermo.calphad.shares import LEAST
from diffneq.thermo.calphad.solver.hull import Demand
from diffneq.thermo.calphad.solver.layout import batch_last
from diffneq.thermo.calphad.solver.search import Searcher
from diffneq.thermo.calphad.solver.slots import Slots
from diffneq.thermo.calphad.solver.state import INFEASIBLE, NOT_CONVERGED, State, solve

FOUND, JUMPS, NOWHERE = 0, 1, 2
_LANES = 128
_ROUNDS = 6
_STEPS = 25
_AGREES = 1e-6  # J/mol, between the phases that are followed and the global search
_FLAT = 1e-7  # slopes below are rounding: the amount of a phase that is alone
_NEAR = 1e-9  # an amount of 1 or 0 is reached up to this


class Line(NamedTuple):
    """A straight line of conditions, from [0] to [1]."""

    T: Float[Array, "2"]
    P: Float[Array, "2"]
    x: Float[Array, "2 elements"]

    def at(self, t: Float[Array, "B"], padded: int) -> tuple[Array, Array, Demand]:
        """T, P and the demand at points of the line."""
        between = lambda ends: ends[0] + t * (ends[1] - ends[0])
        x = jnp.maximum(jnp.stack([between(self.x[:, e]) for e in range(self.x.shape[1])]), LEAST)
        B, C = len(t), len(x)
        rows = jnp.broadcast_to(jnp.eye(C, padded)[..., None], (C, padded, B))
        return between(self.T), between(self.P), Demand(rows, x, jnp.zeros((padded, B)))


class Amount(eqx.Module):
    """Moles of atoms in some phases, of one mole in all."""

    wanted: Bool[Array, "phases"]

    def __call__(self, state: State, T: Array) -> Array:
        return jnp.sum(jnp.where(state.active & self.wanted[state.phase], state.amount, 0.0), axis=0)


class Enthalpy(eqx.Module):
    """H = G + T S, J per mole of atoms."""

    def __call__(self, state: State, T: Array) -> Array:
        return state.G + T * state.S


class Entropy(eqx.Module):
    """S = -dG/dT, J/(mol K)."""

    def __call__(self, state: State, T: Array) -> Array:
        return state.S


class Crossing(NamedTuple):
    """The place and the phases there; two sides that differ only where the property jumps.

    `state` has a batch of two: the equilibrium at t, followed from either side. `share` is the part of the second in
    a mixture of the two that has the value that was asked for.
    """

    t: Float[Array, ""]
    T: Float[Array, ""]
    P: Float[Array, ""]
    state: State
    share: Float[Array, ""]
    kind: Array  # FOUND, JUMPS or NOWHERE


class _Search(NamedTuple):
    low: Array
    high: Array
    slots: Slots  # of both ends
    mu: Array
    t: Array  # where Newton's method came to
    side: Array  # from which end
    kind: Array
    round: Array


@batch_last
def crossing(searcher: Searcher, line: Line, quantity: eqx.Module, value: Array, last: Array | bool = True) -> Crossing:
    """The last (or first) place on the line where `quantity` passes `value`.

    Differentiable in the tables of the searcher, in the ends of the line and in the value.
    """
    found = _locate(*jax.lax.stop_gradient((searcher, line, quantity, jnp.asarray(value, float))), last)
    found = jax.lax.stop_gradient(found)
    side = found.side
    pick = lambda leaf: leaf[..., side][..., None]
    q, slope = _values(searcher, line, quantity, pick(found.t), jax.tree.map(pick, found.slots), pick(found.mu))
    slope = jax.lax.stop_gradient(jnp.where(found.kind == FOUND, slope[0], jnp.inf))
    t = found.t[side] - (q[0] - value - jax.lax.stop_gradient(q[0] - value)) / slope
    both = jnp.where(found.kind == FOUND, t, jnp.stack([found.low, found.high]))
    T, P, demand = line.at(both, searcher.tables.sizes[1])
    state, _ = follow(searcher, T, P, demand, found.slots, found.mu)
    ends = quantity(state, T)
    gap = ends[1] - ends[0]
    share = jnp.where(found.kind == JUMPS, (value - ends[0]) / jnp.where(gap == 0.0, 1.0, gap), side * 1.0)
    return Crossing(t, T[side], P[side], state, share, found.kind)


def crossing_temperature(searcher: Searcher, line: Line, quantity: eqx.Module, value: Array, last: Array) -> Array:
    """T of `crossing`, compiled; differentiable from outside too, in the coefficients, the line and the value."""
    moving = (searcher.tables.coefficients, line, value)
    arrays, structure = eqx.partition((searcher, quantity, last), eqx.is_array)

    @jax.custom_jvp
    def temperature(moving, arrays):
        return _temperature(moving, arrays, structure)

    @temperature.defjvp
    def rule(primals, tangents):
        return _temperature_and_change(*primals, structure, tangents[0])

    return temperature(moving, jax.lax.stop_gradient(arrays))


@eqx.filter_jit
def _temperature(moving, arrays, structure) -> Array:
    return _place(moving, arrays, structure)


@eqx.filter_jit
def _temperature_and_change(moving, arrays, structure, change) -> tuple[Array, Array]:
    return jax.jvp(lambda moving: _place(moving, arrays, structure), (moving,), (change,))


def _place(moving, arrays, structure) -> Array:
    (searcher, quantity, last), (coefficients, line, value) = eqx.combine(arrays, structure), moving
    searcher = eqx.tree_at(lambda s: s.tables.coefficients, searcher, coefficients)
    return crossing(searcher, line, quantity, value, last).T


def _values(searcher, line: Line, quantity, t, slots: Slots, mu) -> tuple[Array, Array]:
    """(q, dq/dt) with the phases followed from both ends."""

    def q(t):
        T, P, demand = line.at(t, searcher.tables.sizes[1])
        return quantity(follow(searcher, T, P, demand, slots, mu)[0], T)

    return jax.jvp(q, (t,), (jnp.ones_like(t),))


def _locate(searcher, line: Line, quantity, value, last) -> _Search:
    """Divide, polish, check; until it is found or the interval is of the size of rounding."""

    def body(state: _Search) -> _Search:
        parts = state.low + (state.high - state.low) * jnp.linspace(0.0, 1.0, _LANES - 1)
        tried = state.t[state.side]
        t = jnp.concatenate([parts, jnp.where(jnp.isnan(tried), state.low, tried)[None]])
        T, P, demand = line.at(t, searcher.tables.sizes[1])
        found = solve(searcher, T, P, demand, _LANES)
        followed = _energy(searcher, line, state)
        agrees = ~jnp.isnan(tried) & (jnp.abs(found.G[-1] - followed) < _AGREES)
        kind = jnp.where(agrees, FOUND, JUMPS)
        above, usable = _above(quantity(found, T)[:-1], value, found.status[:-1])
        crosses = (above[1:] != above[:-1]) & usable
        places = jnp.arange(_LANES - 2)
        k = jnp.where(last, jnp.max(jnp.where(crosses, places, -1)), jnp.min(jnp.where(crosses, places, _LANES)))
        none = ~crosses.any()
        k = jnp.clip(k, 0, _LANES - 3)
        pick = lambda leaf: jnp.stack([leaf[..., k], leaf[..., k + 1]], axis=-1)
        slots, mu = phases_of(searcher, jax.tree.map(pick, found), pick(T))
        low, high = parts[k], parts[k + 1]
        t, side = _polished(searcher, line, quantity, value, low, high, slots, mu)
        new = _Search(low, high, slots, mu, t, side, jnp.asarray(JUMPS), state.round + 1)
        done = kind == FOUND
        out = jax.tree.map(lambda a, b: jnp.where(done, a, b), state._replace(kind=kind, round=state.round + 1), new)
        return out._replace(kind=jnp.where(none & ~done, NOWHERE, out.kind))

    n, rows = searcher.tables.sizes[2], line.x.shape[1]
    empty = Slots(
        jnp.zeros((rows, 2), jnp.int32), jnp.ones((n, rows, 2)), jnp.zeros((rows, 2)), jnp.zeros((rows, 2), bool)
    )
    start = _Search(
        jnp.asarray(0.0), jnp.asarray(1.0), empty, jnp.zeros((searcher.tables.sizes[1], 2)), jnp.full(2, jnp.nan),
        jnp.asarray(0), jnp.asarray(JUMPS), jnp.asarray(0),
    )  # fmt: skip
    return jax.lax.while_loop(lambda s: (s.kind == JUMPS) & (s.round < _ROUNDS), body, start)


def _above(q, value, status):
    """(is q above the value, is an interval usable) with what was not found left out of the comparison."""
    # An amount that is 0 or 1 up to rounding is neither above 0 nor below 1.
    edge = jnp.where(value <= 0.0, _NEAR, jnp.where(jnp.abs(value - 1.0) < _NEAR, -_NEAR, 0.0))
    good = (status & (NOT_CONVERGED | INFEASIBLE)) == 0
    return q > value + edge, good[1:] & good[:-1]


def _energy(searcher, line: Line, state: _Search) -> Array:
    """G of the phases that were followed to where Newton's method came to."""
    T, P, demand = line.at(state.t, searcher.tables.sizes[1])
    return follow(searcher, T, P, demand, state.slots, state.mu)[0].G[state.side]


def _polished(searcher, line: Line, quantity, value, low, high, slots: Slots, mu):
    """(t from both ends, which of them can be believed) by Newton's method; NaN where none can."""
    width = high - low

    def step(carry):
        t, _, _, count = carry
        q, slope = _values(searcher, line, quantity, t, slots, mu)
        new = jnp.clip(t - (q - value) / slope, low - 0.5 * width, high + 0.5 * width)
        return new, jnp.abs(new - t), slope, count + 1

    more = lambda carry: jnp.any(carry[1] > 1e-15) & (carry[3] < _STEPS)
    start = jnp.stack([low, high])
    t, left, slope, _ = jax.lax.while_loop(more, step, (start, jnp.full(2, jnp.inf), jnp.zeros(2), 0))
    good = (left < 1e-10) & (jnp.abs(slope) > _FLAT) & (t >= low - 0.01 * width) & (t <= high + 0.01 * width)
    return jnp.where(good, t, jnp.nan), jnp.argmax(good)
