"""Fluctuation theorems on systems that are solved: slopes, intercepts and averages, and the cases that must fail."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import lorentz
import numpy as np
import pytest
from switching import dragged, jumps, there_and_back

from diffneq.drives import Constant
from diffneq.fluctuations.free_energy import bar
from diffneq.fluctuations.theorems import (
    crooks,
    crooks_steady,
    entropy_generator,
    evans_searles,
    gallavotti_cohen,
    generating_function,
    harada_sasa,
    harada_sasa_simulated,
    hatano_sasa,
    kick_response,
    total_entropy,
    uncertainty,
    velocity_spectrum,
)
from diffneq.large_deviations import leading_eigenvalue
from diffneq.statistics import Estimate
from diffneq.stochastic import Overdamped

# physics/fluctuation.md, section 3.6: affinity ln 3, entropy production 0.1831020481, from k_ij below
NET = np.array([[0.0, 1.0, 1.0], [2.0, 0.0, 3.0], [2.0, 1.0, 0.0]])
SIGMA = 0.1831020481


def within(test, largest=4.0):
    """All z-scores of a test that has some, and none infinite errors."""
    z = test.z_scores()
    return len(z) > 0 and all(np.isfinite(e) and abs(e) < largest for e in z.values())


@pytest.fixture(scope="module")
def breathing():
    stiffness = np.linspace(1.0, 3.0, 6)
    forward, reverse = there_and_back(np.random.default_rng(1), 20_000, stiffness, 0.2)
    return forward.sum(1), reverse.sum(1)


def test_crooks(breathing):
    """Breathing trap, not Gaussian: slope 1/kT, intercept -dF/kT, dF = ln(3)/2."""
    found = crooks(*breathing, free_energy=np.log(3) / 2)
    assert within(found) and found.holds() and not found.warnings
    assert found.slope is not None and found.slope.error < 0.03 and found.linearity > 1e-3
    hot = crooks(2.5 * breathing[0], 2.5 * breathing[1], 2.5, unit="kJ/mol")
    assert hot.slope is not None and hot.expected_slope == 0.4 and hot.slope.unit == "1/kJ/mol"
    assert hot.slope.value == pytest.approx(found.slope.value / 2.5)
    best = bar(*breathing)
    assert -found.intercept.value / found.slope.value == pytest.approx(best.value, abs=4 * best.error)


def test_crooks_fails_at_the_wrong_temperature(breathing):
    found = crooks(*breathing, temperature=1.2)
    assert not found.holds() and abs(found.z_scores()["slope"]) > 5


def test_errors_of_crooks_are_those_of_repetitions():
    rng, z = np.random.default_rng(3), []
    for _ in range(200):
        found = crooks(rng.normal(1.0, 2**0.5, 400), rng.normal(1.0, 2**0.5, 150), free_energy=0.0)
        z.append([found.z_scores()[name] for name in ("slope", "intercept")])
    assert np.abs(np.std(z, axis=0) - 1).max() < 4 / np.sqrt(400)


@pytest.mark.parametrize("time", [0.5, 2.0, 5.0])
def test_the_transient_theorem_holds_at_every_time(time):
    """Dragged trap from equilibrium: slope 1 for the work at all t; the heat of the same runs must fail."""
    runs = dragged(np.random.default_rng(2), 20_000, np.full(int(time / 0.1), 0.8), 0.1)
    work = runs["work"].sum(1)
    found = evans_searles(work)
    assert within(found) and found.holds()
    exact = 0.8**2 * (time - 1 + np.exp(-time))
    assert abs(work.mean() - exact) < 4 * work.std() / np.sqrt(20_000) + 1e-3 * exact  # jumps of 0.08: second order
    if time > 0.5:
        heat = evans_searles(-runs["heat"].sum(1))
        assert not heat.holds()
        assert max(abs(z) for z in heat.z_scores().values()) > 6


LORENTZ = [(1.0, 0.1217, 0.400), (4.0, 0.6692, 0.282), (10.0, 1.6575, 0.183)]


@pytest.mark.parametrize(
    "time, mean, negative", [LORENTZ[0], *(pytest.param(*c, marks=pytest.mark.slow) for c in LORENTZ[1:])]
)
def test_the_transient_theorem_without_a_heat_bath(time, mean, negative):
    """Thermostatted Lorentz gas, deterministic; <Omega> and P(Omega < 0) of physics/fluctuation.md, 3.9 (3e5 runs)."""
    omega = lorentz.dissipation(np.random.default_rng(1), 20_000, time, 1.0)
    found = evans_searles(omega)
    assert within(found) and found.holds() and not found.warnings
    both = np.sqrt(1 / 20_000 + 1 / 300_000)
    assert abs(omega.mean() - mean) < 4 * omega.std() * both
    assert abs(np.mean(omega < 0) - negative) < 4 * np.sqrt(negative * (1 - negative)) * both + 5e-4


def test_steady_slopes_of_the_dragged_trap():
    """2<W>/var = 1/[1 - (1 - e^-tau)/tau]: 4.69348, 2.71828, 1.76159, 1.24790, 1.11111; the limit is 1."""
    runs = dragged(np.random.default_rng(5), 2000, np.full(400, 0.55), 0.1, "steady")
    found = gallavotti_cohen(runs["work"], 0.1, [5, 10, 20, 50, 100], relaxation_time=1.0, unit="tau_r")
    table = [4.69348, 2.71828, 1.76159, 1.24790, 1.11111]
    assert max(abs(e.z_score(x)) for e, x in zip(found.slopes, table, strict=True)) < 4
    assert max(abs(e.z_score(0.0)) for e in found.intercepts) < 4
    assert found.holds(4.0) and found.slope.error < 0.1 and not found.warnings
    assert max(e.error / e.value for e in found.slopes) < 0.1  # and 1 is far from the first four
    assert len(found.figure().axes) == 2


@pytest.mark.slow
def test_errors_of_steady_slopes_are_those_of_repetitions():
    """Jackknife over records: slopes, their limit, and the differences of the generating function."""
    rng, z = np.random.default_rng(4), []
    for _ in range(150):
        work = dragged(rng, 60, np.full(200, 0.55), 0.1, "steady")["work"]
        found = gallavotti_cohen(work, 0.1, [10, 20, 30, 40, 50], relaxation_time=1.0)
        slowly = dragged(rng, 120, np.full(160, 0.3), 0.1, "steady")["work"]
        mu = generating_function(slowly, 0.1, 40, (0.2, 0.4))
        exact = [2.71828, 1.76159]
        z.append([e.z_score(x) for e, x in zip(found.slopes, exact, strict=False)])
        z[-1] += [found.slope.z_score(1.0), found.intercept.z_score(0.0), *(e.z_score(0.0) for e in mu.difference)]
    assert np.max(np.abs(np.mean(z, axis=0))) < 4 / np.sqrt(150) + 0.1  # of order 1/n
    assert np.abs(np.std(z, axis=0) - 1).max() < 0.25


def oscillation(rng, runs, periods, steps=20):
    """A shaken trap from turning point to turning point, in its periodic state; work and total entropy a period."""
    phase = 2 * np.pi * (np.arange(steps) + 0.5) / steps
    record = dragged(rng, runs, np.tile(1.4 * np.sin(phase), periods), 0.1, "steady")
    y, mean = record["offset"][:, ::steps], record["mean"]
    work, heat = (record[name].reshape(runs, periods, steps).sum(2) for name in ("work", "heat"))
    return work, -heat - (y[:, :-1] - mean) ** 2 / 2 + (y[:, 1:] - mean) ** 2 / 2


def test_crooks_for_periodic_driving():
    """An oscillating trap dissipates steadily: the work reaches slope 1 as 1/n, the total entropy has it at once."""
    work, total = oscillation(np.random.default_rng(6), 1500, 24)
    found = crooks_steady(work, [1, 2, 4, 6], period=2.0)
    assert abs(found.slope.z_score(1.0)) < 4 and abs(found.intercept.z_score(0.0)) < 4
    assert found.slopes[0].z_score(1.0) < -8  # the ends take part
    at_once = crooks_steady(total, [1, 2, 4], period=2.0)
    assert max(abs(e.z_score(1.0)) for e in at_once.slopes) < 4
    assert abs(total.mean() - work.mean()) < 4 * np.std(total - work) / np.sqrt(total.size)


def hatano_sasa_runs(rng, runs, speeds, dt):
    """Y of jumps of the dragging speed, comoving: rho_ss is Gaussian about -v; relaxation in between."""
    y, total = rng.normal(-speeds[0], 1.0, runs), np.zeros(runs)
    for before, after in pairwise(speeds):
        total += ((y + after) ** 2 - (y + before) ** 2) / 2
        keep = np.exp(-dt)
        y = -after + keep * (y + after) + rng.normal(0, np.sqrt(1 - keep**2), runs)
    return total


def test_hatano_sasa():
    """Y Gaussian with var 2<Y>; a jump dv alone has <Y> = dv^2/2; the reverse protocol gives Crooks' form."""
    rng, speeds = np.random.default_rng(7), [0.0, 0.7, 0.3, 1.5]
    jump = hatano_sasa(hatano_sasa_runs(rng, 10_000, [0.5, 1.5], 1.0))
    assert jump.slope is None and within(jump) and jump.holds()
    with pytest.raises(ValueError, match="dual"):
        jump.figure()
    forward, reverse = (hatano_sasa_runs(rng, 10_000, s, 0.4) for s in (speeds, speeds[::-1]))
    # <Y> = var/2, from the correlations e^-|i-j|dt of y at the jumps
    moves, lags = np.diff(speeds), np.abs(np.subtract.outer(np.arange(3), np.arange(3)))
    assert abs(forward.var() / (moves @ np.exp(-0.4 * lags) @ moves) - 1) < 4 * np.sqrt(2 / 10_000)
    found = hatano_sasa(forward, reverse)
    assert within(found) and set(found.z_scores()) == {"slope", "intercept", "average"}
    wrong = hatano_sasa(forward + 0.1)  # phi in error
    assert not wrong.holds()


