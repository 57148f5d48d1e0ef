"""Equilibrium constants, extents, the command."""

import csv
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffneq import cli
from diffneq.thermo.reactions import reaction
from diffneq.thermo.reactions.extents import extents
from diffneq.thermo.species import library
from diffneq.thermo.species.species import GAS_CONSTANT

DATA = Path(__file__).parents[1].parent / "shared" / "data"
pytestmark = pytest.mark.usefixtures("x64")

# log10 K at 1 bar from the same published polynomials by an independent script: Shomate, NASA-7 (TM-4513), GRI-Mech 3.0
CONSTANTS = {
    "CO + H2O = CO2 + H2": {500: (2.13898, 2.13707, 2.13707), 1000: (0.15790, 0.15696, 0.15696),
                            1500: (-0.41191, -0.41291, -0.41270)},
    "0.5 N2 + 1.5 H2 = NH3": {500: (-0.50150, -0.49843, -0.49981), 700: (-2.02891, -2.02831, -2.02818),
                              1000: (-3.23379, -3.23496, -3.23309)},
    "CO + 0.5 O2 = CO2": {500: (25.02261, 25.01983, 25.01983), 2000: (2.88063, 2.87863, 2.87909)},
    "CH4 + H2O = CO + 3 H2": {500: (-10.06835, -10.04419, -10.04419), 1000: (1.41950, 1.42322, 1.42322)},
    "N2 + O2 = 2 NO": {1000: (-8.12499, -8.22816, -8.22320), 2000: (-3.39818, -3.45038, -3.44695)},
    "H2 + 0.5 O2 = H2O": {600: (18.63063, 18.62954, 18.62954), 1500: (5.72397, 5.72314, 5.72311)},
    "2 NO2 = 2 NO + O2": {500: (-4.22312, -4.21601, -4.21538), 1200: (2.89674, 2.86358, 2.86369)},
}  # fmt: skip


@pytest.mark.parametrize("equation", CONSTANTS)
def test_equilibrium_constants(equation):
    for T, published in CONSTANTS[equation].items():
        for source, value in zip(("shomate", "nasa", "gri30"), published, strict=True):
            assert float(reaction(equation, source).log10_K(float(T))) == pytest.approx(value, abs=1.1e-5)


def test_the_whole_sheet_of_constants():
    path = DATA / "reaction_equilibrium_checks.csv"
    if not path.exists():
        pytest.skip("the shared sheet is not here")
    count = 0
    for row in csv.DictReader(path.read_text().splitlines()):
        text = row["reaction"].rsplit(" ", 1)[-1]
        equation = " ".join(text.replace("+", " + ").replace("=", " = ").split())
        equation = equation.replace("0.5", "0.5 ").replace("1.5", "1.5 ").replace("3H2", "3 H2")
        equation = equation.replace("2NO2", "2 NO2").replace("2NO", "2 NO")
        for source, column in (("shomate", "shomate"), ("nasa", "nasagas"), ("gri30", "gri30")):
            if not row[f"log10K_{column}"]:
                continue
            made, T = reaction(equation, source), float(row["T_K"])
            count += 1
            assert float(made.log10_K(T)) == pytest.approx(float(row[f"log10K_{column}"]), abs=1.1e-5)
            assert float(made.gibbs(T)) / 1e3 == pytest.approx(float(row[f"dG_{column}_kJ"]), abs=1.1e-4)
            assert float(made.enthalpy(T)) / 1e3 == pytest.approx(float(row[f"dH_{column}_kJ"]), abs=1.1e-4)
    assert count > 200


def test_van_t_hoff():
    """d ln K/dT = Delta H/(R T^2), by autodiff and by central differences; d Delta G/dT = -Delta S."""
    made = reaction("CH4 + H2O = CO + 3 H2")
    for T in (400.0, 950.0, 1700.0):
        slope = float(made.ln_K_slope(T))
        assert slope == pytest.approx(float(made.enthalpy(T)) / (GAS_CONSTANT * T**2), rel=1e-12)
        h = 0.01
        assert slope == pytest.approx(float(made.ln_K(T + h) - made.ln_K(T - h)) / (2 * h), rel=1e-7)
        assert float(jax.grad(made.gibbs)(T)) == pytest.approx(-float(made.entropy(T)), rel=1e-12)


@pytest.mark.parametrize("equation, sentence", [
    ("N2 + 3 H2 = NH3", "does not balance: the right side exceeds the left in N by -1, H by -3"),
    ("N2 + 3 H2 = 2 NH4", "NH4 is not in the collection 'nasa'; did you mean .*NH3"),
    ("N2 + 3 H2", "is not a reaction"),
    ("CO + O2", "is not a reaction"),
])  # fmt: skip
def test_what_is_no_reaction(equation, sentence):
    with pytest.raises(ValueError, match=sentence):
        reaction(equation)


def test_mixed_standard_pressures_are_refused():
    mixed = {
        "CO": library.species("CO", "gri30"),
        "CO2": library.species("CO2", "gri30"),
        "C": library.species("C(gr)"),
    }
    with pytest.raises(ValueError, match="101325 Pa; convert one with at_standard_pressure"):
        reaction("C + CO2 = 2 CO", mixed)


