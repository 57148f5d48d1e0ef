"""Energies of single phases against pycalphad (R = 8.3145 J/(mol K)), published numbers and finite differences."""

import collections
import csv
import functools
import itertools
import json
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pycalphad
import pytest
from calphad_systems import WHEEL
from tinydb import where

from diffneq.thermo.calphad.database import load
from diffneq.thermo.calphad.energy import formula_energy, formula_moles, molar_energy
from diffneq.thermo.calphad.physical import (
    CHANNELS,
    improved_magnetic_function,
    magnetic_function,
    physical_energy,
)
from diffneq.thermo.calphad.system import build
from diffneq.thermo.calphad.tables import Magnetism

pytestmark = pytest.mark.usefixtures("x64")

R = 8.3145
THERMO_CALC_R = 8.31451  # of the numbers that come from there
SHARED = Path(__file__).parents[2] / "shared" / "data"
# pycalphad adds the magnetic energies of the ordered part at y and at x instead of one energy of the summed properties
# (its issue 318): right only where the ordered phase has no TC and BMAGN of its own. alcfe_b2 has some.
PARTITION_DEFECT = {("alcfe_b2.tdb", "B2_BCC")}
PROPERTIES = ("GM", "HM", "SM", "CPM")


@functools.cache
def database(name):
    return load(WHEEL / name)


@jax.jit
def properties(tables, phase, T, P, y):
    """(G, H, S, C_P) per mole of atoms, at many points."""

    def one(phase, T, P, y):
        energy = lambda t: molar_energy(tables, phase, t, P, y)
        slope = lambda t: jax.jvp(energy, (t,), (jnp.ones_like(t),))[1]
        first, second = jax.jvp(slope, (T,), (jnp.ones_like(T),))
        value = energy(T)
        return jnp.stack([value, value - T * first, -first, -T * second])

    return jax.vmap(one)(phase, T, P, y)


def evaluate(system, names, T, P, fractions):
    """Properties of points given by full lists of site fractions, those of vacancies alone included."""
    padded = np.zeros((len(names), system.tables.sizes[2]))
    for n, (name, y) in enumerate(zip(names, fractions, strict=True)):
        phase = system.phases[system.index(name)]
        kept = [phase.full_variables.index(variable) for variable in phase.variables]
        padded[n, : phase.n_y] = np.asarray(y)[kept]
    index = jnp.asarray([system.index(name) for name in names])
    return np.asarray(properties(system.tables, index, jnp.asarray(T), jnp.asarray(P), jnp.asarray(padded)))


def oracle(*path):
    file = SHARED.joinpath(*path)
    if not file.is_file():
        pytest.skip(f"{file} is not here")
    return file.read_text().splitlines()


def agree(ours, theirs):
    np.testing.assert_array_less(np.abs(ours - theirs), np.maximum(1e-8 * np.abs(theirs), 1e-4))


def grouped(rows):
    """Rows by database and components, a disordered phase and its ordered partner apart."""
    groups = collections.defaultdict(list)
    for row in rows:
        hints = database(row["tdb"]).content.phases[row["phase"]].model_hints
        disordered = hints.get("disordered_phase") == row["phase"]
        groups[row["tdb"], tuple(row["components"]), disordered].append(row)
    return groups


TESTED = ["alzn_mey", "crfe_bcc_magnetic", "alcrni", "alni_dupin_2001", "issue43", "cuo", "alfe", "femns", "alfeo"]
QUICK = {"alzn_mey", "alni_dupin_2001", "femns", "alcrni"}


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in TESTED])
def test_energies_agree_with_pycalphad(name):
    rows = [json.loads(line) for line in oracle("oracle", "phase_energies_pycalphad.jsonl")]
    rows = [row for row in rows if row["tdb"] == f"{name}.tdb"]
    assert rows
    for (tdb, components, _), group in grouped(rows).items():
        names = [row["phase"] for row in group]
        system = build(database(tdb), components, names, gas_constant=R)
        column = lambda key, group=group: [row[key] for row in group]
        ours = evaluate(system, names, column("T"), column("P"), column("Y"))
        agree(ours, np.array([[row[key] for key in PROPERTIES] for row in group]))


def test_every_row_of_the_oracle_is_tested():
    rows = [json.loads(line) for line in oracle("oracle", "phase_energies_pycalphad.jsonl")]
    known = {f"{name}.tdb" for name in TESTED} | {tdb for tdb, _ in PARTITION_DEFECT}
    assert {row["tdb"] for row in rows} <= known


