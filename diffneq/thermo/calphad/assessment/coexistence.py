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
    """(z with function(z, args) = 0, was it found); differentiable in `args` by the implicit function theorem."""
    solution = optx.root_find(function, _SOLVER, guess, args, max_steps=_STEPS, throw=False)
    left = jax.tree.map(lambda r: jnp.max(jnp.abs(r)), function(jax.lax.stop_gradient(solution.value), args))
    largest = jnp.max(jnp.stack(jax.tree.leaves(left)))
    return solution.value, jax.lax.stop_gradient(largest < _SOLVED)


def closest_to_plane(tables: Tables, phase, T, P, mu: Float[Array, " elements"], y: Float[Array, " n_y"]):
    """(y, found) of the least [G(y) - mu . M(y)]/n_atoms near the given y. Not to be differentiated."""
    RT = tables.gas_constant * T

    def conditions(z, args):
        F, r, _ = equations(tables, phase, T, P, z["v"], mu + RT * z["height"])
        return {"v": r, "height": F}

    (z, found) = root(conditions, {"v": logits(tables, phase, y), "height": jnp.zeros(())}, None)
    return site_fractions(tables, phase, z["v"]), found


def at_composition(tables: Tables, phase, T, P, mu, y: Float[Array, " n_y"], x: Float[Array, " elements"], elements: int):
    """(y, found) of the least G(y) at mole fractions x, from a guess of y and mu. Not to be differentiated."""
    RT = tables.gas_constant * T

    def conditions(z, args):
        F, r, now = equations(tables, phase, T, P, z["v"], RT * z["mu"])
        absent = z["mu"][elements:]
        return {"v": r, "mu": jnp.concatenate([F[None], (now - x)[: elements - 1], absent])}

    (z, found) = root(conditions, {"v": logits(tables, phase, y), "mu": mu / RT}, None)
    return site_fractions(tables, phase, z["v"]), found


def together(tables: Tables, phases, T, P, mu, y: Float[Array, "m n_y"], elements: int, free_temperature: bool):
    """(T, x, found): several phases in equilibrium with each other, T given or, with one phase more, unknown.

    Differentiable in the tables and T. `phases` are as many as there are elements, or one more if `free_temperature`;
    T, mu and y are a guess (T only if it is unknown).
    """
    RT = jax.lax.stop_gradient(tables.gas_constant * T)

    def conditions(z, args):
        tables, given = args
        now = given * (1.0 + z["T"]) if free_temperature else given
        each = lambda phase, v: equations(tables, phase, now, P, v, RT * z["mu"])
        F, r, _ = jax.vmap(each)(phases, z["v"])
        absent = z["mu"][elements:]
        if free_temperature:
            return {"v": r, "mu": jnp.concatenate([F[:-1], absent]), "T": F[-1]}
        return {"v": r, "mu": jnp.concatenate([F, absent]), "T": z["T"]}

    guess = {"v": jax.vmap(lambda phase, y: logits(tables, phase, y))(phases, y), "mu": mu / RT, "T": jnp.zeros(())}
    guess = jax.lax.stop_gradient(guess)
    given = jax.lax.stop_gradient(T) if free_temperature else T
    z, found = root(conditions, guess, (tables, given))
    now = given * (1.0 + z["T"])
    moles = jax.vmap(lambda phase, v: formula_moles(tables, phase, site_fractions(tables, phase, v)))(phases, z["v"])
    return now, moles / jnp.sum(moles, axis=1, keepdims=True), found
