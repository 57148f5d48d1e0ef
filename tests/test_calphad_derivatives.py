"""Derivatives of equilibria: against differences, against pycalphad's where those are right, and thermodynamic laws."""

import collections
import csv
import functools
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calphad_systems import wheel

from diffneq.thermo.calphad import stable_state
from diffneq.thermo.calphad.energy import molar_energy
from diffneq.thermo.calphad.equilibrium import searcher_of
from diffneq.thermo.calphad.solver.hull import Demand
from diffneq.thermo.calphad.solver.state import solve

# Slow: a compilation of ten seconds for nearly every test.
pytestmark = [pytest.mark.usefixtures("x64"), pytest.mark.slow]

ORACLE = Path(__file__).parents[2] / "shared" / "data" / "oracle" / "jansson_derivatives_pycalphad.csv"

ALZN, CUMG = ("alzn_mey.tdb", "AL ZN"), ("cumg.tdb", "CU MG")
# (T, x of the second element): one phase, a miscibility gap, two phases; a compound of three atoms and liquid
STATES = {ALZN: [(600.0, 0.1), (580.0, 0.3), (750.0, 0.6)], CUMG: [(1050.0, 0.15), (900.0, 0.5), (600.0, 0.2)]}


def properties(system, T, x, coefficients=None):
    """What derivatives are taken of; slots that are empty hold zeros."""
    s = stable_state(system, T, x, coefficients=coefficients)
    C = len(system.elements)
    return {"G": s.G, "S": s.S, "mu": s.mu[:C], "amount": s.amount, "x": s.x[:C], "y": s.y, "energy": s.energy}


@functools.cache
def tangent(name, elements, phases=None):
    """jit of (T, x, dT, dx) -> (properties, their change)."""
    system = wheel(name, elements, phases)
    return jax.jit(lambda T, x, dT, dx: jax.jvp(lambda T, x: properties(system, T, x), (T, x), (dT, dx)))


@functools.cache
def state_of(name, elements, phases=None):
    """jit of (T, x) -> State."""
    system = wheel(name, elements, phases)
    return jax.jit(lambda T, x: stable_state(system, T, x))


def conditions(of):
    T, second = np.array(STATES[of]).T
    return jnp.asarray(T), jnp.asarray(np.column_stack([1 - second, second]))


def differences(of, dT, dx, h):
    """Central differences by Richardson's rule; (change, phases are the same on both sides)."""
    T, x = conditions(of)
    at = lambda k: tangent(*of)(T + k * h * dT, x + k * h * dx, jnp.zeros_like(T), jnp.zeros_like(x))[0]
    steps = {k: at(k) for k in (-2, -1, 1, 2)}
    return {n: (8 * (steps[1][n] - steps[-1][n]) - (steps[2][n] - steps[-2][n])) / (12 * h) for n in steps[1]}


def along_x(x):
    """The change of composition of binary conditions that raises the second element."""
    return jnp.broadcast_to(jnp.array([-1.0, 1.0]), x.shape)


DIRECTIONS = {"T": (1.0, 0.0, 0.05), "x": (0.0, 1.0, 1e-4)}


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("of", [ALZN, CUMG], ids=["AlZn", "CuMg"])
def test_derivatives_are_the_limits_of_differences(of, direction):
    """G, S, mu, amounts, compositions and site fractions against differences of fourth order.

    Rounding and the convergence of Newton's method leave about 1e-9 of a value: 1e-7 of it, divided by the step, is a
    bound, and the next order of the step's expansion is smaller.
    """
    along, across, h = DIRECTIONS[direction]
    T, x = conditions(of)
    dT, dx = jnp.full_like(T, along), across * along_x(x)
    values, change = tangent(*of)(T, x, dT, dx)
    for name, expected in differences(of, dT, dx, h).items():
        scale = 1e-10 * np.abs(values[name]).max() / h + 1e-6 * np.abs(expected).max()
        np.testing.assert_allclose(change[name], expected, rtol=0, atol=max(scale, 1e-9 / h), err_msg=name)


@pytest.mark.parametrize("of", [pytest.param(ALZN, id="AlZn"), pytest.param(CUMG, id="CuMg")])
def test_reverse_mode_is_the_transpose_of_forward_mode(of):
    system = wheel(*of)
    T, x = conditions(of)
    rng = np.random.default_rng(2)
    dT, dx = jnp.asarray(rng.normal(size=T.shape)), jnp.asarray(rng.normal(size=x.shape))
    values, change = tangent(*of)(T, x, dT, dx)
    cotangent = {n: jnp.asarray(rng.normal(size=v.shape) / (1 + np.abs(v).max())) for n, v in values.items()}
    pull = jax.jit(lambda T, x, ct: jax.vjp(lambda T, x: properties(system, T, x), T, x)[1](ct))
    back_T, back_x = pull(T, x, cotangent)
    forward = sum(float(jnp.sum(cotangent[n] * change[n])) for n in change)
    assert float(jnp.sum(back_T * dT) + jnp.sum(back_x * dx)) == pytest.approx(forward, rel=1e-9)


