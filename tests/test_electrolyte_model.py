"""The electrolyte: colours and momentum, records, pressure, continuous positions, one's own potentials, bad input."""

from operator import attrgetter

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import diffneq
from diffneq import materials
from diffneq.dynamics import Langevin, Norton, Verlet
from diffneq.models import Electrolyte
from diffneq.models.potentials import EnergyPotential, PairPotential
from diffneq.models.structure import Structure
from diffneq.models.tracks import framework, members, unwrapped
from diffneq.particles.ionic_laws import BornMayerHuggins, ScreenedCoulomb, Sum, Truncated, tables
from diffneq.simulation.equilibration import anneal, equilibrate_volume, log_volume_step, rescaled, resized
from diffneq.sweeps.batching import stack

KT, DT = 0.1, 0.1


def salt_law(cutoff=5.0):
    """A short-ranged salt: screened charges and a Born-Mayer repulsion, quick to compile."""
    charges = ScreenedCoulomb(tables(2, {(0, 0): 14.4, (0, 1): -14.4, (1, 1): 14.4}), 3.0)
    repulsion = BornMayerHuggins(0.21, 2.6, 0.32, 0.0, 0.0)
    return Truncated(Sum(charges, repulsion), cutoff)


def salt(coupling="formal charges", potential=None):
    crystal = materials.rock_salt("NaCl", 2)
    return materials.electrolyte(crystal, potential or PairPotential(salt_law()), coupling=coupling)


@pytest.fixture(scope="module")
def run():
    """A short Langevin run with everything recorded."""
    model = salt()
    record = ("kinetic_energy", "potential_energy", "pressure", "places")
    return diffneq.simulate(
        model, Langevin(DT, KT, 0.1), keys=jax.random.key(0), steps=200, record_every=5, record=record, progress=False
    )


@pytest.mark.parametrize("coupling", ["formal charges", "carriers"])
def test_colours_conserve_momentum_and_give_one_current(coupling):
    crystal = materials.tetragonal_llzo()
    potential = PairPotential(materials.softbv(crystal.names, crystal.counts).potential.law, tabulated=False)
    model = materials.electrolyte(crystal, potential, coupling=coupling)
    colour = np.asarray(model.colour, float)
    counts = np.asarray(model.counts)
    assert abs(colour @ counts) < 1e-4  # the force of a field on all ions together
    if coupling == "carriers":
        mass = np.asarray(model.mass, float)
        assert np.allclose(colour[1:] / mass[1:], colour[1] / mass[1])  # one acceleration for the whole framework
        velocity = np.random.default_rng(0).normal(size=(4,))
        framework_speed = np.average(velocity[1:], weights=(mass * counts)[1:])
        assert colour * counts @ velocity == pytest.approx(56 * (velocity[0] - framework_speed), rel=1e-5)
        assert float(model.carrier_charge) == 1.0
    else:
        assert colour.tolist() == [1.0, 3.0, 4.0, -2.0]


@pytest.mark.parametrize("coupling", ["formal charges", "carriers"])
def test_constant_current_is_constant_and_momentum_stays(coupling):
    model = salt(coupling)
    dynamics = Norton(DT, KT, 0.0, flux=0.8)  # without a bath nothing else changes the momentum
    start = (np.stack(model.sites, 1), np.stack(model.initial(jax.random.key(5), KT)[1], 1))
    result = diffneq.simulate(model, dynamics, keys=jax.random.key(1), steps=60, start=start, progress=False)
    assert np.abs(result.records["current"] - 0.8).max() < 1e-5
    mass = np.repeat(np.asarray(model.mass, float), model.counts)
    assert np.abs(np.asarray(result.state.velocity, float)[:, 0] @ mass).max() < 2e-4 * mass.sum() ** 0.5


def test_records_are_the_sums_that_they_are_named_for(run):
    """Species' mean velocities add up to the currents, and their integral to the way that the ions went."""
    model, records = run.model, run.records
    total = sum(
        z * n * records[f"velocity_{name}_y"] for z, n, name in zip((1, -1), model.counts, model.names, strict=True)
    )
    assert np.allclose(total, records["current_y"], atol=1e-4)
    path = unwrapped(model, records["places"])
    assert path.shape == (1, 40, 64, 3)
    sodium = members(model, ["Na"])
    gone = path[0, -1, sodium].mean(0) - path[0, 0, sodium].mean(0)
    speeds = np.stack([records[f"velocity_Na_{a}"][0, 1:].sum() for a in "xyz"]) * 5 * DT
    assert np.allclose(gone, speeds, atol=DT * np.abs(run.state.velocity).max() * 0.1)
    assert framework(model).tolist() == list(range(32, 64))


def test_positions_of_the_records_are_those_of_the_state(run):
    last = unwrapped(run.model, run.records["places"])[0, -1]
    edge = float(run.model.box.lengths[0])
    apart = last - run.positions()
    assert np.abs(apart - edge * np.round(apart / edge)).max() < 1e-5