def test_total_entropy_of_a_relaxation():
    """A wide Gaussian let into a trap: <e^-s> = 1 though nothing is driven; with a wrong initial density it is not."""
    rng, keep = np.random.default_rng(8), np.exp(-0.5)
    start = rng.normal(0, np.sqrt(1.6), 20_000)
    end = keep * start + rng.normal(0, np.sqrt(1 - keep**2), 20_000)
    variance = 1.6 * keep**2 + 1 - keep**2
    density = [-(x**2) / (2 * v) - np.log(v) / 2 for x, v in ((start, 1.6), (end, variance))]
    medium = (start**2 - end**2) / 2
    found = total_entropy(medium, *density)
    assert within(found) and found.slope is None
    narrow = -(start**2) / (2 * 1.3) - np.log(1.3) / 2
    assert abs(total_entropy(medium, narrow, density[1]).z_scores()["average"]) > 5
    again = rng.normal(0, np.sqrt(variance), 20_000)  # the reverse process starts where the forward one ended
    back = keep * again + rng.normal(0, np.sqrt(1 - keep**2), 20_000)
    s = (again**2 - back**2) / 2 - again**2 / (2 * variance) + back**2 / (2 * 1.6) + np.log(1.6 / variance) / 2
    both = total_entropy(medium, *density, reverse=s)
    assert within(both) and both.slope is not None and both.slope.error < 0.2


