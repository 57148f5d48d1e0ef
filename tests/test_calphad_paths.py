"""Solidification: Scheil and Gulliver's limit without steps, and the lever rule."""

import jax
import numpy as np
import pytest
from calphad_systems import WHEEL

from diffneq.plotting.solidification import solidification_figure
from diffneq.thermo import calphad
from diffneq.thermo.calphad import freezing
from diffneq.thermo.calphad.solidification import COMPLETE, lever, scheil

pytestmark = pytest.mark.usefixtures("x64")

# pycalphad's scheil package, alzn_mey.tdb, Al-30at%Zn: T, fraction of liquid with steps of 1 K and of 0.25 K.
STEPPED = np.array([
    [830.0, 0.865344, 0.865682], [820.0, 0.716950, 0.717572], [800.0, 0.515348, 0.516179],
    [780.0, 0.392106, 0.392959], [760.0, 0.314308, 0.315139], [740.0, 0.262516, 0.263340],
    [720.0, 0.223727, 0.224599], [700.0, 0.189176, 0.190126], [680.0, 0.158487, 0.159458],
    [660.0, 0.133743, 0.134687], [655.0, 0.128488, 0.129421],
])  # fmt: skip
# The same program's equilibrium rows.
LEVER = np.array([
    [830.0, 0.862341], [820.0, 0.701328], [800.0, 0.460899], [780.0, 0.290712], [760.0, 0.153513], [740.0, 0.003876],
])  # fmt: skip


@pytest.fixture(scope="module")
def al_zn():
    with jax.enable_x64(True):
        return calphad.build(str(WHEEL / "alzn_mey.tdb"), ["AL", "ZN"], gas_constant=8.3145)


@pytest.fixture(scope="module")
def path(al_zn):
    with jax.enable_x64(True):
        return scheil(al_zn, {"ZN": 0.3}, at=STEPPED[:, 0], progress=False)


def at(data, T):
    """Fractions of liquid in the rows at these temperatures."""
    return np.array([data.fraction_liquid.values[data["T"].values == t][0] for t in T])


@pytest.mark.slow
def test_scheil_is_the_limit_of_small_steps(path):
    """The oracle's error is of the order of its step, so two steps extrapolate to none."""
    limit = (4.0 * STEPPED[:, 2] - STEPPED[:, 1]) / 3.0
    np.testing.assert_allclose(at(path, STEPPED[:, 0]), limit, atol=5e-6)


def test_scheil_goes_to_the_end_through_the_eutectic(path):
    """oracle/invariants.csv: L = fcc + hcp at 654.0085 K with x(Zn) = .883540, .673108, .969100."""
    assert path.attrs["end"] == COMPLETE
    assert (path.status == 0).all()
    last, before = path.isel(step=-1), path.isel(step=-2)
    assert float(last["T"]) == pytest.approx(654.0085, abs=1e-4)
    assert float(before.x_liquid.sel(element="ZN")) == pytest.approx(0.883540, abs=2e-6)
    assert last.forming.values.tolist() == ["FCC_A1", "HCP_A3"]
    np.testing.assert_allclose(last.x_forming.sel(element="ZN"), [0.673108, 0.969100], atol=2e-6)
    assert float(last.fraction_liquid) == 0.0
    assert float(last.amount.sum()) == pytest.approx(1.0, abs=1e-12)


def test_nothing_is_lost_on_the_way(path):
    """Zinc in the liquid and in all solids so far is the zinc of the alloy."""
    amount = path.formed.values[..., None] * np.nan_to_num(path.x_forming.values)
    assert np.cumsum(amount.sum(axis=(1, 2)))[-1] == pytest.approx(1.0, abs=1e-9)
    np.testing.assert_allclose(path.fraction_liquid + path.amount.sum("phase"), 1.0, atol=1e-12)


def test_tighter_tolerance_changes_no_more_than_it_says(al_zn, path):
    tight = scheil(al_zn, {"ZN": 0.3}, at=[700.0], tolerance=1e-8, longest=5.0, progress=False)
    np.testing.assert_allclose(at(tight, [700.0]), at(path, [700.0]), atol=3e-6)
    assert float(tight.latent[-1]) == pytest.approx(float(path.latent[-1]), rel=2e-4)


