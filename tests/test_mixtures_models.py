"""Excess Gibbs energies: published activity coefficients, exact limits, identities, derivatives."""

import csv
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffneq.thermo.mixtures.data.binaries import NRTL, UNIQUAC, WILSON
from diffneq.thermo.mixtures.data.substances import SUBSTANCES, substance
from diffneq.thermo.mixtures.mixture import tabulated
from diffneq.thermo.mixtures.models.excess import GAS_CONSTANT
from diffneq.thermo.mixtures.models.ideal import Ideal
from diffneq.thermo.mixtures.models.laws import law
from diffneq.thermo.mixtures.models.nrtl import nrtl
from diffneq.thermo.mixtures.models.redlich_kister import margules, redlich_kister, regular
from diffneq.thermo.mixtures.models.uniquac import uniquac
from diffneq.thermo.mixtures.models.van_laar import scatchard_hildebrand, van_laar
from diffneq.thermo.mixtures.models.wilson import wilson
from diffneq.thermo.mixtures.properties import (
    activity_coefficients,
    excess_enthalpy,
    excess_entropy,
    excess_gibbs,
    excess_heat_capacity,
    gibbs_duhem_residual,
    log_gamma,
    mixing_gibbs,
    mixing_potentials,
    partial_excess_enthalpies,
    stability,
    thermodynamic_factor,
)

pytestmark = pytest.mark.usefixtures("x64")
R = GAS_CONSTANT
SHARED = Path(__file__).parents[2] / "shared" / "data"
CALORIE = 4.184


def models():
    """One of each kind, with temperature dependence where the kind has any."""
    names = [substance(name) for name in ("acetone", "chloroform", "methanol")]
    pairs = law(
        a=jnp.array([[900.0, 200.0], [-400.0, 50.0], [1500.0, -300.0]]),
        d=jnp.array([[1.0, 0.1], [0.5, 0.0], [2.0, 0.3]]),
    )
    triples = law(a=jnp.array([[300.0, -200.0, 500.0]]), d=jnp.array([[0.1, 0.2, 0.3]]))
    volumes, delta = jnp.array([7.4e-5, 8.1e-5, 4.1e-5]), jnp.array([19.7e3, 18.9e3, 29.6e3])
    return {
        "Redlich-Kister": redlich_kister(pairs, triples), "Scatchard-Hildebrand": scatchard_hildebrand(volumes, delta),
        **{name: tabulated(names, name) for name in ("NRTL", "Wilson", "UNIQUAC")},
    }  # fmt: skip


# The first four published by the Dortmund Data Bank (problems P05.01a, 05.09, P05.01c) and the last by a lecture, all
# as carried by the tests of CalebBell/thermo (MIT); ethanol(1)-water(2), acetone-chloroform-methanol.
def test_published_activity_coefficients():
    x = [0.252, 0.748]
    model = wilson(jnp.log(jnp.array([[1.0, 0.154], [0.888, 1.0]])))
    assert activity_coefficients(model, 300.0, x) == pytest.approx([1.8814926087178843, 1.1655774931125487], rel=1e-13)
    ternary = jnp.array([
        [1.0, 1.1229699812593, 0.73911816162836], [3.26947621620298, 1.0, 1.16749678447695],
        [0.37280197780932, 0.01917909648619, 1.0],
    ])  # fmt: skip
    wanted = [1.22339343348885, 1.10094590247015, 1.2052899281172]
    got = activity_coefficients(wilson(jnp.log(ternary)), 331.42, [0.229, 0.175, 0.596])
    assert got == pytest.approx(wanted, rel=1e-13)
    tau = jnp.array([[1.0, 1.0919744384510301], [0.37452902779205477, 1.0]])
    got = activity_coefficients(uniquac([2.1055, 0.92], [1.972, 1.4], jnp.log(tau)), 343.15, x)
    assert got == pytest.approx([2.35875137797083, 1.2442093415968987], rel=1e-13)
    tau = jnp.array([[1.0, 1.17984681869376], [0.22826016391070073, 1.0]])
    got = activity_coefficients(uniquac([2.1055, 3.1878], [1.972, 2.4], jnp.log(tau)), 260.0, [0.7566, 0.2434])
    assert got == pytest.approx([1.0826343452263132, 3.0176007269546083], rel=1e-13)
    tau = [[0.0, 2.291653777670652, 0.5166949715946564], [4.308652420938829, 0.0, 1.6753963198550983],
           [0.5527434579849811, 0.15106032392136134, 0.0]]  # fmt: skip
    alpha = [[0.0, 0.4, 0.3], [0.4, 0.0, 0.3], [0.3, 0.3, 0.0]]
    got = activity_coefficients(nrtl(jnp.array(tau), alpha=jnp.array(alpha)), 300.0, [0.1, 0.3, 0.6])
    assert got == pytest.approx([2.7175098659360413, 2.1373006474468697, 1.085133765593844], rel=1e-13)


