"""The search for the equilibria of one chunk of lanes: rounds of components, Newton's method and a new active set."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from diffneq.thermo.reactions.solver.balance import Gas, amounts, newton_step
from diffneq.thermo.reactions.solver.components import Components, components
from diffneq.thermo.reactions.solver.simplex import PERTURBATION, PERTURBATION_MIXED, cheapest, cheapest_mixture

LATE = 7  # round from which on the active set changes by one phase at a time
STEPS = 5  # of Newton's method in a round
CLOSE = 1e-12  # logarithmic imbalance at which a lane is done
_LONGEST = 5.0  # change of ln n in one step
_ROUNDING = 4e-15  # of the terms of which an amount is the sum
_DRIVEN = -1e-10  # driving force over R T at which one enters
_DILUTION = 1.0  # -ln of a typical mole fraction, for the start
_DEEP = 60.0  # -ln of the smallest mole fraction from which a component starts
_SMALL = 1e-9  # of a stoichiometric coefficient
_SCARCE = 100.0  # perturbations of the simplex method: amount at which the start takes a phase for absent


class Problem(NamedTuple):
    """All lanes of a chunk; one mole of atoms in each."""

    A: Float[Array, "elements species"]  # gases first
    gas: Float[Array, "gases B"]  # G/RT + ln(P/P0), or G/RT where the volume is given
    condensed: Float[Array, "phases B"]
    b: Float[Array, "elements B"]
    alive: Bool[Array, "species B"]  # candidates of every lane
    ln_N: Float[Array, "B"]  # ln(V P0/RT) where the volume is given
    closed: Bool[Array, "B"]  # the volume is given


class State(NamedTuple):
    """Where the search stands."""

    potential: Float[Array, "elements B"]  # mu/RT of the elements
    ln_N: Float[Array, "B"]
    active: Bool[Array, "phases B"]
    score: Float[Array, "species B"]  # amounts, as a ranking of components
    solid: Float[Array, "phases B"]  # amounts of the condensed phases
    error: Float[Array, "B"]
    infeasible: Bool[Array, "B"]  # no amounts >= 0 of the candidates have these elements
    done: Bool[Array, "B"]


def present(problem: Problem) -> Bool[Array, "species B"]:
    """Candidates without those that hold an element of which there is nothing."""
    absent = (problem.b == 0) & jnp.all(problem.A >= 0, axis=1)[:, None]
    holds = (problem.A != 0).astype(problem.b.dtype)
    return problem.alive & (jnp.einsum("ek,eb->kb", holds, absent.astype(problem.b.dtype)) == 0)


def start(problem: Problem, alive: Bool[Array, "species B"]) -> State:
    """From the vertex of least energy: gases at the mole fractions of their amounts, condensed phases active."""
    gases = len(problem.gas)
    g = jnp.concatenate([problem.gas + _DILUTION, problem.condensed])
    vertex = cheapest(problem.A, g, problem.b, alive)
    hit = jnp.arange(len(g))[:, None, None] == vertex.basis[None]
    amount = jnp.sum(jnp.where(hit, vertex.amount[None], 0.0), axis=1)
    basic = jnp.any(hit, axis=1)
    total = jnp.maximum(jnp.sum(amount[:gases], axis=0), 1e-12)
    ln_N = jnp.where(problem.closed, problem.ln_N, jnp.log(total))
    ln_y = jnp.log(jnp.clip(amount[:gases] / total, 1e-6, 1.0))
    offset = jnp.where(problem.closed, jnp.log(total) - ln_N, 0.0)
    level = jnp.clip(jnp.einsum("ek,eb->kb", problem.A[:, :gases], vertex.potential) - problem.gas, -_DEEP, 0.0)
    aim = problem.gas + jnp.where(basic[:gases], ln_y, level) + offset
    active = (amount[gases:] > _SCARCE * PERTURBATION) & alive[gases:]
    ranked = jnp.concatenate([jnp.where(basic[:gases], amount[:gases] + 1e-8, 0.0), amount[gases:] + _FIRST])
    out = jnp.concatenate([~alive[:gases], ~active])
    score = jnp.where(out, -1.0, ranked)
    c = components(problem.A, problem.b, score)
    target = jnp.concatenate([aim, problem.condensed])
    inside = jnp.where(c.used, jnp.sum(jnp.where(c.hit, target, 0.0), axis=1), 0.0)
    potential = jnp.einsum("ifb,ib->fb", c.inverse, inside)
    B = problem.b.shape[1]
    no = jnp.zeros(B, bool)
    return State(potential, ln_N, active, score, amount[gases:], jnp.full(B, jnp.inf), no, no)


def start_mixed(problem: Problem, alive: Bool[Array, "species B"]) -> State:
    """From the vertex in which the gas mixes, near the equilibrium; slower than `start`. At a given pressure only."""
    gases, B = len(problem.gas), problem.b.shape[1]
    g = jnp.concatenate([problem.gas, problem.condensed])
    vertex = cheapest_mixture(problem.A, g, problem.b, alive, gases)
    total = jnp.sum(jnp.where(vertex.basis == len(g), vertex.amount, 0.0), axis=0)
    there = vertex.amount > _SCARCE * PERTURBATION_MIXED
    hit = (jnp.arange(gases, len(g))[:, None, None] == vertex.basis[None]) & there[None]
    solid = jnp.sum(jnp.where(hit, vertex.amount[None], 0.0), axis=1)
    active = jnp.any(hit, axis=1) & alive[gases:]
    ln_N = jnp.log(jnp.maximum(total, 1e-12))
    level = jnp.einsum("ek,eb->kb", problem.A[:, :gases], vertex.potential) - problem.gas
    n = jnp.where(alive[:gases], jnp.exp(jnp.minimum(level, 0.0) + ln_N), -1.0)
    score = jnp.concatenate([n, jnp.where(active, solid + _FIRST, -1.0)])
    no = jnp.zeros(B, bool)
    return State(vertex.potential, ln_N, active, score, solid, jnp.full(B, jnp.inf), no, no)


_FIRST, _ENTERING = 1e3, 1e6  # scores: active condensed phases are components before all gases, new ones before them


def search(problem: Problem, alive: Array, state: State, begin: Array | int, rounds: Array | int) -> State:
    """Rounds from number `begin` to less than `rounds`; lanes that are done stay as they are."""

    def go_on(carry):
        turn, state = carry
        return (turn < rounds) & jnp.any(~state.done)

    def one(carry):
        turn, state = carry
        new = _round(problem, alive, state, turn)
        kept = jax.tree.map(lambda a, b: jnp.where(state.done, a, b), state, new)
        return turn + 1, kept

    return jax.lax.while_loop(go_on, one, (jnp.asarray(begin), state))[1]


def _round(problem: Problem, alive: Array, state: State, turn: Array) -> State:
    gases = len(problem.gas)
    c = components(problem.A, problem.b, state.score)
    fixed = jnp.any(c.hit[:, gases:] & state.active[None], axis=1) & c.used
    own = jnp.sum(jnp.where(c.hit, jnp.einsum("ek,eb->kb", problem.A, state.potential)[None], 0.0), axis=1)
    given = jnp.sum(jnp.where(c.hit[:, gases:], problem.condensed[None], 0.0), axis=1)
    potential = jnp.where(fixed, given, jnp.where(c.used, own, 0.0))
    columns = c.columns[:, :gases]
    closed, wanted, impossible = _lacking(problem, alive, c, fixed)
    dead = jnp.any((columns > 0) & closed[:, None], axis=0)
    gas = Gas(columns, problem.gas, alive[:gases] & ~dead, c.amount, c.used & ~fixed & ~closed, problem.closed)

    def more(carry):
        k, _, _, error = carry
        return (k < STEPS) & jnp.any(~state.done & ~(error < CLOSE))

    def step(carry):
        k, potential, ln_N, _ = carry
        return k + 1, *newton_step(gas, potential, ln_N, _LONGEST)

    never = jnp.full(problem.ln_N.shape, jnp.inf)
    _, potential, ln_N, error = jax.lax.while_loop(more, step, (0, potential, state.ln_N, never))
    n = amounts(gas, potential, ln_N)[1]
    rest = c.amount - jnp.einsum("ekb,kb->eb", columns, n)
    basic = c.hit[:, gases:] & fixed[:, None]
    rest = jnp.where(jnp.abs(rest) < _rounding(problem, c), 0.0, rest)
    solid = jnp.sum(jnp.where(basic, rest[:, None], 0.0), axis=0)
    potential = jnp.einsum("ifb,ib->fb", c.inverse, potential)
    basic = jnp.any(basic, axis=0)
    new = _new_active_set(problem, alive, state, turn, potential, ln_N, n, solid, basic, wanted & ~basic, error)
    return new._replace(infeasible=impossible, done=new.done | impossible)


def _rounding(problem: Problem, c: Components) -> Array:
    """How exactly the amounts of components are known."""
    return _ROUNDING * jnp.einsum("ifb,fb->ib", jnp.abs(c.inverse), jnp.abs(problem.b))


def _lacking(problem: Problem, alive: Array, c: Components, fixed: Array) -> tuple[Array, Array, Array]:
    """What to do with rows that the species at hand cannot balance.

    Rows of which nothing is there and whose terms all have one sign: what they hold is absent. Condensed phases that
    are not active and alone could balance a row: they are wanted. Lanes in which nothing can: without solution.
    """
    gases = len(problem.gas)
    aside = jnp.einsum("ifb,fc->icb", c.inverse, problem.A[:, gases:])
    aside = jnp.where(alive[gases:] & ~jnp.any(c.hit[:, gases:], axis=0), aside, 0.0)
    rounding = _rounding(problem, c)
    adds = jnp.all(c.columns[:, :gases] >= 0, axis=1) & c.used & ~fixed & (c.amount <= rounding)
    empty = ~c.used & (jnp.abs(c.amount) > rounding)
    helps = jnp.where(c.used[:, None], aside < -_SMALL, jnp.abs(aside) > _SMALL)
    helped = jnp.any(helps, axis=1)
    wanted = jnp.any(helps & (adds | empty)[:, None], axis=0)
    forced = adds & ~helped & (c.amount >= -rounding)
    return forced, wanted, jnp.any((adds & ~helped & ~forced) | (empty & ~helped), axis=0)


def _new_active_set(problem, alive, state: State, turn, potential, ln_N, n, solid, basic, wanted, error) -> State:
    """Condensed phases with negative amounts leave, driven ones enter; late in the search one at a time.

    Of those that are wanted the one of lowest driving force enters in any case.
    """
    gases = len(problem.gas)
    driving = problem.condensed - jnp.einsum("ek,eb->kb", problem.A[:, gases:], potential)
    near = error < 0.1
    leaves = basic & (solid < 0)
    enters = alive[gases:] & ~basic & (driving < _DRIVEN)
    late = turn >= LATE
    leaves &= ~late | (solid <= jnp.min(jnp.where(basic, solid, jnp.inf), axis=0))
    enters &= ~late | ((driving <= jnp.min(jnp.where(enters, driving, jnp.inf), axis=0)) & ~jnp.any(leaves, axis=0))
    first = wanted & (driving <= jnp.min(jnp.where(wanted, driving, jnp.inf), axis=0))
    active = jnp.where(near, (basic & ~leaves) | enters, state.active) | first
    changed = jnp.any((near & (leaves | enters)) | first, axis=0)
    enters |= first
    rank = jnp.where(enters, _ENTERING - driving, _FIRST + jnp.maximum(solid, 0.0))
    score = jnp.concatenate([jnp.where(alive[:gases], n, -1.0), jnp.where(active, rank, -1.0)])
    done = (error < CLOSE) & ~changed
    return State(potential, ln_N, active, score, jnp.where(basic, solid, 0.0), error, state.infeasible, done)
