"""Conditions beyond T, P and x: potentials beside fractions, ratios, activities, amounts of phases, H and S."""

import numpy as np
import pytest

from diffneq.thermo import calphad
from diffneq.thermo.calphad import activities, targets

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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.fixture(scope="module")
def al_zn():
    import jax

    with jax.enable_x64(True):
        return calphad.build("Al-Zn", ["AL", "ZN"])


@pytest.mark.slow
def test_liquidus_and_solidus_in_a_batch(al_zn):
    """Global equilibria a hair above and below have one and two phases; the first solid is that of the tie-line."""
    x = np.array([0.1, 0.3, 0.95])
    upper, lower = targets.liquidus(al_zn, {"ZN": x}), targets.solidus(al_zn, {"ZN": x[:2]})
    for T, found, phases in ((upper["T"], upper, 1), (lower["T"], lower, 2)):
        above = calphad.equilibrium(al_zn, T=T.values + 1e-3, x={"ZN": x[: len(T)]})
        below = calphad.equilibrium(al_zn, T=T.values - 1e-3, x={"ZN": x[: len(T)]})
        assert ((above.phase != "").sum("vertex") == phases).all()
        assert ((below.phase != "").sum("vertex") == 3 - phases).all()
        assert (found.status == 0).all()
    assert upper.phase.values[:, 1].tolist() == ["FCC_A1", "FCC_A1", "HCP_A3"]
    np.testing.assert_allclose(upper.amount[:, 1], 0.0, atol=1e-9)


@pytest.mark.slow
def test_jumps_of_an_element_and_a_eutectic(al_zn):
    """At the eutectic composition and for an element liquid comes and goes at one temperature."""
    found = targets.liquidus(al_zn, {"ZN": [0.0, 1.0]})
    np.testing.assert_allclose(found["T"], [933.473, 692.677], atol=1e-3)
    assert (found.status == 1).all()


def test_amounts_in_between_and_where_there_is_none(al_zn):
    half = targets.temperature_with(al_zn, "LIQUID", 0.5, {"ZN": 0.3})
    state = calphad.equilibrium(al_zn, T=float(half["T"]), x={"ZN": 0.3})
    assert float(state.amount[state.phase == "LIQUID"][0]) == pytest.approx(0.5, abs=1e-9)
    none = targets.temperature_with(al_zn, "HCP_A3", 0.5, {"ZN": 0.01})
    assert int(none.status) == 2
    assert np.isnan(none["T"])


def test_solubility_at_a_temperature(al_zn):
    """The fcc side of fcc + liquid, by composition, and back by temperature."""
    found = targets.composition_with(al_zn, "LIQUID", 0.0, {"ZN": 0.0}, {"ZN": 0.6}, T=[750.0, 800.0])
    x = found.x_alloy.sel(element="ZN").values
    back = targets.solidus(al_zn, {"ZN": x})
    np.testing.assert_allclose(back["T"], [750.0, 800.0], atol=1e-6)


@pytest.mark.slow
def test_enthalpy_and_entropy_as_conditions(al_zn):
    for name in ("H", "S"):
        one = calphad.equilibrium(al_zn, T=710.0, x={"ZN": 0.8})
        found = targets.temperature_at(al_zn, {"ZN": 0.8}, **{name: float(one[name])})
        assert float(found["T"]) == pytest.approx(710.0, abs=1e-7)
    sides = calphad.equilibrium(al_zn, T=[653.9, 654.1], x={"ZN": 0.8}).H.values
    middle = targets.temperature_at(al_zn, {"ZN": 0.8}, H=float(sides.mean()))
    assert int(middle.status) == 1
    assert float(middle["T"]) == pytest.approx(653.994, abs=1e-3)
    assert float(middle.H) == pytest.approx(sides.mean(), abs=1e-6)
    np.testing.assert_allclose(middle.x_alloy, [0.2, 0.8], atol=1e-9)
    assert set(middle.phase.values) == {"LIQUID", "FCC_A1", "HCP_A3"}


@pytest.mark.slow
def test_derivatives_of_a_boundary(al_zn):
    """Implicit derivatives against central differences, forward and backward, also in the database."""
    import jax
    import jax.numpy as jnp

    T = lambda x: targets.boundary_temperature(al_zn, jnp.array([1.0 - x, x]))
    central = (T(0.3 + 1e-4) - T(0.3 - 1e-4)) / 2e-4
    forward = jax.jvp(T, (0.3,), (1.0,))[1]
    assert float(forward) == pytest.approx(float(central), rel=1e-6)
    assert float(jax.grad(T)(0.3)) == pytest.approx(float(forward), rel=1e-12)
    c = al_zn.tables.coefficients
    T = lambda c: targets.boundary_temperature(al_zn, jnp.array([0.7, 0.3]), coefficients=c)
    slope = jax.grad(T)(c)
    place = int(np.argmax(np.abs(slope[:, 0])))
    central = (T(c.at[place, 0].add(1.0)) - T(c.at[place, 0].add(-1.0))) / 2.0
    assert float(slope[place, 0]) == pytest.approx(float(central), rel=1e-5)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda s: targets.temperature_with(s, "BETA", 0.5, {"ZN": 0.1}), "no phase BETA"),
        (lambda s: targets.temperature_with(s, "LIQUID", 1.5, {"ZN": 0.1}), "between 0 and 1"),
        (lambda s: targets.temperature_at(s, {"ZN": 0.1}), "one of them"),
        (lambda s: targets.liquidus(s, {"ZN": 1.1}), "between 0 and 1"),
    ],
)
def test_targets_without_sense(al_zn, call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(al_zn)
