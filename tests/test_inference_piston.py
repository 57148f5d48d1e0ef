"""Rayleigh's piston: the effective Langevin equation from records alone, and what short times get wrong."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffneq.event_driven import simulate_piston
from diffneq.inference import (
    AntiItoPolynomialFriction,
    ItoPolynomial,
    ItoPolynomialFriction,
    StratonovichPolynomialFriction,
    basis,
    displacement_cumulants,
    displacement_family,
    fit,
    langevin_cumulant_rates,
    match,
    measured_generating_function,
    scaled_cumulant_generating_function,
)
from diffneq.models.piston import Piston


def effective(ratio, hot=4.0):
    """gamma_0, gamma_1, T of M dV = -gamma(V) V dt + sqrt(2 gamma(V) T) dW, to leading order in m/M = ratio."""
    piston = Piston(ratio, (1.0, hot))
    return float(piston.friction), float(piston.friction_slope), float(piston.temperature)


def test_golden_cumulants_of_the_effective_equation(x64):
    """All digits of the table: Galerkin solution of the Fokker-Planck equation at m/M = 0.01, T = 1, 4."""
    drag, slope, temperature = effective(0.01)
    model = ItoPolynomialFriction((drag, slope), temperature)
    found = langevin_cumulant_rates(model, basis(model))
    np.testing.assert_allclose(found, [0.062914246, 16.844006, 26.990598, 130.24795], rtol=3e-8)
    np.testing.assert_allclose([drag, slope], [0.239365, -0.0075], rtol=2e-6)


def test_conventions_differ_at_long_times(x64):
    """theta_1: Stratonovich's form of the right mean has twice the kappa_3; the anti-Ito form does not drift."""
    drag, slope, temperature = effective(1e-4)
    rates = lambda kind, g: np.asarray(langevin_cumulant_rates(m := kind((drag, g), temperature), basis(m), 3))
    ito, half = rates(ItoPolynomialFriction, slope), rates(StratonovichPolynomialFriction, 2 * slope)
    assert abs(half[0] / ito[0] - 1) < 1e-3 and abs(half[2] / ito[2] - 2) < 5e-3
    assert abs(rates(AntiItoPolynomialFriction, slope)[0]) < 1e-9 * ito[0]


def test_no_displacement_tells_the_family_apart(x64):
    """theta(s) of beta = b, b/2, 0 agree to first order in b: halving b (m/M by four) quarters what differs."""
    apart = []
    for ratio in (0.04, 0.01):
        drag, slope, temperature = effective(ratio)
        model = ItoPolynomialFriction((drag, slope), temperature)
        members = [displacement_family(model, share) for share in (1.0, 0.5, 0.0)]
        rates = np.array([langevin_cumulant_rates(each, basis(each), 3) for each in members])
        np.testing.assert_allclose(rates[0], langevin_cumulant_rates(model, basis(model), 3), rtol=1e-9)
        apart.append(np.abs(rates[1:] / rates[0] - 1).max(0))
        s = jnp.array([0.2 * drag / np.sqrt(temperature)])
        theta = [float(scaled_cumulant_generating_function(each, basis(each), s)[0]) for each in members]
        apart[-1] = np.append(apart[-1], np.ptp(theta) / theta[0])
    assert np.all(apart[1] < 0.03) and np.all(np.abs(apart[0] / apart[1] - 4) < 0.6), apart


@functools.cache
def records(ratio, replicas, duration, every):
    return simulate_piston(
        Piston(ratio, (1.0, 4.0)), jax.random.key(1), replicas=replicas, duration=duration, record_every=every
    )


@pytest.mark.slow
def test_from_records_to_the_equation():
    """A short record: measured rates against the golden table, and the fit within its errors. m/M = 0.04, T = 1, 4."""
    run = records(0.04, 1000, 400.0, 0.5)
    measured = displacement_cumulants(run.displacement, run.interval, velocity=run.velocity)
    for target, golden in {1: 0.1238707, 2: 8.5464805, 3: 13.309373, "variance": 1.9798349}.items():
        assert abs(measured[target].z_score(golden)) < 4
    drag, slope, temperature = effective(0.04)
    found = match(ItoPolynomialFriction((0.3, 0.0), 1.0), measured)
    assert found.converged and found.diagnostics["p_value"] > 1e-3
    for name, value in {"friction[0]": drag, "temperature": temperature}.items():
        assert abs(found[name].value / value - 1) < 0.05
    assert abs(found["friction[1]"].z_score(slope)) < 4 and found["friction[1]"].value < -5 * found["friction[1]"].error
    field = 0.05
    theta = measured_generating_function(run.displacement, (field,), run.interval, velocity=run.velocity)
    golden = sum(k * field**n / f for k, n, f in ((0.1238707, 1, 1), (8.5464805, 2, 2), (13.309373, 3, 6)))
    assert abs(theta.values[0] - golden) < 4 * theta.covariance[0, 0] ** 0.5
    again = match(ItoPolynomialFriction((drag, -0.01), temperature), theta, free=("friction[1]",))
    assert abs(again["friction[1]"].z_score(slope)) < 4


