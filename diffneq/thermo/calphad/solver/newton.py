"""Newton's method for the phases that are thought stable: all conditions of equilibrium at once.

    grad G_s - M_s'^T mu - constraints = 0,   G_s = mu . M_s   for every stable phase s,
    rows (sum_s N_s M_s) = right

The site fractions of each phase answer linearly to mu (`response`), which leaves a system of the size of the number of
components in (lambda, N), mu = rows' lambda + fixed (B. Sundman, X.-G. Lu, H. Ohtani, Comput. Mater. Sci. 101 (2015)
127). Convergence is quadratic.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffneq.thermo.calphad.solver.dispatch import for_each_block
from diffneq.thermo.calphad.solver.energies import Coefficients, Phase, evaluate
from diffneq.thermo.calphad.solver.hull import Demand
from diffneq.thermo.calphad.solver.layout import batch_last
from diffneq.thermo.calphad.solver.linear import solve_pivoted
from diffneq.thermo.calphad.solver.response import moved, remaining, resolution, response
from diffneq.thermo.calphad.solver.slots import Slots, without_copies

BLOCK = 16
SINGULAR = 1e-7  # smallest pivot of a system that does not determine all chemical potentials
_DONE = 2e-9  # relative step; mass balance and energy are then right to rounding
_DONE_SINGULAR = 1e-6  # what is left where the system is singular to rounding; the energy is right to its square
_PROXIMAL = 1e-9  # holds potentials that nothing determines at their value; vanishes at the solution
_MOST_STEPS = 40


class Lanes(NamedTuple):
    """One chunk of conditions with the coefficients of all phases there."""

    energy: Float[Array, "phases n_f W"]  # over R T
    physical: Float[Array, "phases channels n_f W"]
    T: Float[Array, "W"]
    gas_constant: Float[Array, ""]
    demand: Demand

    def of(self, phase: Array, lane: Int[Array, "B"]) -> Coefficients:
        """Coefficients of one phase at these lanes."""
        physical = self.physical[phase]
        if physical.shape[-1] > 1:
            physical = physical[..., lane]
        return Coefficients(self.energy[phase][:, lane], physical, self.T[lane], self.gas_constant)


class Equilibrated(NamedTuple):
    """Where Newton's method came to."""

    slots: Slots
    step: Float[Array, "n_y slots W"]  # relative step of the site fractions that is to be made next
    mu: Float[Array, "elements W"]
    left: Float[Array, "W"]  # largest of these steps and of the changes of amounts
    pivot: Float[Array, "W"]  # smallest pivot of the system: near zero where mu is not determined
    value: Float[Array, "slots W"]  # G/RT per formula unit, after the step
    moles: Float[Array, "elements slots W"]  # the same
    stiffness: Float[Array, "slots W"]  # see `Response`; negative where a phase is unstable against demixing

    def imbalance(self, demand: Demand) -> Float[Array, "W"]:
        """How far the amounts are from what is demanded."""
        total = jnp.sum(jnp.where(self.slots.active, self.slots.amount, 0.0) * self.moles, axis=1)
        return jnp.abs(jnp.sum(demand.rows * total, axis=1) - demand.right).max(axis=0)

    def height(self) -> Float[Array, "W"]:
        """Of the stable phase that lies lowest against the plane: zero up to rounding."""
        atoms = jnp.maximum(self.moles.sum(axis=0), 1e-6)
        height = (self.value - jnp.sum(self.mu[:, None] * self.moles, axis=0)) / atoms
        return jnp.min(jnp.where(self.slots.active, height, 0.0), axis=0)


class _Answers(NamedTuple):
    """Of every pair (slot, lane): energy, moles, and how site fractions and moles answer to mu."""

    y: Float[Array, "n_y pairs"]
    value: Float[Array, "pairs"]
    moles: Float[Array, "elements pairs"]
    constant: Float[Array, "n_y pairs"]
    slope: Float[Array, "elements n_y pairs"]
    stiffness: Float[Array, "pairs"]
    moles_constant: Float[Array, "elements pairs"]
    moles_slope: Float[Array, "elements elements pairs"]


