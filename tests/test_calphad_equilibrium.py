"""Equilibria: against pycalphad, Thermo-Calc and brute force, and how robust they are.

Energies in J per mole of atoms. pycalphad's numbers need its R = 8.3145 J/(mol K).
"""

import functools
import importlib
import json
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from calphad_systems import WHEEL, wheel

from diffneq.thermo.calphad import build, equilibrium, explain, stable_state
from diffneq.thermo.calphad.energy import molar_energy
from diffneq.thermo.calphad.solver.state import INFEASIBLE, POTENTIALS_NOT_DETERMINED

pytestmark = pytest.mark.usefixtures("x64")

ORACLE = Path(__file__).parents[2] / "shared" / "data" / "oracle" / "equilibria_pycalphad.jsonl"
GOOD = (0, POTENTIALS_NOT_DETERMINED)  # certified
slow = pytest.mark.slow


ALZN = ("alzn_mey.tdb", "AL ZN")
ALNI = ("alni_dupin_2001.tdb", "AL NI")
CUMG = ("cumg.tdb", "CU MG")
ORDERING = ("issue43.tdb", "AL CR NI", "FCC_A1 GAMMA_PRIME")


def solve(of, T, x=None, **options):
    """Conditions of a system, given as x = {element: values}."""
    return equilibrium(wheel(*of), T=T, x=x or {}, **options)


def phases_of(result):
    """Names of the stable phases of a single condition, the largest amount first."""
    return [str(name) for name in result.phase.values if name]


def total(result):
    """sum_phases amount x, (..., element)."""
    return (result.amount.fillna(0) * result.x.fillna(0)).sum("vertex").values


def assert_consistent(result, x):
    """Certified; the amounts give the composition; mu . x = G.

    1e-9 in the composition leaves mu . dx of 1e-4 J/mol where potentials are 1e5; Newton's last step leaves much less.
    """
    assert np.isin(result.status.values, GOOD).all()
    assert (result.certificate.values > -1e-4).all()
    np.testing.assert_allclose(total(result), x, rtol=0, atol=1e-9)
    np.testing.assert_allclose(np.sum(result.mu.values * x, axis=-1), result.G.values, rtol=0, atol=2e-5)
    np.testing.assert_allclose(result.H.values, result.G.values + result.T.values * result.S.values, rtol=1e-12)


# 280 equilibria of seven systems, with the lowest energy that several runs of pycalphad 0.11.2 reached

ORACLES = [
    pytest.param(*ALZN, None),
    pytest.param(*ALNI, None, marks=slow),
    pytest.param(*ORDERING, marks=slow),
    pytest.param(*CUMG, None, marks=slow),
    pytest.param("pbsn.tdb", "PB SN", None, marks=slow),
    pytest.param("alfe.tdb", "AL FE", None, marks=slow),
    pytest.param("crtiv_ghosh.tdb", "CR TI V", None, marks=slow),
]


@pytest.mark.skipif(not ORACLE.exists(), reason="needs the oracle in shared/")
@pytest.mark.parametrize("name, elements, phases", ORACLES)
def test_forty_random_states_are_as_low_as_the_best_known(name, elements, phases):
    rows = [row for row in map(json.loads, ORACLE.read_text().splitlines()) if row["tdb"] == name]
    assert len(rows) == 40
    system = wheel(name, elements, phases)
    x = np.array([[row["x"][e] for e in system.elements] for row in rows])
    x[:, 0] = 1.0 - x[:, 1:].sum(axis=1)  # the file's rule: the first element is what the others leave
    fractions = {e: x[:, k] for k, e in enumerate(system.elements) if k}
    result = equilibrium(system, T=np.array([row["T"] for row in rows]), x=fractions)
    assert_consistent(result, x)
    assert (result.G.values - np.array([row["best"]["GM"] for row in rows])).max() < 1e-2


