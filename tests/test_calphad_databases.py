"""The shipped thermodynamic databases: read by pycalphad, equal to other transcriptions, and true to measured diagrams.

pycalphad 0.11 (R = 8.3145) is the reference here: a database is data, so an independent program must read it and find
the invariant temperatures that were published. The files in pycalphad's own wheel serve to compare numbers only.
"""

import csv
import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from calphad_systems import WHEEL
from scipy.optimize import brentq, fsolve

pycalphad = pytest.importorskip("pycalphad")
symengine = pytest.importorskip("symengine")
v = pycalphad.variables

HERE = Path(__file__).resolve().parents[1] / "diffneq" / "thermo" / "calphad" / "databases"
SGTE = Path(__file__).resolve().parents[2] / "shared" / "data" / "sgte_unary_coefficients.csv"
NAMES = ["Al-Zn", "Cu-Mg", "Pb-Sn", "Al-Ni", "Ag-Cu", "Cr-Fe", "Fe-C"]


@pytest.fixture(scope="module")
def load():
    store = {}

    def read(name):
        if name not in store:
            store[name] = pycalphad.Database(str(HERE / f"{name}.tdb"))
        return store[name]

    return read


# Reading


@pytest.mark.parametrize("name", NAMES)
def test_pycalphad_reads_and_writes_back(load, name):
    database = load(name)
    assert database.elements - {"VA"} == {part.upper() for part in name.split("-")}
    assert pycalphad.Database.from_string(database.to_string(fmt="tdb"), fmt="tdb") == database


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_names_a_listed_reference(name):
    text = (HERE / f"{name}.tdb").read_text(encoding="ascii")
    assert text.startswith(f"$ diffneq database {name}, version ")
    assert max(map(len, text.splitlines())) < 80  # longer lines are cut by some readers
    body, listed = text.split("LIST_OF_REFERENCES")
    parameters = [part for part in body.split("!") if part.strip().startswith("PARAMETER")]
    used = [re.search(r"\sN\s+(REF\d+)\s*$", part).group(1) for part in parameters]
    assert set(used) == set(re.findall(r"^  (REF\d+) ", listed, re.M))


# The numbers: against SGTE's table, and against other transcriptions of the same assessments

UNARY = [
    ("Al-Zn", "AL", "FCC_A1", "FCC_A1"),
    ("Al-Zn", "AL", "HCP_A3", "HCP_A3"),
    ("Al-Zn", "AL", "LIQUID", "LIQUID"),
    ("Al-Zn", "ZN", "FCC_A1", "FCC_A1"),
    ("Al-Zn", "ZN", "HCP_A3", "HCP_ZN"),  # this file's hcp zinc is the stable one
    ("Al-Zn", "ZN", "LIQUID", "LIQUID"),
    ("Cu-Mg", "CU", "FCC_A1", "FCC_A1"),
    ("Cu-Mg", "CU", "LIQUID", "LIQUID"),
    ("Cu-Mg", "MG", "FCC_A1", "FCC_A1"),
    ("Cu-Mg", "MG", "HCP_A3", "HCP_A3"),
    ("Cu-Mg", "MG", "LIQUID", "LIQUID"),
    ("Pb-Sn", "PB", "BCT_A5", "BCT_A5"),
    ("Pb-Sn", "PB", "FCC_A1", "FCC_A1"),
    ("Pb-Sn", "PB", "LIQUID", "LIQUID"),
    ("Pb-Sn", "SN", "BCT_A5", "BCT_A5"),  # not FCC_A1: Dinsdale 1991's value is kept on purpose
    ("Pb-Sn", "SN", "LIQUID", "LIQUID"),
    ("Ag-Cu", "AG", "FCC_A1", "FCC_A1"),
    ("Ag-Cu", "AG", "LIQUID", "LIQUID"),
    ("Al-Ni", "AL", "BCC_A2", "BCC_A2"),
    ("Al-Ni", "NI", "BCC_A2", "BCC_A2"),
    ("Al-Ni", "NI", "FCC_A1", "FCC_A1"),
    ("Al-Ni", "NI", "LIQUID", "LIQUID"),
    ("Cr-Fe", "CR", "BCC_A2", "BCC_A2"),
    ("Cr-Fe", "CR", "FCC_A1", "FCC_A1"),
    ("Cr-Fe", "CR", "LIQUID", "LIQUID"),
    ("Cr-Fe", "FE", "BCC_A2", "BCC_A2"),
    ("Cr-Fe", "FE", "FCC_A1", "FCC_A1"),
    ("Cr-Fe", "FE", "LIQUID", "LIQUID"),
    ("Fe-C", "C", "GRAPHITE", "GRAPHITE"),
    ("Fe-C", "C", "LIQUID", "LIQUID"),
]
BASIS = {
    "1": lambda T: 1.0, "T": lambda T: T, "TLNT": lambda T: T * np.log(T), "T2": lambda T: T**2, "T3": lambda T: T**3,
    "T4": lambda T: T**4, "T5": lambda T: T**5, "T7": lambda T: T**7, "Tm1": lambda T: T**-1, "Tm2": lambda T: T**-2,
    "Tm3": lambda T: T**-3, "Tm9": lambda T: T**-9,
}  # fmt: skip


