"""Legendre transforms, Maxwell relations, derivative tables and closed loops, on water and on cubic equations."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffneq.thermo.fluids import bulk, cubic, saturation_at_temperature, water
from diffneq.thermo.fluids.potential import potential
from diffneq.thermo.potentials import (
    Potential,
    clapeyron,
    convexity,
    cycle,
    derivative,
    legendre,
    properties,
    quotient,
    table,
)
from diffneq.thermo.potentials.relation import QUANTITIES

STATES = {"liquid": (300.0, 1.0 / 996.556), "vapour": (500.0, 1.0 / 4.532), "supercritical": (900.0, 1.0 / 52.615)}


@pytest.mark.parametrize("name", STATES)
def test_named_properties_are_those_of_the_closed_forms(x64, name):
    T, V = STATES[name]
    model = water()
    found = jax.jit(lambda m, T, V: properties(potential(m), T, V))(model, T, V)
    state = bulk(model, T, 1.0 / V)
    second = ("expansivity", "compressibility_T", "compressibility_s", "cp", "cv", "w", "joule_thomson", "grueneisen")
    for key in second:
        assert float(found[key]) == pytest.approx(float(getattr(state, key)), rel=1e-10), key


def test_maxwell_relations_of_water(x64):
    """(dS/dV)_T = (dP/dT)_V and its three sisters, to rounding."""
    T, V = STATES["vapour"]
    model = water()
    pairs = (("S", "V", "T", "P", "T", "V", 1.0), ("T", "V", "S", "P", "S", "V", -1.0),
             ("S", "P", "T", "V", "T", "P", -1.0), ("T", "P", "S", "V", "S", "P", 1.0))  # fmt: skip
    _, rows = jax.jit(lambda m: table(potential(m), T, V))(model)
    values = np.array([quotient(rows, *name) for p in pairs for name in (p[:3], p[3:6])]).reshape(-1, 2)
    for (left, right), pair in zip(values, pairs, strict=True):
        assert left == pytest.approx(pair[6] * right, rel=1e-12), pair


def test_every_derivative_obeys_the_cyclic_and_the_chain_rule(x64):
    """(dX/dY)_Z (dY/dZ)_X (dZ/dX)_Y = -1 for all 56 triples of eight quantities, and dU = T dS - P dV behind them."""
    T, V = STATES["supercritical"]
    values, gradients = jax.jit(lambda m: table(potential(m), T, V))(water())
    every = {key: quotient(gradients, *key) for key in itertools.permutations(QUANTITIES, 3)}
    triples = list(itertools.combinations(QUANTITIES, 3))
    assert len(triples) == 56
    for a, b, c in triples:
        assert float(every[a, b, c] * every[b, c, a] * every[c, a, b]) == pytest.approx(-1.0, rel=1e-9), (a, b, c)
    assert float(every["U", "S", "V"]) == pytest.approx(T, rel=1e-12)
    assert float(every["H", "P", "S"]) == pytest.approx(V, rel=1e-12)
    assert float(every["G", "T", "P"]) == pytest.approx(-float(values["S"]), rel=1e-10)


@pytest.mark.slow
def test_a_derivative_against_differences(x64):
    """(dT/dP)_H of steam: the state of equal enthalpy at another pressure, found by bisection in T."""
    from diffneq.thermo.fluids import at_pressure_enthalpy

    T, V = STATES["vapour"]
    model = water()
    state = bulk(model, T, 1.0 / V)
    step = 1e3
    beside = jax.jit(at_pressure_enthalpy)(model, state.p + jnp.array([-step, step]), jnp.full(2, 1.0) * state.h)
    difference = float(beside.T[1] - beside.T[0]) / (2.0 * step)
    assert float(derivative(potential(model), "T", "P", "H", T, V)) == pytest.approx(difference, rel=1e-6)


def test_closed_loops_of_real_water(x64):
    """int dU = 0 and int dQ/T = 0 around a loop of steam, to 1e-12; heat and work are not zero."""
    path = lambda a: (800.0 + 80.0 * jnp.cos(a), 0.008 * jnp.exp(0.9 * jnp.sin(a) + 0.3 * jnp.cos(2.0 * a)))
    around = jax.jit(lambda m: cycle(potential(m), path, 192))(water())
    assert abs(float(around.entropy)) < 1e-12 * float(around.scale)
    assert abs(float(around.energy)) < 1e-12 * float(around.scale) * 800.0
    assert abs(float(around.work)) > 1e-3 * float(around.scale) * 800.0


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("G", ("T", "P")),
        pytest.param("H", ("S", "P"), marks=pytest.mark.slow),
        pytest.param("U", ("S", "V"), marks=pytest.mark.slow),
    ],
)
def test_legendre_transforms_of_a_real_gas(x64, kind, names):
    """phi* has the values, first and second derivatives that F says it has, and back again is F."""
    model = cubic("PR", "methane")
    F = potential(model)
    T, V = 250.0, 5e-4
    here = F.quantities(T, V)
    x, y = (here[name] for name in names)
    starts = {"T": 300.0, "V": 8e-4, "S": -50.0}
    made = legendre(F, kind, **starts)

    def all_of(model):
        made = legendre(potential(model), kind, **starts)
        return made.quantities(x, y), properties(made, x, y)

    quantities, found = jax.jit(all_of)(model)
    for name in QUANTITIES:
        assert float(quantities[name]) == pytest.approx(float(here[name]), rel=1e-9, abs=1e-6), name
    for name, value in properties(F, T, V).items():
        assert float(found[name]) == pytest.approx(float(value), rel=1e-8), name
    assert legendre(made, "F") is F


def test_a_transform_of_a_transform_is_the_original(x64):
    """G of F of G, each solved for, is G: for the ideal gas, to rounding."""
    F = Potential(lambda T, V, N: -N * 8.314 * T * (1.0 + jnp.log(V / N * T**1.5)), "F")
    G = legendre(F, "G", V=0.02)
    opaque = Potential(lambda T, P, N: G(T, P, N), "G")
    back = legendre(opaque, "F", P=1e4)
    assert float(jax.jit(lambda T, V: back(T, V))(300.0, 0.03)) == pytest.approx(float(F(300.0, 0.03)), rel=1e-12)


def test_transforms_under_vmap_and_third_derivatives(x64):
    """G of the ideal gas in closed form: G_TTT = (5/2) R N/T^2, and d/dT of C_P vanishes."""
    R = 8.314
    F = Potential(lambda T, V, N: -N * R * T * (1.0 + jnp.log(V / N * T**1.5)), "F")
    G = legendre(F, "G", V=0.02)
    third = jax.jit(jax.vmap(jax.grad(jax.grad(jax.grad(G)))))
    T, P = jnp.array([200.0, 300.0, 500.0]), jnp.array([1e4, 1e5, 1e6])
    np.testing.assert_allclose(third(T, P), 2.5 * R / T**2, rtol=1e-9)


def test_convexity_is_lost_inside_the_spinodal(x64):
    model = cubic("vdW", "argon")
    T, inside, outside = 0.9 * model.critical.T, 1.0 / model.critical.rho, 4.0 / model.critical.rho
    F = potential(model)
    assert not bool(convexity(F, T, inside).stable) and bool(convexity(F, T, outside).stable)
    assert not bool(convexity(F, T, inside).mechanical) and bool(convexity(F, T, inside).thermal)


def test_parameters_of_the_model_are_differentiated_through_a_transform(x64):
    """dG/d(parameter) at T, P is dF/d(parameter) at T, V."""
    model = cubic("SRK", "nitrogen")
    T, V = 200.0, 1e-3
    P = potential(model).quantities(T, V)["P"]
    of_G = jax.jit(jax.grad(lambda m: legendre(potential(m), "G", V=1.5e-3)(T, P)))(model)
    of_F = jax.jit(jax.grad(lambda m: potential(m)(T, V)))(model)
    assert float(of_G.acentric) == pytest.approx(float(of_F.acentric), rel=1e-9)
    assert float(of_G.p_critical) == pytest.approx(float(of_F.p_critical), rel=1e-9)


@pytest.mark.slow
def test_clapeyron_slope_from_two_potentials(x64):
    """Liquid and vapour as two Gibbs energies of their own; 21.774364 kPa/K at 450 K from the IAPWS-95 coefficients."""
    model = water()
    saturated = saturation_at_temperature(model, 450.0)

    def line(m):
        liquid, vapour = (legendre(potential(m), "G", V=1.0 / rho) for rho in (880.0, 5.0))
        return clapeyron(liquid, vapour, 450.0, 0.9e6)

    found = jax.jit(line)(model)
    assert bool(found.converged)
    assert float(found.P) == pytest.approx(float(saturated.p), rel=1e-9)
    assert float(found.slope) == pytest.approx(21774.364, abs=6e-4)


def test_sentences(x64):
    F = Potential(lambda T, V, N: T * V, "F")
    with pytest.raises(ValueError, match="choose from T, P, V"):
        derivative(F, "T", "Q", "S", 1.0, 1.0)
    with pytest.raises(ValueError, match="cannot be held fixed"):
        derivative(F, "T", "P", "P", 1.0, 1.0)
    with pytest.raises(ValueError, match="one of U, F, G, H"):
        Potential(lambda *z: z[0], "A")
    with pytest.raises(ValueError, match="one of U, F, G, H"):
        legendre(F, "K")
    with pytest.raises(ValueError, match="transform it first"):
        cycle(Potential(lambda *z: z[0], "G"), lambda a: (a, a))
    with pytest.raises(ValueError, match="transform them"):
        clapeyron(F, F, 300.0, 1e5)
