"""Assessment: residuals, their derivatives, fits to simulated data with known truth, errors, files, the command."""

import copy
import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pycalphad
import pytest
from pycalphad import variables as v

from diffneq.cli import main
from diffneq.thermo import calphad
from diffneq.thermo.calphad.assessment import choose, dataset, fit, parameter_names, problem, read_data
from diffneq.thermo.calphad.assessment.bands import diagram_bands
from diffneq.thermo.calphad.assessment.descent import LOSSES
from diffneq.thermo.calphad.assessment.parameters import Parameter, Space
from diffneq.thermo.calphad.assessment.uncertainty import laplace, propagated
from diffneq.thermo.calphad.assessment.writing import changed, written
from diffneq.thermo.calphad.diagrams import binary

pytestmark = pytest.mark.slow  # most tests compile equilibria with their derivatives for half a minute

FITTED = ["G(LIQUID,CU,MG;0)", "G(LIQUID,CU,MG;1)", "G(CUMG2,CU:MG;0)", "G(CU2MG,CU:MG;0)[1]", "G(CU2MG,CU:MG;0)[T]"]
COMMON = {"components": ["CU", "MG"], "reference": "simulated"}
MIXTURES = [[[1 - x, x]] for x in (0.1, 0.25, 0.4, 0.55, 0.7, 0.85)]
RECORDS = {
    "enthalpy of the liquid": {
        **COMMON, "phases": ["LIQUID"], "output": "HM_MIX", "conditions": {"P": 101325, "T": [1150]},
        "solver": {"sublattice_site_ratios": [1], "sublattice_configurations": [[["CU", "MG"]]] * 6,
                   "sublattice_occupancies": MIXTURES},
        "values": [[[-3000.0, -7000.0, -9000.0, -9000.0, -7000.0, -4000.0]]],
    },
    "entropy of CuMg2": {
        **COMMON, "phases": ["CUMG2"], "output": "SM_FORM", "conditions": {"P": 101325, "T": [300, 500]},
        "solver": {"sublattice_site_ratios": [1, 2], "sublattice_configurations": [["CU", "MG"]]},
        "values": [[[-0.5], [-0.5]]],
    },
    "heat capacity of Cu2Mg": {
        **COMMON, "phases": ["CU2MG"], "output": "CPM_FORM", "conditions": {"P": 101325, "T": [500]},
        "solver": {"sublattice_site_ratios": [2, 1], "sublattice_configurations": [["CU", "MG"]]},
        "values": [[[0.1]]],
    },
    "enthalpy of Cu2Mg": {
        **COMMON, "phases": ["CU2MG"], "output": "HM_FORM", "conditions": {"P": 101325, "T": [300, 700]},
        "solver": {"sublattice_site_ratios": [2, 1], "sublattice_configurations": [["CU", "MG"]]},
        "values": [[[-11000.0], [-11000.0]]], "weight": 2.0,
    },
    "activity of Mg": {
        **COMMON, "phases": ["LIQUID"], "output": "ACR_MG", "values": [[[0.08, 0.26, 0.58, 0.88]]],
        "conditions": {"P": 101325, "T": 1200, "X_CU": [0.7, 0.5, 0.3, 0.1]},
        "reference_state": {"phases": ["LIQUID"], "conditions": {"P": 101325, "T": 1200, "X_CU": 0.0}},
    },
    "boundaries": {
        **COMMON, "phases": ["LIQUID", "CU2MG", "CUMG2", "FCC_A1", "HCP_A3"], "output": "ZPF",
        "conditions": {"P": 101325, "T": [1000, 1050, 1100, 800, 820, 800, 992, 824, 760, 900]},
        "values": [
            [["LIQUID", ["MG"], [0.225]], ["CU2MG", ["MG"], [None]]],
            [["LIQUID", ["MG"], [0.26]], ["CU2MG", ["MG"], [0.33]]],
            [["LIQUID", ["MG"], [0.14]], ["FCC_A1", ["MG"], [0.05]]],
            [["LIQUID", ["MG"], [0.85]], ["HCP_A3", ["MG"], [None]]],
            [["LIQUID", ["MG"], [0.60]], ["CUMG2", ["MG"], [0.66667]]],
            [["LIQUID", ["MG"], [0.77]], ["CUMG2", ["MG"], [None]]],
            [["LIQUID", ["MG"], [0.21]], ["CU2MG", ["MG"], [0.33]], ["FCC_A1", ["MG"], [0.07]]],
            [["LIQUID", ["MG"], [0.59]], ["CU2MG", ["MG"], [0.34]], ["CUMG2", ["MG"], [None]]],
            [["LIQUID", ["MG"], [0.84]], ["HCP_A3", ["MG"], [None]], ["CUMG2", ["MG"], [None]]],
            [["LIQUID", ["MG"], [0.20]]],
        ],
    },
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def double():
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="module")
def system(double):
    return calphad.build("Cu-Mg", ["CU", "MG"])


