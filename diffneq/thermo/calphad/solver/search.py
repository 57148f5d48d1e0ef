"""The search for the equilibrium of a chunk of conditions: hull, Newton, certificate; again where that fails.

The first round takes the columns of the grid as they are. Conditions that are not certified get more columns, polished
at the potentials of Newton's solution and of the hull (column generation), until the certificate holds.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffneq.thermo.calphad.solver import hull
from diffneq.thermo.calphad.solver.certificate import Candidates, lowest_of_families, polished, reach, sliding, stiff
from diffneq.thermo.calphad.solver.energies import Phase
from diffneq.thermo.calphad.solver.hull import Basis, Demand, Pool
from diffneq.thermo.calphad.solver.merging import slots_of
from diffneq.thermo.calphad.solver.newton import Equilibrated, Lanes, converged, equilibrate
from diffneq.thermo.calphad.solver.points import NEVER, Points, grid_energies
from diffneq.thermo.calphad.solver.slots import Slots, merged
from diffneq.thermo.calphad.tables import Tables

_CERTIFIED = -1e-8  # over R T per mole of atoms: about -1e-4 J/mol
_BALANCED = 1e-9  # moles of an element, of one mole of atoms
ROUNDS = 16
_TYPICAL = -20.0  # chemical potential over R T, of a gas say
_WILD = 3e6  # J/mol, more than any chemical potential


class Found(NamedTuple):
    """The equilibrium of every lane and how far it can be trusted."""

    slots: Slots
    mu: Float[Array, "elements W"]  # over R T
    certificate: Float[Array, "W"]  # lowest height of any phase above the plane, over R T per mole of atoms
    worst: Int[Array, "W"]  # the phase that reaches it
    left: Float[Array, "W"]  # largest step that Newton's method had still to make
    imbalance: Float[Array, "W"]
    pivot: Float[Array, "W"]
    feasible: Bool[Array, "W"]  # some mixture of the phases has this composition

    @property
    def solved(self) -> Bool[Array, "W"]:
        """Newton's method converged, without negative amounts."""
        positive = jnp.all(~self.slots.active | (self.slots.amount > -1e-12), axis=0)
        ended = converged(self.left, self.pivot) & (self.imbalance < _BALANCED) & jnp.isfinite(self.mu).all(axis=0)
        return ended & positive

    @property
    def certified(self) -> Bool[Array, "W"]:
        """No phase lies below the plane."""
        return self.certificate >= _CERTIFIED

    @property
    def sound(self) -> Bool[Array, "W"]:
        """Solved and certified."""
        return self.solved & self.certified


class Attempt(NamedTuple):
    """Newton's last solution of every lane, without slots where there was none, and what lay lowest against it."""

    slots: Slots
    mu: Float[Array, "elements W"]
    suspect: Candidates  # one for every lane


class Searched(NamedTuple):
    """How far a search has come: the best result of every lane, and the last."""

    found: Found
    last: Attempt


class _State(NamedTuple):
    basis: Basis
    pool: Pool
    searched: Searched
    candidates: Candidates  # the lowest of all phases and the columns of the basis, polished at `plane`
    plane: Float[Array, "elements W"]
    live: Bool[Array, "W"]
    round: Array


