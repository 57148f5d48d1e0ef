"""Phase equilibria: the state of least Gibbs energy at each of many conditions, with a certificate."""

import functools
from collections.abc import Iterable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from diffneq.thermo.calphad.conditions import LEAST, Conditions, conditions
from diffneq.thermo.calphad.results import to_dataset
from diffneq.thermo.calphad.shares import beside_potentials
from diffneq.thermo.calphad.sizes import in_calls_of
from diffneq.thermo.calphad.solver.hull import Demand
from diffneq.thermo.calphad.solver.search import Searcher
from diffneq.thermo.calphad.solver.state import INFEASIBLE, State, make_searcher, solve
from diffneq.thermo.calphad.system import System, build

_AT_ONCE = 512  # conditions of one compiled call, whatever the number asked for: one executable


def equilibrium(
    source: Any,
    components: Iterable[str] | None = None,
    phases: Iterable[str] | None = None,
    *,
    T: Any,
    P: Any = 101325.0,
    x: Mapping[str, Any] | None = None,
    w: Mapping[str, Any] | None = None,
    mu: Mapping[str, Any] | None = None,
    u: Mapping[str, Any] | None = None,
    ratio: Mapping[tuple[str, str], Any] | None = None,
    without: Iterable[str] = (),
    density: float = 1.0,
) -> xr.Dataset:
    """min sum_phases N G(y; T, P) with sum N M(y) = b, at every condition.

    Arguments:
        source: a `System` from `build`, or a database (see `load`) with `components` and, if wanted, `phases`.
        T: temperature, K; a number, a 1-D array, or an `xarray.DataArray`. Arrays go together element by element
            (a list of conditions); DataArrays with dimensions of different names give their product.
        P: pressure, Pa.
        x: mole fractions, element -> value; of all elements but one, which takes the rest.
        w: mass fractions, instead of x.
        mu: chemical potentials in J/mol (in the reference states of the database) of elements whose amount is free;
            `activities.potential` makes them of activities.
        u: moles of an element per mole of all elements without prescribed potential, instead of x.
        ratio: moles of one element per mole of another, (element, element) -> value, in the place of fractions.
        without: phases of the database to leave out.
        density: multiplies the number of constitutions at which each phase is sampled.

    Returns a dataset over the dimensions of the conditions with `phase`, `amount` (moles of atoms of one mole),
    `x`, `y` and `G_phase` of each stable phase (dimension `vertex`; empty places have the name ""), `G`, `H`, `S`
    (J/mol of atoms), `mu` (J/mol), the `certificate` (lowest driving force of any phase, J/mol of atoms: 0 up to
    rounding at the global minimum), `worst` (the phase that reaches it) and `status` (0: certified).

    Raises ValueError: conditions that break the phase rule, are out of range or name unknown elements or phases.

    >>> with jax.enable_x64(True):
    ...     result = equilibrium("Al-Zn", ["Al", "Zn"], T=580.0, x={"Zn": 0.3})
    >>> result.phase.values.tolist()
    ['FCC_A1', 'FCC_A1']
    """
    system = as_system(source, components, phases, without)
    given = conditions(system, T, P, x, w, mu, u, ratio)
    return to_dataset(system, given, solve_all(system, given, density))


def as_system(
    source: Any, components: Iterable[str] | None, phases: Iterable[str] | None, without: Iterable[str] = ()
) -> System:
    """A system as it is, or built from a database."""
    if isinstance(source, System):
        if components is not None or phases is not None or without:
            raise ValueError("A System has its components and phases already; build another one for others.")
        return source
    if components is None:
        raise ValueError("Name the components, for example components=['AL', 'ZN'].")
    return build(source, components, phases, without=without)


@functools.lru_cache(maxsize=16)
def searcher_of(system: System, density: float = 1.0, suspended: frozenset[str] = frozenset()) -> Searcher:
    """The sampling grid and derivative lists of a system, made once; phases that are suspended are not sampled."""
    if suspended:
        out = jnp.asarray([name in suspended for name in system.phase_names])
        searcher = searcher_of(system, density)
        points, unwanted = searcher.points, jnp.pad(out, (0, len(searcher.freedom) - len(out)))
        fixed = jnp.where(unwanted, 0, searcher.freedom)
        valid = points.valid & ~unwanted[points.phase][:, None]
        return eqx.tree_at(lambda s: (s.points.valid, s.freedom), searcher, (valid, fixed))
    with jax.ensure_compile_time_eval():  # also where it is first asked for inside a traced function
        return make_searcher(system.tables, density)


