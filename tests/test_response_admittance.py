"""Multisine admittance of an exactly solved Drude metal, step averages and all."""

import numpy as np
import pytest
from scipy.signal import lfilter

from diffneq.response.admittance import admittance

HARMONICS = np.array([1, 2, 5, 11])
AMPLITUDES = np.array([1.0, 0.8, 0.6, 1.2])
PHASES = np.array([0.1, 2.0, -1.0, 0.7])


def drude_current(replicas, periods, noise, seed, cubic=0.0, steps=8, per_period=50):
    """J = 6 sigma(w) E(w), sigma = 2/(1 - 3 i w), area 6, at step ends, averaged over `steps`."""
    h = 0.05
    base_period = steps * per_period * h
    t = h * np.arange(1, steps * per_period * periods + 1)
    w = 2 * np.pi * HARMONICS / base_period
    sigma = 2 / (1 - 3j * w)
    angle = w[:, None] * t + PHASES[:, None]
    current = 6 * np.sum(AMPLITUDES[:, None] * (sigma[:, None] * 1j * np.exp(-1j * angle)).real, 0)
    current = current + cubic * np.sum(AMPLITUDES[:, None] * np.sin(angle), 0) ** 3
    rng = np.random.default_rng(seed)
    hiss = lfilter([1], [1, -np.exp(-h / 0.5)], rng.normal(size=(replicas, len(t))), axis=-1) * noise
    return (current + hiss).reshape(replicas, -1, steps).mean(-1), steps * h, base_period, sigma


def analyse(current, dt, base_period, **options):
    return admittance(current, dt, base_period, HARMONICS, AMPLITUDES, PHASES, 3.0, 2.0, steps=8, **options)


@pytest.mark.parametrize(("replicas", "periods"), [(2, 12), (20, 3)])
def test_drude(replicas, periods):
    current, dt, base_period, sigma = drude_current(replicas, periods, 0.05, 1)
    result = analyse(current, dt, base_period)
    assert np.all(np.abs(result.sigma.real - sigma.real) < 4 * result.error_real)
    assert np.all(np.abs(result.sigma.imag - sigma.imag) < 4 * result.error_imag)
    assert np.all(result.error_real < 0.02)
    np.testing.assert_allclose(result.admittance, result.sigma * 2 / 3)


def test_exact_without_noise_and_wrong_without_the_factor():
    current, dt, base_period, sigma = drude_current(1, 4, 0.0, 0)
    np.testing.assert_allclose(analyse(current, dt, base_period).sigma, sigma, rtol=1e-10)
    smooth = admittance(current, dt, base_period, HARMONICS, AMPLITUDES, PHASES, 3.0, 2.0)
    assert np.abs(smooth.sigma / sigma - 1).max() > 1e-3


def test_error_bars_cover():
    hits = []
    for seed in range(150):
        current, dt, base_period, sigma = drude_current(4, 5, 0.05, seed)
        result = analyse(current, dt, base_period)
        hits.append(np.abs(result.sigma.real - sigma.real) < 2.13 * result.error_real)
        hits.append(np.abs(result.sigma.imag - sigma.imag) < 2.13 * result.error_imag)
    assert 0.92 < np.mean(hits) < 0.98


def test_nonlinearity_shows_at_undriven_harmonics():
    linear = analyse(*drude_current(8, 5, 0.05, 5)[:3])
    bent = analyse(*drude_current(8, 5, 0.05, 5, cubic=0.05)[:3])
    assert linear.undriven_chi2.mean() < 2.5 < 10 < bent.undriven_chi2.max()


def test_misuse():
    current, dt, base_period, _ = drude_current(2, 4, 0.1, 0)
    with pytest.raises(ValueError, match="whole number of records"):
        analyse(current, dt, base_period * 1.01)
    with pytest.raises(ValueError, match="harmonics"):
        admittance(current, dt, base_period, [30], [1.0], [0.0], 1.0, 1.0)
    with pytest.raises(ValueError, match="periods"):
        analyse(current, dt, base_period, discard_periods=4)
    with pytest.raises(ValueError, match="amplitudes"):
        admittance(current, dt, base_period, [1, 2], [1.0], [0.0], 1.0, 1.0)
