"""Markov jump processes and linear Langevin equations: numbers, identities, gradients, exact simulation.

Golden numbers: closed forms given beside them, or exact diagonalisation.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from diffneq.fluctuations.exact import (
    BeadChainEntropy,
    ExclusionProcess,
    JumpNetwork,
    LinearLangevin,
    MarkovRing,
    bead_chain,
    edge,
    jump_trajectories,
    three_states,
)
from diffneq.fluctuations.exact.work import derivatives

KEY = jax.random.key(7)
QUICK = {"xla_backend_optimization_level": 0}  # half the time to compile


def check_gradient(values, tree, rtol=2e-6):
    """Reverse mode of an array-valued function of a module against central differences, every float leaf."""
    arrays, static = eqx.partition(tree, eqx.is_inexact_array)
    flat, unravel = ravel_pytree(arrays)
    function = lambda x: values(eqx.combine(unravel(x), static))
    found = np.asarray(jax.jit(jax.jacrev(function), compiler_options=QUICK)(flat))
    shifts = 1e-5 * np.eye(flat.size)
    both = np.asarray(
        jax.jit(jax.vmap(function), compiler_options=QUICK)(flat[None] + np.concatenate([shifts, -shifts]))
    )
    expected = (both[: flat.size] - both[flat.size :]).T / 2e-5
    assert np.all(np.isfinite(found)) and np.any(found != 0)
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=2e-7 * np.abs(expected).max())


def test_ring(x64):
    """A coth(A/2), and I(-j) - I(j) = j ln(p/q)."""
    for ratio, product in ((1.1, 2.0015138), (2.0, 2.0794415), (5.0, 2.4141569), (20.0, 3.3110725)):
        np.testing.assert_allclose(MarkovRing(ratio, 1.0).uncertainty_product(), product, rtol=3e-8)
    ring = MarkovRing(2.0, 1.0)
    currents = jnp.arange(-2.0, 3.0)
    found = ring.rate_function(currents)
    np.testing.assert_allclose(found, [1.5460035, 0.6931472, 0.1715729, 0.0, 0.1597091], atol=5e-8)
    np.testing.assert_allclose(found[::-1] - found, -currents[::-1] * jnp.log(2.0), atol=1e-12)
    # I is the Legendre transform of theta
    slope = jax.vmap(jax.grad(ring.rate_function))(currents)
    np.testing.assert_allclose(slope * currents - ring.scaled_cumulant_generating_function(slope), found, atol=1e-12)
    np.testing.assert_allclose(MarkovRing(1.3, 1.3).uncertainty_product(), 2.0, rtol=1e-12)
    probability = jnp.exp(jax.vmap(lambda n: ring.log_probability(n, 3.0))(jnp.arange(-30, 60)))
    steps = jnp.arange(-30.0, 60.0)
    np.testing.assert_allclose([probability.sum(), probability @ steps], [1.0, 3.0], rtol=1e-12)
    np.testing.assert_allclose(probability @ (steps - 3) ** 2, 9.0, rtol=1e-12)
    check_gradient(
        lambda r: jnp.stack(
            [r.uncertainty_product(), r.rate_function(0.7), r.rate_function(-0.7), r.log_probability(2, 1.5)]
        ),
        MarkovRing(2.3, 1.1),
    )


def test_three_states(x64):
    network, count = three_states(), edge(3, 0, 1)
    np.testing.assert_allclose(network.stationary(), [1 / 2, 1 / 6, 1 / 3], rtol=1e-12)
    np.testing.assert_allclose(network.probability_currents()[0, 1], 1 / 6, rtol=1e-12)
    np.testing.assert_allclose(network.affinity([0, 1, 2]), 1.0986122887, rtol=1e-10)
    sigma = network.entropy_production()
    np.testing.assert_allclose(sigma, 0.1831020481, rtol=1e-9)
    current, variance = network.cumulant_rates(count, 2)
    np.testing.assert_allclose(variance, 0.3101851664, rtol=5e-7)  # 67/216 = 0.31018519
    np.testing.assert_allclose([current, variance], [1 / 6, 67 / 216], rtol=1e-12)
    np.testing.assert_allclose(variance * sigma / current**2, 2.0446394, rtol=5e-7)
    entropy = network.entropy_weights()
    theta = jax.jit(jax.vmap(lambda s: network.scaled_cumulant_generating_function(entropy, -s)))
    found = theta(jnp.array([0.25, 0.75, 0.5, 1.0]))
    np.testing.assert_allclose(found, [-0.0341868891, -0.0341868891, -0.0455175387, 0.0], atol=5e-11)
    np.testing.assert_allclose(network.affinity([2, 1, 0]), -network.affinity([0, 1, 2]), rtol=1e-12)


def long_times(network):
    scaled = network.scaled_cumulant_generating_function(edge(3, 0, 1), jnp.asarray(0.4))
    return jnp.stack([network.entropy_production(), scaled, network.affinity([0, 1, 2])])


def finite_times(network):
    finite = network.cumulant_generating_function(edge(3, 0, 1), jnp.asarray(0.4), 1.7)
    return jnp.append(network.cumulant_rates(edge(3, 0, 1), 2), finite)


@pytest.mark.parametrize("values", [long_times, pytest.param(finite_times, marks=pytest.mark.slow)])
def test_gradients_of_a_network(values, x64):
    """Off the diagonal of the rates; the diagonal is not read, its gradient is zero."""
    network = JumpNetwork([[0.0, 1.1, 0.7], [2.0, 0.0, 3.0], [1.4, 0.9, 0.0]])
    check_gradient(values, network)


def test_simulated_network():
    """Mean and variance of a current at a finite time, entropy, <e^{-S}> = 1, final states: 10^5 trajectories."""
    network, duration, count = three_states(), 6.0, 100_000
    weights = jnp.stack([edge(3, 0, 1), edge(3, 1, 2)])
    record = jump_trajectories(network, duration, KEY, count, weights)
    counts, entropy = np.asarray(record.counts, float), np.asarray(record.medium_entropy, float)
    with jax.enable_x64(True):
        finite = lambda s: three_states().cumulant_generating_function(edge(3, 0, 1), s, duration)
        exact = np.asarray(jax.jit(lambda s: derivatives(finite, s, 2), compiler_options=QUICK)(jnp.zeros(())))
    current = counts[:, 0]
    assert abs(current.mean() - duration / 6) < 4 * current.std() / count**0.5
    np.testing.assert_allclose(exact[0], 1.0, rtol=1e-6)
    square = (current - current.mean()) ** 2
    assert abs(square.mean() - exact[1]) < 4 * square.std() / count**0.5
    assert abs(square.mean() - duration * 67 / 216) > 8 * square.std() / count**0.5  # not yet that of long times
    assert abs(entropy.mean() - duration * 0.1831020481) < 4 * entropy.std() / count**0.5
    weight = np.exp(-np.asarray(record.total_entropy(network.stationary()), float))
    assert abs(weight.mean() - 1) < 4 * weight.std() / count**0.5
    jumps = np.asarray(record.jumps, float)
    assert abs(jumps.mean() - duration * float(jnp.sum(network.fluxes()))) < 4 * jumps.std() / count**0.5
    last = np.bincount(np.asarray(record.last), minlength=3) / count
    np.testing.assert_allclose(last, [1 / 2, 1 / 6, 1 / 3], atol=4 * 0.5 / count**0.5)


@pytest.mark.parametrize(
    "sites", [1, 3, pytest.param(6, marks=pytest.mark.slow), pytest.param(8, marks=pytest.mark.slow)]
)
def test_exclusion_process(sites, x64):
    """J = 1/(L+1) and (L+2)/[3(L+1)^2] between a full and an empty reservoir; any densities through w alone."""
    row = ExclusionProcess(sites, 1.0, 0.0)
    expected = [1 / (sites + 1), (sites + 2) / (3 * (sites + 1) ** 2)]
    np.testing.assert_allclose([row.current(), row.variance_rate()], expected, rtol=1e-12)
    both = eqx.filter_jit(lambda e: derivatives(e.scaled_cumulant_generating_function, jnp.zeros(()), 2))
    np.testing.assert_allclose(both(row), expected, rtol=1e-9)
    general = ExclusionProcess(sites, 0.8, 0.3)
    np.testing.assert_allclose(both(general), [general.current(), general.variance_rate()], rtol=1e-9)
    theta = eqx.filter_jit(lambda e, s: e.scaled_cumulant_generating_function(s))
    same = jnp.log1p(general.fugacity(0.7))
    np.testing.assert_allclose(theta(general, jnp.asarray(0.7)), theta(row, same), rtol=1e-10)
    if sites == 8:
        found = 9 * theta(row, jnp.asarray(1.0))
        np.testing.assert_allclose([found, 9 * row.long_chain_limit(1.0)], [1.20016, 1.177309], atol=5e-6)


@pytest.mark.slow
def test_exclusion_process_simulated():
    """Gillespie's method on four sites: particles from the left, against the exact finite-time variance."""
    row, duration, count = ExclusionProcess(4, 0.9, 0.2), 20.0, 20_000
    network = row.network()
    assert abs(float(network.fluxes().sum(1) @ jnp.ones(16)) - float(network.fluxes().sum())) < 1e-5
    record = jump_trajectories(network, duration, KEY, count, row.left_weights())
    current = np.asarray(record.counts[:, 0], float)
    assert abs(current.mean() - duration * float(row.current())) < 4 * current.std() / count**0.5
    with jax.enable_x64(True):
        exact_row = ExclusionProcess(4, 0.9, 0.2)
        finite = lambda s: exact_row.network().cumulant_generating_function(exact_row.left_weights(), s, duration)
        exact = float(derivatives(finite, jnp.zeros(()), 2)[1])
    square = (current - current.mean()) ** 2
    assert abs(square.mean() - exact) < 4 * square.std() / count**0.5
    occupied = (np.asarray(record.last)[:, None] >> np.arange(4)) & 1
    profile = 0.9 - 0.7 * np.arange(1, 5) / 5  # linear between the reservoirs
    np.testing.assert_allclose(occupied.mean(0), profile, atol=4 * 0.5 / count**0.5)


