"""Thermal and elastic walls: a gas of independent particles stays, or becomes, Maxwellian and fills the box evenly."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from systems import advance, free_particles, start_of, z_score

from diffneq.drives import Constant
from diffneq.dynamics import Langevin, ThermalWalls, Verlet
from diffneq.particles.space import Box
from diffneq.simulation.rollout import rollout

KEY = jax.random.key(11)
COUNT = 8000
HEIGHT, TEMPERATURE, MASS = 4.0, 1.6, (2.0, 1.0)


class HalfNormalWalls(ThermalWalls):
    """A common mistake: the emitted speed drawn from the bulk distribution, without the weight of the flux."""

    def _emitted(self, state, stream, start, count, dimension, dtype):
        across, along = ThermalWalls._emitted(self, state, stream, start, count, dimension, dtype)
        u = 1 - jnp.exp(-(across**2) / 2)
        return jnp.sqrt(2.0) * jax.scipy.special.erfinv(jnp.clip(u, 1e-7, 1 - 1e-7)), along


def gas(counts=(COUNT, 100), lengths=(5.0, HEIGHT)):
    periodic = (True, False, True)[: len(lengths)]
    return free_particles(counts, mass=MASS, charge=(0.0, 1.0), box=Box(lengths, periodic, margin=1.0))


def after(walls, steps=60, temperature=TEMPERATURE, dt=0.4):
    """A uniform gas of `temperature` between the walls, after 6 crossings at the usual speed; (start, end).

    Free flight has no error of the step, so that a long one (a tenth of a crossing) shows what the wall does.
    """
    model = gas()
    place = jax.random.uniform(jax.random.key(5), (COUNT + 100, 2)) * jnp.array([[5.0, HEIGHT]])
    start = (place.astype(model.mass.dtype), start_of(model, temperature=temperature)[1])
    return start, advance(model, Verlet(dt, walls), Constant(0.3), start, KEY, steps)


def distances(ran):
    """sqrt(n) times the Kolmogorov-Smirnov distance of both velocities and the height from what they should be."""
    velocity, place = np.asarray(ran.velocities)[:COUNT], np.asarray(ran.positions)[:COUNT]
    width = np.sqrt(TEMPERATURE / MASS[0])
    tests = (
        stats.kstest(velocity[:, 0], "norm", (0, width)),
        stats.kstest(velocity[:, 1], "norm", (0, width)),
        stats.kstest(place[:, 1], "uniform", (0, HEIGHT)),
    )
    return [np.sqrt(COUNT) * float(t.statistic) for t in tests]


WALLS = {"flux": ThermalWalls(TEMPERATURE, (True, False)), "half": HalfNormalWalls(TEMPERATURE, (True, False))}


@pytest.fixture(scope="module")
def equilibrium():
    return after(WALLS["flux"])


def test_maxwell_distribution_stays(equilibrium):
    """1.95 is the 0.999 quantile of the Kolmogorov-Smirnov law."""
    assert max(distances(equilibrium[1])) < 1.95


def test_emission_without_flux_weight_is_found_out():
    _, across, _ = distances(after(WALLS["half"])[1])
    assert across > 4 * 1.95


def test_nobody_leaves_and_elastic_species_keep_their_speed(equilibrium):
    start, ran = equilibrium
    height = np.asarray(ran.positions)[:, 1]
    assert height.min() >= -1e-5 and height.max() <= HEIGHT + 1e-5
    before, now = np.asarray(start[1])[COUNT:, 1], np.asarray(ran.velocities)[COUNT:, 1]
    np.testing.assert_array_equal(np.abs(before), np.abs(now))
    assert 0.3 < np.mean(before * now < 0) < 0.7  # many have been reflected


def test_heat_is_what_the_gas_gained(equilibrium):
    """E - E0 - W - Q to round-off of single precision; without a net flow of heat in equilibrium."""
    _, ran = equilibrium
    assert abs(float(ran.gap)) < 1e-5 * COUNT * TEMPERATURE
    # Heat is the sum over particles of the change of their kinetic energy, which is m v^2 / 2 at both ends.
    spread = np.sqrt(2 * COUNT) * TEMPERATURE
    assert 0.01 * spread < abs(float(ran.heat)) < 4 * spread


def test_a_cold_gas_is_heated():
    """Started at half the temperature: after 60 crossings all that is left is the slow tail."""
    _, ran = after(WALLS["flux"], steps=4000, temperature=TEMPERATURE / 2, dt=0.1)
    velocity = np.asarray(ran.velocities)[:COUNT]
    assert abs(z_score(MASS[0] * velocity[:, 0] ** 2, TEMPERATURE)) < 4
    assert abs(z_score(MASS[0] * velocity[:, 1] ** 2, TEMPERATURE)) < 4
    assert float(ran.heat) > 0.4 * COUNT * TEMPERATURE


def test_langevin_between_walls_in_three_dimensions(x64):
    """Both collisions of a BAOAB step, and the second random word of the walls along three axes."""
    model = gas((4000, 10), (5.0, HEIGHT, 6.0))
    dynamics = Langevin(0.2, TEMPERATURE, (0.4, 0.0), ThermalWalls(TEMPERATURE, (True, False)))
    start = start_of(model, temperature=TEMPERATURE)
    ran = advance(model, dynamics, None, start, KEY, 200)
    velocity = np.asarray(ran.velocities)[:4000]
    for a in range(3):
        assert abs(z_score(velocity[:, a] ** 2, TEMPERATURE / MASS[0])) < 4
        assert (
            np.sqrt(4000) * stats.kstest(velocity[:, a], "norm", (0, np.sqrt(TEMPERATURE / MASS[0]))).statistic < 1.95
        )
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert abs(z_score(velocity[:, a] * velocity[:, b], 0.0)) < 4
    assert abs(float(ran.gap)) < 1e-8


def test_derivative_of_the_heat_with_respect_to_the_wall(x64):
    """d(energy after the walls)/dT from autodiff against a finite difference: emission is differentiable."""
    model = gas((50, 50))
    start = start_of(model)

    def heat(temperature):
        walls = ThermalWalls(temperature, (True, False))
        _, records = rollout(model, Verlet(0.1, walls), start=start, key=KEY, steps=20, rebuild_every=2)
        return jnp.sum(records["heat"])

    compiled = eqx.filter_jit(heat)
    slope = (compiled(TEMPERATURE + 1e-6) - compiled(TEMPERATURE - 1e-6)) / 2e-6
    assert abs(float(slope)) > 1.0
    np.testing.assert_allclose(eqx.filter_jit(jax.grad(heat))(TEMPERATURE), slope, rtol=1e-6)