@pytest.fixture(scope="module")
def data():
    return [dataset(record, name) for name, record in RECORDS.items()]


@pytest.fixture(scope="module")
def mixed(system, data):
    """Every kind of residual at once: one compilation."""
    return problem(system, data, choose(system, FITTED), boundaries="direct")


@pytest.fixture(scope="module")
def truth(mixed):
    values, failed = mixed.models(mixed.start)
    assert not failed.any()
    return values


def simulated(mixed, truth, seed: int):
    """Data with normal errors of the stated size around the database, and a start three standard errors away."""
    rng = np.random.default_rng(seed)
    task = mixed.with_targets(truth + mixed.sigma * rng.normal(size=len(truth)))
    _, J, _ = mixed.evaluate(mixed.start)
    errors = laplace(J, np.ones(len(truth))).errors
    start = mixed.start + 3.0 * errors * rng.normal(size=len(errors))
    return task, dict(zip((p.name for p in mixed.parameters), start, strict=True)), errors


def of_kind(task, kind):
    return np.array([k == kind for k, _, _ in task.labels])


# -- residuals and their derivatives


def test_all_kinds_are_there(mixed):
    kinds = [k for k, _, _ in mixed.labels]
    assert {k: kinds.count(k) for k in dict.fromkeys(kinds)} == {
        "thermochemical": 11, "activity": 4, "tie-lines, invariants": 17, "driving force": 1,
    }  # fmt: skip
    assert mixed.notes == ()
    weighted = mixed.sigma[[d == 3 for _, _, d in mixed.labels]]
    assert np.allclose(weighted, 250.0)  # 500 J/mol over the weight of 2


@pytest.mark.parametrize("kind", ["thermochemical", "activity", "tie-lines, invariants", "driving force"])
def test_derivatives_against_differences(mixed, kind):
    rng = np.random.default_rng(5)
    theta = mixed.start * (1.0 + 1e-3 * rng.normal(size=len(mixed.start)))
    _, J, failed = mixed.evaluate(theta)
    assert not failed.any()
    steps = [3.0 if p.unit == "J/mol" else 3e-3 for p in mixed.parameters]
    units = np.eye(len(theta))
    difference = np.stack([
        (mixed.evaluate(theta + h * e)[0] - mixed.evaluate(theta - h * e)[0]) / (2 * h)
        for h, e in zip(steps, units, strict=True)
    ], axis=1)  # fmt: skip
    own = of_kind(mixed, kind)
    size = np.array(steps)[None] * np.abs(difference[own]).max(axis=1, keepdims=True)
    assert np.abs(J[own] - difference[own]).max() <= 2e-5 * np.abs(difference[own]).max()
    assert size.max() > 0.0


def test_invariants_are_those_of_the_database(mixed, truth):
    own = of_kind(mixed, "tie-lines, invariants")
    temperatures = truth[own][mixed.targets[own] > 1.0]
    assert np.allclose(temperatures, [991.85, 824.43, 759.56], atol=0.02)  # README of the databases