def test_bead_chains(x64):
    """2.025 and 0.629817279495 for T = 1, 10, and for 25, 250; general temperatures against the closed forms."""
    for low, high in ((1.0, 10.0), (25.0, 250.0)):
        np.testing.assert_allclose(bead_chain([low, high]).entropy_production(), 2.025, rtol=1e-12)
        five = bead_chain(jnp.linspace(low, high, 5))
        np.testing.assert_allclose(five.entropy_production(), 0.629817279495, rtol=1e-11)
    np.testing.assert_allclose(
        BeadChainEntropy(1.7, 6.1).five(), bead_chain(jnp.linspace(1.7, 6.1, 5)).entropy_production()
    )
    units = bead_chain([1.7, 6.1], stiffness=3.0, friction=0.4)  # k (T1 - T2)^2/(4 friction T1 T2)
    np.testing.assert_allclose(units.entropy_production(), BeadChainEntropy(1.7, 6.1).two() * 3.0 / 0.4, rtol=1e-12)
    # (7 T1 + T2)/12, (T1 + T2)/6, (T1 + 7 T2)/12
    covariance = bead_chain([1.0, 10.0]).covariance()
    np.testing.assert_allclose(covariance, np.array([[17, 22], [22, 71]]) / 12, rtol=1e-12)
    np.testing.assert_allclose(bead_chain([2.0, 2.0, 2.0]).mean_velocity(), 0.0, atol=1e-13)


