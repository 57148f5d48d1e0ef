"""The one loop: what does not change a result, what is recovered, what is reported, what is recorded."""

import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from systems import free_particles, harmonic

import diffneq
from diffneq.drives import Constant
from diffneq.dynamics import Langevin, Verlet
from diffneq.models import EnergyModel, Fluid
from diffneq.particles.pair_laws import WCA, Hertzian
from diffneq.simulation import loop
from diffneq.simulation.recovery import Lists
from diffneq.sweeps.batching import stack

KEYS = jax.random.split(jax.random.key(4), 3)


def disks(**options):
    """200 soft discs, a size at which real lists are built."""
    return Fluid(Hertzian(40.0, 1.0), (26.0, 26.0), (200,), charge=1.0, **options)


BATH = Langevin(0.02, 1.0, 0.5)


def run(model=None, dynamics=BATH, **options):
    given = dict(keys=KEYS, steps=400, record_every=10, record=("kinetic_energy", "potential_energy"), progress=False)
    return diffneq.simulate(disks() if model is None else model, dynamics, Constant(0.3), **{**given, **options})


@pytest.fixture(scope="module")
def plain():
    return run(devices=1)


def same(a, b):
    for name in a.records:
        np.testing.assert_array_equal(a.records[name], b.records[name], err_msg=name)
    for x, y in zip(jax.tree.leaves(a.state), jax.tree.leaves(b.state), strict=True):
        np.testing.assert_array_equal(x, y)


def test_two_devices_give_the_same_bits(plain):
    """Three replicas on two devices, one of them padded."""
    same(plain, run(devices=2))


def test_chunks_do_not_change_the_bits_and_a_run_can_be_continued(plain, monkeypatch):
    """In small chunks, and twice as long: the second half is what a run from the first half's end gives."""
    monkeypatch.setattr(loop, "_CHUNK_SECONDS", 1e-9)
    monkeypatch.setattr(Lists, "follow", lambda *_: None)  # another cadence sums forces in another order
    twice = run(devices=1, steps=800)
    np.testing.assert_array_equal(twice.records["current"][:, :40], plain.records["current"])
    monkeypatch.undo()
    second = run(devices=1, start=plain.state)  # the clock goes on, so noise and drive do
    np.testing.assert_allclose(
        second.records["current"][:, :5], twice.records["current"][:, 40:45], rtol=1e-3, atol=1e-3
    )
    np.testing.assert_allclose(second.time, twice.time[40:])
    run(devices=2, start=plain.state)  # with padding


def test_the_cadence_follows_the_moves(plain, monkeypatch, caplog):
    """It rises where nobody goes far, for all that its first guess was one, and every cadence shares a program."""
    monkeypatch.setattr(loop, "_CHUNK_SECONDS", 0.003)  # chunks of up to 100 steps
    monkeypatch.setattr(Lists, "set_cadence", lambda self, *_: setattr(self, "cadence", 1))
    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        followed = run(devices=1)
    assert sum("Compiling jit(_compiled)" in r.message for r in caplog.records) <= 1
    lists = followed.diagnostics
    assert lists["reruns"] == 0 and lists["list_cadence"] > 5
    early = lambda result: result.records["current"][:, :5]
    np.testing.assert_allclose(early(followed), early(plain), rtol=1e-3, atol=1e-3)


@pytest.fixture(scope="module")
def alone():
    return run(keys=KEYS[1], record_every=1, steps=40)


def test_alone_and_in_a_batch_and_what_a_record_is(plain, alone):
    """A run alone agrees to round-off with itself in a batch, while its motion remembers where it came from.

    Work and heat of a record are sums over its steps, the current a mean, kinetic energy is taken at the end.
    """
    gathered = {"work": np.sum, "heat": np.sum, "current": np.mean, "kinetic_energy": lambda x, axis: x[:, -1]}
    for name, gather in gathered.items():
        fine = gather(alone.records[name][0].reshape(4, 10), axis=-1)
        np.testing.assert_allclose(plain.records[name][1, :4], fine, rtol=3e-4, atol=3e-4, err_msg=name)