def test_a_becomes_b():
    """Delta G = 5 kJ/mol, 1000 K, R = 8.314462618: K = 0.5480647866, x_B = K/(1 + K) = 0.3540322."""
    g = jnp.array([0.0, 5000.0 / (GAS_CONSTANT * 1000.0)])
    found = extents(jnp.array([[-1.0, 1.0]]), g, jnp.array([1.0, 0.0]))
    K = 0.5480647866409151
    assert float(found.x[1]) == pytest.approx(K / (1 + K), rel=1e-12)
    assert bool(found.converged)


def test_two_reactions_at_once():
    """Steam reforming and water-gas shift: both constants hold at the mixture, and n = n0 + nu xi."""
    T, P = 1000.0, 5e5
    names = ["CH4", "H2O", "CO", "CO2", "H2"]
    nu = jnp.array([[-1.0, -1.0, 1.0, 0.0, 3.0], [0.0, -1.0, -1.0, 1.0, 1.0]])
    g = jnp.stack([library.species(n).molar_gibbs(T) for n in names]) / (GAS_CONSTANT * T) + np.log(P / 1e5)
    n0 = jnp.array([1.0, 3.0, 0.0, 0.0, 0.0])
    found = extents(nu, g, n0)
    ln_a = jnp.log(found.x) + np.log(P / 1e5)
    for row, equation in zip(nu, ("CH4 + H2O = CO + 3 H2", "CO + H2O = CO2 + H2"), strict=True):
        assert float(row @ ln_a) == pytest.approx(float(reaction(equation).ln_K(T)), abs=1e-9)
    np.testing.assert_allclose(found.n, n0 + nu.T @ found.extent, atol=1e-12)


@pytest.mark.slow
def test_a_regular_solution_shifts_the_equilibrium():
    """A = B with G^E/RT = w x_A x_B, also solved by bisection; derivatives by differences."""
    w, dg = 1.3, 0.4
    regular = lambda x, w: w * x[0] * x[1]
    nu, g, n0 = jnp.array([[-1.0, 1.0]]), jnp.array([0.0, dg]), jnp.array([1.0, 0.0])
    solve = lambda w, dg: extents(nu, g.at[1].set(dg), n0, excess=lambda x: regular(x, w)).x[1]
    low, high = 1e-9, 1 - 1e-9
    residual = lambda x: dg + np.log(x / (1 - x)) + w * ((1 - x) ** 2 - x**2)
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if residual(middle) < 0 else (low, middle)
    assert float(solve(w, dg)) == pytest.approx(low, rel=1e-10)
    slopes = jax.grad(solve, argnums=(0, 1))(w, dg)
    h = 1e-5
    assert float(slopes[0]) == pytest.approx(float(solve(w + h, dg) - solve(w - h, dg)) / (2 * h), rel=1e-6)
    assert float(slopes[1]) == pytest.approx(float(solve(w, dg + h) - solve(w, dg - h)) / (2 * h), rel=1e-6)
    batch = jax.vmap(lambda dg: solve(w, dg))(jnp.linspace(-3, 3, 7))
    assert bool(jnp.all(jnp.diff(batch) < 0))


def test_extents_of_nonsense_are_refused():
    with pytest.raises(ValueError, match="independent"):
        extents(jnp.array([[-1.0, 1.0], [-2.0, 2.0]]), jnp.zeros(2), jnp.array([1.0, 0.0]))
    with pytest.raises(ValueError, match="negative"):
        extents(jnp.array([[-1.0, 1.0]]), jnp.zeros(2), jnp.array([1.0, -1.0]))


def run(capsys, *words):
    status = cli.main(["reaction", *words])
    out, err = capsys.readouterr()
    return status, out, err


def test_the_command_for_a_reaction(capsys):
    status, out, _ = run(
        capsys, "0.5 N2 + 1.5 H2 = NH3", "--source", "shomate", "--temperature", "500", "700", "--json"
    )
    assert status == 0
    record = json.loads(out)
    assert record["results"][1]["log10_K"] == pytest.approx(-2.02891, abs=1e-5)
    assert record["standard_pressure"] == 1e5
    status, out, err = run(capsys, "N2 + O2 = 2 NO", "--temperature", "7000")
    assert status == 2 and "use extrapolate=True" in err
    status, out, err = run(capsys, "N2 + O2 = 2 NO", "--temperature", "7000", "--extrapolate")
    assert status == 0 and "NO is beyond the range" in err and "log10 K" in out
    assert run(capsys, "N2 + O2 = NO")[0] == 2
    assert run(capsys)[0] == 2


def test_the_command_for_a_feed(capsys):
    words = ("--equilibrium", "N2:1", "H2:3", "--candidates", "N2", "H2", "NH3", "--source", "shomate")
    status, out, _ = run(capsys, *words, "--temperature", "700", "--pressure", "1e7", "--json")
    assert status == 0
    result = json.loads(out)["results"][0]
    assert result["y"]["NH3"] == pytest.approx(0.196277, abs=1e-6)
    assert result["status"] == 0 and result["meaning"] == "certified"
    assert run(capsys, "--equilibrium", "H2:x")[0] == 2


@pytest.mark.slow
def test_the_command_for_a_flame(capsys):
    """Hydrogen and oxygen, 298 K and 1 atm: 3079 K (I. Glassman, R. A. Yetter, Combustion (2008), table 1.2)."""
    words = ("--equilibrium", "H2:2", "O2:1", "--candidates", "H2", "O2", "H2O", "OH", "H", "O", "--problem", "HP")
    status, out, _ = run(capsys, *words, "--pressure", "101325")
    assert status == 0
    assert float(out.split()[2]) == pytest.approx(3079.0, abs=3.0)