@pytest.mark.slow
def test_a_linear_equation_of_any_kind(x64):
    """A full diffusion matrix: Lyapunov's equation, sigma as <F D F> and as tr(A^T D^-1 A C) + tr A, div J = 0."""
    drift = jnp.array([[-1.0, 0.8, 0.1], [-0.9, -1.5, 0.3], [0.2, 0.1, -0.7]])
    diffusion = jnp.array([[1.0, 0.3, 0.0], [0.3, 0.8, 0.1], [0.0, 0.1, 0.5]])
    system = LinearLangevin(drift, diffusion)
    c = system.covariance()
    np.testing.assert_allclose(drift @ c + c @ drift.T, -2 * diffusion, atol=1e-13)
    trace = jnp.trace(drift.T @ jnp.linalg.solve(diffusion, drift) @ c) + jnp.trace(drift)
    np.testing.assert_allclose(system.entropy_production(), trace, rtol=1e-12)
    jacobian = jax.jacfwd(system.probability_current)(jnp.array([0.3, -0.5, 0.2]))
    assert abs(jnp.trace(jacobian)) < 1e-15 < jnp.abs(jacobian).max()
    short = float(system.sampled_entropy_production(1e-4))
    assert 0 < float(system.entropy_production()) - short < 1e-3
    # the entropy of one step, averaged over the joint normal density of (x, x')
    x = system.trajectories(KEY, 0.3, 2, 100_000)
    steps = jax.vmap(lambda pair: system.step_entropy(pair[0], pair[1], 0.3))(x)
    assert abs(steps.mean() / 0.3 - system.sampled_entropy_production(0.3)) < 4 * steps.std() / 0.3 / 100_000**0.5
    weight = jnp.exp(-steps)
    assert abs(weight.mean() - 1) < 4 * weight.std() / 100_000**0.5