def converged(left: Float[Array, "W"], pivot: Float[Array, "W"]) -> Bool[Array, "W"]:
    """Has Newton's method come to its end?"""
    return left <= jnp.where(pivot < SINGULAR, _DONE_SINGULAR, _DONE)


@batch_last
def equilibrate(
    stack: Phase, lanes: Lanes, start: Slots, mu: Float[Array, "elements W"], wanted: Bool[Array, "W"], channels
) -> Equilibrated:
    """Newton's method from `start` for the lanes that are wanted."""
    elements, slots, W = mu.shape[0], *start.phase.shape

    def live(state, count):
        return wanted & ~converged(state.left, state.pivot) & jnp.isfinite(state.left) & (count < _MOST_STEPS)

    def body(carry):
        state, count = carry
        going = live(state, count)
        new = _iteration(stack, lanes, state, going, count, channels)
        return jax.tree.map(lambda a, b: jnp.where(going, b, a), state, new), count + 1

    state = Equilibrated(
        start, jnp.zeros_like(start.y), mu, jnp.full(W, 1e3), jnp.ones(W),
        jnp.zeros((slots, W)), jnp.zeros((elements, slots, W)), jnp.ones((slots, W)),
    )  # fmt: skip
    state = jax.lax.while_loop(lambda c: jnp.any(live(*c)), body, (state, 0))[0]
    return _finished(stack, state, wanted)


def _iteration(stack, lanes: Lanes, state: Equilibrated, going, count, channels) -> Equilibrated:
    slots = state.slots
    floor = jnp.where(count < 8, 1e-2, jnp.where(count < 16, 1e-3, 1e-6))
    answers = _answers(stack, lanes, state, slots.active & going, floor, channels)
    demand, a = lanes.demand, answers
    matrix, right = newton_system(
        demand, slots, a.moles, a.moles_slope, a.moles_constant, a.value, state.mu, demand.right
    )
    unknown, pivot = solve_pivoted(matrix, right[:, None])
    rows = demand.right.shape[0]
    mu = state.mu + jnp.einsum("kew,kw->ew", demand.rows, unknown[:rows, 0])
    amount = jnp.where(slots.active, unknown[rows:, 0], 0.0)
    _, count_of_slots, W = slots.y.shape
    paired = jnp.tile(mu, (1, count_of_slots))
    step = answers.constant + jnp.sum(answers.slope * paired[:, None], axis=0)
    finest = resolution(stack.charge.T)[slots.phase.reshape(-1)]
    left = remaining(answers.y, step, finest)
    # Where a pivot was clamped convergence is linear, and a small step does not yet mean a small error.
    left = jnp.where(answers.stiffness < floor, 1e4 * left, left).reshape(count_of_slots, W)
    change = jnp.where(slots.active, jnp.maximum(left, jnp.abs(amount - slots.amount)), 0.0)
    before, per_slot = slots.active, (-1, count_of_slots, W)
    slots = slots._replace(y=answers.y.reshape(slots.y.shape), amount=amount)
    slots = without_copies(slots, answers.moles.reshape(per_slot), answers.value.reshape(per_slot)[0])
    left = jnp.where(jnp.any(slots.active != before, axis=0), 1.0, jnp.max(change, axis=0))
    # To first order in the step, which at the end is all there is: mu . dM is what the energy changes by.
    paired = jnp.tile(mu, (1, count_of_slots))
    drift = answers.moles_constant + jnp.sum(answers.moles_slope * paired[:, None], axis=0)
    value = answers.value + jnp.sum(paired * drift, axis=0)
    new = Equilibrated(
        slots, step.reshape(slots.y.shape), mu, left, pivot,
        value.reshape(-1, W), (answers.moles + drift).reshape(-1, count_of_slots, W), answers.stiffness.reshape(-1, W),
    )  # fmt: skip
    # What holds undetermined potentials costs a little balance as long as mu moves: once more, then.
    return new._replace(left=jnp.maximum(left, 1e3 * new.imbalance(demand)))


