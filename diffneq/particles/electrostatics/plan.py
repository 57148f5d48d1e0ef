"""From a wanted accuracy to the numbers of a method: alpha, the cutoff, and the vectors or the mesh.

The error is shared evenly between the two sums. Where the cutoff is free, it is that of least cost: pairs of a
neighbour list against shares and points of the mesh.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from diffneq.particles.electrostatics.accuracy import (
    charge_factor,
    ewald_error,
    mesh_error,
    real_space_error,
)
from diffneq.particles.electrostatics.coulomb import check_neutral
from diffneq.particles.electrostatics.ewald import Ewald
from diffneq.particles.electrostatics.lattice import cell_matrix, heights
from diffneq.particles.electrostatics.mesh import ParticleMesh

# Measured on a CPU core in single precision [ns]: a pair of the list, a share of a charge spread and gathered, a mesh
# point transformed there and back, an ion's term of a reciprocal vector. Only their ratios matter.
_PAIR, _SHARE, _POINT, _TERM = 1.5, 2.5, 9.0, 1.5

# The list is longer than the cutoff by a skin.
_SKIN = 1.1

_ORDERS = (4, 5, 6, 7, 8)

# The estimate is a mean over random positions; one configuration of a hundred ions may err a quarter more.
_MARGIN = 0.7


def force_scale(charges, cell, coulomb_constant: float = 1.0) -> float:
    """k <q^2> (N/V)^(2/3) [energy/L]: the force between two typical charges one mean spacing apart.

    >>> force_scale([1.0, -1.0], (1.0, 1.0, 2.0))
    1.0
    """
    charges, volume = np.asarray(charges, float), abs(np.linalg.det(np.asarray(cell_matrix(cell), float)))
    return float(coulomb_constant * np.mean(charges**2) * (len(charges) / volume) ** (2 / 3))


def plan_ewald(charges, cell, accuracy: float = 1e-4, cutoff: float | None = None, coulomb_constant: float = 1.0):
    """The quickest `Ewald` whose forces are good to `accuracy`, rms, in units of `force_scale`.

    Arguments:
        charges: (N,) [charge].
        cell: (3, 3) with lattice vectors as rows, or three edge lengths [L].
        accuracy: 1e-10 to 1e-1; single precision reaches 1e-6.
        cutoff: r_c [L]; None: the quickest up to half the least height of the cell.
        coulomb_constant: k [energy L/charge^2].

    Raises:
        ValueError: for a charged cell, or an accuracy or a cutoff out of range.

    >>> plan_ewald(np.tile([1.0, -1.0], 100), (20.0, 20.0, 20.0), accuracy=1e-4, cutoff=9.0).limits
    (7, 7, 7)
    """
    wanted, box = _wanted("plan_ewald", charges, cell, accuracy, coulomb_constant)
    size, best = len(charges), (np.inf, None)
    for reach in _cutoffs("plan_ewald", cutoff, 0.0, box, size):
        alpha = _alpha(reach, wanted, box)
        limits = _limits(alpha, wanted, box)
        if max(limits) > 60:
            continue
        vectors = (limits[0] + 1) * (2 * limits[1] + 1) * (2 * limits[2] + 1)
        cost = _pair_cost(reach, size, box) + _TERM * size * vectors
        if cost < best[0]:
            best = cost, Ewald(alpha, reach, limits, coulomb_constant)
    return _found("plan_ewald", best[1], accuracy)


def plan_mesh(
    charges,
    cell,
    accuracy: float = 1e-4,
    cutoff: float | None = None,
    coulomb_constant: float = 1.0,
    shortest: float = 0.0,
):
    """The quickest `ParticleMesh` whose forces are good to `accuracy`, rms, in units of `force_scale`.

    Arguments: as in `plan_ewald`; `shortest` [L], the range of the other pair laws: cutoffs below it spare nothing.

    Raises:
        ValueError: for a charged cell, or an accuracy or a cutoff out of range.

    >>> method = plan_mesh(np.tile([1.0, -1.0], 500), (32.0, 32.0, 32.0), accuracy=1e-4, cutoff=9.0)
    >>> method.mesh, method.order
    ((36, 36, 36), 6)
    """
    wanted, box = _wanted("plan_mesh", charges, cell, accuracy, coulomb_constant)
    size, best = len(charges), (np.inf, None)
    for reach in _cutoffs("plan_mesh", cutoff, shortest, box, size):
        alpha = _alpha(reach, wanted, box)
        for order in _ORDERS:
            mesh = _coarsest(alpha, order, wanted, box)
            if mesh is None:
                continue
            cost = _pair_cost(reach, size, box) + _SHARE * size * order**3 + _POINT * np.prod(mesh)
            if cost < best[0]:
                best = (
                    cost,
                    ParticleMesh(alpha, reach, _refined(alpha, mesh, order, wanted, box), order, coulomb_constant),
                )
    return _found("plan_mesh", best[1], accuracy)


def _wanted(owner: str, charges, cell, accuracy: float, coulomb_constant: float) -> tuple[float, np.ndarray]:
    """What each of the two sums may err between unit charges [1/L^2], and the cell as numbers."""
    if not 1e-10 <= accuracy <= 0.1:
        raise ValueError(f"{owner}: accuracy is 1e-10 to 1e-1 of a typical force, for example 1e-4; got {accuracy}.")
    check_neutral(charges, owner)
    charges, box = np.asarray(charges, float), np.asarray(cell_matrix(cell), float)
    if not np.any(charges):
        raise ValueError(f"{owner}: all charges are zero; there is nothing to sum.")
    allowed = accuracy * force_scale(charges, box, coulomb_constant) / charge_factor(charges, coulomb_constant)
    return float(_MARGIN * allowed / np.sqrt(2)), box


def _cutoffs(owner: str, cutoff: float | None, shortest: float, box: np.ndarray, size: int) -> list[float]:
    if cutoff is not None:
        if not 0 < cutoff < np.inf:
            raise ValueError(f"{owner}: cutoff is a positive length or None, got {cutoff}.")
        return [float(cutoff)]
    longest = 0.45 * float(np.min(heights(box)))
    first = max(shortest, min(1.5 * (abs(np.linalg.det(box)) / size) ** (1 / 3), longest))
    return [float(r) for r in np.linspace(first, max(first, longest), 12)]


def _pair_cost(cutoff: float, size: int, box: np.ndarray) -> float:
    return _PAIR * size**2 / abs(np.linalg.det(box)) * 4 / 3 * np.pi * (_SKIN * cutoff) ** 3


def _alpha(cutoff: float, wanted: float, box: np.ndarray) -> float:
    """Where the pairs beyond the cutoff make the error wanted."""
    return float(np.sqrt(max(np.log(real_space_error(0.0, cutoff, box) / wanted), 1.0)) / cutoff)


def _limits(alpha: float, wanted: float, box: np.ndarray) -> tuple[int, int, int]:
    """The first limits, alike in all directions, that leave out less than wanted."""
    edges = np.linalg.norm(box, axis=1)
    for wave in np.arange(1, 400) / np.max(edges):
        limits = [max(1, int(n)) for n in np.ceil(wave * edges)]
        if ewald_error(alpha, limits, box) <= wanted:
            return tuple(limits)  # pyright: ignore[reportReturnType]
    return (400, 400, 400)


@cache
def _error_of_spacing(order: int) -> tuple[np.ndarray, np.ndarray]:
    """ln(alpha h) and ln(e sqrt(V/alpha)) of a cubic mesh of spacing h = 1."""
    spacing = np.geomspace(0.15, 2.2, 16)
    box = 20.0 * np.eye(3)
    errors = [mesh_error(x, (20, 20, 20), order, box) * np.sqrt(20.0**3 / x) for x in spacing]
    return np.log(spacing), np.log(errors)


def _coarsest(alpha: float, order: int, wanted: float, box: np.ndarray) -> tuple[int, int, int] | None:
    """The mesh of the widest spacing that is good enough, by interpolation; None where it would be too fine."""
    spacing, errors = _error_of_spacing(order)
    goal = np.log(wanted * np.sqrt(abs(np.linalg.det(box)) / alpha))
    if goal < errors[0]:
        return None
    h = np.exp(np.interp(goal, errors, spacing)) / alpha
    return tuple(_smooth(max(int(np.ceil(x / h)), order + 1)) for x in np.linalg.norm(box, axis=1))  # pyright: ignore[reportReturnType]


def _refined(alpha: float, mesh, order: int, wanted: float, box: np.ndarray) -> tuple[int, ...]:
    """The mesh, made finer until the error of this very cell is small enough."""
    while mesh_error(alpha, mesh, order, box) > wanted:
        mesh = tuple(_smooth(count + 1) for count in mesh)
    return mesh


def _smooth(count: int) -> int:
    """The next number without a prime factor above 5: such meshes transform quickly."""
    while True:
        rest = count
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return count
        count += 1


def _found(owner: str, method, accuracy: float):
    if method is None:
        raise ValueError(
            f"{owner}: no method reaches {accuracy:g} with this cutoff; ask for less, or for a longer one."
        )
    return method