def pure_energy(database, element, phase, magnetic=True):
    """G(T) of the pure element in a phase, J/mol, from pycalphad's model with that element alone."""
    model = pycalphad.Model(database, [element, "VA"], phase)
    energy = model.GM if magnetic else model.GM - model.models["mag"]
    sites = [y for y in energy.free_symbols if isinstance(y, v.SiteFraction)]
    held = {y.sublattice_index for y in sites if element in y.species.constituents}
    fixed = {y: 1.0 if element in y.species.constituents or y.sublattice_index not in held else 1e-20 for y in sites}
    call = symengine.Lambdify([v.T], [energy.subs(fixed)])
    return lambda T: float(call([T])[0])


@pytest.mark.skipif(not SGTE.exists(), reason="needs the table of SGTE coefficients in shared/")
@pytest.mark.parametrize("name, element, phase, tabled", UNARY)
def test_pure_elements_follow_sgte_in_every_piece(load, name, element, phase, tabled):
    lines = [line for line in SGTE.read_text().splitlines() if not line.startswith("#")]
    rows = [row for row in csv.DictReader(lines) if (row["element"], row["phase"]) == (element, tabled)]
    energy = pure_energy(load(name), element, phase, magnetic=False)
    for row in rows:
        low, high = float(row["Tlo_K"]), float(row["Thi_K"])
        for T in np.linspace(low, high, 5)[1:-1]:
            expected = sum(float(row[key]) * basis(T) for key, basis in BASIS.items())
            # 5 mJ: the table repeats coefficients rounded to 1e-6 where the file refers to GHSER
            assert energy(T) == pytest.approx(expected, abs=5e-3)


# name, file in the wheel, and by how much its pure elements and end-members differ from ours (J per mole of atoms
# at 298..1900 K), with the reason; everything that mixes is equal.
TWINS = [
    ("Al-Zn", "alzn_mey.tdb", 42.0),  # GHSERAL with 137.0715*T for SGTE's 137.093038*T, and shorter zinc digits
    ("Cu-Mg", "cumg.tdb", 4.5),  # SGTE before 1991: GHSERMG with 143.677875*T for 143.675547*T
    ("Pb-Sn", "pbsn.tdb", 31.0),  # GHSERSN with 65.427891*T for 65.443315*T; GHSERPB 101.715188*T for 101.700244*T
    ("Cr-Fe", "mc_fecocrnbti.tdb", 1.5),  # MatCalc's open nickel database: liquid Fe above 1811 K, GHSERCR in the 1 mJ
    ("Al-Ni", "alni_dupin_2001.tdb", 0.1),  # liquid Al 11005.029 for 11005.045; above 1728 K Ni -27840.655
]


