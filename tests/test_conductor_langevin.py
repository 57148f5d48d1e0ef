"""The conductor's current as a Langevin variable: candidates on records whose law is known, and on the conductor."""

import numpy as np
import pytest

from diffneq.inference import OrnsteinUhlenbeck, fit
from diffneq.studies.conductor_langevin import PLAIN, Plan, Record, TwoRates, analyse
from diffneq.studies.conductor_langevin.two_rates import correlation

WHITE = TwoRates((0.2, 1.5), (0.03, 0.02), 0.5, 1e-4)


def test_the_correlation_of_two_rates():
    """Short collisions: v_1 exp(-r_1 t) + v_2 exp(-r_2 t); long ones: the law of coloured noise."""
    lag = np.linspace(0.0, 8.0, 9)
    np.testing.assert_allclose(correlation(WHITE, lag), 0.6 * np.exp(-0.2 * lag) + 0.4 * np.exp(-1.5 * lag), atol=1e-3)
    r, k = 0.4, 1 / 0.7
    coloured = TwoRates((r, r), (0.03, 0.02), 0.5, 1 / k)
    exact = (k * np.exp(-r * lag) - r * np.exp(-k * lag)) / (k - r)
    np.testing.assert_allclose(correlation(coloured, lag), exact, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="two rates and two variances"):
        TwoRates((1.0,), (1.0,), 0.0, 0.1)


def _made(rates, variances, mean: float, seed: int) -> Record:
    """A sum of independent Ornstein-Uhlenbeck processes, each stepped by its exact transition."""
    rng, dt = np.random.default_rng(seed), 0.5
    values = np.full((32, 600), mean)
    for rate, variance in zip(rates, variances, strict=True):
        x = np.sqrt(variance) * rng.normal(size=32)
        for t in range(600):
            values[:, t] += x
            keep = np.exp(-rate * dt)
            x = keep * x + np.sqrt(variance * (1 - keep**2)) * rng.normal(size=32)
    return Record(0.1, values, dt, 30.0, 3.0, 1.0, 1.0)


@pytest.mark.slow
def test_the_verdict_on_records_whose_law_is_known():
    """A plain Langevin record is called plain, one of two rates is mended by two rates and by nothing less."""
    plan = Plan(fields=(0.1,), replicas=32, time=300.0, interval=0.5, thinnings=(1,))
    names = (PLAIN, "two rates")
    report = analyse(plan, names, {0.1: _made((0.4,), (0.05,), 0.25, 1)})  # M = 30: friction 12, T = 1.5, force 3
    (view,) = report.views.values()
    assert view.verdict() == "the plain Langevin equation holds"
    assert abs(view.selection.fits[PLAIN]["friction[0]"].z_score(12.0)) < 4
    report = analyse(plan, names, {0.1: _made((0.2, 1.5), (0.03, 0.02), 0.5, 2)})
    (view,) = report.views.values()
    assert view.verdict() == "the plain Langevin equation fails (memory); best mended by two rates"
    fitted = view.selection.fits["two rates"]
    rates = sorted((fitted["rates[0]"], fitted["rates[1]"]), key=lambda rate: rate.value)
    assert abs(rates[0].z_score(0.2)) < 4 and abs(rates[1].z_score(1.5)) < 4
    found = report.measured[0.1]
    assert abs(found.temperature.z_score(30 * 0.05)) < 4
    assert np.all(np.abs(found.correlation - correlation(WHITE, found.lag))[1:20] < 5 * found.error[1:20])
    assert "two rates" in report.table() and report.to_dict()["views"][0]["verdict"] == view.verdict()
    axes = report.figure().axes
    assert axes[0].get_yscale() == "log" and len(axes) == 2


def test_misuse_is_told():
    with pytest.raises(ValueError, match="8 or more"):
        Plan(replicas=4)
    with pytest.raises(ValueError, match="record longer"):
        Plan(time=10.0)
    with pytest.raises(ValueError, match="'plain Langevin' among them"):
        analyse(Plan(), ("two rates", "coloured noise"))


@pytest.mark.slow
def test_the_conductor_at_rest_and_far_from_equilibrium():
    """Equilibrium: M Var V = T, a fluctuation theorem; driven: much hotter, and the plain equation misses memory."""
    plan = Plan(replicas=64, time=200.0, thinnings=(1,))
    report = analyse(plan, (PLAIN, "coloured noise", "two rates"), progress=False)
    still, driven = report.measured[0.0], report.measured[0.3]
    assert abs(still.mean.z_score(0.0)) < 4 and abs(still.temperature.z_score(1.0)) < 4
    assert abs(still.skewness.z_score(0.0)) < 4
    assert driven.temperature.value > 3 * still.temperature.value
    for view in report.views.values():
        assert "memory" in view.faults(PLAIN) and "memory" not in view.faults("two rates")
        assert set(view.better()) == {"coloured noise", "two rates"}
    # collisions against the drift: noise that no Gaussian equation has
    assert "skew noise" in report.views[0.3, 0.25].faults("two rates")
    assert "skew noise" not in report.views[0.0, 0.25].faults("two rates")
    assert fit(OrnsteinUhlenbeck(5.0, 1.0, mass=30.0), report.records[0.0].values[:, ::8], 2.0).converged
