"""Metastable phases against closed forms and published numbers; derivatives of equilibria."""

import jax
import numpy as np
import pytest
from calphad_systems import WHEEL

from diffneq.thermo import calphad
from diffneq.thermo.calphad import derivatives, metastable
from diffneq.thermo.calphad.homogeneous import homogeneous
from diffneq.thermo.calphad.roots import all_roots

pytestmark = pytest.mark.usefixtures("x64")
R = 8.3145
REGULAR = """\
ELEMENT A FCC_A1 10.0 0 0 !
ELEMENT B FCC_A1 20.0 0 0 !
TYPE_DEFINITION % SEQ * !
PHASE FCC_A1 % 1 1.0 !
CONSTITUENT FCC_A1 :A,B: !
PARAMETER G(FCC_A1,A;0) 298.15 0; 6000 N !
PARAMETER G(FCC_A1,B;0) 298.15 0; 6000 N !
PARAMETER L(FCC_A1,A,B;0) 298.15 20786.25; 6000 N !
PHASE LIQUID % 1 1.0 !
CONSTITUENT LIQUID :A,B: !
PARAMETER G(LIQUID,A;0) 298.15 10000-10*T+5E-7*P; 6000 N !
PARAMETER G(LIQUID,B;0) 298.15 12000-10*T+1E-6*P; 6000 N !
"""
OMEGA = 20786.25  # 2.5 R at 1000 K


@pytest.fixture(scope="module")
def regular():
    with jax.enable_x64(True):
        return calphad.build(REGULAR, ["A", "B"], gas_constant=R)


@pytest.fixture(scope="module")
def al_zn():
    with jax.enable_x64(True):
        return calphad.build(str(WHEEL / "alzn_mey.tdb"), ["AL", "ZN"], gas_constant=R)


@pytest.mark.parametrize(("ratio", "binodal", "spinodal"), [
    (2.2, 0.24852971252768474, 0.34924432771111813),
    (2.5, 0.1447941082560647, 0.27639320225002106),
    (3.0, 0.07072018167994483, 0.21132486540518708),
])  # fmt: skip
def test_binodal_and_spinodal_of_a_regular_solution(regular, ratio, binodal, spinodal):
    """oracle/closed_form_checks.csv, regular solution at Omega/RT."""
    T = OMEGA / (ratio * R)
    gap = calphad.equilibrium(regular, T=T, x={"B": 0.5})
    if set(gap.phase.values) == {"FCC_A1", ""}:
        np.testing.assert_allclose(sorted(gap.x.sel(element="B").values[:2]), [binodal, 1 - binodal], atol=1e-9)
    found = metastable.spinodal_compositions(regular, "FCC_A1", T, {"B": 0.0}, {"B": 1.0}).sel(element="B")
    np.testing.assert_allclose(found, [spinodal, 1 - spinodal], atol=1e-10)


def test_critical_temperature_of_a_regular_solution(regular):
    """T_c = Omega/2R; T_s(x) = 2 x (1 - x) Omega/R."""
    for x in (0.5, 0.2):
        found = metastable.spinodal_temperatures(regular, "FCC_A1", {"B": x}, between=(300.0, 2000.0))
        np.testing.assert_allclose(found, [2 * x * (1 - x) * OMEGA / R], rtol=1e-10)


def test_potentials_of_a_single_phase_in_closed_form(regular):
    x, T = np.array([0.1, 0.5, 0.8]), 900.0
    state = homogeneous(regular, "FCC_A1", np.full(3, T), np.stack([1 - x, x], axis=1))
    mu = np.stack([OMEGA * x**2 + R * T * np.log(1 - x), OMEGA * (1 - x) ** 2 + R * T * np.log(x)], axis=1)
    np.testing.assert_allclose(state.mu, mu, rtol=1e-12)
    second = R * T / (x * (1 - x)) - 2 * OMEGA  # d2G/dx2
    fcc = metastable.stability(regular, "FCC_A1", np.full(3, T), np.stack([1 - x, x], axis=1))
    np.testing.assert_allclose(fcc, x * (1 - x) * second / (R * T), rtol=1e-10)
    # Gibbs and Duhem: sum_i x_i dmu_i = 0
    np.testing.assert_allclose(np.einsum("ni,nij->nj", np.stack([1 - x, x], 1), state.curvature), 0.0, atol=1e-8)


def test_pressure_moves_the_melting_point_as_clapeyron_says(regular):
    """T_m of A: 10000 - 10 T + 5e-7 P = 0, so dP/dT = 10/5e-7."""
    assert metastable.clapeyron(regular, ("FCC_A1", "LIQUID"), {"B": 0.0}, 1000.0) == pytest.approx(2e7, rel=1e-9)
    pair = ("FCC_A1", "LIQUID")
    (low,), (high,) = (metastable.T0_temperatures(regular, pair, {"B": 0.0}, P=P) for P in (1.0, 1e8 + 1.0))
    assert low == pytest.approx(1000.0, abs=1e-6)
    assert 1e8 / (high - low) == pytest.approx(2e7, rel=1e-6)


