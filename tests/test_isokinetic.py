"""Baths on peculiar velocities and Gaussian isokinetic dynamics: constraints, closed forms, order, invariant states."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from systems import Ran, advance, coupled, free_particles, start_of, z_score

from diffneq.drives import Constant
from diffneq.dynamics import Isokinetic, Langevin, Norton, PeculiarLangevin, Verlet
from diffneq.dynamics.isokinetic import degrees_of_freedom
from diffneq.models import Fluid
from diffneq.particles.pair_laws import WCA, Hertzian
from diffneq.simulation.loop import simulate
from diffneq.simulation.rollout import rollout
from diffneq.statistics import mean

KEY = jax.random.key(11)


def soft():
    """Sixteen soft discs of two masses in a box of 6; neutral."""
    return Fluid(Hertzian(40.0, 1.5), (6.0, 6.0), (8, 8), mass=(1.0, 1.5), charge=(1.0, -1.0))


def peculiar_energy(model, velocity) -> float:
    """sum m w^2/2, by NumPy."""
    total, first = 0.0, 0
    for count, mass in zip(model.counts, np.asarray(model.mass, float), strict=True):
        for column in velocity:
            w = np.asarray(column, float)[first : first + count]
            total += mass * np.sum((w - w.mean()) ** 2) / 2
        first += count
    return total


@pytest.mark.parametrize("precision", ["single", "double"])
def test_current_and_peculiar_energy_are_held_to_round_off(precision):
    """R = r and 2 K = (g - 1) k_B T after 400 steps at strong interaction, from a start that had neither."""
    with jax.enable_x64(precision == "double"):
        model, temperature, flux = soft(), 0.9, 2.5
        dynamics = Isokinetic(0.01, temperature, flux)
        state, records = rollout(model, dynamics, start=start_of(model), key=KEY, steps=400)
        eps = float(jnp.finfo(records["work"].dtype).eps)
        assert np.max(np.abs(np.asarray(records["current"], float) - flux)) < 4 * 16 * 4.0 * eps
        wanted = (2 * (7 + 7) - 1) * temperature / 2
        assert abs(peculiar_energy(model, state.velocity) / wanted - 1) < 20 * eps
        assert np.std(records["multiplier"]) > 0.05 and np.std(records["thermostat"]) > 0.05


def derivative(model, pull, x, v):
    """dv/dt of the equation of motion, by NumPy: lambda and alpha from their formulas; `pull` gives the forces."""
    sizes, mass, charge = model.counts, np.asarray(model.mass, float), np.asarray(model.charge, float)
    kind = np.repeat(np.arange(len(sizes)), sizes)
    m, q = mass[kind], charge[kind]
    force = np.asarray(pull(x))
    means = np.stack([v[kind == s].mean(0) for s in range(len(sizes))])[kind]
    w = v - means
    lam = -np.sum(q * force[:, 0] / m) / np.sum(q * q / m)
    alpha = np.sum(force * w) / np.sum(m[:, None] * w * w)
    along = np.zeros_like(force)
    along[:, 0] = lam * q
    return (force + along) / m[:, None] - alpha * w, lam, alpha


def pulled(model):
    """x -> the forces, compiled once."""
    return jax.jit(jax.grad(lambda x: -model.energy_fn(x, **model.parameters)))


def runge_kutta(model, x, v, time, steps):
    """The continuous trajectory of the equation of motion."""
    h, pull = time / steps, pulled(model)
    slope = lambda x, v: (v, derivative(model, pull, x, v)[0])
    for _ in range(steps):
        k1 = slope(x, v)
        k2 = slope(x + h / 2 * k1[0], v + h / 2 * k1[1])
        k3 = slope(x + h / 2 * k2[0], v + h / 2 * k2[1])
        k4 = slope(x + h * k3[0], v + h * k3[1])
        x = x + h / 6 * (k1[0] + 2 * k2[0] + 2 * k3[0] + k4[0])
        v = v + h / 6 * (k1[1] + 2 * k2[1] + 2 * k3[1] + k4[1])
    return x, v


def charged_waves():
    """Seven coupled particles of two species in a smooth periodic potential."""
    return eqx.tree_at(lambda m: m.charge, coupled((4, 3)), jnp.array([0.75, -1.0]))


def on_both_constraints(model, dynamics):
    """A start that satisfies the constraints of the dynamics: the velocities after a step of no length."""
    still = eqx.tree_at(lambda d: d.dt, dynamics, jnp.asarray(1e-12))
    ran = advance(model, still, None, start_of(model), KEY, 1)
    return ran.positions, ran.velocities


def test_second_order_towards_the_equation_of_motion(x64):
    """Positions err by C dt^2 against a Runge-Kutta solution of the equation with lambda and alpha of the formulas."""
    model, time = charged_waves(), 0.8
    dynamics = Isokinetic(time, 0.8, 0.6)
    start = on_both_constraints(model, dynamics)
    exact, speed = runge_kutta(model, *(np.asarray(part) for part in start), time, 160)
    errors = []
    for steps in (40, 80, 160):
        ran = advance(model, Isokinetic(time / steps, 0.8, 0.6), None, start, KEY, steps)
        errors.append(max(np.abs(ran.positions - exact).max(), np.abs(ran.velocities - speed).max()))
    assert errors[-1] < 1e-4
    assert abs(errors[0] / errors[1] - 4) < 0.2 and abs(errors[1] / errors[2] - 4) < 0.2


def test_the_multipliers_are_those_of_the_formulas(x64):
    """lambda = -sum(q F/m)/sum(q^2/m) and alpha = sum F.w/sum m w^2, as the step reports them for dt -> 0."""
    model, dynamics = charged_waves(), Isokinetic(1e-6, 0.8, 0.6)
    start = on_both_constraints(model, dynamics)
    _, lam, alpha = derivative(model, pulled(model), *(np.asarray(part) for part in start))
    _, records = rollout(model, dynamics, start=start, key=KEY, steps=1)
    np.testing.assert_allclose(records["multiplier"][0], lam, rtol=1e-4)
    np.testing.assert_allclose(records["thermostat"][0], alpha, rtol=1e-4)


def test_time_reversal(x64):
    """The step is its own inverse when all velocities, and with them the current, turn round."""
    model, steps = charged_waves(), 50
    forth = Isokinetic(0.02, 0.8, 0.6)
    start = on_both_constraints(model, forth)
    there = advance(model, forth, None, start, KEY, steps)
    back = advance(model, Isokinetic(0.02, 0.8, -0.6), None, (there.positions, -there.velocities), KEY, steps)
    np.testing.assert_allclose(back.positions, start[0], atol=1e-9)
    np.testing.assert_allclose(back.velocities, -start[1], atol=1e-9)


@pytest.mark.parametrize("given", ["flux", *(pytest.param(x, marks=pytest.mark.slow) for x in ("field", "nothing"))])
def test_energy_balance(given, x64):
    """dE = W + Q up to C dt^2, ratio 4 a halving; W = r lambda dt summed, or the work of the field."""
    model = charged_waves()
    drive = Constant(0.4) if given == "field" else None
    dynamics = lambda h: Isokinetic(h, 0.8, 0.6 if given == "flux" else None)
    start = on_both_constraints(model, dynamics(0.01))
    runs: list[Ran] = [advance(model, dynamics(1.0 / n), drive, start, KEY, n) for n in (40, 80, 160)]
    gaps = [abs(float(ran.gap)) for ran in runs]
    assert abs(gaps[-2] / gaps[-1] - 4) < 0.3, gaps
    assert abs(runs[-1].heat) > 0.01
    assert (abs(float(runs[-1].work)) > 0.01) == (given != "nothing")


def test_free_particles_keep_their_velocities(x64):
    """No forces: nothing moves but straight on, alpha = lambda = 0 to round-off, in every step."""
    model = free_particles((6, 5), mass=(1.0, 3.0), charge=(1.0, -1.2))
    dynamics = Isokinetic(0.1, 1.3, 0.7)
    start = on_both_constraints(model, dynamics)
    state, records = rollout(model, dynamics, start=start, key=KEY, steps=20)
    np.testing.assert_allclose(jnp.stack(state.velocity, 1), start[1], rtol=1e-12)
    assert np.max(np.abs(records["multiplier"])) < 1e-12 and np.max(np.abs(records["thermostat"])) < 1e-12


def test_fields_accelerate_freely(x64):
    """Free charges in a field: the means follow q E t/m, for both baths that see peculiar velocities only."""
    model, steps, dt = free_particles((6, 5), mass=(1.0, 3.0), charge=(1.0, -1.2)), 40, 0.05
    start = start_of(model)
    free = advance(model, Verlet(dt), Constant(0.3), start, KEY, steps)
    for dynamics in (Isokinetic(dt, 1.3), PeculiarLangevin(dt, 1.3, 0.8)):
        ran = advance(model, dynamics, Constant(0.3), start, KEY, steps)
        for first, last in ((0, 6), (6, 11)):
            np.testing.assert_allclose(
                ran.velocities[first:last].mean(0), free.velocities[first:last].mean(0), rtol=1e-10
            )


def test_the_friction_that_is_known_is_not_measured(x64):
    """Free charges: no resistance under a bath on peculiar velocities, m g r/(N q^2) under that of `Langevin`."""
    model, flux, rate = free_particles((20, 20), charge=(1.0, -1.0), mass=1.7), 1.9, 0.7
    start = start_of(model)
    run = lambda peculiar: rollout(
        model, Norton(0.05, 1.3, rate, flux, peculiar=peculiar), start=start, key=KEY, steps=50
    )[1]
    bare, dragged = run(True), run(False)
    np.testing.assert_allclose(bare["current"], flux, rtol=1e-12)
    np.testing.assert_allclose(bare["multiplier"], 0.0, atol=1e-11)
    np.testing.assert_allclose(dragged["multiplier"], 1.7 * rate * flux / 40, rtol=1e-11)


@pytest.mark.parametrize("held", [False, True])
def test_no_species_feels_the_bath(held, x64):
    """Unlike rates and masses: the mean velocity of each species stays as it is, step after step, while each moves."""
    model = free_particles((6, 5), mass=(1.0, 3.0), charge=(1.0, -1.2))
    bath = Norton(0.1, 1.3, (0.7, 2.0), 0.4, peculiar=True) if held else PeculiarLangevin(0.1, 1.3, (0.7, 2.0))
    start = start_of(model)
    one = advance(model, bath, None, start, KEY, 1)
    many = advance(model, bath, None, start, KEY, 60)
    for first, last in ((0, 6), (6, 11)):
        np.testing.assert_allclose(many.velocities[first:last].mean(0), one.velocities[first:last].mean(0), atol=1e-12)
    assert np.max(np.abs(many.velocities - one.velocities)) > 0.5
    assert abs(many.gap) < 1e-10 * abs(many.heat)


def test_temperature_of_the_peculiar_velocities(x64):
    """<sum m w^2> = g k_B T at any step, for several rates and masses."""
    model, temperature = free_particles((3, 4), mass=(1.0, 2.0)), 0.8
    dynamics, start = PeculiarLangevin(0.2, temperature, (0.5, 3.0)), start_of(model)
    ran = jax.jit(jax.vmap(lambda key: advance(model, dynamics, None, start, key, 60)))(jax.random.split(KEY, 4000))
    kinetic = [2 * peculiar_energy(model, tuple(np.moveaxis(v, 1, 0))) for v in np.asarray(ran.velocities)]
    assert degrees_of_freedom(model) == 2 * (2 + 3)
    assert abs(z_score(np.array(kinetic), 10 * temperature)) < 4
    assert abs(z_score(np.array(kinetic), 11 * temperature)) > 8  # the test can tell


@pytest.mark.slow
def test_positions_are_canonical():
    """<U> and <U^2> of dense soft discs: Langevin, the bath on peculiar velocities and isokinetic agree."""
    model = Fluid(WCA(1.0, 1.0), (6.0, 6.0), (12, 12), mass=(1.0, 2.0), charge=(1.0, -1.0))
    keys, found = jax.random.split(KEY, 32), {}
    for name, dynamics in (
        ("langevin", Langevin(0.003, 1.0, 1.0)),
        ("peculiar", PeculiarLangevin(0.003, 1.0, 1.0)),
        ("isokinetic", Isokinetic(0.003, 1.0)),
        ("no current", Norton(0.003, 1.0, 1.0, 0.0, peculiar=True)),
    ):
        options = {"keys": keys, "progress": False, "record": ("potential_energy",)}
        warm = simulate(model, dynamics, steps=4000, **options)
        records = simulate(model, dynamics, steps=40_000, start=warm.state, **options).records["potential_energy"]
        found[name] = mean(records, 0.03), mean(records**2, 0.03)
    for name, moments in found.items():
        for one, reference in zip(moments, found["langevin"], strict=True):
            assert one.error < 0.01 * one.value
            assert abs(one.z_score(reference)) < 4, (name, one, reference)


def test_refusals():
    model = soft()
    with pytest.raises(ValueError, match="pass drive=None, or flux=None"):
        rollout(model, Isokinetic(0.01, 1.0, 0.3), Constant(0.1), start=start_of(model), key=KEY, steps=1)
    with pytest.raises(ValueError, match="no mobile particle has a charge"):
        Isokinetic(0.01, 1.0, 0.3).check(free_particles((9,), charge=0.0))
    with pytest.raises(ValueError, match="fewer than two degrees"):
        Isokinetic(0.01, 1.0).check(free_particles((1, 1)))
    with pytest.raises(ValueError, match="use Langevin"):
        PeculiarLangevin(0.01, 1.0, 1.0).check(free_particles((1, 1)))
    with pytest.raises(ValueError, match="temperature must be positive"):
        Isokinetic(0.01, 0.0)
