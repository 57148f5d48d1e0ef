"""Velocity Verlet and BAOAB: order of the error, energy balance, reversibility, exact stationary moments."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from systems import advance, coupled, free_particles, harmonic, start_of, z_score

from diffneq.drives import Constant, Sine
from diffneq.dynamics import Langevin, Verlet
from diffneq.dynamics.noise import normals

KEY = jax.random.key(7)


def slope(errors, halvings):
    return np.polyfit(np.log(1 / np.asarray(halvings, float)), np.log(errors), 1)[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["verlet", "baoab"])
def test_second_order_with_a_drive(name, x64):
    """Position and energy balance err by C dt^2: ratio 4 a halving, log-log slope 2.00(5).

    BAOAB at a temperature of 1e-26 is deterministic to round-off, and keeps its friction, drive and heat.
    """
    model, drive, halvings = coupled(), Sine(0.8, frequency=0.3, phase=0.4), (20, 40, 80, 160)
    make = {"verlet": Verlet, "baoab": lambda dt: Langevin(dt, 1e-26, 0.7)}[name]
    start = start_of(model)
    exact, *runs = (advance(model, make(2.0 / n), drive, start, KEY, n) for n in (2560, *halvings))
    wrong = [float(jnp.max(jnp.abs(ran.positions - exact.positions))) for ran in runs]
    gaps = [abs(float(ran.gap)) for ran in runs]
    for errors in (wrong, gaps):
        assert abs(slope(errors, halvings) - 2) < 0.05, errors
        assert abs(errors[-2] / errors[-1] - 4) < 0.15, errors


def test_order_of_the_energy_balance_with_noise(x64):
    """The rms gap of E - E0 - W - Q over many wells, each with its own noise, falls as dt^2."""
    model, halvings, keys = harmonic(1, k=1.0), (16, 32, 64), jax.random.split(KEY, 1500)
    start = (jnp.full((1, 2), 501.0), jnp.zeros((1, 2)))
    gaps = jax.jit(
        lambda dt, n: jax.vmap(lambda k: advance(model, Langevin(dt, 0.5, 0.8), Constant(0.3), start, k, n).gap)(keys)
    )
    errors = [float(np.std(gaps(4.0 / n, n))) for n in halvings]
    assert abs(slope(errors, halvings) - 2) < 0.1, errors


def test_energy_balance_is_exact_without_forces(x64):
    """No potential, no error of the splitting: dE = W + Q to round-off, also for a strong bath and field."""
    model, drive = free_particles((40, 30), mass=(1.0, 3.0), charge=(1.0, -2.0)), Sine(2.0, frequency=0.4)
    for dynamics in (Verlet(0.1), Langevin(0.1, 1.5, (0.5, 4.0))):
        ran = advance(model, dynamics, drive, start_of(model), KEY, 203)
        assert abs(ran.work) > 1.0 and (abs(ran.heat) > 1.0) == (dynamics.needs_noise)
        assert abs(ran.gap) < 1e-11 * (abs(ran.work) + abs(ran.heat))


def test_verlet_is_reversible(x64):
    """Turn the velocities round and the system goes home, to round-off times its own sensitivity."""
    model, dynamics = coupled(), Verlet(0.05)
    start = start_of(model)
    there = advance(model, dynamics, Constant(0.3), start, KEY, 100)
    assert float(jnp.max(jnp.abs(there.positions - start[0]))) > 1.0
    back = advance(model, dynamics, Constant(0.3), (there.positions, -there.velocities), KEY, 100)
    gap = np.asarray(back.positions - start[0])
    assert np.max(np.abs(gap - 2 * np.pi * np.round(gap / (2 * np.pi)))) < 1e-9
    np.testing.assert_allclose(-back.velocities, start[1], atol=1e-9)


def test_baoab_in_a_harmonic_well(x64):
    """<x^2> = kT/k exactly at any step, <v^2> = (kT/m)(1 - (w dt)^2/4); w dt = 1 here, so 25 percent.

    Source: B. Leimkuhler, C. Matthews, J. Chem. Phys. 138, 174102 (2013).
    """
    k, mass, temperature, dt, count = 2.0, 0.5, 1.7, 0.5, 20_000
    start = (jnp.full((count, 2), 500.0), jnp.zeros((count, 2)))
    ran = advance(harmonic(count, k, mass), Langevin(dt, temperature, 1.5), None, start, KEY, 40)
    x, v = np.asarray(ran.positions) - 500.0, np.asarray(ran.velocities)
    assert abs(z_score(x**2, temperature / k)) < 4
    assert abs(z_score(v**2, temperature / mass * (1 - dt**2 * k / mass / 4))) < 4
    assert abs(z_score(v**2, temperature / mass)) > 20  # the test can tell
    assert abs(z_score(x * v, 0.0)) < 4
    # A normal distribution, not only its width.
    assert abs(z_score(x**4, 3 * (temperature / k) ** 2)) < 4


def test_free_langevin_particles(x64):
    """<v^2> = kT/m, <v(t) v(0)> = (kT/m) exp(-g t), and the drift of this map under a field, for each species."""
    rates, masses, dt, temperature, count, steps = (0.3, 2.0), (1.0, 4.0), 0.2, 1.3, 20_000, 30
    model = free_particles((count, count), mass=masses, charge=(1.0, 0.0))
    start = start_of(model, temperature=temperature)
    ran = advance(model, Langevin(dt, temperature, rates), Constant(0.9), start, KEY, steps)
    for kind, (rate, mass) in enumerate(zip(rates, masses, strict=True)):
        here = slice(count * kind, count * (kind + 1))
        before, after = np.asarray(start[1])[here, 1], np.asarray(ran.velocities)[here, 1]
        assert abs(z_score(after**2, temperature / mass)) < 4
        assert abs(z_score(after * before, temperature / mass * np.exp(-rate * dt * steps))) < 4
    keep = np.exp(-rates[0] * dt)
    drift = 0.9 * dt / 2 * (1 + keep) / (1 - keep) * (1 - keep**steps)
    assert abs(z_score(ran.velocities[:count, 0], drift)) < 4


def test_strength_of_the_noise(x64):
    """One step from rest is sqrt((1 - c^2) kT/m) xi with c = exp(-g dt), to round-off, for strong and weak baths."""
    for rate, dt in ((3.0, 0.5), (0.1, 0.01), (1e-9, 1e-3)):
        model = free_particles((50,), mass=2.5)
        place = start_of(model)[0]
        ran = advance(model, Langevin(dt, 1.7, rate), None, (place, jnp.zeros((50, 2))), KEY, 1)
        words = jax.random.key_data(jax.random.fold_in(KEY, 1))
        noise = np.stack(normals(words, jnp.uint32(0), 0, 0, 50, 2, jnp.float64), axis=1)
        expected = np.sqrt(-np.expm1(-2 * rate * dt) * 1.7 / 2.5) * noise
        np.testing.assert_allclose(ran.velocities, expected, rtol=1e-12)
        np.testing.assert_allclose(ran.positions - place, expected * dt / 2, rtol=1e-9, atol=1e-12)


def test_work_is_field_times_displacement(x64):
    """A constant field on free charges: W = q E (x - x0), which the trapezoid of the kicks gives exactly."""
    model, dynamics = free_particles((50,), charge=2.0), Verlet(0.05)
    start = start_of(model)
    ran = advance(model, dynamics, Constant(0.4), start, KEY, 60)
    way = jnp.sum(ran.positions[:, 0] - start[0][:, 0])
    np.testing.assert_allclose(ran.work, 2.0 * 0.4 * way, rtol=1e-9)


def test_a_species_without_damping_is_left_alone(x64):
    """Zero damping: bit for bit the drift of Verlet, while the other species has its bath; zero for all alike."""
    model = free_particles((20, 20))
    start = start_of(model)
    plain = advance(model, Verlet(0.1), Constant(0.2), start, KEY, 20)
    mixed = advance(model, Langevin(0.1, 1.0, (0.0, 1.0)), Constant(0.2), start, KEY, 20)
    none = advance(model, Langevin(0.1, 1.0, 0.0), Constant(0.2), start, KEY, 20)
    np.testing.assert_array_equal(plain.velocities[:20], mixed.velocities[:20])
    assert np.all(np.asarray(plain.velocities[20:] != mixed.velocities[20:]))
    np.testing.assert_allclose(plain.velocities, none.velocities, rtol=1e-14)
    assert float(none.heat) == 0.0 and float(mixed.heat) != 0.0
