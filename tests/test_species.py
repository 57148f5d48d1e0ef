"""Gibbs energies of single species: published polynomials, elements, references, files."""

import csv
import math
from pathlib import Path

import jax
import numpy as np
import pytest

from diffneq.thermo.species import library
from diffneq.thermo.species.files import read_cantera, read_cea, read_chemkin
from diffneq.thermo.species.heat_capacity import from_heat_capacity
from diffneq.thermo.species.joining import join
from diffneq.thermo.species.reference import alike, at_standard_pressure, formation, with_reference
from diffneq.thermo.species.species import ATMOSPHERE, BAR, GAS_CONSTANT

DATA = Path(__file__).parents[1].parent / "shared" / "data"
pytestmark = pytest.mark.usefixtures("x64")


def test_shomate_enthalpies_of_formation_and_entropies():
    """H and S at 298.15 K against the values of the NIST-JANAF tables (1998), kJ/mol and J/(mol K)."""
    published = {"CO2": (-393.522, 213.795), "CO": (-110.527, 197.653), "NH3": (-45.898, 192.774),
                 "CH4": (-74.873, 186.251), "N2": (0.0, 191.609), "SO3": (-395.765, 256.769)}  # fmt: skip
    for name, (H, S) in published.items():
        species = library.species(name, "shomate")
        assert float(species.molar_enthalpy(298.15)) / 1e3 == pytest.approx(H, abs=0.013)
        assert float(species.molar_entropy(298.15)) == pytest.approx(S, abs=0.03)


def test_pieces_of_a_polynomial_meet():
    """Enthalpies of all 33 gases are continuous to the digits of F; F of HCN above 1200 K is ours."""
    for species in library.collection("shomate").values():
        for edge in species.edges[1:-1]:
            jump = float(species.molar_enthalpy(edge * (1 + 1e-12)) - species.molar_enthalpy(edge * (1 - 1e-12)))
            assert abs(jump) < 20.0, (species.name, edge, jump)


def test_entropy_of_argon_is_that_of_the_ideal_gas():
    """Sackur and Tetrode (1912) at 1 bar and 298.15 K: 154.847 J/(mol K); the data of GRI-Mech give it at 1 atm."""
    m, k, h = 39.948e-3 / 6.02214076e23, 1.380649e-23, 6.62607015e-34
    entropy = GAS_CONSTANT * (2.5 + math.log((2 * math.pi * m * k * 298.15 / h**2) ** 1.5 * k * 298.15 / BAR))
    assert float(library.species("Ar", "nasa").molar_entropy(298.15)) == pytest.approx(entropy, abs=0.01)
    assert float(library.species("Ar", "shomate").molar_entropy(298.15)) == pytest.approx(entropy, abs=0.01)
    old = at_standard_pressure(library.species("Ar", "gri30"), BAR)
    assert float(old.molar_entropy(298.15)) == pytest.approx(entropy, abs=0.01)


@pytest.mark.parametrize("element, low, high, T, heat", [
    # calculated from the same functions by pycalphad 0.11.2; heats as SGTE publishes them, J/mol
    ("Al", "FCC_A1", "LIQUID", 933.473, 10711.04), ("Cu", "FCC_A1", "LIQUID", 1357.77, 13263.28),
    ("Fe", "BCC_A2", "LIQUID", 1810.95477, 13806.90), ("Fe", "BCC_A2", "FCC_A1", 1184.81401, 1012.86),
    ("Ti", "HCP_A3", "BCC_A2", 1154.98822, 4170.04), ("Sn", "BCT_A5", "LIQUID", 505.07797, 7029.12),
])  # fmt: skip
def test_transitions_of_the_elements(element, low, high, T, heat):
    """At a transition G is equal and the entropy jumps by Delta H/T; magnetism of iron included."""
    a, b = (library.species(f"{element}({phase})", "sgte") for phase in (low, high))
    assert float(a.molar_gibbs(T) - b.molar_gibbs(T)) == pytest.approx(0.0, abs=0.05)
    assert float(b.molar_enthalpy(T) - a.molar_enthalpy(T)) == pytest.approx(heat, abs=0.2)
    assert float(b.molar_entropy(T) - a.molar_entropy(T)) * T == pytest.approx(heat, abs=0.2)


def test_elements_against_pycalphad():
    path = DATA / "oracle" / "unary_sgte_GHSCp.csv"
    if not path.exists():
        pytest.skip("the shared oracle is not here")
    rows = csv.DictReader(line for line in path.read_text().splitlines() if not line.startswith("#"))
    known = library.collection("sgte")
    count = 0
    for row in rows:
        name = f"{row['element'].capitalize()}({row['phase']})"
        if name in known and float(row["T_K"]) in (298.15, 1000.0, 1043.0, 1800.0):
            count += 1
            # its gas constant is 8.3145, which moves magnetic energies (up to 10 kJ/mol) by 4.5e-6 of themselves
            assert float(known[name].molar_gibbs(float(row["T_K"]))) == pytest.approx(float(row["GM"]), abs=0.045)
    assert count > 50