@pytest.fixture(scope="module")
def network():
    return jumps(np.random.default_rng(9), 4000, NET, 4.0, 10)


def test_total_entropy_of_a_network(network):
    """Three states: slope 1 with the entropy of the ends, at any time, and sigma t on average."""
    entropy, _, first, last = network
    weights = np.log(np.array([1 / 2, 1 / 6, 1 / 3]))
    found = total_entropy(entropy.sum(1), weights[first], weights[last], steady=True)
    assert within(found) and found.holds()
    s = entropy.sum(1)
    assert abs(s.mean() - 40 * SIGMA) < 4 * s.std() / np.sqrt(len(s))


def test_the_generating_function_of_a_network(network, x64):
    """mu(l) = mu(1 - l), golden numbers of section 3.6 from the tilted generator; records agree with it."""
    rates = jnp.asarray(NET)
    mu = jax.jit(lambda l: leading_eigenvalue(entropy_generator(rates, l)))
    exact = {l: float(mu(l)) for l in (0.25, 0.75, 0.5, 1.0)}
    assert exact[0.25] == pytest.approx(-0.0341868891, abs=1e-10) == exact[0.75]
    assert exact[0.5] == pytest.approx(-0.0455175387, abs=1e-10) and abs(exact[1.0]) < 1e-12
    assert float(jax.grad(mu)(0.0)) == pytest.approx(-SIGMA, abs=1e-10)
    found = generating_function(network[0], 4.0, 1, (0.1, 0.25))
    wanted = [float(mu(l)) for l in found.tilt]
    assert np.max(np.abs(found.value - wanted) / found.error) < 4 and found.error.max() < 0.01
    assert all(abs(e.z_score(0.0)) < 4 for e in found.difference)
    assert abs(found.slope.z_score(1.0)) < 4 and not found.warnings
    assert len(found.figure().axes) == 1