@pytest.mark.parametrize("of", [ALZN, CUMG], ids=["AlZn", "CuMg"])
def test_thermodynamic_laws(of):
    """dG/dT = -S; dG/dx_2 = mu_2 - mu_1 and dS/dx_2 = -d(mu_2 - mu_1)/dT (Maxwell); sum x dmu = -S dT (Gibbs-Duhem)."""
    T, x = conditions(of)
    one, zero = jnp.ones_like(T), jnp.zeros_like(x)
    values, by_T = tangent(*of)(T, x, one, zero)
    by_x = tangent(*of)(T, x, 0 * one, along_x(x))[1]
    apart = lambda mu: mu[1] - mu[0]
    np.testing.assert_allclose(by_T["G"], -values["S"], rtol=2e-8)  # Newton's method ends at relative steps of 2e-9
    np.testing.assert_allclose(by_x["G"], apart(values["mu"]), rtol=1e-9, atol=1e-5)
    np.testing.assert_allclose(by_x["S"], -apart(by_T["mu"]), rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(jnp.sum(x.T * by_T["mu"], axis=0), -values["S"], rtol=1e-8)
    np.testing.assert_allclose(jnp.sum(x.T * by_x["mu"], axis=0), 0.0, atol=1e-4)
    np.testing.assert_allclose(jnp.sum(by_x["amount"], axis=0), 0.0, atol=1e-9)
    assert np.all(np.asarray(by_T["S"]) > 0)  # heat capacity at equilibrium


def test_in_two_phases_the_potentials_do_not_answer_to_the_composition():
    T, x = conditions(ALZN)
    change = tangent(*ALZN)(T, x, 0 * T, along_x(x))[1]
    assert np.abs(change["mu"][:, 0]).min() > 1e3
    np.testing.assert_allclose(change["mu"][:, 1:], 0.0, atol=1e-4)  # of 1e5 J/mol in one phase


# pycalphad's 122 derivatives (Jansson's method) and its central differences


@functools.cache
def oracle():
    rows = list(csv.DictReader(ORACLE.open()))
    assert len(rows) == 122
    return rows


def jansson(name, elements, phases=None):
    """[(row, ours)] of the rows of one database."""
    system, rows = wheel(name, elements, phases), [r for r in oracle() if r["tdb"] == name]
    points = list(dict.fromkeys((r["T_K"], r["x_component"], r["x"]) for r in rows))
    k = [system.elements.index(p[1]) for p in points]
    T = jnp.array([float(p[0]) for p in points])
    x, dx = np.zeros((len(points), len(system.elements))), np.zeros((len(points), len(system.elements)))
    for b, point in enumerate(points):
        x[b, k[b]], dx[b, k[b]] = float(point[2]), 1.0
        rest = -1 if name == "issue43.tdb" else 0
        if name == "issue43.tdb":
            x[b, 1], dx[b, 1] = CHROMIUM, 0.0
        x[b, rest], dx[b, rest] = 1.0 - x[b].sum(), -1.0
    run = tangent(name, elements, phases)
    values, by_T = run(T, jnp.asarray(x), jnp.ones_like(T), jnp.zeros(x.shape))
    by_x = run(T, jnp.asarray(x), jnp.zeros_like(T), jnp.asarray(dx))[1]
    slots = state_of(name, elements, phases)(T, jnp.asarray(x))
    out = []
    for row in rows:
        b = points.index((row["T_K"], row["x_component"], row["x"]))
        change = by_T if row["wrt"] == "T" else by_x
        out.append((row, _entry(row["property"], system, slots, values, change, b, float(row["value"]))))
    return out


CHROMIUM = 0.3  # of the rows of issue43.tdb; the rest is nickel


def _entry(name, system, slots, values, change, b, value):
    """Our derivative of a property named as pycalphad names it: GM, MU(E), NP(PHASE#n), X(PHASE#n,E)."""
    if name == "GM":
        return float(change["G"][b])
    kind, inner = name.rstrip(")").split("(")
    if kind == "MU":
        return float(change["mu"][system.elements.index(inner), b])
    parts = inner.split(",")
    index = system.index(parts[0].split("#")[0])
    here = [s for s in range(len(slots.phase)) if slots.active[s, b] and int(slots.phase[s, b]) == index]
    pick = (lambda d: d["amount"][:, b]) if kind == "NP" else (lambda d: d["x"][system.elements.index(parts[1]), :, b])
    nearest = min(here, key=lambda s: abs(float(pick(values)[s]) - value))  # which of two sets of one phase
    return float(pick(change)[nearest])


SYSTEMS = [
    pytest.param(*ALZN, None, 38),
    pytest.param(*CUMG, None, 28),
    pytest.param("pbsn.tdb", "PB SN", None, 14),
    pytest.param("alni_dupin_2001.tdb", "AL NI", None, 28),
    pytest.param("issue43.tdb", "AL CR NI", "FCC_A1", 14),
]


@pytest.mark.skipif(not ORACLE.exists(), reason="needs the oracle in shared/")
@pytest.mark.parametrize("name, elements, phases, count", SYSTEMS)
def test_derivatives_of_pycalphad(name, elements, phases, count):
    """The file's central differences decide (relative 1e-3 with their rounding); where pycalphad's own agree with them
    ours agree to 1e-5. They do not for GM and NP where a phase has a formula unit of more than one atom."""
    found = jansson(name, elements, phases)
    kinds = collections.Counter()
    for row, ours in found:
        theirs, difference, value = (float(row[k]) for k in ("jansson_derivative", "central_fd", "value"))
        noise = 1e-4 * max(1.0, 1e-4 * abs(value)) if row["wrt"] != "T" else 1e-8 * max(1.0, abs(value))
        label = f"{row['stable_phases']} {row['property']} by {row['wrt']}"
        assert ours == pytest.approx(difference, rel=1e-3, abs=noise), label
        right = abs(theirs - difference) < 1e-4 * abs(difference) + noise
        kinds[right] += 1
        if right:
            assert ours == pytest.approx(theirs, rel=1e-5, abs=noise), label
        else:
            assert row["property"] == "GM" or row["property"].startswith("NP("), label
    assert sum(kinds.values()) == count


# Parameters of the database


def coefficient_gradients(of, scalar):
    system = wheel(*of)
    T, x = conditions(of)
    value = lambda c: scalar(properties(system, T, x, c))
    return system.tables.coefficients, jax.jit(value), jax.jit(jax.grad(value))


def test_gradients_with_respect_to_the_database():
    """Of a mixture of everything, by every coefficient that matters: reverse mode against central differences."""
    squares = lambda v: jnp.sum(v * v)
    mixture = lambda p: 1e-4 * jnp.sum(p["G"]) + squares(p["amount"]) + jnp.sum(p["x"] ** 3) + squares(1e-4 * p["mu"])
    c, value, gradient = coefficient_gradients(ALZN, mixture)
    slopes = np.asarray(gradient(c))
    assert np.isfinite(slopes).all()
    basis = np.array([1.0, 700.0, 700.0**2, 0, 0, 0, 0, 0, 0, 0, 0, 700.0 * np.log(700.0)] + [0.0] * (c.shape[1] - 12))
    used = np.argwhere((np.abs(slopes) > 0) & (np.asarray(c) != 0) & (basis > 0))
    assert len(used) > 15
    for unit, k in used[np.random.default_rng(4).permutation(len(used))[:8]]:
        h = 0.5 / basis[k]  # half a joule per mole
        difference = (value(c.at[unit, k].add(h)) - value(c.at[unit, k].add(-h))) / (2 * h)
        assert slopes[unit, k] == pytest.approx(float(difference), rel=2e-4, abs=1e-9 * np.abs(slopes[:, k]).max())


def test_energy_obeys_the_envelope_theorem():
    """dG/dc = sum over phases of N dG_phase/dc at fixed constitutions: no answer of the equilibrium enters."""
    system = wheel(*ALZN)
    T, x = conditions(ALZN)
    c = system.tables.coefficients
    state = state_of(*ALZN)(T, x)
    here, phase = np.argwhere(np.asarray(state.active)), np.asarray(state.phase)
    y = jnp.asarray(np.where(np.asarray(state.y) == 0, 1.0, state.y))  # 1 in the padding

    def frozen(c):
        tables = eqx.tree_at(lambda t: t.coefficients, system.tables, c)
        energies = [molar_energy(tables, int(phase[s, b]), T[b], 101325.0, y[:, s, b]) for s, b in here]
        return sum(state.amount[s, b] * g for (s, b), g in zip(here, energies, strict=True))

    ours = jax.jit(jax.grad(lambda c: jnp.sum(stable_state(system, T, x, coefficients=c).G)))(c)
    expected = jax.jit(jax.grad(frozen))(c)
    np.testing.assert_allclose(ours, expected, rtol=1e-8, atol=1e-9 * np.abs(expected).max())


# Second derivatives


def test_second_derivatives_of_the_energy():
    """d2G/dT2 = -dS/dT and d2G/dx2 = d(mu_2 - mu_1)/dx, forward over reverse and reverse over reverse."""
    system = wheel(*ALZN)
    T, x = conditions(ALZN)

    def energy(point):
        t, s = point
        return stable_state(system, t, jnp.array([1 - s, s])).G[0]

    hessian = jax.jit(jax.hessian(energy))
    again = jax.jit(jax.jacrev(jax.grad(energy)))
    by_T = tangent(*ALZN)(T, x, 0 * T + 1, 0 * x)[1]
    by_x = tangent(*ALZN)(T, x, 0 * T, along_x(x))[1]
    for b in (0, 2):
        point = jnp.array([T[b], x[b, 1]])
        H = np.asarray(hessian(point))
        np.testing.assert_allclose(H, again(point), rtol=1e-7, atol=1e-6)
        assert H[0, 0] == pytest.approx(-float(by_T["S"][b]), rel=1e-7)
        assert H[1, 1] == pytest.approx(float(by_x["mu"][1, b] - by_x["mu"][0, b]), rel=1e-7, abs=1e-3)
        assert H[0, 1] == pytest.approx(-float(by_x["S"][b]), rel=1e-7)


def test_second_derivatives_of_amounts_against_differences():
    """d2 N/dT2 of the lever rule: jvp of grad, against differences of grad."""
    system = wheel(*CUMG)
    amount = lambda t: stable_state(system, t, jnp.array([0.5, 0.5])).amount[0, 0]
    first = jax.jit(jax.grad(amount))
    second = jax.jit(lambda t: jax.jvp(jax.grad(amount), (t,), (1.0,))[1])
    h = 0.5
    difference = (first(900.0 + h) - first(900.0 - h)) / (2 * h)
    assert float(second(900.0)) == pytest.approx(float(difference), rel=1e-4)


# Transformations and edges


def test_mapping_is_looping_and_jit_changes_nothing():
    system = wheel(*ALZN)
    T, x = conditions(ALZN)
    slope = jax.value_and_grad(lambda t, x: stable_state(system, t, x).G[0])
    mapped, slopes = jax.jit(jax.vmap(slope))(T, x)
    one = jax.jit(slope)
    for b in range(len(T)):
        value, own = one(T[b], x[b])
        assert float(value) == pytest.approx(float(mapped[b]), rel=1e-12)
        assert float(own) == pytest.approx(float(slopes[b]), rel=1e-9)


def test_a_compiled_function_may_take_the_searcher():
    """Heat capacity at constant composition with the system's arrays as arguments, not constants: > 0, and T dS/dT."""
    system = wheel(*ALZN)
    searcher, elements = searcher_of(system, 1.0), system.tables.sizes[1]

    @eqx.filter_jit
    @eqx.filter_value_and_grad
    def entropy(T, searcher):
        rows = jnp.broadcast_to(jnp.eye(2, elements)[..., None], (2, elements, 1))
        demand = Demand(rows, jnp.array([[0.9], [0.1]]), jnp.zeros((elements, 1)))
        return solve(searcher, T[None], jnp.full(1, 101325.0), demand).S[0]

    slope = entropy(jnp.asarray(600.0), searcher)[1]
    difference = (entropy(jnp.asarray(600.1), searcher)[0] - entropy(jnp.asarray(599.9), searcher)[0]) / 0.2
    assert float(slope) == pytest.approx(float(difference), rel=1e-6)


def test_derivatives_on_both_sides_of_a_phase_boundary():
    """At the solvus of Al-Zn the phases change; derivatives stay finite and belong to the phases of their side."""
    T, run = jnp.full(3, 600.0), tangent(*ALZN)
    at = lambda zinc: jnp.asarray(np.column_stack([1 - np.array(zinc), zinc]))
    count = lambda zinc: np.asarray((run(T, at(zinc), 0 * T, jnp.zeros((3, 2)))[0]["amount"] > 0).sum(axis=0))
    low, high = 0.15, 0.3
    np.testing.assert_array_equal(count([low, high, high]), [1, 2, 2])
    while high - low > 1e-9:  # thirds
        inner = [low + (high - low) / 3, low + 2 * (high - low) / 3, high]
        two = count(inner) == 2
        low, high = (low, inner[0]) if two[0] else (inner[0], inner[1]) if two[1] else (inner[1], high)
    values, change = run(T, at([low, high, high]), 0 * T, along_x(jnp.zeros((3, 2))))
    assert all(np.isfinite(v).all() for v in change.values())
    np.testing.assert_allclose(values["G"][0], values["G"][1], rtol=0, atol=1e-4)
    curvature = change["mu"][1] - change["mu"][0]
    assert float(curvature[0]) > 1e3  # one phase: its own
    assert abs(float(curvature[1])) < 1e-3  # two phases: none
