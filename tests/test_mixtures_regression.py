"""Fits and consistency tests: exact linear cases, recovery with honest errors, inconsistent data found out."""

import jax.numpy as jnp
import numpy as np
import pytest

from diffneq.statistics import fit_columns
from diffneq.thermo.mixtures import (
    Ideal,
    activity_coefficients,
    binodal,
    bubble_pressure,
    excess_enthalpy,
    margules,
    mixture,
)
from diffneq.thermo.mixtures.regression import (
    Activities,
    Enthalpies,
    TieLines,
    area_test,
    candidate,
    compare,
    fit,
    point_test,
)
from diffneq.thermo.mixtures.regression.measurements import vapour_liquid

pytestmark = pytest.mark.usefixtures("x64")
SEED = 11


def rows(count=12):
    x = np.linspace(0.04, 0.96, count)
    return np.stack([x, 1 - x], axis=1)


def test_a_linear_fit_is_the_linear_fit():
    """ln gamma of Margules mixtures is linear in A: the fit equals linear least squares, errors too."""
    x, rng, error = rows(), np.random.default_rng(SEED), 0.02
    truth = margules(0.8, 1.3)
    gamma = np.asarray(activity_coefficients(truth, 330.0, x)) * np.exp(error * rng.normal(size=x.shape))
    data = Activities(jnp.full(len(x), 330.0), jnp.asarray(x), jnp.asarray(gamma), jnp.asarray(error))
    found = fit(candidate("Margules", orders=2), data)
    first, second = x.T
    # g^E/RT = x1 x2 (A0 + A1 (x1 - x2)): ln gamma_1 = x2^2 (A0 + A1 (4 x1 - 1)), ln gamma_2 = x1^2 (A0 + A1 (1 - 4 x2))
    columns = np.stack([np.stack([second**2, second**2 * (4 * first - 1)], 1),
                        np.stack([first**2, first**2 * (1 - 4 * second)], 1)], axis=1).reshape(-1, 2)  # fmt: skip
    linear = fit_columns(columns, np.log(gamma).ravel(), np.full(2 * len(x), error))
    assert [p.value for p in found.parameters] == pytest.approx(list(linear.coefficients), abs=1e-8)
    assert [p.error for p in found.parameters] == pytest.approx(list(np.sqrt(np.diag(linear.covariance))), rel=1e-8)
    assert found.chi2 == pytest.approx(linear.chi2, rel=1e-8) and found.dof == linear.dof and found.converged
    assert all(abs(p.z_score(value)) < 4 for p, value in zip(found.parameters, (1.05, 0.25), strict=True))


def test_enthalpies_and_activities_together():
    """Two kinds of measurements determine a + b/T of NRTL with fitted alpha, which neither would alone."""
    x, rng = rows(15), np.random.default_rng(SEED)
    family = candidate("NRTL-alpha")
    truth = family.build(jnp.array([150.0, 350.0, 0.35]))
    gamma = np.asarray(activity_coefficients(truth, 320.0, x)) * np.exp(0.005 * rng.normal(size=x.shape))
    h = np.asarray(excess_enthalpy(truth, 298.15, x)) + 5.0 * rng.normal(size=len(x))
    at = lambda T: jnp.full(len(x), T)
    data = (
        Activities(at(320.0), jnp.asarray(x), jnp.asarray(gamma), jnp.asarray(0.005)),
        Enthalpies(at(298.15), jnp.asarray(x), jnp.asarray(h), jnp.asarray(5.0)),
    )
    found = fit(family, data)
    assert found.converged and found.p_value > 1e-3
    assert all(abs(p.z_score(v)) < 4 for p, v in zip(found.parameters, (150.0, 350.0, 0.35), strict=True))
    assert np.diag(found.correlation) == pytest.approx(np.ones(3))


