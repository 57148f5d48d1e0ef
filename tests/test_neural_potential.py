"""A neural potential: symmetries, force matching on a classical one, and the constant-current dynamics unchanged."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import diffneq
from diffneq.dynamics.norton import Norton
from diffneq.inference.force_matching import ForceData, force_errors, labelled, match_forces
from diffneq.materials import electrolyte, softbv, tetragonal_llzo
from diffneq.materials.neural import MomentNetwork, normalised, potential, trained_parts, with_offset
from diffneq.materials.units import femtoseconds, kelvin

CRYSTAL = tetragonal_llzo()


def shaken(count, amplitude=0.12, seed=0):
    """The crystal with every ion displaced, (C, N, 3) [angstrom]."""
    noise = np.random.default_rng(seed).normal(size=(count, CRYSTAL.size, 3))
    return CRYSTAL.positions[None] + amplitude * noise


@pytest.fixture(scope="module")
def data() -> ForceData:
    """Energies and forces of softBV."""
    return labelled(electrolyte(CRYSTAL, softbv(CRYSTAL.names, CRYSTAL.counts)), shaken(12))


@pytest.fixture(scope="module")
def start(data) -> MomentNetwork:
    network = MomentNetwork(jax.random.key(0), len(CRYSTAL.counts), cutoff=5.0, channels=4, basis=8, width=12)
    network = normalised(network, data.positions, data.cell, data.rows, CRYSTAL.counts)
    return with_offset(network, jnp.mean(data.energy) / CRYSTAL.size)


def energy(network, positions, cell, rows):
    return network(positions, cell, rows, CRYSTAL.counts)


def test_labels_are_the_energies_and_forces_of_the_model(data):
    model = electrolyte(CRYSTAL, softbv(CRYSTAL.names, CRYSTAL.counts))
    cold = labelled(model, CRYSTAL.positions[None])
    # A crystal at rest: each lanthanum on 8b feels no force by symmetry, and energies rise when all ions are displaced.
    lanthanum = CRYSTAL.symbols.index("La")
    assert float(jnp.max(jnp.abs(cold.forces[0, lanthanum : lanthanum + 8]))) < 1e-3
    assert float(jnp.min(data.energy)) > float(cold.energy[0]) + 1.0
    # Newton's third law, and the work along a small displacement.
    np.testing.assert_allclose(np.sum(np.asarray(data.forces, float), axis=1), 0.0, atol=2e-3)
    step = 1e-2 * np.random.default_rng(1).normal(size=(1, CRYSTAL.size, 3))
    near = labelled(model, np.concatenate([shaken(1) + step, shaken(1) - step]))
    assert float(near.energy[0] - near.energy[1]) == pytest.approx(
        -2 * float(jnp.sum(data.forces[0] * step[0])), rel=0.01
    )


@pytest.mark.slow
def test_energy_has_the_symmetries_of_space_and_of_like_ions(start, data):
    place, cell, rows = data.positions[0], data.cell[0], data.rows[0]
    reference, forces = jax.value_and_grad(lambda x: energy(start, x, cell, rows))(place)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0].astype(np.float32)
    assert float(energy(start, place @ turn, cell @ turn, rows)) == pytest.approx(float(reference), rel=1e-6)
    assert float(energy(start, place + cell[1][None, :], cell, rows)) == pytest.approx(float(reference), rel=1e-6)
    # Ions 0 and 1 are both lithium: exchanged, with their rows, nothing changes.
    swap = np.arange(CRYSTAL.size + 1)
    swap[[0, 1]] = [1, 0]
    exchanged = swap[np.asarray(rows)][swap[:-1]]
    assert float(energy(start, place[swap[:-1]], cell, exchanged)) == pytest.approx(float(reference), rel=1e-6)
    np.testing.assert_allclose(jnp.sum(forces, axis=0), 0.0, atol=1e-3 * float(jnp.max(jnp.abs(forces))))


def test_energy_and_force_end_smoothly_at_the_cutoff(x64):
    network = MomentNetwork(jax.random.key(1), species=1, cutoff=4.0)
    rows, cell = jnp.asarray([[1], [0]]), 20.0 * jnp.eye(3)
    pair = lambda r: network(jnp.asarray([[0.0, 0, 0], [1.0, 0, 0]]) * r, cell, rows, counts=(2,))
    for derivative in (pair, jax.grad(pair), jax.grad(jax.grad(pair))):
        derivative = jax.jit(derivative)
        assert float(derivative(4.0 - 1e-4)) == pytest.approx(float(derivative(4.5)), abs=1e-8)
        assert abs(float(derivative(2.5)) - float(derivative(4.5))) > 1e-3


def test_force_matching_learns_and_holds_on_configurations_it_has_not_seen(start, data):
    before = force_errors(energy, start, data[10:])
    found = match_forces(energy, start, data[:10], jax.random.key(1), steps=60, batch=2, free=trained_parts(start))
    after = force_errors(energy, found.parameters, data[10:])
    assert after.force < 0.45 * before.force
    assert after.force < 0.6 * after.force_size
    assert found.loss[-10:].mean() < 0.4 * found.loss[:5].mean()
    np.testing.assert_array_equal(found.parameters.centre, start.centre)  # held
    with pytest.raises(ValueError, match="a batch is of 1 to 12"):
        match_forces(energy, start, data, jax.random.key(1), batch=13)
    with pytest.raises(ValueError, match="positions are"):
        labelled(electrolyte(CRYSTAL, softbv(CRYSTAL.names, CRYSTAL.counts)), np.zeros((2, 5, 3)))


@pytest.mark.slow
def test_forces_in_the_model_are_those_of_the_network(start, data):
    model = electrolyte(CRYSTAL, potential(start, CRYSTAL.counts))
    again = labelled(model, shaken(1))
    slope = jax.grad(lambda x: energy(start, x, data.cell[0], data.rows[0]))(data.positions[0])
    np.testing.assert_allclose(again.forces[0], -slope, atol=2e-3 * float(jnp.max(jnp.abs(slope))))


def test_neural_potential_runs_in_the_constant_current_dynamics(start):
    # An untrained network is smooth enough for a few steps: the current is held to rounding whatever the potential.
    small = eqx.tree_at(lambda n: (n.linear, n.layers[-1][0]), start, replace_fn=lambda x: 1e-2 * x)
    model = electrolyte(CRYSTAL, potential(small, CRYSTAL.counts), coupling="carriers")
    current = 1e-3 * CRYSTAL.counts[0]
    dynamics = Norton(femtoseconds(1.0), kelvin(600.0), 1.0, current)
    run = diffneq.simulate(model, dynamics, steps=8, record_every=4, keys=jax.random.key(2), progress=False)
    assert not run.failures
    np.testing.assert_allclose(run.records["current"], current, rtol=1e-4)
    assert np.all(np.isfinite(run.records["multiplier"]))