def test_energy_balance_and_units(plain):
    """dE = W + Q up to the error of the step; units and dimensions."""
    np.testing.assert_allclose(plain.records["work"].sum(1), plain.diagnostics["work"], rtol=1e-6)
    np.testing.assert_allclose(plain.records["heat"].sum(1), plain.diagnostics["heat"], rtol=1e-5)
    energy = plain.records["kinetic_energy"] + plain.records["potential_energy"]
    np.testing.assert_allclose(energy[:, -1], plain.diagnostics["energy"], rtol=1e-5)
    assert np.max(np.abs(plain.diagnostics["energy_error"])) < 2.0  # of 200 k_B T
    np.testing.assert_allclose(plain.time, 0.2 * np.arange(1, 41), rtol=1e-6)
    data = plain.dataset()
    assert data["current"].dims == ("run", "time") and data["current"].attrs["units"] == "e L/t"
    assert plain.warnings == [] and plain.failures == []


def test_lists_that_are_too_short_are_made_again(plain, monkeypatch):
    """Started with one slot a row and one place a cell: the same physics, to round-off of another order of sums."""
    choose = Lists.choose.__func__

    def narrow(cls, model, *options):
        lists = choose(cls, model, *options)
        plan = lists.plan
        lists.plan = type(plan)(**{**vars(plan), "slots": 1, "cell_slots": 1})
        return lists

    monkeypatch.setattr(Lists, "choose", classmethod(narrow))
    found = run(devices=1)
    assert found.diagnostics["reruns"] >= 1 and found.failures == []
    np.testing.assert_allclose(found.records["current"][:, :8], plain.records["current"][:, :8], rtol=1e-3, atol=1e-3)


def test_who_outruns_the_list_makes_it_shorter_lived():
    """A start at rest that falls freely together: the cadence of the first speeds is far too long."""
    model = disks()
    place = jnp.stack(model.initial(jax.random.key(1), 1.0)[0], axis=1)
    frozen = Langevin(0.02, 1e-8, 1e-8)
    found = diffneq.simulate(
        model, frozen, Constant(1.0), keys=KEYS, start=(place, jnp.zeros_like(place)), steps=400, record_every=10,
        record=("kinetic_energy", "potential_energy"), devices=1, progress=False,
    )  # fmt: skip
    assert found.diagnostics["reruns"] >= 1 and found.failures == []
    middle = found.time - 0.09
    np.testing.assert_allclose(found.records["current"], np.tile(200 * middle, (3, 1)), rtol=1e-3)
    assert np.max(np.abs(found.diagnostics["energy_error"])) < 0.05 * np.max(found.diagnostics["energy_change"])


def test_a_lost_replica_does_not_stop_the_others():
    """One of three has a step far too long for its stiff wells: a sentence names step, replica and cause."""
    model = harmonic(20, k=1.0)
    systems = [(model, Verlet(dt), Constant(0.1)) for dt in (0.01, 5.0, 0.02)]
    (_, dynamics, drive), axes = stack(systems)
    start = (500.0 + jax.random.normal(jax.random.key(0), (20, 2)), jnp.zeros((20, 2)))
    found = diffneq.simulate(
        model, dynamics, drive, keys=KEYS, steps=300, record_every=5, in_axes=axes, start=start, progress=False
    )
    assert found.status[0] == found.status[2] == 0 and found.status[1] > 0
    (sentence,) = found.failures
    step = int(found.status[1])
    assert f"Replica 1 stopped at step {step}" in sentence and "time step" in sentence
    kept = (step - 1) // 5
    assert np.all(np.isnan(found.records["current"][1, kept:])) and found.records["current"].shape == (3, 60)
    assert np.all(np.isfinite(found.records["current"][[0, 2]]))
    assert found.time.shape == (3, 60)
    alone = diffneq.simulate(
        model, Verlet(0.01), Constant(0.1), keys=KEYS[0], steps=300, record_every=5, start=start, progress=False
    )
    np.testing.assert_allclose(found.records["current"][0], alone.records["current"][0], rtol=1e-4, atol=1e-4)


def test_records_before_a_loss_are_kept():
    """An exploding potential: what was recorded before is there, what comes after is nan, also when all are lost."""
    model = EnergyModel(lambda R: -20.0 * jnp.sum((R - 500.0) ** 4), (1000.0, 1000.0), (5,))
    start = (jnp.full((5, 2), 500.1) + 0.01 * jnp.arange(10.0).reshape(5, 2), jnp.zeros((5, 2)))
    found = diffneq.simulate(
        model, Verlet(0.02), None, keys=jax.random.key(0), steps=2000, record_every=5, start=start, progress=False
    )
    assert found.status[0] > 5 and len(found.failures) == 1
    kept = (int(found.status[0]) - 1) // 5
    records = found.records["kinetic_energy"]
    assert records.shape == (1, 400)
    assert np.all(np.isfinite(records[0, :kept])) and np.all(np.isnan(records[0, kept:]))