def test_thermochemical_values_against_pycalphad(mixed, truth, system):
    database = system.database.content
    liquid = pycalphad.calculate(database, ["CU", "MG"], "LIQUID", T=1150, P=101325, N=1, output="HM_MIX",
                                 points=np.array([m[0] for m in MIXTURES]))  # fmt: skip
    assert np.allclose(truth[:6], liquid.HM_MIX.values.squeeze(), atol=1e-6)


def test_activity_against_pycalphad(mixed, truth, system):
    database = system.database.content
    mu = pycalphad.equilibrium(database, ["CU", "MG", "VA"], ["LIQUID"],
                               {v.T: 1200, v.P: 101325, v.X("MG"): [0.3, 0.5, 0.7]}).MU.sel(component="MG")  # fmt: skip
    pure = pycalphad.calculate(database, ["MG"], "LIQUID", T=1200, P=101325, N=1).GM.values.squeeze()
    assert np.allclose(truth[of_kind(mixed, "activity")][:3], mu.values.squeeze() - pure, atol=0.5)  # R differs


def test_a_failed_equilibrium_is_penalised_and_counted(mixed, truth):
    theta = mixed.start.copy()
    theta[[p.name for p in mixed.parameters].index("G(CU2MG,CU:MG;0)[1]")] += 40000.0  # Cu2Mg is gone
    r, J, failed = mixed.evaluate(theta)
    assert failed.sum() > 0 and np.all(r[failed] == 10.0) and np.all(J[failed] == 0.0) and np.isfinite(J).all()
    result = fit(mixed, start=dict(zip((p.name for p in mixed.parameters), theta, strict=True)), max_steps=1,
                 linear_start=False, progress=False)  # fmt: skip
    assert result.failures > 0 and not result.converged and "equilibria failed" in result.table()


# -- fits


def test_recovery_from_simulated_data(mixed, truth):
    task, start, errors = simulated(mixed, truth, seed=11)
    result = fit(task, start=start, progress=False)
    z = [(e.value - p.start) / e.error for e, p in zip(result.parameters, mixed.parameters, strict=True)]
    assert result.converged and result.failures == 0
    assert np.abs(z).max() < 4.0
    assert abs(result.chi2 - result.dof) < 4.0 * np.sqrt(2.0 * result.dof)
    assert np.allclose([e.error for e in result.parameters], errors, rtol=0.3)
    assert np.allclose(np.diag(result.correlation), 1.0)
    json.dumps(result.to_dict())


def test_coverage_of_error_bars(mixed, truth):
    """24 realisations: z of every parameter is standard normal; realisations are independent, parameters are not."""
    z, chi2, dof = [], 0.0, 0
    for seed in range(24):
        task, start, _ = simulated(mixed, truth, seed)
        result = fit(task, start=start, progress=False)
        assert result.converged and result.failures == 0
        z.append([(e.value - p.start) / e.error for e, p in zip(result.parameters, mixed.parameters, strict=True)])
        chi2, dof = chi2 + result.chi2, dof + result.dof
    z = np.array(z)
    assert abs(chi2 - dof) < 4.0 * np.sqrt(2.0 * dof)
    for column in z.T:  # each parameter: 24 independent draws
        assert abs(column.mean()) < 4.0 / np.sqrt(24)
        covered = np.sum(np.abs(column) < 1.0)
        assert abs(covered - 24 * 0.6827) < 4.0 * np.sqrt(24 * 0.6827 * 0.3173)
        assert abs(np.sum(column**2) - 24) < 4.0 * np.sqrt(2 * 24)


@pytest.mark.parametrize(("method", "loss"), [("gauss-newton", "squares"), ("l-bfgs", "squares"), ("l-bfgs", "huber"),
                                              ("l-bfgs", "cauchy")])  # fmt: skip
