"""The equilibrium state at a batch of conditions: searched, then differentiable in everything that it depends on."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffneq.thermo.calphad.solver.batch import WIDTH, search
from diffneq.thermo.calphad.solver.energies import Phase, evaluate
from diffneq.thermo.calphad.solver.grid import make_grid
from diffneq.thermo.calphad.solver.hull import Demand
from diffneq.thermo.calphad.solver.implicit import Blocks, Given, stationary
from diffneq.thermo.calphad.solver.layout import batch_last
from diffneq.thermo.calphad.solver.monomials import monomials
from diffneq.thermo.calphad.solver.newton import SINGULAR
from diffneq.thermo.calphad.solver.points import Points
from diffneq.thermo.calphad.solver.search import Found, Searcher
from diffneq.thermo.calphad.solver.slots import Slots
from diffneq.thermo.calphad.tables import Tables

# Bits of `State.status`; 0 is a certified equilibrium whose chemical potentials are all determined.
NOT_CERTIFIED, NOT_CONVERGED, INFEASIBLE, POTENTIALS_NOT_DETERMINED = 1, 2, 4, 8


class State(eqx.Module):
    """Stable phases at B conditions, the batch last. Slots that are not active hold zeros.

    The certificate is the lowest driving force [J per mole of atoms] that any phase reaches below the plane of the
    chemical potentials: zero up to rounding at the global minimum, negative where a better state exists.
    """

    phase: Int[Array, "slots B"]
    active: Bool[Array, "slots B"]
    amount: Float[Array, "slots B"]  # moles of atoms, of one mole of atoms in all
    x: Float[Array, "elements slots B"]
    y: Float[Array, "n_y slots B"]
    energy: Float[Array, "slots B"]  # G of each phase, J per mole of its atoms
    G: Float[Array, "B"]  # J per mole of atoms
    S: Float[Array, "B"]
    mu: Float[Array, "elements B"]  # J/mol
    certificate: Float[Array, "B"]
    worst: Int[Array, "B"]
    status: Int[Array, "B"]


@batch_last
def make_searcher(tables: Tables, density: float = 1.0) -> Searcher:
    """Grid and derivative lists of a system; on the host, once. `density` multiplies the points inside the phases."""
    grid = make_grid(tables, density)
    stack = Phase.all_of(tables, monomials(tables))
    stack = jax.tree.map(jnp.asarray, stack)
    return Searcher(tables, stack, Points.of(tables, stack, grid), jnp.asarray(grid.freedom))


@batch_last
def solve(searcher: Searcher, T: Float[Array, "B"], P: Float[Array, "B"], demand: Demand, count=None) -> State:
    """The state of least Gibbs energy at each condition.

    With `count` only the first so many are searched; without, the function can be mapped by `jax.vmap`.
    """
    tables = searcher.tables
    arrays, structure = eqx.partition(searcher, eqx.is_array)
    frozen = jax.lax.stop_gradient((arrays, T, P, demand))
    if count is None:
        found = _mappable_search(*frozen, structure)
    else:
        found = _search(eqx.combine(frozen[0], structure), *frozen[1:], count)
    found = jax.lax.stop_gradient(found)
    energy_of = lambda T: (tables.energy_coefficients(T, P), tables.physical_coefficients(T, P))
    (energy, physical), slopes = jax.jvp(energy_of, (T,), (jnp.ones_like(T),))
    given = Given(energy, physical, T, tables.gas_constant, demand)
    # y, N and mu of a search that failed are not a solution; derivatives there mean nothing, and the status says so.
    y, amount, mu = stationary(searcher.stack, tables.channels, given, found.slots, found.mu)
    slots = found.slots._replace(y=y, amount=amount)
    return _state(searcher.stack, tables, given, slopes, slots, mu, found)


def _search(searcher: Searcher, T, P, demand: Demand, count) -> Found:
    """The search on batches padded to whole chunks."""
    B = T.shape[0]
    padded = -(-B // WIDTH) * WIDTH
    fill = lambda x: jnp.concatenate([x, jnp.repeat(x[..., -1:], padded - B, axis=-1)], axis=-1)
    found = search(searcher, fill(T), fill(P), jax.tree.map(fill, demand), count)
    return jax.tree.map(lambda x: x[..., :B], found)


def _mappable_search(arrays, T, P, demand: Demand, structure) -> Found:
    """The search with a rule for `jax.vmap`: a mapped axis of conditions joins the batch; mapped tables run in turn."""

    @jax.custom_batching.custom_vmap
    def run(arrays, T, P, demand):
        return _search(eqx.combine(arrays, structure), T, P, demand, T.shape[0])

    @run.def_vmap
    def rule(size, mapped, arrays, T, P, demand):
        conditions, are_mapped = (T, P, demand), mapped[1:]
        if any(jax.tree.leaves(mapped[0])):
            whole = lambda x, m: x if m else jnp.broadcast_to(x, (size, *x.shape))
            arguments = jax.tree.map(whole, (arrays, *conditions), tuple(mapped))
            out = jax.lax.map(lambda a: run(*a), arguments)
            return out, jax.tree.map(lambda _: True, out)
        B = T.shape[-1]
        joined = lambda x, m: jnp.moveaxis(x if m else jnp.broadcast_to(x, (size, *x.shape)), 0, -2)
        T, P, demand = jax.tree.map(joined, conditions, tuple(are_mapped))
        flat = jax.tree.map(lambda x: x.reshape(*x.shape[:-2], size * B), (T, P, demand))
        out = run(arrays, *flat)
        out = jax.tree.map(lambda x: jnp.moveaxis(x.reshape(*x.shape[:-1], size, B), -2, 0), out)
        return out, jax.tree.map(lambda _: True, out)

    return run(arrays, T, P, demand)


def _state(stack: Phase, tables: Tables, given: Given, slopes, slots: Slots, mu, found: Found) -> State:
    n_y, count, B = slots.y.shape
    blocks = Blocks.of(slots, stack.moles.shape[0])
    own = blocks.coefficients(given)
    change = given._replace(energy=slopes[0], physical=slopes[1], T=jnp.ones_like(given.T))
    own_change = blocks.coefficients(change)
    R = given.gas_constant

    def block(args):
        index, p, dp, y = args

        def energy(p):
            e = evaluate(stack.at(index), p.in_units(R), y, tables.channels, hessian=False)
            return e.value * R * p.T, e.moles

        (value, moles), (slope, _) = jax.jvp(energy, (p,), (dp,))
        return value, slope, moles

    args = (blocks.phase, own, own_change, blocks.gather(slots.y.reshape(n_y, -1)))
    out = jax.lax.map(jax.checkpoint(block), args)
    value, slope, moles = (blocks.scatter(x, count * B).reshape(*x.shape[1:-1], count, B) for x in out)
    atoms = moles.sum(axis=0)
    real = jnp.where(slots.active, atoms, 1.0)
    amounts = jnp.where(slots.active, slots.amount, 0.0)
    total = jnp.sum(amounts * atoms, axis=0)
    total = jnp.where(total > 0, total, 1.0)
    RT = given.gas_constant * given.T
    return State(
        phase=slots.phase, active=slots.active, amount=amounts * atoms / total, x=moles / real,
        y=jnp.where(slots.active, slots.y, 0.0), energy=value / real,
        G=jnp.sum(amounts * value, axis=0) / total, S=-jnp.sum(amounts * slope, axis=0) / total,
        mu=mu * RT, certificate=found.certificate * RT, worst=found.worst, status=_status(found),
    )  # fmt: skip


def _status(found: Found) -> Int[Array, "B"]:
    bits = (
        (NOT_CERTIFIED, ~found.certified),
        (NOT_CONVERGED, ~found.solved),
        (INFEASIBLE, ~found.feasible),
        (POTENTIALS_NOT_DETERMINED, found.pivot < SINGULAR),
    )
    status = sum(jnp.where(hit, bit, 0) for bit, hit in bits)
    return jnp.where(found.feasible, status, INFEASIBLE)  # of what cannot be the rest says nothing
