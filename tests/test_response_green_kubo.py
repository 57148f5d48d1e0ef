"""Green-Kubo on synthetic currents of known conductivity: bias, coverage, published cepstral errors."""

import numpy as np
import pytest
from scipy.signal import lfilter

from diffneq.response.cepstral import cepstral_error
from diffneq.response.green_kubo import autocorrelation, green_kubo

AREA, TEMPERATURE, DT = 12.0, 1.5, 0.2


def filtered(rng, shape, numerator, denominator):
    """ARMA noise; sigma = dt g/(2 A k_B T), g = |B(1)/A(1)|^2 for unit innovations."""
    x = lfilter(numerator, denominator, rng.normal(size=(*shape[:-1], shape[-1] + 300)))[..., 300:]
    return x, DT * (np.sum(numerator) / np.sum(denominator)) ** 2 / (2 * AREA * TEMPERATURE)


def drude(rng, shape, steps=10.0):
    return filtered(rng, shape, [1.0], [1.0, -np.exp(-1 / steps)])


def two_times(rng, shape):
    (x, a), (y, b) = drude(rng, shape, 3.0), drude(rng, shape, 12.0)
    return x + 0.3 * y, a + 0.09 * b


def ringing(rng, shape):
    pole = 0.9 * np.exp(0.4j)
    return filtered(rng, shape, [1.0], [1.0, -2 * pole.real, abs(pole) ** 2])


def arma(rng, shape):
    return filtered(rng, shape, [1.0, 0.6, 0.3, -0.2, 0.1], [1.0, -0.9, 0.3])


def repeat(process, method, shape, count, seed=0):
    rng = np.random.default_rng(seed)
    estimates, exact = [], 0.0
    for _ in range(count):
        current, exact = process(rng, shape)
        estimates.append(green_kubo(current, DT, AREA, TEMPERATURE, method))
    ratio = np.array([e.value for e in estimates]) / exact
    inside = np.array([low < exact < high for low, high in (e.interval(0.95) for e in estimates)])
    return ratio, inside, np.array([e.error for e in estimates]) / exact


@pytest.mark.parametrize(
    ("process", "shape"),
    [
        (drude, (8, 2000)),
        (ringing, (8, 2000)),
        (arma, (8, 2000)),
        (two_times, (64, 2000)),
    ],
)
def test_default_is_unbiased_and_covers(process, shape):
    ratio, inside, error = repeat(process, "spectral", shape, 50)
    assert abs(ratio.mean() - 1) < 0.02 + 2 * ratio.std() / np.sqrt(50)
    assert inside.mean() > 0.85
    assert 0.7 < error.mean() / ratio.std() < 1.4


@pytest.mark.parametrize("process", [drude, ringing, arma])
def test_integral(process):
    for shape in ((4, 3000), (24, 1000)):
        ratio, inside, _ = repeat(process, "integral", shape, 60, seed=1)
        assert abs(ratio.mean() - 1) < 4 * ratio.std() / np.sqrt(60) + 0.03
        assert inside.mean() > 0.85


def test_cepstral():
    ratio, inside, _ = repeat(arma, "cepstral", (8, 2000), 100, seed=2)
    assert abs(ratio.mean() - 1) < 0.03
    assert inside.mean() > 0.85


def test_spectral_beats_the_others():
    methods = ("spectral", "cepstral", "integral")
    spread = {method: repeat(drude, method, (4, 2000), 40, 3)[0] - 1 for method in methods}
    rms = {method: np.sqrt(np.mean(deviation**2)) for method, deviation in spread.items()}
    assert rms["spectral"] < rms["cepstral"]
    assert rms["spectral"] < rms["integral"]


def test_cepstral_errors_of_the_published_examples():
    """Silica and molten NaCl shipped with sportran: P* = 34 of N = 5554 and P* = 4 of N = 2856."""
    assert cepstral_error(3, 5554, 34) == pytest.approx(0.097614, abs=1e-6)
    assert cepstral_error(2, 2856, 4) == pytest.approx(0.056227, abs=1e-6)


def test_components_count_as_series():
    current, exact = drude(np.random.default_rng(4), (4, 2, 2000))
    both = green_kubo(current, DT, AREA, TEMPERATURE)
    one = green_kubo(current[:, 0], DT, AREA, TEMPERATURE)
    assert both.error < one.error
    assert abs(both.z_score(exact)) < 4


def test_autocorrelation_band():
    scores = []
    for seed in range(40):
        current, _ = drude(np.random.default_rng(seed), (3, 3000))
        result = autocorrelation(current, DT, max_time=5.0)
        exact = np.exp(-result.time / (10 * DT)) / (1 - np.exp(-0.2))
        scores.append((result.value - exact) / result.error)
    assert 0.8 < np.std(scores) < 1.25
    assert result.samples.shape[0] >= 16


def test_misuse():
    with pytest.raises(ValueError, match="method"):
        green_kubo(np.zeros((2, 100)), DT, AREA, TEMPERATURE, "magic")
    with pytest.raises(ValueError, match="positive"):
        green_kubo(np.ones((2, 100)), DT, AREA, -1.0)
    with pytest.raises(ValueError, match="half a record"):
        autocorrelation(np.ones((2, 100)), DT, max_time=100.0)
