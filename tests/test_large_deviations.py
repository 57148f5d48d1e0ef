"""Eigenvalues, cumulants, rate functions and population dynamics against closed forms and published numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffneq.event_driven import PistonPaths
from diffneq.large_deviations import (
    JumpPaths,
    PistonGenerator,
    cloning,
    cumulant_rates,
    leading_eigenvalue,
    leading_eigenvalue_of,
    linear_tilt_cumulants,
    martingale_cumulants,
    rate_function,
)
from diffneq.models.piston import Piston

KEY = jax.random.key(11)
# Galerkin solution of the master equation with M = A = p = 1, by the authors of the physics sheet, independent of this
# code: (m/M, T_L, T_R) -> kappa_1..kappa_4 rates, Var V
GOLDEN = {
    (0.04, 1.0, 2.0): (0.051520931, 5.2985319, 2.9920892, 12.744792, 1.4107419),
    (0.04, 1.0, 4.0): (0.1238707, 8.5464805, 13.309373, 80.091685, 1.9798349),
    (0.01, 1.0, 2.0): (0.02590581, 10.436801, 5.9488684, 25.034981, 1.4133534),
    (0.01, 1.0, 4.0): (0.062477467, 16.808553, 26.350762, 157.58127, 1.9949909),
}
EQUILIBRIUM = {0.04: (3.1956207, 2.54617), 0.01: (6.2978606, 4.96471)}  # kappa_2, kappa_4 at T = 1
THREE = np.array([[0, 1.0, 1.0], [2.0, 0, 3.0], [2.0, 1.0, 0]])  # rates k_ij of the three-state network


@jax.jit
def spectral(piston):
    generator = PistonGenerator(piston)
    return jnp.append(generator.cumulant_rates(4), generator.moments()[1])


def tilted_network(s):
    """Current through the bond 1-2 of the network, +-1 a jump."""
    factor = jnp.ones((3, 3)).at[0, 1].set(jnp.exp(s)).at[1, 0].set(jnp.exp(-s))
    return jnp.asarray(THREE) * factor - jnp.diag(jnp.asarray(THREE.sum(axis=1)))


def exclusion(sites):
    """theta(s) of the particles that leave at the right end of the open exclusion process, by products alone."""

    def product(r, s):
        r = r.reshape((2,) * sites)
        out = jnp.zeros_like(r).at[0].add(r[1] - r[0])
        last, into = jnp.moveaxis(r, -1, 0), jnp.moveaxis(jnp.zeros_like(r), -1, 0)
        out = out + jnp.moveaxis(into.at[1].add(jnp.exp(s) * last[0] - last[1]), 0, -1)
        for i in range(sites - 1):
            out = out + jnp.swapaxes(r, i, i + 1) - r
        return out.reshape(-1)

    return lambda s: leading_eigenvalue_of(lambda r: product(r, s), jnp.ones(2**sites))


def test_cumulants_of_the_piston_to_the_printed_digits(x64):
    for (ratio, cold, hot), wanted in GOLDEN.items():
        np.testing.assert_allclose(spectral(Piston(ratio, (cold, hot))), wanted, rtol=1e-6 / 10)
    for ratio, (second, fourth) in EQUILIBRIUM.items():
        found = spectral(Piston(ratio, (1.0, 1.0)))
        np.testing.assert_allclose(found[jnp.array([1, 3, 4])], (second, fourth, 1.0), rtol=1e-6)
        np.testing.assert_allclose(found[jnp.array([0, 2])], 0, atol=1e-12)


def test_the_mirrored_piston_has_the_mirrored_cumulants(x64):
    there, back = spectral(Piston(0.04, (1.0, 4.0))), spectral(Piston(0.04, (4.0, 1.0)))
    np.testing.assert_allclose(back, jnp.array([-1, 1, -1, 1, 1]) * there, rtol=1e-9)


def test_gradients_of_the_cumulants_of_the_piston(x64):
    """With respect to m/M, T_L and T_R, against central differences."""
    rates = lambda p: spectral(Piston(p[0], (p[1], p[2])))[:4]
    at, step = jnp.array([0.04, 1.0, 4.0]), 1e-5
    gradient = jax.jit(jax.jacfwd(rates))(at)
    for k in range(3):
        shift = step * at[k] * (jnp.arange(3) == k)
        numeric = (rates(at + shift) - rates(at - shift)) / (2 * step * at[k])
        np.testing.assert_allclose(gradient[:, k], numeric, rtol=1e-7, atol=1e-9 * np.max(np.abs(numeric)))


def test_theta_of_the_piston_is_finite_between_the_densities(x64):
    generator = PistonGenerator(Piston(0.04, (1.0, 4.0)), 12)
    theta = jax.jit(lambda s: generator.scgf(s))
    assert np.isinf(theta(0.26)) and np.isinf(theta(-1.01))
    assert np.isfinite(theta(0.24)) and abs(theta(0.0)) < 1e-13


def test_both_ways_to_cumulants_agree(x64):
    hop, weigh = tilted_network(0.0), jnp.diag(jnp.array([1.0, -0.5, 0.2]))
    by_autodiff = jax.jit(lambda: cumulant_rates(lambda s: leading_eigenvalue(hop + s * weigh), 3))()
    np.testing.assert_allclose(by_autodiff, linear_tilt_cumulants(hop, weigh, 3), rtol=1e-8)


def test_variance_rate_of_the_three_state_network(x64):
    """J = 1/6 and Var = 0.3101851664: the sheet's section 3.6."""
    found = jax.jit(lambda: cumulant_rates(lambda s: leading_eigenvalue(tilted_network(s)), 2))()
    np.testing.assert_allclose(found, (1 / 6, 0.3101851664), rtol=1e-7)  # to rounding: 67/216 = 0.3101851852
    np.testing.assert_allclose(found[1], 67 / 216, rtol=1e-12)


