"""The driven steady state at reduced size; the last two repeat the full claims. Fixed keys; |z| <= 4 unless said."""

import json

import numpy as np
import pytest

from diffneq.drives import Clock
from diffneq.statistics import Estimate
from diffneq.studies.driven_conductor import Plan, Runs, study
from diffneq.studies.driven_conductor.local_equilibrium import onset

REDUCED = Plan(
    electrons=60, fields=(0.0, 0.3), probes=(0.02, 0.06), ladder=(0.0, 0.3), replicas=24, time=100.0,
    transient=40.0, pulses=4, pulse_time=32.0, period=50.0, periods=3, frequencies=14,
    walls_electrons=60, walls_field=0.1, walls_replicas=8, walls_time=100.0, walls_transient=100.0,
)  # fmt: skip

pytestmark = pytest.mark.slow  # two minutes; the fast mode of the notebook runs the same study in every test


@pytest.fixture(scope="module")
def reduced(tmp_path_factory):
    folder = tmp_path_factory.mktemp("driven")
    return study(REDUCED, folder, progress=False), folder


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    return study(Plan(), tmp_path_factory.mktemp("driven-full"), progress=False)


def check_sum_rules(here):
    """They hold at any field."""
    first, slope, _ = here.initial
    assert abs(first.z_score(here.weight)) <= 4
    assert abs(slope.z_score(0.0)) <= 4
    assert abs(here.second_moment.z_score(here.curvature)) <= 4
    assert abs(here.f_sum.z_score(1.0)) <= 4
    final, error = here.moments.moments[:, -1] / here.weight, here.moments.errors[:, -1] / here.weight
    assert abs(final[0] - 1) < 2e-3
    bend = here.curvature.value / here.weight
    assert abs(final[1] + 2 * bend / (np.pi * here.moments.cutoff[-1])) <= 4 * error[1] + 2e-3
    assert abs(final[2] - bend) <= 4 * np.hypot(error[2], here.curvature.error / here.weight)


def check_response(here):
    """Causality, and two ways to measure one conductivity."""
    assert here.imaginary.p_value > 1e-4 and here.real.p_value > 1e-4
    assert here.agreement.p_value > 1e-4
    # T_eff averaged with the weight Re Y is the temperature of the total current, by the f-sum rule.
    assert abs(here.noise.violation.z_score(here.collective)) <= 4


def test_the_sum_rules_hold_at_rest_and_far_from_equilibrium(reduced):
    for here in reduced[0].responses.values():
        check_sum_rules(here)
        check_response(here)


def test_the_sum_rules_are_a_test(reduced):
    """The curvature changes with the field by more than four standard errors: the rules compare what could differ."""
    still, driven = (x.curvature for x in reduced[0].responses.values())
    assert driven.z_score(still) > 4
    here = reduced[0].responses[0.3]
    assert abs(here.second_moment.z_score(still)) > 4


def test_fluctuation_and_dissipation_part_ways(reduced):
    still, driven = reduced[0].responses.values()
    assert abs(still.noise.violation.z_score(1.0)) <= 4 and still.noise.p_value > 1e-4
    assert abs(still.collective.z_score(1.0)) <= 4
    assert driven.noise.violation.z_score(1.0) > 4 and driven.noise.p_value < 1e-4


def test_the_states_are_steady(reduced):
    report = reduced[0]
    for settling in (*(x.settling for x in report.ladder.values()), report.walls.settling):
        assert abs(settling.z_score(0.0)) <= 4
        assert settling.error < 0.1


def test_local_equilibrium_holds_at_rest_and_breaks(reduced):
    ladder = reduced[0].ladder
    for temperature in (ladder[0.0].phonon, ladder[0.0].along.temperature, ladder[0.0].across.temperature):
        assert abs(temperature.z_score(1.0)) <= 4, temperature
    for name, departure in ladder[0.0].departures().items():
        assert abs(departure.z_score(0.0)) <= 4, name
    broken = ladder[0.3].departures()
    for name in ("T_y/T_phonon - 1", "T_x/T_y - 1", "excess kurtosis of v_y"):
        assert broken[name].z_score(0.0) > 4, name
    assert abs(ladder[0.3].across.drift.z_score(0.0)) <= 4 and ladder[0.3].along.drift.z_score(0.0) > 50