def test_one_bar_and_one_atmosphere():
    """R T ln 1.01325 = 32.6 J/mol at 298.15 K; there and back is the identity; condensed phases do not change."""
    bar = library.species("N2", "nasa")
    atm = at_standard_pressure(bar, ATMOSPHERE)
    step = GAS_CONSTANT * 298.15 * math.log(1.01325)
    assert step == pytest.approx(32.63, abs=0.005)
    assert float(atm.molar_gibbs(298.15) - bar.molar_gibbs(298.15)) == pytest.approx(step, abs=1e-9)
    assert float(at_standard_pressure(atm, BAR).molar_gibbs(700.0)) == pytest.approx(float(bar.molar_gibbs(700.0)))
    assert float(atm.molar_enthalpy(500.0)) == pytest.approx(float(bar.molar_enthalpy(500.0)), abs=1e-9)
    graphite = library.species("C(gr)")
    assert float(at_standard_pressure(graphite, ATMOSPHERE).molar_gibbs(500.0)) == float(graphite.molar_gibbs(500.0))
    assert alike([bar, graphite], ATMOSPHERE)[1].standard_pressure == ATMOSPHERE


def test_formation_does_not_depend_on_the_zero_of_enthalpy():
    pick = library.collection("nasa")
    elements = {"C": pick["C(gr)"], "O": pick["O2"]}
    H, G = formation(pick["CO"], 298.15, elements)
    assert float(H) / 1e3 == pytest.approx(-110.53, abs=0.02)  # CODATA (1989): -110.53(17)
    other = {e: with_reference(s, "elements at 0 K") for e, s in elements.items()}
    H0, G0 = formation(with_reference(pick["CO"], "elements at 0 K"), 298.15, other)
    assert float(H0) == pytest.approx(float(H), abs=1e-6)
    assert float(G0) == pytest.approx(float(G), abs=1e-6)
    # H(298.15 K) - H(0 K) of CO is 8.671 kJ/mol (CODATA), so Delta_f H(0 K) = -113.80
    assert float(other["O"].molar_enthalpy(298.15)) / 1e3 == pytest.approx(8.680, abs=0.005)
    with pytest.raises(ValueError, match="convert one with with_reference"):
        formation(pick["CO"], 298.15, other)


def test_heat_capacities_with_a_transition():
    """G from C_P pieces: C_P comes back by two derivatives, H jumps by the latent heat, G does not."""
    made = from_heat_capacity(
        "X", {"Fe": 1}, [(200, 400, {0: 20.0, 1: 0.01, -2: -1e5}), (400, 900, {0: 30.0, -1: 500.0, 2: 1e-6})],
        enthalpy=-1000.0, entropy=50.0, latent={400: 1234.0}, source="test",
    )  # fmt: skip
    assert float(made.molar_enthalpy(298.15)) == pytest.approx(-1000.0, abs=1e-8)
    assert float(made.molar_entropy(298.15)) == pytest.approx(50.0, abs=1e-11)
    assert float(made.molar_heat_capacity(350.0)) == pytest.approx(20 + 3.5 - 1e5 / 350**2, rel=1e-10)
    assert float(made.molar_heat_capacity(700.0)) == pytest.approx(30 + 500 / 700 + 0.49, rel=1e-10)
    up, down = 400 * (1 + 1e-13), 400 * (1 - 1e-13)
    assert float(made.molar_enthalpy(up) - made.molar_enthalpy(down)) == pytest.approx(1234.0, abs=1e-5)
    assert float(made.molar_gibbs(up) - made.molar_gibbs(down)) == pytest.approx(0.0, abs=1e-6)
    with pytest.raises(ValueError, match="not an edge"):
        from_heat_capacity("X", {"Fe": 1}, [(200, 400, {0: 20.0})], enthalpy=0, entropy=0, latent={300: 1}, source="")


def test_joined_iron_is_stable_iron():
    pick = library.collection("nasa")
    iron = join("Fe", [pick[k] for k in ("Fe(L)", "Fe(a)", "Fe(d)", "Fe(c)")])
    assert float(iron.molar_gibbs(1500.0)) == pytest.approx(float(pick["Fe(c)"].molar_gibbs(1500.0)))
    with pytest.raises(ValueError, match="begins at"):
        join("Fe", [pick["Fe(a)"], pick["Fe(L)"]])


def test_per_mole_and_per_kilogram():
    data = library.species("H2O").properties([1000.0], per="kilogram")
    mole = library.species("H2O").properties([1000.0])
    assert data.H.attrs["units"] == "J/kg" and mole.S.attrs["units"] == "J/(mol K)"
    assert float(data.H[0]) * 18.015e-3 == pytest.approx(float(mole.H[0]), rel=1e-6)
    assert mole.attrs["standard_pressure"] == BAR and mole.attrs["reference"] == "elements at 298.15 K"
    assert library.species("H2O").properties([9000.0], extrapolate=True).attrs["extrapolated"] == 1
    with pytest.raises(ValueError, match="200 to 6000 K, not at 9000 K; use extrapolate=True"):
        library.species("H2O").properties([9000.0])