def test_gallavotti_cohen_of_a_network(network):
    found = gallavotti_cohen(network[0], 4.0, [1, 2, 4])
    assert found.holds(4.0) and found.slope.error < 0.2


@pytest.mark.parametrize("ratio, product", [(2, 2.0794415), (5, 2.4141569), (20, 3.3110725)])
def test_the_uncertainty_product_of_a_ring(ratio, product):
    """A coth(A/2), A = ln p/q: section 3.6."""
    rng = np.random.default_rng(10)
    current = rng.poisson(6.0 * ratio, 4000) - rng.poisson(6.0, 4000)
    found = uncertainty(current, current * np.log(ratio))
    assert abs(found.product.z_score(product)) < 4 and found.product.error < 0.1 * product and found.holds()
    mean = float(found.entropy.value)
    assert found.weak_bound == pytest.approx(2 * mean / np.expm1(mean)) and found.weak_bound < 2
    assert found.inferred.value < found.entropy.value + 3 * found.inferred.error
    known, guessed = uncertainty(current, mean), uncertainty(current, Estimate(mean, 0.1 * mean))
    assert guessed.product.error == pytest.approx(np.hypot(known.product.error, 0.1 * known.product.value))
    assert not uncertainty(current, mean / 4).holds()


def test_the_uncertainty_product_of_a_network(network):
    """Var rate sigma/J^2 = 2.0446394 for the current 1 -> 2 at long times, never below 2."""
    entropy, current, _, _ = network
    found = uncertainty(current, entropy.sum(1))
    assert abs(found.product.z_score(2.0446394)) < 4 and found.holds()
    none = uncertainty(current - current.mean(), 1.0)
    assert none.product.error == np.inf and none.product.warnings


TRACES = []


def washboard(x, force):
    TRACES.append(force)
    return jnp.cos(x) - force * x


def drift(force, temperature):
    """<v> in U = cos x - f x, friction 1: 2 pi T (1 - e^(-2 pi f/T))/int_0^2pi dz int_0^2pi dx e^((U(x) - U(x - z))/T).

    R. L. Stratonovich (1958).
    """
    x = np.linspace(0, 2 * np.pi, 2001)[:-1]
    step = x[1]
    inner = np.array([np.mean(np.exp((np.cos(x) - np.cos(x - z)) / temperature)) for z in x])
    total = 2 * np.pi * np.sum(inner * np.exp(-force * x / temperature)) * step
    half = 0.5 * step * 2 * np.pi * (inner[0] - inner[0] * np.exp(-force * 2 * np.pi / temperature))  # trapezoid
    return 2 * np.pi * temperature * (1 - np.exp(-2 * np.pi * force / temperature)) / (total - half)


def washboard_test(force, runs, steps):
    dynamics = Overdamped(0.01, 0.5, 1.0, scheme="Euler-Maruyama")
    return harada_sasa_simulated(
        washboard, dynamics, Constant(force), jax.random.key(1), jnp.zeros(runs), steps, record_every=5, cutoff=20.0
    )


def test_harada_sasa_on_a_tilted_washboard():
    """Noise less response is the dissipation f<v>, <v> in closed form; without a force it is nothing."""
    found = washboard_test(1.2, 1000, 2500)
    exact = 1.2 * drift(1.2, 0.5)
    assert abs(found.velocity.z_score(drift(1.2, 0.5))) < 4
    assert found.direct is not None and abs(found.direct.z_score(exact)) < 4
    assert abs(found.dissipation.z_score(exact)) < 4 and found.dissipation.error < 0.05 and found.holds()
    violation = found.dissipation.diagnostics["violation"]
    assert violation > 5 * found.dissipation.error  # v_s^2 alone would not do
    traced = len(TRACES)
    still = washboard_test(0.0, 1000, 2500)
    assert len(TRACES) - traced <= 4  # one program for all runs: only the check of arguments calls it, once each
    assert abs(still.dissipation.z_score(0.0)) < 4 and still.dissipation.error < 0.03
    assert len(found.figure().axes) == 2


