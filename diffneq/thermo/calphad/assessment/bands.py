"""Bands of one standard error on a binary phase diagram, from the covariance of the fitted parameters."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffneq.statistics import Estimate
from diffneq.thermo.calphad.assessment.coexistence import together
from diffneq.thermo.calphad.assessment.result import METHOD, Assessment
from diffneq.thermo.calphad.diagrams import BinaryDiagram, Reaction, Region
from diffneq.thermo.calphad.system import System
from diffneq.thermo.calphad.tables import Tables

_SOLVED_AGAIN = 1e-4  # mole fraction: the tie-line of the diagram and the one differentiated are the same


class RegionBand(NamedTuple):
    """A two-phase region: at T (n,), K, the mole fractions x (n, 2) of the second element and their errors.

    Where a boundary is flat the error of x at given T grows without limit while that of T at given x does not; a
    picture should show the distance across the line (see `plotting.assessment`).
    """

    phases: tuple[str, str]
    T: np.ndarray
    x: np.ndarray
    error: np.ndarray
    slope: np.ndarray  # dx/dT (n, 2), 1/K


class InvariantBand(NamedTuple):
    """An invariant reaction: its temperature in K and the mole fractions of its three phases, with errors."""

    phases: tuple[str, ...]
    T: Estimate
    x: tuple[Estimate, ...]


class Bands(NamedTuple):
    """Errors of a phase diagram."""

    regions: tuple[RegionBand, ...]
    invariants: tuple[InvariantBand, ...]


class _Point(NamedTuple):
    """Phases in equilibrium; of a tie-line the last repeats the first."""

    phases: np.ndarray
    T: float
    y: np.ndarray
    invariant: bool


def diagram_bands(result: Assessment, diagram: BinaryDiagram, most: int = 40) -> Bands:
    """s_x^2 = (dx/dtheta) C (dx/dtheta)' on every boundary, and the same for the invariant temperatures.

    Args:
        result: of a fit.
        diagram: of `result.system`, by `diagrams.binary`.
        most: points on each boundary; the errors vary slowly.

    Points at which the tie-line of the diagram is not found again are left out.
    """
    system = result.system
    chosen = [np.unique(np.linspace(0, len(r.T) - 1, most).round().astype(int)) for r in diagram.regions]
    ties = [_tie(system, r, k) for r, own in zip(diagram.regions, chosen, strict=True) for k in own]
    reactions = [r for r in diagram.invariants if r.event.kind == "invariant"]
    every = ties + [_triple(r) for r in reactions]
    if not every:
        return Bands((), ())
    T, x, s_T, s_x, slope, found = _propagated(result, every, diagram.P)
    regions, first = [], 0
    for region, own in zip(diagram.regions, chosen, strict=True):
        here = slice(first, first + len(own))
        first += len(own)
        same = found[here] & (np.abs(x[here, :2, 1] - region.x[own]).max(axis=1) < _SOLVED_AGAIN)
        same &= np.abs(region.x[own, 1] - region.x[own, 0]) > _SOLVED_AGAIN  # where they meet x has no derivative
        own = own[same]
        s, tangent = s_x[here][same, :2, 1], slope[here][same, :2, 1]
        regions.append(RegionBand(region.phases, region.T[own], region.x[own], s, tangent))
    invariants = [
        _invariant(r, T[k], x[k], s_T[k], s_x[k]) for k, r in enumerate(reactions, start=len(ties)) if found[k]
    ]
    return Bands(tuple(regions), tuple(invariants))


def _tie(system: System, region: Region, k: int) -> _Point:
    first, second = (system.index(name) for name in region.phases)
    return _Point(np.array([first, second, first]), region.T[k], region.y[k][[0, 1, 0]], False)


def _triple(reaction: Reaction) -> _Point:
    event = reaction.event
    return _Point(np.array(event.phases), event.T, np.exp(np.asarray(event.log_y)), True)


def _invariant(reaction: Reaction, T, x, s_T, s_x) -> InvariantBand:
    fractions = tuple(Estimate(x[j, 1], s_x[j, 1], "", f"x in {p}", METHOD) for j, p in enumerate(reaction.phases))
    return InvariantBand(reaction.phases, Estimate(T, s_T, "K", reaction.equation, METHOD), fractions)


def _propagated(result: Assessment, points: list[_Point], P: float):
    """(T, x, their errors, dx/dT, found) of all points."""
    n_y = result.problem.system.tables.sizes[2]
    y = np.ones((len(points), 3, n_y))
    for k, point in enumerate(points):
        y[k, :, : point.y.shape[1]] = point.y
    phases, T, invariant = (jnp.asarray(np.array(c)) for c in zip(*((p.phases, p.T, p.invariant) for p in points),
                                                                  strict=True))  # fmt: skip
    space, tables = result.problem.numbers.space, result.problem.system.tables
    theta = jnp.asarray(result.theta)
    solved = _solved(tables, space, theta, phases, T, jnp.asarray(float(P)), jnp.asarray(y), invariant)
    (now, x, found), (dT, dx), tangent = solved
    spread = lambda d: np.sqrt(np.einsum("...p,pq,...q->...", np.asarray(d), result.covariance, np.asarray(d)))
    return np.asarray(now), np.asarray(x), spread(dT), spread(dx), np.asarray(tangent), np.asarray(found)


@eqx.filter_jit
def _solved(tables: Tables, space, theta, phases, T, P, y, invariant):
    """((T, x, found), their derivatives in theta, dx/dT)."""

    def at(theta, T):
        changed = eqx.tree_at(lambda t: t.coefficients, tables, space.into(tables.coefficients, theta))
        one = lambda phases, T, y, invariant: together(changed, phases, T, P, y, 2, invariant)
        now, x, found = jax.vmap(one)(phases, T, y, invariant)
        return (now, x), found

    value, linear, found = jax.linearize(at, theta, T, has_aux=True)
    slope = jax.vmap(lambda d: linear(d, jnp.zeros_like(T)), out_axes=-1)(jnp.eye(len(theta)))
    return (*value, found), slope, linear(jnp.zeros_like(theta), jnp.ones_like(T))[1]