def test_unknown_names_have_close_ones():
    with pytest.raises(ValueError, match=r"did you mean C\(gr\)"):
        library.species("c(GR)")
    with pytest.raises(ValueError, match="No collection 'nist'"):
        library.collection("nist")
    with jax.enable_x64(False), pytest.raises(ValueError, match="jax_enable_x64"):
        library.collection("nasa")


CHEMKIN = """THERMO
   300.000  1000.000  5000.000
O2                TPIS89O   2               G   200.000  3500.000  1000.000    1
 3.28253784E+00 1.48308754E-03-7.57966669E-07 2.09470555E-10-2.16717794E-14    2
-1.08845772E+03 5.45323129E+00 3.78245636E+00-2.99673416E-03 9.84730201E-06    3
-9.68129509E-09 3.24372837E-12-1.06394356E+03 3.65767573E+00                   4
END
"""
CEA = """thermo
   200.00   1000.00   6000.00  20000.     9/09/04
N2                Ref-Elm. Gurvich,1978 pt1 p280 pt2 p207.
 2 tpis78 N   2.00    0.00    0.00    0.00    0.00 0   28.0134000          0.000
    200.000   1000.0007 -2.0 -1.0  0.0  1.0  2.0  3.0  4.0  0.0         8670.104
 2.210371497D+04-3.818461820D+02 6.082738360D+00-8.530914410D-03 1.384646189D-05
-9.625793620D-09 2.519705809D-12 0.000000000D+00 7.108460860D+02-1.076003744D+01
   1000.000   6000.0007 -2.0 -1.0  0.0  1.0  2.0  3.0  4.0  0.0         8670.104
 5.877124060D+05-2.239249073D+03 6.066949220D+00-6.139685500D-04 1.491806679D-07
-1.923105485D-11 1.061954386D-15 0.000000000D+00 1.283210415D+04-1.586640027D+01
END PRODUCTS
"""
YAML = """species:
- name: NO
  composition: {N: 1, O: 1}
  thermo:
    model: Shomate
    temperature-ranges: [298.0, 1200.0]
    reference-pressure: 1 bar
    data: [[23.83491, 12.58878, -1.139011, -1.497459, 0.214194, 83.35783, 237.1219]]
"""


def test_the_usual_files(tmp_path):
    """The entries of O2 (GRI-Mech 3.0), N2 (NASA TP-2002-211556) and NO (NIST) in CHEMKIN's, CEA's, Cantera's form."""
    for name, text in (("therm.dat", CHEMKIN), ("thermo.inp", CEA), ("no.yaml", YAML)):
        (tmp_path / name).write_text(text)
    for found, source, name in (
        (read_chemkin(tmp_path / "therm.dat"), "gri30", "O2"), (read_cea(tmp_path / "thermo.inp"), "nasa9", "N2"),
        (read_cantera(tmp_path / "no.yaml"), "shomate", "NO"),
    ):  # fmt: skip
        assert list(found) == [name]
        same = library.species(name, source)
        assert found[name].standard_pressure == same.standard_pressure
        assert found[name].elements == same.elements
        for T in (300.0, 900.0, 1100.0):
            assert float(found[name].molar_gibbs(T)) == pytest.approx(float(same.molar_gibbs(T)), rel=1e-12)
    (tmp_path / "bad.dat").write_text(CHEMKIN.replace("-1.08845772E+03", "-1.08845772E+0x"))
    with pytest.raises(ValueError, match="in line 3 of"):
        read_chemkin(tmp_path / "bad.dat")
    with pytest.raises(ValueError, match="no NASA-9 species"):
        read_cea(tmp_path / "no.yaml")
    with pytest.raises(ValueError, match="There is no file"):
        read_cantera(tmp_path / "none.yaml")


def test_all_of_canteras_gases_are_read():
    """Cantera 3.2's own files, entry by entry, against its own enthalpies and entropies."""
    cantera = pytest.importorskip("cantera")
    folder = Path(cantera.__file__).parent / "data"
    gas = cantera.Solution("gri30.yaml")
    found = read_cantera(folder / "gri30.yaml")
    assert set(found) == set(gas.species_names)
    gas.TP = 1200.0, cantera.one_atm
    factor = cantera.gas_constant / 1e3 * 1200.0
    for name, value in zip(gas.species_names, gas.standard_gibbs_RT, strict=True):
        assert float(found[name].molar_gibbs(1200.0)) / factor == pytest.approx(value, abs=1e-7)
    assert len(read_cantera(folder / "airNASA9.yaml", standard_pressure=BAR)) == 11


def test_weights_of_the_elements():
    cantera = pytest.importorskip("cantera")
    gas = cantera.Solution("gri30.yaml")
    for name, weight in zip(gas.species_names, gas.molecular_weights, strict=True):
        name = "Ar" if name == "AR" else name
        assert library.species(name, "gri30").molar_mass * 1e3 == pytest.approx(weight, rel=1e-4)


def test_the_coefficients_are_leaves():
    """dG/d(a coefficient) is its function of temperature."""
    species = library.species("CO2")
    slope = jax.grad(lambda s: s.molar_gibbs(500.0), allow_int=True)(species)
    assert np.asarray(slope.coefficients)[0, 3] == pytest.approx(0.5)  # t = T/1000 K
