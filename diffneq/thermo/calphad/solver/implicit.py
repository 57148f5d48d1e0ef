"""Derivatives of an equilibrium by the implicit function theorem, at the phases that are stable.

The conditions F(u; theta) = 0 of equilibrium determine u = (y, N, mu); so du = -F_u^-1 F_theta dtheta, with F_u the
matrix of Newton's method. The rule is made of differentiable operations and refers to u itself, so it can be applied
again: second derivatives, forward or backward, come out without differentiating an iteration.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffneq.thermo.calphad.solver.dispatch import all_blocks
from diffneq.thermo.calphad.solver.energies import Coefficients, Phase, evaluate
from diffneq.thermo.calphad.solver.hull import Demand
from diffneq.thermo.calphad.solver.layout import batch_last
from diffneq.thermo.calphad.solver.linear import solve_definite, solve_pivoted
from diffneq.thermo.calphad.solver.newton import BLOCK, newton_system
from diffneq.thermo.calphad.solver.response import response
from diffneq.thermo.calphad.solver.slots import Slots


class Given(NamedTuple):
    """What an equilibrium depends on: coefficients of all phases for every lane (J/mol), T, P and the demand."""

    energy: Float[Array, "phases n_f B"]
    physical: Float[Array, "phases channels n_f B"]
    T: Float[Array, "B"]
    gas_constant: Float[Array, ""]
    demand: Demand


class Paired(NamedTuple):
    """Coefficients of the phase of every slot, in blocks of one phase."""

    energy: Float[Array, "blocks n_f width"]
    physical: Float[Array, "blocks channels n_f width"]
    T: Float[Array, "blocks width"]

    def in_units(self, R) -> Coefficients:
        """Of one block; energies over R T."""
        return Coefficients(self.energy / (R * self.T), self.physical, self.T, R)


class Blocks(NamedTuple):
    """Which pairs (slot, lane) are evaluated together."""

    phase: Array  # (blocks,)
    pair: Array  # (blocks, width)

    @classmethod
    def of(cls, slots: Slots, phases: int) -> "Blocks":
        """All active slots."""
        return cls(*all_blocks(slots.phase.reshape(-1), slots.active.reshape(-1), phases, BLOCK))

    def gather(self, x: Float[Array, "*rest pairs"]) -> Float[Array, "blocks *rest width"]:
        """Values of the pairs of every block."""
        return jnp.moveaxis(x[..., jnp.minimum(self.pair, x.shape[-1] - 1)], -2, 0)

    def scatter(self, x: Float[Array, "blocks *rest width"], pairs: int) -> Float[Array, "*rest pairs"]:
        """The inverse; zero where no block holds the pair."""
        x = jnp.moveaxis(x, 0, -2)
        return jnp.zeros((*x.shape[:-2], pairs), x.dtype).at[..., self.pair].add(x, mode="drop")

    def coefficients(self, given: Given) -> Paired:
        """Gathered once, outside of all loops: backwards that is one scattered sum."""
        lane = self.pair % given.T.shape[0]
        energy = given.energy[self.phase[:, None], :, lane]  # (blocks, width, n_f)
        if given.physical.shape[-1] == 1:
            physical = given.physical[self.phase]
        else:
            physical = jnp.moveaxis(given.physical[self.phase[:, None], :, :, lane], 1, -1)
        return Paired(jnp.swapaxes(energy, 1, 2), physical, given.T[lane])


@batch_last
def stationary(
    stack: Phase, channels: tuple[str, ...], given: Given, slots: Slots, mu: Float[Array, "elements B"]
) -> tuple[Float[Array, "n_y slots B"], Float[Array, "slots B"], Float[Array, "elements B"]]:
    """(y, N, mu/RT) of the solution that was found, as functions of what is given."""
    arrays, static = eqx.partition(stack, eqx.is_array)

    @jax.custom_jvp
    def solution(given, arrays, slots, mu):  # the arrays as an argument: they may be tracers of an outer function
        return slots.y, slots.amount, mu

    @solution.defjvp
    def rule(primals, tangents):
        given, arrays, slots, mu = primals
        y, amount, mu = solution(given, arrays, slots, mu)
        here = slots._replace(y=y, amount=amount)
        return (y, amount, mu), _tangent(eqx.combine(arrays, static), channels, given, tangents[0], here, mu)

    return solution(given, *jax.lax.stop_gradient((arrays, slots, mu)))


@batch_last
def _tangent(stack: Phase, channels, given: Given, change: Given, slots: Slots, mu):
    """The change of (y, N, mu) that goes with a change of what is given: Newton's linear system once."""
    count, B = slots.amount.shape
    blocks = Blocks.of(slots, stack.moles.shape[0])
    inverse, moles, dM = _structure(stack, channels, given, slots, mu, blocks)
    value, gradient = _partial(stack, channels, given, change, slots, blocks)
    constant = -jnp.einsum("bap,bp->ap", inverse, gradient)
    slope = jnp.einsum("bap,ebp->eap", inverse, dM)
    weighted = dM * slots.y.reshape(1, -1, count * B)
    drift, softness = jnp.einsum("eap,ap->ep", weighted, constant), jnp.einsum("eap,fap->efp", weighted, slope)
    demand, new = given.demand, change.demand
    total = jnp.sum(moles.reshape(-1, count, B) * slots.amount, axis=1)
    moving = jnp.einsum("kew,kw->ew", new.rows, _prices(demand, mu)) + new.fixed
    asked = new.right - jnp.einsum("kew,ew->kw", new.rows, total)
    matrix, right = newton_system(demand, slots, moles, softness, drift, value, moving, asked)
    size = len(matrix)
    inverse_matrix = solve_pivoted(matrix, jnp.broadcast_to(jnp.eye(size)[..., None], matrix.shape))[0]
    unknown = jnp.einsum("abw,bw->aw", inverse_matrix, right)
    rows = len(asked)
    dmu = moving + jnp.einsum("kew,kw->ew", demand.rows, unknown[:rows])
    amount = jnp.where(slots.active, unknown[rows:], 0.0)
    step = constant + jnp.einsum("eyp,ep->yp", slope, jnp.tile(dmu, (1, count)))
    dy = jnp.where(slots.active, slots.y * step.reshape(slots.y.shape), 0.0)
    return dy, amount, dmu


