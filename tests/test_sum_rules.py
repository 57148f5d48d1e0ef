"""Pulses, sum rules and curvature against motions whose response is known in closed form."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf

from diffneq import simulate
from diffneq.dynamics import Langevin, Verlet
from diffneq.models import Conductor, EnergyModel
from diffneq.response import PulseResponse, initial_derivatives, pulse_response, running_moments
from diffneq.studies.driven_conductor.curvature import shift_curvature

TIME = np.concatenate([np.arange(0, 2, 0.01), np.arange(2, 40, 0.05)])


def noisy(phi, seed=0, replicas=32, size=1e-3):
    """Replicas that scatter smoothly, and not at all at t = 0, as pairs of runs do."""
    rng = np.random.default_rng(seed)
    rates, amplitude = rng.uniform(1.0, 3.0, replicas), size * rng.normal(size=replicas)
    return PulseResponse(TIME, phi + amplitude[:, None] * (1 - np.cos(rates[:, None] * TIME)) * np.exp(-TIME / 5))


def test_the_transform_of_a_drude_metal():
    """sigma(w) = tau/(1 - i w tau), over four decades, also where the taper has cut the record short."""
    w = np.geomspace(0.01, 100, 30)
    sigma = noisy(np.exp(-TIME / 2), size=0.0).conductivity(w)[0]
    exact = 2 / (1 - 2j * w)
    assert np.max(np.abs(sigma - exact) / np.abs(exact)) < 2e-3


def test_initial_derivatives_of_a_drude_metal():
    """phi = exp(-g t): 1, -g, g^2."""
    found = initial_derivatives(noisy(np.exp(-0.3 * TIME)), 0.2, order=4)
    for estimate, exact in zip(found, (1.0, -0.3, 0.09), strict=True):
        assert abs(estimate.z_score(exact)) <= 4, estimate
    assert found[1].error < 1e-3


def test_initial_derivatives_tell_friction_from_none():
    """phi = exp(-a t^2/2) starts flat; a fit that could not see a slope of 2 % of sqrt(a) would be no test."""
    flat = initial_derivatives(noisy(np.exp(-(TIME**2) / 2)), 0.2)
    assert abs(flat[1].z_score(0.0)) <= 4 and abs(flat[2].z_score(-1.0)) <= 4
    tilted = initial_derivatives(noisy(np.exp(-(TIME**2) / 2 - 0.02 * TIME)), 0.2)
    assert tilted[1].z_score(0.0) < -4


def test_running_moments_of_a_gaussian():
    """phi = exp(-a t^2/2) has Re sigma = sqrt(pi/2a) exp(-w^2/2a): moments 1, 0, a, and erf on the way."""
    a = 1.7
    cutoff = np.array([0.5, 1.0, 2.0, 30.0])
    found = running_moments(noisy(np.exp(-a * TIME**2 / 2), size=0.0), cutoff, weight=1.0)
    x = cutoff / np.sqrt(2 * a)
    np.testing.assert_allclose(found.moments[0], erf(x), atol=2e-4)
    np.testing.assert_allclose(found.moments[2], a * (erf(x) - 2 / np.sqrt(np.pi) * x * np.exp(-(x**2))), atol=2e-3)
    assert found.moments[1, -1] == pytest.approx(-2 * a / np.pi / 30, rel=0.02)  # w Im sigma - 1 -> a/w^2


def test_moments_with_friction_need_the_slope():
    """phi = exp(-g t): the second moment is -g^2 where the slope is given, and grows without bound where not."""
    drude = noisy(np.exp(-TIME), size=0.0)
    right = running_moments(drude, [40.0, 80.0], weight=1.0, slope=-1.0).moments
    wrong = running_moments(drude, [40.0, 80.0], weight=1.0).moments
    assert right[1, 1] == pytest.approx(-1.0, abs=0.03)
    assert right[2, 1] == pytest.approx(-1.0, abs=0.05)
    assert wrong[2, 1] > 40


def kicked(model, dynamics, change, steps, replicas=4, **options):
    """(R, T) currents after +-change of all velocities, and their times; the same start and noise."""
    keys = jax.random.split(jax.random.key(3), replicas)
    state = simulate(model, dynamics, steps=10, keys=keys, progress=False, devices=1, **options).state
    out = []
    for sign in (1, -1):
        start = eqx.tree_at(lambda s: s.velocity[0], state, state.velocity[0] + sign * change)
        run = simulate(model, dynamics, steps=steps, record_every=1, keys=keys, start=start, progress=False, devices=1)
        out.append(np.concatenate([np.sum(start.velocity[0], 1)[:, None], run.records["current"]], 1))
    return *out, float(dynamics.dt) * np.arange(steps + 1)


@pytest.mark.slow
def test_pulses_on_oscillators_give_their_frequency(x64):
    """m x'' = -k x: phi = (N/A) cos(w t), phi'(0+) = 0, -phi''(0+) = (1/m^2 A) sum_j d^2U/dx_j^2 = N k/(m^2 A)."""
    k, mass = 2.0, 1.0
    model = EnergyModel(lambda R: k / 2 * jnp.sum((R - 5.0) ** 2), (10.0, 10.0), (16,), mass=mass, charge=1.0)
    rng = np.random.default_rng(0)
    start = (5 + rng.normal(size=(16, 2)), rng.normal(size=(16, 2)))
    plus, minus, t = kicked(model, Verlet(0.005), 0.3, 400, start=start)
    pulse = pulse_response(plus, minus, t, impulse=0.3, area=100.0)
    np.testing.assert_allclose(pulse.response, 0.16 * np.cos(np.sqrt(2.0) * t), atol=1e-6)
    first, slope, bend = initial_derivatives(pulse, 0.2, order=4)
    assert first.value == pytest.approx(0.16, rel=1e-6) and abs(slope.value) < 1e-5
    state = simulate(model, Verlet(0.005), steps=10, keys=jax.random.key(0), progress=False, start=start).state
    assert float(shift_curvature(model)(state)[0]) == pytest.approx(16 * k, rel=1e-9)
    assert -bend.value == pytest.approx(16 * k / 100, rel=1e-3)