def test_the_state_that_pycalphad_misses():
    """Al-Cr-Ni at 1103.757 K: two gamma-prime phases, 205 J/mol below what pycalphad finds at any density.

    Energy and constitutions from a separate prototype, confirmed by pycalphad's `calculate` (physics/calphad.md 2.2).
    """
    state = solve(ORDERING, 1103.757, {"CR": 0.540031, "NI": 0.297303})
    assert_consistent(state, [0.162666, 0.540031, 0.297303])
    assert float(state.G) == pytest.approx(-63085.234, abs=2e-3)
    assert phases_of(state) == ["GAMMA_PRIME", "GAMMA_PRIME"]
    np.testing.assert_allclose(state.amount.values[:2], [0.570776, 0.429224], atol=2e-6)
    first = [0.03590559, 0.86613753, 0.09795688, 0.1008551, 0.89823669, 0.00090821]
    np.testing.assert_allclose(state.y.values[0][:6], first, atol=1e-6)


# Numbers from pycalphad's own tests and the programs they were checked with

ALFE = "alfe.tdb", "AL FE"
SEVEN = "LIQUID FCC_A1 HCP_A3 AL5FE2 AL2FE AL13FE4 AL5FE4"
L12 = "L12_FCC BCC_B2 LIQUID"
NUMBERS = {
    # name: (system, conditions, G, mu, tolerance of both in J/mol); checked by Thermo-Calc (TC) or pycalphad's own
    "alni 300 K (TC)": (
        (*ALNI, None), dict(T=300.0, x={"AL": 0.4}), -63736.3048, [-116098.937755, -28827.882809], 1e-2,
    ),
    "alni 1600 K": ((*ALNI, None), dict(T=1600.0, x={"AL": 0.65}), -131081.998, [-106284.8589, -177133.82819], 1e-2),
    "alzn gap": ((*ALZN, None), dict(T=580.0, x={"ZN": 0.3}), -21876.7768, [-19597.9613, -27194.0128], 1e-3),
    "cumg 300 K": ((*CUMG, None), dict(T=300.0, x={"MG": 0.25}), None, [-9949.7314137, -43634.7588925], 1e-2),
    "ordering": (
        ORDERING, dict(T=1273.0, x={"AL": 0.1246, "CR": 0.6}),
        -70680.53695, [-135620.9960449, -47269.29002414, -92304.23688281], 1e-2,
    ),
    "alfe x 0.55": ((*ALFE, SEVEN), dict(T=1400.0, x={"AL": 0.55}), -96088.07, None, 1e-2),
    "alfe cold liquid (TC to 1 J)": (
        (*ALFE, "LIQUID"), dict(T=401.5625, x={"FE": 0.74}), -16507.22325998, [-55611.954141, -2767.72322], 1.0,
    ),
    "alfe liquid (TC)": (
        (*ALFE, "LIQUID"), dict(T=2000.0, x={"FE": 0.2}), -143913.3, [-133815.12, -184306.01], 5e-2,
    ),
    "alfe 300 K": (
        (*ALFE, "FCC_A1 AL13FE4"), dict(T=300.0, x={"AL": 0.8}), -31414.46677, [-8490.140, -123111.773], 1.0,
    ),
    "alfe dilute": ((*ALFE, "LIQUID FCC_A1"), dict(T=930.0, x={"FE": 1.5e-3}), -37799.510894, None, 1e-2),
    "alcocrni binary (TC)": (
        ("alcocrni.tdb", "AL CO CR", L12), dict(T=1523.0, x={"AL": 0.8881111111, "CO": 0.1118888888}),
        -97913.542, [-86994.575, -184582.17, None], 5e-2,
    ),
    "alcocrni (TC)": (
        ("alcocrni.tdb", "AL CO CR", L12), dict(T=1523.0, x={"AL": 0.444555556, "CO": 0.222777778}),
        -105871.54, [-104653.83, -142595.49, -82905.784], 5e-2,
    ),
    "b2 alone": (
        (*ALNI, "BCC_B2"), dict(T=1804.0, x={"AL": 0.4798}), -154338.129, [-167636.23822714, -142072.78317111], 1e-2,
    ),
    "gamma prime almost without chromium": (
        ("issue43.tdb", "AL CR NI", "GAMMA_PRIME"), dict(T=1273.0, x={"AL": 0.1246, "CR": 1e-9}),
        -81933.259, [-206144.57, -272150.79, -64253.652], 1e-2,
    ),
    "crtiv": (
        ("crtiv_ghosh.tdb", "CR TI V", None), dict(T=500.0, x={"CR": 0.2, "TI": 0.2}),
        None, [-26103.482, -16869.033, -19606.779], 1e-2,
    ),
    "nine ideal elements": (
        ("rose.tdb", "H HE LI BE B C N O F", "TEST"),
        dict(T=1000.0, x={e: 1 / 9 for e in ("HE", "LI", "BE", "B", "C", "N", "O", "F")}), -5835.1, None, 0.1,
    ),
    "oxygen gas": (("cuo.tdb", "O", "GAS"), dict(T=1000.0, P=1e5), -110380.61071, None, 1e-2),
    "oxygen gas at 1 GPa": (("cuo.tdb", "O", "GAS"), dict(T=1000.0, P=1e9), -72090.9, None, 0.1),
    "ionic liquid": (
        ("cuo.tdb", "CU O", "IONIC_LIQ"), dict(T=1000.0, P=1e5, x={"CU": 0.6618}), -92505.7, None, 0.1,
    ),
    "oxides (TC)": (("alfeo.tdb", "AL FE O", None), dict(T=500.0, x={"FE": 0.2, "O": 0.6}), -257462.33, None, 0.1),
    "zirconia (TC)": (
        ("al2o3_nd2o3_zro2.tdb", "ND O ZR", "ND2O3_A PYRO"), dict(T=1400.0, x={"ND": 0.25, "O": 0.625}),
        -432325.423784, None, 1e-2,
    ),
    "six components by mass": (
        ("mc_fecocrnbti.tdb", "CO CR FE NB TI", None),
        dict(T=960.0, P=1e5, w={"CR": 0.28, "FE": 0.21, "NB": 0.01, "TI": 0.013}), -46868.31620088, None, 1e-1,
    ),
    "potential of aluminium": (
        (*ALFE, "B2_BCC"), dict(T=1013.0, mu={"AL": -95906.0}), -65786.260, [None, -52877.592], 1e-2,
    ),
    "potential of iron (TC)": (
        (*ALFE, "FCC_A1 AL13FE4"), dict(T=300.0, mu={"FE": -123110.0}), -35427.064, [-8490.6849, None], 0.1,
    ),
    "two potentials": (
        ORDERING, dict(T=1273.0, mu={"AL": -135620.9960449, "CR": -47269.29002414}),
        -83242.872102, [None, None, -92304.23688281], 1e-2,
    ),
    "potential of oxygen": (
        ("alfeo.tdb", "AL FE O", "HALITE"), dict(T=500.0, x={"FE": 0.2}, mu={"O": -200000.0}), -248202.28, None, 0.1,
    ),
}  # fmt: skip
QUICK = {"alni 1600 K", "alzn gap", "cumg 300 K", "ordering"}


