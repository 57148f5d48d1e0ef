"""Chemical equilibria: closed forms, published numbers, hard feeds, Cantera, derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffneq.thermo.reactions import devices as devices_
from diffneq.thermo.reactions import equilibrium, equilibrium_at, explain, species_of, tabulate
from diffneq.thermo.species import library
from diffneq.thermo.species.reference import at_standard_pressure
from diffneq.thermo.species.species import ATMOSPHERE, GAS_CONSTANT

pytestmark = pytest.mark.usefixtures("x64")
OF_ALL = "H2O H2 O2 H O OH N2 N NO CO CO2 CH4 C2H2 NH3 HCN C(gr)".split()


def graphite(pressure=ATMOSPHERE):
    return at_standard_pressure(library.species("C(gr)"), pressure)


def triangle(m):
    """The C-H-O triangle of Cantera's issues 265 and 266: C n, H m - k, O k - n for n < k < m."""
    points = np.array([(n, m - k, k - n) for k in range(m) for n in range(k)], float)
    assert len(points) == m * (m - 1) // 2
    return dict(zip("CHO", points.T, strict=True))


def certified(data):
    return int((data.status.values == 0).sum())


@pytest.mark.parametrize("T", [923.0, 600.0])
def test_every_point_of_the_coarse_triangle_is_certified(T):
    """4950 = C(100, 2) mixtures of C, H and O with graphite, 1 atm, on which Cantera's solvers fail at some."""
    data = equilibrium(species_of("gri30", "CHO", [graphite()]), elements=triangle(100), T=T, P=ATMOSPHERE)
    assert certified(data) == 4950
    assert float(data.balance.max()) < 1e-12
    assert float(data.certificate.min()) > -1e-4
    carbon = data.n.sel(species="C(gr)").values
    assert 0 < (carbon > 0).sum() < 4950


@pytest.mark.slow
@pytest.mark.parametrize("T", [923.0, 600.0])
def test_every_point_of_the_fine_triangle_is_certified(T):
    """19,900 = C(200, 2) mixtures; with graphite, and the gas alone."""
    for more in ([graphite()], []):
        data = equilibrium(species_of("gri30", "CHO", more), elements=triangle(200), T=T, P=ATMOSPHERE)
        assert certified(data) == 19_900
        assert float(data.balance.max()) < 1e-12


def test_the_triangle_against_cantera():
    """Wherever Cantera converges (solver "gibbs", 1000 steps; 3.2: all 52 points) it finds no lower Gibbs energy.

    Its elements may not balance after such a search, so that its energy is compared with that of our potentials at
    the elements that it has: mu . b is the lowest energy of any mixture of b (weak duality). Where the stable phases
    agree, so do the amounts. The gas constants differ by 1.8e-11.
    """
    cantera = pytest.importorskip("cantera")
    gas, carbon = cantera.Solution("gri30.yaml"), cantera.Solution("graphite.yaml")
    every = equilibrium(species_of("gri30", "CHO", [graphite()]), elements=triangle(100), T=923.0, P=ATMOSPHERE)
    points, data = np.stack(list(triangle(100).values()), axis=1)[::97], every.isel(condition=slice(None, None, 97))
    names = [str(s) for s in data.species.values if str(s) != "C(gr)"]
    places = [gas.species_index(name) for name in names]
    converged = alike = 0
    for k, (c, h, o) in enumerate(points):
        gas.TPX = 923.0, cantera.one_atm, {"C": c, "H": h, "O": o}
        mixture = cantera.Mixture([(gas, float(c + h + o)), (carbon, 0.0)])
        mixture.T, mixture.P = 923.0, cantera.one_atm
        try:
            mixture.equilibrate("TP", solver="gibbs", max_steps=1000)
        except cantera.CanteraError:
            continue
        converged += 1
        theirs, here = mixture.species_moles, data.isel(condition=k)
        b = np.array([mixture.element_moles(e) for e in "CHO"])
        lowest = float(np.sum(np.where(b > 0, b * here.mu.sel(element=list("CHO")).values, 0.0)))
        there = theirs > 0
        assert float(theirs[there] @ mixture.chemical_potentials[there]) / 1e3 >= lowest - 1e-9 * abs(lowest)
        solid = float(here.n.sel(species="C(gr)"))
        balanced = np.allclose(b, (c, h, o), rtol=1e-9, atol=0)
        if not balanced or (solid > 0) != (mixture.phase_moles(1) > 0):
            continue
        alike += 1
        np.testing.assert_allclose(here.n.sel(species=names).values, theirs[places], rtol=0, atol=1e-8 * (c + h + o))
        assert solid == pytest.approx(mixture.phase_moles(1), abs=1e-8 * (c + h + o))
    assert converged > len(points) // 2
    assert alike > len(points) // 2