class Searcher(eqx.Module):
    """What the search needs of a system, besides the conditions."""

    tables: Tables
    stack: Phase
    points: Points
    freedom: Int[Array, "phases"]

    def lanes(self, T: Float[Array, "W"], P: Float[Array, "W"], demand: Demand) -> Lanes:
        """The coefficients of all phases at these conditions."""
        R = self.tables.gas_constant
        energy = self.tables.energy_coefficients(T, P) / (R * T)
        return Lanes(energy, self.tables.physical_coefficients(T, P), T, R, demand)

    def nothing(self, demand: Demand) -> Searched:
        """Where a search begins."""
        _, elements, n_y, _, _ = self.tables.sizes
        rows, W = demand.right.shape
        slots = Slots(
            jnp.zeros((rows, W), jnp.int32), jnp.ones((n_y, rows, W)), jnp.zeros((rows, W)), jnp.zeros((rows, W), bool)
        )
        far, mu = jnp.full(W, -jnp.inf), jnp.zeros((elements, W))
        found = Found(slots, mu, far, jnp.zeros(W, jnp.int32), -far, -far, -far, jnp.zeros(W, bool))
        return Searched(found, Attempt(slots, mu, _no_candidates(1, elements, n_y, W)))

    def __call__(
        self, T: Float[Array, "W"], P: Float[Array, "W"], demand: Demand, wanted, before: Searched, rounds
    ) -> Searched:
        """The lanes that are wanted after the rounds from `rounds[0]` on, up to but without `rounds[1]`."""
        lanes = self.lanes(T, P, demand)
        channels = self.tables.channels
        g = grid_energies(self.points, lanes.energy, lanes.physical, T, lanes.gas_constant, channels)
        more = lambda state: jnp.any(state.live) & (state.round < rounds[1])
        # A round of Newton's method again is nothing to lanes that have no solution to begin with.
        wanted = wanted & (_begins_anew(rounds[0]) | before.last.slots.active.any(axis=0))
        start = self._start(demand, wanted, before, rounds[0])
        return jax.lax.while_loop(more, lambda state: self._round(g, lanes, state), start).searched

    def _start(self, demand: Demand, wanted, before: Searched, first) -> _State:
        _, elements, n_y, _, _ = self.tables.sizes
        rows, W = demand.right.shape
        pool = hull.empty_pool(2 * rows * (ROUNDS - 1), elements, n_y, W)
        basis = hull.first_basis(demand, self.points.x.shape[0] + pool.g.shape[0])
        candidates = _no_candidates(self.points.family_phase.shape[0] + rows, elements, n_y, W)
        return _State(basis, pool, before, candidates, jnp.zeros((elements, W)), wanted, first)

    def _round(self, g, lanes: Lanes, state: _State) -> _State:
        """Four in turn: Newton from the hull; twice again with the suspect added; new columns for the hull.

        A lane whose Newton failed has nothing to begin again with, and makes new columns until its next turn.
        """
        demand, live, channels = lanes.demand, state.live, self.tables.channels
        old, last = state.searched
        families = self.points.family_phase.shape[0]
        first, anew = state.round == 0, _begins_anew(state.round)
        again = ~anew & last.slots.active.any(axis=0)
        columns_only = (state.round % 4 > 0) & ~again
        pool = jax.lax.cond(first, lambda: state.pool, lambda: _with_columns(state))
        basis = hull.solve(g, self.points.x, pool, demand, state.basis, live & ~again)
        plane = jnp.where(again, last.mu, hull.potentials(basis, demand, _TYPICAL))
        wild = _WILD / (lanes.gas_constant * lanes.T)  # a basis of points that nearly coincide has a plane of noise
        plane = jnp.clip(plane, -wild, wild)
        slots = slots_of(basis, self.points, pool, jnp.where(first, 0.15, 0.002))
        slots = jax.tree.map(lambda a, b: jnp.where(again, b, a), slots, _amended(last.slots, last.suspect))
        done = equilibrate(self.stack, lanes, slots, plane, live & ~columns_only, channels)
        usable = ~columns_only & jnp.isfinite(done.mu).all(axis=0) & (done.left < 1.0)
        mu = jnp.where(usable, done.mu, plane)
        known = done.slots._replace(active=done.slots.active & usable)
        low = lowest_of_families(self.points, g, mu, stiff(known, done.stiffness))
        freedom = self.freedom[low.phase]
        wanted = live & (freedom > 0) & (low.height < jnp.where(columns_only, 1.0, reach(lanes.T, freedom)))
        wanted = wanted & ~sliding(self.stack, lanes, mu, low, wanted, known, channels)
        members = _members(basis, self.points, pool, demand, mu)
        both = jax.tree.map(lambda a, b: jnp.concatenate([a, b], axis=-2), low, members)
        wanted = jnp.concatenate([wanted, live & columns_only & (self.freedom[members.phase] > 0)])
        candidates = polished(self.stack, lanes, mu, both, wanted, channels)
        new = self._judged(done, mu, candidates, basis, pool, usable, demand)
        new = new._replace(feasible=new.feasible | again)  # there the basis has not been asked for
        better = live & ~columns_only & (new.sound | (_rank(new) >= _rank(old)))
        deepest = _deepest(jax.tree.map(lambda x: x[..., :families, :], candidates), 1)
        attempt = Attempt(done.slots, done.mu, deepest)
        choose = lambda mask, new, old: jax.tree.map(lambda a, b: jnp.where(mask, a, b), new, old)
        searched = Searched(choose(better, new, old), choose(live & usable, attempt, last))
        live = live & new.feasible & (columns_only | ~new.sound)
        return _State(basis, pool, searched, candidates, mu, live, state.round + 1)

    def _judged(self, done: Equilibrated, mu, candidates: Candidates, basis, pool, usable, demand) -> Found:
        heights = candidates.height[: self.points.family_phase.shape[0]]
        worst = jnp.argmin(heights, axis=0)
        lowest = jnp.take_along_axis(heights, worst[None], axis=0)[0]
        worst = self.points.family_phase[worst]
        artificial = basis.column >= self.points.x.shape[0] + pool.g.shape[0]
        feasible = ~jnp.any(artificial & (basis.amount > 1e-9), axis=0)
        # A point of Newton's method where a phase would demix is a saddle, not a minimum.
        stable = jnp.all(~done.slots.active | (done.stiffness > 0.0), axis=0)
        left = jnp.where(usable & stable, done.left, jnp.inf)
        certificate = jnp.minimum(lowest, done.height())
        return Found(done.slots, mu, certificate, worst, left, done.imbalance(demand), done.pivot, feasible)