def constituents(database, phase, components):
    return [sorted(s.name for s in sub if s.name in components) for sub in database.phases[phase].constituents]


def atoms(sites, names, points):
    """Atoms per formula unit at each constitution."""
    total, column = np.zeros(len(points)), 0
    for number, sub in zip(sites, names, strict=True):
        for name in sub:
            total += (name != "VA") * float(number) * points[:, column]
            column += 1
    return total


def energies(database, components, phase, T, points, P=101325):
    return pycalphad.calculate(database, components, phase, T=T, P=P, N=1, points=points).GM.values.ravel()


def compare(ours, theirs, phase, T, points):
    """Differences at the constitutions, per formula unit, and what the end-members' differences make of them."""
    components = sorted(ours.elements)
    names = constituents(ours, phase, components)
    sites = ours.phases[phase].sublattices
    extra = len(theirs.phases[phase].sublattices) - len(sites)  # a sublattice of vacancies only
    corners = np.array([np.hstack(c) for c in itertools.product(*[np.eye(len(sub)) for sub in names])])
    corners = corners[atoms(sites, names, corners) > 0]

    def difference(at):
        padded = np.hstack([at, np.ones((len(at), extra))])
        gap = energies(ours, components, phase, T, at) - energies(theirs, components, phase, T, padded)
        return gap * atoms(sites, names, at), gap

    total, _ = difference(points)
    ends, gaps = difference(corners)
    weights = np.array([np.prod(points[:, corner == 1], axis=1) for corner in corners])
    return total, weights.T @ ends, gaps


@pytest.mark.parametrize("T", [400.0, 1000.0, 1900.0])
@pytest.mark.parametrize("name, file, bound", TWINS)
def test_mixing_equals_other_transcription(load, name, file, bound, T):
    ours, theirs = load(name), pycalphad.Database(str(WHEEL / file))
    rng = np.random.default_rng(20261121)
    assert set(ours.phases) <= set(theirs.phases)
    for phase in ours.phases:
        names = constituents(ours, phase, ours.elements)
        points = np.hstack([rng.dirichlet(np.ones(len(sub)), 12) for sub in names])
        total, linear, gaps = compare(ours, theirs, phase, T, points)
        np.testing.assert_allclose(total, linear, rtol=0, atol=1e-6)  # J per mole of formula units
        assert np.abs(gaps).max() < bound


@pytest.mark.parametrize("phase", ["LIQUID", "BCC_A2", "FCC_A1", "CEMENTITE", "GRAPHITE"])
def test_iron_carbon_equals_other_transcription_at_low_pressure(load, phase):
    # the wheel's file adds volumes to the same energies (0.7 J/mol at 1 bar, 7 uJ/mol at 1 Pa), and smooths cementite's
    # Curie temperature over pressure, which leaves it at 485.009 K for 485 K
    ours, theirs = load("Fe-C"), pycalphad.Database(str(WHEEL / "cfe_broshe.tdb"))
    names, rng = constituents(ours, phase, ours.elements), np.random.default_rng(20261121)
    points = np.hstack([rng.dirichlet(np.ones(len(sub)), 8) for sub in names])
    other = {"CEMENTITE": "CEMENTITE_D011"}.get(phase, phase)
    for T in (400.0, 1000.0, 1900.0):
        found = energies(ours, ["C", "FE", "VA"], phase, T, points, P=1.0)
        assert found == pytest.approx(energies(theirs, ["C", "FE", "VA"], other, T, points, P=1.0), abs=0.01)