@pytest.mark.parametrize("case", [pytest.param(c, marks=() if c in QUICK else slow) for c in NUMBERS])
def test_numbers_of_other_programs(case):
    of, conditions, G, mu, tolerance = NUMBERS[case]
    state = equilibrium(wheel(*of), **conditions)
    assert int(state.status) in GOOD
    if G is not None:
        assert float(state.G) == pytest.approx(G, abs=tolerance)
    for found, expected in zip(state.mu.values, mu or (), strict=False):
        assert expected is None or found == pytest.approx(expected, abs=tolerance)


def test_phases_of_other_programs():
    b2 = solve(ALNI, 300.0, {"AL": 0.4})  # Thermo-Calc, through pycalphad's pull request 329
    assert set(phases_of(b2)) == {"BCC_B2", "AL3NI5"}
    place = phases_of(b2).index("BCC_B2")
    np.testing.assert_allclose(b2.x.values[place], [0.488104, 0.511896], atol=1e-6)
    gap = solve(ALZN, 580.0, {"ZN": 0.3})  # pycalphad, regression
    np.testing.assert_allclose(sorted(gap.x.values[:, 1]), [0.181492, 0.538458], atol=1e-6)
    magnesium = solve(CUMG, 300.0, {"MG": 0.25})
    fcc = phases_of(magnesium).index("FCC_A1")
    assert magnesium.x.values[fcc, 1] == pytest.approx(0.001832, abs=1e-6)


