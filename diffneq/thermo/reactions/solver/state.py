"""One pure function from what is given to a certified equilibrium, with derivatives."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffneq.thermo.calphad.solver.layout import batch_last
from diffneq.thermo.reactions.solver.batch import WIDTH
from diffneq.thermo.reactions.solver.implicit import Given, Unknown, amounts, frame, solution
from diffneq.thermo.reactions.solver.problems import Kind, Sizes, Solution, find
from diffneq.thermo.reactions.solver.properties import Properties, properties
from diffneq.thermo.reactions.table import Arrays, reduced_gibbs
from diffneq.thermo.species.species import GAS_CONSTANT

NOT_CERTIFIED, NOT_CONVERGED, INFEASIBLE, OUTSIDE, EXTRAPOLATED = 1, 2, 4, 8, 16
_CONVERGED = 1e-9  # largest logarithmic imbalance
_BALANCED = 1e-10  # of the elements, relative
_UNDRIVEN = -1e-8  # driving force over R T
_FULL = 1e-9  # of the sum of the mole fractions
NO_GAS = 1e-25  # mole of gas to a mole of atoms below which there is none


class State(NamedTuple):
    """An equilibrium in every lane; amounts in mol, potentials and energies in J/mol and J."""

    T: Float[Array, "B"]
    P: Float[Array, "B"]
    n: Float[Array, "species B"]  # padded places included
    potential: Float[Array, "elements B"]  # mu of the elements
    properties: Properties
    active: Bool[Array, "phases B"]  # condensed phases that are stable
    alive: Bool[Array, "species B"]  # candidates
    driving: Float[Array, "phases B"]  # G - a . mu of condensed phases, J/mol; infinite where no candidate
    certificate: Float[Array, "B"]  # the lowest of them, J/mol, at most 0
    excess: Float[Array, "B"]  # sum of the mole fractions of the gas - 1; negative without gas
    balance: Float[Array, "B"]  # largest relative imbalance of an element
    status: Int[Array, "B"]  # 0: certified


@batch_last
def equilibrium_state(
    table: Arrays,
    sizes: Sizes,
    kind: Kind,
    first: Float[Array, "B"],
    second: Float[Array, "B"],
    b: Float[Array, "elements B"],
    span: Float[Array, "2"],
    count: Any = None,
) -> State:
    """The equilibria of B lanes, `count` of which are wanted (all, if None).

    Arguments:
        kind: what `first` and `second` are, see `problems.Kind`; K, Pa, J, J/K, m3.
        b: moles of every element.
        span: temperatures between which an unknown T is looked for, K.
    """
    whole = jnp.sum(jnp.abs(b), axis=0)
    whole = jnp.where(whole > 0, whole, 1.0)
    scaled = lambda x, letter: x if letter in "TP" else x / whole
    given = Given(
        table.coefficients, table.standard_pressure, scaled(first, kind[0]), scaled(second, kind[1]), b / whole
    )
    found = _search(table, sizes, kind, jax.lax.stop_gradient(given), jax.lax.stop_gradient(span), count)
    fixed = frame(jax.lax.stop_gradient(table), sizes.gases, jax.lax.stop_gradient(given.b), found)
    columns = jnp.einsum("ek,eb->kb", fixed.table.A, found.potential)
    inside = jnp.where(fixed.basis.used, jnp.sum(jnp.where(fixed.basis.hit, columns[None], 0.0), axis=1), 0.0)
    start = Unknown(inside, found.ln_N, found.n[sizes.gases :], jnp.log(found.T), jnp.log(found.P))
    u = solution(sizes, kind, given, fixed, start)
    moving = table._replace(A=fixed.table.A)
    T, P = jnp.exp(u.ln_T), jnp.exp(u.ln_P)
    n = amounts(sizes, given, fixed, u)
    potential = jnp.einsum("ifb,ib->fb", fixed.basis.inverse, u.potential)
    have = jax.tree.map(lambda x: x * whole, properties(moving, sizes.chosen, sizes.gases, n, T, P))
    judged = _judge(moving, sizes, found, n, potential, T, P, given.b)
    return State(T, P, n * whole, potential * GAS_CONSTANT * T, have, fixed.active, found.alive, *judged)


def _search(table: Arrays, sizes: Sizes, kind: Kind, given: Given, span: Array, count: Any) -> Solution:
    """In chunks of full width; the lanes that fill up the last are left out of the search."""
    B = given.b.shape[1]
    more = -B % WIDTH
    fill = lambda x: jnp.concatenate([x, jnp.broadcast_to(x[..., :1], (*x.shape[:-1], more))], axis=-1)
    first, second, b = (fill(x) for x in (given.first, given.second, given.b))
    found = find(jax.lax.stop_gradient(table), sizes, kind, first, second, b, span, B if count is None else count)
    return jax.tree.map(lambda x: x[..., :B], found)


def _judge(table: Arrays, sizes: Sizes, found: Solution, n, potential, T, P, b):
    """Driving forces, certificate, balance and status."""
    g = reduced_gibbs(table, sizes.chosen, T)
    level = jnp.einsum("ek,eb->kb", table.A, potential)
    condensed = found.alive[sizes.gases :]
    driving = jnp.where(condensed, g[sizes.gases :] - level[sizes.gases :], jnp.inf)
    absent = ~jnp.any((table.A[..., None] != 0) & (n > 0)[None], axis=1)
    holds = jnp.einsum("ek,eb->kb", jnp.abs(table.A), absent.astype(b.dtype)) > 0
    driving = jnp.where(holds[sizes.gases :], jnp.inf, driving)
    held = found.between & found.active  # at the edge of their data, up to which their energies need not be equal
    lowest = jnp.minimum(jnp.min(jnp.where(held, jnp.inf, driving), axis=0, initial=jnp.inf), 0.0)
    ln_y = level[: sizes.gases] - g[: sizes.gases] - jnp.log(P / table.standard_pressure)
    open_ = found.alive[: sizes.gases] & ~holds[: sizes.gases] & (n[: sizes.gases] > 0)
    excess = jnp.sum(jnp.where(open_, jnp.exp(jnp.minimum(ln_y, 50.0)), 0.0), axis=0) - 1.0
    gross = jnp.abs(table.A) @ n + jnp.abs(b)
    balance = jnp.max(jnp.abs(table.A @ n - b) / jnp.maximum(gross, 1e-300), axis=0)
    some = jnp.sum(n[: sizes.gases], axis=0) > NO_GAS
    full = (excess < _FULL) & ((excess > -_FULL) | ~some)
    certified = full & (lowest > _UNDRIVEN) & (balance < _BALANCED)
    gas = (jnp.arange(len(table.exists)) < sizes.gases) & table.exists
    beyond = gas[:, None] & ((T[None] < table.low[:, None] * (1 - 1e-9)) | (T[None] > table.high[:, None] * (1 + 1e-9)))
    status = (
        jnp.where(certified, 0, NOT_CERTIFIED)
        | jnp.where(found.error < _CONVERGED, 0, NOT_CONVERGED)
        | jnp.where(found.infeasible, INFEASIBLE, 0)
        | jnp.where(found.outside, OUTSIDE, 0)
        | jnp.where(jnp.any(beyond, axis=0), EXTRAPOLATED, 0)
    )
    return driving * GAS_CONSTANT * T, lowest * GAS_CONSTANT * T, excess, balance, status
