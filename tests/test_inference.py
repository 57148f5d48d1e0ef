"""Langevin equations from records: closed forms of the likelihood, honest errors, conventions, memory, refusals."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray

from diffneq.inference import (
    AntiItoPolynomialFriction,
    ColouredNoise,
    GeneralisedLangevin,
    ItoLangevin,
    ItoPolynomial,
    ItoPolynomialFriction,
    ItoUnderdampedPotential,
    OrnsteinUhlenbeck,
    OverdampedPotential,
    StratonovichPolynomial,
    StratonovichPolynomialFriction,
    UnderdampedOscillator,
    basis,
    converted,
    fit,
    kramers_moyal,
    langevin_cumulant_rates,
    moment_matching,
    paths,
    scaled_cumulant_generating_function,
    select,
    stationary_moments,
    time_series,
)
from diffneq.inference.kalman import discretised, log_likelihoods, stationary
from diffneq.inference.search import look
from diffneq.inference.transition import log_density

KEY = jax.random.key(11)


def autoregression(x, dt):
    """The closed-form maximum likelihood of an Ornstein-Uhlenbeck process: rate, variance, mean (L. regression)."""
    now, then = x[:, :-1].ravel(), x[:, 1:].ravel()
    slope, constant = np.polyfit(now, then, 1)
    variance = np.mean((then - slope * now - constant) ** 2)
    return -np.log(slope) / dt, variance / (1 - slope**2), constant / (1 - slope)


def test_ornstein_uhlenbeck_is_the_closed_form_and_its_errors_cover(x64):
    """Forty records: the fit is the regression to six digits; z of rate and temperature has mean 0 and variance 1."""
    true, z, seen = OrnsteinUhlenbeck(2.0, 1.5, force=1.0, mass=2.0), [], look._cached._cache_size()
    records = np.asarray(paths(true, KEY, replicas=40 * 32, records=60, dt=0.4)).reshape(40, 32, 60)
    for x in records:
        found = fit(OrnsteinUhlenbeck(1.0, 1.0, mass=2.0), x, dt=0.4)
        rate, variance, mean = autoregression(x, 0.4)
        expected = (2 * rate, 2 * variance, 2 * rate * mean)
        np.testing.assert_allclose([e.value for e in found.parameters.values()], expected, rtol=1e-6, atol=1e-6)
        assert found.converged
        scores = [(found[name].value - value) / found.diagnostics["hessian_errors"][i]
                  for i, (name, value) in enumerate({"friction": 2.0, "temperature": 1.5}.items())]  # fmt: skip
        z.append([*scores, found["friction"].z_score(2.0), found["temperature"].z_score(1.5)])
    assert look._cached._cache_size() == seen + 1  # compiled once
    z = np.array(z)
    assert np.all(np.abs(z.mean(0)) < 4 / np.sqrt(40))
    assert np.all(np.abs(z.var(0) - 1) < 4 * np.sqrt(2 / 40) * 1.2)  # Student's t with 31 degrees is a little wider


def test_kalman_filter_against_the_joint_normal_density(x64):
    """ln p(y_1 .. y_5 | y_0) of a hidden memory with measurement noise, from the covariance matrix of the record."""
    model = GeneralisedLangevin(0.3, (0.8, 0.4), (0.5, 3.0), 1.2, force=0.5, mass=1.5, measurement_noise=0.2)
    system, dt = model.system(), 0.7
    move = discretised(system, dt)
    mean, covariance = stationary(move)
    np.testing.assert_allclose(move.matrix, jax.scipy.linalg.expm(system.matrix * dt), rtol=1e-12, atol=1e-13)
    residual = system.matrix @ covariance + covariance @ system.matrix.T + system.noise
    assert np.max(np.abs(residual)) < 1e-12
    np.testing.assert_allclose(covariance, 1.2 * np.diag([1 / 1.5, 0.8 / 0.5, 0.4 / 3.0]), rtol=1e-11, atol=1e-12)
    y = np.array([0.3, -0.5, 1.0, 0.2, 0.1, 0.9])
    lag = [np.asarray(jnp.linalg.matrix_power(move.matrix, k) @ covariance)[0, 0] for k in range(6)]
    joint = np.array([[lag[abs(i - j)] + 0.04 * (i == j) for j in range(6)] for i in range(6)])
    gaussian = lambda y, c: -0.5 * (y @ np.linalg.solve(c, y) + np.linalg.slogdet(2 * np.pi * c)[1])
    centred = y - float(mean[0])
    expected = gaussian(centred, joint) - gaussian(centred[:1], joint[:1, :1])
    assert abs(float(log_likelihoods(system, jnp.asarray(y)[None], dt)[0]) - expected) < 1e-10


def test_transition_densities(x64):
    """Normalised; the closure's skewness-free moments against 4e5 fine Euler paths; Euler's is one Euler step."""
    model, start, dt = ItoPolynomialFriction((1.0, -0.2), 0.8), jnp.array(0.7), 0.2
    grid = jnp.linspace(-6, 6, 4001)
    for density in ("Gaussian closure", "Euler-Maruyama"):
        p = jnp.exp(jax.vmap(lambda to, d=density: log_density(model, start, to, dt, d, 1))(grid))
        assert abs(float(jnp.sum(p) * (grid[1] - grid[0])) - 1) < 1e-8
    mean, square = (float(jnp.sum(p * grid**k) / jnp.sum(p)) for k in (1, 2))
    assert abs(mean - (0.7 - 0.2 * 0.7 * (1 - 0.14))) < 1e-6 and abs(square - mean**2 - 0.4 * 0.8 * 0.86) < 1e-6
    ends = np.asarray(paths(model, KEY, replicas=200_000, records=2, dt=dt, start=0.7, substeps=100))[:, 1]
    p = np.exp(np.asarray(jax.vmap(lambda to: log_density(model, start, to, dt, "Gaussian closure", 1))(grid)))
    mean = np.sum(p * np.asarray(grid)) / p.sum()
    variance = np.sum(p * (np.asarray(grid) - mean) ** 2) / p.sum()
    assert abs(ends.mean() - mean) < 4 * ends.std() / np.sqrt(len(ends))
    assert abs(ends.var() - variance) < 4 * variance * np.sqrt(2 / len(ends))


def test_conventions_are_exact(x64):
    """Ito = Stratonovich + D'/2 = anti-Ito + D'; there and back again; diagonal noise; derivatives."""
    anti = AntiItoPolynomialFriction((1.0, 0.2, 0.1), 1.5, mass=2.0)
    x = jnp.array(0.6)
    slope = 1.5 / 4 * (0.2 + 0.2 * 0.6)
    assert abs(float(anti.ito_drift(x) - anti.drift(x)) - slope) < 1e-14
    half = converted(anti, "Stratonovich")
    assert abs(float(half.drift(x) - anti.drift(x)) - slope / 2) < 1e-14
    assert abs(float(converted(half, "anti-Ito").drift(x) - anti.drift(x))) < 1e-14
    # anti-Ito with F = 0 is canonical whatever gamma(V) is
    assert np.allclose(stationary_moments(anti, basis(anti)), [0.0, 0.75], atol=1e-9)
    vector = ItoLangevin(lambda x: -x, lambda x: jnp.stack([x[0] ** 2 * x[1], jnp.exp(x[1])]))
    moved = converted(vector, "anti-Ito").drift(jnp.array([2.0, 0.5])) - vector.drift(jnp.array([2.0, 0.5]))
    np.testing.assert_allclose(moved, [-2 * 2.0 * 0.5, -np.exp(0.5)], rtol=1e-13)
    gradient = jax.grad(lambda t: StratonovichPolynomialFriction((1.0, 0.2), t).ito_drift(x))(1.5)
    assert abs(float(gradient) - 0.1) < 1e-14


@pytest.mark.slow
def test_multiplicative_noise_tells_its_convention():
    """A Stratonovich record: its own form finds the parameters, the Ito form of the same class predicts worse."""
    true = StratonovichPolynomial((0.0, -1.0), (0.5, 0.0, 0.5))
    x = np.asarray(paths(true, KEY, replicas=64, records=1200, dt=0.05, substeps=8))[:, 200:]
    own, ito = StratonovichPolynomial((0.0, -0.8), (0.6, 0.0, 0.3)), ItoPolynomial((0.0, -0.8), (0.6, 0.0, 0.3))
    own, ito = (eqx.tree_at(lambda m: m.drift_coefficients, m, jnp.array([0.0, -1.0])) for m in (own, ito))
    found = {}
    for name, model in {"Stratonovich": own, "Ito": ito}.items():  # the drift is known, the noise is not
        found[name] = fit(model, x, dt=0.05, free=("diffusion_coefficients",))
    best = found["Stratonovich"]
    for i, value in enumerate((0.5, 0.0, 0.5)):
        assert abs(best[f"diffusion_coefficients[{i}]"].z_score(value)) < 4
    ahead = best.block_log_likelihood - found["Ito"].block_log_likelihood
    assert ahead.mean() / (ahead.std(ddof=1) / np.sqrt(len(ahead))) > 5
    assert best.model.convention == "Stratonovich" and best.to_dict()["convention"] == "Stratonovich"


def test_memory_is_found_and_preferred(x64):
    """An exponential kernel: all five parameters, and the held-out likelihood prefers it to white noise."""
    true = GeneralisedLangevin(0.5, 2.0, 1.5, 1.0)
    x = np.asarray(paths(true, KEY, replicas=64, records=500, dt=0.2))
    models = {"memory": GeneralisedLangevin(1.0, 1.0, 1.0, 1.5), "plain": OrnsteinUhlenbeck(1.0, 1.5)}
    chosen = select(models, x, dt=0.2, blocks=64)
    assert chosen.best == "memory"
    ahead = chosen.advantage("plain")
    assert ahead.value > 5 * ahead.error
    found = chosen.fits["memory"]
    wanted = {"friction": 0.5, "memory_friction[0]": 2.0, "memory_time[0]": 1.5, "temperature": 1.0, "force": 0.0}
    for name, value in wanted.items():
        assert abs(found[name].z_score(value)) < 4, found.table()
    kernel = float(found.model.kernel(jnp.array(1.5)))
    assert abs(kernel - 2.0 / 1.5 * np.exp(-1)) < 0.1


@pytest.mark.slow
def test_coloured_noise_and_hidden_velocities(x64):
    """Hidden noise; an oscillator of which noisy positions are recorded; both variables of a Duffing oscillator."""
    cases = [
        (ColouredNoise(1.0, 0.5, 0.7, 0.3), ColouredNoise(2.0, 0.0, 1.0, 0.15), None),
        (UnderdampedOscillator(4.0, 0.8, 1.3, centre=0.2, measurement_noise=0.1),
         UnderdampedOscillator(3.0, 1.2, 1.0, measurement_noise=0.2),
         ("stiffness", "friction", "temperature", "centre", "measurement_noise")),
    ]  # fmt: skip
    for true, start, free in cases:
        x = np.asarray(paths(true, KEY, replicas=64, records=800, dt=0.1))
        found = fit(start, x, dt=0.1, free=free)
        assert found.converged
        for name, estimate in found.parameters.items():
            assert abs(estimate.z_score(float(getattr(true, name)))) < 4, found.table()
    duffing = ItoUnderdampedPotential((0.0, 0.5, 0.0, 0.25), (1.0, 0.0, 0.2), 0.9)
    x = np.asarray(paths(duffing, KEY, replicas=64, records=300, dt=0.1, start=(0.5, 0.0), substeps=200))
    found = fit(ItoUnderdampedPotential((0.0, 0.3, 0.0, 0.1), (0.8, 0.0, 0.1), 1.1), x[:, 50:], dt=0.1, substeps=2)
    wanted = (0.0, 0.5, 0.0, 0.25, 1.0, 0.0, 0.2, 0.9)
    for estimate, value in zip(found.parameters.values(), wanted, strict=True):
        assert abs(estimate.z_score(value)) < 4, found.table()


@pytest.mark.slow
def test_moment_matching_at_a_long_interval():
    """Both sides at dt = 0.5: a naive limit would miss drift and diffusion by a quarter."""
    true = OverdampedPotential((0.0, 0.5), friction=1.0, temperature=0.8)
    x = np.asarray(paths(true, KEY, replicas=64, records=1050, dt=0.5, substeps=50))[:, 50:]
    found = moment_matching(ItoPolynomial((0.0, -0.5), 0.5), x, dt=0.5)
    for name, value in {"drift_coefficients[1]": -1.0, "diffusion_coefficients[0]": 0.8}.items():
        assert abs(found[name].z_score(value)) < 4
    assert found.diagnostics["p_value"] > 1e-3


def test_kramers_moyal_moments_and_their_correction():
    """The expansion in dt of both moments, Richardson's correction, kernels, two variables, D_4 of a Gaussian step."""
    dt, rate, diffusion = 0.1, 1.0, 0.5
    x = np.asarray(paths(OrnsteinUhlenbeck(rate, diffusion), KEY, replicas=64, records=4000, dt=dt))
    raw, mended = (kramers_moyal(x, dt, bins=16, correction=c) for c in ("none", "Richardson"))
    kernel = kramers_moyal(x[:, :1000], dt, bins=12, bandwidth=0.3)
    for found, slope in ((raw, (1 - np.exp(-rate * dt)) / dt), (mended, rate), (kernel, (1 - np.exp(-rate * dt)) / dt)):
        z = (found.drift[:, 0] + slope * found.centres[:, 0]) / found.drift_error[:, 0]
        room = 0.02 * np.abs(found.centres[:, 0] * slope) / found.drift_error[:, 0] if found is mended else 0
        assert np.max(np.abs(z) - room) < 4
    second = (raw.diffusion[:, 0, 0] - (diffusion * (1 - np.exp(-2 * rate * dt)) / (2 * dt)
              + ((1 - np.exp(-rate * dt)) * raw.centres[:, 0]) ** 2 / (2 * dt)))  # fmt: skip
    width = np.ptp(raw.centres) / 15
    assert np.max(np.abs(second) / (raw.diffusion_error[:, 0, 0] + 0.1 * width**2 * dt)) < 4
    still = np.argmin(np.abs(raw.centres[:, 0]))  # a Gaussian step of variance 2 D dt: D_4 = D^2 dt/2
    variance = diffusion * (1 - np.exp(-2 * dt))
    assert abs(raw.higher[1, still, 0] - variance**2 / 8 / dt) < 4 * raw.higher_error[1, still, 0] + 1e-5
    both = kramers_moyal(np.stack([x[:, :200], x[::-1, :200]], axis=-1), dt, bins=10)
    cross = both.diffusion[:, 0, 1] / both.diffusion_error[:, 0, 1]
    product = both.centres[:, 0] * both.centres[:, 1] / both.diffusion_error[:, 0, 1]
    drifts = np.expm1(-rate * dt) ** 2 / (2 * dt) * product
    assert np.nanmax(np.abs(cross - drifts)) < 4.5
    assert both.warnings and "cells" in both.warnings[0]
    assert "steps start in this cell" in both.estimate(1, int(np.argmin(both.count))).warnings[0]


