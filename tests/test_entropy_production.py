"""Entropy production from trajectories, on bead chains whose rate is known: 2.025 for two beads, 0.629817 for five.

Golden numbers: S. Otsubo et al., Phys. Rev. E 101, 062106 (2020); D.-K. Kim et al., Phys. Rev. Lett. 125, 140604
(2020).
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffneq.fluctuations.entropy_production import (
    Gaussians,
    NeuralEstimator,
    Polynomials,
    ShortTimeBound,
    as_trajectories,
    entropy_production,
    medium_entropy,
    path_entropy_production,
    total_entropy,
)
from diffneq.fluctuations.entropy_production.blocks import cut
from diffneq.fluctuations.entropy_production.training import _round
from diffneq.fluctuations.exact import bead_chain
from diffneq.plotting import entropy_production as pictures

KEY = jax.random.key(11)
EXACT = {2: 2.025, 5: 0.629817279495}


def chain(beads):
    return bead_chain(np.linspace(1.0, 10.0, beads))


@pytest.fixture(scope="module")
def records():
    """Two beads, T = 1, 10: forty trajectories of 2500 records at intervals of 0.01, a time of 1000 in all."""
    return np.asarray(chain(2).trajectories(KEY, 0.01, 2500, 40))


def force_error(fit, beads):
    """Relative rms difference of the learned from the exact force over the steady state."""
    model = chain(beads)
    factor = np.linalg.cholesky(np.asarray(model.covariance(), float))
    places = np.random.default_rng(0).normal(size=(500, beads)) @ factor.T
    exact = places @ np.asarray(model.thermodynamic_force()).T
    return np.sqrt(np.mean((fit.force(places) - exact) ** 2) / np.mean(exact**2))


# ---- where the model is known


def test_known_model(records):
    """<dS_m>/dt of the records within its error, and the same number up to a boundary term for the total entropy."""
    model = chain(2)
    drift = lambda x: model.drift @ x
    sigma = path_entropy_production(records, 0.01, drift, model.diffusion)
    assert abs(sigma.z_score(EXACT[2])) < 4 and 0.02 < sigma.error / sigma.value < 0.06
    log_density = lambda x: -0.5 * x @ jnp.linalg.solve(model.covariance(), x)
    short = records[:, :100].reshape(-1, 20, 2)  # 0.2 long
    total = np.asarray(total_entropy(short, drift, model.diffusion, log_density), float)
    weight = np.exp(-total)
    assert abs(weight.mean() - 1) < 4 * weight.std() / len(weight) ** 0.5
    medium = np.asarray(medium_entropy(short, drift, model.diffusion)).sum(1)
    ends = np.asarray(jax.vmap(jax.vmap(log_density))(short[:, (0, -1)]))
    np.testing.assert_allclose(total, medium + ends[:, 0] - ends[:, 1], atol=1e-4)


class _Ring:
    """x' = f + d_x D + sqrt(2 D(x)) xi (Ito) on a line, D = 1 + x^2/2: no current, whatever D, if f = -D V'."""

    @staticmethod
    def diffusion(x):
        return (1 + x**2 / 2)[:, None]

    @staticmethod
    def drift(x):
        return -(1 + x**2 / 2) * x + x


def test_multiplicative_noise():
    """The term div D makes dS_m = -dV in detailed balance: Stratonovich's rule telescopes, exactly for a parabola."""
    x = jnp.asarray(np.random.default_rng(1).normal(size=(3, 50, 1)))
    found = medium_entropy(x, _Ring.drift, _Ring.diffusion)
    np.testing.assert_allclose(found.sum(1), (x[:, 0, 0] ** 2 - x[:, -1, 0] ** 2) / 2, atol=1e-5)


def test_gradient_of_the_entropy(x64):
    """With respect to the drift, of the entropy of a path."""
    x = jnp.asarray(np.random.default_rng(1).normal(size=(20, 2)))
    total = lambda a: jnp.sum(medium_entropy(x, lambda y: a @ jnp.sin(y), jnp.array([1.0, 2.0])))
    matrix = jnp.array([[0.3, -1.0], [0.5, 0.8]])
    found = jax.grad(total)(matrix)
    for i, j in np.ndindex(2, 2):
        shift = jnp.zeros((2, 2)).at[i, j].set(1e-4)
        np.testing.assert_allclose(found[i, j], (total(matrix + shift) - total(matrix - shift)) / 2e-4, rtol=1e-7)


# ---- from data


