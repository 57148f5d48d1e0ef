"""Honesty of error bars: nominal 95 % intervals of correlated means cover 95 % of the time."""

import json

import numpy as np
import pytest
import scipy.special
import scipy.stats
from scipy.signal import lfilter

from diffneq.statistics import Estimate, blocking, fit_polynomial, integrated_time, mean, weighted_mean
from diffneq.statistics import distributions as _distributions


def ornstein_uhlenbeck(rng, shape, tau):
    """Unit variance, exp(-t/tau): integrated time (1 + a)/(2 (1 - a)) samples with a = exp(-1/tau)."""
    a = np.exp(-1 / tau)
    noise = rng.normal(size=shape) * np.sqrt(1 - a * a)
    noise[..., 0] /= np.sqrt(1 - a * a)
    return lfilter([1], [1, -a], noise)


@pytest.mark.parametrize("length", [300, 1500])  # 100 and 500 correlation times
def test_coverage_of_one_record(length):
    records = ornstein_uhlenbeck(np.random.default_rng(1), (2400, length), 3.0)
    covered = [low < 0 < high for low, high in (mean(record).interval(0.95) for record in records)]
    assert 0.93 < np.mean(covered) < 0.97


@pytest.mark.parametrize("replicas", [4, 20])
def test_coverage_of_replicas(replicas):
    records = ornstein_uhlenbeck(np.random.default_rng(2), (2000, replicas, 120), 3.0)
    covered = [low < 0 < high for low, high in (mean(record).interval(0.95) for record in records)]
    assert 0.93 < np.mean(covered) < 0.97


@pytest.mark.parametrize(("replicas", "times", "bound"), [(1, 16, 1.5), (1, 50, 1.3), (2, 16, 1.3), (2, 50, 1.3)])
@pytest.mark.parametrize("tau", [3.0, 10.0])
def test_few_correlation_times_do_not_give_tiny_errors(replicas, times, bound, tau):
    records = ornstein_uhlenbeck(np.random.default_rng(8), (300, replicas, int(times * tau)), tau)
    estimates = [mean(record) for record in records]
    scores = np.array([e.z_score(0.0) for e in estimates])
    assert 0.8 < np.sqrt(np.mean(scores**2)) < bound
    typical = np.median([e.error for e in estimates]) / np.std([e.value for e in estimates])
    assert 0.8 < typical < 1.25
    assert np.mean([bool(e.warnings) for e in estimates]) > (0.9 if times * replicas == 16 else 0.05)


def test_a_bar_from_uncorrelated_formula_would_fail():
    records = ornstein_uhlenbeck(np.random.default_rng(1), (500, 300), 3.0)
    covered = np.abs(records.mean(1)) < 1.96 * records.std(1) / np.sqrt(300)
    assert covered.mean() < 0.75


def test_integrated_time_of_oscillator_and_of_short_record():
    a = np.exp(-1 / 5.0)
    record = ornstein_uhlenbeck(np.random.default_rng(3), (8, 4000), 5.0)
    assert abs(integrated_time(record).z_score((1 + a) / (2 * (1 - a)))) < 4
    pole = 0.95 * np.exp(0.4j)  # rings: Sokal's window alone would close in the first trough
    denominator = [1, -2 * pole.real, abs(pole) ** 2]
    ringing = lfilter([1], denominator, np.random.default_rng(4).normal(size=(4, 20000)))
    circle = np.exp(2j * np.pi * np.arange(4096) / 4096)
    dc, variance = abs(1 - pole) ** -4, np.mean(np.abs(np.polyval(denominator, circle)) ** -2)
    assert abs(integrated_time(ringing).z_score(dc / variance / 2)) < 4
    assert integrated_time(record[0, :60], dt=0.1).warnings
    assert mean(record[0, :60]).warnings


def test_disagreeing_replicas_are_reported():
    record = np.random.default_rng(5).normal(size=(4, 1000)) + np.array([[-1.0], [0.0], [0.5], [1.0]])
    result = mean(record)
    assert result.method == "scatter of replicas"
    assert any("ergodic" in sentence for sentence in result.warnings)
    assert result.error > 0.2


