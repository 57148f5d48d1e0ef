"""One phase by itself at a given composition, with its internal degrees of freedom in equilibrium.

    min over y of G(y)   with   M_e(y) / sum M = x_e,   sublattice sums, no charge

Also where the phase is unstable against demixing. Solved by Newton's method in ln y, the multipliers and mu, from the
mixture of the states into which the phase would separate and from these states themselves; the lowest answer counts.
mu is the gradient of G in the amounts of the elements, and its derivatives follow by the implicit function theorem.
"""

import functools
from collections.abc import Iterable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from diffneq.thermo.calphad.energy import formula_energy, formula_moles, molar_energy
from diffneq.thermo.calphad.shares import LEAST
from diffneq.thermo.calphad.sizes import in_calls_of
from diffneq.thermo.calphad.solver.state import INFEASIBLE
from diffneq.thermo.calphad.states import states_at
from diffneq.thermo.calphad.system import System
from diffneq.thermo.calphad.tables import Tables

_LOWEST = -230.0  # of ln y: below it y ln y is no longer followed
_LONGEST = 2.0  # step of ln y
_DONE, _ENOUGH, _MOST_STEPS = 1e-11, 1e-7, 80
_AT_ONCE = 256


class Homogeneous(NamedTuple):
    """A phase at n conditions; energies in J, volumes in m3, for a mole of atoms. NaN where it cannot exist."""

    G: np.ndarray  # (n,)
    S: np.ndarray
    V: np.ndarray
    mu: np.ndarray  # (n, elements)
    y: np.ndarray  # (n, n_y)
    curvature: np.ndarray  # (n, elements, elements): n d mu_i/d n_j, the Hessian of G in the amounts of the elements


def homogeneous(system: System, phase: str, T, x, P: float = 101325.0) -> Homogeneous:
    """The phase at temperatures T (n,) and mole fractions x (n, elements)."""
    index = system.index(phase)
    T, x = np.asarray(T, float), np.maximum(np.asarray(x, float), LEAST)
    starts, possible = _starts(system, index, T, x, P)
    best: list[np.ndarray] = []
    for y in starts:
        *values, left = _all(system, index, T, P, x, y)
        good = possible & (left < _ENOUGH)
        new = [np.where(good.reshape(-1, *(1,) * (v.ndim - 1)), v, np.nan) for v in values]
        lower = ~(new[0] >= best[0]) & good if best else good
        best = [np.where(lower.reshape(-1, *(1,) * (a.ndim - 1)), a, b) for a, b in zip(new, best or new, strict=True)]
    return Homogeneous(*best)


def _all(system: System, index: int, T, P: float, x, y) -> list[np.ndarray]:
    """All conditions from one start each, by calls of one size."""
    C = len(system.elements)
    call = lambda here: _solve(system.tables, index, T[here], P, x[here], y[here], C)
    return in_calls_of(_AT_ONCE, len(T), call, axis=0)


def _starts(system: System, index: int, T, x, P: float) -> tuple[list[np.ndarray], np.ndarray]:
    """(site fractions to start from, is there a state at all): the equilibrium of the phase with itself."""
    others: Iterable[str] = {name for k, name in enumerate(system.phase_names) if k != index}
    state = states_at(system, T, P, x, others)
    atoms = np.asarray(_atoms(system.tables, index, np.moveaxis(state.y, 0, -1)))  # (slots, n)
    weight = np.where(state.active, state.amount / np.where(state.active, atoms, 1.0), 0.0)
    mixture = np.sum(weight * state.y, axis=1) / np.maximum(weight.sum(axis=0), 1e-300)
    separate = [np.where(state.active[s], state.y[:, s], mixture).T for s in range(len(weight))]
    several = (state.active.sum(axis=0) > 1).any()
    return [mixture.T, *(separate if several else [])], np.asarray(state.status & INFEASIBLE) == 0


@jax.jit
def _atoms(tables: Tables, index, y: Float[Array, "slots n n_y"]) -> Float[Array, "slots n"]:
    return jnp.sum(jnp.vectorize(lambda y: formula_moles(tables, index, y), signature="(y)->(e)")(y), axis=-1)


