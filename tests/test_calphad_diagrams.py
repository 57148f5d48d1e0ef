"""Phase diagrams: invariants against the oracle and publications, boundaries, critical points, derivatives, command."""

import csv
import functools
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calphad_systems import WHEEL

from diffneq import cli, plotting
from diffneq.thermo.calphad import build, equilibrium, load
from diffneq.thermo.calphad.diagrams import binary, invariant, invariant_temperature, isopleth, step, ternary
from diffneq.thermo.calphad.energy import formula_energy, formula_moles

ORACLE = Path(__file__).parents[2] / "shared" / "data" / "oracle" / "invariants.csv"
# T (K), x of the second element, from assessments: an Mey 1993 with Murray's temperatures; Coughanowr et al. 1991;
# Ngai, Chang 1981. Tolerances: how far the assessments themselves lie from experiment (see databases/README.md).
PUBLISHED = {"Al-Zn": [550.2, 654.2], "Pb-Sn": [456.2], "Cu-Mg": [758.2, 825.2, 998.2]}
NAMES = ["Al-Zn", "Pb-Sn", pytest.param("Cu-Mg", marks=pytest.mark.slow)]
RANGES = {"Al-Zn": (300, 980), "Pb-Sn": (300, 620), "Cu-Mg": (400, 1400)}


@functools.cache
def shipped(name: str):
    """A shipped system and its diagram."""
    with jax.enable_x64(True):
        system = build(load(name), name.split("-"))
        return system, binary(system, T=RANGES[name], progress=False)


def oracle() -> dict[str, list[dict[str, str]]]:
    """The calculated invariants by database, without the four lines of comment."""
    rows = csv.DictReader(line for line in ORACLE.read_text().splitlines() if not line.startswith("#"))
    grouped: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        grouped.setdefault(row["tdb"], []).append(row)
    return grouped


@pytest.mark.skipif(not ORACLE.is_file(), reason="needs ../shared/data")
@pytest.mark.parametrize(
    ("tdb", "components", "span"),
    [
        pytest.param("alzn_mey.tdb", ("AL", "ZN"), (300, 980), marks=pytest.mark.slow),
        pytest.param("pbsn.tdb", ("PB", "SN"), (300, 620), marks=pytest.mark.slow),
        pytest.param("cumg.tdb", ("CU", "MG"), (400, 1400), marks=pytest.mark.slow),
        pytest.param("alni_dupin_2001.tdb", ("AL", "NI"), (400, 2000), marks=pytest.mark.slow),
    ],
)
def test_invariants_of_the_oracle(x64, tdb, components, span):
    system = build(WHEEL / tdb, components, gas_constant=8.3145)
    found = binary(system, T=span, progress=False)
    assert found.notes == ()
    for row in oracle()[tdb]:
        names = [row[f"phase{k}"] for k in (1, 2, 3)]
        x = np.array([float(row[f"x{k}"]) for k in (1, 2, 3)])
        if row["component"] == system.elements[0]:
            names, x = names[::-1], 1.0 - x[::-1]
        order = np.argsort(x)
        same = [r for r in found.invariants if list(r.phases) == [names[k] for k in order]]
        nearest = min(same, key=lambda r: abs(r.T - float(row["T_K"])))
        assert nearest.T == pytest.approx(float(row["T_K"]), abs=0.01)
        assert np.allclose(nearest.x, x[order], atol=2e-5)


