"""Few variables, many trajectories: exact work relations at any step, stationary variances, accounts, derivatives."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from scipy.integrate import quad
from scipy.linalg import solve_discrete_lyapunov
from scipy.stats import norm
from systems import z_score

from diffneq.drives import Clock, Constant, Ramp, Sine
from diffneq.stochastic import (
    BreathingTrap,
    DraggedDoubleWell,
    DraggedTrap,
    Overdamped,
    PiecewiseLinear,
    PulledChain,
    Underdamped,
    canonical,
    reverse,
    trajectories,
)
from diffneq.stochastic.protocols import parameters

KEY, OTHER = jax.random.key(5), jax.random.key(6)
SPLITTINGS = ("BAOAB", "OBABO", "ABOBA", "OABAO", "BAOA")


class Rippled(eqx.Module):
    """k x^2/2 + q cos(2 x)."""

    q: jax.Array

    def __call__(self, x, k):
        return k * x**2 / 2 + self.q * jnp.cos(2 * x)


RIPPLED = Rippled(jnp.float32(0.5))


def boltzmann(x, k, temperature=1.0):
    return np.exp(-(k * x**2 / 2 + 0.5 * np.cos(2 * x)) / temperature)


def partition(k, temperature=1.0):
    return quad(lambda x: boltzmann(x, k, temperature), -12, 12)[0]


def in_equilibrium(count, k, temperature=1.0, seed=0):
    """Exact canonical positions in the rippled well, by inversion of the distribution function."""
    grid = np.linspace(-8, 8, 200_001)
    weight = boltzmann(grid, k, temperature)
    share = np.cumsum(weight) / weight.sum()
    return np.interp(np.random.default_rng(seed).random(count), share, grid).astype(np.float32)


SCHEMES = {
    **{name: Underdamped(0.8, 0.7, 0.6, splitting=name) for name in SPLITTINGS},
    "Leimkuhler-Matthews": Overdamped(0.75, 0.7, 1.5),
    "Euler-Maruyama": Overdamped(0.5, 0.7, 1.5, scheme="Euler-Maruyama"),
}


FEW = ("BAOAB", "BAOA", "Leimkuhler-Matthews", "Euler-Maruyama")


@pytest.mark.parametrize("name", FEW + tuple(pytest.param(n, marks=pytest.mark.slow) for n in SCHEMES if n not in FEW))
def test_jarzynski_holds_at_a_long_step(name):
    """<exp(-(W + W_shadow)/kT)> = Z_1/Z_0 in an anharmonic well, with a shadow work that matters."""
    start = in_equilibrium(200_000, 1.0, temperature=0.7)
    runs = trajectories(RIPPLED, SCHEMES[name], Ramp(1.0, 3.0, 2.0), KEY, 4, start)
    final = float(Ramp(1.0, 3.0, 2.0)(4 * SCHEMES[name].dt))
    exact = partition(final, temperature=0.7) / partition(1.0, temperature=0.7)
    assert abs(z_score(np.exp(-np.asarray(runs.total_work, float) / 0.7), exact)) < 4
    assert np.std(runs.shadow_work) > 0.1 * 0.7
    if name in SPLITTINGS:
        assert abs(z_score(np.exp(-np.asarray(runs.work, float) / 0.7), exact)) > 8  # the test can tell
    assert not runs.warnings


@pytest.mark.parametrize(
    "h, protocol_only",
    [pytest.param(h, w, marks=pytest.mark.slow) for h, w in ((0.25, 0.70639), (0.5, 0.70418))] + [(1.0, 0.69021)],
)
def test_golden_numbers_of_the_time_step(h, protocol_only):
    """m = g = 1, k from 1 to 2 in t = 4 by BAOAB; golden numbers from 3e7 paths of an independent program."""
    start = np.random.default_rng(1).normal(size=400_000).astype(np.float32)
    runs = trajectories(BreathingTrap(), Underdamped(h, 1.0, 1.0), Ramp(1.0, 2.0, 4.0), KEY, round(4 / h), start)
    assert abs(z_score(np.exp(-np.asarray(runs.total_work, float)), 2**-0.5)) < 4
    assert abs(z_score(np.exp(-np.asarray(runs.work, float)), protocol_only)) < 4


@pytest.mark.slow
@pytest.mark.parametrize("h", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("name", SPLITTINGS)
def test_total_work_is_exact_for_every_splitting(name, h):
    """The same for the family, with four million paths."""
    start = np.random.default_rng(1).normal(size=4_000_000).astype(np.float32)
    dynamics = Underdamped(h, 1.0, 1.0, splitting=name)
    runs = trajectories(BreathingTrap(), dynamics, Ramp(1.0, 2.0, 4.0), KEY, round(4 / h), start)
    assert abs(z_score(np.exp(-np.asarray(runs.total_work, float)), 2**-0.5)) < 4


def stationary(dynamics, stiffness, dimension=1):
    """Covariance of (x, v) in U = k x^2/2, from the Jacobian of one step, which is linear."""
    draws = dynamics.draws(dimension) // dimension

    def step(flat, xi):
        position, velocity, _ = dynamics.step(lambda x: -stiffness * x, flat[0], flat[1], list(xi))
        return jnp.stack([position, jnp.zeros_like(position) if velocity is None else velocity])

    zero, quiet = jnp.zeros((2, dimension)), jnp.zeros((draws, dimension))
    size = 2 * dimension
    walk = np.asarray(jax.jacfwd(step)(zero, quiet)).reshape(size, size)
    noise = np.asarray(jax.jacfwd(step, 1)(zero, quiet)).reshape(size, draws * dimension)
    return solve_discrete_lyapunov(walk, noise @ noise.T)


# <x^2> and <v^2> for k = m = kT = 1: closed forms in h^2/4
VARIANCES = {
    "BAOAB": lambda s: (1, 1 - s),
    "BAOA": lambda s: (1, 1),
    "ABOBA": lambda s: (1, 1 / (1 - s)),
    "OBABO": lambda s: (1 / (1 - s), 1),
    "OABAO": lambda s: (1 - s, 1),
}


@pytest.mark.parametrize("name", SPLITTINGS)
def test_stationary_variances(name, x64):
    """Exact, at every damping rate; at h = 0.5 and 1 the table of the splittings' stationary bias."""
    for h in (0.5, 1.0):
        for rate in (0.2, 1.0, 5.0):
            found = stationary(Underdamped(h, 1.0, rate, splitting=name), 1.0)
            np.testing.assert_allclose(np.diag(found), VARIANCES[name](h**2 / 4), rtol=1e-12)


