"""Bubble and dew points, azeotropes, flashes: closed forms, identities, round trips, derivatives, bad input."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffneq.thermo.mixtures import (
    ExcessModel,
    Ideal,
    Mixture,
    azeotropes,
    bubble_pressure,
    bubble_temperature,
    dew_pressure,
    dew_temperature,
    explain,
    flash,
    mixture,
    rachford_rice,
    singular_points,
    substance,
    three_phase,
)
from diffneq.thermo.mixtures.azeotropes import azeotrope_near
from diffneq.thermo.mixtures.flash import LIQUID, VAPOUR
from diffneq.thermo.mixtures.models.nrtl import nrtl
from diffneq.thermo.mixtures.residue import residue_curves
from diffneq.thermo.mixtures.saturation import antoine
from diffneq.thermo.mixtures.virial import tsonopoulos

pytestmark = pytest.mark.usefixtures("x64")
ATMOSPHERE = 101325.0


def binary(first=0.5, count=11):
    row = np.linspace(0.0, 1.0, count) if count > 1 else np.array([first])
    return np.stack([row, 1.0 - row], axis=1)


def test_raoult():
    """Ideal liquid and vapour: P = sum x P_i at the bubble point, 1/P = sum y/P_i at the dew point, to round-off."""
    ideal = mixture(["benzene", "toluene"], "ideal")
    pure = np.exp(ideal.saturation.log(jnp.asarray(360.0)))
    x = binary()
    bubble = bubble_pressure(ideal, 360.0, x)
    assert np.asarray(bubble.P) == pytest.approx(x @ pure, rel=1e-13)
    assert np.asarray(bubble.y) == pytest.approx(x * pure / (x @ pure)[:, None], abs=1e-14)
    assert np.asarray(dew_pressure(ideal, 360.0, x).P) == pytest.approx(1.0 / (x @ (1.0 / pure)), rel=1e-12)
    assert not np.any(bubble.status)


@pytest.mark.slow
def test_dew_points_undo_bubble_points():
    """In T and in P, also at the ends of the row; every lane certified."""
    system, x = mixture(["ethanol", "water"]), binary()
    bubble = bubble_temperature(system, ATMOSPHERE, x)
    dew = dew_temperature(system, ATMOSPHERE, bubble.y)
    assert np.asarray(dew.T) == pytest.approx(np.asarray(bubble.T), abs=1e-9)
    assert np.asarray(dew.x) == pytest.approx(x, abs=1e-11)
    assert not np.any(bubble.status) and not np.any(dew.status)
    at_T = bubble_pressure(system, bubble.T, x)
    assert np.asarray(at_T.P) == pytest.approx(np.full(len(x), ATMOSPHERE), rel=1e-11)


@pytest.mark.slow
def test_virial_vapour_and_poynting():
    """Tsonopoulos against the package chemicals 1.5.2 (MIT); round trip; pure components at their vapour pressures."""
    golden = {"benzene": -859.5405367267097, "acetone": -861.4538160441167, "ethanol": -735.1092699892437,
              "methanol": -512.3594768972334, "water": -456.8895317031703}  # cm^3/mol at 373.15 K  # fmt: skip
    names = list(golden)
    B = 1e6 * np.diagonal(tsonopoulos([substance(name) for name in names]).second(jnp.asarray(373.15)))
    assert B == pytest.approx(list(golden.values()), rel=1e-3)  # dipoles to three digits
    assert B[0] == pytest.approx(golden["benzene"], rel=1e-10)  # R to ten digits
    system, x = mixture(["ethanol", "water"], vapour="virial", poynting=True), binary()
    bubble = bubble_pressure(system, 351.0, x)
    pure = np.exp(system.saturation.log(jnp.asarray(351.0)))
    assert np.asarray(bubble.P)[[0, -1]] == pytest.approx(pure[::-1], rel=1e-12)
    dew = dew_pressure(system, 351.0, bubble.y)
    assert np.asarray(dew.P) == pytest.approx(np.asarray(bubble.P), rel=1e-10)
    y = jnp.array([0.3, 0.7])
    phi = system.vapour.log_phi(351.0, 1e5, y)
    total = lambda n: jnp.sum(n) * (n / jnp.sum(n)) @ system.vapour.second(jnp.asarray(351.0)) @ (n / jnp.sum(n))
    assert np.asarray(phi) == pytest.approx(np.asarray(jax.grad(total)(y)) * 1e5 / (8.314462618 * 351.0), rel=1e-12)


@pytest.mark.slow
def test_derivatives_of_a_bubble_temperature():
    """In P, x and every parameter of the model against central differences; the Gibbs-Konovalov slope at x = y is 0."""
    system, x = mixture(["ethanol", "water"]), jnp.array([0.3, 0.7])

    def temperature(P, shift, b, alpha):
        model = nrtl(b=jnp.array([[0.0, b[0]], [b[1], 0.0]]), alpha=alpha * jnp.ones((2, 2)))
        changed = Mixture(system.names, model, system.saturation)
        return bubble_temperature(changed, P, x + shift * jnp.array([1.0, -1.0])).T

    at = (jnp.asarray(ATMOSPHERE), jnp.asarray(0.0), jnp.array([-29.0, 624.0]), jnp.asarray(0.29))
    slopes = jax.jit(jax.grad(temperature, argnums=(0, 1, 2, 3)))(*at)
    quick = jax.jit(temperature)
    steps = (10.0, 1e-5, jnp.array([1e-2, 0.0]), 1e-5)
    for k, step in enumerate(steps):
        up = [value + (step if i == k else 0.0) for i, value in enumerate(at)]
        down = [value - (step if i == k else 0.0) for i, value in enumerate(at)]
        size = float(jnp.max(jnp.asarray(step)))
        difference = float(quick(*up) - quick(*down)) / (2 * size)
        assert float(jnp.ravel(slopes[k])[0]) == pytest.approx(difference, rel=1e-6)


@pytest.mark.slow
def test_ethanol_water_azeotrope_as_a_square_system():
    """y = x to round-off; dT/dx = 0 there; its derivative in P against differences."""
    system = mixture(["ethanol", "water"])
    found = azeotropes(system, P=ATMOSPHERE)
    assert [(s.kind, s.status) for s in found] == [("minimum-boiling azeotrope", 0)]
    point = bubble_temperature(system, ATMOSPHERE, found[0].x)
    assert np.asarray(point.y) == pytest.approx(np.asarray(found[0].x), abs=1e-12)
    near = bubble_temperature(system, ATMOSPHERE, np.asarray(found[0].x) + 1e-4 * np.array([[1.0, -1.0], [-1.0, 1.0]]))
    assert abs(float(near.T[0] - near.T[1])) < 1e-8 < float(near.T[0] - point.T)
    # 78.1 degrees Celsius and 95.5 % by mass are measured (Lange's Handbook of Chemistry, 10th ed.; CRC Handbook of
    # Chemistry and Physics, 44th ed.); the model is not fitted to the azeotrope
    assert float(found[0].T) == pytest.approx(351.25, abs=0.5)
    assert float(found[0].x[0]) == pytest.approx(0.892, abs=0.03)
    composition = jax.jit(lambda P: azeotrope_near(system, P, found[0].x)[2][0])
    difference = float(composition(ATMOSPHERE + 50.0) - composition(ATMOSPHERE - 50.0)) / 100.0
    assert float(jax.grad(composition)(ATMOSPHERE)) == pytest.approx(difference, rel=1e-5)


@pytest.mark.slow
def test_singular_points_of_a_ternary_obey_topology():
    """Acetone, chloroform, methanol: 2 (N3 - S3) + N2 - S2 + N1 = 2 (M. F. Doherty, J. D. Perkins, CES 34 (1979) 1401).

    The known pattern of azeotropes: one maximum (acetone-chloroform), two minima, one ternary saddle.
    """
    system = mixture(["acetone", "chloroform", "methanol"])
    points = singular_points(system, P=ATMOSPHERE)
    count = {size: [s.role for s in points if len(s.components) == size] for size in (1, 2, 3)}
    net = {size: sum(-1 if role == "saddle" else 1 for role in roles) for size, roles in count.items()}
    nodes = sum(role != "saddle" for role in count[1])
    assert 2 * net[3] + net[2] + nodes == 2
    kinds = {s.components: s.kind for s in points if len(s.components) > 1}
    assert kinds == {
        ("acetone", "chloroform"): "maximum-boiling azeotrope", ("acetone", "methanol"): "minimum-boiling azeotrope",
        ("chloroform", "methanol"): "minimum-boiling azeotrope",
        ("acetone", "chloroform", "methanol"): "saddle azeotrope",
    }  # fmt: skip
    for s in points:
        y = bubble_temperature(system, ATMOSPHERE, s.x).y
        assert np.asarray(y) == pytest.approx(np.asarray(s.x), abs=1e-10)


@pytest.mark.slow
def test_residue_curves_climb_and_end_at_nodes():
    """T rises along every curve; with constant relative volatilities ln(x_i/x_j) is linear in ln(x_k/x_j)."""
    x, T = residue_curves(mixture(["acetone", "chloroform", "methanol"]), ATMOSPHERE, [[0.3, 0.3, 0.4]], steps=120)
    assert np.all(np.diff(np.asarray(T[0])) > -1e-9)
    assert np.asarray(jnp.sum(x, axis=-1)) == pytest.approx(np.ones(x.shape[:2]), abs=1e-12)
    # three vapour pressures with one slope in 1/T: dlnx_i/dt = 1 - K_i, and K_i/K_j are constants
    parallel = antoine([23.0, 22.5, 22.0], 4000.0, 0.0, 200.0, 600.0, decimal=False)
    ideal = Mixture(("a", "b", "c"), Ideal(3), parallel)
    x, _ = residue_curves(ideal, ATMOSPHERE, [[0.3, 0.3, 0.4]], step=0.02, steps=50)
    x, a = np.asarray(x[0]), np.exp([1.0, 0.5, 0.0])
    first, second = np.log(x[:, 0] / x[:, 2]), np.log(x[:, 1] / x[:, 2])
    wanted = (a[1] - a[2]) / (a[0] - a[2])  # both are -(a_i - a_c) times the same integral
    assert (second[-1] - second[0]) / (first[-1] - first[0]) == pytest.approx(wanted, rel=1e-8)


def test_rachford_rice():
    """The residual vanishes; two components in closed form; outside of 0..1 too; the derivative against differences."""
    rng = np.random.default_rng(0)
    z, K = rng.dirichlet(np.ones(6), 50), np.exp(rng.normal(size=(50, 6)))
    V = np.asarray(rachford_rice(z, K))
    left = np.sum(z * (K - 1) / (1 + V[:, None] * (K - 1)), axis=1)
    assert left == pytest.approx(np.zeros(50), abs=1e-11)
    assert np.any(V > 1) or np.any(V < 0)
    k1, k2, z1 = 3.0, 0.2, 0.37
    exact = -(z1 * (k1 - 1) + (1 - z1) * (k2 - 1)) / ((k1 - 1) * (k2 - 1))
    assert float(rachford_rice([z1, 1 - z1], [k1, k2])) == pytest.approx(exact, rel=1e-13)
    slope = jax.grad(lambda k: rachford_rice([z1, 1 - z1], jnp.stack([k, jnp.asarray(k2)])))(k1)
    at = lambda k: -(z1 * (k - 1) + (1 - z1) * (k2 - 1)) / ((k - 1) * (k2 - 1))
    assert float(slope) == pytest.approx((at(k1 + 1e-6) - at(k1 - 1e-6)) / 2e-6, rel=1e-8)
    assert np.isnan(float(rachford_rice([0.5, 0.5], [2.0, 3.0])))


class Counting(ExcessModel):
    """Counts how often it is traced."""

    inner: ExcessModel
    calls = 0

    def reduced(self, T, x):
        Counting.calls += 1
        return self.inner.reduced(T, x)

    @property
    def size(self):
        return self.inner.size


def test_flashes():
    """Balance, equal fugacities, Rachford and Rice's fraction, derivatives, one program, single-phase lanes."""
    plain = mixture(["ethanol", "water"])
    system = Mixture(plain.names, Counting(plain.liquid), plain.saturation)
    T = jnp.array([340.0, 355.0, 357.0, 380.0])
    z = jnp.array([0.3, 0.7])
    phases = flash(system, T, ATMOSPHERE, z)
    assert not np.any(phases.status)
    assert np.asarray(phases.number).tolist() == [1, 2, 2, 1]
    assert int(phases.kind[0, 0]) == LIQUID and int(phases.kind[3, 0]) == VAPOUR
    for lane in (1, 2):
        amount, x, kind = (np.asarray(a[lane]) for a in (phases.amount, phases.x, phases.kind))
        assert amount @ x == pytest.approx(np.asarray(z), abs=1e-12)
        liquid, gas = x[kind == LIQUID][0], x[kind == VAPOUR][0]
        K = np.exp(np.asarray(plain.log_K(T[lane], ATMOSPHERE, jnp.asarray(liquid), jnp.asarray(gas))))
        assert gas == pytest.approx(K * liquid, rel=1e-11)
        assert float(phases.vapour_fraction[lane]) == pytest.approx(float(rachford_rice(z, K)), abs=1e-10)
    traced = Counting.calls
    flash(system, T + 1.0, ATMOSPHERE, jnp.array([0.4, 0.6]))
    assert Counting.calls == traced


