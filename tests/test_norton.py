"""Norton dynamics: the flux to round-off, closed forms of the multiplier, energy, derivatives, published values."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from systems import advance, coupled, free_particles, start_of, z_score

from diffneq.drives import Constant, Ramp, Sine
from diffneq.dynamics import Langevin, Norton
from diffneq.models import ColourDrift, Conductor, Fluid, Forced, ShearProfile
from diffneq.particles.pair_laws import Hertzian, LennardJones
from diffneq.particles.space import Box
from diffneq.response import norton
from diffneq.simulation.chunk import Batch
from diffneq.simulation.loop import simulate
from diffneq.simulation.rollout import list_plan, rollout
from diffneq.simulation.start import _can_split
from diffneq.statistics import Estimate, mean
from diffneq.sweeps.batching import stack

KEY = jax.random.key(5)
COLD = 1e-26  # noise below round-off


def soft():
    """Sixteen soft discs of two masses and charges in a box of 6."""
    return Fluid(Hertzian(40.0, 1.5), (6.0, 6.0), (8, 8), mass=(1.0, 1.5), charge=(1.0, -0.6))


FORCINGS = {"colour": ColourDrift(), **{shape: ShearProfile(shape) for shape in ("sine", "constant", "linear")}}


def multipliers(model, dynamics, steps, start=None):
    """Records of a run without forces, one entry a step."""
    return rollout(model, dynamics, start=start_of(model) if start is None else start, key=KEY, steps=steps)[1]


HELD = [("single", n) for n in ("charges", "sine", "linear")] + [("double", n) for n in ("charges", "sine", "colour")]


@pytest.mark.parametrize("precision, name", HELD)
def test_the_flux_is_held_to_round_off(name, precision):
    """R = r(t) at every step, whatever the start carried; G moves with the particles in the shear profiles."""
    with jax.enable_x64(precision == "double"):
        model = soft() if name == "charges" else Forced(soft(), FORCINGS[name])
        flux, dt = Sine(0.7, frequency=1.3, phase=0.4), 0.01
        _, records = rollout(model, Norton(dt, 0.9, (0.5, 2.0), flux), start=start_of(model), key=KEY, steps=100)
        held = np.asarray(records["current" if name == "charges" else "flux"], float)
        wanted = 0.7 * np.sin(2 * np.pi * 1.3 * dt * np.arange(1, 101) + 0.4)
        largest = 16 * 4.0 if name == "charges" else 4.0  # sum |G v|
        assert held.dtype == records["multiplier"].dtype or precision == "single"
        assert np.max(np.abs(held - wanted)) < 4 * largest * jnp.finfo(records["work"].dtype).eps
        assert np.std(records["multiplier"]) > 0.05


def test_free_particles_are_slowed_by_friction_alone(x64):
    """lambda = m g r in every step, with noise and all; the work is r lambda dt."""
    dt, rate, mass, flux = 0.05, 0.7, 2.5, 1.9
    model = Forced(free_particles((30,), mass=mass), ColourDrift())
    records = multipliers(model, Norton(dt, 1.3, rate, flux), 50)
    expected = mass * rate * flux
    np.testing.assert_allclose(records["multiplier"], expected, rtol=1e-11)
    np.testing.assert_allclose(records["work"][1:], flux * dt * expected, rtol=1e-11)
    assert np.std(records["heat"]) > 0.1


def test_drude_conductivity_of_a_mixture(x64):
    """Without noise r/lambda comes to sum_i q_i^2/(m_i g_i), at any step: v_i = lambda q_i/(m_i g_i) stays."""
    rates, masses, charges, counts = np.array([0.5, 3.0]), np.array([1.0, 4.0]), np.array([1.0, -2.0]), (20, 10)
    model = free_particles(counts, mass=masses, charge=charges)
    records = multipliers(model, Norton(0.1, COLD, rates, 3.0), 600)
    conductivity = np.sum(np.array(counts) * charges**2 / (masses * rates))
    np.testing.assert_allclose(records["multiplier"][-1], 3.0 / conductivity, rtol=1e-11)


def test_inertia_under_a_flux_that_changes(x64):
    """Free particles: lambda dt/m = r(t + dt) - r(t) + g dt (r(t) + r(t + dt))/2."""
    dt, rate, mass = 0.05, 0.4, 1.7
    model = Forced(free_particles((30,), mass=mass), ColourDrift())
    flux = Ramp(1.0, 3.0, duration=1.0)
    records = multipliers(model, Norton(dt, 1.3, rate, flux), 20)
    r = 1.0 + 2.0 * dt * np.arange(21)
    expected = mass / dt * (np.diff(r) + rate * dt * (r[1:] + r[:-1]) / 2)
    np.testing.assert_allclose(records["multiplier"], expected, rtol=1e-10)


def test_curvature_of_the_flux(x64):
    """Free shear flow without a bath: lambda -> -(dG/dt . v)/c, here by differences of the flux that nobody holds."""
    model = Forced(free_particles((12,), lengths=(5.0, 5.0)), ShearProfile("sine"))
    start = start_of(model)
    flux = lambda dt, steps: advance_flux(model, dt, start, steps)
    dt, r = 1e-4, advance_flux(model, 1e-4, start, 0)
    records = multipliers(model, Norton(dt, COLD, 0.0, r), 1, start)
    gain = jnp.mean(jnp.sin(2 * np.pi * start[0][:, 1] / 5.0) ** 2)
    expected = -(flux(dt, 1) - flux(dt, -1)) / (2 * dt) / gain
    np.testing.assert_allclose(records["multiplier"][0], expected, rtol=1e-3)


def advance_flux(model, dt, start, steps):
    """R of free flight for a number of steps, which may be negative."""
    positions, velocities = start
    y, v = positions[:, 1] + steps * dt * velocities[:, 1], velocities[:, 0]
    return jnp.mean(v * jnp.sin(2 * np.pi * y / model.box.lengths[1]))


@pytest.mark.parametrize("name", FORCINGS)
def test_energy_balance_is_exact_without_forces(name, x64):
    """dE = W + Q to round-off, for several masses and rates, from a start of another flux."""
    model = Forced(free_particles((20, 15), lengths=(9.0, 9.0), mass=(1.0, 3.0)), FORCINGS[name])
    ran = advance(model, Norton(0.1, 1.5, (0.5, 4.0), 0.8), None, start_of(model), KEY, 203)
    assert abs(ran.work) > 1.0 and abs(ran.heat) > 1.0
    assert abs(ran.gap) < 1e-11 * (abs(ran.work) + abs(ran.heat))


@pytest.mark.parametrize("name", ["colour", pytest.param("sine", marks=pytest.mark.slow)])
def test_second_order(name, x64):
    """Positions and energy balance err by C dt^2, ratio 4 a halving: two damping rates, a flux that changes."""
    model, halvings = Forced(coupled((3, 3)), FORCINGS[name]), (20, 40, 80, 160)
    start = start_of(model)
    run = lambda n: advance(model, Norton(2.0 / n, COLD, (0.7, 2.0), Sine(0.5, 0.3, 0.4)), None, start, KEY, n)
    exact, *runs = (run(n) for n in (2560, *halvings))
    wrong = [float(jnp.max(jnp.abs(ran.positions - exact.positions))) for ran in runs]
    gaps = [abs(float(ran.gap)) for ran in runs]
    for errors in (wrong, gaps):
        assert abs(errors[-2] / errors[-1] - 4) < 0.15, errors


def test_work_is_flux_times_multiplier(x64):
    """G = F the same everywhere: W = r lambda dt in every step, with forces and noise, to round-off."""
    model, dt, flux = Forced(soft(), ColourDrift()), 0.01, 0.6
    _, records = rollout(model, Norton(dt, 0.9, (0.5, 2.0), flux), start=start_of(model), key=KEY, steps=50)
    np.testing.assert_allclose(records["work"][1:], flux * dt * records["multiplier"][1:], rtol=1e-9, atol=1e-13)


def test_the_bath_keeps_what_the_flux_leaves_free(x64):
    """Free particles: <m v^2/2> = (d N - 1) k_B T/2 + m r^2/2, one degree of freedom being held; <Q> = -<W>."""
    count, mass, temperature, flux = 6, 1.4, 0.8, 2.0
    model = Forced(free_particles((count,), mass=mass), ColourDrift())
    dynamics, start = Norton(0.2, temperature, 1.5, flux), start_of(model)
    ran = jax.jit(jax.vmap(lambda key: advance(model, dynamics, None, start, key, 40)))(jax.random.split(KEY, 4000))
    kinetic = mass / 2 * np.sum(np.asarray(ran.velocities) ** 2, axis=(1, 2))
    expected = (2 * count - 1) * temperature / 2 + mass * flux**2 / 2
    assert abs(z_score(kinetic, expected)) < 4
    assert abs(z_score(kinetic, expected + temperature / 2)) > 8  # the test can tell


def test_unlike_damping_rates_keep_equilibrium(x64):
    """No current, two masses, charges and rates: <m v^2/2> = (d N - 1) k_B T/2, though g dt is 0.1 and 0.6."""
    model = free_particles((3, 3), mass=(1.0, 2.0), charge=(1.0, -1.5))
    dynamics, start = Norton(0.2, 0.8, (0.5, 3.0), 0.0), start_of(model)
    ran = jax.jit(jax.vmap(lambda key: advance(model, dynamics, None, start, key, 60)))(jax.random.split(KEY, 4000))
    kinetic = np.sum(np.repeat([1.0, 2.0], 3)[:, None] * np.asarray(ran.velocities) ** 2, axis=(1, 2)) / 2
    assert abs(z_score(kinetic, 11 * 0.8 / 2)) < 4
    assert abs(z_score(kinetic, 12 * 0.8 / 2)) > 8  # the test can tell


def test_gradients(x64):
    """All float leaves of model, forcing and dynamics: reverse mode against central differences."""
    system = (Forced(soft(), ShearProfile("sine")), Norton(0.01, 0.8, (0.5, 1.5), Sine(0.4, 1.3, 0.2)))
    places, velocities = start_of(system[0])
    start = (places + 0.1 * jax.random.normal(KEY, places.shape), velocities)  # no pair just at contact
    plan = list_plan(system[0])
    arrays, static = eqx.partition(system, eqx.is_inexact_array)
    flat, unravel = ravel_pytree(arrays)

    def value(x):
        model, dynamics = eqx.combine(unravel(x), static)
        state, records = rollout(model, dynamics, start=start, key=KEY, steps=12, rebuild_every=6, plan=plan)
        weights = jnp.cos(jnp.arange(16.0))
        seen = jnp.mean(records["multiplier"]) + jnp.sum(records["work"] + 0.7 * records["heat"])
        return seen + sum(jnp.sum(weights * v) for v in state.velocity)

    quick = {"xla_backend_optimization_level": 0}
    found = np.asarray(jax.jit(jax.grad(value), compiler_options=quick)(flat))
    # What is differentiated is in double precision throughout, so the value comes from jvp.
    plain = jax.jit(lambda x: jax.jvp(value, (x,), (x,))[0], compiler_options=quick)
    expected = np.array([float(plain(flat + h) - plain(flat - h)) / 2e-6 for h in 1e-6 * np.eye(flat.size)])
    assert np.all(np.isfinite(found))
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=2e-6 * np.max(np.abs(expected)))
    slopes = unravel(found)
    for slope in (slopes[1].langevin.damping_rate, slopes[1].flux.amplitude, slopes[0].model.mass):
        assert np.all(np.asarray(slope) != 0)


def test_through_simulate():
    """Replicas of their own flux; records and units; a state that goes on as if it had never stopped."""
    model = Forced(soft(), ColourDrift())
    points = [(model, Norton(0.005, 1.0, 1.0, flux), None) for flux in (0.2, 0.5, 0.9)]
    system, axes = stack(points)
    keys = jax.random.split(KEY, 3)
    run = lambda steps, start: simulate(
        *system, keys=keys, steps=steps, start=start, in_axes=axes, progress=False, skin=0.5
    )
    whole = run(200, None)
    np.testing.assert_allclose(whole.records["flux"], [[0.2] * 20, [0.5] * 20, [0.9] * 20], atol=1e-6)
    assert whole.units["multiplier"] == "field" and np.std(whole.records["multiplier"]) > 0.1
    assert np.all(np.abs(whole.diagnostics["energy_error"]) < 0.05)
    first = run(100, None)
    rest = run(100, first.state)
    together = np.concatenate([first.records["multiplier"], rest.records["multiplier"]], axis=1)
    np.testing.assert_allclose(together, whole.records["multiplier"], rtol=1e-3, atol=1e-3)


class Pull(eqx.Module):
    """F = G = e_x on the first particle."""

    def force(self, box, positions):
        return (jnp.zeros_like(positions[0]).at[0].set(1.0), jnp.zeros_like(positions[0]))

    def direction(self, box, positions):
        return self.force(box, positions)


class Across(Pull):
    """The force along x, the flux along y."""

    def direction(self, box, positions):
        return (jnp.zeros_like(positions[0]), jnp.ones_like(positions[0]))


def test_refusals():
    dynamics = Norton(0.01, 1.0, 1.0, 0.3)
    with pytest.raises(ValueError, match="only one of the particles"):
        dynamics.check(Forced(soft(), Pull()))
    with pytest.raises(ValueError, match="only one of the particles"):
        dynamics.check(free_particles((9, 1), charge=(0.0, 1.0)))
    with pytest.raises(ValueError, match="does not move its flux"):
        dynamics.check(free_particles((9,), charge=0.0))
    with pytest.raises(ValueError, match="does not move its flux"):
        dynamics.check(Forced(soft(), Across()))
    with pytest.raises(ValueError, match="the box is closed"):
        dynamics.check(free_particles((9,), box=Box((9.0, 9.0), (True, False), margin=1.0)))
    with pytest.raises(ValueError, match="flux must be a scalar"):
        Norton(0.01, 1.0, 1.0, (0.3, 0.4)).check(soft())
    with pytest.raises(ValueError, match="damping_rate is one number"):
        Norton(0.01, 1.0, (1.0, 1.0, 1.0), 0.3).check(soft())
    with pytest.raises(ValueError, match="find the field themselves"):
        rollout(soft(), dynamics, Constant(0.1), start=start_of(soft()), key=KEY, steps=1)
    with pytest.raises(ValueError, match="find the field themselves"):
        simulate(soft(), dynamics, Constant(0.1), keys=KEY, steps=10, progress=False)
    for model in (*(Forced(soft(), forcing) for forcing in FORCINGS.values()), Conductor.preset("soft", electrons=60)):
        dynamics.check(model)


def test_is_not_spread_over_devices():
    model, alone = Fluid(Hertzian(40.0, 1.0), (60.0, 60.0), (2000,), charge=1.0), (None, None, None)
    assert _can_split(Batch((model, Langevin(0.01, 1.0, 1.0), None), alone), 1, 2)
    assert not _can_split(Batch((model, Norton(0.01, 1.0, 1.0, 1.0), None), alone), 1, 2)


def test_coefficient_from_the_multiplier():
    """alpha = r/<lambda> and its error by the delta method; friction subtracted; what has no answer is refused."""
    records = 4.0 + 0.5 * np.random.default_rng(2).normal(size=(20, 400))
    found, plain = norton(records, 2.0), mean(records)
    assert found.value == pytest.approx(2.0 / plain.value)
    assert found.error == pytest.approx(found.value * plain.error / plain.value)
    assert found.dof == plain.dof and not found.warnings
    bare = norton(records, 2.0, friction=0.5)
    assert 1 / bare.value == pytest.approx(1 / found.value - 0.5)
    assert bare.error == pytest.approx(bare.value**2 * found.error / found.value**2)
    assert norton(-records, -2.0).value == pytest.approx(found.value)
    assert "10 %" in norton(records * 0.01 + np.random.default_rng(3).normal(size=records.shape), 2.0).warnings[-1]
    for flux in (0.0, np.nan):
        with pytest.raises(ValueError, match="finite and not zero"):
            norton(records, flux)
    with pytest.raises(ValueError, match="diverges"):
        norton(np.full((2, 50), 3.0), 2.0, friction=1.5)


def lennard_jones(count, density, length_unit, cutoff):
    """A cubic box, mass and epsilon one, forces shifted to vanish at the cutoff."""
    side = (count / density) ** (1 / 3)
    return Fluid(LennardJones(1.0, length_unit, cutoff, "force_shifted"), (side,) * 3, (count,))


@pytest.mark.slow
@pytest.mark.parametrize("hold, published", [("flux", (0.07010, 6e-5)), ("field", (0.07125, 6e-5))])
def test_colour_drift_mobility(hold, published):
    """R/field, 80 Lennard-Jones particles at T = 2.5, r_m^3 rho = 1, deep in the non-linear range, to a per cent or so.

    Source: N. Blassel, G. Stoltz, J. Stat. Phys. 191, 17 (2024): held flux 0.7, and held field 10.
    """
    model, dt = Forced(lennard_jones(80, 1.0, 2 ** (-1 / 6), 2.0), ColourDrift()), 2e-3
    norton_run = (Norton(dt, 2.5, 1.0, flux=0.7), None)
    dynamics, drive = norton_run if hold == "flux" else (Langevin(dt, 2.5, 1.0), Constant(10.0))
    keys = jax.random.split(jax.random.key(1), 16)
    start = simulate(model, dynamics, drive, keys=keys, steps=10_000, progress=False).state
    result = simulate(model, dynamics, drive, keys=keys, steps=220_000, start=start, progress=False)
    if hold == "flux":
        found = norton(result.records["multiplier"], 0.7, 10 * dt)
    else:
        response = mean(result.records["flux"], 10 * dt)
        found = Estimate(response.value / 10, response.error / 10)
    assert found.error < 0.016 * found.value  # 0.010 by the whole record, 0.013 by the scatter of 16 replicas
    assert abs(found.z_score(Estimate(*published))) < 4, found


@pytest.mark.slow
def test_shear_response():
    """r/<lambda> of a sinusoidal force on 1000 Lennard-Jones particles at T = 0.8, rho = 0.7: 0.3311 at r = 0.32.

    Source: N. Blassel, G. Stoltz, J. Stat. Phys. 191, 17 (2024), <lambda> = 0.9664.
    """
    model, dt = Forced(lennard_jones(1000, 0.7, 1.0, 2.5), ShearProfile("sine")), 2e-3
    dynamics, keys = Norton(dt, 0.8, 1.0, flux=0.32), jax.random.split(jax.random.key(2), 4)
    start = simulate(model, dynamics, keys=keys, steps=5_000, progress=False).state
    result = simulate(model, dynamics, keys=keys, steps=15_000, start=start, progress=False)
    found = norton(result.records["multiplier"], 0.32, 10 * dt)
    assert found.error < 0.01 * found.value
    assert abs(found.z_score(0.32 / 0.9664)) < 4, found