def steady(system):
    return jnp.append(system.entropy_production(), system.covariance()[0])


def sampled(system):
    return system.sampled_entropy_production(0.3)[None]


@pytest.mark.parametrize("values", [steady, pytest.param(sampled, marks=pytest.mark.slow)])
def test_gradients_of_a_linear_equation(values, x64):
    """With respect to the drift and the temperatures."""
    drift = jnp.array([[-1.0, 0.8, 0.1], [-0.9, -1.5, 0.3], [0.2, 0.1, -0.7]])
    check_gradient(lambda parts: values(LinearLangevin(*parts)), (drift, jnp.array([1.0, 0.8, 0.5])))


def test_records_are_exact_for_any_interval():
    """Covariances at lag 0 and 1 of records far apart in time: 20000 records of three beads."""
    chain, dt, count = bead_chain([1.0, 4.0, 2.0]), 0.7, 20_000
    x = np.asarray(chain.trajectories(KEY, dt, 3, count), float)
    step, _ = chain.propagator(dt)
    covariance = np.asarray(chain.covariance(), float)
    for found, expected in ((x[:, 2], covariance), (x[:, 1], np.asarray(step, float) @ covariance)):
        partner = x[:, 2] if expected is covariance else x[:, 0]
        products = found[:, :, None] * partner[:, None, :]
        z = (products.mean(0) - expected) / (products.std(0) / count**0.5)
        assert np.all(np.abs(z) < 4)


def test_refusals():
    with pytest.raises(ValueError, match=r"shape \(n, n\)"):
        JumpNetwork([1.0, 2.0])
    with pytest.raises(ValueError, match="zero or positive"):
        JumpNetwork([[0.0, -1.0], [1.0, 0.0]])
    with pytest.raises(ValueError, match="connected"):
        JumpNetwork([[0.0, 1.0], [0.0, 0.0]])
    with pytest.raises(ValueError, match="weights must have shape"):
        jump_trajectories(three_states(), 1.0, KEY, 10, jnp.ones((2, 2)))
    with pytest.raises(ValueError, match="duration must be positive"):
        jump_trajectories(three_states(), 0.0, KEY, 10)
    with pytest.raises(ValueError, match="between 1 and 10"):
        ExclusionProcess(11, 1.0, 0.0)
    with pytest.raises(ValueError, match="1 - density"):
        ExclusionProcess(3, 1.2, 0.0)
    with pytest.raises(ValueError, match="two sites"):
        ExclusionProcess(1, 1.0, 0.0).left_weights()
    with pytest.raises(ValueError, match="no steady state"):
        LinearLangevin([[1.0]], [1.0])
    with pytest.raises(ValueError, match="symmetric"):
        LinearLangevin([[-1.0, 0.0], [0.0, -1.0]], [[1.0, 0.5], [0.0, 1.0]])
    with pytest.raises(ValueError, match="must be positive"):
        LinearLangevin([[-1.0, 0.0], [0.0, -1.0]], [1.0, 0.0])
    with pytest.raises(ValueError, match="backward must be positive"):
        MarkovRing(1.0, 0.0)
    one_way = JumpNetwork([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    assert one_way.entropy_production() == np.inf
