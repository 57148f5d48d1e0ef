"""Tails of known correlations: Gaussian samples with a given mean and a correlated error band."""

import numpy as np
import pytest

from diffneq.response.green_kubo import Autocorrelation
from diffneq.response.tails import compare_tails

TIME = 0.5 * np.arange(161)


def correlation(shape, noise=0.02, samples=100, seed=0):
    """Noise as that of a correlation: neighbouring lags fluctuate together."""
    rng = np.random.default_rng(seed)
    kernel = np.exp(-0.5 * (np.arange(-12, 13) / 4) ** 2)
    kernel /= np.sqrt(np.sum(kernel**2))
    hiss = np.stack([np.convolve(row, kernel, "valid") for row in rng.normal(size=(samples, len(TIME) + 24))])
    data = shape(np.maximum(TIME, 0.5)) + noise * hiss
    return Autocorrelation(TIME, data.mean(0), data.std(0, ddof=1) / np.sqrt(samples), data)


def mixed(t):
    return np.exp(-t / 2) + 0.1 / t


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("exponential", lambda t: 0.5 * np.exp(-t / 12)),
        ("1/t", lambda t: 0.3 / t),
        ("-1/t^2", lambda t: -2.0 / t**2),
    ],
)
def test_late_window_finds_the_tail(name, shape):
    result = compare_tails(correlation(shape, 0.01), 4.0, 70.0)
    assert result.preferred == name
    assert result.relative_likelihood("zero") < 1e-3
    assert result.fits[name].chi2 < 40


def test_nothing_is_found_in_noise():
    names = [compare_tails(correlation(np.zeros_like, seed=seed), 4.0, 70.0).preferred for seed in range(20)]
    assert names.count("zero") >= 10


def test_a_tail_of_the_other_sign_is_no_tail():
    """+1/t^2 is not -1/t^2: its amplitude is zero, and its likelihood that of nothing at all."""
    result = compare_tails(correlation(lambda t: 2.0 / t**2, 0.01), 4.0, 70.0)
    fit = result.fits["-1/t^2"]
    assert fit.amplitude.value == 0.0 and fit.chi2 == result.fits["zero"].chi2


def test_amplitude_beside_a_core_covers():
    scores = []
    for seed in range(40):
        result = compare_tails(correlation(mixed, seed=seed), 0.5, 70.0, core=True)
        scores.append(result.one_over_t.z_score(0.1))
    assert np.mean(np.abs(scores) < 2) > 0.8
    assert np.max(np.abs(scores)) < 5
    assert result.preferred == "exponential + 1/t"


def test_absent_tail_is_consistent_with_zero():
    scores = []
    for seed in range(40):
        result = compare_tails(correlation(lambda t: np.exp(-t / 2), seed=seed), 0.5, 70.0, core=True)
        scores.append(result.one_over_t.z_score(0.0))
    assert np.mean(np.abs(scores) < 2) > 0.8


def test_misuse():
    with pytest.raises(ValueError, match="12"):
        compare_tails(correlation(mixed, samples=6), 1.0, 60.0)
    with pytest.raises(ValueError, match="window"):
        compare_tails(correlation(mixed), 60.0, 61.0)