@pytest.mark.skipif(not ORACLE.is_file(), reason="needs ../shared/data")
@pytest.mark.slow
def test_invariant_of_phases_without_a_lowest_state(x64):
    """bcc of alcocrni.tdb may empty its lattice, where its energy per atom falls without end: only Newton's method
    from physical site fractions finds the eutectic, which the oracle has the same way."""
    phases = ["FCC_A1", "LIQUID", "BCC_A2"]
    system = build(WHEEL / "alcocrni.tdb", ["CR", "NI"], phases, gas_constant=8.3145)
    y = [np.array([0.48, 0.52, 1.0]), np.array([0.52, 0.48]), np.array([0.64, 0.359, 0.001])]
    y = [own[: record.phase.n_y] for own, record in zip(y, map(system.phase, phases), strict=True)]
    found = invariant(system, phases, 1600.0, y)
    (row,) = oracle()["alcocrni.tdb"]
    assert found.T == pytest.approx(float(row["T_K"]), abs=0.01) and found.kind == "eutectic"
    assert np.allclose(found.x, [1 - float(row[f"x{k}"]) for k in (3, 2, 1)], atol=2e-5)
    assert float(invariant_temperature(system, found)) == pytest.approx(found.T, abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_published_temperatures(x64, name):
    _, found = shipped(name)
    temperatures = [reaction.T for reaction in found.invariants]
    assert np.allclose(temperatures, PUBLISHED[name], atol=6.5)
    assert found.notes == ()


def test_kinds_of_reactions_and_points(x64):
    _, found = shipped("Al-Zn")
    assert [r.kind for r in found.invariants] == ["monotectoid", "eutectic"]
    assert found.invariants[1].equation == "LIQUID -> FCC_A1 + HCP_A3"
    assert [p.kind for p in found.points] == ["critical point of a miscibility gap", "melting of ZN", "melting of AL"]


@pytest.mark.slow
def test_congruent_melting_of_compounds(x64):
    _, found = shipped("Cu-Mg")
    congruent = {round(p.T, 1): p for p in found.points if p.kind == "congruent melting"}
    assert sorted(congruent) == [840.8, 1070.5]
    assert all(abs(p.x[0] - p.x[1]) < 1e-9 for p in congruent.values())
    texts = {text.get_text() for text in plotting.binary_phase_diagram(found.dataset).axes[0].texts}
    assert {"liquid", "Cu$_2$Mg", "CuMg$_2$", "fcc + Cu$_2$Mg"} <= texts


@pytest.mark.slow
def test_minima_maxima_and_the_gamma_loop(x64):
    """Cr-Fe: three congruent points, of which two are minima or maxima far from any row of the survey."""
    found = binary(build(load("Cr-Fe"), ["CR", "FE"]), T=(400, 2300), progress=False)
    congruent = [(p.T, p.x[0]) for p in found.points if "congruent" in p.kind]
    assert np.allclose(congruent, [(1104.87, 0.5455), (1126.33, 0.9260), (1788.71, 0.7882)], atol=(0.05, 1e-3))
    (eutectoid,) = found.invariants
    assert eutectoid.T == pytest.approx(784.95, abs=0.01) and found.notes == ()


@pytest.mark.parametrize("name", NAMES)
def test_both_phases_of_every_tie_line_have_the_same_chemical_potentials(x64, name):
    """G = mu . M and dG/dy - mu . dM/dy equal on a sublattice, in J/mol, evaluated from scratch."""
    system, found = shipped(name)
    tables, P = system.tables, 101325.0

    @jax.jit
    @jax.vmap
    def off(phase, T, y, mu):
        height = lambda y: formula_energy(tables, phase, T, P, y) - mu @ formula_moles(tables, phase, y)[:2]
        value, slope = jax.value_and_grad(height)(y)
        mean = tables.sites[phase].T @ (tables.sites[phase] @ (y * slope))
        return value, jnp.where(y > 1e-12, slope - mean, 0.0)

    for region in found.regions:
        for side in (0, 1):
            phase = np.full(len(region.T), system.index(region.phases[side]))
            height, slope = off(phase, region.T, region.y[:, side], region.mu)
            assert np.abs(height).max() < 1e-6
            assert np.abs(slope).max() < 1e-6


def test_the_gap_closes_where_the_spinodal_meets_it(x64):
    """At the critical point d2G/dx2 = d3G/dx3 = 0, and both sides of the gap arrive there."""
    system, found = shipped("Al-Zn")
    (point,) = [p for p in found.points if "critical" in p.kind]
    fcc = system.phase("FCC_A1")
    energy = lambda x: fcc.energy(point.T, jnp.stack([1 - x, x]))
    x = jnp.asarray(point.x[0])
    assert abs(jax.grad(jax.grad(energy))(x)) < 1e-6
    assert abs(jax.grad(jax.grad(jax.grad(energy)))(x)) < 1e-4
    (gap,) = [r for r in found.regions if r.phases == ("FCC_A1", "FCC_A1")]
    width = gap.x[:, 1] - gap.x[:, 0]
    assert width[-1] == 0.0 and gap.T[-1] == pytest.approx(point.T)
    # The width grows like the square root of the distance.
    near = (point.T - gap.T[:-1] > 1e-3) & (point.T - gap.T[:-1] < 3.0)
    ratio = width[:-1][near] ** 2 / (point.T - gap.T[:-1][near])
    assert near.sum() >= 3 and np.ptp(ratio) < 0.05 * ratio.mean()


def test_derivatives_of_an_invariant_temperature(x64):
    system, found = shipped("Al-Zn")
    eutectic, coefficients = found.invariants[1], system.tables.coefficients
    temperature = jax.jit(lambda c: invariant_temperature(system, eutectic, c))
    slope = np.asarray(jax.jit(jax.grad(lambda c: invariant_temperature(system, eutectic, c)))(coefficients))
    assert temperature(coefficients) == pytest.approx(eutectic.T, abs=1e-9)
    largest = 1 + np.argsort(-np.abs(slope[1:, 0]))[:4]  # unit 0 is the number 1
    for unit in largest:
        size = 0.5
        up, down = (temperature(coefficients.at[unit, 0].add(s)) for s in (size, -size))
        assert (up - down) / (2 * size) == pytest.approx(slope[unit, 0], rel=1e-5)
    assert np.abs(slope[largest, 0]).min() > 1e-6


@pytest.mark.slow
def test_step_diagram(x64):
    """Changes of phase lie on the lines of the diagram; C_P is dH/dT; amounts sum to one."""
    system, found = shipped("Al-Zn")
    along = step(system, T=(450.0, 950.0), x={"ZN": 0.3}, count=101)
    expected = [found.invariants[0].T]
    for phases, side in ((("FCC_A1", "FCC_A1"), 0), (("FCC_A1", "LIQUID"), 0), (("FCC_A1", "LIQUID"), 1)):
        (line,) = [r for r in found.regions if r.phases == phases]
        order = np.argsort(line.x[:, side])
        expected.append(np.interp(0.3, line.x[order, side], line.T[order]))
    assert np.allclose(along.transitions, sorted(expected), atol=0.05)
    assert np.allclose(along.amount.sum("phase"), 1.0)
    calm = (along.T > 860) & (along.T < 940)
    slope = np.gradient(along.H.values[calm], along.T.values[calm])[1:-1]
    assert np.allclose(slope, along.C_P.values[calm][1:-1], rtol=1e-3)
    plotting.step_diagram(along)


@pytest.mark.slow
def test_ternary_section_and_isopleth(x64):
    """Every tie-line is the equilibrium at its middle; the isopleth crosses the boundary of the section."""
    system = build(WHEEL / "crtiv_ghosh.tdb", ["CR", "TI", "V"])
    section = ternary(system, 1000.0, count=32, progress=False)
    assert {frozenset(p) for p, _ in section.families} == {
        frozenset(("BCC_A2", "HCP_A3")),
        frozenset(("BCC_A2", "LAVES_C15")),
    }
    for _, x in section.families:
        middle = x[:: max(1, len(x) // 8)].mean(axis=1)
        result = equilibrium(system, T=np.full(len(middle), 1000.0), x={"TI": middle[:, 1], "V": middle[:, 2]})
        ends = np.sort(result.x.values[:, :2, 1], axis=1)
        assert np.allclose(ends, np.sort(x[:: max(1, len(x) // 8), :, 1], axis=1), atol=1e-6)
    plotting.ternary_section(section.dataset)
    ends = {"CR": 0.0, "V": 0.1}, {"CR": 0.9, "V": 0.1}
    lines = isopleth(system, (900.0, 1100.0), *ends, shape=(9, 33), progress=False)
    assert {p for p, *_ in lines.labels} >= {("BCC_A2",), ("BCC_A2", "LAVES_C15")}
    plotting.isopleth_section(lines.dataset)


def test_pictures_are_drawn_in_every_unit(x64):
    _, found = shipped("Al-Zn")
    for composition in ("mole fraction", "mole percent", "mass percent"):
        figure = plotting.binary_phase_diagram(found.dataset, composition=composition, celsius=True)
        texts = {text.get_text() for text in figure.axes[0].texts}
        assert {"liquid", "fcc", "fcc + hcp"} <= texts
    with pytest.raises(ValueError, match="composition must be"):
        plotting.binary_phase_diagram(found.dataset, composition="weight")


def test_errors_are_sentences(x64):
    system = build(load("Al-Zn"), ["AL", "ZN"])
    with pytest.raises(ValueError, match="lower one first"):
        binary(system, T=(900, 300))
    with pytest.raises(ValueError, match="needs two elements"):
        binary(build(load("Al-Zn"), ["AL"]))


def test_command(capsys, tmp_path):
    status = cli.main(["diagram", "Pb-Sn", "SN", "PB", "--temperature", "300", "620", "--out", str(tmp_path), "--json"])
    record = json.loads(capsys.readouterr().out)
    assert status == 0
    (eutectic,) = record["invariants"]
    assert eutectic["T"] == pytest.approx(454.57, abs=0.01)
    assert [p["name"] for p in eutectic["phases"]] == ["BCT_A5", "LIQUID", "FCC_A1"]
    assert [p["x"] for p in eutectic["phases"]] == pytest.approx([0.0245, 0.2627, 0.7368], abs=1e-4)
    assert {path.name for path in tmp_path.iterdir()} == {"diagram.png", "boundaries.csv", "diagram.nc"}


def test_errors_of_the_command_are_sentences(capsys, tmp_path):
    for arguments, words in (
        (["Pb-Sn", "PB", "PB"], "two different components"),
        (["no.tdb", "PB", "SN"], "no database file"),
        (["Pb-Sn", "PB", "XX"], "no element XX"),
        (["Pb-Sn", "PB", "SN", "--temperature", "900", "300"], "lower one first"),
        (["Pb-Sn", "PB", "SN", "--phases", "SIGMA"], "no phase SIGMA"),
    ):
        assert cli.main(["diagram", *arguments, "--out", str(tmp_path)]) == 2
        message = capsys.readouterr().err.strip()
        assert words in message and message.startswith("diffneq diagram: ") and "\n" not in message
