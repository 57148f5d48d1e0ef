"""Critical points: where the two sides of a miscibility gap become one.

    dG/dy - mu . dM/dy - eta S = 0,  S y = 1,  G = mu . M
    H v = kappa S,  S v = 0,  v . v = 1     H = d2(G - mu . M)/dy2: the phase is about to demix along v
    d3(G - mu . M)[v, v, v] = 0             and does not tip over to one side

J. W. Gibbs (Trans. Conn. Acad. 3 (1876) 108), written for site fractions.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from diffneq.thermo.calphad.diagrams.coexistence import (
    Solution,
    Unknowns,
    constraints,
    mole_fractions,
    newton,
    newton_limits,
    site_fractions,
    with_multipliers,
)
from diffneq.thermo.calphad.diagrams.scan import Tie
from diffneq.thermo.calphad.energy import formula_energy, formula_moles
from diffneq.thermo.calphad.system import System
from diffneq.thermo.calphad.tables import Tables


def critical_point(system: System, P: float, tie: Tie) -> Solution | None:
    """The critical point that a short tie-line between two compositions of one phase leads to, None if to none."""
    phase = tie.phases[0]
    present = np.asarray(system.tables.present[phase])
    ends = np.where(present, np.exp(tie.log_y), 0.0)
    middle, along = ends.mean(axis=0), ends[1] - ends[0]
    log_y = np.where(present, np.log(np.where(present, middle, 1.0)), 0.0)
    RT = float(system.tables.gas_constant) * tie.T
    along = along / np.linalg.norm(along)
    solution = jax.tree.map(np.asarray, _solve(system.tables, phase, P, log_y, along, tie.mu / RT, tie.T))
    return solution if solution.left < 1e-6 and np.isfinite(solution.x).all() else None


@jax.jit
def _solve(tables: Tables, phase, P, log_y, along, mu, T) -> Solution:
    start = with_multipliers(tables, jnp.asarray(phase)[None], P, log_y[None], mu, jnp.asarray(T, float))
    kappa = jnp.zeros_like(start.eta[0])
    z, unravel = ravel_pytree((start, along, kappa))

    def largest(z):
        unknowns, along, kappa = unravel(z)
        return ravel_pytree((newton_limits(unknowns), jnp.full_like(along, 0.5), jnp.full_like(kappa, jnp.inf)))[0]

    z, left = newton(lambda z: ravel_pytree(_residual(tables, phase, P, *unravel(z)))[0], z, largest)
    unknowns, _, _ = unravel(z)
    y = site_fractions(tables, phase, unknowns.log_y[0])
    return Solution(unknowns, mole_fractions(tables, phase, y, len(mu))[None], left)


def _residual(tables: Tables, phase, P, unknowns: Unknowns, along, kappa):
    mu, T, eta = unknowns.mu, unknowns.T, unknowns.eta[0]
    present = tables.present[phase]
    rows, right = constraints(tables, phase)
    used = jnp.any(rows != 0.0, axis=1)

    def height(y):
        moles = formula_moles(tables, phase, y)[: len(mu)]
        return formula_energy(tables, phase, T, P, y) / (tables.gas_constant * T) - mu @ moles

    change = lambda function: lambda y: jax.jvp(function, (y,), (along,))[1]
    y = site_fractions(tables, phase, unknowns.log_y[0])
    value, slope = jax.value_and_grad(height)(y)
    bend = jax.jvp(jax.grad(height), (y,), (along,))[1]
    third = functools.reduce(lambda f, _: change(f), range(3), height)(y)
    return (
        jnp.where(present, slope - eta @ rows, unknowns.log_y[0]), jnp.where(used, rows @ y - right, eta), value,
        jnp.where(present, bend - kappa @ rows, along), jnp.where(used, rows @ along, kappa), along @ along - 1.0,
        third,
    )  # fmt: skip