def test_the_walls_are_cooler_than_the_middle(reduced):
    here = reduced[0].walls
    middle, edge = len(here.y) // 2, (0, -1)
    assert here.phonon[middle] - here.phonon[list(edge)].mean() > 4 * here.phonon_error[middle]
    odd = (here.across - here.across[::-1]) / np.hypot(here.across_error, here.across_error[::-1])
    assert np.mean(odd**2) < 3  # the two walls are alike
    assert np.all(here.drift > 4 * here.drift_error)


def test_the_report_is_a_record_and_nothing_is_run_twice(reduced, monkeypatch):
    report, folder = reduced
    record = json.loads((folder / "report.json").read_text())
    assert record["responses"][1]["conductivity"]["unit"] == "e^2 t/m"
    assert all(p.stat().st_size > 10_000 for p in report.pictures)
    for module in ("simulate", "_steady", "_walls"):
        monkeypatch.setattr(f"diffneq.studies.driven_conductor.runs.{module}", None)
    assert study(REDUCED, folder, progress=False).table() == report.table()
    with pytest.raises(ValueError, match="another plan"):
        Runs(Plan(seed=5), folder)


def test_both_signs_of_the_probe_ride_on_the_field():
    plan = Plan()
    up, down = plan.probed(0.2, 1.0), plan.probed(0.2, -1.0)
    at = Clock(1234, 0.01)
    assert float(up(at) + down(at)) == pytest.approx(0.4, rel=1e-5)
    assert float(up(at)) != pytest.approx(0.2, rel=1e-3)
    probe = plan.probe(0.2)
    power = np.asarray(probe.amplitudes, float) ** 2 / 2 / (1 + (2 * np.pi * probe.frequencies * 6.0) ** 2)
    assert power.sum() == pytest.approx(0.05**2, rel=1e-4)


def test_the_onset_lies_between_the_fields_around_it():
    steps = [Estimate(v, 1e-3) for v in (0.0, -0.01, -0.04, -0.16)]
    assert onset([0.0, 0.1, 0.2, 0.4], steps, 0.08) == pytest.approx(0.2 * np.sqrt(2), rel=1e-9)
    assert np.isnan(onset([0.0, 0.1, 0.2, 0.4], steps, 0.5)) and np.isnan(onset([0.1, 0.2], steps[2:], 0.01))
    noisy = [Estimate(0.06, 0.03), Estimate(0.2, 0.01)]  # the first is above the level by chance at most
    assert onset([0.1, 0.2], noisy, 0.05) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fields": (0.15,), "probes": (0.1,)}, "among those of the ladder"),
        ({"pulses": 60}, "snapshots"),
        ({"replicas": 7}, "even"),
    ],
)
def test_plans_that_do_not_fit_together(options, words):
    with pytest.raises(ValueError, match=words):
        Plan(**options)


def test_the_default_study_far_from_equilibrium(full):
    for here in full.responses.values():
        check_sum_rules(here)
        check_response(here)
    still, driven = full.responses.values()
    assert abs(still.noise.violation.z_score(1.0)) <= 4
    assert driven.noise.violation.z_score(1.0) > 10
    assert driven.second_moment.error / driven.second_moment.value < 0.03


def test_the_default_study_has_three_temperatures(full):
    """Bath, kinetic and tail temperature of v_y all differ at the strongest field; at rest they are one."""
    strong, still = full.ladder[0.3], full.ladder[0.0]
    for settling in (*(x.settling for x in full.ladder.values()), full.walls.settling):
        assert abs(settling.z_score(0.0)) <= 4 and settling.error < 0.02
    tail, kinetic = strong.tails[8.0], strong.across.temperature
    assert tail.z_score(kinetic) > 5 and kinetic.z_score(strong.phonon) > 5 and strong.phonon.z_score(1.0) > 5
    for found in still.tails.values():
        assert abs(found.z_score(1.0)) <= 4
