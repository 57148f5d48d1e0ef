"""The effective temperature of currents whose noise and response are known."""

import numpy as np
import pytest

from diffneq.response import admittance, effective_temperature
from diffneq.response.johnson_nyquist import johnson_nyquist

DT, STEPS, TAU, PERIOD = 0.1, 10, 2.0, 50.0
HARMONICS = np.array([1, 2, 4, 8, 16, 32])


def drude_current(seed, temperature, replicas=48, length=8000, field=None):
    """dJ = -J/tau dt + E dt + sqrt(2 T/tau) dB, A = 1, n = m = e = 1: means over records, exact noise per step."""
    rng, h = np.random.default_rng(seed), DT / STEPS
    keep = np.exp(-h / TAU)
    j = np.sqrt(temperature) * rng.normal(size=replicas)
    out = np.zeros((replicas, length // STEPS))
    for step in range(length):
        push = 0.0 if field is None else field((step + 0.5) * h) * TAU * (1 - keep)
        j = keep * j + push + np.sqrt(temperature * (1 - keep**2)) * rng.normal(size=replicas)
        out[:, step // STEPS] += j / STEPS
    return out


def probed(seed, temperature):
    amplitudes = 0.3 * np.sqrt(1 + (2 * np.pi * HARMONICS / PERIOD * TAU) ** 2)
    phases = np.arange(len(HARMONICS)) ** 2.0
    field = lambda t: np.sum(amplitudes * np.sin(2 * np.pi * HARMONICS * t / PERIOD + phases))
    current = drude_current(seed, temperature, length=20_000, field=field)
    return admittance(current, DT, PERIOD, HARMONICS, amplitudes, phases, 1.0, 1.0, steps=STEPS)


@pytest.fixture(scope="module")
def response():
    return probed(0, 1.8)


def test_it_is_the_temperature_at_equilibrium(response):
    found = effective_temperature(drude_current(1, 1.8, length=40_000) + 7.0, DT, response, 1.8, steps=STEPS)
    assert np.max(np.abs(found.temperature - 1.8) / found.error) < 4
    assert found.p_value > 1e-4 and abs(found.violation.z_score(1.0)) < 4
    assert found.violation.error < 0.1


def test_a_current_that_is_hotter_than_the_bath_violates_the_relation(response):
    """The electrons are at 1.8, the bath at 1: T_eff = 1.8 and the violation is 1.8, many standard errors from 1."""
    found = effective_temperature(drude_current(2, 1.8, length=40_000), DT, response, 1.0, steps=STEPS)
    assert abs(found.violation.z_score(1.8)) < 4
    assert found.violation.z_score(1.0) > 6 and found.p_value < 1e-8


def test_it_agrees_with_johnson_and_nyquist(response):
    current = drude_current(3, 1.8, length=40_000)
    current -= current.mean(-1, keepdims=True)
    theirs = johnson_nyquist(current, DT, response, 1.0, relative_width=0.3, steps=STEPS)
    ours = effective_temperature(current, DT, response, 1.0, relative_width=0.3, steps=STEPS)
    np.testing.assert_allclose(ours.temperature, theirs.noise / theirs.dissipation, rtol=1e-12)


def test_a_record_that_is_too_short_is_refused(response):
    with pytest.raises(ValueError, match="record longer"):
        effective_temperature(np.random.default_rng(0).normal(size=(4, 64)), DT, response, 1.0, steps=STEPS)