def test_long_time_of_known_processes(x64):
    """OU: theta = F s/g + T s^2/g. A double well: kappa_1, kappa_2 by quadrature. Gradients against differences."""
    plain = ItoPolynomial((0.6, -2.0), 0.8)
    made = basis(plain)
    np.testing.assert_allclose(langevin_cumulant_rates(plain, made), [0.3, 2 * 0.8 / 4, 0, 0], atol=1e-10)
    theta = scaled_cumulant_generating_function(plain, made, jnp.array([0.7, -0.4]))
    np.testing.assert_allclose(theta, [0.3 * s + 0.2 * s**2 for s in (0.7, -0.4)], atol=1e-10)
    well = OverdampedPotential((0.3, -2.0, 0.0, 1.0), 1.0, 1.0)
    x = np.linspace(-3.2, 3.2, 40001)
    p = np.exp(-(0.3 * x - 2 * x**2 + x**4))
    p /= np.trapezoid(p, x)
    mean = np.trapezoid(x * p, x)
    inner = np.concatenate([[0.0], np.cumsum(((x - mean) * p)[1:] + ((x - mean) * p)[:-1]) / 2]) * (x[1] - x[0])
    middle = np.abs(x) < 2.6
    spread = 2 * np.trapezoid(inner[middle] ** 2 / p[middle], x[middle])
    found = langevin_cumulant_rates(well, basis(well, 40), 2)
    np.testing.assert_allclose(found, [mean, spread], rtol=1e-5)
    rates = lambda g: langevin_cumulant_rates(ItoPolynomialFriction(jnp.stack([1.0 + 0 * g, g]), 1.0), base)
    base = basis(ItoPolynomialFriction((1.0, -0.1), 1.0))
    slope = jax.jacfwd(rates)(jnp.array(-0.1))
    step = (rates(jnp.array(-0.1 + 1e-5)) - rates(jnp.array(-0.1 - 1e-5))) / 2e-5
    np.testing.assert_allclose(slope, step, rtol=1e-7, atol=1e-7)


