"""Derivatives of short runs in double precision, by both modes of autodiff, against finite differences."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from diffneq.drives import Constant, Ramp, Sine, Sum, Table, multisine
from diffneq.dynamics import Langevin, ThermalWalls, Verlet
from diffneq.models import Conductor, Fluid
from diffneq.particles.pair_laws import WCA, Hertzian, LennardJones, SoftSphere, mix
from diffneq.particles.space import Box
from diffneq.simulation.rollout import list_plan, rollout

KEY = jax.random.key(3)
COUNTS, SIDE = (8, 8), 6.0


def laws():
    """Every pair law, with scalars and with species tables."""
    epsilon, sigma = mix([1.0, 1.4], [1.0, 1.1])
    return {
        "hertzian": Hertzian(40.0, 1.5),
        "hertzian table": Hertzian(np.array([[40.0, 50.0], [50.0, 70.0]]), np.array([[1.5, 1.4], [1.4, 1.2]])),
        "soft even": SoftSphere(1.1, 1.0, 12, 2.5),
        "soft real, cut": SoftSphere(1.1, 1.0, 9.5, 2.5, shifted=False),
        "soft table": SoftSphere(epsilon, sigma, 12, 2.5),
        "wca": WCA(1.3, 1.2),
        "wca table": WCA(epsilon, 1.12 * sigma),  # at 1.1 a pair meets the cutoff within the step of the differences
        "lj cut": LennardJones(1.1, 1.0, 2.5, "cut"),
        "lj shifted": LennardJones(1.1, 1.0, 2.5, "shifted"),
        "lj force-shifted": LennardJones(1.1, 1.0, 2.5, "force_shifted"),
        "lj table": LennardJones(epsilon, sigma, 2.5, "force_shifted"),
    }


def lattice():
    """Sixteen particles near a square lattice of spacing 1.5, within reach of all the laws, and velocities."""
    grid = np.stack(np.meshgrid(*[np.arange(4) * 1.5 + 0.4] * 2, indexing="ij"), -1).reshape(-1, 2)
    random = np.random.default_rng(0)
    return jnp.asarray(grid + 0.1 * random.normal(size=grid.shape)), jnp.asarray(random.normal(size=grid.shape))


def fluid(law):
    return Fluid(law, (SIDE, SIDE), COUNTS, mass=(1.0, 1.5), charge=(1.0, -0.6))


def observable(system, start, steps=24, **options):
    """A number that depends on everything: current, work, heat, velocities and positions at the end."""
    model, dynamics, drive = system
    state, records = rollout(model, dynamics, drive, start=start, key=KEY, steps=steps, rebuild_every=8, **options)
    kinetic = sum(jnp.sum(v**2 * (1 + 0.1 * jnp.arange(v.size))) for v in state.velocity)
    length = 2 * np.pi / SIDE
    place = [a * (p / 2.0**32) + u for a, p, u in zip(state.anchor, model.box.extent, state.displacement, strict=True)]
    wave = sum(jnp.sum(jnp.sin(length * x + 0.3 * jnp.arange(x.size))) for x in place)
    return jnp.mean(records["current"]) + jnp.sum(records["work"] + 0.7 * records["heat"]) + 0.2 * kinetic + wave


# These programs run for milliseconds; what takes long is to compile them.
QUICK = {"xla_backend_optimization_level": 0}


def check(system, start, step=1e-6, rtol=5e-6, **options):
    """grad, jvp and central differences, leaf by leaf of the float leaves; returns the gradient by name."""
    arrays, static = eqx.partition(system, eqx.is_inexact_array)
    flat, unravel = ravel_pytree(arrays)
    value = lambda x: observable(eqx.combine(unravel(x), static), start, **options)
    found = np.asarray(jax.jit(jax.grad(value), compiler_options=QUICK)(flat))
    assert np.all(np.isfinite(found))
    along = jax.jit(lambda x, dx: jax.jvp(value, (x,), (dx,)), compiler_options=QUICK)
    direction = jnp.asarray(np.random.default_rng(1).normal(size=flat.size))
    np.testing.assert_allclose(along(flat, direction)[1], found @ np.asarray(direction), rtol=1e-9)
    sides = [(along(flat + h, h)[0], along(flat - h, h)[0]) for h in step * np.eye(flat.size)]
    expected = np.array([(above - below) / (2 * step) for above, below in sides])
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * np.max(np.abs(expected)))
    return {jax.tree_util.keystr(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(unravel(found))}


OFTEN = ("hertzian", "soft table", "wca", "lj cut", "lj table")
NAMES = [name if name in OFTEN else pytest.param(name, marks=pytest.mark.slow) for name in laws()]


@pytest.mark.parametrize("name", NAMES)
def test_every_pair_law(name, x64):
    """All parameters of law, box, masses, charges, step and field, through lists that are built anew."""
    system = (fluid(laws()[name]), Verlet(0.01), Sine(0.7, frequency=1.3, phase=0.2))
    slopes = check(system, lattice())
    blind = [where for where, slope in slopes.items() if not np.any(slope)]
    # Where the energy is only cut, the force does not know where it ends; shifted, it knows its height alone.
    assert all("cutoff" in where for where in blind), blind


def test_every_drive(x64):
    """All drives at once, under a bath with one rate for each species."""
    drives = [Constant(0.4), Ramp(0.1, 0.9, 0.133), Table([-0.05, 0.073, 0.205, 0.5], [0.1, 0.5, -0.2, 0.3])]
    drives += [Sine(0.1, frequency=0.7), multisine(0.5, 5.0, 3, amplitude=0.5, dt=0.01)]
    slopes = check((fluid(laws()["hertzian"]), Langevin(0.01, 0.8, (0.5, 1.5)), Sum(drives)), lattice())
    for name in ("[1].dt", "[1].temperature", "[1].damping_rate", "[2].parts[1].duration", "[2].parts[4].amplitudes"):
        assert np.any(slopes[name]), name


@pytest.mark.slow
def test_one_damping_rate_and_no_drive(x64):
    slopes = check((fluid(laws()["wca"]), Langevin(0.01, 0.8, 0.7), None), lattice())
    assert slopes["[1].damping_rate"] != 0


def test_undamped_species_has_finite_derivatives(x64):
    """The root of a zero rate must not spoil the derivative with respect to the temperature."""

    def heat(temperature):
        dynamics = Langevin(0.01, temperature, jnp.zeros(2))
        system = eqx.tree_at(lambda f: f.law, fluid(laws()["wca"]), WCA(0.0, 1.0))
        return jnp.sum(rollout(system, dynamics, start=lattice(), key=KEY, steps=2)[1]["heat"])

    assert float(jax.jit(jax.grad(heat), compiler_options=QUICK)(0.9)) == 0.0


@pytest.mark.parametrize("variant", ["walls", pytest.param("uniform", marks=pytest.mark.slow)])
def test_conductor(variant, x64):
    """With real neighbour lists (210 discs) and, in a closed box, with walls that are met and emit."""
    counts, lengths = (90, 90, 30), (50.0, 50.0)
    model = Conductor(40.0, lengths, counts, variant=variant, mass=(1.0, 2.0, 1.0))
    dynamics = model.dynamics(0.1)
    start = tuple(jnp.stack(x, axis=1) for x in model.initial(jax.random.key(0)))
    check((model, dynamics, Constant(0.2)), start, rtol=5e-5, plan=list_plan(model, skin=8.0))


@pytest.mark.slow
def test_fluid_between_walls(x64):
    model = Fluid(WCA(1.0, 1.0), Box((SIDE, SIDE + 1), (True, False), margin=1.2), COUNTS, charge=(1.0, 0.0))
    dynamics = Verlet(0.02, ThermalWalls(0.9, (True, False)))
    slopes = check((model, dynamics, Constant(0.5)), lattice(), steps=80, rtol=5e-5)
    assert float(slopes["[1].walls.temperature"]) != 0.0


@pytest.mark.slow
def test_second_derivatives(x64):
    """d^2/dx^2 with respect to stiffness and field, forward over reverse, against differences of first ones."""
    start = lattice()

    def value(x):
        return observable((fluid(Hertzian(x[0], 1.5)), Verlet(0.01), Constant(x[1])), start, steps=12)

    first, x = jax.jit(jax.grad(value)), jnp.array([40.0, 0.3])
    second = jax.jit(jax.jacfwd(jax.grad(value)))(x)
    expected = np.stack([(first(x + h) - first(x - h)) / 2e-5 for h in 1e-5 * jnp.eye(2)])
    np.testing.assert_allclose(second, expected, rtol=1e-5, atol=1e-7)


def test_plan_is_asked_for_where_it_cannot_be_made(x64):
    model = Fluid(WCA(1.0, 1.0), (40.0, 40.0), (201,))
    start = (jnp.zeros((201, 2)), jnp.zeros((201, 2)))
    with pytest.raises(ValueError, match="plan = list_plan"):
        jax.grad(lambda m: rollout(m, Verlet(0.01), start=start, key=KEY, steps=1)[1]["work"].sum())(model)