def without_magnetism(name):
    """A database of pycalphad without magnetic parameters."""
    content = pycalphad.Database(str(WHEEL / name))
    content._parameters.remove(where("parameter_type").one_of(["TC", "BMAGN"]))
    return content


@pytest.mark.filterwarnings("ignore:The order-disorder model")
@pytest.mark.parametrize(
    "name, components, phase",
    [
        ("alcfe_b2.tdb", ("AL", "C", "FE", "VA"), "B2_BCC"),
        pytest.param("Al-Fe_sundman2009.tdb", ("AL", "FE", "VA"), "BCC_4SL", marks=pytest.mark.slow),
    ],
)
def test_magnetic_properties_are_partitioned_before_their_energy(name, components, phase):
    # pycalphad partitions T_C and beta rightly where no sign is taken (factor 1), its energy it does not: compose that.
    content = without_magnetism(name)
    raw = pycalphad.Database(str(WHEEL / name))
    for entry in raw.phases.values():
        entry.model_hints["ihj_magnetic_afm_factor"] = 1.0
    magnetic = pycalphad.Model(raw, components, phase)
    system = build(database(name), components, [phase], gas_constant=R)
    (record,) = system.phases
    rng = np.random.default_rng(3)
    y = np.concatenate([rng.dirichlet(np.ones(len(names)), 4) for names in record.sublattices], axis=1)
    T = 500.0
    expected = pycalphad.calculate(content, components, phase, T=T, P=101325.0, N=1, points=y).GM.values.ravel()
    values = [dict(zip(record.full_variables, row, strict=True)) for row in y]
    for n, value in enumerate(values):
        at = lambda expression, value=value: float(
            expression.subs({y: value[y.sublattice_index, y.species.name] for y in expression.free_symbols}).n()
        )
        curie, moment = at(magnetic.TC), at(magnetic.BMAG)
        curie, moment = (value if value > 0.0 else -value for value in (curie, moment))  # the factor of bcc is -1
        atoms = sum(record.site_ratios[s] * number for (s, species), number in value.items() if species != "VA")
        g = magnetic_function(jnp.array(curie / T), jnp.array(0.4))
        expected[n] += R * T * np.log1p(moment) * float(g) / atoms
    ours = evaluate(system, [phase] * 4, [T] * 4, [101325.0] * 4, y)[:, 0]
    agree(ours, expected)


def liquid_iron_manganese(T, iron):
    system = build(database("femn.tdb"), ["FE", "MN"], gas_constant=THERMO_CALC_R)
    return float(evaluate(system, ["LIQUID"], [T], [101325.0], [[iron, 1.0 - iron, 1.0]])[0, 0])


@pytest.mark.parametrize(
    "T, iron, energy", [(10.0, 1.0, 10158.591), (300.0, 0.3, 4200.8435), (1500.0, 0.8, -86332.217)]
)
def test_einstein_two_states_and_improved_magnetism(T, iron, energy):
    """The numbers of pycalphad's tests; below T_C they carry its tau^21 defect, which is added here by hand."""
    defect = 0.0
    p, curie, moment = 0.25, 200.0 * iron, 1.7 * iron
    if T < curie:
        scale = 0.33471979 + 0.49649686 * (1.0 / p - 1.0)
        excess = (0.63570895 * (1.0 / p - 1.0) - 1.0) * (T / curie) ** 21 / 1617.0
        defect = THERMO_CALC_R * T * np.log1p(moment) * excess / scale
    assert liquid_iron_manganese(T, iron) + defect == pytest.approx(energy, abs=2e-3)


