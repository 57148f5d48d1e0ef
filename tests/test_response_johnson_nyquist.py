"""Johnson-Nyquist on a synthetic Drude metal: right at the right temperature, wrong at one 5 % off."""

import numpy as np
import pytest
from scipy.signal import lfilter

from diffneq.response.admittance import Admittance
from diffneq.response.johnson_nyquist import _ratio, johnson_nyquist

LX, LY, TEMPERATURE, SIGMA0, TAU, H, STEPS = 4.0, 3.0, 1.5, 2.0, 1.0, 0.02, 8


def equilibrium_current(replicas, length, rng):
    """<J(t) J(0)> = A k_B T sigma_0/tau e^{-t/tau}, averaged over records of STEPS steps."""
    a = np.exp(-H / TAU)
    noise = rng.normal(size=(replicas, length * STEPS)) * np.sqrt(1 - a * a)
    noise[:, 0] /= np.sqrt(1 - a * a)
    signal = lfilter([1], [1, -a], noise) * np.sqrt(LX * LY * TEMPERATURE * SIGMA0 / TAU)
    return signal.reshape(replicas, length, STEPS).mean(-1)


def driven(rng, relative=0.02):
    w = 2 * np.pi / 40 * np.unique(np.geomspace(1, 30, 14).astype(int))
    sigma = SIGMA0 / (1 - 1j * w * TAU)
    error = relative * np.abs(sigma.real) + 0.001
    data = sigma + error * (rng.normal(size=w.shape) + 1j * rng.normal(size=w.shape))
    covariance = error[:, None, None] ** 2 * np.eye(2)
    return Admittance(w, data, covariance, data[None], np.inf, LX, LY, np.zeros(0), np.zeros(0))


@pytest.fixture(scope="module")
def experiment():
    rng = np.random.default_rng(11)
    return equilibrium_current(160, 4000, rng), driven(rng, 0.01)


def test_holds_at_the_right_temperature(experiment):
    result = johnson_nyquist(experiment[0], H * STEPS, experiment[1], TEMPERATURE)
    assert 0.6 < result.chi2_per_frequency < 1.5
    assert abs(result.ratio.z_score(1.0)) < 4
    assert result.ratio.error < 0.01


@pytest.mark.parametrize("factor", [0.95, 1.05, 2.0])
def test_fails_at_the_wrong_temperature(experiment, factor):
    result = johnson_nyquist(experiment[0], H * STEPS, experiment[1], factor * TEMPERATURE)
    assert abs(result.ratio.z_score(1.0)) > 4
    assert result.chi2_per_frequency > 1.5


def test_chi_squared_and_ratio_are_calibrated():
    rng = np.random.default_rng(5)
    results = [
        johnson_nyquist(equilibrium_current(6, 2500, rng), H * STEPS, driven(rng, 0.05), TEMPERATURE) for _ in range(60)
    ]
    frequencies = results[0].dof
    assert abs(np.mean([r.chi2_per_frequency for r in results]) - 1) < 4 * np.sqrt(2 / frequencies / 60) + 0.1
    scores = np.array([r.ratio.z_score(1.0) for r in results])
    assert abs(scores.mean()) < 4 / np.sqrt(60) + 0.2
    assert 0.6 < scores.std() < 1.4


def test_unresolved_frequency_is_named(experiment):
    with pytest.raises(ValueError, match="record longer"):
        johnson_nyquist(experiment[0][:, :200], H * STEPS, experiment[1], TEMPERATURE)


@pytest.mark.parametrize("relative", [0.1, 0.15, 0.2, 0.25])
def test_ratio_is_not_biased_by_a_noisy_dissipation(relative):
    rng = np.random.default_rng(17)
    w = 2 * np.pi / 40 * np.unique(np.geomspace(1, 30, 14).astype(int))
    truth, dof, ratios, scores = SIGMA0 / (1 + (w * TAU) ** 2), np.full(len(w), 60.0), [], []
    for _ in range(1200):  # mean known to 0.3 %
        noise = truth * rng.gamma(dof / 2, 2 / dof)
        dissipation = truth * (1 + relative * rng.normal(size=w.shape))
        ratio = _ratio(noise, dof, dissipation, relative * truth)
        ratios.append(ratio.value)
        scores.append(ratio.z_score(1.0))
    assert abs(np.mean(ratios) - 1) < 0.01
    assert 0.85 < np.sqrt(np.mean(np.square(scores))) < 1.2


def test_ratio_of_an_unknown_dissipation_is_not_a_number():
    truth = np.ones(10)
    assert _ratio(truth, 60 * truth, 0.1 * truth, 2 * truth).warnings