@pytest.mark.parametrize("phase, name, file, made_of", [
    ("CUMG2", "Cu-Mg", "cumg.tdb", {"CU": 1 / 3, "MG": 2 / 3}),
    ("AL3NI1", "Al-Ni", "alni_dupin_2001.tdb", {"AL": 3 / 4, "NI": 1 / 4}),
    ("AL3NI5", "Al-Ni", "alni_dupin_2001.tdb", {"AL": 3 / 8, "NI": 5 / 8}),
])  # fmt: skip
def test_compound_formation_equals_other_transcription(load, phase, name, file, made_of):
    def formation(database, T):
        reference = {"CU": "FCC_A1", "MG": "HCP_A3", "AL": "FCC_A1", "NI": "FCC_A1"}
        pure = sum(x * pure_energy(database, e, reference[e], magnetic=False)(T) for e, x in made_of.items())
        components = sorted(database.elements - {"/-"})
        return energies(database, components, phase, T, np.ones((1, 2)))[0] - pure

    theirs = pycalphad.Database(str(WHEEL / file))
    for T in (400.0, 1000.0):
        assert formation(load(name), T) == pytest.approx(formation(theirs, T), abs=1e-6)


def test_laves_phase_is_given_on_its_own_scale(load):
    # Cu2Mg's end-member is a polynomial of its own, so the two files agree on it without any reference state
    at, theirs = np.array([[1.0, 0.0, 0.0, 1.0]]), pycalphad.Database(str(WHEEL / "cumg.tdb"))
    for T in (400.0, 1000.0):
        ours = energies(load("Cu-Mg"), ["CU", "MG", "VA"], "CU2MG", T, at)
        assert ours == pytest.approx(energies(theirs, ["CU", "MG", "VA"], "CU2MG", T, at), abs=1e-6)


# Melting points of the elements, K (Dinsdale 1991: ITS-90 fixed points and selected values)

MELTING = [
    ("Al-Zn", "AL", "FCC_A1", 933.473, 0.01),
    ("Al-Zn", "ZN", "HCP_A3", 692.677, 0.01),
    ("Cu-Mg", "CU", "FCC_A1", 1357.77, 0.01),
    ("Cu-Mg", "MG", "HCP_A3", 923.0, 0.01),
    ("Pb-Sn", "PB", "FCC_A1", 600.612, 0.01),
    ("Pb-Sn", "SN", "BCT_A5", 505.078, 0.01),
    ("Ag-Cu", "AG", "FCC_A1", 1234.93, 0.01),
    ("Cr-Fe", "CR", "BCC_A2", 2180.0, 0.02),
    ("Cr-Fe", "FE", "BCC_A2", 1811.0, 0.1),  # SGTE's functions cross at 1810.95 K
    ("Al-Ni", "NI", "FCC_A1", 1728.245, 0.1),
]


@pytest.mark.parametrize("name, element, solid, published, within", MELTING)
def test_melting_points(load, name, element, solid, published, within):
    liquid = pure_energy(load(name), element, "LIQUID")
    crystal = pure_energy(load(name), element, solid)
    found = brentq(lambda T: liquid(T) - crystal(T), published - 20, published + 20, xtol=1e-6)
    assert found == pytest.approx(published, abs=within)


def test_iron_transforms_to_fcc_and_back(load):
    # 1184.8 K and 1667.5 K: Dinsdale 1991
    bcc, fcc = (pure_energy(load("Cr-Fe"), "FE", phase) for phase in ("BCC_A2", "FCC_A1"))
    assert brentq(lambda T: bcc(T) - fcc(T), 1100, 1250) == pytest.approx(1184.81, abs=0.05)
    assert brentq(lambda T: bcc(T) - fcc(T), 1600, 1720) == pytest.approx(1667.47, abs=0.05)


# Invariant equilibria, as one square system in the free site fractions, T and the two chemical potentials


