"""Conditions beyond T, P and x: potentials beside true fractions, u-fractions, ratios, activities."""

import numpy as np
import pytest

from diffneq.thermo import calphad
from diffneq.thermo.calphad import activities

pytestmark = pytest.mark.usefixtures("x64")
R = 8.314462618

IDEAL = """\
ELEMENT A TEST 10.0 0 0 !
ELEMENT B TEST 20.0 0 0 !
ELEMENT C TEST 40.0 0 0 !
TYPE_DEFINITION % SEQ * !
PHASE TEST % 1 1.0 !
CONSTITUENT TEST :A,B,C: !
PARAMETER G(TEST,A;0) 298.15 0; 6000 N !
PARAMETER G(TEST,B;0) 298.15 0; 6000 N !
PARAMETER G(TEST,C;0) 298.15 0; 6000 N !
"""


@pytest.fixture(scope="module")
def ideal():
    import jax

    with jax.enable_x64(True):
        return calphad.build(IDEAL, ["A", "B", "C"], gas_constant=8.3145)


def test_a_mole_fraction_of_the_whole_beside_a_potential(ideal):
    """pycalphad's X(A) = 0.01, MU(C) = -1000 (oracle/pycalphad_test_numbers.csv, "inline A-B-C ideal", analytic)."""
    found = calphad.equilibrium(ideal, T=1000.0, x={"A": 0.01}, mu={"C": -1000.0})
    assert int(found.status) == 0
    np.testing.assert_allclose(found.x[0], [0.01, 0.103321, 0.886679], atol=1e-6)
    np.testing.assert_allclose(found.mu, [-38289.687511, -18873.23674, -1000.0], atol=1e-5)
    assert float(found.G) == pytest.approx(-3219.570565, abs=1e-6)


def test_fractions_beside_potentials_in_batches(ideal):
    x_C = np.linspace(0.05, 0.7, 9)
    found = calphad.equilibrium(ideal, T=1000.0, x={"A": 0.2}, mu={"C": 8314.5 * np.log(x_C)})
    np.testing.assert_allclose(found.x[:, 0], np.stack([0.2 + 0 * x_C, 0.8 - x_C, x_C], axis=1), atol=1e-11)
    w = calphad.equilibrium(ideal, T=1000.0, w={"A": 0.05}, mu={"C": 8314.5 * np.log(x_C)}).x[:, 0].values
    np.testing.assert_allclose(10 * w[:, 0] / (w @ [10.0, 20.0, 40.0]), 0.05, atol=1e-11)
    np.testing.assert_allclose(w[:, 2], x_C, atol=1e-11)
    u = calphad.equilibrium(ideal, T=1000.0, u={"A": 0.2}, mu={"C": 8314.5 * np.log(x_C)}).x[:, 0]
    np.testing.assert_allclose(u[:, 0] / (u[:, 0] + u[:, 1]), 0.2, atol=1e-12)


def test_a_fraction_that_leaves_no_room_says_so(ideal):
    found = calphad.equilibrium(ideal, T=1000.0, x={"A": [0.2, 0.4]}, mu={"C": 8314.5 * np.log(0.7)})
    assert found.status.values.tolist()[0] == 0
    assert "no mixture" in calphad.explain(int(found.status[1]))
    assert np.isnan(found.G[1])


def test_ratios_of_elements(ideal):
    both = calphad.equilibrium(ideal, T=1000.0, ratio={("A", "B"): 0.5, ("C", "B"): [0.25, 2.0]})
    np.testing.assert_allclose(both.x[:, 0], np.array([[0.5, 1, 0.25], [0.5, 1, 2]]) / [[1.75], [3.5]], atol=1e-12)
    mixed = calphad.equilibrium(ideal, T=1000.0, ratio={("A", "B"): 0.5}, w={"C": 0.3})
    x = mixed.x[0].values
    assert x[0] / x[1] == pytest.approx(0.5)
    assert 40 * x[2] / (x @ [10.0, 20.0, 40.0]) == pytest.approx(0.3)
    open_ = calphad.equilibrium(ideal, T=1000.0, ratio={("A", "B"): 0.5}, mu={"C": -1000.0})
    assert float(open_.x[0, 0] / open_.x[0, 1]) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"ratio": {("A", "B"): 0.5}}, "phase rule"),
        ({"ratio": {("A", "B"): 0.5, ("B", "A"): 2.0}}, "do not determine"),
        ({"ratio": {("A", "C"): 0.5}, "mu": {"C": -1.0}}, "without a chemical potential"),
        ({"ratio": {"AB": 0.5}, "x": {"C": 0.1}}, "two elements"),
        ({"ratio": {("A", "B"): -0.5}, "x": {"C": 0.1}}, "not negative"),
        ({"x": {"A": 0.1}, "u": {"B": 0.1}}, "only one kind"),
    ],
)
def test_conditions_without_sense(ideal, given, sentence):
    with pytest.raises(ValueError, match=sentence):
        calphad.equilibrium(ideal, T=1000.0, **given)


def test_activities_and_potentials_are_inverse(ideal):
    T = np.array([800.0, 1100.0])
    mu = activities.potential(ideal, 0.3, "C", "TEST", T)
    np.testing.assert_allclose(mu, 8.3145 * T * np.log(0.3), rtol=1e-12)
    np.testing.assert_allclose(activities.activity(ideal, mu, "C", "TEST", T), 0.3, rtol=1e-12)
    found = calphad.equilibrium(ideal, T=T, x={"A": 0.1}, mu={"C": mu})
    np.testing.assert_allclose(found.x[:, 0, 2], 0.3, atol=1e-11)
    with pytest.raises(ValueError, match="no phase"):
        activities.potential(ideal, 0.3, "C", "LIQUID", 800.0)
    with pytest.raises(ValueError, match="must be positive"):
        activities.potential(ideal, 0.0, "C", "TEST", 800.0)
