"""Regions of measured phase equilibria: their planes of chemical potentials, and constitutions of their phases."""

import dataclasses
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from diffneq.thermo.calphad.assessment.activity import full_compositions
from diffneq.thermo.calphad.assessment.coexistence import constitution
from diffneq.thermo.calphad.assessment.data import HYPERPLANE, Dataset, Vertex
from diffneq.thermo.calphad.assessment.equilibria import Context, Planes, Wanted
from diffneq.thermo.calphad.assessment.thermochemical import padded
from diffneq.thermo.calphad.solver.certificate import lowest_of_phases
from diffneq.thermo.calphad.solver.layout import batch_last
from diffneq.thermo.calphad.solver.points import grid_energies
from diffneq.thermo.calphad.system import System

GIVEN, AT_COMPOSITION, FREE = 0, 1, 2  # how the constitution of a vertex is found
_NEAR = 300.0  # weight of (x - x_known)^2, over R T, in the choice of a starting point


@dataclasses.dataclass(frozen=True)
class Region:
    """Phases in equilibrium at T, P; `places` are those of the equilibria that define their plane.

    For each vertex: phase, mole fractions (NaN where unknown), how its constitution is found, a given constitution.
    """

    dataset: int
    T: float
    P: float
    weight: float
    places: tuple[int, ...]
    phases: tuple[int, ...]
    x: tuple[np.ndarray, ...]
    how: tuple[int, ...]
    y: tuple[np.ndarray, ...]


def regions(system: System, data: Sequence[Dataset], wanted: Wanted, notes: list[str]) -> list[Region]:
    """All regions of the boundary data that this system can have; the others are added to the notes."""
    result = []
    for number, dataset in enumerate(data):
        if dataset.kind != "boundary":
            continue
        if not set(dataset.components) <= set(system.elements):
            notes.append(f"{dataset.file}: left out, not all its components are in the system.")
            continue
        missing, blind = set(), 0
        for k, vertices in enumerate(dataset.values):
            absent = {v.phase for v in vertices} - {HYPERPLANE, *system.phase_names}
            missing |= absent
            found = None if absent else _region(system, dataset, number, k, vertices, wanted)
            blind += found is None and not absent
            result += [found] if found else []
        if missing:
            notes.append(f"{dataset.file}: regions with {', '.join(sorted(missing))} left out, not in the system.")
        if blind:
            notes.append(f"{dataset.file}: {blind} regions left out, no composition in them is known.")
    return result


def _region(system: System, dataset: Dataset, number: int, k: int, vertices: Sequence[Vertex], wanted: Wanted):
    T = float(dataset.conditions["T"][k])
    P = float(np.broadcast_to(dataset.conditions["P"], dataset.conditions["T"].shape)[k])
    weight = float(np.broadcast_to(dataset.weight, len(dataset.values))[k])
    x = [_composition(system, dataset, v) for v in vertices]
    planar = [n for n, v in enumerate(vertices) if v.phase == HYPERPLANE] or list(range(len(vertices)))
    known = [n for n in planar if not np.isnan(x[n]).any()]
    ends = [n for n, v in enumerate(vertices) if v.phase != HYPERPLANE]
    if not known or not ends:
        return None
    places = tuple(wanted.place(T, P, x[n]) for n in known)
    phases = tuple(system.index(vertices[n].phase) for n in ends)
    found = [_constitution(system, phase, x[n], vertices[n].disordered) for n, phase in zip(ends, phases, strict=True)]
    how, y = zip(*found, strict=True)
    return Region(number, T, P, weight, places, phases, tuple(x[n] for n in ends), how, y)


def _composition(system: System, dataset: Dataset, vertex: Vertex) -> np.ndarray:
    """Mole fractions of all elements, NaN if any of them is unknown."""
    unknown = any(v is None for v in vertex.x.values())
    if unknown or len(set(dataset.components) - set(vertex.x)) > 1:
        return np.full(len(system.elements), np.nan)
    return full_compositions(system, dataset, {e: np.array(v) for e, v in vertex.x.items()})


def _constitution(system: System, index: int, x: np.ndarray, disordered: bool) -> tuple[int, np.ndarray]:
    """(how, y): GIVEN with the y that x fixes, AT_COMPOSITION, or FREE where x is not known or cannot be reached."""
    phase, n = system.phases[index], len(system.phases[index].variables)
    tables, blank = system.tables, padded(system, np.ones(0))
    sites, moles = np.asarray(tables.sites)[index][:, :n], np.asarray(tables.moles)[index][: len(system.elements), :n]
    if phase.is_charged:
        raise ValueError(f"{phase.name} has charged constituents; boundaries of such phases cannot be assessed yet.")
    if (sites.sum(axis=1) <= 1).all():
        return GIVEN, padded(system, np.ones(n))
    if np.isnan(x).any():
        return FREE, blank
    if disordered:
        own = dict(zip(system.elements, x, strict=True))
        return GIVEN, padded(system, np.array([own.get(name, 0.0) for _, name in phase.variables]))
    if tables.feature_moles is not None:
        return AT_COMPOSITION, blank
    rows = [row for row in sites if row.any()]
    balance = moles - np.outer(x, moles.sum(axis=0))  # linear in y: M_e - x_e sum M = 0
    matrix, right = np.vstack([*rows, balance]), np.concatenate([np.ones(len(rows)), np.zeros(len(x))])
    y, _, rank, _ = np.linalg.lstsq(matrix, right, rcond=1e-10)
    if np.abs(matrix @ y - right).max() > 1e-9 or (rank == n and y.min() < -1e-9):
        return FREE, blank  # the phase cannot have this composition: its best one is compared
    if rank == n:
        return GIVEN, padded(system, np.maximum(y, 0.0))
    reach = np.linalg.matrix_rank(moles @ _kernel(np.array(rows)), tol=1e-9)
    return (AT_COMPOSITION if reach == len(x) - 1 or reach == len(x) else FREE), blank