class PhaseEnergy:
    """A phase's energy above a plane of chemical potentials, per mole of atoms, and its slopes in site fractions.

    The largest fraction of each sublattice (of the state given to start from) depends on the others.
    """

    def __init__(self, database, phase, elements, state):
        model = pycalphad.Model(database, [*elements, "VA"], phase)
        order = lambda y: (y.sublattice_index, y.species.name)
        groups = itertools.groupby(sorted(model.site_fractions, key=order), key=lambda y: y.sublattice_index)
        values = iter(state)
        dependent, self.start, self.free = {}, [], []
        for group in [list(group) for _, group in groups]:
            start = [next(values) for _ in group] if len(group) > 1 else [1.0]
            kept = int(np.argmax(start))
            others = [k for k in range(len(group)) if k != kept]
            dependent[group[kept]] = 1 - sum(group[k] for k in others)
            self.free += [group[k] for k in others]
            self.start += [start[k] for k in others]
        mu = symengine.symbols("mu0 mu1")
        mole = [model.moles(element).subs(dependent) for element in elements]
        gap = model.GM.subs(dependent) - sum(m * x for m, x in zip(mu, mole, strict=True))
        arguments = [v.T, *mu, *self.free]
        self.rows = symengine.Lambdify(arguments, [gap, *(gap.diff(y) for y in self.free)])
        self.mole = symengine.Lambdify(arguments, [mole[1]])


def invariant(database, start, *states):
    """T and x (of the element last in the alphabet) where three phases coexist, or two of one composition.

    Each state is (phase, site fractions near the answer, for sublattices that mix, in alphabetical order).
    """
    elements = sorted(database.elements - {"VA", "/-"})
    phases = [PhaseEnergy(database, phase, elements, np.atleast_1d(state)) for phase, *state in states]
    scale = 8.3145 * start
    cuts = np.cumsum([len(p.free) for p in phases])[:-1]

    def arguments(T, mu, y):
        return [np.concatenate([[T], mu, part]) for part in np.split(y, cuts)]

    def unpack(z):
        return arguments(z[0] * start, z[1:3] * scale, 1 / (1 + np.exp(-z[3:])))

    def residual(z):
        at = unpack(z)
        rows = [p.rows(a) / scale for p, a in zip(phases, at, strict=True)]
        if len(phases) == 2:
            rows.append(phases[0].mole(at[0]) - phases[1].mole(at[1]))
        return np.concatenate(rows)

    y = np.concatenate([p.start for p in phases])
    at = arguments(start, [0.0, 0.0], y)
    energy, x = (np.array([call(a)[0] for call, a in zip(calls, at, strict=True)]) for calls in (
        [p.rows for p in phases], [p.mole for p in phases]))  # fmt: skip
    mu = np.linalg.lstsq(np.stack([1 - x, x], axis=1), energy, rcond=None)[0] / scale
    z, _, _, message = fsolve(residual, np.concatenate([[1.0], mu, np.log(y / (1 - y))]), xtol=1e-13, full_output=True)
    assert np.abs(residual(z)).max() < 1e-9, message
    return z[0] * start, [float(p.mole(a)[0]) for p, a in zip(phases, unpack(z), strict=True)]