@pytest.mark.slow
def test_T0_of_aluminium_zinc(al_zn):
    """oracle/pycalphad_test_numbers.csv: 1686.814152 K is the scan's value at x = 0.49; 0.86119 at 600 K."""
    found = metastable.T0_temperatures(al_zn, ("FCC_A1", "HCP_A3"), {"ZN": 0.49})
    # The shipped file has SGTE's digits for the pure elements, the oracle's file older ones: 0.017 K apart here.
    np.testing.assert_allclose(found, [1686.814152], atol=0.02)
    x = metastable.T0_compositions(al_zn, ("FCC_A1", "HCP_A3"), 600.0, {"ZN": 0.0}, {"ZN": 1.0})
    np.testing.assert_allclose(x.sel(element="ZN"), [0.86119], atol=1e-5)


def test_miscibility_gap_of_aluminium_zinc(al_zn):
    """oracle/pycalphad_test_numbers.csv: 0.181492 and 0.538458 at 580 K, 1e5 Pa; the spinodal lies inside."""
    gap = calphad.equilibrium(al_zn, T=580.0, P=1e5, x={"ZN": 0.3})
    binodal = np.sort(gap.x.sel(element="ZN").values[:2])
    np.testing.assert_allclose(binodal, [0.181492, 0.538458], atol=1e-6)
    spinodal = metastable.spinodal_compositions(al_zn, "FCC_A1", 580.0, {"ZN": 0.0}, {"ZN": 0.7}).sel(element="ZN")
    assert binodal[0] < spinodal[0] < spinodal[1] < binodal[1]


def test_driving_forces(al_zn):
    """Stable phases have none; a suspended one has the force by which G falls when it is admitted, to first order."""
    stable = metastable.driving_forces(al_zn, [500.0, 700.0], {"ZN": [0.4, 0.9]})
    assert (stable.driving_force < 1e-6).all()
    np.testing.assert_allclose(stable.driving_force.max("phase"), 0.0, atol=1e-6)
    forced = metastable.driving_forces(al_zn, 500.0, {"ZN": 0.4}, suspended=["FCC_A1"])
    row = forced.sel(phase="FCC_A1")
    assert float(row.driving_force) > 100.0
    fcc = homogeneous(al_zn, "FCC_A1", np.array([500.0]), row.x.values[None])
    D = float((row.x.values * forced.mu.values).sum() - fcc.G[0])
    assert float(row.driving_force) == pytest.approx(D, abs=1e-6)
    slopes = fcc.mu[0] - forced.mu.values
    np.testing.assert_allclose(slopes, slopes[0], atol=1e-3)  # parallel tangents
    with pytest.raises(ValueError, match="leave one"):
        metastable.driving_forces(al_zn, 500.0, {"ZN": 0.4}, suspended=al_zn.phase_names)


@pytest.mark.slow
def test_table_of_derivatives(al_zn):
    """oracle/pycalphad_test_numbers.csv, finite differences: dMU(AL)/dT at 300 K, dMU(AL)/dX(ZN) at 600 K, 1e5 Pa."""
    table = derivatives.partial_derivatives(al_zn, [300.0, 600.0], {"ZN": [0.3, 0.1]}, P=1e5)
    mu = table.mu.sel(element="AL")
    assert float(mu.sel(by="T")[0]) == pytest.approx(-28.775364, abs=1e-4)
    assert float(mu.sel(by="X(ZN)")[1]) == pytest.approx(-2806.93592, abs=1e-3)
    state = calphad.equilibrium(al_zn, T=[300.0, 600.0], P=1e5, x={"ZN": [0.3, 0.1]})
    np.testing.assert_allclose(table.G.sel(by="T"), -state.S, rtol=1e-9)
    difference = state.mu.sel(element="ZN") - state.mu.sel(element="AL")
    np.testing.assert_allclose(table.G.sel(by="X(ZN)"), difference, rtol=1e-9)
    with pytest.raises(ValueError, match="Choose derivatives"):
        derivatives.partial_derivatives(al_zn, 300.0, {"ZN": 0.3}, by=("X(AL)",))


@pytest.mark.slow
def test_heat_capacity_of_an_equilibrium(al_zn):
    """Against central differences of S, with two phases that exchange atoms and with one."""
    T, h = np.array([450.0, 600.0, 1000.0]), 1e-2
    S = lambda T: calphad.equilibrium(al_zn, T=T, x={"ZN": 0.3}).S.values
    central = T * (S(T + h) - S(T - h)) / (2 * h)
    np.testing.assert_allclose(derivatives.heat_capacity(al_zn, T, {"ZN": 0.3}), central, rtol=1e-6)


def test_all_roots():
    np.testing.assert_allclose(all_roots(np.sin, 0.5, 10.0), np.pi * np.arange(1, 4), rtol=1e-12)
    assert len(all_roots(lambda t: t**2 + 1.0, -1.0, 1.0)) == 0
    np.testing.assert_allclose(all_roots(lambda t: np.where(t < 0, np.nan, t - 0.3), -1.0, 1.0), [0.3])


@pytest.mark.slow
def test_an_ordering_phase_by_itself_is_the_lowest_homogeneous_state():
    system = calphad.build("Al-Ni", ["AL", "NI"])
    x = np.array([0.3, 0.45, 0.55, 0.76])
    alone = calphad.equilibrium(calphad.build("Al-Ni", ["AL", "NI"], phases=["BCC_B2"]), T=1000.0, x={"NI": x})
    state = homogeneous(system, "BCC_B2", np.full(4, 1000.0), np.stack([1 - x, x], axis=1))
    one = (alone.phase.values != "").sum(axis=1) == 1
    assert one.any()
    np.testing.assert_allclose(state.G[one], alone.G.values[one], rtol=1e-9)
    assert (state.G >= alone.G.values - 1e-6).all()