def test_stationary_variances_of_several_coordinates(x64):
    """Each coordinate its own mass, bath and rate: <x_i^2> = T_i/k, <v_i^2> = (T_i/m_i)(1 - k h^2/(4 m_i))."""
    mass, temperature, h, k = np.array([1.0, 4.0]), np.array([1.0, 10.0]), 0.5, 1.3
    found = stationary(Underdamped(h, temperature, np.array([0.3, 2.0]), mass), k, 2)
    speeds = temperature / mass * (1 - k * h**2 / (4 * mass))
    np.testing.assert_allclose(np.diag(found), [*(temperature / k), *speeds], rtol=1e-12)


def test_stationary_variances_without_inertia(x64):
    """Leimkuhler-Matthews: T/k at any step. Euler-Maruyama: (T/k)/(1 - k h/(2 friction))."""
    for h in (0.5, 1.0):
        assert stationary(Overdamped(h, 1.7, 1.4), 0.9)[0, 0] == pytest.approx(1.7 / 0.9, rel=1e-12)
        found = stationary(Overdamped(h, 1.7, 1.4, scheme="Euler-Maruyama"), 0.9)[0, 0]
        assert found == pytest.approx(1.7 / 0.9 / (1 - 0.9 * h / 2.8), rel=1e-12)


def pull(x, k):
    return np.sin(2 * x) - k * x


def test_accounts_step_by_step(x64):
    """Work is what U jumps by at fixed x, heat what O does: from positions and velocities alone."""
    h, protocol, steps = 0.3, Ramp(1.0, 3.0, 2.0), 7
    potential, start = Rippled(jnp.asarray(0.5)), np.random.default_rng(0).normal(size=(2, 30))
    runs = trajectories(potential, Underdamped(h, 0.7, 0.6), protocol, KEY, steps, tuple(start), record_every=1)
    x, v = np.asarray(runs.record_position), np.asarray(runs.record_velocity)
    np.testing.assert_allclose((x[:, 0], v[:, 0]), start)
    k = np.asarray(protocol(runs.time))
    energy = lambda x, k: k * x**2 / 2 + 0.5 * np.cos(2 * x)
    jumps = energy(x[:, :-1], k[1:]) - energy(x[:, :-1], k[:-1])
    np.testing.assert_allclose(np.diff(runs.record_work, axis=1), jumps, atol=1e-12)
    before = v[:, :-1] + h / 2 * pull(x[:, :-1], k[1:])
    after = v[:, 1:] - h / 2 * pull(x[:, 1:], k[1:])
    np.testing.assert_allclose(np.diff(runs.record_heat, axis=1), (after**2 - before**2) / 2, atol=1e-12)
    gain = energy(x, k) + v**2 / 2 - energy(x[:, :1], k[0]) - v[:, :1] ** 2 / 2
    total = runs.record_work + runs.record_heat + runs.record_shadow_work
    np.testing.assert_allclose(gain, total, atol=1e-12)
    for name in ("work", "heat", "shadow_work"):
        np.testing.assert_array_equal(getattr(runs, name), getattr(runs, f"record_{name}")[:, -1])