def test_rate_function_of_the_ring(x64):
    """I(j) of a ring with rates p, q, closed form, on both sides of the mean."""
    p, q, j = 2.0, 1.0, jnp.array([-2.0, -1.0, 0.5, 1.0, 2.0])
    root = jnp.sqrt(j**2 + 4 * p * q)
    tilt = jnp.log((j + root) / (2 * p))
    current, rate = rate_function(lambda s: p * (jnp.exp(s) - 1) + q * (jnp.exp(-s) - 1), tilt)
    np.testing.assert_allclose(current, j, rtol=1e-12)
    np.testing.assert_allclose(rate, p + q - root + j * tilt, atol=1e-12)
    np.testing.assert_allclose(rate[jnp.array([0, 1, 4])], (1.5460035, 0.6931472, 0.1597091), atol=5e-8)


def test_products_alone_give_the_dense_eigenvalue_and_its_derivative(x64):
    """And no number where Arnoldi's method was stopped before it was through."""

    def both(s, restarts):
        operator = lambda r: tilted_chain(s) @ r
        return leading_eigenvalue_of(operator, jnp.ones(30), dimension=20, restarts=restarts)

    found = jax.jit(jax.value_and_grad(both))
    value, slope = found(0.3, 200)
    exact, exact_slope = jax.jit(jax.value_and_grad(lambda s: leading_eigenvalue(tilted_chain(s))))(0.3)
    np.testing.assert_allclose((value, slope), (exact, exact_slope), rtol=1e-9)
    assert np.isnan(found(0.3, 1)[0])


def tilted_chain(s):
    """A walker on 30 sites, rates 1.2 to the right and 1 to the left, its jumps to the right counted."""
    right, left = jnp.exp(s) * 1.2 * jnp.eye(30, k=1), jnp.eye(30, k=-1)
    escape = jnp.full(30, 2.2).at[0].set(1.2).at[-1].set(1.0)
    return right + left - jnp.diag(escape)


@pytest.mark.slow
def test_products_alone_give_the_exclusion_process(x64):
    """J = 1/(L+1), Var = (L+2)/(3 (L+1)^2) of the sheet's section 3.6: L = 8 sites, 256 states."""
    found = jax.jit(lambda: cumulant_rates(exclusion(8), 2))()
    np.testing.assert_allclose(found, (1 / 9, 10 / 243), rtol=1e-8)