def test_short_times_give_the_right_mean_and_the_wrong_skewness(x64):
    """alpha_1(V) and alpha_2(V) in a Gaussian equation: kappa_1, kappa_2 to O(m/M), kappa_3 twice what it should be.

    Without statistics: polynomials through the closed forms of both moments, m/M = 0.0025.
    """
    piston = Piston(0.0025, (1.0, 4.0))
    v = np.linspace(-5, 5, 61)
    weight = np.exp(-(v**2) / 8)
    first, second = (np.polynomial.Polynomial.fit(v, np.asarray(piston.moment(k, v)), 4, w=weight).convert().coef
                     for k in (1, 2))  # fmt: skip
    naive = ItoPolynomial(first, second / 2)
    ratio = langevin_cumulant_rates(naive, basis(naive, window=(-12.0, 12.0)), 3) / piston.leading_cumulant_rates()
    np.testing.assert_allclose(ratio, [1, 1, 2], atol=0.06)
    assert abs(ratio[0] - 1) < 0.01


@pytest.mark.slow
def test_headline_fit(x64):
    """From 1.6e7 relaxation-free time units at m/M = 0.01: gamma_0, gamma_1, T within errors, gamma_1 within 5 %."""
    run = records(0.01, 16_000, 1000.0, 2.0)
    measured = displacement_cumulants(run.displacement, run.interval, velocity=run.velocity)
    for target, golden in {1: 0.062477467, 2: 16.808553, 3: 26.350762, "variance": 1.9949909}.items():
        assert abs(measured[target].z_score(golden)) < 3
    true = dict(zip(("friction[0]", "friction[1]", "temperature"), effective(0.01), strict=True))
    start = ItoPolynomialFriction((0.3, 0.0), 1.5)
    displacement_only = match(start, measured, targets=(1, 2, 3))
    for name, value in true.items():
        assert abs(displacement_only[name].z_score(value)) < 3
    assert abs(displacement_only["friction[1]"].value / true["friction[1]"] - 1) < 0.05
    both = match(start, measured)  # with the variance of V too: corrections of order m/M begin to show
    for name, value in true.items():
        assert abs(both[name].value / value - 1) < 0.05
    assert both.diagnostics["p_value"] > 1e-3
    rates = np.asarray(langevin_cumulant_rates(both.model, basis(both.model), 3))
    errors = np.sqrt(np.diag(measured.covariance))[:3]
    assert np.all(np.abs(rates - measured.values[:3]) < 3 * errors)


@pytest.mark.slow
def test_naive_short_time_fit_of_records(x64):
    """Maximum likelihood of V' given V, m/M = 0.01: the right mean and spread, a third cumulant twice too large.

    So has Stratonovich's form of the friction law, when it is given the mean, the spread and the variance of V.
    """
    run = records(0.01, 16_000, 1000.0, 2.0)
    golden = np.array([0.062477467, 16.808553, 26.350762])
    naive = fit(ItoPolynomial((0.0, -0.2, 0.0), (0.4, 0.0)), run.velocity[:3000], run.interval)
    rates = np.asarray(langevin_cumulant_rates(naive.model, basis(naive.model), 3))
    assert np.all(np.abs(rates[:2] / golden[:2] - 1) < 0.05)
    assert abs(rates[2] / golden[2] - 2) < 0.3, rates
    measured = displacement_cumulants(run.displacement, run.interval, velocity=run.velocity)
    assert (rates[2] - measured[3].value) / measured[3].error > 8
    start = StratonovichPolynomialFriction((0.24, -0.012), 2.0)
    half = match(start, measured, targets=(1, 2, "variance")).model
    assert abs(float(langevin_cumulant_rates(half, basis(half), 3)[2]) / golden[2] - 2) < 0.3