@slow
def test_carbide_precipitates_in_a_small_amount():
    """gibbs_phase_rule.tdb, pycalphad's regression: 1.5e-4 of graphite."""
    of = ("gibbs_phase_rule.tdb", "C FE")
    state = solve(of, 1080.0, {"C": 0.0053}, P=1e5)
    amounts = dict(zip(phases_of(state), state.amount.values, strict=False))
    assert min(amounts.values()) == pytest.approx(0.000151708, abs=1e-8)


@slow
def test_the_trophy():
    """Four-sublattice L12 at 1073 K: Thermo-Calc finds -87260.6, pycalphad only -87256.3 (its test_equilibrium.py)."""
    state = solve(("alnifcc4sl.tdb", "AL NI", "FCC_L12"), 1073.0, {"NI": 0.7601})
    assert int(state.status) in GOOD
    assert float(state.G) < -87260.5


@slow
def test_an_ideal_solution_with_a_prescribed_potential():
    """x_A = 0.01 and mu_C = -1000 of an ideal ternary: everything in closed form."""
    head = "".join(f"ELEMENT {e} X 10 0 0 !\n" for e in ("VA", "A", "B", "C")) + "TYPE_DEFINITION % SEQ * !\n"
    text = head + "PHASE TEST % 1 1 !\nCONSTITUENT TEST :A,B,C: !\n"
    text += "".join(f"PARAMETER G(TEST,{e};0) 1 0; 6000 N !\n" for e in "ABC")
    system = build(text, ["A", "B", "C"], gas_constant=8.3145)
    RT = 8.3145 * 1000.0
    c = np.exp(-1000.0 / RT)
    x = np.array([0.01, 0.99 - c, c])
    state = equilibrium(system, T=1000.0, x={"A": 0.01}, mu={"C": -1000.0})
    np.testing.assert_allclose(state.mu.values, RT * np.log(x), rtol=1e-9)
    np.testing.assert_allclose(total(state), x, atol=1e-9)
    assert float(state.G) == pytest.approx(-3219.570565, abs=1e-5)  # pycalphad's number for the same


def test_a_prescribed_potential_gives_back_the_composition():
    """mu_Zn of the one-phase state, prescribed, leads back to it; and x along a list of potentials rises."""
    known = solve(ALZN, 700.0, {"ZN": np.array([0.1, 0.2, 0.3])})
    back = solve(ALZN, 700.0, mu={"ZN": known.mu.values[:, 1]})
    assert (back.status.values == 0).all()
    np.testing.assert_allclose(total(back)[:, 1], [0.1, 0.2, 0.3], atol=1e-8)
    np.testing.assert_allclose(back.G.values, known.G.values, atol=1e-4)


# Brute force: sixteen thousand points on each curve and their convex hull


@functools.cache
def curves(of, T, count=8001):
    """(x of the second element, G) of finely sampled phases with one sublattice of two species."""
    system = wheel(*of)
    ends = np.geomspace(1e-9, 0.5, 4000)
    s = np.concatenate([np.linspace(0, 1, count)[1:-1], ends, 1 - ends])
    y = np.ones((len(s), system.tables.sizes[2]))
    y[:, 0], y[:, 1] = 1 - s, s
    energy = jax.jit(jax.vmap(lambda tables, i, y: molar_energy(tables, i, T, 101325.0, y), (None, None, 0)))
    G = [np.asarray(energy(system.tables, i, jnp.asarray(y))) for i in range(len(system.phases))]
    return np.tile(s, len(G)), np.concatenate(G)


def lower_hull(x, G, at):
    """The lower convex hull of points (x, G), at x = at: the lowest points in turn, where the slope rises."""
    order = np.lexsort((G, x))
    x, G = x[order], G[order]
    lower: list[int] = []
    for k in range(len(x)):
        while len(lower) > 1 and (G[k] - G[lower[-1]]) * (x[lower[-1]] - x[lower[-2]]) <= (
            G[lower[-1]] - G[lower[-2]]
        ) * (x[k] - x[lower[-1]]):
            lower.pop()
        if not lower or x[k] > x[lower[-1]]:
            lower.append(k)
    return np.interp(at, x[lower], G[lower])


