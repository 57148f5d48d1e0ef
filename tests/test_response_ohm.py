"""Current-voltage curves with known coefficients."""

import numpy as np
import pytest

from diffneq.response.ohm import ohm

FIELD = np.array([-1.0, -0.7, -0.4, -0.2, 0.2, 0.4, 0.7, 1.0])


def curve(seed, even=0.0):
    noise = np.random.default_rng(seed).normal(size=len(FIELD))
    return ohm(FIELD, 2 * FIELD - 0.3 * FIELD**3 + even * FIELD**2 + 0.01 * noise, np.full(len(FIELD), 0.01))


def test_coefficients_cover():
    results = [curve(seed) for seed in range(300)]
    for name, exact in (("sigma", 2.0), ("sigma_3", -0.3), ("even", 0.0)):
        scores = np.array([getattr(result, name).z_score(exact) for result in results])
        assert abs(scores.mean()) < 4 / np.sqrt(300)
        assert abs(scores.std() - 1) < 4 / np.sqrt(600)
    assert abs(np.mean([result.odd_chi2 for result in results]) - 4) < 4 * np.sqrt(8 / 300)


def test_an_even_part_is_found():
    result = curve(0, even=0.05)
    assert result.odd_p_value < 1e-4
    assert abs(result.even.z_score(0.05)) < 4


def test_misuse():
    with pytest.raises(ValueError, match="distinct field strengths"):
        ohm([1.0, 1.0, -1.0], [1.0, 1.0, -1.0], [0.1] * 3)