def test_heating_is_noticed():
    """Steps of a third of the time of a collision: energy appears that neither field nor bath brought."""
    bad = run(dynamics=Langevin(0.08, 1.0, 0.5), devices=1)
    (sentence,) = bad.warnings
    assert "The time step 0.08 heats the system" in sentence and "shorter" in sentence


def test_all_lost_at_once_is_said_too():
    """A step so long that nobody survives the first chunk: all records are there, as nan, with a sentence each."""
    lost = run(dynamics=Langevin(0.3, 1.0, 0.5), devices=1)
    assert np.all(lost.status > 0) and len(lost.failures) == 3
    assert set(lost.records) == {"current", "work", "heat", "kinetic_energy", "potential_energy"}
    assert all(x.shape == (3, 40) and np.all(np.isnan(x[:, -1])) for x in lost.records.values())


def test_silence_and_the_bar(capfd):
    run(devices=1)
    assert capfd.readouterr() == ("", "")
    run(devices=1, progress=True)
    out, err = capfd.readouterr()
    assert out == "" and "particle-steps/s" in err


def test_second_call_compiles_nothing(plain):
    """Other keys, numbers and fields of the same shapes run the programs that are there."""
    seen = []

    def listener(name, _duration, **_):
        if "backend_compile" in name:
            seen.append(name)

    def run(seed, stiffness, dt):
        model = Fluid(Hertzian(stiffness, 1.0), (26.0, 26.0), (200,), charge=1.1)
        keys = jax.random.split(jax.random.key(seed), 3)
        diffneq.simulate(model, Langevin(dt, 1.1, 0.6), Constant(0.1), keys=keys, **options)

    options = dict(steps=400, record_every=10, record=("kinetic_energy", "potential_energy"), progress=False, devices=1)
    run(8, 44.0, 0.018)  # whatever ran before, or was forgotten between modules
    jax.monitoring.register_event_duration_secs_listener(listener)
    try:
        run(9, 45.0, 0.019)
    finally:
        jax.monitoring.unregister_event_duration_listener(listener)
    assert len(seen) == 0


@pytest.mark.slow
@pytest.mark.parametrize("size, sides", [(800, (30.0, 40.0)), (200, (17.0, 24.0))])
def test_stacked_boxes_of_different_size(size, sides):
    """Cells and images are those of each box: energies against all pairs in NumPy, by both searches."""
    law = WCA(1.0, 1.0)
    systems = [(Fluid(law, (side, side), (size,)), Verlet(1e-3), None) for side in sides]
    (model, dynamics, _), axes = stack(systems)
    found = diffneq.simulate(
        model, dynamics, keys=KEYS[:2], steps=10, in_axes=axes, progress=False, record=("potential_energy",)
    )
    for r, side in enumerate(sides):
        place = found.positions(r)
        apart = place[:, None] - place[None]
        apart -= side * np.round(apart / side)
        distance = np.sqrt(np.sum(apart**2, axis=-1))[np.triu_indices(size, 1)]
        expected = float(jnp.sum(law.energy(distance)))
        np.testing.assert_allclose(found.records["potential_energy"][r, -1], expected, rtol=1e-4)


def test_positions_go_through_the_box():
    """A ballistic particle crosses the box many times; its place is known modulo the box."""
    model = free_particles((2,), lengths=(7.0, 9.0))
    start = (jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.array([[1.5, -2.0], [0.3, 4.0]]))
    found = diffneq.simulate(model, Verlet(0.05), keys=KEYS[0], steps=2000, start=start, progress=False)
    expected = np.mod(np.asarray(start[0]) + 100.0 * np.asarray(start[1]), [7.0, 9.0])
    gap = found.positions() - expected
    gap -= np.array([7.0, 9.0]) * np.round(gap / np.array([7.0, 9.0]))
    np.testing.assert_allclose(gap, 0, atol=2e-3)
    assert found.failures == []