@pytest.mark.parametrize("basis", [Polynomials(1), Polynomials(3), Gaussians(5)])
def test_short_time_bound(basis, records):
    """Within errors of 2.025, once extrapolated to dt = 0; the force within 20 % at this length."""
    fit = ShortTimeBound(basis).fit(records, 0.01)
    value, error = fit.estimate.diagnostics["extrapolated"]
    assert abs(value - 2.025) < 4 * error and 0.03 < error / value < 0.1
    low = fit.estimate.diagnostics["interval_bias"]
    assert low[0] > 0 and fit.estimate.value < value
    assert force_error(fit, 2) < {1: 0.12, 3: 0.25}.get(getattr(basis, "degree", None), 0.5)


def test_error_bar_and_bias_over_repetitions():
    """120 records of a walk with drift: the held-out bound is free of bias, and its error bar is the scatter found."""
    rng = np.random.default_rng(5)
    values, errors = [], []
    for _ in range(120):
        x = (0.3 + rng.normal(size=(20, 100, 1))).cumsum(axis=1)  # v^2/D = 0.18
        estimate = ShortTimeBound(Polynomials(2), blocks=20).fit(x, 1.0).estimate
        values.append(estimate.value)
        errors.append(estimate.error)
    scatter = np.std(values, ddof=1)
    noise = 3 * 2 / (20 * 99 * 0.8)  # what three parameters fitted to noise cost
    assert estimate.diagnostics["fitted_noise"] == pytest.approx(noise)
    assert abs(np.mean(values) - 0.18 / (1 + noise / 0.18)) < 4 * scatter / 120**0.5
    assert abs(np.mean(errors) / scatter - 1) < 4 * np.sqrt(0.5 / 119 + np.var(errors) / scatter**2 / 120)


def test_equilibrium_is_zero():
    """Equal temperatures: not resolved from zero, and said so."""
    x = bead_chain([3.0, 3.0]).trajectories(KEY, 0.05, 500, 40)
    estimate = ShortTimeBound().fit(x, 0.05).estimate
    assert abs(estimate.z_score(0.0)) < 4 and any("not resolved" in warning for warning in estimate.warnings)


SMALL = {"width": 16, "depth": 1, "blocks": 20, "folds": 4, "batch": 512, "rate": 5e-3, "rounds": 5}


@pytest.mark.parametrize("learns", ["step", pytest.param("current", marks=pytest.mark.slow)])
def test_networks(learns, records):
    """A small network and little training: sigma(dt) = 1.985 for steps, 2.025 after extrapolation for currents."""
    before = _round._cached._cache_size()
    fit = NeuralEstimator(learns, **SMALL).fit(records, 0.01, KEY)
    assert _round._cached._cache_size() <= before + 1
    if learns == "step":
        sampled = float(chain(2).sampled_entropy_production(0.01))
        assert abs(fit.estimate.z_score(sampled)) < 4
        excess, error = fit.estimate.diagnostics["normalisation"]
        assert abs(excess) < 4 * error
    else:
        value, error = fit.estimate.diagnostics["extrapolated"]
        assert abs(value - 2.025) < 4 * error
    assert fit.estimate.error < 0.1 * fit.estimate.value
    assert force_error(fit, 2) < 0.3
    assert fit.history["validation"].shape == (4, len(fit.history["step"]))
    assert fit.history["validation"][:, -1].mean() > 1.5 > fit.history["training"][:, 0].mean()
    assert any("give more rounds" in warning for warning in fit.estimate.warnings)


def measured(beads, method, dt=0.01, records=25_000, copies=64):
    x = np.asarray(chain(beads).trajectories(jax.random.key(21), dt, records, copies))
    if isinstance(method, ShortTimeBound):
        return method.fit(x, dt)
    return method.fit(x, dt, KEY)


@pytest.mark.slow
@pytest.mark.parametrize("beads", [2, 5])
def test_bound_to_full_precision(beads):
    """A time of 16000: an error of 2 % (two beads) and 4 % (five), the finite interval extrapolated away."""
    fit = measured(beads, ShortTimeBound(Polynomials(1)))
    value, error = fit.estimate.diagnostics["extrapolated"]
    assert abs(value - EXACT[beads]) < 3 * error and error < 0.04 * EXACT[beads]
    assert force_error(fit, beads) < 0.15