# a monotectoid, a eutectic, between them, and the critical point of the gap at 624 K
@pytest.mark.parametrize("T", [300.0, 550.3875, 600.0, 622.0, 623.7, 625.0, 654.0085, 800.0])
def test_aluminium_zinc_is_the_lower_hull_of_its_curves(T):
    """From below: points are 1.2e-4 or 0.5 % of x apart, and a curve of curvature RT/x falls 1e-4 J/mol below a chord.
    From above: what the certificate lets pass, 1e-8 RT."""
    at = np.concatenate([np.linspace(0.02, 0.98, 49), [0.1412, 0.3, 0.38, 0.395, 0.41, 0.59047, 0.88354, 0.96910]])
    result = solve(ALZN, T, {"ZN": at})
    assert_consistent(result, np.column_stack([1 - at, at]))
    gap = result.G.values - lower_hull(*curves(ALZN, T), at)
    assert gap.max() < 1e-4
    assert gap.min() > -3e-4


# Robustness


def test_compositions_at_the_ends():
    """x = 0 and 1 are the pure elements; a trace does not change the energy by more than its own share."""
    for of in (ALZN, ALNI):
        ends = solve(of, np.full(4, 500.0), {of[1].split()[1]: np.array([0.0, 1.0, 1e-7, 1 - 1e-7])})
        assert np.isin(ends.status.values, GOOD).all()
        pure = ends.G.values[:2]
        assert np.abs(ends.G.values[2:] - pure).max() < 0.5  # 1e-7 (mu - G), and mu is near -5e5 at infinite dilution
        assert (ends.amount.max("vertex").values > 1 - 1e-6).all()


def test_stoichiometric_compounds():
    """Exactly at the compound the energy is its own, and the potentials are flagged or lie between the two sides."""
    cu2mg = solve(CUMG, 500.0, {"MG": np.array([1 / 3, 1 / 3 - 1e-6, 1 / 3 + 1e-6])})
    assert np.isin(cu2mg.status.values, GOOD).all()
    assert int(cu2mg.status[1]) == int(cu2mg.status[2]) == 0
    slopes = cu2mg.mu.values[:, 1] - cu2mg.mu.values[:, 0]
    assert bool(cu2mg.status[0] & POTENTIALS_NOT_DETERMINED) or slopes[1] - 1e-3 < slopes[0] < slopes[2] + 1e-3
    np.testing.assert_allclose(cu2mg.G.values[0], 0.5 * (cu2mg.G.values[1] + cu2mg.G.values[2]), atol=0.1)
    tied = np.sum(cu2mg.mu.values[0] * [2 / 3, 1 / 3])
    assert tied == pytest.approx(float(cu2mg.G[0]), abs=1e-5)


@slow
def test_a_single_line_compound_has_no_potentials():
    """AL3NI5 at its composition (pycalphad's tough case): -84676.464 J/mol, whatever the potentials."""
    state = solve(("alni_tough_chempot.tdb", "AL NI"), 780.0, {"NI": 0.625})
    assert float(state.G) == pytest.approx(-84676.46413558903, abs=1e-3)
    assert phases_of(state)[0] == "AL3NI5"
    low, high = [-138436.02031521, -57247.63510006], [-130391.1791948, -52420.73042782]
    assert int(state.status) == POTENTIALS_NOT_DETERMINED or (
        np.all(state.mu.values >= np.array(low) - 1e-2) and np.all(state.mu.values <= np.array(high) + 1e-2)
    )


def test_compositions_on_grid_points():
    """The first grid has 58 points between the ends: a linear program that starts out degenerate."""
    at = np.linspace(0.0, 1.0, 60)[1:-1]
    on, beside = solve(ALZN, 480.0, {"ZN": at}), solve(ALZN, 480.0, {"ZN": at + 1e-9})
    assert_consistent(on, np.column_stack([1 - at, at]))
    np.testing.assert_allclose(on.G.values, beside.G.values, rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    "of, T, at",
    [
        (ALZN, 654.0085, 0.88354),  # oracle/invariants.csv: eutectic
        (ALZN, 550.3875, 0.59047),  # monotectoid
        pytest.param(CUMG, 992.014, 0.2126, marks=slow),
        pytest.param(ALNI, 1642.655, 0.7, marks=slow),
        pytest.param(ALNI, 1123.549, 0.25, marks=slow),
    ],
)
def test_at_an_invariant_temperature_energy_is_continuous(of, T, at):
    """dG = -S dT, with S of the two sides within 20 J/(mol K) of each other."""
    second = of[1].split()[1]
    steps = np.array([-1e-3, -1e-6, 0.0, 1e-6, 1e-3])
    result = solve(of, T + steps, {second: at})
    assert np.isin(result.status.values, GOOD).all()
    expected = result.G.values[2] - result.S.values[2] * steps
    np.testing.assert_allclose(result.G.values, expected, rtol=0, atol=0.03)
    assert np.ptp(result.G.values[1:4]) < 1e-3