@pytest.mark.slow
def test_products_alone_give_the_long_exclusion_process(x64):
    """(L + 1) theta(1) = 1.20016 at L = 8; the reverse derivative is the forward one."""
    theta = exclusion(8)
    assert abs(9 * float(theta(1.0)) - 1.20016) < 5e-6
    np.testing.assert_allclose(jax.grad(theta)(0.3), jax.jacfwd(theta)(0.3), rtol=1e-8)


@pytest.mark.slow
def test_population_dynamics_of_the_network():
    counts = np.zeros((3, 3))
    counts[0, 1], counts[1, 0] = 1, -1
    found = cloning(JumpPaths(THREE, counts), -0.5, KEY, population=400, duration=100.0, interval=0.5)
    assert abs(found.z_score(float(leading_eigenvalue(tilted_network(-0.5))))) < 4
    assert found.error < 0.02 * abs(found.value)


@pytest.mark.slow
def test_population_dynamics_of_the_piston_agrees_with_its_generator():
    """theta(-0.2) = 0.1324739; kappa_1 and kappa_2 alone would give 0.146."""
    piston = Piston(0.04, (1.0, 4.0))
    with jax.enable_x64(True):
        exact = float(PistonGenerator(Piston(0.04, (1.0, 4.0))).scgf(-0.2))
    found = cloning(PistonPaths(piston), -0.2, KEY, population=1000, duration=60.0, interval=0.5, repeats=8)
    assert abs(found.z_score(exact)) < 4 and abs(found.z_score(-0.2 * 0.1238707 + 0.02 * 8.5464805)) > 4
    assert found.error < 0.03 * exact


@pytest.mark.slow
def test_a_small_population_is_reported():
    counts = 3 * np.eye(3, k=1)
    found = cloning(JumpPaths(THREE, counts), 1.0, KEY, population=10, duration=100.0, interval=4.0)
    assert any("half the population" in warning or "paths carry" in warning for warning in found.warnings)


def linear_process(rng, replicas, records, h, skew):
    """dX = V dt with V an Ornstein-Uhlenbeck process, exact joint steps: kappa_2 = 2 for unit damping."""
    e = np.exp(-h)
    cov = np.array([[2 * h - 3 + 4 * e - e**2, (1 - e) ** 2], [(1 - e) ** 2, 1 - e**2]])
    root = np.linalg.cholesky(cov)
    x, v = np.zeros((replicas, records)), np.zeros((replicas, records))
    v[:, 0] = rng.normal(size=replicas)
    for j in range(1, records):
        noise = root @ rng.normal(size=(2, replicas))
        x[:, j] = x[:, j - 1] + (1 - e) * v[:, j - 1] + noise[0]
        v[:, j] = e * v[:, j - 1] + noise[1]
    return x + skew * h * np.arange(records), v


def test_martingale_cumulants_of_a_linear_process():
    x, v = linear_process(np.random.default_rng(4), 400, 800, 0.25, 0.3)
    found = martingale_cumulants(x, v, 0.25, memory=5.0, order=4)
    for estimate, exact in zip(found, (0.3, 2.0, 0.0, 0.0), strict=True):
        assert abs(estimate.z_score(exact)) < 4, estimate
    assert found[1].error < 0.03 and found[2].error < 0.2
    assert not any(estimate.warnings for estimate in found)


def test_misuse_gets_a_sentence():
    x = np.zeros((8, 30))
    with pytest.raises(ValueError, match="record longer"):
        martingale_cumulants(x, x, 1.0, memory=20.0)
    with pytest.raises(ValueError, match="NaN"):
        martingale_cumulants(x * np.nan, x, 1.0, memory=2.0)
    with pytest.raises(ValueError, match="every state needs a way out"):
        JumpPaths([[0.0, 1.0], [0.0, 0.0]], np.zeros((2, 2)))
    with pytest.raises(ValueError, match="two intervals"):
        cloning(PistonPaths(Piston()), 0.1, KEY, duration=1.0, interval=1.0)
    with pytest.raises(ValueError, match="order must be 1"):
        linear_tilt_cumulants(jnp.eye(2), jnp.eye(2), 0)
    with pytest.raises(ValueError, match="4 or more"):
        PistonGenerator(Piston(), 3)