def test_time_steps_at_equilibrium_do_not_dissipate():
    """Noise and response of the Euler-Maruyama trap in closed form, steps of 0.01: no dissipation, at order dt too."""
    dt, every = 0.01, 5
    keep, variance = (1 - dt) ** every, 1 / (1 - dt / 2)  # <x x'> = variance keep^n, friction = stiffness = k_B T = 1
    w, n, time = np.linspace(0, 20, 801), np.arange(600), every * dt
    later = np.cos(np.outer(w, (n[:-1] + 1) * time)) @ keep ** n[:-1]
    noise = 2 * variance * (1 - keep) * (1 - (1 - keep) * later) / time
    kick = 0.1 * keep**n * np.ones((8, 1))
    small = np.full_like(w, 1e-6)

    def dissipation(delay):
        answer = kick_response(kick, -kick, time, 0.1, 1.0, w, delay)[0]
        still, errors = Estimate(0.0, 0.0), {"spectrum_error": small, "response_error": small}
        return harada_sasa(w, noise, answer, still, 1.0, 1.0, **errors).dissipation.diagnostics["violation"]

    assert abs(dissipation(dt)) < 1e-3 < 0.1 < abs(dissipation(0.0))


@pytest.mark.slow
def test_harada_sasa_closely():
    exact = 0.8 * drift(0.8, 0.5)
    found = washboard_test(0.8, 6000, 4000)
    assert abs(found.dissipation.z_score(exact)) < 4 and found.dissipation.error < 0.012


def test_data_that_cannot_decide():
    """Not a word of 0 +- 0, and no test passes in silence."""
    rng = np.random.default_rng(0)
    apart = crooks(rng.normal(30, 2, 100), rng.normal(30, 2, 100))
    assert apart.slope.error == np.inf and "overlap" in apart.warnings[0]
    one_sided = evans_searles(rng.normal(30, 60**0.5, 100))
    assert one_sided.slope.error == np.inf and "one kind" in one_sided.warnings[0]
    assert one_sided.average.error == np.inf
    certain = gallavotti_cohen(rng.normal(30, 1, (40, 100)), 1.0, [1, 2])
    assert certain.slope.error == np.inf and certain.warnings
    tilted = generating_function(rng.normal(30, 5, (40, 100)), 1.0, 5)
    assert np.isinf(tilted.error).any() and tilted.slope.error == np.inf and tilted.warnings
    flat = harada_sasa(np.arange(10.0), np.ones((8, 10)), np.ones((8, 10)) / 2, np.ones(8), 1.0, 1.0)
    assert flat.dissipation.error == np.inf and flat.dissipation.warnings


def test_pictures():
    rng = np.random.default_rng(0)
    found = crooks(rng.normal(1, 2**0.5, 500), rng.normal(1, 2**0.5, 500), free_energy=0.0, unit="kT")
    axes = found.figure().axes[0]
    assert "[kT]" in axes.get_xlabel() and len(axes.get_legend().get_texts()) == 3


def test_misuse():
    good = np.arange(30.0)
    wrong = [
        (lambda: crooks(good[:3], good), "ten values"),
        (lambda: crooks(good, np.full(20, np.nan)), "NaN"),
        (lambda: total_entropy(good, good, good[:20]), "one length"),
        (lambda: total_entropy(good, good, good, steady=True, reverse=good), "not both"),
        (lambda: gallavotti_cohen(good, 1.0, [1, 2]), "shorten the windows"),
        (lambda: gallavotti_cohen(good, 1.0, [1]), "two or more window"),
        (lambda: generating_function(np.ones((40, 40)), 1.0, 2, (0.1, 0.7)), "tilts"),
        (lambda: entropy_generator(np.array([[0.0, 1.0], [0.0, 0.0]]), 0.5), "both zero"),
        (lambda: uncertainty(good, good[:20]), "one length"),
        (lambda: harada_sasa(np.arange(1, 10.0), good, good, good, 1.0, 1.0), "growing from 0"),
        (lambda: harada_sasa(np.arange(9.0), np.ones(9), np.ones(9), Estimate(1, 0.1), 1.0, 1.0), "spectrum_error"),
        (lambda: velocity_spectrum(good, 1.0, 1.0), "position"),
        (lambda: kick_response(np.outer(np.ones(8), good), -good, 1.0, 1.0, 1.0, [0.0]), "longer"),
        (lambda: harada_sasa_simulated(washboard, Overdamped(0.1, 1.0), None, None, good, 1), "Euler-Maruyama"),
    ]
    for call, text in wrong:
        with pytest.raises(ValueError, match=text):
            call()