@pytest.mark.slow
def test_derivatives_of_a_flash():
    """The fraction of vapour in T, P, z and parameters against central differences."""
    system = mixture(["ethanol", "water"])

    def fraction(v):
        model = nrtl(b=jnp.array([[0.0, v[3]], [v[4], 0.0]]), alpha=0.2937)
        changed = Mixture(system.names, model, system.saturation)
        return flash(changed, v[0], v[1], jnp.stack([v[2], 1.0 - v[2]])).vapour_fraction

    v = jnp.array([355.0, ATMOSPHERE, 0.3, -29.0, 624.0])
    slope, quick = jax.jit(jax.grad(fraction))(v), jax.jit(fraction)
    for k, step in enumerate((1e-4, 1.0, 1e-6, 1e-3, 1e-3)):
        move = step * np.eye(5)[k]
        assert float(slope[k]) == pytest.approx(float(quick(v + move) - quick(v - move)) / (2 * step), rel=1e-6)


@pytest.mark.slow
def test_heteroazeotrope():
    """1-butanol and water: equal activities, y = K x, and the vapour between the liquids.

    Near the measured heteroazeotrope, 92.4 degrees Celsius (Lange's Handbook of Chemistry, 10th ed.; CRC Handbook of
    Chemistry and Physics, 44th ed.), to which it was not fitted.
    """
    system = mixture(["1-butanol", "water"])
    point = three_phase(system, P=ATMOSPHERE)
    assert bool(point.heteroazeotrope) and int(point.status) == 0
    assert float(point.T) == pytest.approx(92.4 + 273.15, abs=1.0)
    ends = jnp.stack([point.x, 1.0 - point.x], axis=1)
    both = bubble_temperature(system, ATMOSPHERE, ends)
    assert np.asarray(both.T) == pytest.approx(np.full(2, float(point.T)), abs=1e-8)
    assert np.asarray(both.y[:, 0]) == pytest.approx(np.full(2, float(point.y)), abs=1e-10)
    inside = bubble_temperature(system, ATMOSPHERE, [[0.2, 0.8], [0.2, 0.8]])
    assert "splits" in explain(inside.status[0])


