"""Driven systems with exact work: published and derived numbers, Jarzynski, gradients, simulation.

The golden numbers are closed forms (1/e, 25/7, ...) or were found by integrating the moment equations with
scipy's DOP853 at a tolerance of 1e-13 (breathing trap, ramp), and by event-driven simulation (piston).
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from scipy.integrate import solve_ivp

from diffneq.drives import Ramp, Table
from diffneq.fluctuations.exact import (
    BreathingTrap,
    DraggedTrap,
    GuidedTrap,
    OptimalBreathing,
    OptimalDragging,
    PistonStroke,
    SteadyDraggedTrap,
    StiffnessQuench,
    TwoLevelRamp,
    UnderdampedDraggedTrap,
    piston_strokes,
)
from diffneq.fluctuations.exact.oscillator import relaxation, twice_integrated
from diffneq.fluctuations.exact.piston_simulation import played
from diffneq.stochastic import Overdamped, Underdamped, trajectories

KEY = jax.random.key(3)


def breathing(duration):
    return BreathingTrap(Ramp(1.0, 2.0, duration), duration)


def systems():
    """One of each kind with numbers that are not special, an atom-free point of its density, and the range of its W."""
    return {
        "dragged": (DraggedTrap(1.3, 0.9, 1.7, 0.8, 1.4), 0.6, (-20.0, 21.0)),
        "underdamped": (UnderdampedDraggedTrap(1.3, 2.0, 0.7, 1.2, 1.7, 1.4), 0.6, (-50.0, 55.0)),
        "overdamped limit": (UnderdampedDraggedTrap(1.3, 2.0, 9.0, 0.3, 1.7, 1.4), 0.6, (-50.0, 55.0)),
        "guided": (GuidedTrap(Table([-1.0, 1.0, 2.5], [0.0, 1.5, 1.0]), 2.0, 1.7, 0.8, 1.4), 0.6, (-30.0, 33.0)),
        "guided, inertia": (GuidedTrap(Ramp(0.0, 1.5, 2.5), 2.0, 1.7, 0.8, 1.4, 1.2), 0.6, (-30.0, 33.0)),
        "breathing": (BreathingTrap(Ramp(1.2, 2.5, 1.1), 0.8, 0.7, 1.4, panels=16), 0.5, (1e-6, 40.0)),
        "quench": (StiffnessQuench(1.2, 2.5, 1.4), 0.5, None),
        "ramp": (TwoLevelRamp(0.3, 2.0, 1.3, 0.8, 1.4), 0.7, None),
        "expansion": (PistonStroke(0.7, 1.1, 0.9, 1.3, 1.4), -0.8, (-40.0, 0.0)),
        "compression": (PistonStroke(-0.6, 1.1, 1.9, 1.3, 1.4), 1.8, (-1.0, 80.0)),
    }


def quadrature(low, high, panels):
    """Places and weights of Gauss quadrature in equal panels."""
    nodes, weights = np.polynomial.legendre.leggauss(10)
    width = (high - low) / panels
    return (low + width * (np.arange(panels)[:, None] + (nodes + 1) / 2)).ravel(), np.tile(weights * width / 2, panels)


SLOWER = ("dragged", "overdamped limit", "guided", "guided, inertia", "ramp", "compression")
NAMES = [pytest.param(name, marks=[pytest.mark.slow] if name in SLOWER else []) for name in systems()]
QUICK = {"xla_backend_optimization_level": 0}  # half the time to compile


# ---- numbers


@pytest.mark.parametrize(
    "speed, duration, mean", [(1, 1, 0.367879441171), (1, 5, 4.006737946999), (2, 1, 1.471517764686)]
)
def test_dragged_trap(speed, duration, mean, x64):
    trap = DraggedTrap(speed, duration)
    np.testing.assert_allclose([trap.mean_work(), trap.work_variance()], [mean, 2 * mean], rtol=1e-11)


def test_steady_dragged_trap(x64):
    """The slope of the steady-state fluctuation theorem, 1 only for long times."""
    times = jnp.array([0.5, 1, 2, 5, 10, 50])
    slopes = jax.vmap(lambda t: SteadyDraggedTrap(1.3, t * 0.4, 2.0, 0.8, 0.6).fluctuation_slope())(times)
    np.testing.assert_allclose(slopes, [4.69348, 2.71828, 1.76159, 1.24790, 1.11111, 1.02041], atol=5e-6)
    trap = SteadyDraggedTrap(1.3, 0.5, 2.0, 0.8, 0.6)
    slope = float(trap.fluctuation_slope())
    ratio = jnp.log(trap.work_density(0.7) / trap.work_density(-0.7))
    np.testing.assert_allclose(ratio, slope * 0.7 / 0.6, rtol=1e-10)
    np.testing.assert_allclose(trap.cumulant_generating_function(slope), 0.0, atol=1e-12)


UNDERDAMPED = {
    0.5: (0.463363069121, 3.424137255494),
    1.0: (0.466492804885, 5.087942420733),
    2.5: (0.473552244865, 7.687782875980),
}


@pytest.mark.parametrize("rate", UNDERDAMPED)
def test_underdamped_dragged_trap(rate, x64):
    """By the kernel, and by the mean path: two derivations."""
    for duration, mean in zip((1.0, 5.0), UNDERDAMPED[rate], strict=True):
        np.testing.assert_allclose(UnderdampedDraggedTrap(1.0, duration, rate).mean_work(), mean, rtol=3e-12)
        guided = GuidedTrap(Ramp(0.0, duration, duration), duration, friction=rate, mass=1.0)
        np.testing.assert_allclose(guided.mean_work(), mean, rtol=3e-12)


def test_relaxation_through_critical_damping(x64):
    """phi, psi and the double integral against an ODE solver; derivatives at critical damping against differences."""
    both = jax.jit(lambda *given: (*relaxation(*given), twice_integrated(*given)))
    for rate, time in ((0.1, 30.0), (1.99, 3.0), (2.0, 3.0), (2.01, 3.0), (3.0, 0.1), (80.0, 200.0)):
        # phi, phi', int phi, int int phi, psi, psi'
        slope = lambda t, y, g=rate: [y[1], -g * y[1] - y[0], y[0], y[2], y[5], -g * y[5] - y[4]]
        solved = solve_ivp(slope, (0, time), [1, 0, 0, 0, 0, 1], rtol=1e-12, atol=1e-14, method="LSODA").y[:, -1]
        found = both(*jnp.array([time, rate, 1.0]))
        np.testing.assert_allclose(found, solved[[0, 4, 3]], rtol=1e-8, atol=1e-11)
    function = lambda rate: twice_integrated(jnp.asarray(3.0), rate, jnp.asarray(1.0))
    slopes = jax.jit(lambda rate: (function(rate), jax.grad(function)(rate), jax.grad(jax.grad(function))(rate)))
    below, at, above = (slopes(jnp.asarray(2.0 + shift)) for shift in (-1e-4, 0.0, 1e-4))
    for order in (0, 1):
        np.testing.assert_allclose(at[order + 1], (above[order] - below[order]) / 2e-4, rtol=1e-7)


BREATHING = {  # mean, variance, third cumulant
    0.1: (0.4845867313448, 0.4391226966914, 0.8224848912939),
    1.0: (0.4124657985348, 0.1786287540188, 0.2000379481765),
    10.0: (0.3556014834100, 0.0190995017082, 0.0033727872083),
}


@pytest.mark.parametrize("duration", BREATHING)
def test_breathing_trap(duration, x64):
    trap = breathing(duration)
    np.testing.assert_allclose(trap.work_cumulants(3), BREATHING[duration], rtol=1e-9)
    np.testing.assert_allclose(trap.cumulant_generating_function(1.0), -np.log(2) / 2, rtol=1e-12)
    assert trap.cumulant_generating_function(-40.0) == np.inf  # the weighted variance diverges


OPTIMA = {0.1: 0.478289107117, 1.0: 0.402918361125, 10.0: 0.354741171186}


@pytest.mark.parametrize("duration", OPTIMA)
def test_optimal_breathing(duration, x64):
    best = OptimalBreathing(1.0, 2.0, duration)
    np.testing.assert_allclose(best.work(), OPTIMA[duration], rtol=3e-12)
    np.testing.assert_allclose(BreathingTrap(best, duration).mean_work(), OPTIMA[duration], rtol=1e-9)
    if duration == 1.0:
        inside = [best.widths()[1], best(1e-12), best(1 - 1e-12)]
        np.testing.assert_allclose(inside, [(1 + 5**0.5) / 4, 1.190983, 1.763932], atol=5e-7)
    assert best(0.0) == 1.0 and best(duration) == 2.0
    units = OptimalBreathing(1.5, 3.2, 0.7, friction=0.6, temperature=1.8)
    np.testing.assert_allclose(BreathingTrap(units, 0.7, 0.6, 1.8).mean_work(), units.work(), rtol=1e-9)


def test_optimal_dragging(x64):
    """1/3 and 25/7; any other path costs more, to second order in the difference."""
    for length, least in ((1.0, 1 / 3), (5.0, 25 / 7)):
        best = OptimalDragging(length, length)
        np.testing.assert_allclose([best.work(), GuidedTrap(best, length).mean_work()], least, rtol=1e-12)
    best = OptimalDragging(2.0, 1.5, 3.0, 0.7)
    np.testing.assert_allclose(best(1e-13), 2.0 / (3.0 * 1.5 / 0.7 + 2), rtol=1e-9)
    wave = lambda size: GuidedTrap(Bent(best, jnp.asarray(size)), 1.5, 3.0, 0.7).mean_work()
    np.testing.assert_allclose(jax.grad(wave)(0.0), 0.0, atol=1e-10)
    assert wave(0.1) > best.work() + 1e-3


class Bent(eqx.Module):
    path: OptimalDragging
    size: jax.Array

    def __call__(self, t):
        return self.path(t) + self.size * jnp.sin(2 * np.pi * t / self.path.duration)


def test_optimal_dragging_with_inertia(x64):
    """The least value of the form l'.phi l' over paths in steps tends to that without inertia, whatever the mass."""
    duration, count = 2.0, 400
    edges = np.linspace(0, duration, count + 1)
    for mass in (0.3, 2.0):
        rate, w2 = np.full((count + 1,) * 2, 1 / mass), np.full((count + 1,) * 2, 1 / mass)
        gaps = np.abs(edges[:, None] - edges[None, :])
        integrals = np.asarray(jax.jit(jax.vmap(jax.vmap(twice_integrated)))(*map(jnp.asarray, (gaps, rate, w2))))
        form = integrals[1:, :-1] - integrals[:-1, :-1] - integrals[1:, 1:] + integrals[:-1, 1:]
        least = 0.5 / ((duration / count) ** 2 * np.linalg.solve(form, np.ones(count)).sum())
        np.testing.assert_allclose(least, OptimalDragging(1.0, duration).work(), rtol=0.02)
        assert least > OptimalDragging(1.0, duration).work()


RAMP = {  # rate: mean, variance
    0.1: (1.950552281382, 3.868417900322),
    1.0: (1.604790593791, 2.856358359616),
    10.0: (0.863329038919, 0.451580699872),
}


@pytest.mark.parametrize("rate", RAMP)
def test_two_level_ramp(rate, x64):
    ramp = TwoLevelRamp(0.0, 4.0, 1.0, rate)
    np.testing.assert_allclose(ramp.work_cumulants(2), RAMP[rate], rtol=1e-10)
    np.testing.assert_allclose(ramp.free_energy_difference(), 0.674997252642, rtol=1e-11)
    np.testing.assert_allclose(jnp.exp(ramp.cumulant_generating_function(1.0)), 0.509157819444, rtol=1e-11)
    errors = []
    for steps in (200, 400):
        work, probability = ramp.work_distribution(steps)
        np.testing.assert_allclose(probability @ jnp.exp(-work), jnp.exp(-ramp.free_energy_difference()), rtol=1e-12)
        errors.append(float(probability @ work) - RAMP[rate][0])
    assert abs(errors[0] / errors[1] - 4) < 0.02  # O(1/steps^2)
    edge_cells = np.array([probability[0], probability[-1]])
    assert np.all(edge_cells > ramp.atoms()) and np.all(edge_cells - ramp.atoms() < 0.003)


PISTON = {  # speed, duration, length: mean, variance, {n: P_n}
    (1.0, 1.0, 1.0): (-0.1487443318, 0.3330599485, {0: 0.9170666837, 1: 0.0829332628}),
    (0.1, 10.0, 1.0): (-0.3729166667, 0.2822968056, {0: 0.1582591091}),
    (0.5, 2.0, 1.0): (-0.3210913176, 0.3223408585, {0: 0.6630204727}),
    (2.0, 0.5, 1.0): (-0.0115374521, 0.0434184783, {}),
    (5.0, 0.2, 1.0): (-3.868659e-8, 2.041367e-7, {1: 1.069233107e-8}),
    (-1.0, 1.0, 2.0): (2.3347907135, 11.8095472988, {-1: 0.0921865951, 0: 0.4585333419, 1: 0.4076223545}),
    (-0.1, 10.0, 2.0): (1.5083333333, 4.5667488889, {}),
    (-0.5, 2.0, 2.0): (1.7083333335, 6.2180554946, {}),
    (-2.0, 0.5, 2.0): (5.0679256222, 35.673469675, {}),
}


def test_piston(x64):
    """All averages of one particle; <e^{-W}> = L_t/L, a sum that rare hits dominate at v = 5."""
    for (speed, duration, length), (mean, variance, hits) in PISTON.items():
        stroke = PistonStroke(speed, duration, length, hits=(-2, 50))
        rare = speed == 5.0
        np.testing.assert_allclose(stroke.work_cumulants(2), [mean, variance], rtol=5e-7 if rare else 3e-10, atol=6e-11)
        ratio = 2.0 if speed > 0 else 0.5
        np.testing.assert_allclose(jnp.exp(stroke.cumulant_generating_function(1.0)), ratio, rtol=1e-12)
        for n, probability in hits.items():
            np.testing.assert_allclose(
                stroke.hit_probabilities()[n + 2], probability, rtol=3e-9, atol=6e-11 * (not rare)
            )


@pytest.mark.slow
def test_piston_of_many(x64):
    """Five particles by convolution: five times the cumulants, <e^{-W}> = 2^5 from the far wing."""
    stroke = PistonStroke(1.0, 1.0)
    work, probability = stroke.work_of_many(5, 0.04, (-600, 60))
    mean = probability @ work
    np.testing.assert_allclose(jnp.sum(probability), 1.0, rtol=1e-12)
    np.testing.assert_allclose(mean, 5 * stroke.mean_work(), rtol=1e-4)
    np.testing.assert_allclose(probability @ (work - mean) ** 2, 5 * stroke.work_variance(), rtol=2e-3)
    np.testing.assert_allclose(probability @ jnp.exp(-work), 32.0, rtol=0.01)


# ---- what all of them obey


@pytest.mark.parametrize("name", NAMES)
def test_jarzynski_and_gradients(name, x64):
    """K(0) = 0, K(1) = -dF/T, dF <= <W>, <W> and Var W, K, dF, P(W): reverse mode against central differences."""
    system, place, _ = systems()[name]
    arrays, static = eqx.partition(system, eqx.is_inexact_array)
    flat, unravel = ravel_pytree(arrays)

    def values(x):
        system = eqx.combine(unravel(x), static)
        cgf = jax.vmap(system.cumulant_generating_function)(jnp.array([0.0, 0.4, 1.0]))
        delta = system.free_energy_difference()
        density = system.work_density(jnp.asarray([place]))
        both = jnp.stack([cgf[0], cgf[2] + delta / system.temperature, cgf[1], delta])
        return jnp.concatenate([both, system.work_cumulants(2), density])

    found = np.asarray(jax.jit(jax.jacrev(values), compiler_options=QUICK)(flat))
    shifts = np.concatenate([np.zeros((1, flat.size)), *(s * 1e-5 * np.eye(flat.size) for s in (1, -1))])
    level, *both = np.asarray(jax.jit(jax.vmap(values), compiler_options=QUICK)(flat[None] + shifts))
    np.testing.assert_allclose(level[:2], 0.0, atol=1e-11)
    assert level[4] > level[3] and level[5] > 0 and level[6] > 0
    expected = (np.array(both[: flat.size]) - np.array(both[flat.size :])).T / 2e-5
    assert np.all(np.isfinite(found))
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=2e-7 * np.abs(expected).max())
    assert np.all(np.abs(found[4:]).max(0) > 0) or name.startswith("guided")  # the end of a path may move nothing


@pytest.mark.parametrize("name", [name for name in NAMES if "quench" not in str(name) and "ramp" not in str(name)])
def test_density(name, x64):
    """Norm, <W> and <e^{-W/T}> = e^{-dF/T} of P(W), by quadrature."""
    system, _, span = systems()[name]
    work, weights = quadrature(*span, 150)
    weights = weights * np.asarray(eqx.filter_jit(type(system).work_density)(system, jnp.asarray(work)))
    atom = float(system.no_work_probability()) if isinstance(system, PistonStroke) else 0.0
    # the piston's density has corners, the breathing trap is in steps: their quadrature is not exact
    tolerance = 3e-4 if name in ("breathing", "expansion", "compression") else 1e-8
    found = [atom + weights.sum(), weights @ work, atom + weights @ np.exp(-work / system.temperature)]
    exponential = np.exp(-system.free_energy_difference() / system.temperature)
    np.testing.assert_allclose(found, [1.0, system.mean_work(), exponential], rtol=tolerance)


def test_density_of_the_ramp_and_the_quench(x64):
    """Atoms and density of the ramp sum to one; the quench's density against its moments, with W = a z^2."""
    ramp = systems()["ramp"][0]
    work, weights = quadrature(0.0, 1.7, 20)
    inside = weights * np.asarray(ramp.work_density(jnp.asarray(work)))
    none, whole = ramp.atoms()
    np.testing.assert_allclose(inside.sum() + none + whole, 1.0, rtol=3e-5)
    np.testing.assert_allclose(inside @ work + whole * 1.7, ramp.mean_work(), rtol=3e-5)
    for quench in (StiffnessQuench(1.2, 2.5, 1.4), StiffnessQuench(2.5, 1.2, 1.4)):
        z, weights = quadrature(0.0, 11.0, 30)
        work = np.asarray(quench.scale() * z**2)
        found = weights * 2 * np.asarray(quench.work_density(jnp.asarray(work)) * jnp.abs(quench.scale())) * z
        expected = [1.0, quench.mean_work(), jnp.exp(-quench.free_energy_difference() / 1.4)]
        averages = [found.sum(), found @ work, found @ np.exp(-work / 1.4)]
        np.testing.assert_allclose(averages, expected, rtol=1e-10)
    assert quench.cumulant_generating_function(3.0) == np.inf


