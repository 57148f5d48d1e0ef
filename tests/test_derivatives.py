"""Every method on systems whose response is known exactly; z-scores of fixed keys, four at most."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffneq.drives import Constant
from diffneq.dynamics import Langevin, Verlet
from diffneq.models import EnergyModel
from diffneq.response.derivatives import METHODS, Problem, sample
from diffneq.statistics.distributions import student_quantile
from tests.exact_response import LENGTH, Ring, linear_response

SOUND = ("fluctuation_dissipation", "transient_time_correlation", "likelihood_ratio")


def nothing(positions):
    return 0.0 * jnp.sum(positions)


def wave(positions, a):
    return a * jnp.sum(jnp.cos(2 * jnp.pi * positions / LENGTH))


def position(state, particle=0):
    return state.anchor[0][particle] * (LENGTH / 2.0**32) + state.displacement[0][particle]


def cosine(model, state):
    return jnp.cos(2 * jnp.pi * position(state) / LENGTH)


def velocity_squared(model, state):
    return state.velocity[0][0] ** 2


def free_problem(observable, parameter, time=5.0, record_every=2):
    model = EnergyModel(nothing, (LENGTH,), (1,), charge=1.0)
    return Problem(model, Langevin(0.05, 1.0, 1.0), Constant(0.0), observable, parameter, time, record_every)


def ring_problem(observable, parameter, field=0.0, time=5.0, rate=1.0):
    model = EnergyModel(wave, (LENGTH,), (1,), charge=1.0, parameters={"a": 1.0})
    return Problem(model, Langevin(0.05, 1.0, rate), Constant(field), observable, parameter, time, 2)


def particles(count, seed=0, size=1, spread=LENGTH):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, spread, (count, size, 1)), rng.normal(size=(count, size, 1))


def ensemble_of(problem, replicas=1000, snapshots=2, equilibration=5.0, seed=0, **more):
    start = particles(replicas, seed, sum(problem.model.counts))
    key = jax.random.key(seed)
    return sample(
        problem, key, replicas=replicas, snapshots=snapshots, start=start, equilibration=equilibration, **more
    )


def agrees(curve, exact, floor, worst=4.0):
    """z-scores at an early time, the middle and the end; `floor` is the error of the integrator and of the records."""
    chosen = [len(curve.time) // 8, len(curve.time) // 2, -1] if len(curve.time) > 1 else [0]
    z = (curve.value - exact)[chosen] / np.hypot(curve.error[chosen], floor)
    assert np.all(np.abs(z) < worst), (curve.method, z, curve.value[chosen], exact[chosen])


@pytest.fixture(scope="module")
def free():
    return ensemble_of(free_problem("current", "drive.amplitude"))


def free_response(times, width):
    """Mean over records of 1 - exp(-t), the velocity of a free particle pushed from t = 0."""
    return 1 - np.exp(-times) * np.sinh(width / 2) / (width / 2)


@pytest.mark.parametrize("method", [name for name in METHODS if name not in ("reweighting", "adjoint")])
def test_free_particle_follows_ornstein_and_uhlenbeck(free, method):
    curve = METHODS[method](free)
    agrees(curve, free_response(curve.time, free.problem.interval), floor=4e-4)
    if method in ("coupled", "tangent", "transient_subtraction"):  # the noise cancels in a linear system
        assert np.max(curve.error) < 1e-5


def test_adjoint_equals_tangent(free):
    exact = free_response(free.problem.times, free.problem.interval)[-1]
    curve = METHODS["adjoint"](free)
    assert abs(curve.value[0] - exact) < 1e-3
    gradients = curve.diagnostics["gradients"]
    assert float(gradients.drive.amplitude) == pytest.approx(curve.value[0], rel=1e-5)


@pytest.mark.parametrize("method", [*SOUND, "coupled", "tangent"])
def test_temperature_of_the_bath(method):
    """d<v^2>/dT = 1 - exp(-2 g t): noise, not a force, is what changes."""
    ensemble = ensemble_of(free_problem(velocity_squared, "dynamics.temperature", time=3.0), seed=1)
    curve = METHODS[method](ensemble)
    width = 2 * ensemble.problem.interval
    agrees(curve, 1 - np.exp(-2 * curve.time) * np.sinh(width / 2) / (width / 2), floor=2e-3)


@pytest.mark.parametrize(
    ("observable", "what", "parameter", "name"),
    [
        ("current", "velocity", "drive.amplitude", "field"),
        pytest.param(cosine, "cosine", "model.parameters.a", "a", marks=pytest.mark.slow),
    ],
)
def test_ring_in_equilibrium(observable, what, parameter, name):
    ensemble = ensemble_of(ring_problem(observable, parameter), seed=2)
    times = ensemble.problem.times
    exact = Ring(1.0, 0.0).response(times, what, name)
    for method in ("transient_time_correlation", "coupled", "transient_subtraction", "likelihood_ratio", "tangent"):
        agrees(METHODS[method](ensemble), exact, floor=3e-3)
    agrees(METHODS["fluctuation_dissipation"](ensemble), exact, floor=3e-3)
    if name == "a":
        ring = Ring(1.0, 0.0)
        static = [Ring(1.0 + h, 0.0) for h in (-1e-3, 1e-3)]
        low, high = (r.mean(r.stationary(), what) for r in static)
        agrees(METHODS["reweighting"](ensemble), np.array([(high - low) / 2e-3]), floor=1e-3)
        assert ring.mean(ring.stationary(), what) == pytest.approx(-0.565159 / 1.266066, abs=1e-5)  # -I_1(1)/I_0(1)


def energy_on_ring(model, state):
    return model.parameters["a"] * cosine(model, state)


@pytest.mark.slow
def test_a_parameter_of_the_observable_itself():
    """d<a cos k x>/da = <cos k x> at once, and a d<cos k x>/da in time."""
    ensemble = ensemble_of(ring_problem(energy_on_ring, "model.parameters.a", time=2.0), seed=7)
    ring = Ring(1.0, 0.0)
    exact = ring.mean(ring.stationary(), "cosine") + ring.response(ensemble.problem.times, "cosine", "a")
    for method in METHODS:
        if method not in ("reweighting", "adjoint"):
            agrees(METHODS[method](ensemble), exact, floor=3e-3)


def test_ring_in_a_driven_steady_state():
    """About a driven state there is no canonical density: the methods that need one refuse, the others are right."""
    problem = ring_problem("current", "drive.amplitude", field=1.0)
    ensemble = ensemble_of(problem, seed=3)
    exact = Ring(1.0, 1.0).response(problem.times, "velocity", "field")
    for method in ("coupled", "transient_subtraction", "likelihood_ratio", "tangent"):
        agrees(METHODS[method](ensemble), exact, floor=3e-3)
    for method in ("fluctuation_dissipation", "transient_time_correlation", "reweighting"):
        with pytest.raises(ValueError, match="does not leave the canonical density stationary"):
            METHODS[method](ensemble)


@pytest.mark.parametrize("field", [1e-6, 0.3, 3.0])
def test_transient_time_correlation_is_exact_at_any_field(x64, field):
    """The same relative error at a field a million times below thermal; a strong field is not a derivative any more."""
    problem = ring_problem("current", "drive.amplitude")
    ensemble = ensemble_of(problem, seed=4)
    curve = METHODS["transient_time_correlation"](ensemble, change=field)
    exact = Ring(1.0, 0.0).response(problem.times, "velocity", "field", change=field)
    agrees(curve, exact, floor=3e-3)
    assert 0.01 < curve.error[-1] / exact[-1] < 0.1


CHAIN = 4


def chain(positions, k):
    """Particles held at their sites and joined to their neighbours: U = sum x^2/2 + k (x_i - x_{i+1})^2/2."""
    x = positions[:, 0] - LENGTH / 2
    return 0.5 * jnp.sum(x**2) + 0.5 * k * jnp.sum((x[1:] - x[:-1]) ** 2)


def third(model, state):
    return position(state, 2)


def test_harmonic_chain():
    """A force on the first particle moves the third: K^-1 in the end, the matrix exponential before."""
    model = EnergyModel(chain, (LENGTH,), (1, CHAIN - 1), charge=(1.0, 0.0), parameters={"k": 2.0})
    problem = Problem(model, Langevin(0.05, 0.05, 1.0), Constant(0.0), third, "drive.amplitude", 6.0, 2)
    rng = np.random.default_rng(5)
    bonds = np.diff(np.eye(CHAIN), axis=0)
    stiffness = np.eye(CHAIN) + 2.0 * bonds.T @ bonds
    spread = np.linalg.cholesky(np.linalg.inv(stiffness) * 0.05)
    places = LENGTH / 2 + rng.normal(size=(1000, CHAIN)) @ spread.T
    start = places[..., None], rng.normal(size=(1000, CHAIN, 1)) * np.sqrt(0.05)
    ensemble = sample(problem, jax.random.key(5), replicas=1000, snapshots=2, start=start, equilibration=5.0)
    exact = linear_response(stiffness, 1.0, problem.times, pushed=0, seen=2)
    assert exact[-1] == pytest.approx(np.linalg.inv(stiffness)[2, 0], rel=0.05)
    for method in (*SOUND, "coupled", "transient_subtraction", "tangent"):
        agrees(METHODS[method](ensemble), exact, floor=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("method", [*SOUND, "coupled", "transient_subtraction", "reweighting"])
def test_error_bars_are_honest(method):
    """95 % intervals of 200 repetitions hold the exact value in 92 to 98 %; 64 replicas, 4 snapshots, as by default.

    The samples are products and so are skewed: 16 of them would be too few for Student's interval (about 87 %).
    """
    parameter = "model.parameters.a" if method == "reweighting" else "drive.amplitude"
    problem = ring_problem(cosine if method == "reweighting" else "current", parameter, time=2.0)
    ensemble = ensemble_of(problem, replicas=12800, snapshots=4, seed=6, spacing=5.0)
    curve = METHODS[method](ensemble)
    if method == "reweighting":
        low, high = (Ring(1.0 + h, 0.0) for h in (-1e-3, 1e-3))
        truth = (high.mean(high.stationary(), "cosine") - low.mean(low.stationary(), "cosine")) / 2e-3
    else:
        truth = Ring(1.0, 0.0).response(problem.times, "velocity", "field")[-1]
    groups = curve.samples[:, -1].reshape(200, 64)
    half = student_quantile(0.95, 63.0) * groups.std(1, ddof=1) / 8
    covered = np.mean(np.abs(groups.mean(1) - truth) < half)
    assert 0.92 <= covered <= 0.98, covered


def sign(model, state):
    return jnp.sign(state.velocity[0][0])


def later(model, state, trajectory):
    return trajectory[0]


def test_bad_questions_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match="present state"):
        free_problem(later, "drive.amplitude")
    with pytest.raises(ValueError, match="has no parameter"):
        free_problem("current", "model.law.stiffness")
    with pytest.raises(ValueError, match="records"):
        free_problem("colour", "drive.amplitude")
    with pytest.raises(ValueError, match="real scalar"):
        free_problem(lambda model, state: state.velocity[0], "drive.amplitude")
    model = EnergyModel(nothing, (LENGTH,), (1,), charge=0.0)
    problem = Problem(model, Langevin(0.05, 1.0, 1.0), Constant(0.0), "current", "drive.amplitude", 1.0)
    with pytest.raises(ValueError, match="does not enter"):
        sample(problem, jax.random.key(0), replicas=4, snapshots=1, start=particles(4))
    ensemble = ensemble_of(free_problem(sign, "drive.amplitude", time=1.0), replicas=8, snapshots=1)
    for method in ("tangent", "adjoint"):
        with pytest.raises(ValueError, match="derivative with respect to the state is zero"):
            METHODS[method](ensemble)


def test_without_noise_there_is_no_likelihood_ratio():
    model = EnergyModel(nothing, (LENGTH,), (1,), charge=1.0)
    problem = Problem(model, Langevin(0.05, 1.0, (0.0,)), Constant(0.0), "current", "drive.amplitude", 1.0)
    ensemble = sample(problem, jax.random.key(0), replicas=4, snapshots=1, start=particles(4))
    with pytest.raises(ValueError, match="carry no noise"):
        METHODS["likelihood_ratio"](ensemble)
    problem = Problem(model, Verlet(0.05), Constant(0.0), "current", "drive.amplitude", 1.0)
    ensemble = sample(problem, jax.random.key(0), replicas=4, snapshots=1, start=particles(4))
    with pytest.raises(ValueError, match="Langevin"):
        METHODS["likelihood_ratio"](ensemble)
    with pytest.raises(ValueError, match="no bath"):
        METHODS["transient_time_correlation"](ensemble, change=0.1)