def test_ranges_are_enforced_and_extrapolation_is_marked():
    system = mixture(["ethanol", "water"])
    with pytest.raises(ValueError, match=r"T = 700 K is outside .* of ethanol .* extrapolate=True"):
        bubble_pressure(system, 700.0, [0.5, 0.5])
    marked = bubble_pressure(system, 530.0, binary(), extrapolate=True)
    assert np.all(np.asarray(marked.status) & 4) and np.all(np.isfinite(marked.P))
    hidden = bubble_temperature(system, [ATMOSPHERE, 2e7], binary(0.5, 1))  # one lane is hidden, not the batch
    assert np.isnan(hidden.T[1]) and np.isfinite(hidden.T[0]) and int(hidden.status[1]) & 4


def test_bad_input_is_one_sentence():
    system = mixture(["ethanol", "water"])
    for call, words in (
        (lambda: bubble_pressure(system, 350.0, [0.5, 0.4]), "x sums to 0.9, not to 1"),
        (lambda: bubble_pressure(system, 350.0, [0.5, 0.2, 0.3]), "x must have 2 entries"),
        (lambda: bubble_pressure(system, 350.0, [1.5, -0.5]), "not negative"),
        (lambda: bubble_temperature(system, -1.0, [0.5, 0.5]), "P must be positive"),
        (lambda: mixture(["ethanol", "watr"]), "did you mean water"),
        (lambda: mixture(["ethanol", "ethanol"]), "different substances"),
        (lambda: mixture(["acetic acid", "water"], "UNIQUAC", "virial"), "dimerises"),
        (lambda: singular_points(system), "either the pressure P or the temperature T"),
        (lambda: three_phase(mixture(["acetone", "chloroform", "methanol"]), P=1e5), "binaries"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_x64_is_asked_for():
    with jax.enable_x64(False), pytest.raises(ValueError, match="jax_enable_x64"):
        mixture(["ethanol", "water"])
