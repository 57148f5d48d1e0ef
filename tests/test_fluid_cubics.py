"""Cubic equations of state: closed forms, CoolProp, mixtures, flashes and their derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffneq.thermo.fluids import (
    SUBSTANCES,
    Substance,
    at_pressure_enthalpy,
    at_temperature_pressure,
    bubble_pressure,
    bulk,
    cubic,
    dew_pressure,
    flash,
    mixture,
    properties,
    saturation_at_temperature,
    spinodal,
    stability,
    virial_coefficients,
)


@pytest.mark.parametrize(("equation", "Z"), [("vdW", 3 / 8), ("SRK", 1 / 3), ("PR", 0.307401308698703)])
def test_the_critical_point_is_one(x64, equation, Z):
    model = cubic(equation, "propane")
    T, rho, p = model.critical
    state = bulk(model, T, rho)
    scale = float(state.R * T)
    assert float(p / (rho * scale)) == pytest.approx(Z, rel=1e-12)
    assert float(state.p) == pytest.approx(float(p), rel=1e-9)
    assert abs(float(state.dp_drho)) / scale < 1e-7
    bent = jax.grad(lambda r: bulk(model, T, r).dp_drho)(rho)
    assert abs(float(bent * rho)) / scale < 1e-6


def test_van_der_waals_in_closed_form(x64):
    """p = R T/(v - b) - a/v^2, B = b - a/(R T), spinodal R T v^3 = 2 a (v - b)^2, and the energy -a/v."""
    model = cubic("vdW", "argon")
    T_c, _, p_c = (float(x) for x in model.critical)
    R = float(model.gas_constant)
    a, b = 27.0 * (R * T_c) ** 2 / (64.0 * p_c), R * T_c / (8.0 * p_c)
    T, v = 1.2 * T_c, 3.1 * b
    state = bulk(model, T, 1.0 / v)
    assert float(state.p) == pytest.approx(R * T / (v - b) - a / v**2, rel=1e-12)
    thin = bulk(model, T, 1e-9)
    assert float(state.u - thin.u) == pytest.approx(-a / v, rel=1e-8)
    virial = virial_coefficients(model, T)
    assert float(virial.B) == pytest.approx(b - a / (R * T), rel=1e-12)
    assert float(virial.C) == pytest.approx(b * b, rel=1e-12)
    found = spinodal(model, 0.9 * T_c)
    for rho in (found.liquid, found.vapour):
        v = 1.0 / float(rho)
        assert R * 0.9 * T_c * v**3 == pytest.approx(2.0 * a * (v - b) ** 2, rel=1e-9)


def test_van_der_waals_coexistence_by_maxwell_s_construction(x64):
    """At T = 0.9 T_c: p/p_c = 0.647, equal areas about the line (computed from the closed form of the isotherm)."""
    model = cubic("vdW", "argon")
    T = 0.9 * model.critical.T
    found = saturation_at_temperature(model, T)
    assert float(found.p / model.critical.p) == pytest.approx(0.647, abs=5e-4)
    R, (T_c, _, p_c) = float(model.gas_constant), (float(x) for x in model.critical)
    a, b = 27.0 * (R * T_c) ** 2 / (64.0 * p_c), R * T_c / (8.0 * p_c)
    v, w = 1.0 / float(found.liquid), 1.0 / float(found.vapour)
    area = R * float(T) * np.log((w - b) / (v - b)) + a * (1.0 / w - 1.0 / v)
    assert area == pytest.approx(float(found.p) * (w - v), rel=1e-10)


@pytest.mark.parametrize("equation", ["PR", pytest.param("SRK", marks=pytest.mark.slow)])
def test_saturation_against_coolprop_s_cubics(x64, equation):
    CoolProp = pytest.importorskip("CoolProp.CoolProp")
    model = cubic(equation, "propane")
    peer = CoolProp.AbstractState(equation, "Propane")
    T = np.array([200.0, 250.0, 300.0, 350.0])
    found = saturation_at_temperature(model, T)
    assert not found.status.any()
    for t, p in zip(T, found.p, strict=True):
        peer.update(CoolProp.QT_INPUTS, 0.0, t)
        assert float(p) == pytest.approx(peer.p(), rel=2e-4)  # its constants have more digits than ours


def test_saturation_from_deep_cold_to_the_critical_point(x64):
    for equation in ("vdW", "SRK", "PR"):
        model = cubic(equation, "methane")
        T = model.critical.T * np.array([0.35, 0.5, 0.7, 0.9, 0.99, 0.999, 0.99999])
        found = saturation_at_temperature(model, T)
        assert not (found.status & 15).any(), equation
        assert (np.diff(found.p) > 0.0).all() and (found.liquid > found.vapour).all()


@pytest.mark.slow
def test_ideal_heat_capacities_against_the_equations_they_were_fitted_to(x64):
    CoolProp = pytest.importorskip("CoolProp.CoolProp")
    peers = {"methane": "Methane", "carbon dioxide": "CarbonDioxide", "nitrogen": "Nitrogen", "propane": "Propane",
             "ammonia": "Ammonia", "water": "Water"}  # fmt: skip
    for name, peer in peers.items():
        state = CoolProp.AbstractState("HEOS", peer)
        for T in (300.0, 500.0, 800.0):
            state.update(CoolProp.DmolarT_INPUTS, 1e-6, T)
            assert float(bulk(cubic("PR", name), T, 1e-6).cp) == pytest.approx(state.cpmolar(), rel=0.04), (name, T)
    assert len(SUBSTANCES) >= 20


def test_flash_of_a_cubic_fluid(x64):
    model = cubic("PR", "carbon dioxide")
    one = at_temperature_pressure(model, jnp.array([250.0, 400.0]), jnp.array([5e6, 2e6]))
    h = properties(model, one, ("h",))["h"]
    found = at_pressure_enthalpy(model, one.p, h)
    np.testing.assert_allclose(found.T, one.T, rtol=1e-9)


def test_fugacities_of_a_pure_fluid_and_of_a_mixture(x64):
    """ln phi of the pure limit is alpha_r + Z - 1 - ln Z; Gibbs-Duhem: sum x_i dln phi_i = 0 at fixed T, p."""
    pair = mixture("PR", ["methane", "propane"], k={("methane", "propane"): 0.014})
    T, p = 320.0, 4e6
    model = cubic("PR", "methane")
    rho = at_temperature_pressure(model, T, p).rho
    state = bulk(model, T, rho)
    Z = float(state.alpha.d1t0)
    wanted = float(model.residual(T, rho)) + Z - 1.0 - np.log(Z)
    assert float(pair.log_fugacity(T, p, jnp.array([1.0, 0.0]), False)[0]) == pytest.approx(wanted, rel=1e-10)
    x, dx = jnp.array([0.3, 0.7]), jnp.array([1.0, -1.0])
    _, change = jax.jvp(lambda x: pair.log_fugacity(T, p, x, False), (x,), (dx,))
    assert abs(float(x @ change)) < 1e-12


@pytest.mark.slow
def test_mixture_flash_balances_and_is_stable(x64):
    pair = mixture("PR", ["methane", "n-butane"], k={("methane", "n-butane"): 0.0133})
    z = jnp.array([0.4, 0.6])
    found = flash(pair, 300.0, 2e6, z)
    assert bool(found.two_phases) and bool(found.converged) and float(found.distance) > -1e-9
    np.testing.assert_allclose((1.0 - found.vapour) * found.x + found.vapour * found.y, z, rtol=1e-12)
    liquid = jnp.log(found.x) + pair.log_fugacity(300.0, 2e6, found.x, True)
    vapour = jnp.log(found.y) + pair.log_fugacity(300.0, 2e6, found.y, False)
    np.testing.assert_allclose(liquid, vapour, rtol=1e-9)
    assert not bool(stability(pair, 300.0, 2e6, z).stable)
    assert float(flash(pair, 300.0, 1e5, z).vapour) == 1.0 and float(flash(pair, 300.0, 5e7, z).vapour) == 0.0


@pytest.mark.slow
def test_bubble_and_dew_points_bound_the_flash(x64):
    """At its bubble pressure a mixture has no vapour, at its dew pressure no liquid; the incipient phases agree."""
    pair = mixture("PR", ["methane", "n-butane"])
    x = jnp.array([0.2, 0.8])
    bubble = bubble_pressure(pair, 300.0, x)
    assert bool(bubble.converged)
    just = flash(pair, 300.0, bubble.p * (1.0 - 1e-6), x)
    assert 0.0 < float(just.vapour) < 1e-4
    np.testing.assert_allclose(just.y, bubble.incipient, rtol=1e-4)
    dew = dew_pressure(pair, 300.0, bubble.incipient)
    assert float(dew.p) == pytest.approx(float(bubble.p), rel=1e-8)


@pytest.mark.slow
def test_derivatives_of_a_mixture_flash_against_differences(x64):
    pair = mixture("PR", ["methane", "n-butane"])
    z = jnp.array([0.4, 0.6])

    def share(T, p, k):
        import equinox as eqx

        other = eqx.tree_at(lambda m: m.k, pair, k * (1.0 - jnp.eye(2)))
        return flash(other, T, p, z).vapour

    at = (jnp.asarray(300.0), jnp.asarray(2e6), jnp.asarray(0.01))
    slopes, value = jax.jit(jax.grad(share, (0, 1, 2)))(*at), jax.jit(share)
    for n, (slope, step) in enumerate(zip(slopes, (1e-3, 10.0, 1e-5), strict=True)):
        up, down = (value(*(a + sign * step * (j == n) for j, a in enumerate(at))) for sign in (1.0, -1.0))
        assert float(slope) == pytest.approx(float(up - down) / (2.0 * step), rel=1e-6)


def test_mixture_flash_against_coolprop(x64):
    """CoolProp's Peng-Robinson with the same constants and k_ij = 0, methane and n-butane at 300 K, 2 MPa."""
    CoolProp = pytest.importorskip("CoolProp.CoolProp")
    peer = CoolProp.AbstractState("PR", "Methane&n-Butane")
    peer.set_mole_fractions([0.4, 0.6])
    peer.set_binary_interaction_double(0, 1, "kij", 0.0)
    peer.update(CoolProp.PT_INPUTS, 2e6, 300.0)
    found = flash(mixture("PR", ["methane", "n-butane"]), 300.0, 2e6, jnp.array([0.4, 0.6]))
    assert float(found.vapour) == pytest.approx(peer.Q(), rel=2e-3)
    np.testing.assert_allclose(found.x, peer.mole_fractions_liquid(), rtol=2e-3)
    np.testing.assert_allclose(found.y, peer.mole_fractions_vapor(), rtol=2e-3)


def test_sentences(x64):
    with pytest.raises(ValueError, match="Unknown fluid 'unobtainium'"):
        cubic("PR", "unobtainium")
    with pytest.raises(ValueError, match="choose from vdW, SRK, PR"):
        cubic("RK", "methane")
    with pytest.raises(ValueError, match="each fluid once"):
        mixture("PR", ["methane", "methane"])
    with pytest.raises(ValueError, match="for no pair"):
        mixture("PR", ["methane", "ethane"], k={("methane", "argon"): 0.1})


def test_a_substance_of_ones_own(x64):
    model = cubic("SRK", Substance("mine", 400.0, 4e6, 0.2, 0.05))
    assert float(model.critical.T) == 400.0 and model.name == "mine"
