"""Two quantities fix a state: TP, HP, SP, TV or UV. Where T is not given it is found by bracketing.

At equilibrium H and S at fixed P and U at fixed V grow with T, without exception: they are slopes of concave or convex
functions. So one zero in an interval is all there can be. H jumps where a condensed phase melts into another; there the
state is a mixture of those on both sides (the lever rule).
"""

from typing import Any, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from diffneq.thermo.reactions.solver.batch import solve
from diffneq.thermo.reactions.solver.properties import properties
from diffneq.thermo.reactions.solver.search import Problem, State
from diffneq.thermo.reactions.table import Arrays, reduced_gibbs
from diffneq.thermo.species.species import GAS_CONSTANT

Kind = Literal["TP", "HP", "SP", "TV", "UV"]
KINDS = get_args(Kind)
_MOST = 80
_NARROW = 4e-15  # relative width of a bracket that is as good as closed
_EXACT = 1e-13  # residual, relative to the range of the property
_PATIENCE = 24  # steps after which only bisection is left


class Sizes(NamedTuple):
    """What is static of a table."""

    gases: int  # places for gases
    chosen: tuple[int, ...]
    condensed_anywhere: bool  # condensed phases are candidates beyond their temperatures too


class Solution(NamedTuple):
    """The equilibrium of one mole of atoms in every lane."""

    T: Float[Array, "B"]
    P: Float[Array, "B"]
    potential: Float[Array, "elements B"]  # mu/RT
    ln_N: Float[Array, "B"]
    n: Float[Array, "species B"]
    active: Bool[Array, "phases B"]
    alive: Bool[Array, "species B"]
    error: Float[Array, "B"]
    infeasible: Bool[Array, "B"]
    done: Bool[Array, "B"]
    outside: Bool[Array, "B"]  # no T in the range has the property asked for
    between: Bool[Array, "B"]  # phases of both sides of a transition are there: T is held, amounts follow the lever


def candidates(table: Arrays, sizes: Sizes, T: Float[Array, "B"]) -> Bool[Array, "species B"]:
    """All gases, and the condensed phases that exist at T."""
    exists = jnp.broadcast_to(table.exists[:, None], (len(table.exists), *T.shape))
    if sizes.condensed_anywhere:
        return exists
    gas = (jnp.arange(len(table.exists)) < sizes.gases)[:, None]
    inside = (table.low[:, None] * (1 - 1e-9) <= T[None]) & (T[None] <= table.high[:, None] * (1 + 1e-9))
    return exists & (gas | inside)


def at_temperature(
    table: Arrays, sizes: Sizes, closed: bool, T: Array, second: Array, b: Float[Array, "elements B"], count: Any
) -> Solution:
    """The equilibrium at T and P, or at T and V."""
    g = reduced_gibbs(table, sizes.chosen, T)
    zero = jnp.zeros_like(T)
    if closed:
        gas, ln_N = g[: sizes.gases], jnp.log(second * table.standard_pressure / (GAS_CONSTANT * T))
    else:
        gas, ln_N = g[: sizes.gases] + jnp.log(second / table.standard_pressure), zero
    alive = candidates(table, sizes, T)
    problem = Problem(table.A, gas, g[sizes.gases :], b, alive, ln_N, jnp.full(T.shape, closed))
    state: State = solve(problem, count)
    n = jnp.concatenate([jnp.maximum(state.score[: sizes.gases], 0.0), jnp.maximum(state.solid, 0.0)])
    n = jnp.where(alive, n, 0.0)
    if closed:
        total = jnp.sum(n[: sizes.gases], axis=0)
        P = total * GAS_CONSTANT * T / second
        ln_N = jnp.log(jnp.maximum(total, 1e-300))
    else:
        P, ln_N = second, state.ln_N
    no = jnp.zeros(T.shape, bool)
    ended = (state.error, state.infeasible, state.done, no, no)
    return Solution(T, P, state.potential, ln_N, n, state.active, alive, *ended)