def test_blocking_plateau():
    record = ornstein_uhlenbeck(np.random.default_rng(6), (4, 2**14), 4.0)
    lengths, errors, doubts = blocking(record)
    a = np.exp(-0.25)
    exact = np.sqrt((1 + a) / (1 - a) / record.size)
    i = int(np.searchsorted(lengths, 128))
    assert abs(errors[i] - exact) < 4 * doubts[i]


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.12234, 0.0061, "0.1223(61)"),
        (123.4, 12.0, "123(12)"),
        (1234.0, 120.0, "1230(120)"),
        (-1.0, 0.0996, "-1.00(10)"),
        (1.2e-9, 3e-11, "1.200(30)e-09"),
        (0.5, 0.0, "0.5(0)"),
        (1.0, 0.00996, "1.000(10)"),
        (3.0e7, 2e5, "3.000(20)e+07"),
        (0.0, 0.3, "0.00(30)"),
    ],
)
def test_shorthand(value, error, text):
    assert str(Estimate(value, error)) == text


def test_estimate_is_a_plain_frozen_record():
    item = Estimate(1.0, 0.1, "V", "voltage", "by hand", diagnostics={"dof": 4, "curve": np.arange(3)})
    assert json.loads(json.dumps(item.to_dict()))["diagnostics"]["curve"] == [0, 1, 2]
    low, high = item.interval(0.95)
    assert (high - low) / 2 == pytest.approx(0.1 * scipy.stats.t.ppf(0.975, 4))
    assert item.z_score(Estimate(1.5, 0.1)) == pytest.approx(-0.5 / np.sqrt(0.02))
    with pytest.raises(ValueError, match="one number"):
        Estimate(np.ones(3), 0.1)
    with pytest.raises(ValueError, match="negative"):
        Estimate(1.0, -0.1)


def test_misuse_is_named():
    with pytest.raises(ValueError, match="NaN"):
        mean([1.0, 2.0, np.nan, 3.0])
    with pytest.raises(ValueError, match="shape"):
        mean(np.ones((2, 3, 4)))


def test_fits_and_weighted_mean():
    rng = np.random.default_rng(7)
    x = np.linspace(-2, 2, 15)
    pulls, chi2 = [], []
    for _ in range(400):
        fit = fit_polynomial(x, 1 - 2 * x + 0.5 * x**3 + 0.1 * rng.normal(size=15), 0.1, powers=(0, 1, 3))
        pulls.append((fit.coefficients - [1, -2, 0.5]) / np.sqrt(np.diag(fit.covariance)))
        chi2.append(fit.chi2)
    assert np.all(np.abs(np.std(pulls, axis=0) - 1) < 4 / np.sqrt(800))
    assert abs(np.mean(chi2) - 12) < 4 * np.sqrt(24 / 400)
    assert fit_polynomial(x, x**2, 0.01).p_value < 1e-6
    assert weighted_mean([Estimate(0, 0.1), Estimate(1, 0.1)]).warnings
    with pytest.raises(ValueError, match="points"):
        fit_polynomial([1.0], [1.0], [1.0])


def test_special_functions_against_scipy():
    x = np.array([0.3, 0.5, 1, 2, 3, 7.5, 40, 1e4])
    np.testing.assert_allclose(_distributions.digamma(x), scipy.special.digamma(x), rtol=1e-11)
    np.testing.assert_allclose(_distributions.trigamma(x), scipy.special.polygamma(1, x), rtol=1e-11)
    for dof in (1, 2.5, 7, 30, 900, 1e6):
        ours, exact = _distributions.student_quantile(0.95, dof), scipy.stats.t.ppf(0.975, dof)
        assert ours == pytest.approx(exact, rel=2e-3)
    for chi2, dof in ((3, 5), (40, 12), (0.1, 1), (25000, 24000)):
        ours, exact = _distributions.chi_squared_tail(chi2, dof), scipy.stats.chi2.sf(chi2, dof)
        assert ours == pytest.approx(exact, rel=1e-3)