def test_numbers_asserted_by_pycalphad():
    """Of oracle/pycalphad_test_numbers.csv, kind phase; several were checked there against Thermo-Calc."""
    # fractions of the sublattices one after the other, in the order of the names
    points = [
        ("alcrni.tdb", "CR NI", "L12_FCC", 500, [0.33, 0.67, 0.33, 0.67, 1.0], -16884.0, 0.1),
        ("alcrni.tdb", "CR NI", "L12_FCC", 300, [4.86783e-2, 0.951322, 0.933965, 6.60348e-2, 1.0], -9239.53, 0.01),
        ("alcrni.tdb", "CR NI", "LIQUID", 300, [1e-12, 1.0], 5527.73, 0.01),
        ("alcrni.tdb", "AL CR NI", "LIQUID", 1500, [0.44, 0.20, 0.36], -116529.0, 1.0),
        ("alcrni.tdb", "AL CR NI", "FCC_A1", 300, [0.197135, 0.0143243, 0.788541, 1.0], -37433.794, 0.02),
        ("CoV-20Wan.tdb", "CO V", "SIGMA_D8B", 1250, [1.0, 0.0, 0.0, 1.0, 1.0, 0.0], -61190.088, 0.01),
        ("CoV-20Wan.tdb", "CO V", "SIGMA_D8B", 1250, [0.5] * 6, -73928.245, 0.7),
        ("femns.tdb", "FE S", "IONIC_LIQ", 1600, [1.0, 0.25, 0.5, 0.25], -138484.11, 0.1),
        ("femns.tdb", "FE S", "IONIC_LIQ", 1600, [1.0, 1 / 3, 1 / 3, 1 / 3], -130358.2, 0.1),
    ]
    rows = [line.split(",") for line in oracle("oracle", "pycalphad_test_numbers.csv") if line.startswith("phase,")]
    stated = {(row[1], float(row[6])) for row in rows if row[1].endswith(".tdb") and row[1] != "femn.tdb"}
    assert stated == {(tdb, energy) for tdb, *_, energy, _ in points}
    for (tdb, phase), group in itertools.groupby(points, key=lambda point: (point[0], point[2])):
        for point in group:
            system = build(database(tdb), point[1].split(), [phase], gas_constant=R)
            (energy,) = evaluate(system, [phase], [float(point[3])], [101325.0], [point[4]])[:, 0]
            assert energy == pytest.approx(point[5], abs=point[6]), point


ELEMENTS = "ELEMENT VA VACUUM 0 0 0 !\n" + "".join(f"ELEMENT {e} X 1 0 0 !\n" for e in ("MO", "NB", "C"))


def test_reciprocal_parameters_follow_thermo_calc():
    """L_1 goes with the last mixing sublattice and L_2 with the first (Thermo-Calc's number in pycalphad's tests)."""
    text = f"""{ELEMENTS} PHASE FCC_A1 % 2 1 1 !
    CONSTITUENT FCC_A1 : MO,NB : C,VA : !
    PARAMETER G(FCC_A1,MO,NB:C,VA;0) 298.15 -300000; 6000 N !
    PARAMETER G(FCC_A1,MO,NB:C,VA;1) 298.15 -200000; 6000 N !
    PARAMETER G(FCC_A1,MO,NB:C,VA;2) 298.15 -100000; 6000 N !
    TYPE_DEFINITION % SEQ * !"""
    fcc = build(text, ["MO", "NB", "C"], gas_constant=THERMO_CALC_R).phase("FCC_A1")
    y = fcc.site_fractions({"MO": 0.3, "NB": 0.7}, {"C": 0.8, "VA": 0.2})
    assert float(fcc.energy(1773.15, y)) == pytest.approx(-16195.14703, abs=1e-5)


STRUCTURES = {"BCC_A2": (-1.0, 0.40), "CBCC_A12": (-3.0, 0.28), "CUB_A13": (-3.0, 0.28), "FCC_A1": (-3.0, 0.28)}
BASIS_TEXT = ("1", "T", "T*LN(T)", *(f"T**{n}" for n in (2, 3, 4, 5, 7)), *(f"T**(-{n})" for n in (1, 2, 3, 9)))