def test_methods_agree(mixed, truth, method, loss):
    task, _, errors = simulated(mixed, truth, seed=3)
    reference = fit(task, progress=False)
    result = fit(task, method=method, loss=loss, progress=False)
    assert result.converged
    limit = 0.02 if loss == "squares" else 1.5  # another loss is another estimator
    assert np.all(np.abs(result.theta - reference.theta) < limit * errors)


def test_a_robust_loss_ignores_an_outlier(mixed, truth):
    task, _, errors = simulated(mixed, truth, seed=3)
    spoilt = task.targets.copy()
    spoilt[2] += 40.0 * task.sigma[2]
    clean = fit(task, progress=False)
    squares = fit(task.with_targets(spoilt), progress=False)
    robust = fit(task.with_targets(spoilt), method="l-bfgs", loss="cauchy", progress=False)
    distance = lambda result: np.abs((result.theta - clean.theta) / errors).max()
    assert distance(squares) > 5.0 and distance(robust) < 1.5
    assert any("scatter" in w for e in squares.parameters for w in e.warnings)


def test_adam_descends(mixed, truth):
    task, start, _ = simulated(mixed, truth, seed=4)
    result = fit(task, start=start, method="adam", loss="huber", max_steps=60, linear_start=False, progress=False)
    assert min(value for _, value in result.history) < 0.5 * result.history[0][1]


def test_priors_and_bounds(system, data):
    names = ["G(LIQUID,CU,MG;0)[1]", "G(LIQUID,CU,MG;1)[1]"]
    free = fit(problem(system, data[:1], choose(system, names)), progress=False)
    tight = choose(system, names, priors={names[0]: (-40000.0, 1.0)})
    held = fit(problem(system, data[:1], tight), progress=False)
    assert abs(held.theta[0] + 40000.0) < 5.0 and abs(held.parameters[0].error - 1.0) < 0.01
    bounded = choose(system, names, bounds={names[0]: (-37100.0, -36900.0)})
    limited = fit(problem(system, data[:1], bounded), progress=False)
    assert not -37100 < free.theta[0] < -36900
    assert -37100.0 <= limited.theta[0] <= -36900.0 and "at its bound" in limited.parameters[0].warnings


def test_what_the_data_do_not_determine_has_no_error_bar(system, data):
    task = problem(system, data[:1], choose(system, ["G(LIQUID,CU,MG;0)[1]", "G(CUMG2,CU:MG;0)[T]"]))
    result = fit(task, progress=False)
    assert np.isfinite(result.parameters[0].error) and np.isinf(result.parameters[1].error)
    assert "not determined by the data" in result.parameters[1].warnings


def test_linear_data_are_fitted_by_the_linear_start(system, data):
    task = problem(system, data[:1], choose(system, ["G(LIQUID,CU,MG;0)[1]", "G(LIQUID,CU,MG;1)[1]"]))
    x = np.array([m[0][1] for m in MIXTURES])
    design = np.stack([x * (1 - x), x * (1 - x) * (1 - 2 * x)], axis=1)
    expected = np.linalg.lstsq(design, np.array(RECORDS["enthalpy of the liquid"]["values"][0][0]), rcond=None)[0]
    result = fit(task, progress=False)
    assert np.allclose(result.theta, expected, rtol=1e-6) and result.provenance["linear_start"]


# -- uncertainty


def test_laplace_and_propagation():
    J = np.random.default_rng(0).normal(size=(30, 3)) * np.array([1.0, 1e-4, 1e3])
    errors = laplace(J, np.ones(30))
    assert np.allclose(errors.covariance, np.linalg.inv(J.T @ J))
    value, error = propagated(lambda t: jnp.stack([t[0], 2 * t[0] + t[1]]), np.ones(3), errors.covariance)
    C = errors.covariance
    assert np.allclose(error, np.sqrt([C[0, 0], 4 * C[0, 0] + 4 * C[0, 1] + C[1, 1]])) and np.allclose(value, [1, 3])