def _kernel(rows: np.ndarray) -> np.ndarray:
    """Directions in which site fractions can change."""
    _, size, vectors = np.linalg.svd(rows)
    return vectors[len(size) :].T


class MeanPlanes(eqx.Module):
    """mu of a region: the mean over its equilibria whose potentials are determined."""

    place: Int[Array, "k"]
    region: Int[Array, "k"]
    count: int = eqx.field(static=True)

    def __call__(self, planes: Planes) -> tuple[Float[Array, "padded regions"], Bool[Array, "regions"]]:
        """(mu in J/mol, is there one); a single failed equilibrium spoils its region."""
        good = planes.determined[self.place].astype(float)
        mu = planes.mu[:, self.place] * good[None]
        total = jnp.zeros((planes.mu.shape[0], self.count)).at[:, self.region].add(mu)
        number = jnp.zeros(self.count).at[self.region].add(good)
        failed = jnp.zeros(self.count).at[self.region].add((~planes.solved[self.place]).astype(float))
        return total / jnp.maximum(number, 1.0)[None], (number > 0) & (failed == 0)


class Ends(eqx.Module):
    """Vertices of regions, and how their constitutions are found."""

    region: Int[Array, "n"]
    phase: Int[Array, "n"]
    T: Float[Array, "n"]
    P: Float[Array, "n"]
    x: Float[Array, "n elements"]  # zeros where unknown, and in the padding
    given: Float[Array, "n n_y"]
    sought: Int[Array, "s"]  # places of the vertices whose constitution depends on the parameters
    at_x: Bool[Array, "s"]  # which of these have a known composition

    def constitutions(self, context: Context, mu: Float[Array, "padded n"]):
        """(y, found) against the plane of each vertex; derivatives of y are not carried, see `boundaries`."""
        found = jnp.ones(self.phase.shape, bool)
        if self.sought.size == 0:
            return self.given, found
        context, mu = jax.lax.stop_gradient((context, mu))
        phase, T, P, x = (a[self.sought] for a in (self.phase, self.T, self.P, self.x))
        plane = mu[:, self.sought]
        start = _start(context, phase, T, P, plane, x, self.at_x)
        solve = lambda *a: constitution(context.tables, *a, context.elements)
        y, ok = jax.vmap(solve)(phase, T, P, plane.T, start, x, self.at_x)
        # The grid alone gives the distance to about 0.01 R T, enough where Newton's method fails.
        y = jnp.where((ok | self.at_x)[:, None], y, start)
        y = self.given.at[self.sought].set(y)
        return jax.lax.stop_gradient(y), found.at[self.sought].set(ok | ~self.at_x)


@batch_last
def _start(context: Context, phase, T, P, mu, x, at_x) -> Float[Array, "n n_y"]:
    """The grid point of each phase that lies lowest against the plane, near a composition where it is known."""
    tables, points = context.tables, context.points
    R = tables.gas_constant
    energy = tables.energy_coefficients(T, P) / (R * T)[None, None]
    g = grid_energies(points, energy, tables.physical_coefficients(T, P), T, R, tables.channels)
    distance = sum((points.x[:, e, None] - x[None, :, e]) ** 2 for e in range(x.shape[1]))
    g = g + _NEAR * jnp.where(at_x[None], distance, 0.0)
    low = lowest_of_phases(points, tables.sizes[0], g, mu / (R * T)[None])
    return low.y[:, phase, jnp.arange(len(phase))].T


def ends_of(system: System, chosen: Sequence[Region]) -> tuple[MeanPlanes, Ends]:
    """The arrays of some regions."""
    flat = [(r, region, k) for r, region in enumerate(chosen) for k in range(len(region.phases))]
    how = np.array([region.how[k] for _, region, k in flat])
    column = lambda f: jnp.asarray(np.array([f(*entry) for entry in flat]))
    extra = system.tables.sizes[1] - len(system.elements)
    ends = Ends(
        column(lambda r, region, k: r), column(lambda r, region, k: region.phases[k]),
        column(lambda r, region, k: region.T), column(lambda r, region, k: region.P),
        column(lambda r, region, k: np.pad(np.nan_to_num(region.x[k]), (0, extra))),
        column(lambda r, region, k: region.y[k]),
        jnp.asarray(np.flatnonzero(how != GIVEN)), jnp.asarray(how[how != GIVEN] == AT_COMPOSITION),
    )  # fmt: skip
    pairs = [(place, r) for r, region in enumerate(chosen) for place in region.places]
    place, owner = np.array(pairs).T
    return MeanPlanes(jnp.asarray(place), jnp.asarray(owner), len(chosen)), ends
