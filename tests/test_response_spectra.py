"""Spectra of processes with known intensity, and degrees of freedom that are what they claim."""

import numpy as np
import pytest
from scipy.signal import lfilter

from diffneq.response.spectra import band_dof, periodogram, record_factor, spectral_intensity


@pytest.mark.parametrize(("bins", "tapers"), [(1, 1), (1, 5), (8, 1), (8, 5), (30, 3)])
def test_degrees_of_freedom(bins, tapers):
    white = np.random.default_rng(0).normal(size=(3000, 256))
    first = 40
    j = np.arange(1, 257)
    power = np.zeros((3000, 129))
    for k in range(1, tapers + 1):
        taper = np.sqrt(2 / 257) * np.sin(np.pi * k * j / 257)
        power += np.abs(np.fft.rfft(white * taper)) ** 2 / tapers
    band = power[:, first : first + bins].mean(1)
    assert 2 * band.mean() ** 2 / band.var() == pytest.approx(band_dof(bins, tapers), rel=0.12)
    assert abs(band.mean() - 1) < 4 * band.std() / np.sqrt(3000)


def test_drude_spectrum_through_step_averages():
    h, steps, tau = 0.05, 8, 1.0
    a = np.exp(-h / tau)
    noise = np.random.default_rng(1).normal(size=(30, 8 * 3000)) * np.sqrt(1 - a * a)
    current = lfilter([1], [1, -a], noise)[:, 800:].reshape(30, -1, steps).mean(-1)
    spectrum = spectral_intensity(current, steps * h, steps=steps).log_bands(8)
    w = spectrum.frequency
    exact = h * (1 - a * a) / np.abs(1 - a * np.exp(1j * w * h)) ** 2
    good = (w < 2.0) & (w > 0.02)
    scores = (spectrum.intensity / exact - 1)[good] / np.sqrt(2 / spectrum.dof[good])
    assert np.all(np.abs(scores) < 4.5)
    assert np.mean(scores**2) < 2.5
    uncorrected = spectrum.intensity * np.abs(record_factor(w, steps * h, steps)) ** 2
    assert (uncorrected / exact)[good][-1] < 0.98


def test_periodogram_bookkeeping():
    white = np.random.default_rng(2).normal(size=(10, 2, 512))
    result = periodogram(white, 0.5, steps=1)
    assert result.series == 20
    assert result.dof[0] == 40
    assert result.dof[-1] == 20
    assert abs(result.intensity.mean() / 0.5 - 1) < 4 / np.sqrt(20 * 256)
    assert len(periodogram(white, 0.5, subtract_mean=False).frequency) == len(result.frequency) + 1


def test_misuse():
    with pytest.raises(ValueError, match="shape"):
        spectral_intensity(np.zeros(5), 0.1)
    with pytest.raises(ValueError, match="NaN"):
        spectral_intensity(np.full(50, np.nan), 0.1)
    with pytest.raises(ValueError, match="segment"):
        spectral_intensity(np.zeros(50), 0.1, segment=100)
