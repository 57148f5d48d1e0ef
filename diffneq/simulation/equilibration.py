"""Bringing a material to temperature and pressure: a schedule of temperatures, and volumes that follow the pressure.

The compiled programs of `simulate` have a fixed cell; here it changes between short runs, on the host.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import numpy as np

from diffneq.simulation.loop import simulate
from diffneq.simulation.result import Result


@dataclass(frozen=True)
class Equilibrated:
    """A model whose volume has followed its pressure.

    Arguments:
        model: with the last cell.
        state: the last state, for `simulate(start=...)`.
        volumes, pressures: after, and before, each change of volume [L^3], [energy/L^3].
        result: of the last run, taken in the cell before the last change.
    """

    model: Any
    state: Any
    volumes: np.ndarray
    pressures: np.ndarray
    result: Result


def anneal(
    model,
    dynamics_at: Callable[[float], Any],
    schedule: Sequence[tuple[float, int]],
    *,
    keys,
    start=None,
    progress: bool = True,
) -> Result:
    """Run through a schedule of temperatures in a fixed cell; the last result, whose records are of the last part.

    For a garnet: the lithium sublattice melts within some 10 ps at 1200 to 1500 K while the framework, free as it is,
    stays; cool to the temperature wanted in a few parts, and look at "pressure".

    Arguments:
        model: a system.
        dynamics_at: k_B T -> dynamics, such as `lambda kT: Langevin(dt, kT, 0.05)`.
        schedule: pairs of k_B T [energy] and the number of steps there, multiples of 10.
        keys, start, progress: as in `simulate`.

    Raises:
        ValueError: for an empty schedule.
    """
    if not schedule:
        raise ValueError("anneal: schedule is a list of (k_B T, steps), for example [(kelvin(1400), 20_000)].")
    result = None
    for number, (temperature, steps) in enumerate(schedule):
        fresh = jax.vmap(lambda key, n=number: jax.random.fold_in(key, n))(np.reshape(keys, -1)) if number else keys
        record = ("kinetic_energy", "pressure") if "pressure" in model.units else None
        result = simulate(
            model, dynamics_at(temperature), keys=fresh, steps=steps, start=start, record=record, progress=progress
        )
        start = result.state
    return result  # pyright: ignore[reportReturnType]


def equilibrate_volume(
    model,
    dynamics,
    *,
    keys,
    pressure: float,
    compressibility: float,
    relaxation_time: float,
    rounds: int,
    steps: int,
    skin: float,
    start=None,
    seed: int = 0,
) -> Equilibrated:
    """Isotropic volume at constant pressure by stochastic cell rescaling, one change every `steps` steps.

        d ln V = (kappa/tau) (P - P_0) dt + sqrt(2 k_B T kappa/(V tau)) dW

    Positions and cell go as V^(1/3), velocities as V^(-1/3). The stationary distribution is that of constant (N, P, T)
    for dt = `steps` time steps well below tau. Replicas share the cell: P is their mean, and V in the noise the volume
    of all of them.

    Arguments:
        model: with a record "pressure", such as an `Electrolyte`.
        dynamics: with a bath of `temperature`.
        keys: one a replica.
        pressure: P_0 [energy/L^3].
        compressibility: kappa [L^3/energy], a rough value: it only sets how fast V follows.
        relaxation_time: tau [t].
        rounds: changes of volume.
        steps: time steps between two of them, a multiple of 10.
        skin: of the neighbour lists [L]; given, so that all rounds share a program.
        start: as in `simulate`.
        seed: of the noise of the volume.

    Raises:
        ValueError: where a change of volume is as large as a tenth: a longer relaxation time is needed.

    Source: M. Bernetti, G. Bussi, J. Chem. Phys. 153, 114107 (2020).
    """
    noise = np.random.default_rng(seed).normal(size=rounds)
    interval, temperature = float(np.asarray(dynamics.dt)) * steps, float(np.asarray(dynamics.temperature))
    replicas, volumes, pressures, result = np.size(keys), [], [], None
    for number in range(rounds):
        fresh = jax.vmap(lambda key, n=number: jax.random.fold_in(key, n))(np.reshape(keys, -1))
        result = simulate(
            model, dynamics, keys=fresh, steps=steps, start=start, record=("pressure",), progress=False, skin=skin
        )
        found = float(np.mean(result.records["pressure"][:, -1]))
        volume = float(np.asarray(model.box.volume))
        rate = compressibility / relaxation_time
        change = log_volume_step(found - pressure, volume * replicas, temperature, rate, interval, noise[number])
        if abs(change) > 0.1:
            raise ValueError(
                f"equilibrate_volume: the volume would change by {change:.0%} at once; use a longer relaxation_time."
            )
        factor = float(np.exp(change / 3))
        model, start = resized(model, factor), rescaled(result.state, factor)
        volumes.append(float(np.asarray(model.box.volume)))
        pressures.append(found)
    return Equilibrated(model, start, np.array(volumes), np.array(pressures), result)  # pyright: ignore[reportArgumentType]


def log_volume_step(excess: float, volume: float, temperature: float, rate: float, time: float, normal: float) -> float:
    """Change of ln V in `time` under an excess pressure, with `rate` = kappa/tau and a normal random number.

    >>> round(log_volume_step(0.1, 1e9, 0.0, 0.5, 2.0, 0.0), 3)
    0.1
    """
    return rate * excess * time + float(np.sqrt(2 * temperature * rate * time / volume)) * normal


def resized(model, factor: float):
    """The model with its cell, and the sites of its structure, times a factor."""
    model = eqx.tree_at(lambda m: m.box, model, model.box.stretched(factor))
    if not hasattr(model, "sites"):
        return model
    return eqx.tree_at(lambda m: m.sites, model, tuple(x * factor for x in model.sites))


def rescaled(state, factor: float):
    """A state in a cell that is larger by a factor: the same places in it, slower by the factor."""
    grow = lambda vector, by: tuple(x * by for x in vector)
    return eqx.tree_at(
        lambda s: (s.displacement, s.velocity),
        state,
        (grow(state.displacement, factor), grow(state.velocity, 1 / factor)),
    )
