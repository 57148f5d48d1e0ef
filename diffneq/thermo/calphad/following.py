"""Given phases at other conditions: no search, the same phases in equilibrium with each other, whatever their amounts.

Where a phase is about to vanish its amount goes through zero smoothly here, so that boundaries are simple roots.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffneq.thermo.calphad.energy import formula_moles
from diffneq.thermo.calphad.solver.hull import Demand
from diffneq.thermo.calphad.solver.implicit import Given, stationary
from diffneq.thermo.calphad.solver.layout import batch_last
from diffneq.thermo.calphad.solver.newton import equilibrate
from diffneq.thermo.calphad.solver.search import Found, Searcher
from diffneq.thermo.calphad.solver.slots import Slots
from diffneq.thermo.calphad.solver.state import State, _state


def phases_of(searcher: Searcher, state: State, T: Float[Array, "B"]) -> tuple[Slots, Float[Array, "elements B"]]:
    """The stable phases and the potentials over R T of a state, to be followed."""
    tables = searcher.tables
    y = jnp.where(state.active, state.y, 1.0)
    moles = jax.vmap(jax.vmap(lambda phase, y: formula_moles(tables, phase, y), (0, 1)), (1, 2), 2)(state.phase, y)
    atoms = jnp.maximum(moles.sum(axis=1), 1e-6)  # (slots, B)
    amount = jnp.where(state.active, state.amount / atoms, 0.0)
    return Slots(state.phase, y, amount, state.active), state.mu / (tables.gas_constant * T)


@batch_last
def follow(
    searcher: Searcher, T: Float[Array, "B"], P: Float[Array, "B"], demand: Demand, slots: Slots, mu
) -> tuple[State, Float[Array, "B"]]:
    """(state, how far Newton's method had still to go) with the phases of `slots`, of any sign of their amounts.

    Differentiable in T, P, demand and the tables of the searcher, not in slots and mu, where the iteration starts.
    """
    tables = searcher.tables
    given_now = jax.lax.stop_gradient((searcher, T, P, demand, slots, mu))
    done, imbalance = _iterate(*given_now)
    energy_of = lambda T: (tables.energy_coefficients(T, P), tables.physical_coefficients(T, P))
    (energy, physical), slopes = jax.jvp(energy_of, (T,), (jnp.ones_like(T),))
    given = Given(energy, physical, T, tables.gas_constant, demand)
    y, amount, potentials = stationary(searcher.stack, tables.channels, given, done.slots, done.mu)
    none = jnp.zeros_like(T)
    found = Found(
        done.slots, done.mu, none, jnp.zeros(T.shape, jnp.int32), done.left, imbalance, done.pivot, none == 0.0
    )
    here = done.slots._replace(y=y, amount=amount)
    return _state(searcher.stack, tables, given, slopes, here, potentials, found), done.left


def _iterate(searcher: Searcher, T, P, demand: Demand, slots: Slots, mu):
    lanes = searcher.lanes(T, P, demand)
    wanted = jnp.ones(T.shape, bool)
    done = equilibrate(searcher.stack, lanes, slots, mu, wanted, searcher.tables.channels)
    return done, done.imbalance(demand)
