"""Phases that are not stable: driving forces, T0 lines, spinodals, the slope of coexistence under pressure."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import xarray as xr

from diffneq.thermo.calphad.conditions import conditions
from diffneq.thermo.calphad.equilibrium import searcher_of, solve_all
from diffneq.thermo.calphad.homogeneous import homogeneous
from diffneq.thermo.calphad.roots import all_roots
from diffneq.thermo.calphad.sizes import in_calls_of
from diffneq.thermo.calphad.solver.batch import WIDTH
from diffneq.thermo.calphad.solver.certificate import lowest_of_families, polished
from diffneq.thermo.calphad.solver.layout import batch_last
from diffneq.thermo.calphad.solver.points import NEVER, grid_energies
from diffneq.thermo.calphad.solver.search import Searcher
from diffneq.thermo.calphad.states import composition
from diffneq.thermo.calphad.system import System

_TOO_FAR = 0.5 * NEVER


def driving_forces(
    system: System, T: Any, x: Mapping[str, Any], *, P: Any = 101325.0, suspended: Iterable[str] = ()
) -> xr.Dataset:
    """D = max over y of [mu . M(y) - G(y)] / sum M: how far each phase reaches below the plane of the stable ones.

    Arguments:
        system: from `build`.
        T, x, P: conditions as of `equilibrium`.
        suspended: phases that do not take part in the equilibrium; theirs may be positive.

    Returns a dataset with, for each `phase`, `driving_force` (J per mole of its atoms; 0 for a stable phase, positive
    where it would form) and `x`, the composition at which it is reached (parallel tangents); and `mu` (J/mol) and
    `status` of the equilibrium of the others.

    Raises:
        ValueError: unknown phases, all suspended, conditions as of `equilibrium`.

    >>> import jax
    >>> from diffneq.thermo import calphad
    >>> with jax.enable_x64(True):
    ...     system = calphad.build("Cu-Mg", ["Cu", "Mg"])
    ...     force = driving_forces(system, 700.0, {"Mg": 0.3}, suspended=["Cu2Mg"])
    >>> bool(force.driving_force.sel(phase="CU2MG") > 1000.0), bool(abs(force.driving_force.sel(phase="FCC_A1")) < 1e-6)
    (True, True)
    """
    out = frozenset(system.phase_names[system.index(name)] for name in suspended)
    if len(out) == len(system.phase_names):
        raise ValueError("All phases are suspended; leave one to be stable.")
    given = conditions(system, T, P, x)
    state, searcher = solve_all(system, given, suspended=out), searcher_of(system)
    call = lambda here: _below(searcher, *(jnp.asarray(a[..., here]) for a in (given.T, given.P, state.mu)))
    force, x_best = in_calls_of(WIDTH, len(given.T), call)
    C, n = len(system.elements), len(system.phase_names)
    shaped = lambda a, dims: ((*given.dims, *dims), np.moveaxis(a, -1, 0).reshape((*given.shape, *a.shape[:-1])))
    return xr.Dataset(
        {
            "driving_force": (*shaped(force[:n], ("phase",)), {"units": "J/mol"}),
            "x": shaped(np.swapaxes(x_best[:C, :n], 0, 1), ("phase", "element")),
            "mu": (*shaped(state.mu[:C], ("element",)), {"units": "J/mol"}),
            "status": shaped(state.status, ()),
        },
        coords={**given.coords, "phase": list(system.phase_names), "element": list(system.elements)},
        attrs={**system.provenance, "suspended": ", ".join(sorted(out))},
    )


@eqx.filter_jit
@batch_last
def _below(searcher: Searcher, T, P, mu):
    """(driving force of every phase, composition), J per mole of atoms."""
    _, elements, *_ = searcher.tables.sizes
    lanes = searcher.lanes(T, P, None)  # type: ignore[arg-type]  # nothing is demanded here
    RT = searcher.tables.gas_constant * T
    g = grid_energies(searcher.points, lanes.energy, lanes.physical, T, lanes.gas_constant, searcher.tables.channels)
    low = lowest_of_families(searcher.points, g, mu[:elements] / RT)
    wanted = (searcher.freedom[low.phase] > 0) & (low.height < _TOO_FAR)
    low = polished(searcher.stack, lanes, mu[:elements] / RT, low, wanted, searcher.tables.channels, jnp.inf)
    own = low.phase == jnp.arange(len(searcher.freedom))[:, None, None]  # (phases, families, lanes)
    height = jnp.where(own, low.height, NEVER)
    best = jnp.argmin(height, axis=1)
    x = jnp.take_along_axis(low.x, best[None], axis=1)
    return jnp.where(height.min(axis=1) < _TOO_FAR, -height.min(axis=1) * RT, jnp.nan), x


def T0_temperatures(
    system: System, phases: tuple[str, str], x: Mapping[str, float], *, P: float = 101325.0,
    between: tuple[float, float] | None = None,
) -> np.ndarray:  # fmt: skip
    """G_a(x, T) = G_b(x, T): the temperatures, K, at which one phase can become another without diffusion.

    Arguments:
        system: from `build`.
        phases: two names. Each is homogeneous, its internal degrees of freedom (order, vacancies) in equilibrium.
        x: mole fractions of all elements but one.
        P: Pa.
        between: temperatures, K, to look between; by default the range of the database.

    Returns all of them, ascending.

    Raises:
        ValueError: unknown phases, a composition that cannot be.

    >>> import jax
    >>> from diffneq.thermo import calphad
    >>> with jax.enable_x64(True):
    ...     T0_temperatures(calphad.build("Al-Zn", ["Al", "Zn"]), ("FCC_A1", "HCP_A3"), {"Zn": 0.86}).round(0).tolist()
    [622.0]
    """
    one = composition(system, x)
    return all_roots(_difference(system, phases, P, lambda T: (T, np.repeat(one[None], len(T), axis=0))),
                     *(between or system.temperature_range))  # fmt: skip


def T0_compositions(
    system: System, phases: tuple[str, str], T: float, start: Mapping[str, float], end: Mapping[str, float], *,
    P: float = 101325.0,
) -> xr.DataArray:  # fmt: skip
    """G_a(x, T) = G_b(x, T) on the straight line of compositions from `start` to `end`.

    Arguments as of `T0_temperatures`. Returns mole fractions (root, element), from the start on.

    Raises:
        ValueError: see `T0_temperatures`.
    """
    return _on_line(system, start, end, lambda line: _difference(system, phases, P, lambda t: (t * 0 + T, line(t))))


def _difference(system: System, phases: tuple[str, str], P: float, at: Callable) -> Callable:
    if len(phases) != 2:
        raise ValueError("T0 needs two phases.")
    a, b = (system.phase_names[system.index(name)] for name in phases)

    def function(t):
        T, x = at(t)
        return homogeneous(system, a, T, x, P).G - homogeneous(system, b, T, x, P).G

    return function


def spinodal_temperatures(
    system: System, phase: str, x: Mapping[str, float], *, P: float = 101325.0,
    between: tuple[float, float] | None = None,
) -> np.ndarray:  # fmt: skip
    """min eigenvalue of sqrt(x_i x_j) (n d mu_i/d n_j)/(R T) = 0: where a phase loses stability against demixing.

    The eigenvalue is one in an ideal solution; the direction in which only the amount of the phase changes does not
    count. Arguments, result (K, ascending) and errors as of `T0_temperatures`.

    Source: J.W. Gibbs, Trans. Conn. Acad. 3 (1876) 108.
    """
    one = composition(system, x)
    function = lambda T: stability(system, phase, T, np.repeat(one[None], len(T), axis=0), P)
    return all_roots(function, *(between or system.temperature_range))


def spinodal_compositions(
    system: System, phase: str, T: float, start: Mapping[str, float], end: Mapping[str, float], *,
    P: float = 101325.0,
) -> xr.DataArray:  # fmt: skip
    """The spinodal on the straight line of compositions from `start` to `end`; see `spinodal_temperatures`.

    Returns mole fractions (root, element), from the start on.

    >>> import jax
    >>> from diffneq.thermo import calphad
    >>> with jax.enable_x64(True):
    ...     system = calphad.build("Al-Zn", ["Al", "Zn"])
    ...     spinodal_compositions(system, "FCC_A1", 580.0, {"Zn": 0.0}, {"Zn": 0.7}).sel(element="ZN").round(3).values
    array([0.248, 0.457])
    """
    return _on_line(system, start, end, lambda line: lambda t: stability(system, phase, t * 0 + T, line(t), P))


def stability(system: System, phase: str, T, x, P: float = 101325.0) -> np.ndarray:
    """The eigenvalue of `spinodal_temperatures` at temperatures (n,) and mole fractions (n, elements).

    In a binary phase it is the thermodynamic factor x_A x_B/(R T) d2G/dx2.
    """
    state, x = homogeneous(system, phase, T, x, P), np.asarray(x, float)
    RT = system.provenance["gas_constant"] * np.asarray(T, float)
    root = np.sqrt(x / x.sum(axis=1, keepdims=True))
    scaled = root[:, :, None] * root[:, None] * state.curvature / RT[:, None, None]
    found = np.isfinite(scaled).all(axis=(1, 2))
    # The direction sqrt(x), along which mu does not change, is moved out of the way.
    lifted = scaled + 2.0 * root[:, :, None] * root[:, None] * (1.0 + np.abs(scaled).max(axis=(1, 2)))[:, None, None]
    lowest = np.linalg.eigvalsh(np.where(found[:, None, None], lifted, 0.0))[:, 0]
    return np.where(found, lowest, np.nan)


def _on_line(system: System, start, end, function: Callable) -> xr.DataArray:
    """Roots on a line of compositions."""
    first, last = composition(system, start), composition(system, end)
    line = lambda t: first + np.asarray(t)[:, None] * (last - first)
    t = all_roots(function(line), 0.0, 1.0)
    return xr.DataArray(line(t), dims=("root", "element"), coords={"element": list(system.elements)})


def clapeyron(system: System, phases: tuple[str, str], x: Mapping[str, float], T: float, P: float = 101325.0) -> float:
    """dP/dT = (S_b - S_a)/(V_b - V_a), Pa/K: the slope of G_a = G_b at fixed composition (of an element: its melting).

    Arguments:
        system: from `build`.
        phases: a, b.
        x: mole fractions of all elements but one.
        T, P: a point of coexistence, K and Pa (`T0_temperatures` finds T).

    Raises:
        ValueError: the database has no pressure terms that tell the volumes apart; unknown phases.

    Source: E. Clapeyron, J. Ec. Polytech. 14 (1834) 153.
    """
    one = composition(system, x)[None]
    a, b = (homogeneous(system, name, np.array([T]), one, P) for name in phases)
    volume = float((b.V - a.V)[0])
    if not abs(volume) > 1e-16:
        raise ValueError(f"{system.provenance['name']} gives {' and '.join(phases)} the same volume: no slope.")
    return float((b.S - a.S)[0]) / volume