def test_heat_is_the_enthalpy_between_the_ends(al_zn, path):
    """At the start all is liquid; latent heat and the cooling of what is there make up the whole loss of enthalpy."""
    start = float(calphad.equilibrium(al_zn, T=float(path["T"][0]), x={"ZN": 0.3}).H)
    assert float(path.H[0]) == pytest.approx(start, abs=1e-6)
    assert (np.diff(path.H) < 0).all()
    melting = np.diff(path.latent)
    assert (melting > -0.1).all()
    # Freezing at the eutectic, at one temperature: all the enthalpy lost there is latent.
    assert melting[-1] == pytest.approx(-np.diff(path.H)[-1], abs=1e-3)


def test_lever_rule(al_zn):
    data = lever(al_zn, {"ZN": 0.3}, at=LEVER[:, 0])
    np.testing.assert_allclose(at(data, LEVER[:, 0]), LEVER[:, 1], atol=1e-6)
    assert data.attrs["end"] == COMPLETE
    direct = calphad.equilibrium(al_zn, T=float(data["T"][-1]), x={"ZN": 0.3})
    assert float(data.H[-1]) == pytest.approx(float(direct.H), abs=1e-6)


def test_an_element_freezes_at_once():
    data = scheil(calphad.build("Al-Zn", ["AL", "ZN"]), {"ZN": 0.0}, progress=False)
    assert data.attrs["end"] == COMPLETE
    assert float(data["T"][-1]) == pytest.approx(933.473, abs=1e-3)
    assert float(data.latent[-1]) == pytest.approx(10711.04, abs=1.0)  # Dinsdale, Calphad 15 (1991) 317


@pytest.mark.slow
def test_a_suspended_phase_does_not_form(al_zn):
    data = scheil(al_zn, {"ZN": 0.3}, suspended=["HCP_A3"], progress=False)
    assert data.phase.values.tolist() == ["FCC_A1"]
    assert data.attrs["end"] == COMPLETE


def test_misuse(al_zn):
    with pytest.raises(ValueError, match="not all liquid"):
        scheil(al_zn, {"ZN": 0.3}, 700.0)
    with pytest.raises(ValueError, match="no phase MELT"):
        scheil(al_zn, {"ZN": 0.3}, liquid=["MELT"])
    with pytest.raises(ValueError, match="one composition"):
        scheil(al_zn, {"ZN": [0.3, 0.4]})


def test_extrapolation_is_exact_for_cubics():
    counts = np.arange(1, 5)
    h = 1.0 / counts
    values = (2.0 - h + 3.0 * h**2 - 7.0 * h**3)[:, None]
    np.testing.assert_allclose(freezing._to_zero(values, counts), [2.0], rtol=1e-12)


def test_picture(path, al_zn):
    figure = solidification_figure(path, lever(al_zn, {"ZN": 0.3}))
    assert [axes.get_xlabel() for axes in figure.axes] == ["temperature  [K]", "fraction solid"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "x", "last", "T"),
    [
        ("Cu-Mg", {"MG": 0.5}, ["CU2MG", "CUMG2"], 824.43),
        ("Fe-C", {"C": 0.01}, ["FCC_A1", "GRAPHITE"], 1426.587),
        ("Al-Ni", {"NI": 0.2}, ["AL3NI1", "FCC_L12"], 914.83),
        ("Ag-Cu", {"CU": 0.2}, ["FCC_A1", "FCC_A1"], 1052.234),
    ],
)
def test_invariants_at_the_end_of_other_systems(name, x, last, T):
    """Temperatures as in databases/README.md (R = 8.3145 there: 0.01 K); peritectics and gaps on the way."""
    data = scheil(calphad.build(name, name.upper().split("-")), x, progress=False)
    assert data.attrs["end"] == COMPLETE
    assert sorted(data.forming.values[-1]) == last
    assert float(data["T"][-1]) == pytest.approx(T, abs=0.02)


@pytest.mark.slow
def test_four_elements_to_the_end():
    system = calphad.build(str(WHEEL / "COST507.tdb"), ["AL", "CU", "MG", "SI"])
    data = scheil(system, {"CU": 0.02, "MG": 0.02, "SI": 0.05}, progress=False)
    assert data.attrs["end"] == COMPLETE
    assert float(data.amount[-1].sum()) == pytest.approx(1.0, abs=1e-9)
    assert {"FCC_A1", "DIAMOND_A4", "MG2SI"} & set(data.phase.values)
