"""Velocity distributions: Maxwellians are found to be such, with honest errors; what is not is seen."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import erfc

from diffneq.statistics.profiles import density_profile, kurtosis_profile, mean_profile
from diffneq.statistics.velocities import log_density, tail_temperature, velocity_moments


def maxwellian(seed, temperature=1.0, replicas=32, n=20_000, drift=0.0):
    return np.random.default_rng(seed).normal(drift, np.sqrt(temperature), (replicas, n))


def test_a_drifting_maxwellian():
    found = velocity_moments(maxwellian(0, 1.5, drift=0.8) / np.sqrt(2.0), mass=2.0)
    for estimate, exact in (
        (found.drift, 0.8 / np.sqrt(2.0)), (found.temperature, 1.5), (found.skewness, 0.0), (found.kurtosis, 0.0),
    ):  # fmt: skip
        assert abs(estimate.z_score(exact)) <= 4, estimate
    assert found.kurtosis.error == pytest.approx(np.sqrt(24 / 640_000), rel=0.5)


def test_moments_of_an_exponential_distribution():
    """Skewness 2, excess kurtosis 6, variance 1."""
    found = velocity_moments(np.random.default_rng(1).exponential(size=(64, 40_000)))
    for estimate, exact in ((found.skewness, 2.0), (found.kurtosis, 6.0), (found.temperature, 1.0)):
        assert abs(estimate.z_score(exact)) <= 4, estimate


@pytest.mark.parametrize("threshold", [1.0, 2.0, 3.0, 3.5])
def test_the_tail_of_a_maxwellian_has_its_temperature(threshold):
    found = tail_temperature(maxwellian(2, 1.3), threshold)
    assert abs(found.z_score(1.3)) <= 4
    assert found.diagnostics["fraction"] == pytest.approx(erfc(threshold / np.sqrt(2.6)), rel=0.1)


def test_the_tail_of_a_mixture_is_hotter_and_known():
    """90 % at T = 1, 10 % at T = 2: beyond 3 the mean square, by quadrature, belongs to this temperature."""
    rng = np.random.default_rng(3)
    spread = np.where(rng.random((32, 40_000)) < 0.1, np.sqrt(2.0), 1.0)
    found = tail_temperature(rng.normal(size=spread.shape) * spread, 3.0)
    density = lambda v: 0.9 * np.exp(-v * v / 2) + 0.1 * np.exp(-v * v / 4) / np.sqrt(2)
    square = quad(lambda v: v * v * density(v), 3, 30)[0] / quad(density, 3, 30)[0]
    beyond = lambda T: (
        quad(lambda v: v * v * np.exp(-v * v / (2 * T)), 3, 60)[0] / quad(lambda v: np.exp(-v * v / (2 * T)), 3, 60)[0]
    )
    exact = brentq(lambda T: beyond(T) - square, 0.5, 4)
    assert exact > 1.3
    assert abs(found.z_score(exact)) <= 4
    assert found.z_score(1.1) > 4  # and it is not the kinetic temperature


@pytest.mark.slow
def test_errors_are_honest():
    """z-scores of 600 small data sets have the variance of Student's t, 15/13, within 4 standard errors of it."""
    z = []
    for seed in range(600):
        v = maxwellian(1000 + seed, replicas=16, n=4000)
        z.append((tail_temperature(v, 2.0).z_score(1.0), velocity_moments(v).kurtosis.z_score(0.0)))
    variance = np.mean(np.square(z), 0)
    assert (np.abs(variance - 15 / 13) < 4 * np.sqrt(2 / 600) * 1.2).all(), variance


def test_the_logarithm_of_the_density():
    v = maxwellian(4)
    speed, value, error = log_density(v, np.linspace(0, 4, 81))
    z = (value + speed**2 / 2 + np.log(2 * np.pi) / 2) / error
    assert np.mean(z**2) < 1.6 and len(z) > 70
    hot = (value + speed**2 / 2.2 + np.log(2.2 * np.pi) / 2) / error
    assert np.mean(hot**2) > 20  # 10 % of temperature are seen


def test_profiles_of_a_known_state():
    """n(y), T(y) = 1 + y/10 and a kurtosis of zero in each narrow slice."""
    rng = np.random.default_rng(5)
    y = rng.uniform(0, 10, (16, 100, 200))
    v = rng.normal(size=y.shape) * np.sqrt(1 + y / 10)
    edges = np.linspace(0, 10, 21)
    density, error = density_profile(y, edges, 4.0)
    assert np.max(np.abs(density - 5.0) / error) < 5
    square, error = mean_profile(y, v**2, edges)
    z = (square - 1 - (edges[1:] + edges[:-1]) / 20) / error
    assert np.mean(z**2) < 2
    excess, error = kurtosis_profile(y, v, edges)
    assert np.mean((excess / error) ** 2) < 2


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: velocity_moments(np.zeros((3, 10))), "R >= 4"),
        (lambda: velocity_moments(np.full((4, 10), np.nan)), "NaN"),
        (lambda: tail_temperature(np.ones((4, 10)), -1.0), "positive speed"),
        (lambda: tail_temperature(np.ones((4, 10)), 3.0), "lower the threshold"),
        (lambda: mean_profile(np.ones((4, 2, 3)), np.ones((4, 2, 2)), [0, 2]), "one shape"),
        (lambda: mean_profile(np.ones((4, 2, 3)), np.ones((4, 2, 3)), [0, 0.5, 2]), "wider slices"),
    ],
)
def test_misuse_is_one_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_thin_tail_warns():
    assert tail_temperature(maxwellian(6, n=500), 3.5).warnings