# ChemSep's own numbers for ethanol(1)-water(2) at 343.15 K, as carried by the tests of CalebBell/thermo.
ETHANOL = (
    "5.66232 4.283 3.3749 2.75365 2.31475 1.99622 1.75984 1.58121 1.44425 1.33807 1.25512 1.19003 1.13894 1.09896 "
)
ETHANOL += "1.06796 1.0443 1.02671 1.0142 1.00598 1.00142 1"
WATER = "1 1.00705 1.02657 1.05673 1.09626 1.14429 1.20021 1.26357 1.33405 1.41139 1.49541 1.58593 1.68281 1.78591 "
WATER += "1.89509 2.0102 2.1311 2.25761 2.38956 2.52675 2.66895"


def test_chemsep_ethanol_water():
    pair = [substance("ethanol"), substance("water")]
    got = activity_coefficients(tabulated(pair, "Wilson"), 343.15, [0.252, 0.748])
    assert got == pytest.approx([1.9573311040154513, 1.1600677182620136], rel=1e-10)
    got = activity_coefficients(tabulated(pair, "NRTL"), 343.15, [0.252, 0.748])
    assert got == pytest.approx([1.9853834856640085, 1.146380779201308], rel=2e-5)  # R in cal of that source: 1.98721
    exact = nrtl(b=jnp.array([[0.0, -57.9601], [1241.7396, 0.0]]) * CALORIE / R, alpha=0.2937)
    got = activity_coefficients(exact, 343.15, [0.252, 0.748])
    assert got == pytest.approx([1.9853834856640085, 1.146380779201308], rel=1e-5)
    x = np.linspace(0.0, 1.0, 21)
    got = np.asarray(activity_coefficients(tabulated(pair, "NRTL"), 343.15, np.stack([x, 1 - x], axis=1)))
    assert got[:, 0] == pytest.approx(np.array(ETHANOL.split(), float), abs=6e-6 * 5)
    assert got[:, 1] == pytest.approx(np.array(WATER.split(), float), abs=6e-6 * 5)


def test_rows_of_the_table_of_checks():
    path = SHARED / "ge_checks.csv"
    if not path.is_file():
        pytest.skip("no shared data")
    rows = [row for row in csv.DictReader(path.open()) if row["model"] in ("Wilson-ChemSep", "NRTL-ChemSep")]
    assert len(rows) == 2
    for row in rows:
        model = tabulated([substance("ethanol"), substance("water")], row["model"].split("-")[0])
        got = activity_coefficients(model, float(row["T_K"]), [float(v) for v in row["x"].split(";")])
        assert got == pytest.approx([float(v) for v in row["gammas"].split(";")], rel=1e-8)


def test_tables_agree_with_the_shared_parameters():
    path = SHARED / "ge_parameters_chemsep.csv"
    if not path.is_file():
        pytest.skip("no shared data")
    rows = list(csv.DictReader(line for line in path.open() if not line.startswith("#")))
    for row in rows:
        first, second = row["comp1"], row["comp2"]
        forward = (first, second) in {"NRTL": NRTL, "Wilson": WILSON, "UNIQUAC": UNIQUAC}[row["model"]]
        table = {"NRTL": NRTL, "Wilson": WILSON, "UNIQUAC": UNIQUAC}[row["model"]]
        ours = table[(first, second) if forward else (second, first)]
        keys = {"NRTL": ("b12_K", "b21_K"), "Wilson": ("a12", "a21", "b12_K", "b21_K"), "UNIQUAC": ("b12_K", "b21_K")}
        theirs = [float(row[key]) for key in keys[row["model"]]]
        if not forward:  # pairs change places
            theirs = [theirs[k ^ 1] for k in range(len(theirs))]
        assert list(ours[: len(theirs)]) == pytest.approx(theirs, rel=1e-9)
        if row["model"] == "NRTL":
            assert ours[2] == float(row["alpha12"])