def _begins_anew(round) -> Array:
    """Of four rounds the first, and the last, which makes columns for it; the others go on from Newton's solution."""
    return (round % 4 == 0) | (round % 4 == 3)


def _no_candidates(n: int, elements: int, n_y: int, W: int) -> Candidates:
    return Candidates(
        jnp.zeros((n, W), jnp.int32), jnp.full((n, W), NEVER), jnp.ones((n_y, n, W)),
        jnp.zeros((elements, n, W)), jnp.ones((n, W)),
    )  # fmt: skip


def _with_columns(state: _State) -> Pool:
    """The pool and, in free places, the deepest candidates and the members of the basis."""
    rows = state.basis.column.shape[0]
    split = state.candidates.height.shape[0] - rows
    low = jax.tree.map(lambda x: x[..., :split, :], state.candidates)
    members = jax.tree.map(lambda x: x[..., split:, :], state.candidates)
    new = jax.tree.map(lambda a, b: jnp.concatenate([a, b], axis=-2), _deepest(low, rows), members)
    energy = new.height + jnp.sum(new.x * state.plane[:, None], axis=0)
    # One that is not below the plane is of no use, and one exactly at the composition makes the program degenerate.
    energy = jnp.where(new.height < -1e-10, energy, NEVER)
    put = lambda old, x, axis=0: jax.lax.dynamic_update_slice_in_dim(old, x, (state.round - 1) * 2 * rows, axis)
    pool = state.pool
    return Pool(
        put(pool.phase, new.phase), put(pool.g, energy), put(pool.x, jnp.swapaxes(new.x, 0, 1)),
        put(pool.y, new.y, 1), put(pool.atoms, new.atoms),
    )  # fmt: skip


def _rank(found: Found) -> Float[Array, "W"]:
    """Higher is better among results that are not sound: converged ones first, then by their certificate."""
    return jnp.where(converged(found.left, found.pivot), 0.0, -1e3) + jnp.clip(found.certificate, -1e2, 0.0)


def _deepest(low: Candidates, count: int) -> Candidates:
    """The `count` lowest candidates of every lane."""
    n = low.height.shape[0]
    _, place = jax.lax.top_k(-low.height.T, min(count, n))
    place = jnp.pad(place.T, ((0, max(0, count - n)), (0, 0)), mode="edge")
    take = lambda x: jnp.take_along_axis(x, place.reshape((1,) * (x.ndim - 2) + place.shape), axis=-2)
    return Candidates(*(take(x) for x in low))


def _members(basis: Basis, points: Points, pool: Pool, demand: Demand, mu) -> Candidates:
    """The columns of the basis as candidates."""
    slots = slots_of(basis, points, pool, -1.0)
    tile, count = points.y.shape[1], points.x.shape[0]
    grid = jnp.clip(basis.column, 0, count - 1)
    place = jnp.clip(basis.column - count, 0, pool.g.shape[0] - 1)
    lanes = jnp.arange(grid.shape[1])
    from_pool = basis.column >= count
    x = jnp.where(from_pool, jnp.moveaxis(pool.x[place, :, lanes], 2, 0), jnp.moveaxis(points.x[grid], 2, 0))
    atoms = jnp.where(from_pool, pool.atoms[place, lanes], points.atoms[grid // tile, grid % tile])
    height = basis.cost + jnp.sum(x * (demand.fixed - mu)[:, None], axis=0)
    height = jnp.where(basis.column < count + pool.g.shape[0], height, NEVER)
    return Candidates(slots.phase, height, slots.y, x, atoms)


def _amended(slots: Slots, suspect: Candidates) -> Slots:
    """Newton's last phases without those of negative amount, and the suspect in a free slot."""
    keep = slots.active & (slots.amount > 0.0)
    slots = merged(slots._replace(active=keep, amount=jnp.where(keep, slots.amount, 0.0)), 0.002)
    free = jnp.argmin(slots.active, axis=0)
    wanted = ~jnp.all(slots.active, axis=0) & (suspect.height[0] < _CERTIFIED)
    here = (jnp.arange(slots.phase.shape[0])[:, None] == free) & wanted
    return Slots(
        jnp.where(here, suspect.phase, slots.phase), jnp.where(here, suspect.y, slots.y),
        jnp.where(here, 0.01 / suspect.atoms, slots.amount), slots.active | here,
    )  # fmt: skip
