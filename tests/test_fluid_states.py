"""Flashes, spinodals, qualities and batches of water: round trips, CoolProp, sensitivities, sentences."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffneq.thermo.fluids import (
    at_energy_volume,
    at_pressure_enthalpy,
    at_pressure_entropy,
    at_temperature_density,
    at_temperature_pressure,
    at_temperature_quality,
    bulk,
    properties,
    saturation_at_temperature,
    spinodal,
    states,
    water,
)
from diffneq.thermo.fluids.batches import in_batches, many_at_temperature_pressure

GIVEN = {
    "ph": (at_pressure_enthalpy, ("p", "h")),
    "ps": (at_pressure_entropy, ("p", "s")),
    "uv": (at_energy_volume, ("u", "v")),
}

ONE_BY_DEFAULT = ["ph", *(pytest.param(name, marks=pytest.mark.slow) for name in ("ps", "uv"))]


def random_states(count: int, seed: int = 3):
    """T, p of the whole fluid range (below 632 MPa no ice is stable above 273.31 K), a fifth of them near critical."""
    random = np.random.default_rng(seed)
    T, p = random.uniform(273.4, 1270.0, count), 10.0 ** random.uniform(2.8, 8.79, count)
    few = count // 5
    T[:few], p[:few] = random.uniform(630.0, 670.0, few), random.uniform(1.8e7, 3e7, few)
    return T, p


@pytest.mark.slow
def test_ten_thousand_states_against_coolprop(x64):
    """p, c_p, c_v, w, s, h from (T, rho) to 1e-9; density from (T, p) to 1e-9. CoolProp 8, HEOS."""
    CoolProp = pytest.importorskip("CoolProp.CoolProp")
    T, p = random_states(10_000)
    away = np.hypot(T / 647.096 - 1.0, 0.3 * (p / 22.064e6 - 1.0)) > 0.02
    T, p = T[away], p[away]
    state, model = many_at_temperature_pressure(water(), T, p), water()
    assert not state.status.any()
    peer = CoolProp.AbstractState("HEOS", "Water")
    names = ("p", "cp", "cv", "w", "s", "h")
    found = in_batches(_from_density, model, T, np.asarray(state.rho))
    wanted, rho = {name: [] for name in names}, []
    for t, pressure, density in zip(T, p, np.asarray(state.rho), strict=True):
        peer.update(CoolProp.PT_INPUTS, pressure, t)
        rho.append(peer.rhomass())
        peer.update(CoolProp.DmassT_INPUTS, density, t)
        values = (peer.p(), peer.cpmass(), peer.cvmass(), peer.speed_sound(), peer.smass(), peer.hmass())
        for name, value in zip(names, values, strict=True):
            wanted[name].append(value)
    np.testing.assert_allclose(state.rho, rho, rtol=1e-9)
    # What vanishes somewhere has an absolute rounding: h and s at the triple point, p of a liquid below an atmosphere,
    # which is a difference of terms of the size of rho R T.
    floor = {"h": 1e-9 * 461.5 * T, "s": 1e-9 * 461.5, "p": 5e-12 * 461.5 * np.asarray(state.rho) * T}
    for name in names:
        apart = np.abs(found[name] - wanted[name])
        assert (apart <= 1e-9 * np.abs(wanted[name]) + floor.get(name, 0.0)).all(), name


def _from_density(model, T, rho):
    state = bulk(model, T, rho)
    return {name: getattr(state, name) for name in ("p", "cp", "cv", "w", "s", "h")}


@pytest.mark.parametrize("name", ONE_BY_DEFAULT)
def test_flashes_find_the_state_again(x64, name):
    """Forty states of one phase, twenty of two, from the quantities that they have."""
    flash, pair = GIVEN[name]
    T, p = random_states(40)
    quality = np.linspace(0.0, 1.0, 20)
    model = water()
    one = at_temperature_pressure(model, T, p)
    two = at_temperature_quality(model, np.linspace(280.0, 640.0, 20), quality)
    state = type(one)(*(jnp.concatenate([a, b]) for a, b in zip(one, two, strict=True)))
    given = properties(model, state, pair)
    found = flash(model, *(given[key] for key in pair))
    assert not np.any(found.status & 15)
    np.testing.assert_allclose(found.T, state.T, rtol=1e-8)
    np.testing.assert_allclose(found.p, state.p, rtol=1e-7)
    np.testing.assert_allclose(found.quality[41:-1], quality[1:-1], atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", GIVEN)
def test_sensitivities_of_flashes_against_differences(x64, name):
    """d(T, quality)/d(inputs) and d/d(a coefficient), of a single phase and of two."""
    flash, pair = GIVEN[name]
    model = water()
    state = jax.jit(at_temperature_density)(model, jnp.array([700.0, 450.0]), jnp.array([100.0, 20.0]))
    given = properties(model, state, pair)
    a, b = (given[key] for key in pair)

    def outputs(a, b, stretch):
        leaves = model.leaves._replace(power=model.leaves.power.at[1].multiply(1.0 + stretch))
        found = flash(eqx.tree_at(lambda m: m.leaves, model, leaves), a, b)
        return found.T, found.p, jnp.where(found.two_phases, found.quality, 0.0)

    at = (a, b, jnp.zeros(()))
    value, slope = jax.jit(outputs), jax.jit(lambda *d: jax.jvp(outputs, at, d)[1])
    step = 1e-5
    for k, unit in enumerate((a, b, jnp.ones(()))):
        direction = [unit if j == k else jnp.zeros_like(x) for j, x in enumerate(at)]
        up, down = (value(*(x + sign * step * d for x, d in zip(at, direction, strict=True))) for sign in (1, -1))
        for exact, high, low in zip(slope(*direction), up, down, strict=True):
            np.testing.assert_allclose(exact, (high - low) / (2.0 * step), rtol=2e-6, atol=1e-7)


@pytest.mark.slow
def test_second_derivative_through_a_flash(x64):
    """d(T)/d(h) at fixed p is 1/c_p, and the derivative of that is -(dc_p/dT)/c_p^3."""
    model = water()
    T_of = lambda h: at_pressure_enthalpy(model, 1e6, h).T
    first, second = jax.jit(lambda h: (jax.grad(T_of)(h), jax.grad(jax.grad(T_of))(h)))(3.0e6)
    at = lambda T: bulk(model, T, at_temperature_pressure(model, T, 1e6).rho).cp
    cp, slope = jax.jit(jax.value_and_grad(at))(T_of(3.0e6))
    assert float(first) == pytest.approx(1.0 / float(cp), rel=1e-9)
    assert float(second) == pytest.approx(-float(slope) / float(cp) ** 3, rel=1e-7)


def test_spinodal_lies_inside_and_is_where_stiffness_vanishes(x64):
    model, T = water(), jnp.array([400.0, 500.0, 600.0, 640.0])
    found, saturated = jax.jit(spinodal)(model, T), jax.jit(saturation_at_temperature)(model, T)
    assert (found.liquid < saturated.liquid).all() and (found.vapour > saturated.vapour).all()
    for rho in (found.liquid, found.vapour):
        assert np.abs(bulk(model, T, rho).dp_drho / (461.5 * T)).max() < 1e-9
    assert (found.p_vapour > saturated.p).all() and (found.p_liquid < saturated.p).all()


def test_metastable_phases_on_request(x64):
    model = water()
    stretched = at_temperature_pressure(model, 450.0, 5e5, phase="liquid")
    assert int(stretched.status) == 32 and float(stretched.rho) > 880.0
    beyond = at_temperature_pressure(model, 450.0, 5e7, phase="vapour")
    assert int(beyond.status) & 1 and np.isnan(float(beyond.rho))


@pytest.mark.slow
def test_batches_of_any_length_are_those_of_one_call(x64):
    T, p = random_states(3000)
    model = water()
    whole = many_at_temperature_pressure(model, T, p)
    np.testing.assert_allclose(many_at_temperature_pressure(model, T[:700], p[:700]).rho, whole.rho[:700], rtol=1e-11)
    one = jax.jit(at_temperature_pressure)(model, T[:60], p[:60])
    np.testing.assert_allclose(one.rho, whole.rho[:60], rtol=1e-11)


def test_nothing_is_compiled_twice(x64):
    """Other numbers of states of one power of two, and other parameters of the model, share a program."""
    from diffneq.thermo.fluids import batches

    count = 0

    def counted(model, T, rho):
        nonlocal count
        count += 1
        return bulk(model, T, rho).p

    T = np.linspace(300.0, 400.0, 128)
    in_batches(counted, water(), T[:100], np.full(100, 900.0))
    traces = count
    in_batches(counted, water(), T[:120], np.full(120, 900.0))
    in_batches(counted, jax.tree.map(lambda x: 1.0001 * x, water()), T, np.full(128, 900.0))
    assert count == traces
    batches._program.cache_clear()


def test_datasets_have_units_and_a_source(x64):
    data = states(water(), T=[300.0, 500.0], p=1e5)
    assert data.rho.attrs["units"] == "kg/m3" and data.s.attrs["units"] == "J/(kg K)"
    assert "IAPWS" in data.attrs["source"] and data.attrs["basis"] == "kg"
    assert float(data.cp[0]) == pytest.approx(4180.6, abs=0.1)  # tables of water at 300 K and 1 bar
    assert data.status.values.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"T": 300.0, "rho": 500.0, "homogeneous": True}, "inside the spinodal"),
        ({"T": 2000.0, "p": 1e5}, "outside 273.16 to 1273 K"),
        ({"T": 700.0, "quality": 0.5}, "do not coexist"),
        pytest.param({"p": 1e5, "h": 1e9}, "no state", marks=pytest.mark.slow),
        ({"T": 300.0}, "Give one pair"),
        ({"T": 300.0, "p": 1e5, "rho": 1.0}, "Give one pair"),
        ({"T": -1.0, "p": 1e5}, "must be positive"),
        ({"T": float("nan"), "p": 1e5}, "finite"),
        ({"T": 300.0, "quality": 1.5}, "between 0 and 1"),
        ({"T": 300.0, "p": 1e5, "phase": "solid"}, "phase must be"),
        ({"p": 1e5, "h": 1e6, "phase": "liquid"}, "phase goes with"),
    ],
)
def test_sentences(x64, given, words):
    with pytest.raises(ValueError, match=words):
        states(water(), **given)


def test_extrapolation_on_request_is_marked(x64):
    assert int(states(water(), T=2000.0, p=1e5, extrapolate=True).status) == 16


def test_one_bad_lane_does_not_stop_the_others(x64):
    data = states(water(), T=np.array([300.0, 700.0]), quality=0.5)
    assert data.status.values.tolist() == [0, 8]
    assert np.isfinite(data.h.values[0]) and np.isnan(data.h.values[1])


def test_single_precision_is_refused():
    with pytest.raises(ValueError, match="float64"):
        water()
