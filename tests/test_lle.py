"""Two liquids: binodals and spinodals in closed form, certified minima against hulls, critical points, lever rule."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffneq.thermo.mixtures import (
    binodal,
    critical_points,
    gaps,
    law,
    lever_rule,
    liquid_phases,
    mixing_gibbs,
    mixture,
    nrtl,
    redlich_kister,
    regular,
    spinodal,
    wilson,
)
from diffneq.thermo.mixtures.miscibility import critical_near
from diffneq.thermo.mixtures.models.excess import GAS_CONSTANT
from diffneq.thermo.mixtures.properties import log_gamma

pytestmark = pytest.mark.usefixtures("x64")
R, T = GAS_CONSTANT, 300.0

# omega/RT: (binodal, spinodal); the binodal solves ln(x/(1-x)) = omega/RT (2x - 1), the spinodal is (1 - sqrt(1 -
# 2RT/omega))/2; printed to all digits by an independent bisection
REGULAR = {2.2: (0.24852971252768474, 0.34924432771111813), 2.5: (0.1447941082560647, 0.27639320225002106),
           3.0: (0.07072018167994483, 0.21132486540518708)}  # fmt: skip


@pytest.mark.parametrize("omega", REGULAR)
def test_regular_solution(omega):
    wanted, unstable = REGULAR[omega]
    model = regular(omega * R * T)
    found = binodal(model, T)
    assert np.asarray(found.x) == pytest.approx([wanted, 1 - wanted], abs=1e-13)
    assert int(found.status) == 0 and abs(float(found.certificate)) < 1e-12
    assert [float(x) for x in spinodal(model, T)] == pytest.approx([unstable, 1 - unstable], abs=1e-12)
    # the common tangent touches both ends: mu_i = g + (1 - x_i) dg/dx
    ends = np.asarray(found.x)
    g = np.asarray(mixing_gibbs(model, T, np.stack([ends, 1 - ends], axis=1)))
    assert g == pytest.approx(ends * float(found.mu[0]) + (1 - ends) * float(found.mu[1]), abs=1e-9)


def test_a_miscible_mixture_is_one_certified_phase():
    """Below the critical parameter, at it, and for a model that cannot demix (Wilson)."""
    for model in (regular(1.9 * R * T), regular(2.0 * R * T), wilson(jnp.log(jnp.array([[1.0, 0.05], [0.08, 1.0]])))):
        phases = liquid_phases(model, T, [[0.5, 0.5], [0.01, 0.99], [0.3, 0.7]])
        assert np.asarray(phases.number).tolist() == [1, 1, 1]
        assert not np.any(phases.status) and np.all(np.asarray(phases.certificate) > -1e-9)
        assert np.asarray(phases.x[:, 0, 0]) == pytest.approx([0.5, 0.01, 0.3], abs=1e-12)
    assert gaps(regular(1.9 * R * T), T) == [] and spinodal(regular(1.9 * R * T), T) == []
    assert np.all(np.isnan(binodal(regular(1.9 * R * T), T).x))


def test_derivative_of_a_binodal_in_closed_form():
    """ln(x/(1-x)) + w (1 - 2x) = 0 gives dx/dw = (2x - 1)/(1/(x(1-x)) - 2w)."""
    x, w = REGULAR[2.5][0], 2.5
    slope = jax.jit(jax.grad(lambda w: binodal(regular(w * R * T), T).x[0]))(w)
    assert float(slope) == pytest.approx((2 * x - 1) / (1 / (x * (1 - x)) - 2 * w), rel=1e-10)


def test_random_mixtures_against_hulls():
    """200 random four-term Redlich-Kister mixtures and feeds: no energy above the lower hull of 20,000 points.

    By the hull's own resolution the equilibrium may lie below it, never above; both agree to its second order.
    """
    rng = np.random.default_rng(4)
    row = np.linspace(0.0, 1.0, 20_001)[1:-1]
    lanes = 200
    coefficients = R * T * rng.normal(size=(lanes, 1, 4)) * np.array([2.2, 1.5, 1.5, 1.5])
    feeds = rng.uniform(0.02, 0.98, lanes)
    one = lambda c, z: liquid_phases(redlich_kister(c), T, jnp.stack([z, 1.0 - z]))
    phases = jax.jit(jax.vmap(one))(jnp.asarray(coefficients), jnp.asarray(feeds))
    assert not np.any(phases.status)
    ideal = row * np.log(row) + (1 - row) * np.log(1 - row)
    split = 0
    for lane in range(lanes):
        series = np.polynomial.polynomial.polyval(2 * row - 1, coefficients[lane, 0] / (R * T))
        g, z = ideal + row * (1 - row) * series, feeds[lane]
        reached = float(jnp.dot(phases.potential[lane], jnp.array([z, 1 - z])))
        below = g - (row * float(phases.potential[lane, 0]) + (1 - row) * float(phases.potential[lane, 1]))
        assert below.min() > -1e-9  # no point of the fine row lies below the tangent
        amount, at = np.asarray(phases.amount[lane]), np.asarray(phases.x[lane, :, 0])
        used = np.asarray(phases.kind[lane]) > 0
        assert amount[used] @ at[used] == pytest.approx(z, abs=1e-12)
        value = np.polynomial.polynomial.polyval(2 * at[used] - 1, coefficients[lane, 0] / (R * T))
        energy = at[used] * np.log(at[used]) + (1 - at[used]) * np.log(1 - at[used]) + at[used] * (1 - at[used]) * value
        assert amount[used] @ energy == pytest.approx(reached, abs=1e-10)
        split += used.sum() == 2
    assert 20 < split < 180  # both kinds are there


@pytest.mark.slow
def test_two_gaps_in_one_binary():
    """A mixture with two unstable stretches has two common tangents, each with its own chemical potentials."""
    model = redlich_kister(law(a=jnp.array([[0.0, 0.0, 12.0 * R * T, 0.0]])))
    assert len(spinodal(model, T)) == 4
    found = gaps(model, T)
    assert len(found) == 2 and all(int(gap.status) == 0 for gap in found)
    first, second = (np.asarray(gap.x) for gap in found)
    assert first == pytest.approx(1 - second[::-1], abs=1e-10)


@pytest.mark.slow
def test_critical_point():
    """omega = a + b/T..: T_c = omega/2R and x_c = 1/2 of a regular solution, dT_c/d omega = 1/2R; an asymmetric one."""
    point = critical_points(regular(2.0 * R * 350.0), 250.0, 500.0)
    assert len(point) == 1 and point[0].upper
    assert float(point[0].T) == pytest.approx(350.0, rel=1e-12) and float(point[0].x) == pytest.approx(0.5, abs=1e-9)
    slope = jax.grad(lambda omega: critical_near(regular(omega), 349.0, 0.51)[0])(2.0 * R * 350.0)
    assert float(slope) == pytest.approx(1.0 / (2 * R), rel=1e-9)
    # Margules with A_12 = 600 K/T and A_21 = 1000 K/T
    model = redlich_kister(law(a=jnp.array([[R * 800.0, R * 200.0, 0.0, 0.0]])))
    (found,) = critical_points(model, 200.0, 700.0)
    near = binodal(model, float(found.T) * (1 - 1e-4), float(found.x))
    assert float(near.x[0]) < float(found.x) < float(near.x[1]) and float(near.x[1] - near.x[0]) < 0.05
    assert np.all(np.isnan(binodal(model, float(found.T) * 1.0001, float(found.x)).x))


@pytest.mark.slow
def test_a_ternary_gap():
    """Water, methanol, 1-butanol: equal activities, balance, certificates; methanol closes the gap."""
    model = mixture(["water", "methanol", "1-butanol"]).liquid
    methanol = np.linspace(0.0, 0.25, 11)
    z = np.stack([0.8 * (1 - methanol), methanol, 0.2 * (1 - methanol)], axis=1)
    phases = liquid_phases(model, 298.15, z)
    assert not np.any(phases.status)
    number = np.asarray(phases.number)
    assert number[0] == 2 and number[-1] == 1 and np.all(np.diff(number) <= 0)
    for lane in np.flatnonzero(number == 2)[1:]:
        x = np.asarray(phases.x[lane])[np.asarray(phases.kind[lane]) > 0]
        activity = [np.log(one) + np.asarray(log_gamma(model, 298.15, jnp.asarray(one))) for one in x]
        assert activity[0] == pytest.approx(activity[1], abs=1e-10)
        amounts = np.asarray(lever_rule(z[lane], list(x)))
        assert amounts == pytest.approx(np.asarray(phases.amount[lane])[:2], abs=1e-10)


@pytest.mark.slow
def test_three_liquids():
    """Three regular pairs that all repel strongly: three liquids, symmetric by construction."""
    model = regular(3.5 * R * T * np.ones(3))
    phases = liquid_phases(model, T, [1 / 3, 1 / 3, 1 / 3])
    assert int(phases.number) == 3 and int(phases.status) == 0
    x = np.asarray(phases.x)
    assert np.sort(x, axis=1) == pytest.approx(np.tile(np.sort(x[0]), (3, 1)), abs=1e-10)
    assert np.asarray(phases.amount) == pytest.approx(np.full(3, 1 / 3), abs=1e-10)
    assert x[0].max() > 0.8


def test_lever_rule_and_its_refusals():
    assert np.asarray(lever_rule(0.4, [0.1, 0.7])) == pytest.approx([0.5, 0.5], abs=1e-14)
    corners = [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]]
    amounts = np.array([0.2, 0.3, 0.5])
    assert np.asarray(lever_rule(amounts @ np.array(corners), corners)) == pytest.approx(amounts, abs=1e-13)
    with pytest.raises(ValueError, match=r"phase 2 would be negative .* outside the tie line"):
        lever_rule(0.05, [0.1, 0.7])
    with pytest.raises(ValueError, match="off the tie line"):
        lever_rule([0.2, 0.4, 0.4], corners[:2])


def test_a_ternary_is_refused_by_what_is_for_binaries():
    model = nrtl(jnp.zeros((3, 3)))
    for call in (lambda: spinodal(model, T), lambda: binodal(model, T), lambda: critical_points(model, 200.0, 300.0)):
        with pytest.raises(ValueError, match="for binaries; this model has 3 components"):
            call()