def test_pressure_is_the_slope_of_the_energy(x64):
    model = salt()
    positions = np.stack(model.sites, 1) + 0.1 * np.random.default_rng(0).normal(size=(64, 3))
    still = np.zeros((64, 3))
    record = ("pressure", "potential_energy")

    def look(factor):
        scaled = resized(model, factor)
        done = diffneq.simulate(
            scaled, Verlet(1e-7), keys=jax.random.key(0), steps=1, record_every=1, record=record,
            start=(positions * factor, still), progress=False,
        )  # fmt: skip
        return float(done.records["potential_energy"][0, 0]), float(done.records["pressure"][0, 0])

    step = 1e-5
    (above, _), (below, _), (_, found) = look(1 + step), look(1 - step), look(1.0)
    volume = float(model.box.volume)
    assert found == pytest.approx(-(above - below) / (2 * step) / (3 * volume), rel=1e-6)


@pytest.mark.slow
def test_energy_functions_of_the_user_give_the_same_motion():
    """The same law as a plain function of positions and cell, through the same dynamics."""
    law, kinds = salt_law(), np.repeat([0, 1], 32)

    def energy(positions, cell):
        apart = positions[:, None] - positions[None]
        edges = jnp.diag(cell)[None, None]
        apart = apart - edges * jnp.round(apart / edges)
        s = jnp.sum(apart**2, -1) + 100.0 * jnp.eye(64)
        pairs = jax.tree.map(lambda x: x[kinds[:, None], kinds[None]] if x.ndim == 2 else x, law)
        return jnp.sum(pairs.energy(jnp.sqrt(s))) / 2

    ends = []
    for potential in (PairPotential(law), EnergyPotential(energy)):
        model = salt("carriers", potential)
        dynamics = Norton(0.05, KT, 0.1, flux=1.0)
        done = diffneq.simulate(model, dynamics, keys=jax.random.key(3), steps=40, progress=False, record=("pressure",))
        ends.append((done.records["multiplier"], done.records["pressure"], done.positions()))
    for ours, theirs in zip(*ends, strict=True):
        assert np.allclose(ours, theirs, atol=2e-3 * np.abs(ours).max())


def test_a_parameter_changed_after_construction_is_heeded_by_the_table():
    """The table is made in the program, so that a law with other numbers moves as they say."""
    model = salt()
    changed = eqx.tree_at(lambda m: m.potential.law.law.laws[0].length, model, jnp.full((2, 2), 2.0))
    fresh = materials.electrolyte(materials.rock_salt("NaCl", 2), PairPotential(changed.potential.law, tabulated=False))
    ends = [
        diffneq.simulate(m, Verlet(DT), keys=jax.random.key(0), steps=20, progress=False,
                         start=(np.stack(model.sites, 1), np.stack(model.initial(jax.random.key(1), KT)[1], 1)))
        for m in (changed, fresh)
    ]  # fmt: skip
    assert np.allclose(ends[0].positions(), ends[1].positions(), atol=1e-4)
    assert model.potential.plan is not None


@pytest.mark.parametrize("double", [False, True])
def test_a_table_of_a_law_that_knows_no_species(double):
    """Two species of ions that repel alike: their numbers are not places of the one table that there is."""
    with jax.enable_x64(double):
        law = Truncated(BornMayerHuggins(0.21, 2.6, 0.32, 0.0, 0.0), 5.0)
        ends = []
        for tabulated in (True, False):
            potential = PairPotential(law, tabulated=tabulated)
            assert (potential.plan is not None) == tabulated
            model = salt(potential=potential)
            start = np.stack(model.sites, 1), np.stack(model.initial(jax.random.key(1), KT)[1], 1)
            result = diffneq.simulate(model, Verlet(DT), keys=jax.random.key(0), steps=20, start=start, progress=False)
            ends.append(result.positions())
        np.testing.assert_allclose(ends[0], ends[1], atol=1e-4)
        assert np.abs(ends[0] - start[0]).max() > 1e-2


def test_volume_follows_the_pressure_with_the_distribution_of_the_ensemble():
    """An ideal gas of N at P: ln V has the mean and the variance of a Gamma(N + 1) volume; 4 sigma."""
    size, pressure, temperature, rate, time = 20, 1.0, 1.0, 1.0, 0.02
    random, log = np.random.default_rng(0), np.log(20.0)
    logs = np.empty(400_000)
    for k, normal in enumerate(random.normal(size=len(logs))):
        volume = np.exp(log)
        log += log_volume_step(size * temperature / volume - pressure, volume, temperature, rate, time, normal)
        logs[k] = log
    volumes = np.exp(logs).reshape(200, -1).mean(axis=1)  # blocks of 40 t, many correlation times each
    error = volumes.std() / np.sqrt(200)
    assert abs(volumes.mean() - (size + 1)) < 4 * error
    assert error < 0.1


def test_rescaling_keeps_places_and_changes_speeds(run):
    grown, state = resized(run.model, 1.01), rescaled(run.state, 1.01)
    place = [np.stack(x, 0) for x in (state.displacement, run.state.displacement)]
    assert np.allclose(place[0], 1.01 * place[1])
    assert float(grown.box.volume) == pytest.approx(1.01**3 * float(run.model.box.volume), rel=1e-6)
    assert np.allclose(np.stack(state.velocity) * 1.01, np.stack(run.state.velocity))