@pytest.mark.slow
def test_tie_lines_determine_two_parameters():
    """Exact tie lines of van Laar's equation give its parameters back."""
    family = candidate("van Laar")
    model = family.build(jnp.array([2.4, 3.1]))
    ends = np.asarray(binodal(model, 300.0).x)
    pair = np.stack([ends, 1 - ends], axis=1)
    data = TieLines(jnp.array([300.0]), jnp.asarray(pair[:1]), jnp.asarray(pair[1:]), jnp.asarray(0.01))
    found = fit(family, data)
    assert [p.value for p in found.parameters] == pytest.approx([2.4, 3.1], rel=1e-6)


@pytest.fixture(scope="module")
def pressures():
    """P-x-y data of a Margules mixture of methanol and acetone with errors of 0.3 % in P and 0.003 in y."""
    import jax

    with jax.enable_x64(True):
        x, rng = rows(), np.random.default_rng(SEED)
        ideal = mixture(["acetone", "methanol"], Ideal(2))
        truth = mixture(["acetone", "methanol"], margules(0.6, 0.75))
        points = bubble_pressure(truth, 330.0, x)
        P = np.asarray(points.P) * np.exp(0.003 * rng.normal(size=len(x)))
        y = np.asarray(points.y[:, 0]) + 0.003 * rng.normal(size=len(x))
        yield vapour_liquid(ideal, 330.0, P, x, y, error=0.003, error_y=0.003), points


def test_boiling_pressures(pressures):
    """Barker's method with y: the truth within four errors; a model that is too rich costs AIC."""
    data, _ = pressures
    found = fit(candidate("Margules", orders=2), data)
    assert found.converged and found.p_value > 1e-3 and found.dof == 22
    assert all(abs(p.z_score(v)) < 4 for p, v in zip(found.parameters, (0.675, 0.075), strict=True))


def test_consistency_tests_accept_and_refuse(pressures):
    """Consistent data pass; y shifted by 0.03 (a systematic error) fail both tests by many standard errors."""
    data, _ = pressures
    area, point = area_test(data), point_test(data, orders=2)
    assert area.consistent and abs(area.z) < 4 and area.J == 0.0
    assert point.consistent and abs(point.bias.value / point.bias.error) < 4 and point.p_value > 1e-3
    shifted = np.asarray(data.y[:, 0]) + 0.03
    wrong = vapour_liquid(data.mixture, data.T, data.P, data.x, shifted, error=0.003, error_y=0.003)
    area, point = area_test(wrong), point_test(wrong, orders=2)
    assert not area.consistent and abs(area.z) > 10
    assert not point.consistent and point.bias.value == pytest.approx(0.03, abs=0.004) and point.p_value < 1e-6


@pytest.mark.slow
def test_comparison_prefers_the_family_of_the_truth(pressures):
    """AIC and held-out data: a one-parameter family is worse, and the table lists the best first."""
    data, _ = pressures
    families = [candidate("Margules", orders=1), candidate("Margules", orders=2)]
    comparison = compare(families, data)
    assert len(comparison.fits[0].parameters) == 2 and comparison.fits[0].aic < comparison.fits[1].aic
    assert comparison.held_out[0] < comparison.held_out[1]
    assert comparison.table().splitlines()[1].startswith("Margules")


def test_bad_data_are_refused(pressures):
    data, _ = pressures
    few = Activities(jnp.array([300.0]), jnp.array([[0.5, 0.5]]), jnp.array([[1.1, jnp.nan]]), jnp.asarray(0.01))
    with pytest.raises(ValueError, match="2 parameters, but there are 1 data"):
        fit(candidate("NRTL"), few)
    with pytest.raises(ValueError, match="x sums to"):
        vapour_liquid(data.mixture, 330.0, 1e5, [[0.5, 0.4]])
    with pytest.raises(ValueError, match="predict must be"):
        vapour_liquid(data.mixture, 330.0, 1e5, [[0.5, 0.5]], predict="x")
    with pytest.raises(ValueError, match="names of both components"):
        candidate("UNIQUAC")
    with pytest.raises(ValueError, match="there are Margules"):
        candidate("SAFT")
    with pytest.raises(ValueError, match="five compositions"):
        area_test(vapour_liquid(data.mixture, 330.0, 1e5, [[0.5, 0.5]] * 3))