def solve_all(
    system: System, given: Conditions, density: float = 1.0, suspended: frozenset[str] = frozenset()
) -> State:
    """The states of all conditions, as arrays of NumPy, by calls of one size."""
    searcher = searcher_of(system, density, suspended)
    if not given.needs_whole:
        return _solve_demand(searcher, given.T, given.P, given.demand(system))
    return _solve_beside_potentials(system, searcher, given)


def _solve_beside_potentials(system: System, searcher: Searcher, given: Conditions) -> State:
    """Fractions of a whole to which elements of prescribed potential add: the whole is found by iteration."""
    here = [system.elements.index(e) for e in given.free(system)]
    masses, C = given.masses(system), len(system.elements)
    a, b = given.affine(system)

    def whole(u, lanes):
        part = given.at(lanes)
        state = _solve_demand(searcher, part.T, part.P, part.demand(system, u))
        x = np.sum(np.where(state.active, state.amount, 0.0) * state.x[:C], axis=1)
        return masses @ x / x[here].sum(axis=0)

    S, possible = beside_potentials(a, b, masses[here], whole)
    u = np.where(possible, a + b * S, 1.0 / len(here))
    state = _solve_demand(searcher, given.T, given.P, given.demand(system, u))
    return eqx.tree_at(lambda s: s.status, state, state.status | np.where(possible, 0, INFEASIBLE))


def _solve_demand(searcher: Searcher, T: np.ndarray, P: np.ndarray, demand: Demand) -> State:
    def call(places: np.ndarray) -> State:
        take = lambda a: np.asarray(a)[..., places]  # on the host: no program for every length
        count = jnp.asarray(min(_AT_ONCE, len(T) - places[0]))
        return _solve(searcher, take(T), take(P), jax.tree.map(take, demand), count)

    return in_calls_of(_AT_ONCE, len(T), call)


_solve = eqx.filter_jit(solve)


def stable_state(
    system: System,
    T: Float[Array, "*batch"],
    x: Float[Array, "*batch elements"],
    P: Float[Array, "*batch"] | float = 101325.0,
    coefficients: Float[Array, "units basis"] | None = None,
    density: float = 1.0,
) -> State:
    """The equilibrium as a pure function, for `jax.jit`, `jax.grad`, `jax.jvp` and `jax.vmap`.

    Derivatives follow the implicit function theorem at the stable phases: exact inside a region of the phase diagram,
    one-sided at its edge. The batch is the last axis of every array of the result.

    Arguments:
        system: from `build`.
        T: temperature, K, a number or (B,).
        x: mole fractions in the order of `system.elements`, summing to one; (elements,) or (B, elements).
        P: pressure, Pa.
        coefficients: in place of `system.tables.coefficients`, to differentiate with respect to the database.
        density: see `equilibrium`.

    >>> with jax.enable_x64(True):
    ...     system = build("Al-Zn", ["Al", "Zn"])
    ...     entropy = -jax.grad(lambda T: stable_state(system, T, jnp.array([0.9, 0.1])).G[0])(600.0)
    >>> round(float(entropy), 2)
    50.89
    """
    T, x = jnp.atleast_1d(jnp.asarray(T, float)), jnp.atleast_2d(jnp.asarray(x, float))
    B, C, padded = max(len(T), len(x)), len(system.elements), system.tables.sizes[1]
    T, P = jnp.broadcast_to(T, (B,)), jnp.broadcast_to(jnp.asarray(P, float), (B,))
    x = jnp.maximum(jnp.broadcast_to(x, (B, C)), LEAST).T
    searcher = searcher_of(system, density)
    if coefficients is not None:
        searcher = eqx.tree_at(lambda s: s.tables.coefficients, searcher, coefficients)
    rows = jnp.broadcast_to(jnp.eye(C, padded)[..., None], (C, padded, B))
    return solve(searcher, T, P, Demand(rows, x, jnp.zeros((padded, B))))
