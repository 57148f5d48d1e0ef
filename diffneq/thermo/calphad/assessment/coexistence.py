"""Constitutions of chosen phases that are in equilibrium with potentials, or with each other, stable or not.

    r_j = dF/dy_j - sum_i y_i dF/dy_i = 0 on every sublattice,    F = [G(y; T) - mu . M(y)] / (R T) = 0

The unknowns are logits v, y = softmax(v) on each sublattice, so that site fractions stay positive and Newton's
equations are nearly linear for dilute constituents.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optimistix as optx
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float

from diffneq.thermo.calphad.energy import formula_energy, formula_moles
from diffneq.thermo.calphad.tables import Tables

_SOLVER = optx.Dogleg(rtol=1e-10, atol=1e-10)
_STEPS = 60
_SOLVED = 1e-7  # largest residual, in units of R T, of a solution


def site_fractions(tables: Tables, phase, v: Float[Array, " n_y"]) -> Float[Array, " n_y"]:
    """y_j = exp v_j / sum over the sublattice of exp v_i; 1 in the padding."""
    sites, present = tables.sites[phase], tables.present[phase]
    w = jnp.where(present, jnp.exp(v - jnp.max(jnp.where(present, v, -jnp.inf))), 0.0)
    return jnp.where(present, w / (sites.T @ (sites @ w) + ~present), 1.0)


def logits(tables: Tables, phase, y: Float[Array, " n_y"]) -> Float[Array, " n_y"]:
    """v with zero mean on each sublattice, v_j = ln y_j + constant; fractions below 1e-13 are raised to it."""
    sites, present = tables.sites[phase], tables.present[phase]
    v = jnp.where(present, jnp.log(jnp.maximum(y, 1e-13)), 0.0)
    count = sites @ present.astype(float)
    mean = (sites @ v) / jnp.where(count > 0, count, 1.0)
    return jnp.where(present, v - sites.T @ mean, 0.0)


def equations(tables: Tables, phase, T, P, v: Float[Array, " n_y"], mu: Float[Array, " elements"]):
    """(F, r, x): F and r as at the head of this file, r with the mean of the logits; x the mole fractions."""
    RT = tables.gas_constant * T
    sites, present = tables.sites[phase], tables.present[phase]
    y = site_fractions(tables, phase, v)

    def height(y):
        moles = formula_moles(tables, phase, y)
        return (formula_energy(tables, phase, T, P, y) - mu @ moles) / RT, moles

    (F, moles), slope = jax.value_and_grad(height, has_aux=True)(y)
    mean = sites.T @ (sites @ jnp.where(present, y * slope, 0.0))
    gauge = sites.T @ (sites @ v)
    return F, jnp.where(present, slope - mean + gauge, v), moles / jnp.sum(moles)


def root(function: Callable, guess: Any, args: Any) -> tuple[Any, Bool[Array, ""]]:
    """(z with function(z, args) = 0, was it found); not to be differentiated. Without a root z is the guess."""
    guess, args = jax.lax.stop_gradient((guess, args))
    solution = optx.root_find(function, _SOLVER, guess, args, max_steps=_STEPS, throw=False).value
    largest = jnp.max(jnp.stack([jnp.max(jnp.abs(r)) for r in jax.tree.leaves(function(solution, args))]))
    found = largest < _SOLVED
    return jax.tree.map(lambda z, g: jax.lax.stop_gradient(jnp.where(found, z, g)), solution, guess), found


def differentiable(function: Callable, z: Any, found: Bool[Array, ""], args: Any) -> Any:
    """A root as a function of args: z - J^-1 f(z, args) at fixed z and J, one more step of Newton's method.

    Its first derivatives are those of the implicit function theorem. Where no root was found the step is not taken by
    a singular J, so that no derivative of other data is spoilt.
    """
    flat, restore = ravel_pytree(z)
    left = lambda flat, args: ravel_pytree(function(restore(flat), args))[0]
    slope = jax.lax.stop_gradient(jax.jacfwd(left)(flat, args))
    slope = jnp.where(found, slope, jnp.eye(len(flat)))
    return restore(flat - jnp.linalg.solve(slope, jnp.where(found, left(flat, args), 0.0)))


def constitution(
    tables: Tables, phase, T, P, mu: Float[Array, " elements"], y: Float[Array, " n_y"],
    x: Float[Array, " elements"], at_x: Bool[Array, ""], elements: int,
) -> tuple[Float[Array, " n_y"], Bool[Array, ""]]:  # fmt: skip
    """(y, found): of least G(y) at mole fractions x where `at_x`, else of least [G(y) - mu . M(y)]/n_atoms.

    Not to be differentiated. y is a guess. In both cases the phase is in equilibrium with some potentials m: they
    give the mole fractions x, or they lie by the same amount above mu for all elements.
    """
    RT = tables.gas_constant * T

    def conditions(z, args):
        F, r, now = equations(tables, phase, T, P, z["v"], RT * z["mu"])
        height = (z["mu"] - mu / RT)[:elements]
        other = jnp.where(at_x, (now - x)[1:elements], height[1:] - height[0])
        return {"v": r, "mu": jnp.concatenate([F[None], other, z["mu"][elements:]])}

    (z, found) = root(conditions, {"v": logits(tables, phase, y), "mu": mu / RT}, None)
    return site_fractions(tables, phase, z["v"]), found


def tangent_plane(tables: Tables, phases, T, P, v: Float[Array, "m n_y"], elements: int) -> Float[Array, " elements"]:
    """mu/(R T) that satisfies F = 0 and r = 0, which are linear in mu, of all phases as well as it can."""
    RT, padded = tables.gas_constant * T, tables.sizes[1]

    def left(mu):
        full = RT * jnp.pad(mu, (0, padded - elements))
        F, r, _ = jax.vmap(lambda phase, v: equations(tables, phase, T, P, v, full))(phases, v)
        return jnp.concatenate([F, r.reshape(-1)])

    zero = jnp.zeros(elements)
    A = jax.jacfwd(left)(zero)
    mu = jnp.linalg.solve(A.T @ A + 1e-9 * jnp.eye(elements), -A.T @ left(zero))
    return jnp.pad(mu, (0, padded - elements))


def together(
    tables: Tables, phases, T, P, y: Float[Array, "m n_y"], elements: int, invariant: Bool[Array, ""]
) -> tuple[Array, Float[Array, "m elements"], Bool[Array, ""]]:
    """(T, x, found): `elements` + 1 phases in equilibrium with each other at unknown T, or all but the last at given T.

    Differentiable in the tables and T. y is a guess, and T for an invariant. Where T is given the last phase may be
    any: it takes a constitution of its own and has no bearing on the others.
    """
    RT = jax.lax.stop_gradient(tables.gas_constant * T)
    T = jnp.where(invariant, jax.lax.stop_gradient(T), T)

    def conditions(z, args):
        tables, T = args
        now = T * (1.0 + z["T"])
        F, r, _ = jax.vmap(lambda n, v: equations(tables, n, now, P, v, RT * z["mu"]))(phases, z["v"])
        return {"v": r, "mu": jnp.concatenate([F[:-1], z["mu"][elements:]]), "T": jnp.where(invariant, F[-1], z["T"])}

    v = jax.vmap(lambda phase, y: logits(tables, phase, y))(phases, y)
    guess = {"v": v, "mu": tangent_plane(tables, phases, T, P, v, elements), "T": jnp.zeros(())}
    z, found = root(conditions, guess, (tables, T))
    z = differentiable(conditions, z, found, (tables, T))
    moles = jax.vmap(lambda n, v: formula_moles(tables, n, site_fractions(tables, n, v)))(phases, z["v"])
    return T * (1.0 + z["T"]), moles / jnp.sum(moles, axis=1, keepdims=True), found
