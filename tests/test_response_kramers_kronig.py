"""Kramers-Kronig and the f-sum rule on closed forms, with and without noise, and on data that must fail."""

import numpy as np
import pytest

from diffneq.response.kramers_kronig import f_sum_rule, kramers_kronig

W = np.geomspace(0.02, 50, 36)
MODELS = {
    "Drude": 1 / (1 - 1j * W),
    "two Drude": 0.7 / (1 - 1j * W) + 0.3 / (1 - 4j * W),
    "Drude-Smith": 1 / (1 - 1j * W) * (1 - 0.6 / (1 - 1j * W)),
    "oscillator": -1j * W / (1 - W**2 - 0.8j * W),
}
WEIGHT = {"Drude": 1.0, "two Drude": 0.7 + 0.3 / 4, "Drude-Smith": 1.0, "oscillator": 1.0}


def measured(sigma, noise, seed=0):
    rng = np.random.default_rng(seed)
    data = sigma + noise * (rng.normal(size=W.shape) + 1j * rng.normal(size=W.shape))
    return data, np.full((len(W), 2, 2), noise**2) * np.eye(2)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("predict", ["imag", "real"])
def test_closed_forms(name, predict):
    result = kramers_kronig(W, *measured(MODELS[name], 1e-12), predict=predict)
    difference = np.abs(result.predicted - result.measured)
    assert difference.max() < 0.02
    assert np.all(difference < 4 * result.systematic + 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("predict", ["imag", "real"])
def test_chi_squared_with_noise(name, predict):
    data = [measured(MODELS[name], 0.01, seed) for seed in range(20)]
    chi2 = [kramers_kronig(W, *item, predict=predict).chi2 for item in data]
    assert 0.7 < np.mean(chi2) / len(W) < 1 + 4 * np.sqrt(2 / (20 * len(W)))


@pytest.mark.parametrize("wrong", [lambda s: s.conj(), lambda s: s.real + 1.05j * s.imag])
def test_wrong_response_fails(wrong):
    result = kramers_kronig(W, *measured(wrong(MODELS["Drude"]), 0.004))
    assert result.p_value < 1e-4


@pytest.mark.parametrize("name", MODELS)
def test_f_sum(name):
    for noise in (1e-9, 0.003):
        data, covariance = measured(MODELS[name], noise, 3)
        estimate = f_sum_rule(W, data.real, np.sqrt(covariance[:, 0, 0]))
        assert abs(estimate.z_score(WEIGHT[name])) < 4
        assert estimate.error < 0.1
    assert abs(f_sum_rule(W, 1.05 * MODELS[name].real, 1e-6 + 0 * W).value / WEIGHT[name] - 1.05) < 0.01


def test_misuse():
    with pytest.raises(ValueError, match="increasing"):
        kramers_kronig(W[::-1], MODELS["Drude"], np.zeros((len(W), 2, 2)))
    with pytest.raises(ValueError, match="predict"):
        kramers_kronig(W, *measured(MODELS["Drude"], 0.1), predict="both")


@pytest.mark.parametrize("start", [0.3, 0.5, 0.7, 0.9, 1.1])
def test_f_sum_of_a_drude_peak_whose_top_is_not_measured(start):
    w = np.geomspace(start / 7, 100 / 7, 40)
    estimate = f_sum_rule(w, 7 / (1 + 49 * w**2), np.full(40, 1e-8))
    assert abs(estimate.value - 1) < 0.005
    assert abs(estimate.z_score(1.0)) < 1
    assert estimate.diagnostics["below_systematic"] > 0.003
    assert any("below" in sentence for sentence in estimate.warnings)