# ---- simulation


def z_scores(work, system):
    """Of mean and variance, errors from the sample itself."""
    work = np.asarray(work, np.float64)
    centred = work - work.mean()
    mean_error = work.std() / len(work) ** 0.5
    variance_error = np.sqrt((np.mean(centred**4) - np.mean(centred**2) ** 2) / len(work))
    mean, variance = system.work_cumulants(2)
    return (work.mean() - mean) / mean_error, (np.mean(centred**2) - variance) / variance_error


class Trap(NamedTuple):
    """Not a potential: the numbers of one run."""

    system: object
    potential: object
    dynamics: object
    protocol: object
    start: object


def spring(x, place):
    return 0.85 * (x - place) ** 2


def opened(x, stiffness):
    return stiffness * x**2 / 2


def runs(count):
    normal = np.asarray(jax.random.normal(KEY, (count,)))
    drag, narrow = Ramp(0.0, 1.17, 0.9), Ramp(1.2, 2.5, 0.8)
    slow = Underdamped(0.01, 1.4, 0.7, 1.2)
    still = normal * (1.4 / 1.7) ** 0.5
    return {
        "dragged": Trap(DraggedTrap(1.3, 0.9, 1.7, 0.8, 1.4), spring, Overdamped(0.01, 1.4, 0.8), drag, still),
        "underdamped": Trap(UnderdampedDraggedTrap(1.3, 0.9, 0.7, 1.2, 1.7, 1.4), spring, slow, drag, still),
        "breathing": Trap(
            BreathingTrap(narrow, 0.8, 0.7, 1.4),
            opened,
            Overdamped(0.01, 1.4, 0.7),
            narrow,
            normal * (1.4 / 1.2) ** 0.5,
        ),
    }


