"""The noise: known answers of the generator, the distribution it is turned into, and independence of all draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from diffneq.dynamics.noise import normal, normals, threefry, uniform, words

SIZE = 1 << 19  # draws in a statistical test


def u32(*values):
    return tuple(jnp.asarray([v], jnp.uint32) for v in values)


@pytest.mark.parametrize(
    "key, counter, expected",
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_threefry_known_answers(key, counter, expected):
    """The vectors of Random123's kat_vectors for threefry2x32, 20 rounds."""
    found = jax.jit(threefry)(u32(*key), u32(*counter))
    assert tuple(int(x[0]) for x in found) == expected


def test_uniform_is_open_and_even():
    """Never 0 nor 1 (the logarithm of the walls' emission needs that), also for the extreme words."""
    extreme = jnp.asarray([0, 1, 255, 2**31, 2**32 - 512, 2**32 - 1], jnp.uint32)
    u = np.asarray(uniform(extreme, np.dtype("float32")))
    assert np.all(u > 0) and np.all(u < 1)
    assert np.all(np.diff(u) >= 0)
    assert u[0] + u[-1] == 1.0


@pytest.mark.parametrize("dtype, end", [("float32", 5.42), ("float64", 6.34)])
def test_normal_is_symmetric_and_finite(dtype, end):
    with jax.enable_x64(dtype == "float64"):
        extreme = jnp.asarray([0, 2**31 - 1, 2**31, 2**32 - 1], jnp.uint32)
        x = np.asarray(normal(extreme, np.dtype(dtype)))
    assert x.dtype == dtype and np.all(np.isfinite(x))
    np.testing.assert_array_equal(x, -x[::-1])
    assert abs(x[-1] - end) < 0.01


def test_moments_of_the_map_over_all_words():
    """Moments of `normal` over the whole grid of words: 1, 3, 15 up to what the tails beyond the grid hold."""
    bits = jnp.arange(2**23, dtype=jnp.uint32) << 9  # every second point of the grid, shifted by a quarter step
    x = np.asarray(jax.jit(lambda b: normal(b, np.dtype("float32")))(bits), np.float64)
    assert abs(np.mean(x)) < 1e-6
    np.testing.assert_allclose([np.mean(x**2), np.mean(x**4), np.mean(x**6)], [1, 3, 15], rtol=2e-5)


def draws(seed=0, step=0, stream=0, count=SIZE, dimension=1):
    key = jax.random.key_data(jax.random.key(seed))
    draw = jax.jit(lambda s: normals(key, s, stream, 0, count, dimension, jnp.float32))
    return tuple(np.asarray(x, np.float64) for x in draw(jnp.uint32(step)))


def z_of_mean(values, expected, variance):
    return (np.mean(values) - expected) / np.sqrt(variance / values.size)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_moments_to_sixth_order(axis):
    x = draws(seed=3, dimension=3)[axis]
    for order, moment in {1: 0, 2: 1, 3: 0, 4: 3, 5: 0, 6: 15}.items():
        twice = {1: 1, 2: 3, 3: 15, 4: 105, 5: 945, 6: 10395}[order]
        assert abs(z_of_mean(x**order, moment, twice - moment**2)) < 4, order


def test_kolmogorov_smirnov():
    """sqrt(n) D < 1.95 has a probability of 0.999 under the null hypothesis; keys are fixed."""
    for seed, step in ((0, 0), (1, 77), (2, 4_000_000_000)):
        x = draws(seed, step)[0]
        assert np.sqrt(x.size) * stats.kstest(x, "norm").statistic < 1.95


def test_tails():
    """Counts beyond 3, 4 and 4.5 standard deviations against Poisson errors."""
    x = draws(5, count=1 << 22)[0]
    for edge in (3.0, 4.0, 4.5):
        expected = 2 * stats.norm.sf(edge) * x.size
        assert abs(np.sum(np.abs(x) > edge) - expected) < 4 * np.sqrt(expected), edge


PAIRS = {
    "next step": (dict(step=0), dict(step=1)),
    "far step": (dict(step=0), dict(step=2**31)),
    "stream": (dict(stream=0), dict(stream=1)),
    "last stream": (dict(stream=0), dict(stream=7)),
    "key": (dict(seed=0), dict(seed=1)),
}


@pytest.mark.parametrize("name", list(PAIRS))
def test_draws_are_independent(name):
    """Correlations of x, x^2 and |x| between two draws that differ in one argument: |z| < 4."""
    first, second = PAIRS[name]
    check_independent(draws(**first)[0], draws(**second)[0])


def test_particles_and_axes_are_independent():
    x, y, z = draws(seed=9, dimension=3)
    for a, b in ((x[1:], x[:-1]), (x[2:], x[:-2]), (x[1024:], x[:-1024]), (x, y), (y, z), (x, z), (x[1:], y[:-1])):
        check_independent(a, b)


def check_independent(a, b):
    n = np.sqrt(a.size)
    for f in (lambda v: v, lambda v: v**2, np.abs, lambda v: v**3):
        f, g = stats.zscore(f(a)), stats.zscore(f(b))
        assert abs(np.mean(f * g) * n) < 4
    assert abs(np.mean(stats.zscore(a) * stats.zscore(b**2)) * n) < 4


def test_a_particle_keeps_its_number():
    """The draw of a particle depends on its index only, not on how many are drawn with it: species by species."""
    key, step = jax.random.key_data(jax.random.key(1)), jnp.uint32(12)
    everyone = words(key, step, 2, 0, 100)[0]
    some = words(key, step, 2, 40, 20)[0]
    np.testing.assert_array_equal(everyone[40:60], some)


def test_streams_and_particles_never_meet():
    """The first word of each of eight streams for particles at both ends of the range: all different."""
    key, step = jax.random.key_data(jax.random.key(1)), jnp.uint32(0)
    firsts = [0, 1, *(2**n for n in range(1, 29)), 2**29 - 1]
    found = [int(words(key, step, stream, first, 1)[0][0]) for stream in (0, 1, 7) for first in firsts]
    assert len(set(found)) == len(found)
