"""Conductivity from records: closed forms, coverage of error bars, refusals, the planner, the error law."""

import numpy as np
import pytest

from diffneq.response import green_kubo
from diffneq.response.conductivity import (
    constant_current,
    constant_field,
    driven_error,
    einstein_helfand,
    equilibrium_error,
    haven_ratio,
    measured_speed_up,
    nernst_einstein,
    plan_current,
    relative_to,
    self_diffusion,
    speed_up,
    zero_limit,
)
from diffneq.response.conductivity.diffusive import covariance, fit_slope, squared_displacement
from diffneq.statistics import Estimate


def drude(rng, shape, rate, variance, dt, fine=5):
    """Records of an Ornstein-Uhlenbeck current, means over `dt`: sigma V k_B T = variance/rate."""
    *series, records = shape
    keep = np.exp(-rate * dt / fine)
    x = rng.normal(size=series) * np.sqrt(variance)
    out = np.empty((*series, records))
    for n in range(records):
        total = 0.0
        for _ in range(fine):
            x = keep * x + np.sqrt(variance * (1 - keep**2)) * rng.normal(size=series)
            total = total + x
        out[..., n] = total / fine
    return out


def caged(rng, shape, diffusion, width, rate, dt):
    """Records of dM/dt of a random walk plus motion in a cage: <dM^2> = 2 D t + 2 width^2 (1 - exp(-rate t))."""
    *series, records = shape
    walk = np.sqrt(2 * diffusion * dt) * rng.normal(size=(*series, records))
    keep, cage = np.exp(-rate * dt), [width * rng.normal(size=series)]
    for _ in range(records):
        cage.append(keep * cage[-1] + width * np.sqrt(1 - keep**2) * rng.normal(size=series))
    return (walk + np.diff(np.stack(cage, -1), axis=-1)) / dt


def test_covariance_of_overlapping_windows():
    """Against the scatter of 20,000 walks seen through noise, all elements."""
    rng, length, step, offset, lags = np.random.default_rng(0), 40, 0.7, 0.9, np.array([1, 2, 5, 9])
    walks = np.cumsum(np.sqrt(step) * rng.normal(size=(20_000, length)), axis=1)
    seen = walks + np.sqrt(offset / 2) * rng.normal(size=walks.shape)
    found = squared_displacement(seen, lags)
    np.testing.assert_allclose(found.mean(0), offset + step * lags, rtol=0.02)
    exact, measured = covariance(lags, length, step, offset, 1), np.cov(found.T)
    # A covariance of n samples scatters by sqrt((C_ij^2 + C_ii C_jj)/n), more for what is not Gaussian.
    scatter = np.sqrt((exact**2 + np.outer(np.diag(exact), np.diag(exact))) / len(found))
    assert np.max(np.abs(measured - exact) / scatter) < 6


def test_slope_has_the_error_that_it_says():
    """Bias and z-scores of 200 fits to walks seen through noise; twice less scatter than differences of the ends."""
    rng, z, slopes = np.random.default_rng(1), [], []
    for _ in range(200):
        walk = np.cumsum(rng.normal(size=(3, 1, 400)), axis=-1) + rng.normal(size=(3, 1, 400))
        fit = fit_slope(walk, 0.5, 1)
        slopes.append(fit.slope)
        z.append((fit.slope - 2.0) / fit.error)
    z = np.array(z)
    assert abs(z.mean()) < 4 / np.sqrt(200)
    assert abs(z.std() - 1) < 4 / np.sqrt(400)
    # the best there is, from increments alone, has the relative variance 2/n; noise of the same size costs a factor
    assert np.std(slopes) / 2.0 < 2.5 * np.sqrt(2 / (3 * 400))