@pytest.mark.slow
def test_pulses_on_langevin_particles_show_the_friction():
    """m dv = -m g v dt + noise: the noise is the same in both runs, so phi = (N/A) exp(-g t) to round-off."""
    model = EnergyModel(lambda R: 0.0 * jnp.sum(R), (10.0, 10.0), (16,), charge=1.0)
    plus, minus, t = kicked(model, Langevin(0.01, 1.0, 0.7), 0.3, 300)
    pulse = pulse_response(plus, minus, t, impulse=0.3, area=100.0)
    np.testing.assert_allclose(pulse.response, 0.16 * np.exp(-0.7 * t), rtol=1e-4)


@pytest.mark.slow
def test_the_curvature_is_the_sum_over_electrons_and_their_scatterers(x64):
    """d^2U/ds^2 = sum over pairs of an electron and another species of u'' cos^2 + (u'/r) sin^2, by hand."""
    model = Conductor.preset("soft", electrons=60)
    keys = jax.random.split(jax.random.key(5), 24)
    run = simulate(model, model.dynamics(), steps=400, keys=keys, progress=False, devices=1)
    exact = [_curvature_by_hand(run.positions(r), np.asarray(model.box.lengths, float)) for r in range(24)]
    assert np.mean(exact) > 10
    np.testing.assert_allclose(shift_curvature(model)(run.state), exact, rtol=1e-6, atol=1e-6)


def _curvature_by_hand(position, lengths):
    gap = position[:60, None] - position[None, 60:]
    gap -= lengths * np.round(gap / lengths)
    r = np.hypot(gap[..., 0], gap[..., 1])
    depth = np.maximum(2 - r, 0)
    slope, bend = -2.5 * 40 * depth**1.5, 3.75 * 40 * depth**0.5
    cosine = (gap[..., 0] / r) ** 2
    return np.sum(bend * cosine + slope / r * (1 - cosine))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: pulse_response(x, x[:1], TIME, 0.1, 1.0), "must have shape"),
        (lambda x: pulse_response(x[:1], x[:1], TIME, 0.1, 1.0), "two or more"),
        (lambda x: pulse_response(x, x, TIME + 1, 0.1, 1.0), "increase from 0"),
        (lambda x: pulse_response(x * np.nan, x, TIME, 0.1, 1.0), "NaN"),
        (lambda x: initial_derivatives(PulseResponse(TIME, x), 0.05), "record finer"),
        (lambda x: running_moments(PulseResponse(TIME, x), [1.0, 0.5], 1.0), "increasing"),
        (lambda x: running_moments(PulseResponse(TIME, x), [1000.0], 1.0), "resolve"),
    ],
)
def test_misuse_is_one_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call(np.ones((4, len(TIME))))