@pytest.mark.slow
def test_equilibration_reaches_the_pressure():
    model = salt()
    hot = anneal(
        model, lambda kT: Langevin(DT, kT, 0.1), [(0.05, 100), (0.03, 100)], keys=jax.random.key(0), progress=False
    )
    done = equilibrate_volume(
        model, Langevin(DT, 0.03, 0.1), keys=jax.random.key(1), pressure=0.0, compressibility=2.0,
        relaxation_time=20.0, rounds=30, steps=50, skin=0.4, start=hot.state,
    )  # fmt: skip
    assert abs(done.pressures[-10:].mean()) < 0.2 * abs(done.pressures[0])
    assert done.volumes[-1] == pytest.approx(float(done.model.box.volume))


def test_bad_input_is_refused_with_the_reason():
    law, names = PairPotential(salt_law(), tabulated=False), ["Na", "Cl"]
    pair = [[0.0, 0, 0], [2.8, 0, 0]]
    cell = (11.0, 11.0, 11.0)
    make = lambda structure, **more: materials.electrolyte(structure, law, **more)
    with pytest.raises(ValueError, match=r"not neutral: the formal charges add up to \+1 e"):
        make(Structure.of([*names, "Na"], [*pair, [0, 3.0, 0]], cell))
    with pytest.raises(ValueError, match=r"overlap, 0\.1 angstrom apart"):
        make(Structure.of(names, [[0.0, 0, 0], [10.9, 0, 0]], cell))
    with pytest.raises(ValueError, match="shorter than twice the cutoff"):
        make(Structure.of(names, pair, (9.0, 11.0, 11.0)))
    with pytest.raises(ValueError, match="'Xx' is not among"):
        make(Structure.of(["Na", "Xx"], pair, cell))
    with pytest.raises(ValueError, match="over 2 species"):
        make(Structure.of(["Na", "Cl", "Li"], [*pair, [0, 3.0, 0]], cell))
    with pytest.raises(ValueError, match="carriers are some of the species"):
        make(Structure.of(names, pair, cell), carriers="Ag")
    with pytest.raises(ValueError, match="coupling is one of"):
        make(Structure.of(names, pair, cell), coupling="all")
    with pytest.raises(ValueError, match="reaches to infinity"):
        PairPotential(BornMayerHuggins(1.0, 1.0, 1.0, 0.0, 0.0))
    with pytest.raises(ValueError, match="belong together"):
        PairPotential(salt_law(), charge=(1.0, -1.0))
    assert isinstance(make(Structure.of(names, pair, cell)), Electrolyte)


def test_replicas_at_two_temperatures_share_the_table():
    """Stacked systems whose models agree in every leaf: the one at the lower temperature moves as it does alone."""
    model, keys = salt(), jax.random.split(jax.random.key(5), 2)
    (_, baths), axes = stack([(model, Langevin(DT, t, 0.1)) for t in (KT, 2 * KT)])
    given = {"steps": 20, "record_every": 5, "progress": False}
    both = diffneq.simulate(model, baths, keys=keys, in_axes=(*axes, None), **given)
    alone = diffneq.simulate(model, Langevin(DT, KT, 0.1), keys=keys[:1], **given)
    assert both.records["kinetic_energy"][0] == pytest.approx(alone.records["kinetic_energy"][0], rel=1e-5)
    assert both.records["kinetic_energy"][1, -1] > both.records["kinetic_energy"][0, -1]


@pytest.mark.parametrize(
    "part",
    [
        "coulomb.coulomb_constant",
        pytest.param("charge", marks=pytest.mark.slow),
        pytest.param("law.law.length", marks=pytest.mark.slow),
    ],
)
def test_lanes_may_differ_in_any_number_of_the_potential(part):
    """Each moves as it does alone: nothing on the way asks a stack of potentials for the law of their pairs."""
    repulsion = Truncated(BornMayerHuggins(tables(2, {}, rest=0.21), 2.6, 0.32, 0.0, 0.0), 5.0)
    field = materials.with_coulomb(repulsion, (1.0, -1.0), materials.rock_salt("NaCl", 2), 5.0, 1e-3)
    model, pick = salt(potential=field), lambda m: attrgetter(part)(m.potential)
    models = [model, eqx.tree_at(pick, model, 0.9 * pick(model))]
    bath, keys = Langevin(DT, KT, 0.1), jax.random.split(jax.random.key(5), 2)
    batch, axes = stack([(m, bath) for m in models])
    given = {"steps": 20, "record_every": 5, "progress": False}
    both = diffneq.simulate(*batch, keys=keys, in_axes=(*axes, None), **given).records["kinetic_energy"]
    for lane, one in enumerate(models):
        alone = diffneq.simulate(one, bath, keys=keys[lane : lane + 1], **given).records["kinetic_energy"]
        assert both[lane] == pytest.approx(alone[0], rel=1e-5)
    assert abs(both[0, -1] - both[1, -1]) > 1e-3 * both[0, -1]
