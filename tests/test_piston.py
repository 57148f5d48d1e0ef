"""Rayleigh's piston: closed forms of the collisions, the simulation, its records, and the study."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

from diffneq.event_driven import GasPiston, clock, simulate_gas_piston, simulate_piston
from diffneq.event_driven.piston import MOTION, State
from diffneq.large_deviations import martingale_cumulants
from diffneq.models.effusion import effusion_velocity, flux_moment
from diffneq.models.piston import Piston
from diffneq.studies.piston import PistonOptions, run

KEY = jax.random.key(7)
COLD_HOT = Piston(0.04, (1.0, 4.0))
# kappa_1..kappa_3, Var V of m/M = 0.04, T = 1, 4: golden table of the physics sheet (see test_large_deviations)
GOLDEN = (0.1238707, 8.5464805, 13.309373, 1.9798349)


def test_moments_of_the_collisions_against_quadrature(x64):
    """alpha_k(V) by integrating over Maxwell's distributions."""
    piston = Piston(0.04, (1.0, 4.0), mass=1.5, area=0.7, pressure=2.0)
    m, a = 0.06, 2 * 0.04 / 1.04
    for velocity in (-1.3, 0.0, 2.0):
        for k in range(5):
            total = 0.0
            for side, temperature in ((1, 1.0), (-1, 4.0)):
                law = stats.norm(scale=np.sqrt(temperature / m))
                term = lambda w, v=velocity, side=side, law=law, k=k: w ** (k + 1) * law.pdf(v + side * w)
                total += side**k * 2.0 / temperature * integrate.quad(term, 0, 90, points=[5, 20], limit=200)[0]
            np.testing.assert_allclose(piston.moment(k, velocity), 0.7 * a**k * total, rtol=1e-8, atol=1e-12)


def test_leading_order_formulas():
    """gamma_0, gamma_1 of the sheet at m/M = 0.01, and the moments they stand for as m/M -> 0."""
    for temperatures, wanted in (((1.0, 2.0), (0.272415, -0.005)), ((1.0, 4.0), (0.239365, -0.0075))):
        piston = Piston(0.01, temperatures)
        np.testing.assert_allclose((piston.friction, piston.friction_slope), wanted, rtol=2e-6)
    with jax.enable_x64(True):
        light = Piston(1e-6, (1.0, 4.0))
        alpha = lambda k, v=0.0: light.moment(k, v)
        slope, bend = jax.grad(lambda v: alpha(1, v))(0.0), jax.grad(jax.grad(lambda v: alpha(1, v)))(0.0)
        np.testing.assert_allclose((-slope, -bend / 2), (light.friction, light.friction_slope), rtol=1e-5)
        np.testing.assert_allclose(alpha(2), 2 * light.friction * light.temperature, rtol=1e-5)
        np.testing.assert_allclose(alpha(3), 12e-6 * (1.0 - 4.0), rtol=1e-5)
        np.testing.assert_allclose(light.leading_cumulant_rates()[2], 12 * light.mean_velocity * 2 / light.friction**2)


@pytest.mark.parametrize("precision, tolerance", [("single", 2e-3), ("double", 1e-6)])
def test_velocities_invert_their_distribution(precision, tolerance):
    """ln S(w) = ln u for surfaces that recede or come at up to eight thermal speeds."""
    with jax.enable_x64(precision == "double"):
        u = jnp.asarray(np.linspace(1e-6, 1 - 1e-3, 4001))
        sample = jax.jit(effusion_velocity)
        for x in (-8.0, -3.0, -1.51, -1.49, -0.3, 0.0, 0.3, 1.5, 3.0):
            w = np.asarray(sample(jnp.full_like(u, x), u), float)
            z = x + w
            survival = (stats.norm.pdf(z) - x * stats.norm.sf(z)) / (stats.norm.pdf(x) - x * stats.norm.sf(x))
            assert np.max(np.abs(np.log(survival / np.asarray(u, float)))) < tolerance, x
            assert np.all(w > 0) and abs(float(flux_moment(jnp.asarray(x), 0)) - stats.norm.sf(x)) < 1e-6