# name, T and x calculated by pycalphad's own mapping from the other transcription (shared/data/oracle/invariants.csv;
# None: no such transcription), T published in K and by how many K this description may miss it, states to start from.
# Published: Al-Zn J. L. Murray, Bull. Alloy Phase Diagrams 4 (1983) 55 (381 and 277 C); Cu-Mg A. A. Nayeb-Hashemi,
# J. B. Clark, ibid. 5 (1984) 36 (725, 552, 485 C; melting of Cu2Mg 797 C, CuMg2 568 C); Pb-Sn I. Karakaya,
# W. T. Thompson, ibid. 9 (1988) 144 (183 C); Al-Ni P. Nash, M. F. Singleton, J. L. Murray in Phase Diagrams of Binary
# Nickel Alloys, ASM 1991 (639.9, 854, 1133 C); Fe-C the usual textbook values (727, 1147 C with cementite, 738, 1153 C
# with graphite, 1493 C); Cr-Fe O. Kubaschewski, Iron - Binary Phase Diagrams, Springer 1982 (lowest melting 1516 C,
# sigma up to 821 C).
INVARIANTS = {
    "Al-Zn eutectic": ("Al-Zn", 654.009, (0.67311, 0.88354, 0.96910), 654.15, 0.5,
        ("FCC_A1", 0.33, 0.67), ("LIQUID", 0.12, 0.88), ("HCP_A3", 0.03, 0.97)),
    "Al-Zn monotectoid": ("Al-Zn", 550.388, (0.14120, 0.59047, 0.98400), 550.15, 0.5,
        ("FCC_A1", 0.86, 0.14), ("FCC_A1", 0.41, 0.59), ("HCP_A3", 0.016, 0.984)),
    "Cu-Mg eutectic 1": ("Cu-Mg", 992.014, (0.07198, 0.21263, 0.32916), 998.15, 7.0,
        ("FCC_A1", 0.93, 0.07), ("LIQUID", 0.79, 0.21), ("CU2MG", 0.999, 0.001, 0.01, 0.99)),
    "Cu-Mg eutectic 2": ("Cu-Mg", 824.484, (0.34768, 0.59260, 2 / 3), 825.15, 1.0,
        ("CU2MG", 0.96, 0.04, 0.01, 0.99), ("LIQUID", 0.41, 0.59), ("CUMG2",)),
    "Cu-Mg eutectic 3": ("Cu-Mg", 759.578, (2 / 3, 0.83863, 1.0), 758.15, 2.0,
        ("CUMG2",), ("LIQUID", 0.16, 0.84), ("HCP_A3",)),
    "Cu2Mg melts": ("Cu-Mg", None, (0.334, 0.334), 1070.15, 1.0,
        ("CU2MG", 0.99, 0.01, 0.01, 0.99), ("LIQUID", 0.667, 0.333)),
    "CuMg2 melts": ("Cu-Mg", None, (2 / 3, 2 / 3), 841.15, 1.0, ("CUMG2",), ("LIQUID", 0.333, 0.667)),
    "Pb-Sn eutectic": ("Pb-Sn", 454.562, (0.26321, 0.73733, 0.97552), 456.15, 2.0,
        ("FCC_A1", 0.74, 0.26), ("LIQUID", 0.26, 0.74), ("BCT_A5", 0.025, 0.975)),
    "Al-Ni eutectic": ("Al-Ni", 914.828, (0.00233, 0.02923, 0.25), 913.05, 2.0,
        ("FCC_A1", 0.998, 0.002), ("LIQUID", 0.97, 0.03), ("AL3NI1",)),
    "Al3Ni peritectic": ("Al-Ni", 1123.549, (0.17165, 0.25, 0.35874), 1127.15, 4.0,
        ("LIQUID", 0.83, 0.17), ("AL3NI1",), ("AL3NI2", 0.1, 0.9, 0.85, 0.15)),
    "Al3Ni2 peritectic": ("Al-Ni", 1400.725, (0.25534, 0.40019, 0.41007), 1406.15, 6.0,
        ("LIQUID", 0.745, 0.255), ("AL3NI2", 0.01, 0.99, 0.035, 0.965),
        ("BCC_B2", 0.999999, 8e-7, 8e-12, 0.0056, 0.7, 0.2944)),
    "B2 with L12": ("Al-Ni", 1641.801, (0.71020, 0.74746, 0.75175), None, None,
        ("BCC_B2", 0.577, 0.423, 1.5e-7, 0.00236, 0.9958, 0.00186), ("LIQUID", 0.253, 0.747),
        ("FCC_L12", 0.06, 0.94, 0.82, 0.18)),
    "L12 with fcc": ("Al-Ni", 1642.655, (0.75527, 0.75956, 0.78728), None, None,
        ("LIQUID", 0.245, 0.755), ("FCC_L12", 0.05, 0.95, 0.81, 0.19), ("FCC_A1", 0.2127, 0.7873)),
    "Fe-C eutectoid": ("Fe-C", None, (0.9655, 0.9991, 0.75), 1000.15, 1.0,
        ("FCC_A1", 0.036, 0.964), ("BCC_A2", 0.0003, 0.9997), ("CEMENTITE",)),
    "Fe-C eutectic": ("Fe-C", None, (0.9112, 0.8243, 0.75), 1420.15, 2.0,
        ("FCC_A1", 0.098, 0.902), ("LIQUID", 0.173, 0.827), ("CEMENTITE",)),
    "Fe-graphite eutectoid": ("Fe-C", None, (0.9691, 0.9992, 0.0), 1011.15, 1.0,
        ("FCC_A1", 0.032, 0.968), ("BCC_A2", 0.0003, 0.9997), ("GRAPHITE",)),
    "Fe-graphite eutectic": ("Fe-C", None, (0.9122, 0.8259, 0.0), 1426.15, 1.0,
        ("FCC_A1", 0.095, 0.905), ("LIQUID", 0.171, 0.829), ("GRAPHITE",)),
    "Fe-C peritectic": ("Fe-C", None, (0.9921, 0.9759, 0.9957), 1766.15, 2.0,
        ("FCC_A1", 0.008, 0.992), ("LIQUID", 0.023, 0.977), ("BCC_A2", 0.0013, 0.9987)),
    "Cr-Fe lowest melting": ("Cr-Fe", None, (0.788, 0.788), 1789.15, 1.0,
        ("BCC_A2", 0.21, 0.79), ("LIQUID", 0.21, 0.79)),
    "sigma upper end": ("Cr-Fe", None, (0.545, 0.545), 1094.15, 12.0, ("BCC_A2", 0.46, 0.54), ("SIGMA", 0.6, 0.4)),
}  # fmt: skip