def test_what_cannot_be_known_is_said():
    """A mass beside friction and temperature, and a memory that is not there, are named as not identified."""
    x = np.asarray(paths(OrnsteinUhlenbeck(1.0, 1.0), KEY, replicas=16, records=200, dt=0.3))
    found = fit(OrnsteinUhlenbeck(1.5, 1.5), x, dt=0.3, free=("friction", "temperature", "mass"))
    text = " ".join(found.warnings)
    assert "not identified: the data do not determine a combination of friction, temperature, mass" in text
    assert np.isinf(found["mass"].error) and not np.isinf(found.log_likelihood)


RECORD = np.cumsum(np.random.default_rng(3).normal(size=100))
BAD = [
    (lambda: fit(OrnsteinUhlenbeck(1.0, 1.0), RECORD), "how far apart"),
    (lambda: fit(OrnsteinUhlenbeck(1.0, 1.0), RECORD, dt=-1.0), "dt must be positive"),
    (lambda: fit(OrnsteinUhlenbeck(1.0, 1.0), RECORD, time=np.arange(100.0) ** 1.1), "not uniform in time"),
    (lambda: kramers_moyal(np.where(np.arange(100) == 7, np.nan, RECORD), 0.1), "record 7: keep the good"),
    (lambda: fit(OrnsteinUhlenbeck(1.0, 1.0), RECORD[:20], dt=0.1), "at least 32 are needed"),
    (lambda: fit(OrnsteinUhlenbeck(1.0, 1.0), np.ones(100), dt=0.1), "never changes"),
    (lambda: fit(ItoPolynomial((0.0, -1.0), (0.1, 0.0, -1.0)), RECORD, dt=0.1), "diffusion is not positive at"),
    (lambda: fit(ItoPolynomial((0.0, -1.0), 0.0), RECORD, dt=0.1), "diffusion is not positive at"),
    (lambda: fit(OrnsteinUhlenbeck(1.0, 1.0), RECORD, dt=0.1, free=("viscosity",)), "has no parameter 'viscosity'"),
    (lambda: fit(OrnsteinUhlenbeck(1.0, 1.0), RECORD, dt=0.1, free=("measurement_noise",)), "start it above zero"),
    (lambda: fit(OrnsteinUhlenbeck(1.0, 1.0), np.zeros((3, 50, 2)) + RECORD[:50, None], dt=0.1), "one recorded"),
    (lambda: OrnsteinUhlenbeck(-1.0, 1.0), "friction must be positive"),
    (lambda: GeneralisedLangevin(1.0, (1.0, 2.0), 1.0, 1.0), "of one length"),
    (lambda: basis(ItoPolynomial((0.0, 1.0), 1.0)), "no stationary density"),
    (lambda: converted(ItoPolynomial((0.0, -1.0), 1.0), "Klimontovich"), "the convention is one of"),
    (lambda: select({"one": OrnsteinUhlenbeck(1.0, 1.0)}, RECORD, dt=0.1), "two models"),
]


@pytest.mark.parametrize("call, words", BAD, ids=[words for _, words in BAD])
def test_refusals(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_records_come_as_xarray():
    """As `simulate(...).dataset()` writes them: (run, time), units in the attributes."""
    data = xarray.Dataset({"current": (("run", "time"), np.vstack([RECORD, -RECORD]), {"units": "e/t"})},
                          {"time": ("time", 0.5 * np.arange(100), {"units": "ps"})})  # fmt: skip
    series = time_series(data, variables="current")
    assert series.values.shape == (2, 100, 1) and abs(series.dt - 0.5) < 1e-12
    assert (series.names, series.units, series.time_unit) == (("current",), ("e/t",), "ps")
    with pytest.raises(ValueError, match="the record holds current"):
        time_series(data, variables="field")