def test_infinite_dilution_is_exact():
    """Closed forms of ln gamma at x_1 = 0, and finite differences nowhere: the limit itself is evaluated."""
    ends = jnp.array([0.0, 1.0])
    tau12, tau21, alpha = 0.7, 1.3, 0.3
    model = nrtl(jnp.array([[0.0, tau12], [tau21, 0.0]]), alpha=alpha)
    assert np.log(activity_coefficients(model, 300.0, ends)[0]) == pytest.approx(tau21 + tau12 * np.exp(-alpha * tau12))
    model = wilson(jnp.log(jnp.array([[1.0, 0.2], [0.9, 1.0]])))
    assert np.log(activity_coefficients(model, 300.0, ends)[0]) == pytest.approx(1.0 - np.log(0.2) - 0.9, rel=1e-14)
    assert np.log(activity_coefficients(van_laar(1.1, 0.6), 300.0, ends)[0]) == pytest.approx(1.1, rel=1e-14)
    assert np.log(activity_coefficients(van_laar(1.1, 0.6), 300.0, ends[::-1])[1]) == pytest.approx(0.6, rel=1e-14)
    assert np.log(activity_coefficients(van_laar(-1.1, -0.6), 300.0, ends)[0]) == pytest.approx(-1.1, rel=1e-14)
    assert np.log(activity_coefficients(margules(0.5, 0.8), 300.0, ends)[0]) == pytest.approx(0.5, rel=1e-14)
    assert np.log(activity_coefficients(margules(0.5, 0.8), 300.0, ends[::-1])[1]) == pytest.approx(0.8, rel=1e-14)
    for model in models().values():
        gamma = activity_coefficients(model, 310.0, jnp.eye(3))
        assert np.all(np.isfinite(gamma)) and np.diagonal(gamma) == pytest.approx(np.ones(3), rel=1e-13)


def test_closed_forms_of_logarithms():
    """ln gamma of regular, Margules and van Laar mixtures, as textbooks print them."""
    x1 = np.linspace(0.0, 1.0, 11)
    x = np.stack([x1, 1 - x1], axis=1)
    got = np.log(activity_coefficients(regular(1.7 * R * 350.0), 350.0, x))
    assert got[:, 0] == pytest.approx(1.7 * (1 - x1) ** 2, abs=1e-14)
    A, B = 0.9, 1.4
    got = np.log(activity_coefficients(margules(A, B), 350.0, x))
    assert got[:, 0] == pytest.approx((1 - x1) ** 2 * (A + 2 * (B - A) * x1), abs=1e-14)
    got = np.log(activity_coefficients(van_laar(A, B), 350.0, x))
    assert got[:, 1] == pytest.approx(B * (A * x1 / (A * x1 + B * (1 - x1))) ** 2, abs=1e-14)
    assert np.all(np.asarray(activity_coefficients(Ideal(), 300.0, x)) == 1.0)


