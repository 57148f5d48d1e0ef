"""The Fokker-Planck equations solved until the numbers stand still, and what they say about other loads and masses."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq.models.ratchet import Levels, Ratchet, levels, stall_torque

NUMBERS = ("sigma_1", "sigma_2", "sigma_3", "current", "current_underdamped")
PARAMETERS = ("torque", "mass", "temperature_1", "temperature_2")
_RESOLUTIONS = ((31, 16), (63, 32), (95, 64), (127, 128), (191, 192))
_TOLERANCE = 1e-8


@dataclass(frozen=True)
class Solution:
    """Steady rates in double precision.

    Arguments: `levels`; `errors` of NUMBERS, the change by the last refinement; `resolution`, (points, modes), and
    `sufficient`, the one before the last refinement, which serves for curves and for the `derivatives`, name of a
    number -> name of a parameter -> derivative; `warnings`.
    """

    levels: Levels
    errors: dict[str, float]
    resolution: tuple[int, int]
    sufficient: tuple[int, int]
    derivatives: dict[str, dict[str, float]]
    warnings: tuple[str, ...] = ()


def solve(ratchet: Ratchet) -> Solution:
    """Refined until nothing changes by more than 1e-8 of itself; says so where that is not reached."""
    coarse = levels(ratchet, *_RESOLUTIONS[0])
    for sufficient, resolution in itertools.pairwise(_RESOLUTIONS):
        found = levels(ratchet, *resolution)
        errors = {name: abs(float(getattr(found, name) - getattr(coarse, name))) for name in NUMBERS}
        worst = max(error / max(abs(float(getattr(found, name))), 1e-6) for name, error in errors.items())
        if worst < _TOLERANCE:
            return Solution(found, errors, resolution, sufficient, _derivatives(ratchet, sufficient))
        coarse = found
    warning = (f"the solution still changes by {worst:.1g} of itself at {resolution[0]} angles and {resolution[1]} "
               f"Hermite functions: the rotor is too weakly damped.")  # fmt: skip
    return Solution(found, errors, resolution, sufficient, _derivatives(ratchet, sufficient), (warning,))


def _parameters(ratchet: Ratchet):
    return (ratchet.torque, ratchet.mass, ratchet.temperatures)


def _derivatives(ratchet: Ratchet, resolution: tuple[int, int]) -> dict[str, dict[str, float]]:
    table = np.asarray(_jacobian(ratchet, resolution))
    return {n: dict(zip(PARAMETERS, (row + 0.0).tolist(), strict=True)) for n, row in zip(NUMBERS, table, strict=True)}


@eqx.filter_jit
def _jacobian(ratchet: Ratchet, resolution: tuple[int, int]) -> Array:
    def numbers(values):
        here = eqx.tree_at(_parameters, ratchet, (values[0], values[1], values[2:]))
        found = levels(here, *resolution)
        return jnp.stack([getattr(found, name) for name in NUMBERS])

    return jax.jacfwd(numbers)(jnp.stack([ratchet.torque, ratchet.mass, *ratchet.temperatures]))


@dataclass(frozen=True)
class Curve:
    """`levels` with leaves (K,), along `values` (K,) of one parameter; `mass` of the rotor, or None where it varies."""

    values: np.ndarray
    levels: Levels
    mass: float | None = None


def _count(resolution: tuple[int, int]) -> int:
    """Points of a curve: fewer where each is dear, for a weakly damped rotor."""
    return 30 if resolution[0] <= 63 else 8


def against_torque(ratchet: Ratchet, resolution: tuple[int, int]) -> Curve:
    """From no torque to the one at which the current of level 3 stops: it may be an engine between."""
    torques = np.linspace(0.0, float(stall_torque(ratchet)), _count(resolution) + 1)
    return Curve(torques, _curve(ratchet, "torque", torques, resolution), float(ratchet.mass))


def against_mass(ratchet: Ratchet, resolution: tuple[int, int]) -> Curve:
    """From a hundredth of the mass asked for to ten times as much."""
    masses = float(ratchet.mass) * np.logspace(-2, 1, _count(resolution))
    return Curve(masses, _curve(ratchet, "mass", masses, resolution))


@eqx.filter_jit
def _along(ratchet: Ratchet, name: str, values: Array, resolution: tuple[int, int]) -> Levels:
    one = lambda value: levels(eqx.tree_at(lambda r: getattr(r, name), ratchet, value), *resolution)
    return jax.lax.map(one, values)


def _curve(ratchet: Ratchet, name: str, values: np.ndarray, resolution: tuple[int, int]) -> Levels:
    return jax.tree.map(np.asarray, _along(ratchet, name, jnp.asarray(values, ratchet.mass.dtype), resolution))