class _Unknowns(NamedTuple):
    log_y: Float[Array, " n_y"]
    eta: Float[Array, " rows"]
    mu: Float[Array, " elements"]  # over R T


@functools.partial(jax.jit, static_argnames=("C",))
def _solve(tables: Tables, index, T, P, x, y, C: int):
    return jax.vmap(lambda T, x, y: _one(tables, index, T, P, x, y, C))(T, x, y)


def _one(tables: Tables, index, T, P, x, y, C: int):
    """(G, S, V, mu, y, curvature, last step of Newton's method)."""
    RT = tables.gas_constant * T
    log_y = jnp.where(tables.present[index], jnp.log(jnp.maximum(y, 1e-30)), 0.0)
    rows = tables.sites.shape[1] + 1
    z, unravel = ravel_pytree(_Unknowns(log_y, jnp.zeros(rows), jnp.zeros(C)))
    function = lambda z, x: _residual(tables, index, T, P, x, unravel(z))
    largest = ravel_pytree(_Unknowns(jnp.full_like(log_y, _LONGEST), jnp.full(rows, jnp.inf), jnp.full(C, jnp.inf)))[0]

    def step(carry):
        z, _, count = carry
        dz = -jnp.linalg.solve(jax.jacfwd(function)(z, x), function(z, x))
        dz = dz * jnp.minimum(1.0, 1.0 / jnp.max(jnp.abs(dz) / largest))
        return z + dz, jnp.max(jnp.where(jnp.isinf(largest), 0.0, jnp.abs(dz))), count + 1

    z, left, _ = jax.lax.while_loop(lambda c: (c[1] > _DONE) & (c[2] < _MOST_STEPS), step, (z, jnp.inf, 0))
    # An element more, the others as they are: x moves by e_j - x, and n d/dn_j of mu follows.
    answer = -jnp.linalg.solve(jax.jacfwd(function)(z, x), jax.jacfwd(function, argnums=1)(z, x))  # (unknowns, C)
    mu_x = jax.vmap(lambda column: unravel(column).mu, 1, 1)(answer)
    curvature = RT * (mu_x - (mu_x @ x)[:, None])
    end = unravel(z)
    y = jnp.where(tables.present[index], jnp.exp(end.log_y), 0.0)
    energy = lambda T, P: molar_energy(tables, index, T, P, y)
    G, (dT, dP) = energy(T, P), jax.grad(energy, (0, 1))(T, jnp.asarray(P, float))
    y = jnp.where(tables.present[index], y, 1.0)
    return G, -dT, dP, end.mu * RT, y, curvature, jnp.where(jnp.isfinite(z).all(), left, jnp.inf)


def _residual(tables: Tables, index, T, P, x, unknowns: _Unknowns) -> Array:
    """Zero at the solution; the composition counts in ln x, but for the most frequent element, which G = mu M ends."""
    log_y, eta, mu = unknowns
    C, present = len(mu), tables.present[index]
    y = jnp.where(present, jnp.exp(log_y), 0.0)

    def height(y):
        moles = formula_moles(tables, index, y)[:C]
        return formula_energy(tables, index, T, P, y) / (tables.gas_constant * T) - mu @ moles

    value, slope = jax.value_and_grad(height)(y)
    rows = jnp.concatenate([tables.sites[index], tables.charge[index][None]])
    right = jnp.concatenate([jnp.ones(len(rows) - 1), jnp.zeros(1)])
    used = jnp.any(rows != 0.0, axis=1)
    free = present & (log_y > _LOWEST)
    stationary = jnp.where(free, slope - eta @ rows, jnp.where(present, 0.0, log_y))
    moles = formula_moles(tables, index, y)[:C]
    composition = jnp.log(jnp.maximum(moles / jnp.sum(moles), 1e-300)) - jnp.log(x / jnp.sum(x))
    closing = jnp.where(jnp.arange(C) == jnp.argmax(x), value / jnp.sum(moles), composition)
    return jnp.concatenate([stationary, jnp.where(used, rows @ y - right, eta), closing])