@slow
@pytest.mark.parametrize(
    "of, T, x",
    [
        (ALNI, np.linspace(1500, 1700, 200), np.linspace(0.7, 0.8, 200)),  # L12 near its melting
        (ALNI, np.linspace(400, 1900, 200), np.full(200, 0.5)),  # B2 with vacancies
        (("crfe_bcc_magnetic.tdb", "CR FE"), np.linspace(700, 1200, 200), np.linspace(0.3, 0.7, 200)),
    ],
)
def test_near_critical_points_everything_is_certified(of, T, x):
    result = solve(of, T, {of[1].split()[1]: x})
    assert np.isin(result.status.values, GOOD).all()


def test_order_of_elements_and_phases_does_not_matter():
    T, zinc = np.array([450.0, 580.0, 700.0]), np.array([0.2, 0.3, 0.9])
    one = solve(ALZN, T, {"ZN": zinc})
    system = build(WHEEL / "alzn_mey.tdb", ["Zn", "Al", "Va"], ["LIQUID", "HCP_A3", "FCC_A1"], gas_constant=8.3145)
    other = equilibrium(system, T=T, x={"Al": 1 - zinc})
    np.testing.assert_allclose(one.G.values, other.G.values, rtol=1e-12)
    np.testing.assert_allclose(one.amount.values, other.amount.values, atol=1e-9)
    assert list(one.element.values) == list(other.element.values)
    np.testing.assert_allclose(one.mu.values, other.mu.values, rtol=1e-9)


@pytest.mark.slow
def test_order_of_elements_in_the_file_does_not_matter():
    """The same solution with elements renamed so that their alphabetical order is reversed."""

    def ternary(a, b, c):
        head = "".join(f"ELEMENT {e} X 10 0 0 !\n" for e in ("VA", a, b, c)) + "TYPE_DEFINITION % SEQ * !\n"
        body = "".join(f"PHASE {p} % 1 1 !\nCONSTITUENT {p} :{a},{b},{c}: !\n" for p in ("ONE", "TWO"))
        for phase, level in (("ONE", 0), ("TWO", 400)):
            body += "".join(
                f"PARAMETER G({phase},{e};0) 1 {level * k - 3 * level}+{k}*T; 6000 N !\n"
                for k, e in zip((1, 5, 2), (a, b, c), strict=True)
            )
        body += f"PARAMETER G(ONE,{a},{b};0) 1 18000; 6000 N !\nPARAMETER G(ONE,{b},{c};0) 1 21000-2*T; 6000 N !\n"
        return head + body + f"PARAMETER G(TWO,{a},{c};0) 1 -9000; 6000 N !\n"

    rng = np.random.default_rng(11)
    x, T = rng.dirichlet(np.ones(3), 60), rng.uniform(600, 1300, 60)
    results = []
    for names in (("AL", "CU", "ZN"), ("ZN", "CU", "AL")):
        system = build(ternary(*names), names)
        fractions = {e: x[:, k] for k, e in enumerate(names)}
        results.append((names, equilibrium(system, T=T, x=fractions)))
    (names, one), (others, two) = results
    assert np.isin(one.status.values, GOOD).all() and np.isin(two.status.values, GOOD).all()
    np.testing.assert_allclose(one.G.values, two.G.values, rtol=0, atol=1e-7)
    for a, b in zip(names, others, strict=True):
        np.testing.assert_allclose(one.mu.sel(element=a).values, two.mu.sel(element=b).values, rtol=0, atol=1e-4)