def test_ammonia_of_a_closed_form():
    """y(NH3) from 1:3, ideal: at 600 K and 100 bar 0.432949, 700 K 0.196276, 700 K and 300 bar 0.366184.

    K P/P0 = y / ((1-y)/4)^1/2 ((1-y) 3/4)^3/2 is the closed form, here with Shomate data: with c = 0.3247595 K P/P0
    y = c (1-y)^2. The published values are those of log10 K rounded to five decimals (-1.38237, -2.02891), which is
    up to 2e-6 of y; from these K they follow to all digits.
    """
    T, P = np.array([600.0, 700.0, 700.0]), np.array([1e7, 1e7, 3e7])
    data = equilibrium(species_of("shomate", ["N2", "H2", "NH3"]), {"N2": 1, "H2": 3}, T=T, P=P)
    pick = library.collection("shomate")
    G = {name: np.asarray(pick[name].molar_gibbs(T)) for name in ("NH3", "N2", "H2")}
    log10_K = -(G["NH3"] - 0.5 * G["N2"] - 1.5 * G["H2"]) / (GAS_CONSTANT * T) / np.log(10.0)

    def closed_form(log10_K):
        c = 0.25**0.5 * 0.75**1.5 * 10.0**log10_K * P / 1e5
        return ((2 * c + 1) - np.sqrt(4 * c + 1)) / (2 * c)

    np.testing.assert_allclose(data.y.sel(species="NH3").values, closed_form(log10_K), rtol=1e-10)
    np.testing.assert_allclose(log10_K, [-1.38237, -2.02891, -2.02891], rtol=0, atol=5e-6)
    rounded = closed_form(np.round(log10_K, 5))
    np.testing.assert_allclose(rounded, [0.432949, 0.196276, 0.366184], rtol=0, atol=5e-7)


def test_feeds_that_are_hard():
    """Stoichiometric, one element, traces of 1e-30 and 1e-200, exact and inexact zeros: certified, and no NaN."""
    candidates = species_of("nasa", OF_ALL)
    feed = [
        {"H": 2, "O": 1}, {"N": 2}, {"H": 2, "O": 1, "N": 1.4}, {"C": 1, "H": 4, "O": 4, "N": 15.04}, {"C": 1, "H": 4},
        {"C": 1, "O": 1}, {"C": 1e-30, "O": 2}, {"C": 1, "H": 4, "O": 1e-200}, {"C": 1}, {"O": 1e-12, "N": 1},
        {"H": 0.2, "O": 0.1}, {"H": 0.6, "O": 0.3}, {"C": 0.1, "O": 0.2}, {"H": 1e-290, "O": 1},
    ]  # fmt: skip
    elements = {e: np.array([f.get(e, 0.0) for f in feed]) for e in "HONC"}
    for T in (298.15, 2500.0):
        data = equilibrium(candidates, elements=elements, T=T, P=1e5)
        assert certified(data) == len(feed), data.status.values
        assert np.isfinite(data.n.values).all()
    cold = equilibrium(candidates, elements=elements, T=298.15, P=1e5)
    n = {name: cold.n.sel(species=name).values for name in OF_ALL}
    assert n["H2O"][0] == pytest.approx(1.0, abs=1e-12)
    assert n["H2"][0] == pytest.approx(2 * n["O2"][0], rel=1e-6)  # a trace of 1e-27 in balance
    assert 1e-28 < n["H2"][0] < 1e-26
    assert n["N2"][1] == pytest.approx(1.0, rel=1e-12) and n["H2O"][1] == 0.0
    assert n["CO2"][6] == pytest.approx(1e-30, rel=1e-9)
    assert n["H2O"][7] == pytest.approx(1e-200, rel=1e-9)
    assert n["C(gr)"][8] == 1.0