def test_single_collisions_have_the_moments_of_the_model():
    """10^6 proposals at fixed V: z-scores below 4 for the rate and the first three moments."""
    count, rng = 10**6, np.random.default_rng(1)
    words = tuple(jnp.asarray(rng.integers(0, 2**32, count, dtype=np.uint32)) for _ in range(2))
    propose = jax.jit(MOTION.propose)
    for velocity in (-2.0, 1.5):
        full, none = jnp.full(count, velocity, jnp.float32), jnp.zeros(count, jnp.uint32)
        wait, after = propose(COLD_HOT, State(full, full, full, full, none, none, none), words)
        rate, kick = float(COLD_HOT.moment(0, velocity)), np.asarray(after, float) - velocity
        assert abs(np.mean(wait) * rate - 1) < 4e-3
        for k in (1, 2, 3):
            error = np.std(kick**k) * rate / np.sqrt(count)
            assert abs(np.mean(kick**k) * rate - float(COLD_HOT.moment(k, velocity))) < 4 * error


@pytest.fixture(scope="module")
def records():
    return simulate_piston(COLD_HOT, KEY, replicas=1024, duration=120.0, record_every=0.25)


def test_cumulant_rates_against_the_golden_table(records):
    """kappa_1, kappa_2 and Var V by simulation: 4 standard errors; kappa_3 is in the slow test."""
    relaxation = float(COLD_HOT.relaxation_time)
    found = martingale_cumulants(records.displacement, records.velocity, 0.25, memory=6 * relaxation, order=2)
    for estimate, exact in zip(found, GOLDEN, strict=False):
        assert abs(estimate.z_score(exact)) < 4 and not estimate.warnings
    assert found[1].error < 0.02 * GOLDEN[1]
    each = records.velocity.var(axis=1)
    assert abs(each.mean() / (1 - 2 * relaxation / 120.0) - GOLDEN[3]) < 4 * each.std() / 32 + 0.01


def test_records_obey_the_first_law_and_the_second(records):
    energy = 0.5 * (records.velocity**2 - records.velocity[:, :1] ** 2)
    np.testing.assert_allclose(records.heat_left + records.heat_right, energy, atol=1e-9)
    flow = records.heat_right[:, -1]  # on average heat comes from the hot gas, on the right
    assert flow.mean() > 4 * flow.std() / 32
    np.testing.assert_allclose(records.heat_left[:, -1].mean(), -flow.mean(), rtol=0.05)
    assert abs(records.collisions.mean() / 120.0 / float(COLD_HOT.moment(0, 0.0)) - 1) < 0.05
    data = records.to_xarray()
    assert data["displacement"].dims == ("replica", "time") and data["heat_left"].attrs["units"] == "energy"


@pytest.mark.slow
def test_numbers_depend_on_the_key_alone(monkeypatch):
    """Not on devices, the number of replicas, or the length of blocks; and one program serves any duration."""
    again = lambda replicas, devices=None: simulate_piston(
        COLD_HOT, KEY, replicas=replicas, duration=3.0, record_every=0.5, warm_up=1.0, devices=devices
    )
    both, before = again(6), clock._block._cache_size()
    simulate_piston(COLD_HOT, jax.random.key(1), replicas=6, duration=4.0, record_every=0.5, warm_up=1.0)
    assert clock._block._cache_size() == before
    one = again(6, devices=1)
    np.testing.assert_array_equal(both.velocity, one.velocity)
    monkeypatch.setattr(clock, "_MOST_SLOTS", 2)
    np.testing.assert_array_equal(again(3, devices=1).displacement, both.displacement[:3])