@pytest.mark.parametrize("label", INVARIANTS)
def test_invariants(load, label):
    name, calculated, x, published, within, *states = INVARIANTS[label]
    T, found = invariant(load(name), calculated or published, *states)
    assert found == pytest.approx(x, abs=1e-4 if calculated else 1e-3)
    if calculated:
        # 0.2 K, and 1e-4 in x: what the pure elements' digits move (largest for Cu-Mg, see TWINS)
        assert T == pytest.approx(calculated, abs=0.2)
    if published:
        assert T == pytest.approx(published, abs=within)


def test_silver_copper_eutectic_as_nist_calculated_it(load):
    # U. R. Kattner, NIST solder systems (1999), from the same description: 779.1 C; copper in liquid, (Ag), (Cu) in
    # mass percent 28.41, 8.27, 92.53. P. R. Subramanian, J. H. Perepezko, J. Phase Equilib. 14 (1993) 62: 779.1 C.
    states = ("LIQUID", 0.6, 0.4), ("FCC_A1", 0.87, 0.13), ("FCC_A1", 0.045, 0.955)
    T, x = invariant(load("Ag-Cu"), 1052.0, *states)
    x = np.array(x)
    mass = 100 * x * 63.546 / (x * 63.546 + (1 - x) * 107.868)
    assert pytest.approx(1052.25, abs=0.06) == T
    assert mass == pytest.approx([28.41, 8.27, 92.53], abs=0.02)


def test_sigma_decomposes_eutectoidally(load):
    # no transcription to compare with, and measured values scatter between 440 and 550 C: a value to notice changes by
    states = ("BCC_A2", 0.15, 0.85), ("SIGMA", 0.6, 0.4), ("BCC_A2", 0.82, 0.18)
    T, x = invariant(load("Cr-Fe"), 785.0, *states)
    assert pytest.approx(784.95, abs=0.05) == T
    assert x == pytest.approx([0.8080, 0.4860, 0.1533], abs=1e-3)


def stable(database, T, x):
    components = [*sorted(database.elements - {"/-"})]
    conditions = {v.T: T, v.P: 101325, v.X(components[1]): x}
    found = pycalphad.equilibrium(database, components, list(database.phases), conditions)
    return set(found.Phase.values.ravel()) - {""}


def test_nickel_aluminide_peritectoid(load):
    # Al3Ni5 gives B2 + L12 at 913.96 K (shared/data/oracle/invariants.csv). Measured: about 973 K; this description
    # is known to lie 59 K lower, so no published value is asserted.
    assert stable(load("Al-Ni"), 913.7, 0.66) == {"AL3NI5", "FCC_L12"}
    assert stable(load("Al-Ni"), 914.2, 0.66) == {"BCC_B2", "FCC_L12"}