def test_dissociation_of_water_in_closed_form():
    """2 H2O = 2 H2 + O2 alone at trace level: n(H2) = (2 K)^(1/3) with K = (P/P0)^-1 y(H2)^2 y(O2) / y(H2O)^2."""
    table = tabulate(species_of("nasa", ["H2O", "H2", "O2"]), ["H", "O"])
    n = equilibrium_at(table, 400.0, 1e5, jnp.array([2.0, 1.0])).n[:3, 0]
    pick = library.collection("nasa")
    G = {name: float(pick[name].molar_gibbs(400.0)) for name in ("H2O", "H2", "O2")}
    K = np.exp(-(2 * G["H2"] + G["O2"] - 2 * G["H2O"]) / (GAS_CONSTANT * 400.0))
    assert float(n[1]) == pytest.approx((2 * K) ** (1 / 3), rel=1e-8)
    impossible = tabulate(species_of("nasa", ["H2O", "O2"]), ["H", "O"])
    exact = equilibrium_at(impossible, 400.0, 1e5, jnp.array([0.2, 0.1]))
    assert int(exact.status[0]) == 0 and float(exact.n[1, 0]) == 0.0
    assert int(equilibrium_at(impossible, 400.0, 1e5, jnp.array([3.0, 1.0])).status[0]) & 4  # infeasible


def reforming():
    """(table, amounts as a function of T, ln P, elements and shifts of the enthalpies, where): gas over graphite."""
    table = tabulate(species_of("nasa", ["CO", "CO2", "H2", "H2O", "CH4", "C(gr)"]), ["C", "H", "O"])

    def made(T, ln_P, b, shift):
        constant = table.arrays.coefficients.at[:, :, table.chosen.index(2)].add(shift)
        state = equilibrium_at(table, T, jnp.exp(ln_P), b, arrays=table.arrays._replace(coefficients=constant))
        return state.n[np.array(table.places), 0]

    at = (jnp.asarray(900.0), jnp.log(1e5), jnp.array([1.2, 2.0, 0.8]), jnp.zeros(table.arrays.A.shape[1]))
    return made, at


def differences(function, at):
    """Central differences with respect to every entry of every argument, one list an argument."""
    rows = []
    for k, step in enumerate((1e-2, 1e-5, 1e-5, 1.0)):
        columns = []
        for j in range(at[k].size):
            move = jnp.zeros(at[k].size).at[j].set(step).reshape(at[k].shape)
            ends = [function(*(a + s * move if i == k else a for i, a in enumerate(at))) for s in (1.0, -1.0)]
            columns.append(np.asarray(ends[0] - ends[1]) / (2 * step))
        rows.append(columns)
    return rows


WEIGHTS = jnp.array([1.0, -2.0, 0.5, 3.0, 1.5, 0.7])


def test_derivatives_of_an_equilibrium():
    """Backward against central differences: T, ln P, feed and the enthalpy of every species; graphite is stable."""
    made, at = reforming()
    assert float(made(*at)[-1]) > 0.01
    backward = jax.grad(lambda *a: WEIGHTS @ made(*a), argnums=(0, 1, 2, 3))(*at)
    for own, columns in zip(backward, differences(made, at), strict=True):
        expected = [float(np.asarray(WEIGHTS) @ column) for column in columns]
        np.testing.assert_allclose(np.reshape(own, -1), expected, rtol=2e-6, atol=1e-8)


@pytest.mark.slow
def test_forward_derivatives_of_an_equilibrium():
    made, at = reforming()
    forward = jax.jacfwd(made, argnums=(0, 1, 2, 3))(*at)
    for own, columns in zip(forward, differences(made, at), strict=True):
        np.testing.assert_allclose(own.reshape(len(WEIGHTS), -1).T, columns, rtol=2e-6, atol=2e-9)