@pytest.mark.parametrize("name", [pytest.param("dragged", marks=pytest.mark.slow), "underdamped", "breathing"])
def test_simulated_work_of_traps(name):
    """10^5 trajectories; the error of the time step, O(dt), is far below one standard error."""
    run = runs(100_000)[name]
    steps = round(float(run.system.duration) / 0.01)
    found = trajectories(run.potential, run.dynamics, run.protocol, KEY, steps, start=run.start)
    assert np.all(np.abs(z_scores(found.work, run.system)) < 4)
    # three cumulants: the skewness of the breathing trap is seen at all
    if name == "breathing":
        work = np.asarray(found.work, np.float64)
        cube = (work - work.mean()) ** 3
        third = run.system.work_cumulants(3)[2]
        assert abs(cube.mean() - third) < 4 * cube.std() / len(work) ** 0.5 < third


def test_simulated_work_of_the_ramp():
    """Both rates sum to k0, so the state is drawn anew at Poisson times."""
    ramp, count, rng = TwoLevelRamp(0.0, 4.0, 1.0, 3.0), 200_000, np.random.default_rng(1)
    filled = lambda t: 1 / (1 + np.exp(4 * t))
    time, state, work = np.zeros(count), rng.random(count) < filled(0.0), np.zeros(count)
    while np.any(time < 1):
        later = np.minimum(time + rng.exponential(1 / 3.0, count), 1.0)
        work += 4 * (later - time) * state
        state = np.where(later < 1, rng.random(count) < filled(later), state)
        time = later
    assert np.all(np.abs(z_scores(work, ramp)) < 4)
    values, probability = ramp.work_distribution(100)
    counted = np.histogram(work, np.append(values[::10] - 0.02, 4.02))[0]
    expected = count * np.add.reduceat(np.asarray(probability, np.float64), np.arange(0, 101, 10))
    chi2 = np.sum((counted - expected) ** 2 / expected)
    assert chi2 < 10 + 4 * 20**0.5