def test_heat_of_euler_maruyama_is_the_log_ratio_of_densities(x64):
    """Q = kT ln P(x|x')/P(x'|x), with normal densities from scipy."""
    a, temperature, protocol = 0.2 / 1.5, 0.7, Ramp(1.0, 3.0, 2.0)
    dynamics = Overdamped(0.2, temperature, 1.5, scheme="Euler-Maruyama")
    start = np.random.default_rng(0).normal(size=30)
    runs = trajectories(Rippled(jnp.asarray(0.5)), dynamics, protocol, KEY, 7, start, record_every=1)
    x, k = np.asarray(runs.record_position), np.asarray(protocol(runs.time))[1:]
    width = np.sqrt(2 * temperature * a)
    density = lambda new, old: norm.logpdf(new, old + a * pull(old, k), width)
    expected = temperature * (density(x[:, :-1], x[:, 1:]) - density(x[:, 1:], x[:, :-1]))
    np.testing.assert_allclose(np.diff(runs.record_heat, axis=1), expected, atol=1e-12)
    assert runs.velocity is None and runs.record_velocity is None


def test_work_relation_at_every_record():
    """<exp(-(W + W_shadow))> = Z_t/Z_0 for each part of a protocol: overdamped, the bath's velocity left out."""
    start, protocol = in_equilibrium(200_000, 1.0), Ramp(1.0, 4.0, 1.0)
    runs = trajectories(RIPPLED, Overdamped(0.1, 1.0), protocol, KEY, 10, start, record_every=2)
    for index, time in enumerate(np.asarray(runs.time)[1:], 1):
        work = np.asarray(runs.record_work + runs.record_shadow_work, float)[:, index]
        assert abs(z_score(np.exp(-work), partition(float(protocol(time))) / partition(1.0))) < 4


def test_dragged_trap_has_its_closed_moments():
    """Overdamped, k = gamma = v = t = 1: <W> = 1/e, var 2/e; underdamped, g = 1: <W> = 0.466492804885, var 2 <W>."""
    start = np.random.default_rng(3).normal(size=200_000).astype(np.float32)
    for dynamics, mean in ((Overdamped(0.0125, 1.0), np.exp(-1)), (Underdamped(0.0125, 1.0, 1.0), 0.466492804885)):
        runs = trajectories(DraggedTrap(), dynamics, Ramp(0.0, 1.0, 1.0), KEY, 80, start)
        work = np.asarray(runs.work, float)
        assert abs(z_score(work, mean)) < 4
        assert abs(z_score((work - work.mean()) ** 2, 2 * mean)) < 4


def test_heat_without_inertia_is_that_of_the_potential_alone():
    """At rest in a well dU = Q + W_shadow and W = 0, so heat stays bounded by energies: no velocity of the bath."""
    start = np.random.default_rng(3).normal(size=2000).astype(np.float32)
    runs = trajectories(BreathingTrap(), Overdamped(0.01, 1.0), Constant(1.0), KEY, 100, start)
    gain = (np.asarray(runs.position) ** 2 - start**2) / 2
    np.testing.assert_allclose(runs.heat + runs.shadow_work, gain, atol=2e-5)
    assert np.all(np.asarray(runs.work) == 0) and np.std(runs.shadow_work) < 0.02 * np.std(gain)