@pytest.mark.slow
def test_second_derivatives_and_energies():
    """G of the mixture: dG/dT = -S, dG/dP = V, dG/db = mu; C_P of the reacting mixture = T dS/dT = dH/dT."""
    table = tabulate(species_of("nasa", ["CO", "CO2", "H2", "H2O", "CH4", "C(gr)"]), ["C", "H", "O"])
    G = lambda T, P, b: equilibrium_at(table, T, P, b).properties.G[0]
    b = jnp.array([1.2, 2.0, 0.8])
    state = equilibrium_at(table, 900.0, 1e5, b)
    slopes = jax.grad(G, argnums=(0, 1, 2))(900.0, 1e5, b)
    assert float(slopes[0]) == pytest.approx(-float(state.properties.S[0]), rel=1e-9)
    assert float(slopes[1]) == pytest.approx(float(state.properties.V[0]), rel=1e-9)
    np.testing.assert_allclose(slopes[2], state.potential[:, 0], rtol=1e-9)


@pytest.mark.slow
def test_heat_capacity_of_a_reacting_mixture():
    """-T d2G/dT2 = dH/dT, the rule applied twice."""
    table = tabulate(species_of("nasa", ["CO", "CO2", "H2", "H2O", "CH4", "C(gr)"]), ["C", "H", "O"])
    b = jnp.array([1.2, 2.0, 0.8])
    G = lambda T: equilibrium_at(table, T, 1e5, b).properties.G[0]
    H = lambda T: equilibrium_at(table, T, 1e5, b).properties.H[0]
    second = jax.jvp(jax.grad(G), (900.0,), (1.0,))[1]
    step = 0.05
    assert float(-900.0 * second) == pytest.approx(float(jax.grad(H)(900.0)), rel=1e-7)
    assert float(jax.grad(H)(900.0)) == pytest.approx(float(H(900.0 + step) - H(900.0 - step)) / (2 * step), rel=1e-6)


FUELS = [("CH4", 2.0), ("H2", 0.5), ("CO", 0.5), ("C2H6", 3.5), ("C2H4", 3.0), ("C2H2", 2.5), ("C3H8", 5.0)]
FLAMES = [(f, o, r, 298.15) for f, o in FUELS for r in (0.7, 1.0)] + [
    ("CH4", 2.0, 0.5, 298.15), ("CH4", 2.0, 1.5, 298.15), ("CH4", 2.0, 1.0, 600.0), ("H2", 0.5, 2.0, 298.15),
    ("C2H2", 2.5, 1.3, 400.0), ("CH3OH", 1.5, 1.0, 298.15),
]  # fmt: skip


def test_twenty_flames_against_cantera():
    """Adiabatic flame temperatures in air at 1 atm, GRI-Mech 3.0, within 0.1 K of Cantera on the same data."""
    cantera = pytest.importorskip("cantera")
    assert len(FLAMES) == 20
    gas = cantera.Solution("gri30.yaml")
    fuels = sorted({f for f, *_ in FLAMES})
    feed = {f: np.array([r if f == own else 0.0 for own, _, r, _ in FLAMES]) for f in fuels}
    feed |= {"O2": np.array([o for _, o, *_ in FLAMES]), "N2": 3.76 * np.array([o for _, o, *_ in FLAMES])}
    T0 = np.array([T for *_, T in FLAMES])
    candidates = species_of("gri30", "CHON")
    with pytest.raises(ValueError, match=r"300 to 5000 K, not at 298\.15 K; use extrapolate=True"):
        equilibrium(candidates, feed, problem="HP", T=T0, P=ATMOSPHERE)
    data = equilibrium(candidates, feed, problem="HP", T=T0, P=ATMOSPHERE, extrapolate=True)
    assert certified(data) == 20
    for k, (fuel, o, r, T) in enumerate(FLAMES):
        gas.TPX = T, cantera.one_atm, {fuel: r, "O2": o, "N2": 3.76 * o}
        gas.equilibrate("HP", rtol=1e-12)
        assert float(data["T"][k]) == pytest.approx(gas.T, abs=0.1), fuel
        assert float(data["T"][k]) == pytest.approx(gas.T, abs=2e-3), "the data are the same"