def _structure(stack: Phase, channels, given: Given, slots: Slots, mu, blocks: Blocks):
    """For every pair: dy/y against a change of G - mu . M along y, (n_y, n_y, pairs); M; dM/dy. Free of tangents."""
    n_y, count, B = slots.y.shape

    def block(args):
        index, own, y, potentials = args
        phase = stack.at(index)
        energy = evaluate(phase, own.in_units(given.gas_constant), y, channels, potentials)
        units = jnp.broadcast_to(jnp.eye(n_y)[..., None], (n_y, *y.shape))
        inverse = response(phase, energy._replace(moles_gradient=units), y, 1e-12).slope
        return inverse, energy.moles, energy.moles_gradient

    potentials = blocks.gather(jnp.tile(mu, (1, count)))
    args = (blocks.phase, blocks.coefficients(given), blocks.gather(slots.y.reshape(n_y, -1)), potentials)
    out = jax.lax.map(jax.checkpoint(block), args)
    return tuple(blocks.scatter(x, count * B) for x in out)


def _partial(stack: Phase, channels, given: Given, change: Given, slots: Slots, blocks: Blocks):
    """The change of G/RT and of its gradient at fixed y, for every pair."""
    n_y, count, B = slots.y.shape
    own, own_change = jax.jvp(blocks.coefficients, (given,), (change,))

    def block(args):
        index, p, dp, dR, y = args
        at = lambda p, R: evaluate(stack.at(index), p.in_units(R), y, channels, hessian=False)[:2]
        return jax.jvp(at, (p, given.gas_constant), (dp, dR))[1]

    dR = jnp.broadcast_to(change.gas_constant, blocks.phase.shape)
    args = (blocks.phase, own, own_change, dR, blocks.gather(slots.y.reshape(n_y, -1)))
    out = jax.lax.map(jax.checkpoint(block), args)
    return tuple(blocks.scatter(x, count * B) for x in out)


def _prices(demand: Demand, mu):
    """lambda of mu = rows' lambda + fixed."""
    square = jnp.einsum("kew,lew->klw", demand.rows, demand.rows)
    right = jnp.einsum("kew,ew->kw", demand.rows, mu - demand.fixed)
    return solve_definite(square, right[:, None], 1e-12)[0][:, 0]
