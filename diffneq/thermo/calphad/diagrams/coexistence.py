"""Phases in equilibrium with each other, as square systems of equations solved by Newton's method.

    dG/dy_j - mu . dM/dy_j - eta_s(j) = 0   for every site fraction j of every phase
    sum_j in s y_j = 1                      for every sublattice s (and no charge)
    G - mu . M = 0                          for every phase

In a system of C elements, C phases at a given T make a tie-line (a tie-triangle, ...); with T unknown there is room
for one more condition: another phase (an invariant reaction), a prescribed composition, or equal compositions of two
phases (a congruent point). Unknown are ln y, eta, mu (both over R T) and T; of positive site fractions nothing else
is asked, so that a vanishing one causes no trouble.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int

from diffneq.thermo.calphad.energy import formula_energy, formula_moles
from diffneq.thermo.calphad.tables import Tables

_MOST_STEPS = 50
_DONE = 1e-10
LOWEST = -230.0  # of ln y: below it y ln y is no longer followed


class Unknowns(NamedTuple):
    """What is solved for; m phases, padded constituents hold ln y = 0."""

    log_y: Float[Array, "m n_y"]
    eta: Float[Array, "m rows"]
    mu: Float[Array, "elements"]  # over R T
    T: Float[Array, ""]


class Solution(NamedTuple):
    """Unknowns, mole fractions of each phase, and how far Newton's method had still to go."""

    unknowns: Unknowns
    x: Float[Array, "m elements"]
    left: Float[Array, ""]


def site_fractions(tables: Tables, phase, log_y: Float[Array, " n_y"]) -> Float[Array, " n_y"]:
    """y, zero where a constituent is padding."""
    return jnp.where(tables.present[phase], jnp.exp(log_y), 0.0)


def mole_fractions(tables: Tables, phase, y: Float[Array, " n_y"], elements: int) -> Float[Array, " elements"]:
    """x_e = M_e / sum M."""
    moles = formula_moles(tables, phase, y)[:elements]
    return moles / jnp.sum(moles)


def constraints(tables: Tables, phase) -> tuple[Array, Array]:
    """Rows S and right sides b of S y = b: one for each sublattice, and the charge. Empty rows are padding."""
    rows = jnp.concatenate([tables.sites[phase], tables.charge[phase][None]])
    right = jnp.concatenate([jnp.ones(len(rows) - 1), jnp.zeros(1)])
    return rows, right


def of_phase(tables: Tables, phase, P, log_y, eta, mu, T) -> tuple[Array, Array, Array]:
    """(residual of ln y, of the constraints, of the height) of one phase; energies over R T."""
    RT = tables.gas_constant * T
    y = site_fractions(tables, phase, log_y)
    elements = len(mu)

    def height(y):
        return formula_energy(tables, phase, T, P, y) / RT - mu @ formula_moles(tables, phase, y)[:elements]

    value, slope = jax.value_and_grad(height)(y)
    rows, right = constraints(tables, phase)
    used = jnp.any(rows != 0.0, axis=1)
    free = tables.present[phase] & (log_y > LOWEST)
    stationary = jnp.where(free, slope - eta @ rows, jnp.where(tables.present[phase], 0.0, log_y))
    return stationary, jnp.where(used, rows @ y - right, eta), value


def residual(tables: Tables, phases: Int[Array, " m"], P, unknowns: Unknowns) -> tuple[Array, ...]:
    """All equations of all phases, without the one that closes the system."""
    each = lambda phase, log_y, eta: of_phase(tables, phase, P, log_y, eta, unknowns.mu, unknowns.T)
    return jax.vmap(each)(phases, unknowns.log_y, unknowns.eta)


def compositions(tables: Tables, phases: Int[Array, " m"], unknowns: Unknowns) -> Float[Array, "m elements"]:
    """Mole fractions of all phases."""
    count = len(unknowns.mu)
    each = lambda phase, log_y: mole_fractions(tables, phase, site_fractions(tables, phase, log_y), count)
    return jax.vmap(each)(phases, unknowns.log_y)


