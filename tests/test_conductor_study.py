"""The conductor from particles to the fluctuation-dissipation theorem, at reduced size; the full claims are `slow`.

Statistical statements use fixed keys; |z| <= 4 unless said. Time of one run of the default study: minutes.
"""

import json

import numpy as np
import pytest

from diffneq.options import ConductorOptions
from diffneq.response.johnson_nyquist import johnson_nyquist
from diffneq.studies.conductor import Plan, study

REDUCED = Plan(electrons=120, fields=(0.05, 0.1, 0.15), seeds=4, replicas=12, time=500.0, transient=50.0,
               sizes=(60, 240), frequencies=16, decades=2.2)  # fmt: skip


@pytest.fixture(scope="module")
def reduced(tmp_path_factory):
    folder = tmp_path_factory.mktemp("conductor")
    return study(REDUCED, folder, progress=False), folder


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    return study(Plan(replicas=96), tmp_path_factory.mktemp("full"), progress=False)


def assert_agree(first, second, z=4.0):
    assert abs(first.value - second.value) <= z * np.hypot(first.error, second.error), (first, second)


def check_everything(report):
    still, steady, moving = report.equilibrium, report.steady, report.alternating
    for temperature in (still.electron_temperature, still.phonon_temperature, still.current_variance):
        assert abs(temperature.z_score(1.0)) <= 4, temperature
    assert abs(steady.balance.z_score(1.0)) <= 4
    assert abs(steady.drift.z_score(0.0)) <= 4
    assert steady.ohm.odd_p_value > 1e-4
    sigma = steady.ohm.sigma
    assert sigma.error / sigma.value < 0.05
    assert_agree(sigma, still.conductivity["spectral"])
    assert_agree(sigma, moving.conductivity)
    assert abs(moving.sum_rule.z_score(1.0)) <= 4
    for prediction in (moving.predicted_imaginary, moving.predicted_real):
        assert prediction.p_value > 1e-4
    assert abs(moving.noise.ratio.z_score(1.0)) <= 4
    assert moving.noise.p_value > 1e-4
    assert abs(report.sizes.slope_z) <= 4
    # Four standard errors: at reduced size the data need not prefer the exponential, but cannot refute it.
    assert still.tails is not None and still.tails.relative_likelihood("exponential") > np.exp(-8)


def test_the_reduced_study_shows_all_six_claims(reduced):
    check_everything(reduced[0])


def nyquist(report, factor):
    """g_I/(2 k_B T Re Y) with a temperature that is wrong by a factor."""
    plan = report.plan
    return johnson_nyquist(
        report.equilibrium.series, plan.record_time, report.alternating.response, factor * plan.temperature,
        relative_width=0.3, steps=plan.record_every,
    ).ratio  # fmt: skip


def test_a_wrong_temperature_breaks_johnson_nyquist(reduced):
    """At reduced size a temperature that is off by a third is seen; 5 % needs the full study, below."""
    assert abs(nyquist(reduced[0], 1.0).z_score(1.0)) <= 4
    assert min(abs(nyquist(reduced[0], wrong).z_score(1.0)) for wrong in (2 / 3, 3 / 2)) > 4


def test_the_report_is_a_record_with_units(reduced):
    report, folder = reduced
    record = json.loads((folder / "report.json").read_text())
    found = record["conductivity"]["constant_field"]
    assert found["unit"] == "e^2 t/m" and found["error"] > 0
    assert record["provenance"]["jax"]
    assert "Johnson-Nyquist" in (folder / "table.txt").read_text()
    assert {p.name for p in report.pictures} >= {"snapshot.png", "johnson_nyquist.png", "admittance.png"}
    assert all(p.stat().st_size > 10_000 for p in report.pictures)


def test_resume_computes_nothing_twice_and_refuses_another_plan(reduced):
    report, folder = reduced
    again = study(REDUCED, folder, resume=True, progress=False)
    assert again.steady.ohm.sigma.value == report.steady.ohm.sigma.value
    other = Plan(**{**{f: getattr(REDUCED, f) for f in REDUCED.__dataclass_fields__}, "time": 600.0})
    with pytest.raises(ValueError, match="steps"):
        study(other, folder, resume=True, progress=False)


def test_options_become_a_plan():
    plan = Plan.of(ConductorOptions(fields=(-0.1, 0.1, 0.05), sizes=(90, 60), seeds=3, time=200.0))
    assert plan.fields == (0.05, 0.1) and plan.electrons == 90 and plan.sizes == (60,) and plan.time == 200.0
    short = Plan.of(ConductorOptions(minutes=3.0), devices=2)
    longer = Plan.of(ConductorOptions(minutes=30.0), devices=2)
    assert longer.time == pytest.approx(10 * short.time, rel=0.1)
    with pytest.raises(ValueError, match="at least 50"):
        Plan.of(ConductorOptions(time=10.0))


def test_every_sine_dissipates_the_same_power_in_a_drude_metal():
    plan = Plan()
    drive = plan.drive()
    w = 2 * np.pi * drive.frequencies
    power = np.asarray(drive.amplitudes, float) ** 2 / 2 / (1 + (w * 7.0) ** 2)
    np.testing.assert_allclose(power, power[0], rtol=1e-5)
    assert w.max() / w.min() > 100
    assert round(drive.period / plan.record_time) == pytest.approx(drive.period / plan.record_time)


@pytest.mark.slow
def test_the_default_study_shows_all_six_claims(full):
    check_everything(full)
    sigma = full.steady.ohm.sigma
    assert sigma.error / sigma.value < 0.03
    assert full.steady.ohm.sigma_3.z_score(0.0) < -4  # the current bends downwards
    assert abs(full.alternating.sum_rule.value - 1) < 0.02 + 2 * full.alternating.sum_rule.error
    assert 0.6 < full.alternating.noise.chi2_per_frequency < 1.5
    assert full.equilibrium.tails.relative_likelihood("1/t") < 1e-3


@pytest.mark.slow
def test_five_percent_of_temperature_are_seen(full):
    """|z| <= 3 holds at the right temperature and fails at one that is 5 % too high or too low."""
    assert abs(nyquist(full, 1.0).z_score(1.0)) <= 3
    assert min(abs(nyquist(full, wrong).z_score(1.0)) for wrong in (0.95, 1.05)) > 3


@pytest.mark.slow
def test_the_current_fluctuates_as_equipartition_says_to_one_percent():
    import jax

    from diffneq import simulate
    from diffneq.models import Conductor
    from diffneq.statistics import mean

    model = Conductor.preset("soft", electrons=60)
    keys = jax.random.split(jax.random.key(11), 160)
    result = simulate(model, model.dynamics(), None, steps=140_000, keys=keys, progress=False)
    ratio = mean(result.records["current_squared"][:, 500:] / 60, 0.1)
    assert ratio.error < 0.01 and abs(ratio.value - 1) < 4 * ratio.error