def test_muggianu_is_symmetric_in_the_order_of_components():
    """A ternary with the same parameters in another order of components has the same energy."""
    L = {(0, 1): (900.0, 200.0), (0, 2): (-400.0, 50.0), (1, 2): (1500.0, -300.0)}
    first = redlich_kister([L[0, 1], L[0, 2], L[1, 2]], [[300.0, -200.0, 500.0]])
    turned = lambda i, j: L[i, j] if (i, j) in L else (L[j, i][0], -L[j, i][1])  # odd orders change sign
    order = (2, 0, 1)
    pairs = [turned(order[i], order[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    second = redlich_kister(pairs, [[500.0, 300.0, -200.0]])
    x = np.random.default_rng(0).dirichlet(np.ones(3), 20)
    wanted = np.asarray(excess_gibbs(first, 400.0, x))
    assert np.asarray(excess_gibbs(second, 400.0, x[:, order])) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("name", ["Redlich-Kister", "Scatchard-Hildebrand", "NRTL", "Wilson", "UNIQUAC"])
def test_gibbs_duhem_and_summation_to_round_off(name):
    model = models()[name]
    x = np.concatenate([np.random.default_rng(1).dirichlet(np.ones(3), 40), np.eye(3), [[0.5, 0.5, 0.0]]])
    assert np.abs(gibbs_duhem_residual(model, 320.0, x)).max() < 2e-14
    gamma = np.asarray(activity_coefficients(model, 320.0, x))
    energy = np.asarray(excess_gibbs(model, 320.0, x))
    assert R * 320.0 * np.sum(x * np.log(gamma), axis=1) == pytest.approx(energy, abs=1e-9)
    partial = np.asarray(partial_excess_enthalpies(model, 320.0, x))
    assert np.sum(x * partial, axis=1) == pytest.approx(np.asarray(excess_enthalpy(model, 320.0, x)), abs=1e-9)


@pytest.mark.parametrize("name", ["Redlich-Kister", "Scatchard-Hildebrand", "NRTL", "Wilson", "UNIQUAC"])
def test_derivatives_in_temperature(name):
    """h = g + T s exactly; s and c_P against central differences of g and h."""
    model, x, T, step = models()[name], jnp.array([0.2, 0.5, 0.3]), 320.0, 0.02
    g, h, s = (f(model, T, x) for f in (excess_gibbs, excess_enthalpy, excess_entropy))
    assert float(h) == pytest.approx(float(g + T * s), abs=1e-9)
    at = jnp.array([T - step, T + step])
    low, high = excess_gibbs(model, at, x[None])
    assert float(s) == pytest.approx(float(low - high) / (2 * step), rel=2e-6, abs=1e-7)
    low, high = excess_enthalpy(model, at, x[None])
    capacity = float(excess_heat_capacity(model, T, x))
    assert capacity == pytest.approx(float(high - low) / (2 * step), rel=1e-5, abs=1e-6)


def test_thermodynamic_factor_and_stability():
    """Gamma against differences of ln a; its determinant and the stability vanish together."""
    model, x = models()["NRTL"], np.array([0.3, 0.25, 0.45])
    factor = np.asarray(thermodynamic_factor(model, 320.0, x))
    step = 1e-6
    for j in range(2):
        move = step * (np.eye(3)[j] - np.eye(3)[2])
        change = np.log(activity_coefficients(model, 320.0, np.stack([x + move, x - move])))
        slope = (change[0] - change[1])[:2] / (2 * step)
        assert factor[:, j] == pytest.approx(np.eye(2)[:, j] + x[:2] * slope, rel=1e-7)
    binary = regular(2.5 * R * 300.0)
    spinodal = 0.27639320225002106  # (1 - sqrt(1 - 2/2.5))/2
    for value in (0.1, spinodal, 0.5):
        at = jnp.array([value, 1 - value])
        wanted = 1 - 2 * 2.5 * value * (1 - value)
        assert float(stability(binary, 300.0, at)) == pytest.approx(wanted, abs=1e-12)
        assert float(thermodynamic_factor(binary, 300.0, at)[0, 0]) == pytest.approx(wanted, abs=1e-12)


def test_mixing_quantities_at_the_corners():
    model = models()["UNIQUAC"]
    assert np.asarray(mixing_gibbs(model, 300.0, jnp.eye(3))) == pytest.approx(np.zeros(3), abs=1e-9)
    x = jnp.array([0.2, 0.3, 0.5])
    total = float(jnp.dot(x, mixing_potentials(model, 300.0, x)))
    assert total == pytest.approx(float(mixing_gibbs(model, 300.0, x)), rel=1e-12)


def test_gradients_in_every_parameter():
    """d(ln gamma_1)/d(parameters) of all models against central differences, all leaves at once along one direction."""
    x = jnp.array([0.2, 0.5, 0.3])
    for name, model in models().items():
        leaves, tree = jax.tree.flatten(model)
        rng = np.random.default_rng(3)
        turn = [jnp.asarray(rng.normal(size=leaf.shape)) * (jnp.abs(leaf) + 1e-3) * 1e-2 for leaf in leaves]
        moved = lambda s: jax.tree.unflatten(tree, [a + s * b for a, b in zip(leaves, turn, strict=True)])  # noqa: B023
        along = jax.jit(lambda s: log_gamma(moved(s), jnp.asarray(320.0), x)[0])  # noqa: B023
        step = 1e-4
        difference = (along(step) - along(-step)) / (2 * step)
        assert float(jax.jit(jax.grad(along))(0.0)) == pytest.approx(float(difference), rel=1e-6), name


def test_bad_parameters_are_refused():
    for call, word in (
        (lambda: nrtl(jnp.zeros((2, 3))), "shape"), (lambda: van_laar(1.0, -0.5), "one sign"),
        (lambda: wilson(jnp.array([[0.0, jnp.nan], [0.0, 0.0]])), "finite"),
        (lambda: uniquac([1.0, -1.0], [1.0, 1.0], jnp.zeros((2, 2))), "positive"),
        (lambda: redlich_kister([[1.0], [2.0]]), "pairs"), (lambda: substance("etanol"), "did you mean ethanol"),
        (lambda: tabulated([substance("2-propanol"), substance("water")], "NRTL"), "choose model='Wilson'"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=word):
            call()


def test_every_substance_boils_at_its_boiling_point():
    """Vapour pressures at the normal boiling points of the same source, within 1 %."""
    from diffneq.thermo.mixtures.saturation import dippr101

    boiling = {"acetone": 329.22, "benzene": 353.24, "ethanol": 351.8, "water": 373.15, "methanol": 337.69,
               "chloroform": 334.33, "n-hexane": 341.88, "toluene": 383.79, "ethyl acetate": 350.21}  # fmt: skip
    for name, T in boiling.items():
        pressure = jnp.exp(dippr101([SUBSTANCES[name]]).log(jnp.asarray(T))[0])
        assert float(pressure) == pytest.approx(101325.0, rel=0.02), name