@pytest.mark.parametrize("repetitions", [30, pytest.param(300, marks=pytest.mark.slow)])
def test_einstein_helfand_of_a_drude_current(repetitions):
    """sigma = n q^2/(m g) within its error bars; agrees with Green-Kubo from the same records."""
    rng, exact, z = np.random.default_rng(2), 1.5 / 0.8 / (2.0 * 0.6), []
    for _ in range(repetitions):
        records = drude(rng, (4, 3, 600), 0.8, 1.5, 0.5)
        found = einstein_helfand(records, 0.5, volume=2.0, temperature=0.6)
        z.append(found.z_score(exact))
        if len(z) == 1:
            other = green_kubo(records, 0.5, 2.0, 0.6)
            assert abs(found.value - other.value) < 2.5 * max(found.error, other.error)
            assert 1.0 < found.diagnostics["lag"] < 20.0  # a few relaxation times
    z = np.array(z)
    assert np.abs(z).max() < 4.5
    assert abs(z.mean()) < 0.5 + 4 / np.sqrt(repetitions)
    assert np.mean(np.abs(z) < 2) > 0.8


def test_ions_that_rattle_in_cages():
    """The lag goes beyond the time in the cage, where 2 D t is found and not the larger early slope."""
    rng = np.random.default_rng(3)
    records = caged(rng, (8, 3, 4000), diffusion=0.02, width=1.0, rate=0.5, dt=0.2)
    found = einstein_helfand(records, 0.2, volume=1.0, temperature=1.0)
    early = np.mean(records**2) * 0.2 / 2
    assert early > 10 * 0.02
    assert abs(found.z_score(0.02)) < 3 and found.error < 0.15 * found.value
    assert 0.5 < found.diagnostics["lag"] < 40.0
    assert not found.warnings


def test_too_short_for_the_cage_is_said():
    """A record in which nobody has left the cage: no straight line, a warning, no false certainty."""
    records = caged(np.random.default_rng(4), (2, 3, 200), diffusion=1e-5, width=1.0, rate=0.1, dt=0.5)
    found = einstein_helfand(records, 0.5, volume=1.0, temperature=1.0)
    assert any("straight" in text or "30 %" in text for text in found.warnings)
    with pytest.raises(ValueError, match="16 records"):
        einstein_helfand(np.zeros((2, 3, 10)), 0.5, volume=1.0, temperature=1.0)
    with pytest.raises(ValueError, match="must be positive"):
        einstein_helfand(records, 0.5, volume=1.0, temperature=-1.0)


def test_independent_ions_have_no_correlations():
    """sigma = sigma_NE and a Haven ratio of one for ions that walk alone; drift of a common frame is taken out."""
    rng, dt, volume, kT = np.random.default_rng(5), 0.5, 30.0, 0.7
    steps = np.sqrt(2 * 0.3 * dt) * rng.normal(size=(6, 1500, 8, 3))
    positions = np.cumsum(steps, axis=1)
    drift = np.cumsum(3 * rng.normal(size=(6, 1500, 1, 3)), axis=1)
    positions, still = positions + drift, drift + np.zeros((6, 1500, 4, 3))
    together = np.concatenate([positions, still], axis=2)
    seen = relative_to(together, np.arange(8, 12), np.ones(12))[:, :, :8]
    diffusion = self_diffusion(seen, dt)
    assert abs(diffusion.z_score(0.3)) < 4 and diffusion.error < 0.02
    expected = nernst_einstein([diffusion], [1.0], [8], volume, kT)
    assert expected.value == pytest.approx(8 * diffusion.value / (volume * kT))
    current = np.moveaxis(np.diff(seen, axis=1).sum(2), 1, -1) / dt
    sigma = einstein_helfand(current, dt, volume, kT)
    assert abs(haven_ratio(expected, sigma).z_score(1.0)) < 4
    assert abs(self_diffusion(positions, dt).z_score(0.3)) > 4  # with the drift the test can tell


