"""The conductor as a system: its start, what never moves, equilibrium, and the coupling to the field."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial import cKDTree

import diffneq
from diffneq.drives import Constant, Sine
from diffneq.models import Conductor

SEEDS, ELECTRONS = 16, 90


def separations(model, positions):
    """Distances of all pairs nearer than 3, by scipy; the direction with walls is not periodic."""
    lengths = np.asarray(model.box.lengths, float)
    size = np.where(model.box.periodic, lengths, 1e6)
    tree = cKDTree(np.mod(positions, size) % size, boxsize=size)
    pairs = tree.query_pairs(3.0, output_type="ndarray")
    gap = positions[pairs[:, 0]] - positions[pairs[:, 1]]
    gap -= np.where(model.box.periodic, lengths * np.round(gap / lengths), 0.0)
    return np.sqrt(np.sum(gap**2, axis=1))


@pytest.mark.parametrize("electrons", [30, 60, 300, 1500])
def test_densities_do_not_depend_on_the_size(electrons):
    model = Conductor.preset("stiff", electrons=electrons)
    n = np.array(model.counts) / float(model.area)
    np.testing.assert_allclose(n, [0.016, 0.016, 500 / 93750], rtol=0.06 if electrons < 100 else 0.005)
    assert model.counts[0] == electrons
    lengths = np.asarray(model.box.lengths)
    np.testing.assert_allclose(lengths[0] / lengths[1], 6.0, rtol=1e-5)
    if electrons == 1500:
        assert model.counts == (1500, 1500, 500)
        np.testing.assert_allclose(lengths, [750.0, 125.0], rtol=1e-5)


@pytest.mark.parametrize("variant", ["uniform", "walls"])
def test_initial_state(variant):
    """No two discs touch, all are in the box, those that move are Maxwellian, the total momentum is not removed."""
    model = Conductor.preset("soft", electrons=300, variant=variant)
    positions, velocities = (np.stack(x, axis=1) for x in model.initial(jax.random.key(0)))
    assert separations(model, positions).min() >= 2.0 - 1e-4
    edge = 1.0 if variant == "walls" else 0.0
    lengths = np.asarray(model.box.lengths)
    assert positions[:, 1].min() >= edge - 1e-4 and positions[:, 1].max() <= lengths[1] - edge + 1e-4
    assert np.all(velocities[600:] == 0)
    squares = velocities[:600] ** 2
    assert abs(squares.mean() - 1) / np.sqrt(2 / squares.size) < 4
    momentum = velocities[:300].sum(0)
    assert np.all(momentum != 0) and np.all(np.abs(momentum) / np.sqrt(300) < 4)


@pytest.fixture(scope="module", params=["uniform", "walls"])
def equilibrium(request):
    """Many small systems without a field: 16 replicas of 90 electrons over 60 time units."""
    model = Conductor.preset("soft", electrons=ELECTRONS, variant=request.param)
    keys = jax.random.split(jax.random.key(1), SEEDS)
    start = [model.initial(jax.random.fold_in(k, 0)) for k in keys]
    result = diffneq.simulate(model, model.dynamics(), keys=keys, steps=6000, record_every=10, progress=False)
    return model, result, start


def z_over_replicas(values, expected):
    """Independent replicas give the error of a mean, whatever the correlations in time."""
    means = values.mean(axis=1)
    return (means.mean() - expected) / (means.std(ddof=1) / np.sqrt(len(means)))


@pytest.mark.slow
def test_equipartition_and_current_fluctuations(equilibrium):
    """m <v^2>/2 = kT for both species, and <J^2> = N_e e^2 kT/m exactly, also across the field: z <= 4.

    J is averaged over 0.1 time units here, which lowers <J^2> by about half a percent.
    """
    _, result, _ = equilibrium
    settled = {name: values[:, 60:] for name, values in result.records.items()}
    assert abs(z_over_replicas(settled["phonon_temperature"], 1.0)) < 4
    assert abs(z_over_replicas(settled["electron_temperature"], 1.0)) < 4
    for name in ("current", "transverse_current"):
        assert abs(z_over_replicas(settled[name] ** 2, ELECTRONS)) < 4, name
        assert abs(z_over_replicas(settled[name], 0.0)) < 4, name
    # The error bars are small enough to mean something: 2 percent; for J^2 about 14 percent are expected of
    # 7 relaxation times in each of 16 runs, and known to a third of themselves.
    error = settled["electron_temperature"].mean(axis=1).std() / np.sqrt(SEEDS)
    assert error < 0.02
    assert (settled["current"] ** 2).mean(axis=1).std() / np.sqrt(SEEDS) < 0.3 * ELECTRONS


def test_impurities_never_move(equilibrium):
    model, result, start = equilibrium
    for r in (0, SEEDS - 1):
        now, then = result.positions(r), np.stack(start[r][0], axis=1)
        extent = np.array([float(p) for p in model.box.extent])
        gap = now - then
        gap -= extent * np.round(gap / extent)
        assert np.max(np.abs(gap[2 * ELECTRONS :])) < 1e-4
        assert np.median(np.abs(gap[: 2 * ELECTRONS])) > 1.0
        assert all(np.all(np.asarray(v[r][2 * ELECTRONS :]) == 0) for v in result.state.velocity)


def test_nobody_passes_a_wall(equilibrium):
    model, result, _ = equilibrium
    if model.variant == "walls":
        height, top = result.positions(0)[:, 1], float(model.box.lengths[1])
        # The torus is wider than the box; what is a little below zero reads as a little below its period.
        height = np.where(height > (top + float(model.box.extent[1])) / 2, height - float(model.box.extent[1]), height)
        assert height.min() > -1e-3 and height.max() < top + 1e-3


def test_energy_balance(equilibrium):
    _, result, _ = equilibrium
    assert result.failures == [] and result.warnings == []
    assert np.max(np.abs(result.diagnostics["energy_error"])) < 0.02 * 2 * ELECTRONS


def test_work_is_charge_times_field_times_way():
    """W = E integral of J dt: the sum over records of field times mean current times duration; only J_x counts."""
    model = Conductor.preset("soft", electrons=60)
    options = dict(steps=400, keys=jax.random.key(3), record_every=1, progress=False)
    steady = diffneq.simulate(model, model.dynamics(), Constant(0.3), **options)
    dt = np.diff(steady.time).mean()
    # Between steps the trapezoid of J is exact but for the kick itself, N (e E)^2 dt/m in each step.
    np.testing.assert_allclose(
        steady.records["work"][0, 1:],
        0.3 * dt * (steady.records["current"][0, 1:] + steady.records["current"][0, :-1]) / 2,
        rtol=2e-2, atol=2e-2,
    )  # fmt: skip
    np.testing.assert_allclose(
        steady.diagnostics["work"][0], 0.3 * dt * steady.records["current"].sum(), rtol=2e-2, atol=0.05
    )
    assert steady.records["current"][0, -50:].mean() > 0


def test_the_sign_of_the_charge():
    """Opposite charge in the opposite field: the same motion, the opposite current, the same work."""
    model = Conductor.preset("soft", electrons=60)
    area = (float(model.box.lengths[0]), float(model.box.lengths[1]))
    options = dict(steps=400, keys=jax.random.key(3), progress=False)
    found = []
    for charge, field in ((1.0, 0.2), (-1.0, -0.2)):
        same = Conductor(40.0, area, model.counts, charge=(charge, 0.0, 0.0))
        found.append(diffneq.simulate(same, same.dynamics(), Sine(field, 0.1), **options).records)
    np.testing.assert_array_equal(found[0]["current"], -found[1]["current"])
    np.testing.assert_array_equal(found[0]["work"], found[1]["work"])


def test_the_drive_pushes_electrons_only():
    model = Conductor.preset("soft", electrons=30)
    along, across = model.drive_force((jnp.zeros(sum(model.counts)),) * 2, None, jnp.asarray(0.5))
    assert across is None
    np.testing.assert_array_equal(along, np.repeat([0.5, 0.0], [30, sum(model.counts) - 30]))


def test_energies_are_those_of_hertz():
    """Potential energy against all pairs in NumPy, after the motion has made discs overlap."""
    model = Conductor.preset("soft", electrons=300)
    result = diffneq.simulate(
        model, model.dynamics(), keys=jax.random.key(5), steps=1000, record=("potential_energy",), progress=False
    )
    overlap = 2.0 - separations(model, result.positions())
    expected = 40.0 * np.sum(np.maximum(overlap, 0.0) ** 2.5)
    assert expected > 1
    np.testing.assert_allclose(result.records["potential_energy"][0, -1], expected, rtol=1e-3)