@pytest.mark.slow
@pytest.mark.parametrize("beads", [2, 5])
@pytest.mark.parametrize("learns", ["step", "current"])
def test_networks_to_full_precision(beads, learns):
    """A time of 4000: sigma(dt) for steps; for currents extrapolated; both also within errors of the exact rate."""
    method = NeuralEstimator(learns, width=32, batch=2048, rounds=25)
    fit = measured(beads, method, records=6250)
    if learns == "current":
        value, error = fit.estimate.diagnostics["extrapolated"]
        assert abs(value - EXACT[beads]) < 3 * error
    else:
        assert abs(fit.estimate.z_score(float(chain(beads).sampled_entropy_production(0.01)))) < 3
    assert abs(fit.estimate.z_score(EXACT[beads])) < 3
    assert fit.estimate.error < 0.12 * EXACT[beads]
    assert force_error(fit, beads) < 0.4


# ---- use and misuse


def test_records_in_other_shapes(records):
    """One long trajectory in blocks of time; times instead of an interval; one coordinate."""
    one = records[0]
    times = 5.0 + 0.01 * np.arange(len(one))
    method = ShortTimeBound(Polynomials(1), blocks=10)
    found, same = entropy_production(one, times, method), entropy_production(one[None], 0.01, method)
    np.testing.assert_allclose([found.value, found.error], [same.value, same.error], rtol=1e-9)
    assert any("correlation times" in warning for warning in found.warnings)
    assert as_trajectories(one[:, 0], 0.01)[0].shape == (1, len(one), 1)
    pieces = cut(records.astype(float), 0.01, 10)
    assert pieces.before.shape == (10, 4 * 2499, 2) and not pieces.warnings
    np.testing.assert_array_equal(pieces.after[0, :2498], pieces.before[0, 1:2499])


def test_refusals(records):
    few = records[:, :50]
    gap = few.copy()
    gap[3, 17, 1] = np.nan
    with pytest.raises(ValueError, match="record 17 of trajectory 3"):
        entropy_production(gap, 0.01)
    with pytest.raises(ValueError, match="not uniform"):
        entropy_production(few, np.arange(50.0) ** 1.1)
    with pytest.raises(ValueError, match="holds 49 times"):
        entropy_production(few, np.arange(49.0))
    with pytest.raises(ValueError, match="too short"):
        entropy_production(few[:, :5], 0.01)
    with pytest.raises(ValueError, match="too short"):
        entropy_production(few[0], 0.01)
    with pytest.raises(ValueError, match="dt must be a positive"):
        entropy_production(few, -0.1)
    with pytest.raises(ValueError, match="never changes"):
        entropy_production(np.zeros((4, 50, 1)), 0.1)
    with pytest.raises(ValueError, match="none of"):
        entropy_production(few, 0.01, "magic")
    with pytest.raises(ValueError, match="random key"):
        entropy_production(few, 0.01, "step network")
    with pytest.raises(ValueError, match="multiple of folds"):
        ShortTimeBound(blocks=7)
    with pytest.raises(ValueError, match="folds >= 3"):
        NeuralEstimator(folds=2)
    with pytest.raises(ValueError, match='must be "step"'):
        NeuralEstimator("both")
    with pytest.raises(ValueError, match="degree"):
        Polynomials(-1)
    flagged = entropy_production(few[:, :12], 0.01, ShortTimeBound(Polynomials(5)))
    assert any("42 parameters fitted to noise" in warning for warning in flagged.warnings)


def test_pictures(records):
    model = chain(2)
    exact = lambda x: x @ np.asarray(model.thermodynamic_force()).T
    fit = ShortTimeBound(Polynomials(1)).fit(records[:, :300], 0.01)
    assert len(pictures.thermodynamic_force(fit.force, exact, records[:, 0]).axes) == 2
    assert len(pictures.thermodynamic_force(fit.force, None, records[:, 0]).axes) == 1
    history = {"step": [1, 2], "training": np.ones((3, 2)), "validation": np.ones((3, 2))}
    axes = pictures.entropy_convergence(history, fit.estimate, exact=2.025).axes[0]
    assert "optimiser" in axes.get_xlabel() and len(axes.get_legend().get_texts()) == 4
    values = {"bound": [[1.0, 2.0], [0.1, 0.2]]}
    assert pictures.estimates_against_interval([0.01, 0.02], values, exact=2.0, sampled=[[0.01, 0.02], [2.0, 1.9]]).axes
    with pytest.raises(ValueError, match=r"\(n, 2\)"):
        pictures.thermodynamic_force(exact, None, np.zeros((5, 3)))