def test_ions_that_move_together():
    """Groups of four that step together: D is that of each, its error honest, and sigma four times sigma_NE."""
    rng, z = np.random.default_rng(6), []
    for _ in range(60):
        path = np.cumsum(rng.normal(size=(1, 400, 3, 3)), axis=1)
        found = self_diffusion(np.repeat(path, 4, axis=2), 1.0)
        z.append(found.z_score(0.5))
    assert abs(np.std(z) - 1) < 4 / np.sqrt(120) + 0.2  # were they taken as independent, the scatter would be two
    whole = np.repeat(np.cumsum(rng.normal(size=(40, 400, 3, 3)), axis=1), 4, axis=2)
    current = np.moveaxis(np.diff(whole, axis=1).sum(2), 1, -1)
    sigma = einstein_helfand(current, 1.0, 10.0, 1.0)
    expected = nernst_einstein([self_diffusion(whole, 1.0)], [1.0], [12], 10.0, 1.0)
    assert abs(haven_ratio(expected, sigma).z_score(0.25)) < 4


def test_driven_estimates():
    """Ratios, units of the volume, errors by the delta method; what has no answer is refused."""
    rng = np.random.default_rng(7)
    field, flux, volume = 0.3, 2.0, 5.0
    current = constant_field(3.0 + rng.normal(size=(8, 1000)), field, volume)
    assert abs(current.z_score(3.0 / (volume * field))) < 4 and current.unit == ""
    multiplier = 4.0 + rng.normal(size=(8, 1000))
    found = constant_current(multiplier, flux, volume)
    assert abs(found.z_score(flux / (volume * 4.0))) < 4
    assert found.error / found.value == pytest.approx(multiplier.std() / np.sqrt(8000) / 4.0, rel=0.2)
    reverse = constant_current(-multiplier, -flux, volume)
    assert reverse.value == pytest.approx(found.value)
    for bad in (0.0, np.inf):
        with pytest.raises(ValueError, match="finite and not zero"):
            constant_field(multiplier, bad, volume)
        with pytest.raises(ValueError, match="finite and not zero"):
            constant_current(multiplier, bad, volume)


def test_limit_at_no_current():
    """The even fit, coverage of its error, and the warning where the response is not linear, only there."""
    rng, x, z, alarms = np.random.default_rng(8), np.array([0.5, 1.0, 1.5]), [], 0
    for _ in range(400):
        found = zero_limit(x, [Estimate(2 + 0.1 * s**2 + 0.02 * rng.normal(), 0.02) for s in x])
        z.append(found.sigma.z_score(2.0))
        straight = zero_limit(x, [Estimate(2 + 0.02 * rng.normal(), 0.02) for s in x])
        alarms += any("not linear" in text for text in straight.sigma.warnings)
    assert abs(np.mean(z)) < 4 / np.sqrt(400) and abs(np.std(z) - 1) < 4 / np.sqrt(800)
    assert alarms < 0.01 * 400 + 4 * np.sqrt(4)
    assert any("not linear" in text for text in found.sigma.warnings)
    assert found.curvature and found.linear_p_value < 0.01 and abs(found.curvature.z_score(0.1)) < 4
    strong = zero_limit([1.0, 2.0], [Estimate(1.0, 0.01), Estimate(2.0, 0.01)])
    assert any("use weaker" in text for text in strong.sigma.warnings)
    single = zero_limit([1.0], [Estimate(1.0, 0.01)])
    assert "is not known" in single.sigma.warnings[-1] and single.curvature is None
    with pytest.raises(ValueError, match="one positive number for each"):
        zero_limit([0.0, 1.0], [Estimate(1.0, 0.01)] * 2)