@pytest.mark.slow
def test_explicit_gases_are_reservoirs_while_nobody_returns(records):
    """64 particles a side, for two relaxation times: Var V, collisions and heat of the ideal reservoirs."""
    gas = GasPiston(COLD_HOT, (64, 64))
    seen = simulate_gas_piston(gas, KEY, replicas=512, duration=4.0, record_every=0.5, warm_up=4.0)
    squares = np.mean(seen.velocity**2, axis=1)
    assert abs(squares.mean() - GOLDEN[3] - GOLDEN[0] ** 2) < 4 * squares.std() / np.sqrt(512)
    pairs = (seen.collisions, records.collisions), (seen.heat_right[:, -1], records.heat_right[:, -1])
    for measured, per_time in pairs:
        error = np.hypot(np.std(measured) / 4.0 / np.sqrt(512), np.std(per_time) / 120.0 / 32)
        assert abs(np.mean(measured) / 4.0 - np.mean(per_time) / 120.0) < 4 * error
    energy = 0.5 * (seen.velocity**2 - seen.velocity[:, :1] ** 2)
    np.testing.assert_allclose(seen.heat_left + seen.heat_right, energy, atol=1e-9)
    with pytest.raises(ValueError, match="2 or more"):
        GasPiston(COLD_HOT, (1, 5))


@pytest.mark.slow
def test_small_gases_hold_the_piston():
    """Eight particles a side are a spring: the displacement is bounded; forty are nearer to the ideal."""
    spread = {}
    for count in (8, 40):
        gas = GasPiston(COLD_HOT, (count, count))
        seen = simulate_gas_piston(gas, KEY, replicas=1024, duration=16.0, record_every=0.5)
        spread[count] = np.var(seen.displacement[:, -1]) / 16.0
    assert spread[8] < 0.3 * 7.25 and 0.75 * 7.25 < spread[40] < 1.05 * 7.25


@pytest.mark.slow
@pytest.mark.parametrize("ratio, temperatures, golden", [
    (0.04, (1.0, 4.0), GOLDEN),
    (0.04, (1.0, 2.0), (0.051520931, 5.2985319, 2.9920892, 1.4107419)),
    (0.01, (1.0, 4.0), (0.062477467, 16.808553, 26.350762, 1.9949909)),
    (0.01, (1.0, 2.0), (0.02590581, 10.436801, 5.9488684, 1.4133534)),
])  # fmt: skip
def test_three_cumulants_by_simulation(ratio, temperatures, golden):
    """kappa_1..kappa_3 within 3 standard errors, kappa_3 known to 15 % or better for the strong gradient."""
    piston = Piston(ratio, temperatures)
    relaxation = float(piston.relaxation_time)
    interval = relaxation / 4
    run = simulate_piston(piston, KEY, replicas=4096, duration=1600 * interval, record_every=interval)
    found = martingale_cumulants(run.displacement, run.velocity, interval, memory=6 * relaxation, groups=64)
    for estimate, exact in zip(found, golden, strict=False):
        assert abs(estimate.z_score(exact)) < 3, estimate
    if temperatures[1] == 4.0:
        assert found[2].error < 0.15 * golden[2]


@pytest.mark.slow
def test_the_study_writes_table_record_and_pictures(tmp_path):
    options = PistonOptions(0.04, (1.0, 4.0), "simulation", 128, duration=40.0, out=tmp_path, progress=False)
    report = run(options)
    record = json.loads((tmp_path / "report.json").read_text())
    assert [k["name"] for k in record["kappa"]] == ["kappa_1", "kappa_2", "kappa_3", "kappa_4"]
    assert all(k["error"] > 0 for k in record["kappa"])
    assert {path.name for path in report.pictures} == {"rate-function.png", "displacement.png"}
    assert all(path.stat().st_size > 10_000 for path in report.pictures) and (tmp_path / "records.nc").exists()
    assert "kappa_3" in report.table() and report.options.precision == "single"


def test_misuse_gets_a_sentence():
    for wrong, words in (({"duration": 1.0, "record_every": 0.3}, "multiple"), ({"duration": -1.0}, "positive")):
        with pytest.raises(ValueError, match=words):
            simulate_piston(COLD_HOT, KEY, **{"replicas": 2, "duration": 1.0, "record_every": 0.5} | wrong)
    with pytest.raises(ValueError, match="must be positive"):
        Piston(0.01, (1.0, -2.0))
    with pytest.raises(ValueError, match="temperatures are two"):
        Piston(0.01, (1.0, 2.0, 3.0))
    with pytest.raises(ValueError, match="method must be"):
        PistonOptions(method="guess")
    with pytest.raises(ValueError, match="mass_ratio"):
        PistonOptions(mass_ratio=2.0)