@pytest.mark.slow
def test_the_flame_as_a_function():
    """dT/dH of a flame is 1/C_P of the reacting mixture; dT/d(feed) by differences."""
    table = tabulate(species_of("nasa", "CO CO2 H2 H2O O2 N2 OH NO H O".split()), ["C", "H", "O", "N"])
    flame = lambda H, b: equilibrium_at(table, H, 1e5, b, "HP").T[0]
    b = jnp.array([1.0, 4.0, 4.0, 15.04])
    H = -74600.0
    T = flame(H, b)
    assert 2220 < float(T) < 2240  # methane in air, 1 bar: 2226 K in textbooks
    slopes = jax.grad(flame, argnums=(0, 1))(H, b)
    assert float(slopes[0]) == pytest.approx(float(flame(H + 10, b) - flame(H - 10, b)) / 20, rel=1e-5)
    for j in range(4):
        step = jnp.zeros(4).at[j].set(1e-4)
        assert float(slopes[1][j]) == pytest.approx(float(flame(H, b + step) - flame(H, b - step)) / 2e-4, rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("problem", ["SP", "TV", "UV"])
def test_the_other_problems_lead_back(problem):
    """From a state at T and P: the same state from (S, P), (T, V) and (U, V).

    Not at 1000 K, where the pieces of the polynomials meet: there S of the mixture falls by 6e-7 J/K, so that two
    temperatures 1.3e-6 K apart have the same S.
    """
    candidates = species_of("nasa", OF_ALL)
    feed = {
        "CH4": np.array([1.0, 1.0, 2.0, 0.0]),
        "O2": np.array([2.0, 0.4, 1.0, 1.0]),
        "N2": np.array([7.5, 0.0, 1.0, 3.0]),
    }
    first = equilibrium(candidates, feed, T=[2200.0, 1050.0, 1500.0, 3000.0], P=[1e5, 2e5, 1e6, 1e4])
    given = {q: first[q].values for q in problem}
    given.setdefault("T", 298.15)
    again = equilibrium(candidates, feed, problem=problem, **given)
    assert certified(again) == 4
    np.testing.assert_allclose(again["T"].values, first["T"].values, rtol=1e-9)
    np.testing.assert_allclose(again["P"].values, first["P"].values, rtol=1e-9)
    np.testing.assert_allclose(again.n.values, first.n.values, rtol=1e-6, atol=1e-12)


@pytest.mark.slow
def test_a_melting_point_holds_the_temperature():
    """Between solid and liquid copper the enthalpy changes and T does not: the lever rule."""
    candidates = species_of("nasa", ["Cu(cr)", "Cu(L)", "Ar"])
    pick = library.collection("nasa")
    T_m = 1358.0  # where the two polynomials end and begin
    solid, liquid = (float(pick[name].molar_enthalpy(T_m)) for name in ("Cu(cr)", "Cu(L)"))
    argon = float(pick["Ar"].molar_enthalpy(T_m))
    shares = np.array([0.25, 0.5, 0.75])
    H = argon + solid + shares * (liquid - solid)
    data = equilibrium(candidates, {"Cu(cr)": 1, "Ar": 1}, problem="HP", H=H, T=300.0, P=1e5)
    assert certified(data) == 3
    np.testing.assert_allclose(data["T"].values, T_m, rtol=2e-9)  # a phase exists to 1e-9 beyond its data
    np.testing.assert_allclose(data["H"].values, H, rtol=1e-12)
    np.testing.assert_allclose(data.n.sel(species="Cu(L)").values, shares, rtol=0, atol=1e-8)
    np.testing.assert_allclose(data.n.sel(species="Cu(cr)").values, 1.0 - shares, rtol=0, atol=1e-8)
    table = tabulate(candidates, ["Cu", "Ar"])

    def melted(H):
        state = equilibrium_at(table, H, 1e5, jnp.array([1.0, 1.0]), "HP")
        return jnp.array([state.T[0], state.n[table.places[2], 0]])

    slopes = jax.jacfwd(melted)(H[1])
    assert float(slopes[0]) == pytest.approx(0.0, abs=1e-12)
    assert float(slopes[1]) == pytest.approx(1.0 / (liquid - solid), rel=1e-6)


@pytest.mark.slow
def test_iron_and_oxygen_where_cantera_fails():
    """Cantera's issue 1139: 20 Fe and 50 O2 between 300 and 1000 K, 5 atm; Fe2O3 is stable, and the rest is gas."""
    names = ["O2", "O", "Fe", "FeO", "Fe(a)", "FeO(s)", "Fe2O3(s)", "Fe3O4(s)"]
    data = equilibrium(species_of("nasa", names), {"Fe(a)": 20, "O2": 50}, T=np.arange(300.0, 1000.0), P=5 * ATMOSPHERE)
    assert certified(data) == 700
    np.testing.assert_allclose(data.n.sel(species="Fe2O3(s)").values, 10.0, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("extrapolate", [True, False])
def test_random_mixtures_of_many_phases(extrapolate):
    """2,000 random mixtures of nine elements, 55 gases and 43 condensed phases, these at all T or where they exist."""
    rng = np.random.default_rng(7)
    symbols = ["Fe", "O", "C", "H", "S", "Si", "Al", "Mg", "Ca"]
    candidates = species_of("nasa", "FeOCHSSiAlMgCa")
    amounts = rng.gamma(0.5, size=(9, 2000)) * (rng.random((9, 2000)) < 0.8) + (np.arange(9) == 1)[:, None] * 0.1
    T = rng.uniform(400.0, 2500.0, 2000)
    elements = dict(zip(symbols, amounts, strict=True))
    data = equilibrium(candidates, elements=elements, T=T, P=1e5, extrapolate=extrapolate)
    assert certified(data) == 2000
    assert float(data.balance.max()) < 1e-11
    assert float(data.certificate.min()) > -1e-4


@pytest.mark.slow
def test_random_mixtures_in_a_vessel():
    """At a given volume 99 % of such mixtures at least are certified, as recomputed here; others have a status."""
    rng = np.random.default_rng(7)
    symbols = ["Fe", "O", "C", "H", "S", "Si", "Al", "Mg", "Ca"]
    candidates = species_of("nasa", "FeOCHSSiAlMgCa")
    amounts = rng.gamma(0.5, size=(9, 2000)) * (rng.random((9, 2000)) < 0.8) + (np.arange(9) == 1)[:, None] * 0.1
    T = rng.uniform(400.0, 2500.0, 2000)
    V = amounts.sum(axis=0) * GAS_CONSTANT * T / 1e5 * rng.uniform(0.01, 1.0, 2000)
    data = equilibrium(candidates, elements=dict(zip(symbols, amounts, strict=True)), problem="TV", T=T, V=V)
    assert certified(data) >= 1980
    good = data.status.values == 0
    formulas = {s.name: dict(s.elements) for s in candidates}
    A = np.array([[formulas[str(name)].get(e, 0.0) for name in data.species.values] for e in symbols])
    left = np.abs(A @ data.n.values[good].T - amounts[:, good])
    assert (left <= 1e-9 * amounts[:, good]).all()
    solids = data.driving.values[good][:, data.phase.values == "condensed"]
    assert np.nanmin(solids) > -1e-3
    np.testing.assert_allclose(data.V.values[good], V[good], rtol=1e-9)
    assert all(explain(int(status)) != "certified" for status in data.status.values[~good])


def test_one_executable_for_sets_of_one_size():
    """Another set of as many elements and similar size, and another number of conditions, compile nothing."""
    equilibrium(species_of("shomate", ["N2", "H2", "NH3"]), {"N2": 1, "H2": 3}, T=700.0, P=1e7)
    before = devices_._call._cache_size()
    equilibrium(species_of("shomate", ["O2", "H2", "H2O", "OH"]), {"O2": 1, "H2": 3}, T=np.full(7, 1700.0), P=1e7)
    assert devices_._call._cache_size() == before


def test_what_is_left_out_is_said():
    """Ammonia suspended at 100 bar and 400 K, where it would form: its driving force in the gas without it."""
    names = ["N2", "H2", "NH3", "N"]
    data = equilibrium(species_of("shomate", names), {"N2": 1, "H2": 3}, T=400.0, P=1e7, suspended=["NH3"])
    pick = library.collection("shomate")
    G = {name: float(pick[name].molar_gibbs(400.0)) for name in names}
    ln_Q = 0.5 * np.log(0.25) + 1.5 * np.log(0.75) + np.log(100.0)
    expected = G["NH3"] - 0.5 * G["N2"] - 1.5 * G["H2"] - GAS_CONSTANT * 400.0 * ln_Q
    assert float(data.suspended_driving.sel(suspended="NH3").item()) == pytest.approx(expected, abs=1e-3)
    assert expected < 0
    assert "N2H4" in data.attrs["not_considered"] and "NH3" not in data.attrs["not_considered"].split(", ")
    assert data.attrs["standard_pressure"] == 1e5


@pytest.mark.parametrize("change, sentence", [
    ({"T": 9000.0}, "not at 9000 K; use extrapolate=True"),
    ({"feed": {"N2": -1.0}}, "finite and not negative"),
    ({"feed": {"XeF2": 1.0}}, "No candidate holds the element Xe, F"),
    ({"feed": {"nh3!": 1.0}}, "did you mean .*NH3"),
    ({"feed": None, "x": {"N2": 0.5, "H2": 0.6}}, "sum to 1.1, not 1"),
    ({"problem": "PH"}, "problem is one of TP, HP, SP, TV, UV"),
    ({"T": None}, "Give T"),
    ({"P": -1.0}, "P must be finite and positive"),
    ({"suspended": ["NH4"]}, "did you mean .*NH3"),
    ({"feed": None, "elements": {"N": 1.0}, "problem": "HP"}, "needs H"),
    ({"feed": None}, "either a feed"),
    ({"T": [300.0, 400.0], "P": [1e5, 1e5, 1e5]}, "lengths 2, 3 do not go together"),
])  # fmt: skip
def test_bad_input_is_one_sentence(change, sentence):
    given = {"feed": {"N2": 1.0, "H2": 3.0}, "T": 700.0, "P": 1e5} | change
    feed = given.pop("feed")
    with pytest.raises(ValueError, match=sentence):
        equilibrium(species_of("shomate", ["N2", "H2", "NH3"]), feed, **given)


def test_mixed_references_are_refused():
    with pytest.raises(ValueError, match="convert one with at_standard_pressure"):
        equilibrium([*species_of("gri30", "CHO"), library.species("C(gr)")], {"CO": 1}, T=900.0)
    with pytest.raises(ValueError, match="is there twice"):
        tabulate([library.species("N2"), library.species("N2")])


@pytest.mark.slow
def test_published_constants_are_those_of_the_mixture():
    """Conversion of an equimolar CO + H2O mixture, Shomate: 0.921477 (500 K), 0.754484 (700 K), 0.545323 (1000 K).

    x = sqrt K / (1 + sqrt K); the published values, too, are those of log10 K rounded to five decimals.
    """
    T = np.array([500.0, 700.0, 1000.0])
    names = ["CO", "H2O", "CO2", "H2"]
    table = tabulate(species_of("shomate", names), ["C", "O", "H"])
    state = equilibrium_at(table, jnp.asarray(T), 1e5, jnp.array([1.0, 2.0, 2.0]))
    pick = library.collection("shomate")
    G = {name: np.asarray(pick[name].molar_gibbs(T)) for name in names}
    log10_K = -(G["CO2"] + G["H2"] - G["CO"] - G["H2O"]) / (GAS_CONSTANT * T) / np.log(10.0)
    closed_form = lambda log10_K: 1.0 / (1.0 + 10.0 ** (-0.5 * log10_K))
    np.testing.assert_allclose(state.n[2], closed_form(log10_K), rtol=1e-10)
    rounded = closed_form(np.round(log10_K, 5))
    np.testing.assert_allclose(rounded, [0.921477, 0.754484, 0.545323], rtol=0, atol=5.1e-7)