def unary_text():
    """A database of the pure elements, written from the coefficients of SGTE."""
    rows = list(csv.reader(line for line in oracle("sgte_unary_coefficients.csv") if not line.startswith("#")))[1:]
    pieces = collections.defaultdict(list)
    for element, phase, _, low, high, *rest in rows:
        if not rest[12]:
            pieces[phase, element].append((float(low), float(high), rest[:12], rest[13], rest[14]))
    elements = sorted({element for _, element in pieces})
    text = "ELEMENT VA VACUUM 0 0 0 !\n" + "".join(f"ELEMENT {e} X 1 0 0 !\n" for e in elements)
    text += "TYPE_DEFINITION % SEQ * !\n"
    for n, (phase, (afm, p)) in enumerate({**STRUCTURES, "HCP_A3": (-3.0, 0.28)}.items()):
        text += f"TYPE_DEFINITION {'ABDEF'[n]} GES A_P_D {phase} MAGNETIC {afm} {p} !\n"
    marks = dict(zip([*STRUCTURES, "HCP_A3"], "ABDEF", strict=True))
    for phase in sorted({phase for phase, _ in pieces}):
        members = sorted(e for name, e in pieces if name == phase)
        text += f"PHASE {phase} %{marks.get(phase, '')} 1 1 !\nCONSTITUENT {phase} :{','.join(members)}: !\n"
    for (phase, element), parts in pieces.items():
        text += f"PARAMETER G({phase},{element};0)"
        for k, (low, high, numbers, _, _) in enumerate(sorted(parts)):
            sums = "".join(f"{float(c):+.12g}*{b}\n" for c, b in zip(numbers, BASIS_TEXT, strict=True) if float(c or 0))
            text += f" {low if k == 0 else ''} {sums or '0'}; {high} {'N' if k == len(parts) - 1 else 'Y'}"
        text += " !\n"
        for kind, number in (("TC", parts[0][3]), ("BMAGN", parts[0][4])):
            text += f"PARAMETER {kind}({phase},{element};0) 1 {number}; 6000 N !\n" if number else ""
    return text


def test_pure_elements_of_sgte():
    system = build(
        unary_text(),
        sorted({line.split(",")[0] for line in oracle("oracle", "unary_sgte_GHSCp.csv")[2:]}),
        gas_constant=R,
    )
    rows = [line.split(",") for line in oracle("oracle", "unary_sgte_GHSCp.csv")[2:]]
    names = [row[1] for row in rows]
    fractions = [
        [float(name == row[0]) for _, name in system.phases[system.index(row[1])].full_variables] for row in rows
    ]
    T = [float(row[2]) for row in rows]
    agree(evaluate(system, names, T, [101325.0] * len(rows), fractions), np.array(rows)[:, 3:].astype(float))


@pytest.mark.parametrize("p", [0.25, 0.28, 0.37, 0.40])
@pytest.mark.parametrize("function, jump", [(magnetic_function, 1e-12), (improved_magnetic_function, 2e-8)])
def test_magnetic_functions_are_smooth_at_the_transition(function, jump, p):
    sides = jnp.array([1.0 - 1e-12, 1.0 + 1e-12])
    value = jax.vmap(lambda s: function(s, p))(sides)
    slope = jax.vmap(jax.grad(lambda s: function(s, p)))(sides)
    assert abs(value[1] - value[0]) < jump + 1e-11
    assert abs(slope[1] - slope[0]) < 10 * jump + 1e-10


def test_physical_energies_are_finite_with_two_derivatives_everywhere():
    def all_derivatives(kind, values, T):
        p, afm = jnp.where(kind == 0, 0.0, 0.28), jnp.where(kind == 1, -3.0, 0.0)
        energy = lambda values, T: physical_energy(CHANNELS, values, T, Magnetism(kind, p, afm), R)
        return energy(values, T), jax.grad(energy, (0, 1))(values, T), jax.hessian(energy, (0, 1))(values, T)

    numbers = [[0.0, -500.0, 500.0, 1e-300], [0.0, -5.0, 2.0], [0.0, 300.0, -300.0], [0.0, -800.0, 20.0], [1.0, 0.0]]
    points = list(itertools.product([0, 1, 2], [1.0, 500.0, 6000.0], *numbers, [0.0, 1e6, -1e6], [1.0]))
    kinds, T, values = (jnp.array([point[part] for point in points]) for part in (0, 1, slice(2, None)))
    found = jax.jit(jax.vmap(all_derivatives))(kinds, values, T)
    assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(found))


def test_gradients_agree_with_finite_differences():
    system = build("Al-Ni", ["AL", "NI"], ["BCC_B2"])
    tables = system.tables
    y = jnp.pad(jnp.array([0.8, 0.15, 0.05, 0.1, 0.85, 0.05]), (0, tables.sizes[2] - 6))
    energy = jax.jit(lambda T, y: formula_energy(tables, 0, T, 101325.0, y))
    slope_T, slope_y = jax.jit(jax.grad(energy, argnums=(0, 1)))(500.0, y)
    curvature = jax.jit(jax.hessian(energy, argnums=1))(500.0, y)
    gradient = jax.jit(jax.grad(energy, argnums=1))
    assert float(slope_T) == pytest.approx(float(energy(500.01, y) - energy(499.99, y)) / 0.02, rel=1e-7)
    for j in range(6):
        step = jnp.zeros_like(y).at[j].set(1e-6)
        assert float(slope_y[j]) == pytest.approx(
            float(energy(500.0, y + step) - energy(500.0, y - step)) / 2e-6, rel=1e-6
        )
        by_step = (gradient(500.0, y + step) - gradient(500.0, y - step)) / 2e-6
        np.testing.assert_allclose(curvature[j], by_step, rtol=1e-6, atol=1e-2)