def test_piston_collision_by_collision(x64):
    """The unfolded formula for every trajectory, with up to four hits from behind; one program for all strokes."""
    before = played._cache_size()
    for speed, duration, length in [*PISTON, (-3.5, 1.0, 4.0)]:
        stroke = PistonStroke(speed, duration, length, hits=(-5, 60))
        position = length * jax.random.uniform(KEY, (4000,))
        velocity = 1.5 * jax.random.normal(jax.random.key(1), (4000,))
        found = played(stroke, position, velocity)
        np.testing.assert_allclose(found, stroke.work_of(position, velocity), atol=1e-12)
    assert played._cache_size() == before + 1


@pytest.mark.parametrize(
    "speed, duration, length", [pytest.param(0.1, 10.0, 1.0, marks=pytest.mark.slow), (-1.0, 1.0, 2.0)]
)
def test_piston_from_equilibrium(speed, duration, length):
    stroke = PistonStroke(speed, duration, length, hits=(-2, 50))
    work = piston_strokes(stroke, KEY, 100_000)
    assert np.all(np.abs(z_scores(work, stroke)) < 4)
    below = np.mean(np.asarray(work) <= 1.0), float(stroke.work_cumulative(1.0))
    assert abs(below[0] - below[1]) < 4 * np.sqrt(max(below[1] * (1 - below[1]), 1e-5) / 100_000)