@pytest.fixture(scope="module")
def crowd():
    """1,500 random conditions of Al-Ni: more than one compiled call holds."""
    with jax.enable_x64(True):
        rng = np.random.default_rng(20)
        T, x = rng.uniform(400.0, 1900.0, 1500), rng.uniform(0.0, 1.0, 1500)
        return T, x, solve(ALNI, T, {"NI": x})


@pytest.mark.slow
def test_a_crowd_is_certified_and_consistent(crowd):
    _, x, result = crowd
    assert_consistent(result, np.column_stack([1 - x, x]))


def test_a_state_does_not_depend_on_its_neighbours(crowd):
    """One by one, seven at a time or in reverse: 1e-9 relative; potentials are as stiff as d mu/dx times rounding."""
    T, x, result = crowd
    for places in ([3], range(40, 47), range(1499, 1200, -1)):
        places = np.array(places)
        alone = solve(ALNI, T[places], {"NI": x[places]})
        np.testing.assert_allclose(alone.G.values, result.G.values[places], rtol=1e-12)
        np.testing.assert_allclose(alone.amount.fillna(0), result.amount.fillna(0).values[places], atol=1e-9)
        assert (alone.phase.values == result.phase.values[places]).all()
        np.testing.assert_allclose(alone.mu.values, result.mu.values[places], rtol=1e-9)


def test_energy_is_convex_in_composition(crowd):
    """At one temperature: the minimum over all mixtures is its own convex hull."""
    x = np.sort(np.random.default_rng(21).uniform(0, 1, 400))
    result = solve(ALNI, 1200.0, {"NI": x})
    slope = np.diff(result.G.values) / np.diff(x)
    wide = np.minimum(np.diff(x)[1:], np.diff(x)[:-1]) > 1e-4  # where a difference of 1e-6 J/mol is not amplified
    assert np.diff(slope)[wide].min() > -0.1


def test_two_databases_of_one_size_share_an_executable(monkeypatch):
    traces = []

    def counted(*arguments):
        traces.append(1)
        return original(*arguments)

    module = importlib.import_module("diffneq.thermo.calphad.equilibrium")  # the package holds a function of that name
    original = module.solve
    monkeypatch.setattr(module, "_solve", eqx.filter_jit(counted))
    mey = wheel(*ALZN)
    twin = build("Al-Zn", ["Al", "Zn"])  # the shipped transcription
    assert mey.tables.sizes == twin.tables.sizes
    for system in (mey, twin):
        for count in (1, 3):
            equilibrium(system, T=np.linspace(400, 800, count), x={"Zn": 0.3})
    assert len(traces) == 1


@slow
@pytest.mark.parametrize("of", [ALNI, CUMG, ("crtiv_ghosh.tdb", "CR TI V")])
def test_leaving_out_phases_never_lowers_the_energy(of):
    rng, elements = np.random.default_rng(30), of[1].split()
    x, T = rng.dirichlet(np.ones(len(elements)), 200), rng.uniform(500, 1800, 200)
    fractions = {e: x[:, k] for k, e in enumerate(elements) if k}
    everything = solve(of, T, fractions)
    kept = " ".join(p for p in wheel(*of).phase_names if p not in ("BCC_B2", "CU2MG", "LAVES_C15"))
    fewer = solve((*of, kept), T, fractions)
    assert np.isin(fewer.status.values, GOOD).all()
    assert (fewer.G.values - everything.G.values).min() > -1e-6
    assert (fewer.G.values - everything.G.values).max() > 10.0


@slow
@pytest.mark.parametrize("of", [ALNI, ORDERING, ("alnifcc4sl.tdb", "AL NI")])
def test_a_denser_grid_does_not_change_a_certified_energy(of):
    rng, elements = np.random.default_rng(31), of[1].split()
    x, T = rng.dirichlet(np.ones(len(elements)), 300), rng.uniform(600, 1600, 300)
    fractions = {e: x[:, k] for k, e in enumerate(elements) if k}
    coarse, fine = (solve(of, T, fractions, density=density) for density in (1.0, 2.0))
    both = np.isin(coarse.status.values, GOOD) & np.isin(fine.status.values, GOOD)
    assert both.mean() == 1.0
    np.testing.assert_allclose(coarse.G.values, fine.G.values, rtol=0, atol=1e-3)


# What a user gives and gets