def test_every_coefficient_is_a_leaf_that_can_be_differentiated():
    """G is linear in the coefficients of the Redlich-Kister terms: the slope is feature times basis function."""
    system = build("Al-Zn", ["AL", "ZN"], ["LIQUID"])
    y = jnp.pad(jnp.array([0.7, 0.3]), (0, system.tables.sizes[2] - 2))
    tables = system.tables

    def energy(coefficients):
        changed = eqx.tree_at(lambda t: t.coefficients, tables, coefficients)
        return formula_energy(changed, 0, 800.0, 101325.0, y)

    slope = np.asarray(jax.grad(energy)(tables.coefficients))
    (unit,) = np.flatnonzero(np.isclose(np.asarray(tables.coefficients)[:, 0], 10465.5))
    assert slope[unit, 0] == pytest.approx(0.7 * 0.3, rel=1e-12)
    assert slope[unit, 1] == pytest.approx(0.7 * 0.3 * 800.0, rel=1e-12)


def test_energy_at_the_corner_of_the_constitution():
    """y ln y is zero at y = 0, and the slope there is finite and steep."""
    system = build("Al-Zn", ["AL", "ZN"], ["LIQUID"])
    liquid = system.phase("LIQUID")
    pure = liquid.energy(900.0, jnp.array([1.0, 0.0]))
    assert float(pure) == pytest.approx(float(liquid.energy(900.0, jnp.array([1.0 - 1e-15, 1e-15]))), abs=1e-6)
    assert float(liquid.gradient(900.0, jnp.array([1.0, 0.0]))[1]) < -1e6


def test_reference_states_remove_the_pure_elements():
    system = build("Al-Ni", ["AL", "NI"])
    fcc = system.phase("FCC_L12")
    states = {"Al": ("FCC_A1", None), "Ni": ("FCC_A1", None)}
    mixed = system.phase("FCC_L12", relative_to=states)
    nickel = fcc.site_fractions({"NI": 1.0}, {"NI": 1.0})
    for name in ("energy", "enthalpy", "entropy", "heat_capacity"):
        assert float(getattr(mixed, name)(900.0, nickel)) == pytest.approx(0.0, abs=1e-7)
    equal = fcc.site_fractions({"AL": 0.5, "NI": 0.5}, {"AL": 0.5, "NI": 0.5})
    own = np.asarray(fcc.energy(900.0, jnp.stack([nickel, equal, fcc.site_fractions({"AL": 1.0}, {"AL": 1.0})])))
    assert float(mixed.energy(900.0, equal)) == pytest.approx(own[1] - (own[0] + own[2]) / 2, abs=1e-6)
    fixed = system.phase("FCC_L12", relative_to={"Al": ("FCC_A1", 298.15), "Ni": ("FCC_A1", 298.15)})
    rise = float(fcc.enthalpy(900.0, nickel) - fcc.enthalpy(298.15, nickel))
    assert float(fixed.enthalpy(900.0, nickel)) == pytest.approx(rise, abs=1e-6)


def test_driving_force_of_an_endmember_vanishes_at_its_own_potential():
    system = build("Cu-Mg", ["CU", "MG"])
    compound = system.phase("CUMG2")
    y = jnp.array([1.0, 1.0])
    energy = compound.energy(700.0, y)
    assert float(compound.driving_force([energy, energy], 700.0, y)) == pytest.approx(0.0, abs=1e-8)
    np.testing.assert_allclose(compound.moles(y), [1.0, 2.0])
    per_formula = compound.energy(700.0, y, per="formula")
    assert float(per_formula) == pytest.approx(3.0 * float(energy), rel=1e-12)
    moles = formula_moles(system.tables, system.index("CUMG2"), jnp.pad(y, (0, system.tables.sizes[2] - 2)))
    assert float(moles.sum()) == 3.0
