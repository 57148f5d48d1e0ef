"""A neural potential from a classical one: configurations from runs, force matching, errors on what was held out.

positions = configurations(model, temperatures, key, count=20)
trained = train(model, positions, key)
electrolyte(structure, trained.potential)  # and on with it, as with any other potential
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq.dynamics.langevin import Langevin
from diffneq.inference.force_matching import ForceErrors, force_errors, labelled, match_forces
from diffneq.materials.neural import MomentNetwork, normalised, potential, trained_parts, with_offset
from diffneq.materials.units import femtoseconds, kelvin
from diffneq.models.electrolyte import Electrolyte
from diffneq.models.potentials import EnergyPotential
from diffneq.simulation.loop import simulate


@dataclass(frozen=True)
class NeuralPotential:
    """A trained network.

    Arguments:
        potential: for `electrolyte(structure, potential)`, for as many ions as it was trained with; for other cells
            `diffneq.materials.neural.potential(network, counts)`.
        network: the same as a function of positions, cell, neighbours and counts.
        fitted, held_out: errors on the configurations used and not used.
        loss: of each step, (steps,).
    """

    potential: EnergyPotential
    network: MomentNetwork
    fitted: ForceErrors
    held_out: ForceErrors
    loss: np.ndarray


def configurations(
    model: Electrolyte,
    temperatures: Sequence[float],
    key: Array,
    count: int = 20,
    every: int = 50,
    settle: int = 200,
    step: float = 2.0,
) -> np.ndarray:
    """Positions (C, N, 3) [angstrom] from Langevin runs of a model, `count` at each temperature, in random order.

    Arguments: `temperatures` [K]; `every` and `settle`, steps between two and before the first; `step` [fs].

    Raises:
        RuntimeError: where a run was lost; the sentence is that of the run.
    """
    places = []
    for number, temperature in enumerate(temperatures):
        dynamics = Langevin(femtoseconds(step), kelvin(temperature), 1 / femtoseconds(100.0))
        steps = every * (count + -(-settle // every))
        run = simulate(
            model, dynamics, keys=jax.random.fold_in(key, number), steps=steps, record_every=every,
            record=("places",), progress=False,
        )  # fmt: skip
        if run.failures:
            raise RuntimeError(f"configurations at {temperature:g} K: {run.failures[0]}")
        places.append(np.moveaxis(run.records["places"][0, -count:], 1, 2))
    every_one = np.concatenate(places) / 2.0**32 @ np.asarray(model.box.cell, float)
    return np.random.default_rng(0).permutation(every_one)


def train(
    model: Electrolyte,
    positions: np.ndarray,
    key: Array,
    held_out: float = 0.2,
    steps: int = 800,
    batch: int = 4,
    rate: float = 1e-2,
    channels: int = 8,
    basis: int = 10,
    width: int = 24,
) -> NeuralPotential:
    """A `MomentNetwork` fitted to energies and forces of the model at these positions.

    Arguments: `held_out`, the share of the configurations that is only tested on; `steps`, `batch`, `rate`: see
    `match_forces`; `channels`, `basis`, `width`: see `MomentNetwork`.
    """
    if model.cutoff is None:
        raise ValueError("train: the network takes its range from the model, which has no cutoff.")
    data = labelled(model, positions)
    counts, used = model.counts, max(1, round(len(data) * (1 - held_out)))
    first, second = jax.random.split(key)
    network = MomentNetwork(first, len(counts), model.cutoff, channels, basis, width)
    network = normalised(network, data.positions[:used], data.cell[:used], data.rows[:used], counts)
    network = with_offset(network, jnp.mean(data.energy[:used]) / sum(counts))

    def energy(network, place, cell, rows):
        return network(place, cell, rows, counts)

    found = match_forces(energy, network, data[:used], second, steps, batch, rate, free=trained_parts(network))
    fitted, unseen = (force_errors(energy, found.parameters, part) for part in (data[:used], data[used:]))
    return NeuralPotential(potential(found.parameters, counts), found.parameters, fitted, unseen, found.loss)