def _answers(stack, lanes: Lanes, state: Equilibrated, wanted, floor, channels) -> _Answers:
    n_y, slots, W = state.slots.y.shape
    pairs, elements = slots * W, state.mu.shape[0]
    y_of, step_of = state.slots.y.reshape(n_y, pairs), state.step.reshape(n_y, pairs)

    def block(answers: _Answers, index, pair):
        phase, lane = stack.at(index), pair % W
        y = moved(phase, y_of[:, pair], step_of[:, pair])
        energy = evaluate(phase, lanes.of(index, lane), y, channels, state.mu[:, lane])
        r = response(phase, energy, y, floor)
        dM = energy.moles_gradient * y[None]
        new = _Answers(
            y, energy.value, energy.moles, r.constant, r.slope, r.stiffness,
            jnp.sum(dM * r.constant[None], axis=1), jnp.sum(dM[:, None] * r.slope[None], axis=2),
        )  # fmt: skip
        return jax.tree.map(lambda a, b: a.at[..., pair].set(b, mode="drop"), answers, new)

    start = _Answers(
        y_of, jnp.zeros(pairs), jnp.zeros((elements, pairs)), jnp.zeros((n_y, pairs)),
        jnp.zeros((elements, n_y, pairs)), jnp.ones(pairs), jnp.zeros((elements, pairs)),
        jnp.zeros((elements, elements, pairs)),
    )  # fmt: skip
    return for_each_block(block, start, state.slots.phase.reshape(-1), wanted.reshape(-1), stack.moles.shape[0], BLOCK)


def newton_system(demand: Demand, slots: Slots, moles, softness, drift, value, mu, right):
    """Matrix and right side of Newton's system in (change of lambda, N). Inactive slots keep an amount of zero.

    For every pair: `moles` (elements, pairs), `value` (pairs); how moles answer to mu: `softness` (elements, elements,
    pairs), and by themselves: `drift` (elements, pairs). A change of lambda that nothing determines is held at zero.
    """
    rows, W = right.shape
    count, active = slots.phase.shape[0], slots.active
    N = jnp.where(active, slots.amount, 0.0)
    shaped = lambda x: x.reshape(*x.shape[:-1], count, W)
    moles = jnp.where(active, shaped(moles), 0.0)  # (elements, slots, W)
    soft = jnp.sum(N * shaped(softness), axis=2)  # (elements, elements, W)
    answer = jnp.einsum("kew,efw,lfw->klw", demand.rows, soft, demand.rows)
    coupled = jnp.einsum("kew,esw->ksw", demand.rows, moles)
    reach = jnp.maximum(jnp.abs(answer).max(axis=1), jnp.abs(coupled).max(axis=1))  # of each row
    held = _PROXIMAL * reach[:, None] * jnp.eye(rows)[..., None]
    upper = jnp.concatenate([answer + held, coupled], axis=1)
    idle = jnp.eye(count)[..., None] * jnp.where(active, 0.0, 1.0)[None]
    lower = jnp.concatenate([jnp.swapaxes(coupled, 0, 1), idle], axis=1)
    moving = jnp.sum(N * shaped(drift), axis=1) + jnp.einsum("efw,fw->ew", soft, mu)
    first = right - jnp.einsum("kew,ew->kw", demand.rows, moving)
    second = jnp.where(active, shaped(value) - jnp.einsum("ew,esw->sw", mu, moles), 0.0)
    return jnp.concatenate([upper, lower]), jnp.concatenate([first, second])


def _finished(stack: Phase, state: Equilibrated, wanted) -> Equilibrated:
    """Make the last step."""
    n_y, slots, W = state.slots.y.shape
    y_of, step_of = state.slots.y.reshape(n_y, -1), state.step.reshape(n_y, -1)

    def block(y, index, pair):
        return y.at[:, pair].set(moved(stack.at(index), y_of[:, pair], step_of[:, pair]), mode="drop")

    active = (state.slots.active & wanted).reshape(-1)
    y = for_each_block(block, y_of, state.slots.phase.reshape(-1), active, stack.moles.shape[0], BLOCK)
    return state._replace(slots=state.slots._replace(y=y.reshape(n_y, slots, W)), step=jnp.zeros_like(state.step))