def test_bands_on_a_phase_diagram(mixed, truth):
    task, _, _ = simulated(mixed, truth, seed=1)
    result = fit(task, progress=False)
    diagram = binary(result.system, T=(700, 1400), progress=False)
    bands = diagram_bands(result, diagram, most=6)
    assert len(bands.invariants) == 3
    for band in bands.invariants:
        assert 0.05 < band.T.error < 20.0
    # The eutectic Cu2Mg + L + CuMg2 by hand: refit along the errors of the parameters, one after the other.
    own = next(b for b in bands.invariants if set(b.phases) == {"CU2MG", "LIQUID", "CUMG2"})
    place = np.flatnonzero(of_kind(mixed, "tie-lines, invariants") & (mixed.targets == 824.0))[0]
    r0, J, _ = task.evaluate(result.theta)
    slope = J[place] * task.sigma[place]
    assert np.isclose(own.T.error, np.sqrt(slope @ result.covariance @ slope), rtol=1e-3)
    assert np.isclose(own.T.value, task.targets[place] + task.sigma[place] * r0[place], atol=1e-3)
    assert all(np.isfinite(r.error).all() for r in bands.regions)


# -- parameters


def test_names_and_choices(system):
    assert "G(LIQUID,CU,MG;0)[T]" in parameter_names(system)
    assert [u.label for u in system.parameters if u.name == "GHSERCU"] == [
        "FUNCTION GHSERCU piece 1", "FUNCTION GHSERCU piece 2",
    ]  # fmt: skip
    assert "PARAMETER G(LIQUID,CU,MG;0)" in [u.label for u in system.parameters]
    (zero,) = choose(system, ["L(LIQUID,CU,MG;1)[T]"])
    assert zero.start == 0.0 and zero.name == "G(LIQUID,CU,MG;1)[T]"
    assert [p.name for p in choose(system, like="g(liquid,cu,mg;*")] == [p.name for p in choose(system, FITTED[:2])]
    assert [p.name for p in choose(system, ["GMGLIQ piece 2"])] == [f"GMGLIQ piece 2[{w}]" for w in ("1", "T", "T^-9")]
    for call, words in (
        (lambda: choose(system), "VV0000"), (lambda: choose(system, ["G(LIQUD,CU,MG;0)"]), "near it"),
        (lambda: choose(system, like="X*"), "like X"),
        (lambda: choose(system, FITTED[:1], priors={"GMGLIQ": (0, 1)}), "not fitted"),
        (lambda: choose(system, FITTED[1:2], bounds={FITTED[1]: (0.0, 1.0)}), "not between its bounds"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=words):
            call()


def test_named_symbols_and_numbers_folded_into_products():
    text = """ELEMENT VA VACUUM 0 0 0 !
ELEMENT A FCC_A1 1 0 0 !
ELEMENT B FCC_A1 1 0 0 !
FUNCTION VV0001 1 -5000; 6000 N !
FUNCTION VV0002 1 0; 6000 N !
FUNCTION ONE 1 2; 6000 N !
FUNCTION TWO 1 3; 6000 N !
FUNCTION LINE 1 4+T; 6000 N !
TYPE_DEFINITION % SEQ * !
PHASE LIQUID % 1 1 !
CONSTITUENT LIQUID :A,B: !
PARAMETER G(LIQUID,A;0) 1 0; 6000 N !
PARAMETER G(LIQUID,B;0) 1 ONE#*TWO#*LINE#; 6000 N !
PARAMETER G(LIQUID,A,B;0) 1 VV0001+VV0002*T; 6000 N !
"""
    system = calphad.build(text, ["A", "B"])
    assert {p.name: p.start for p in choose(system)} == {"VV0001": -5000.0, "VV0002": 0.0}
    fixed = {u.name for u in system.parameters if u.fixed}
    assert fixed and fixed <= {"ONE", "TWO"} and not fixed & set(parameter_names(system))


def test_space_of_bounded_parameters():
    of = lambda **more: Parameter("p", 0, 0, 1.0, **more)
    space = Space.of([of(), of(lower=0.0), of(upper=3.0), of(lower=0.5, upper=2.0)])
    zero = jnp.zeros(4)
    theta, slope = jax.jvp(space.theta, (zero,), (jnp.ones(4),))
    assert np.allclose(theta, 1.0) and np.allclose(slope, space.scale)
    for far in (-1e6, 1e6):
        end = np.asarray(space.theta(zero + far))
        assert end[1] >= 0.0 and end[2] <= 3.0 and 0.5 <= end[3] <= 2.0


def test_losses_start_as_squares():
    r = jnp.linspace(-0.01, 0.01, 5)
    for loss in LOSSES.values():
        assert np.allclose(loss(r), 0.5 * r**2, rtol=1e-4, atol=1e-12)


# -- files


def test_the_fitted_database_is_written_and_read_back(system, tmp_path):
    chosen = choose(system, [*FITTED, "GHSERCU piece 1[T ln T]", "GMGLIQ piece 2", "GMGFCC", "L(LIQUID,CU,MG;1)[T]"])
    before = calphad.load("Cu-Mg").content
    theta = [1.02 * p.start + 1e-3 for p in chosen]
    path = tmp_path / "fitted.tdb"
    path.write_text(written(system, chosen, theta))
    again = calphad.build(path, ["CU", "MG"])
    space = Space.of(chosen)
    T = jnp.array([350.0, 900.0, 1000.0, 1400.0])
    into = space.into(system.tables.coefficients, jnp.asarray(theta))
    changed_tables = eqx.tree_at(lambda t: t.coefficients, system.tables, into)
    at = lambda t: jax.vmap(lambda T: t.energy_coefficients(T, jnp.asarray(101325.0)))(T)
    energies = [at(t) for t in (changed_tables, again.tables, system.tables)]
    assert np.abs(energies[0] - energies[1]).max() < 1e-6 < np.abs(energies[0] - energies[2]).max()
    other = pycalphad.Database(str(path))
    value = pycalphad.calculate(other, ["CU", "MG"], "LIQUID", T=1150, P=101325, N=1, points=np.array([[0.6, 0.4]]))
    own = again.phase("LIQUID").energy(1150.0, jnp.array([0.6, 0.4]))
    assert abs(float(value.GM.squeeze()) - float(own)) < 0.5  # R differs in the last digits
    assert calphad.load("Cu-Mg").content == before
    assert changed(system, chosen, [p.start for p in chosen]) is not system.database.content


def test_published_data_are_read(system):
    data = read_data("Cu-Mg", {"LAVES_C15": "CU2MG"})
    task = problem(system, data, choose(system, FITTED))
    kinds = [k for k, _, _ in task.labels]
    assert len(data) == 15 and task.notes == ()
    assert (kinds.count("thermochemical"), kinds.count("activity"), kinds.count("driving force")) == (38, 10, 470)
    unnamed = problem(system, read_data("Cu-Mg"), choose(system, FITTED))
    assert any("LAVES_C15" in note for note in unnamed.notes)


def changed_record(name, **changes):
    record = copy.deepcopy(RECORDS[name])
    for key, value in changes.items():
        if value is None:
            del record[key]
        else:
            record[key] = value
    return record


BAD = {
    "'output' is missing": changed_record("boundaries", output=None),
    "the key 'output' XYZ": changed_record("boundaries", output="XYZ"),
    "'values' has 1 phase regions for 10": changed_record("boundaries", values=[[["LIQUID", ["MG"], [0.1]]]]),
    "the vertex": changed_record("boundaries", conditions={"P": 1e5, "T": [800]}, values=[[["LIQUID", ["MG"]]]]),
    "not from 0 to 1": changed_record(
        "boundaries", conditions={"P": 1e5, "T": [800]}, values=[[["LIQUID", ["MG"], [1.2]]]]),
    "broadcast_conditions": changed_record("boundaries", broadcast_conditions=True),
    "shape": changed_record("entropy of CuMg2", values=[[[-0.5]]]),
    "regular array": changed_record("entropy of CuMg2", values=[[[-0.5], ["x"]]]),
    "reference_state": changed_record("activity of Mg", reference_state=None),
    "sublattice_occupancies": changed_record("enthalpy of the liquid", solver={
        **RECORDS["enthalpy of the liquid"]["solver"], "sublattice_occupancies": [[[0.5, 0.9]]] * 6}),
    "site ratios": changed_record("entropy of CuMg2", solver={
        "sublattice_site_ratios": [1], "sublattice_configurations": [["CU", "MG"]]}),
    "must be positive": changed_record("entropy of CuMg2", weight=-1),
    "conditions: T": changed_record("entropy of CuMg2", conditions={"P": 1e5, "T": [-3, 4]}),
}  # fmt: skip


@pytest.mark.parametrize("words", BAD)
def test_bad_data_name_file_and_key(words, tmp_path):
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(BAD[words]))
    with pytest.raises(ValueError, match=r"bad\.json.*") as caught:
        read_data(tmp_path)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_bad_files_and_calls(system, data, tmp_path):
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ValueError, match=r"broken\.json is not JSON"):
        read_data(tmp_path)
    with pytest.raises(ValueError, match="no file or folder"):
        read_data(tmp_path / "nothing")
    chosen = choose(system, FITTED)
    for call, words in (
        (lambda: problem(system, data, chosen, boundaries="x"), "boundaries must be"),
        (lambda: problem(system, data, []), "at least one parameter"),
        (lambda: problem(system, [], chosen), "None of the data"),
        (lambda: problem(system, data, chosen, weights={"XX": 2}), "weights takes"),
        (lambda: fit(problem(system, data[:1], chosen), method="x"), "method must be"),
        (lambda: fit(problem(system, data[:1], chosen), loss="huber"), "l-bfgs"),
        (lambda: fit(problem(system, data[:1], chosen), start={"X": 1.0}), "not among"),
        (lambda: fit(problem(system, data[:1], chosen), start={chosen[0].name: float("nan")}), "finite"),
        (lambda: problem(system, [dataset(RECORDS["entropy of CuMg2"] | {"excluded_model_contributions": ["x"]})],
                         chosen), "excluded_model_contributions"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=words):
            call()


def test_what_does_not_fit_the_system_is_left_out_with_a_note(system):
    solver = {"sublattice_site_ratios": [1, 2], "sublattice_configurations": [["CU", "MG"]]}
    wrong = dataset(changed_record("heat capacity of Cu2Mg", solver=solver), "swapped")
    absent = dataset(changed_record("entropy of CuMg2", phases=["X"]), "absent")
    cold = dataset(changed_record("entropy of CuMg2", conditions={"P": 101325, "T": [100, 300]}), "cold")
    task = problem(system, [wrong, absent, cold], choose(system, FITTED))
    assert len(task.targets) == 1 and len(task.notes) == 3
    assert [n.split(":")[0] for n in task.notes] == ["swapped", "absent", "cold"]


# -- the command


def test_command_says_what_is_wrong(capsys, tmp_path):
    assert main(["assess", "Cu-Mg", str(tmp_path / "none")]) == 2
    assert "no file or folder" in capsys.readouterr().err
    assert main(["assess", "Cu-Mg", str(tmp_path)]) == 2
    assert "no .json file" in capsys.readouterr().err


def test_command(capsys, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for k, record in enumerate(list(RECORDS.values())[:2]):
        (folder / f"{k}.json").write_text(json.dumps(record))
    out = tmp_path / "out"
    assert (
        main(["assess", "Cu-Mg", str(folder), "--like", "G(LIQUID,CU,MG;*", "--out", str(out), "--json", "--quiet"])
        == 0
    )
    record = json.loads(capsys.readouterr().out)
    assert len(record["parameters"]) == 3 and record["dof"] == 5
    assert {p.name for p in out.iterdir()} == {"fitted.tdb", "assessment.json", "residuals.png", "diagram.png"}