def test_error_law():
    """The law of driven runs is that of white noise of 2 k_B T sigma/V; that of windows that of Gaussian squares."""
    rng = np.random.default_rng(9)
    sigma, volume, kT, field, time, dt = 0.4, 12.0, 0.9, 0.7, 200.0, 0.5
    noise = np.sqrt(2 * kT * sigma / volume / dt)
    means = (sigma * field + noise * rng.normal(size=(4000, round(time / dt)))).mean(1) / field
    law = driven_error(sigma, sigma * field, volume, kT, time)
    assert abs(means.std() / sigma / law - 1) < 4 / np.sqrt(8000)
    squares = (rng.normal(size=(4000, 3, 25)) ** 2).mean((1, 2))
    assert abs(squares.std() / equilibrium_error(2.0, 3, 50.0) - 1) < 0.1
    ratio = equilibrium_error(2.0, 3, time) ** 2 / law**2
    assert speed_up(sigma, sigma * field, volume, kT, 2.0) == pytest.approx(ratio)


def test_measured_speed_up():
    slow = Estimate(1.0, 0.1, diagnostics={"dof": 50.0})
    fast = Estimate(2.0, 0.1, diagnostics={"dof": 200.0})
    found = measured_speed_up(slow, 100.0, fast, 20.0)
    assert found.value == pytest.approx((0.1**2 * 100) / (0.05**2 * 20))
    assert found.error == pytest.approx(found.value * np.sqrt(2 / 50 + 2 / 200))
    with pytest.raises(ValueError, match="positive values, errors and costs"):
        measured_speed_up(slow, 0.0, fast, 20.0)


def plan(pilot, **changes):
    given = dict(
        volume=2200.0, temperature=0.08, relative_error=0.05, hop=1.7, carriers=56, degrees_of_freedom=564,
        damping_rate=0.02,
    )  # fmt: skip
    return plan_current(pilot, **(given | changes))


def test_planner_reaches_the_precision_that_it_promises():
    """Runs as planned, with white noise of the law: the limit of an even fit has the wanted error."""
    rng, sigma = np.random.default_rng(10), 3e-4
    found = plan(Estimate(sigma, 0.1 * sigma))
    limits = []
    for _ in range(2000):
        single = [
            Estimate(sigma * (1 + law * rng.normal()), sigma * law)
            for j, t in zip(found.currents, found.times, strict=True)
            for law in (driven_error(sigma, j, 2200.0, 0.08, t),)
        ]
        limits.append(zero_limit(found.currents, single).sigma.value)
    assert abs(np.std(limits) / sigma / 0.05 - 1) < 4 / np.sqrt(4000)
    alone = driven_error(sigma, found.currents[1], 2200.0, 0.08, found.single_time)
    assert alone == pytest.approx(0.05)


def test_planner_follows_the_physics():
    """Faster for larger cells and where ions return often; cool where it conducts well; short pilots are refused."""
    cold, warm = plan(Estimate(1e-6, 1e-7), temperature=0.03), plan(Estimate(1e-4, 1e-5))
    assert warm.predicted_speed_up == pytest.approx(56 * (warm.field * 1.7 / 0.08) ** 2 / 18)
    assert cold.predicted_speed_up == pytest.approx(warm.predicted_speed_up)  # the least that a hop explains
    trapped = plan(Estimate(1e-6, 1e-7), temperature=0.03, lag=20 * cold.lag)
    assert trapped.predicted_speed_up == pytest.approx(20 * cold.predicted_speed_up)
    large = plan(Estimate(1e-4, 1e-5), volume=8 * 2200.0, carriers=8 * 56, degrees_of_freedom=8 * 564)
    assert large.predicted_speed_up == pytest.approx(8 * warm.predicted_speed_up)
    assert large.single_time == pytest.approx(warm.single_time / 8)
    assert warm.limited_by == "linearity" and plan(Estimate(0.01, 0.001)).limited_by == "heating"
    assert "worse than 20 %" in plan(Estimate(1e-4, 3e-5)).warnings[0]
    with pytest.raises(ValueError, match=r"too short: .* at least \d+ times as long"):
        plan(Estimate(1e-4, 8e-5))
    assert "speed-up over equilibrium" in warm.sentence("t0", "V/A")