def test_results_do_not_depend_on_devices_records_or_company():
    dynamics, start = Underdamped(0.1, 1.0, 1.0), np.linspace(-1, 1, 777).astype(np.float32)
    run = lambda n=777, **more: trajectories(BreathingTrap(), dynamics, Ramp(1.0, 2.0, 1.0), KEY, 10, start[:n], **more)
    one = run(devices=1, record_every=2)
    for other in (run(devices=2, record_every=5), run(n=100)):
        count = len(other.work)
        np.testing.assert_allclose(other.work, one.work[:count], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(other.position, one.position[:count], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(run(devices=2, record_every=2).record_position, one.record_position)
    alone = run(n=1)
    assert alone.work.shape == (1,) and alone.work[0] == pytest.approx(float(one.work[0]), rel=1e-5)


def test_several_coordinates_and_a_drive():
    """A chain pulled at its end in equilibrium: positions keep their canonical covariance; two steps share no noise."""
    chain, rest = PulledChain(spring=2.0, rest=1.0, stiffness=3.0), np.arange(1.0, 5.0, dtype=np.float32)
    start = canonical(chain, 4.0, 1.0, OTHER, np.tile(rest, (3000, 1)), moves=400)
    runs = trajectories(chain, Underdamped(0.3, 1.0, 1.0), Constant(4.0), KEY, 12, start, record_every=4)
    springs = 2.0 * (2 * np.eye(4) - np.eye(4, k=1) - np.eye(4, k=-1))
    springs[3, 3] = 2.0 + 3.0
    exact = np.linalg.inv(springs)
    for x in (np.asarray(start), np.asarray(runs.position)):
        for i, j in ((0, 0), (3, 3), (0, 3), (1, 2)):
            assert abs(z_score((x[:, i] - rest[i]) * (x[:, j] - rest[j]), exact[i, j])) < 4
    assert runs.record_position.shape == (3000, 4, 4) and runs.record_work.shape == (3000, 4)
    data = runs.dataset()
    assert data.position.dims == ("trajectory", "time", "coordinate") and data.work.attrs["units"] == "energy"
    np.testing.assert_allclose(data.time, [0, 1.2, 2.4, 3.6], rtol=1e-6)


@pytest.mark.parametrize("name", ["BAOAB", pytest.param("Euler-Maruyama", marks=pytest.mark.slow)])
def test_gradients(name, x64):
    """Mean work, heat and shadow work by all float leaves: reverse and forward against central differences."""
    dynamics = Underdamped(0.11, 0.8, 0.7, 1.2) if name == "BAOAB" else Overdamped(0.11, 0.8, 1.3, name)
    protocol = PiecewiseLinear(0.0, 1.2, 0.97, [0.1, 0.6, 1.0])
    system = (DraggedDoubleWell(0.5, 1.0, 3.0), dynamics, protocol)
    arrays, static = eqx.partition(system, eqx.is_inexact_array)
    flat, unravel = ravel_pytree(arrays)
    start = np.random.default_rng(0).uniform(-1, 1, size=40)

    def value(leaves):
        runs = trajectories(*eqx.combine(unravel(leaves), static), KEY, 9, start, record_every=3)
        return jnp.mean(runs.work + 0.3 * runs.heat + 0.7 * runs.shadow_work + runs.record_work[:, 1])

    quick = {"xla_backend_optimization_level": 0}
    found = jax.jit(jax.grad(value), compiler_options=quick)(flat)
    forward = jax.jit(jax.vmap(lambda d: jax.jvp(value, (flat,), (d,))[1]), compiler_options=quick)(jnp.eye(flat.size))
    plain = jax.jit(value, compiler_options=quick)
    expected = [float(plain(flat + d) - plain(flat - d)) / 2e-5 for d in 1e-5 * np.eye(flat.size)]
    np.testing.assert_allclose(found, forward, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)
    assert np.all(np.asarray(ravel_pytree(unravel(found)[1])[0]) != 0)


class Counted(eqx.Module):
    """A harmonic well that counts how often it is traced."""

    calls = []  # noqa: RUF012

    def __call__(self, x, k):
        self.calls.append(None)
        return k * x**2 / 2


def test_compiles_once():
    """New numbers, keys and starts ask for no new program; the check at the rim looks at the potential once."""
    start = np.zeros(64, np.float32)
    for i in range(3):
        before = len(Counted.calls)
        dynamics = Underdamped(0.1 + 0.01 * i, 1.0 + i, 1.0)
        trajectories(Counted(), dynamics, Ramp(1.0, 2.0 + i, 1.0), jax.random.key(i), 5, start + i)
        assert len(Counted.calls) - before == 1 or i == 0


def test_protocols():
    """End jumps, exact ends, reversal, and phases of drives by the clock."""
    moved = PiecewiseLinear(0.0, 1.0, 0.7, [0.2, 0.8])
    dt = np.float32(0.007)
    values = [float(moved(Clock(n, dt))) for n in (0, 1, 99, 100, 101)]
    np.testing.assert_allclose(values, [0.0, 0.206, 0.794, 1.0, 1.0], atol=1e-5)
    back = reverse(moved, 0.7)
    assert float(back(0.0)) == 1.0 and float(back(0.7)) == 0.0 and float(back(0.175)) == pytest.approx(0.65)
    ramp = PiecewiseLinear.ramp(1.0, 2.0, 4.0, knots=5)
    np.testing.assert_allclose(jax.vmap(ramp)(jnp.array([0.0, 1.0, 3.9, 4.0])), [1.0, 1.25, 1.975, 2.0], rtol=1e-6)
    long = parameters(Sine(1.0, 1.0), 100_000, jnp.float32(0.125))
    assert np.max(np.abs(long[::4])) < 1e-5  # half periods, after 12,500 periods too


def test_lost_trajectories_are_counted():
    start = np.array([0.0] * 60 + [50.0] * 4, np.float32)
    dynamics = Overdamped(0.05, 1.0, scheme="Euler-Maruyama")
    runs = trajectories(DraggedDoubleWell(1.0, 1.0, 1.0), dynamics, Constant(1.0), KEY, 30, start)
    assert runs.finite.sum() == 60 and runs.warnings[0].startswith("4 of 64")
    assert "4 of 64" in runs.dataset().attrs["warnings"]


def test_canonical_says_when_it_is_not_settled():
    """The variance in a rippled well; a start far away is an error; so are arguments that are not sound."""
    found = canonical(RIPPLED, 1.0, 1.0, KEY, jnp.zeros(50_000))
    square = quad(lambda x: x**2 * boltzmann(x, 1.0), -12, 12)[0] / partition(1.0)
    assert abs(z_score(np.asarray(found) ** 2, square)) < 4
    with pytest.raises(ValueError, match="more moves"):
        canonical(RIPPLED, 1.0, 1.0, KEY, jnp.full(1000, 4.0), moves=20)
    with pytest.raises(ValueError, match="not finite"):
        canonical(RIPPLED, 1.0, 1.0, KEY, jnp.full(1000, jnp.nan), moves=20)
    with pytest.raises(ValueError, match="start must be real"):
        canonical(RIPPLED, 1.0, 1.0, KEY, jnp.zeros(4, int))


def test_refusals():
    well, dynamics, start = BreathingTrap(), Underdamped(0.1, 1.0, 1.0), np.zeros(8, np.float32)
    ramp = Ramp(1.0, 2.0, 1.0)
    for splitting in ("BAB", "BAOAX", "", "baoab"):
        with pytest.raises(ValueError, match="splitting is a word"):
            Underdamped(0.1, 1.0, 1.0, splitting=splitting)
    with pytest.raises(ValueError, match="scheme must be one of"):
        Overdamped(0.1, 1.0, scheme="Heun")
    with pytest.raises(ValueError, match="dt must be positive"):
        Overdamped(-0.1, 1.0)
    with pytest.raises(ValueError, match="temperature must be finite"):
        Underdamped(0.1, np.nan, 1.0)
    cases = {
        "dynamics must be": (well, None, ramp, KEY, 4, start),
        "potential must be a function": (None, dynamics, ramp, KEY, 4, start),
        "protocol must be a function": (well, dynamics, 2.0, KEY, 4, start),
        "one typed key": (well, dynamics, ramp, jax.random.split(KEY), 4, start),
        "steps must be": (well, dynamics, ramp, KEY, 0, start),
        "multiple of record_every": (well, dynamics, ramp, KEY, 4, start, 3),
        "shape .n,. or .n, d.": (well, dynamics, ramp, KEY, 4, np.float32(0.0)),
        "must be finite at the start": (well, dynamics, ramp, KEY, 4, start * np.nan),
        "must have one shape": (well, dynamics, ramp, KEY, 4, (start, start[:4])),
        "no velocities without inertia": (well, Overdamped(0.1, 1.0), ramp, KEY, 4, (start, start)),
        "must return one energy": (lambda x, k: jnp.stack([x, x]), dynamics, ramp, KEY, 4, start),
        "one for each of the coordinates": (well, Underdamped(0.1, [1.0, 2.0], 1.0), ramp, KEY, 4, start),
        "but this process has": (well, dynamics, ramp, KEY, 4, start, None, 99),
    }
    for sentence, arguments in cases.items():
        with pytest.raises(ValueError, match=sentence):
            trajectories(*arguments)
    with pytest.raises(ValueError, match="at least two parameters"):
        PiecewiseLinear(0.0, 1.0, 1.0, [0.5])
    with pytest.raises(ValueError, match="function of time"):
        reverse(1.0, 2.0)