class Closing(NamedTuple):
    """What closes a system of C phases: the sum of three conditions with these weights, one of which is 1.

    T given; ln of the mole fraction of one element in one phase given; equal x of the first element in two phases.
    """

    weights: Float[Array, "3"]
    T: Float[Array, ""]
    place: Int[Array, ""]
    element: Int[Array, ""]
    x: Float[Array, ""]

    def __call__(self, every: Float[Array, "m elements"], T) -> Array:
        given = (T - self.T) / 1000.0, jnp.log(every[self.place, self.element] / self.x), every[0, 0] - every[1, 0]
        return self.weights @ jnp.stack(given)


def with_multipliers(tables: Tables, phases: Int[Array, " m"], P, log_y, mu, T) -> Unknowns:
    """Unknowns with the best eta: sum over a sublattice of y dG/dy."""
    zero = jnp.zeros(tables.sites.shape[1] + 1)

    def eta(phase, log_y):
        y = site_fractions(tables, phase, log_y)
        slope, _, _ = of_phase(tables, phase, P, log_y, zero, mu, T)
        return jnp.concatenate([tables.sites[phase] @ (y * slope), jnp.zeros(1)])

    return Unknowns(log_y, jax.vmap(eta)(phases, log_y), mu, T)


def system_of(tables: Tables, phases, P, closing: Closing | None, unravel: Callable) -> Callable:
    """The residual as a function of all unknowns in one vector; C + 1 phases need nothing that closes it."""

    def function(z):
        unknowns = unravel(z)
        parts = [*residual(tables, phases, P, unknowns)]
        if closing is not None and len(phases) == len(unknowns.mu):
            parts.append(closing(compositions(tables, phases, unknowns), unknowns.T))
        return jnp.concatenate([part.reshape(-1) for part in parts])

    return function


def newton(function: Callable, z: Array, largest: Callable) -> tuple[Array, Array]:
    """(solution, last step): Newton's method; `largest(z)` is the longest step of each unknown."""

    def step(state):
        z, _, count = state
        dz = jnp.linalg.solve(jax.jacfwd(function)(z), -function(z))
        size = jnp.max(jnp.abs(dz) / largest(z))
        return z + dz * jnp.minimum(1.0, 1.0 / size), size, count + 1

    more = lambda state: (state[1] > _DONE) & (state[2] < _MOST_STEPS)
    z, left, _ = jax.lax.while_loop(more, step, (z, jnp.asarray(jnp.inf), 0))
    return z, left


def newton_limits(unknowns: Unknowns) -> Unknowns:
    """The longest steps: ln y far where y is small, for there it is nearly exact, and y by no more than 0.06."""
    full = lambda x: jnp.full_like(x, jnp.inf)
    log_y = jnp.minimum(0.06 * jnp.exp(-jnp.maximum(unknowns.log_y, -10.0)), 3.0)
    return Unknowns(log_y, full(unknowns.eta), full(unknowns.mu), jnp.full_like(unknowns.T, 40.0))


@jax.jit
def coexistence(
    tables: Tables, phases: Int[Array, "B m"], P, log_y: Float[Array, "B m n_y"], mu: Float[Array, "B elements"],
    T: Float[Array, "B"], closing: Closing,
) -> Solution:  # fmt: skip
    """A batch of square systems from approximate solutions (mu over R T)."""

    def one(phases, log_y, mu, T, closing):
        start = with_multipliers(tables, phases, P, log_y, mu, T)
        z, unravel = ravel_pytree(start)
        function = system_of(tables, phases, P, closing, unravel)
        z, left = newton(function, z, lambda z: ravel_pytree(newton_limits(unravel(z)))[0])
        unknowns = unravel(z)
        left = jnp.where(jnp.isfinite(z).all() & (unknowns.T > 0), left, jnp.inf)
        return Solution(unknowns, compositions(tables, phases, unknowns), left)

    return jax.vmap(one)(phases, log_y, mu, T, closing)