def test_named_dimensions_multiply_and_lists_go_together():
    T = xr.DataArray([500.0, 700.0], dims="T", coords={"T": [500.0, 700.0]})
    zinc = xr.DataArray([0.1, 0.3, 0.6], dims="zinc")
    table = solve(ALZN, T, {"ZN": zinc})
    assert table.G.dims == ("T", "zinc") and table.phase.dims == ("T", "zinc", "vertex")
    for i, t in enumerate(T.values):
        row = solve(ALZN, np.full(3, t), {"ZN": zinc.values})
        np.testing.assert_allclose(table.G.values[i], row.G.values, rtol=1e-12)
    assert table.attrs["gas_constant"] == 8.3145 and table.attrs["name"]


def test_mass_fractions_and_complete_mole_fractions_say_the_same():
    system = wheel(*ALZN)
    m = dict(zip(system.elements, system.masses, strict=True))
    w = 0.3 * m["ZN"] / (0.3 * m["ZN"] + 0.7 * m["AL"])
    states = [solve(ALZN, 700.0, x) for x in ({"zn": 0.3}, {"Al": 0.7, "Zn": 0.3})]
    for state in (*states, solve(ALZN, 700.0, w={"Zn": w})):
        assert float(state.G) == pytest.approx(float(states[0].G), rel=1e-12)


@pytest.mark.slow
def test_compositions_that_no_phase_reaches_are_said_to_be_infeasible():
    text = "".join(f"ELEMENT {e} X 10 0 0 !\n" for e in ("VA", "AL", "ZN")) + "TYPE_DEFINITION % SEQ * !\n"
    text += "PHASE LINE % 2 1 2 !\nCONSTITUENT LINE :AL:ZN: !\nPARAMETER G(LINE,AL:ZN;0) 1 -9000+T; 6000 N !\n"
    text += "PHASE RICH % 2 1 5 !\nCONSTITUENT RICH :AL:ZN: !\nPARAMETER G(RICH,AL:ZN;0) 1 -9000; 6000 N !\n"
    result = equilibrium(build(text, ["AL", "ZN"]), T=500.0, x={"ZN": np.array([0.5, 0.7, 0.9, 2 / 3])})
    np.testing.assert_array_equal(result.status.values[[0, 2]], INFEASIBLE)
    assert np.isin(result.status.values[[1, 3]], GOOD).all()
    assert np.isnan(result.G.values[[0, 2]]).all()
    np.testing.assert_allclose(result.G.values[3], (-9000.0 + 500.0) / 3, rtol=1e-9)
    assert explain(INFEASIBLE) == "no mixture of the phases has this composition"


@pytest.mark.parametrize(
    "conditions, words",
    [
        (dict(T=600.0), "phase rule"),
        (dict(T=600.0, x={"ZN": 0.3}, w={"ZN": 0.3}), "not both|not|one"),
        (dict(T=600.0, x={"CU": 0.3}), "CU"),
        (dict(T=600.0, x={"ZN": 1.3}), "between 0 and 1"),
        (dict(T=-600.0, x={"ZN": 0.3}), "positive"),
        (dict(T=np.nan, x={"ZN": 0.3}), "finite"),
        (dict(T=1e5, x={"ZN": 0.3}), "outside"),
        (dict(T=[500.0, 600.0], x={"ZN": [0.1, 0.2, 0.3]}), "lengths"),
        (dict(T=600.0, x={"AL": 0.3, "ZN": 0.3}), "sum"),
        (dict(T=600.0, x={"ZN": 0.3}, mu={"ZN": -1e4}), "fraction and a chemical potential"),
    ],
)
def test_conditions_that_make_no_sense_are_refused(conditions, words):
    with pytest.raises(ValueError, match=words):
        equilibrium(wheel(*ALZN), **conditions)


@pytest.mark.slow
def test_the_pure_function_gives_the_same_state():
    T, x = np.array([500.0, 580.0, 700.0]), np.array([0.05, 0.3, 0.9])
    state = stable_state(wheel(*ALZN), T, np.column_stack([1 - x, x]))
    table = solve(ALZN, T, {"ZN": x})
    np.testing.assert_allclose(state.G, table.G.values, rtol=1e-12)
    np.testing.assert_allclose(state.mu[:2].T, table.mu.values, rtol=1e-9)