# ---- use and misuse


def test_maps_and_single_precision():
    """vmap over parameters; relative accuracy of a short stroke in single precision, where the closed form cancels."""
    assert jax.config.jax_enable_x64 is False
    means = jax.vmap(lambda v, t: DraggedTrap(v, t).mean_work())(jnp.array([1.0, 2.0]), jnp.array([1e-3, 1.0]))
    np.testing.assert_allclose(means, [1e-6 / 2 * (1 - 1e-3 / 3), 4 / np.e], rtol=1e-6)
    short = UnderdampedDraggedTrap(1.0, 1e-3, 0.7).mean_work()
    np.testing.assert_allclose(short, 5e-7, rtol=1e-6)
    stroke = PistonStroke(-1.0, 1.0, 2.0)
    np.testing.assert_allclose(stroke.work_cumulants(2), [2.3347907, 11.809547], rtol=2e-5)


def test_refusals():
    with pytest.raises(ValueError, match="duration must be positive"):
        DraggedTrap(1.0, 0.0)
    with pytest.raises(ValueError, match="mass must be positive"):
        GuidedTrap(Ramp(0.0, 1.0, 1.0), 1.0, mass=-1.0)
    with pytest.raises(ValueError, match="first_stiffness must be positive"):
        BreathingTrap(Ramp(-1.0, 1.0, 1.0), 1.0)
    with pytest.raises(ValueError, match="only rises or only falls"):
        BreathingTrap(Table([0.0, 0.5, 1.0], [1.0, 3.0, 2.0]), 1.0).work_density(jnp.array([0.1]))
    with pytest.raises(ValueError, match="final_length must be positive"):
        PistonStroke(-1.0, 2.0)
    with pytest.raises(ValueError, match="speed that is not zero"):
        PistonStroke(0.0, 2.0)
    with pytest.raises(ValueError, match="give hits"):
        jax.jit(lambda v: PistonStroke(v, 1.0).mean_work())(1.0)
    with pytest.raises(ValueError, match="cells"):
        PistonStroke(1.0, 1.0).work_of_many(2, 0.1, (-10, -1))
    with pytest.raises(ValueError, match="stop must be positive"):
        StiffnessQuench(1.0, -1.0)
    with pytest.raises(ValueError, match="rate must be positive"):
        TwoLevelRamp(0.0, 1.0, 1.0, 0.0)