def find(
    table: Arrays, sizes: Sizes, kind: Kind, first: Array, second: Array, b: Array, span: Array, count: Any
) -> Solution:
    """The equilibrium of any problem; `span` are the lowest and the highest T that are looked at."""
    closed = kind.endswith("V")
    if kind.startswith("T"):
        return at_temperature(table, sizes, closed, first, second, b, count)
    name = kind[0]

    def excess(T):
        here = at_temperature(table, sizes, closed, T, second, b, count)
        return getattr(properties(table, sizes.chosen, sizes.gases, here.n, T, here.P), name) - first, here

    low, high = (jnp.full(first.shape, t) for t in span)
    return _bracketed(excess, low, high)


class _End(NamedTuple):
    """One end of the bracket; `weight` is the factor of the Illinois variant."""

    T: Float[Array, "B"]
    f: Float[Array, "B"]
    solution: Solution
    weight: Float[Array, "B"]


def _bracketed(excess, low: Array, high: Array) -> Solution:
    """Regula falsi in the Illinois variant, bisection every fourth time; then the lever between both sides.

    The two ends are the first two points of the loop, so that the search is compiled once.
    """
    empty = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), jax.eval_shape(lambda: excess(low)[1]))
    one = jnp.ones_like(low)

    def shut(a: _End, c: _End, exact: Array) -> Array:
        return (a.f > 0) | (c.f < 0) | (a.f >= -exact) | (c.f <= exact) | (c.T - a.T <= _NARROW * c.T)

    def go_on(carry):
        k, a, c, exact = carry
        return (k < 2) | ((k < _MOST) & jnp.any(~shut(a, c, exact)))

    def narrow(carry):
        k, a, c, exact = carry
        rise = c.weight * c.f - a.weight * a.f
        weighted = (a.T * c.weight * c.f - c.T * a.weight * a.f) / jnp.where(rise > 0, rise, 1.0)
        inside = (weighted > a.T) & (weighted < c.T) & (k % 4 != 3) & (k < _PATIENCE)
        middle = jnp.where(inside, weighted, 0.5 * (a.T + c.T))
        closed = shut(a, c, exact) & (k >= 2)
        middle = jnp.where(k == 0, low, jnp.where(k == 1, high, jnp.where(closed, a.T, middle)))
        f, found = excess(middle)
        up = ((f <= 0) | (k == 0)) & ~closed & (k != 1)  # the new point becomes the left end
        down = ((f > 0) | (k == 1)) & ~closed & (k != 0)
        new = _End(middle, f, found, one)
        pick = lambda take, old: jax.tree.map(lambda x, y: jnp.where(take, x, y), new, old)
        left, right = pick(up, a), pick(down, c)
        left = left._replace(weight=jnp.where(down & (k > 1), 0.5 * left.weight, left.weight))
        right = right._replace(weight=jnp.where(up & (k > 1), 0.5 * right.weight, right.weight))
        return k + 1, left, right, jnp.where(k == 1, _EXACT * jnp.abs(f - a.f), exact)

    start = jnp.asarray(0), _End(low, -one, empty, one), _End(high, one, empty, one), one
    return _lever(*jax.lax.while_loop(go_on, narrow, start)[1:])


def _lever(a: _End, c: _End, exact: Array) -> Solution:
    """An end at which the property is as asked for, or what lies between two ends that are one temperature."""
    outside = (a.f > 0) | (c.f < 0)
    share = -a.f / jnp.where(c.f > a.f, c.f - a.f, 1.0)
    share = jnp.where((a.f >= -exact) | (a.f > 0), 0.0, jnp.where((c.f <= exact) | (c.f < 0), 1.0, share))
    mix = lambda x, y: jnp.where(share == 0, x, jnp.where(share == 1, y, (1.0 - share) * x + share * y))
    near = jax.tree.map(lambda x, y: jnp.where(share < 0.5, x, y), a.solution, c.solution)
    blended = {k: mix(getattr(a.solution, k), getattr(c.solution, k)) for k in ("T", "P", "potential", "ln_N", "n")}
    both = (share > 0) & (share < 1)
    either = {k: getattr(a.solution, k) | getattr(c.solution, k) for k in ("active", "alive")}
    united = {k: jnp.where(both, x, getattr(near, k)) for k, x in either.items()}
    between = both & jnp.any(a.solution.active != c.solution.active, axis=0)
    done = a.solution.done & c.solution.done
    return near._replace(**blended, **united, outside=outside, between=between, done=done)
