"""Derivatives of an equilibrium by the implicit function theorem.

u = (lambda in the basis of components, ln N, amounts of condensed phases, ln T, ln P) solves F(u; theta) = 0; so
du = -F_u^-1 F_theta dtheta. The rule is made of differentiable operations and refers to u itself: it can be applied
again.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffneq.thermo.calphad.solver.layout import batch_last
from diffneq.thermo.calphad.solver.linear import solve_pivoted
from diffneq.thermo.reactions.solver.components import Components, components
from diffneq.thermo.reactions.solver.problems import Kind, Sizes, Solution
from diffneq.thermo.reactions.solver.properties import properties
from diffneq.thermo.reactions.table import Arrays, reduced_gibbs


class Given(NamedTuple):
    """theta: the data of the species, the two quantities that are fixed, the elements."""

    coefficients: Float[Array, "pieces species functions"]
    standard_pressure: Float[Array, ""]
    first: Float[Array, "B"]
    second: Float[Array, "B"]
    b: Float[Array, "elements B"]


class Unknown(NamedTuple):
    """u."""

    potential: Float[Array, "elements B"]
    ln_N: Float[Array, "B"]
    solid: Float[Array, "phases B"]
    ln_T: Float[Array, "B"]
    ln_P: Float[Array, "B"]


class Frame(NamedTuple):
    """What is held fixed: the table but for its numbers, the components, the species that exist, the active phases."""

    table: Arrays
    basis: Components
    alive: Array
    active: Array


def frame(table: Arrays, gases: int, b: Array, found: Solution) -> Frame:
    """Of a solution. Phases that depend on each other stay only where they hold the temperature."""
    ranks = jnp.where(found.active, 1e3 + found.n[gases:], -1.0)
    present = found.alive & ((found.n > 0) | jnp.concatenate([jnp.zeros_like(found.alive[:gases]), found.active]))
    score = jnp.where(present, jnp.concatenate([found.n[:gases], ranks]), -1.0)
    basis = components(table.A, b, score)
    independent = jnp.any(basis.hit[:, gases:] & basis.used[:, None], axis=0)
    active = found.active & (independent | found.between)
    return Frame(table, basis, present, active)


def _table(given: Given, fixed: Frame) -> Arrays:
    return fixed.table._replace(coefficients=given.coefficients, standard_pressure=given.standard_pressure)


def amounts(sizes: Sizes, given: Given, fixed: Frame, u: Unknown) -> Float[Array, "species B"]:
    """n of all species: exp(a . lambda + ln N - g - ln P/P0) of gases, what u says of condensed phases."""
    T = jnp.exp(u.ln_T)
    g = reduced_gibbs(_table(given, fixed), sizes.chosen, T)[: sizes.gases]
    g = g + u.ln_P - jnp.log(given.standard_pressure)
    columns = fixed.basis.columns[:, : sizes.gases]
    alive = fixed.alive[: sizes.gases]
    ln_n = jnp.where(alive, jnp.einsum("ekb,eb->kb", columns, u.potential) + u.ln_N - g, 0.0)
    gas = jnp.where(alive, jnp.exp(ln_n), 0.0)
    return jnp.concatenate([gas, jnp.where(fixed.active, u.solid, 0.0)])


def residual(sizes: Sizes, kind: Kind, given: Given, fixed: Frame, u: Unknown) -> Float[Array, "equations B"]:
    """F(u; theta): balances in the basis, the total of the gas, equilibria of active phases, what the problem fixes."""
    basis, gases = fixed.basis, sizes.gases
    T, P = jnp.exp(u.ln_T), jnp.exp(u.ln_P)
    n = amounts(sizes, given, fixed, u)
    asked = jnp.einsum("ifb,fb->ib", basis.inverse, given.b)
    balance = jnp.einsum("ekb,kb->eb", basis.columns, n) - asked
    balance = jnp.where(basis.used, balance, u.potential)
    some = jnp.sum(n[:gases], axis=0) > 1e-25  # of one mole of atoms; else there is no gas
    total = jnp.where(some, jnp.sum(n[:gases], axis=0) / jnp.exp(u.ln_N) - 1.0, u.ln_N)
    table = _table(given, fixed)
    g = reduced_gibbs(table, sizes.chosen, T)[gases:]
    driving = g - jnp.einsum("ekb,eb->kb", basis.columns[:, gases:], u.potential)
    phases = jnp.where(fixed.active, driving, u.solid)
    have = properties(table, sizes.chosen, gases, n, T, P)
    quantity = {"T": T, "P": P, "H": have.H, "S": have.S, "U": have.U, "V": have.V}
    ends = [quantity[letter] - value for letter, value in zip(kind, (given.first, given.second), strict=True)]
    return jnp.concatenate([balance, total[None], phases, jnp.stack(ends)])


def solution(sizes: Sizes, kind: Kind, given: Given, fixed: Frame, found: Unknown) -> Unknown:
    """`found` as a function of what is given."""

    @jax.custom_jvp
    def function(given: Given, fixed: Frame, found: Unknown) -> Unknown:
        return found

    @function.defjvp
    def rule(primals, tangents):
        given, fixed, found = primals
        u = function(given, fixed, found)
        return u, _tangent(sizes, kind, given, tangents[0], fixed, u)

    stopped = jax.lax.stop_gradient((fixed, found))
    return function(given, *stopped)


@batch_last
def _tangent(sizes: Sizes, kind: Kind, given: Given, change: Given, fixed: Frame, u: Unknown) -> Unknown:
    flat = lambda u: jnp.concatenate([u.potential, u.ln_N[None], u.solid, u.ln_T[None], u.ln_P[None]])
    E, C = len(u.potential), len(u.solid)
    unflat = lambda x: Unknown(x[:E], x[E], x[E + 1 : E + 1 + C], x[E + 1 + C], x[E + 2 + C])
    at = lambda x: residual(sizes, kind, given, fixed, unflat(x))
    x = flat(u)
    size = len(x)
    along = lambda e: jax.jvp(at, (x,), (jnp.broadcast_to(e[:, None], x.shape),))[1]
    matrix = jnp.moveaxis(jax.vmap(along)(jnp.eye(size)), 0, 1)  # (equation, unknown, B)
    eye = jnp.broadcast_to(jnp.eye(size)[..., None], matrix.shape)
    inverse = solve_pivoted(matrix, eye)[0]
    moved = jax.jvp(lambda given: residual(sizes, kind, given, fixed, u), (given,), (change,))[1]
    return unflat(-jnp.einsum("uqb,qb->ub", inverse, moved))
