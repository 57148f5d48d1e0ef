"""Positions as integer anchors and small displacements: nothing is lost, images wrap by themselves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffneq.particles.space import Box, absolute, fixed_point, integer_separation, reanchor, to_anchor

LENGTHS = (750.0, 125.0)


def spots(count=1000, spread=3.0):
    """Positions in the box and in its neighbouring images, in double precision."""
    random = np.random.default_rng(0)
    return random.uniform(-spread, spread, (2, count)) * np.array(LENGTHS)[:, None]


def wrapped(x, lengths=LENGTHS):
    lengths = np.array(lengths)[:, None]
    return x - lengths * np.round(x / lengths)


@pytest.mark.parametrize("dtype, tolerance", [("float32", 3e-7), ("float64", 1e-15)])
def test_there_and_back(dtype, tolerance):
    with jax.enable_x64(dtype == "float64"):
        box = Box(jnp.asarray(LENGTHS, dtype))
        given = np.asarray(spots(), dtype)
        anchor, rest = to_anchor(box, tuple(jnp.asarray(x) for x in given))
        assert all(np.all(np.abs(r) <= 2.0**-15 * length) for r, length in zip(rest, LENGTHS, strict=True))
        exact = np.stack([np.asarray(a, float) * length / 2.0**32 for a, length in zip(anchor, LENGTHS, strict=True)])
        gap = wrapped(exact + np.stack([np.asarray(r, float) for r in rest]) - given.astype(float))
        # The input is good to its last digit, three boxes away from the origin.
        assert np.max(np.abs(gap)) < 8 * tolerance * 750
        back = np.stack(absolute(box, anchor, rest))
        assert np.max(np.abs(wrapped(back - given))) < 8 * tolerance * 750


def test_a_step_finer_than_single_precision():
    """In a box of 750 single precision resolves 6e-5; here 10,000 steps of 1e-6 add up to 1e-2 to one part in 10^4."""
    box = Box(LENGTHS)
    anchor, rest = to_anchor(box, (jnp.array([700.0]), jnp.array([100.0])))
    first = float(anchor[0][0]) * (750.0 / 2**32) + float(rest[0][0])

    def stretch(carry, _):
        anchor, u = carry
        u = tuple(x + jnp.float32(1e-6) for x in u)
        return reanchor(box, anchor, u), None

    (anchor, rest), _ = jax.lax.scan(stretch, (anchor, rest), None, length=10_000)
    moved = float(anchor[0][0]) * (750.0 / 2**32) + float(rest[0][0]) - first
    np.testing.assert_allclose(moved, 1e-2, rtol=1e-4)


def test_reanchoring_keeps_the_place(x64):
    box, random = Box(LENGTHS), np.random.default_rng(1)
    anchor, rest = to_anchor(box, tuple(jnp.asarray(x) for x in spots()))
    rest = tuple(jnp.asarray(r + random.uniform(-0.24, 0.24, r.shape) * p) for r, p in zip(rest, LENGTHS, strict=True))
    before = np.stack(absolute(box, anchor, rest))
    anchor, rest = reanchor(box, anchor, rest)
    assert all(np.max(np.abs(r)) <= 0.51 * p / 2**32 for r, p in zip(rest, LENGTHS, strict=True))
    assert np.max(np.abs(wrapped(np.stack(absolute(box, anchor, rest)) - before))) < 1e-12 * 750


def test_integer_difference_is_the_nearest_image(x64):
    box, x = Box(LENGTHS), spots(4000)
    anchor, _ = to_anchor(box, tuple(jnp.asarray(a) for a in x))
    first, second = (tuple(a[part] for a in anchor) for part in (slice(None, 2000), slice(2000, None)))
    found = np.stack([integer_separation(a, b, p) for a, b, p in zip(first, second, box.extent, strict=True)])
    # A pair half a box apart may be given either sign.
    gap = np.abs(found) - np.abs(wrapped(x[:, :2000] - x[:, 2000:]))
    assert np.max(np.abs(gap)) < 1e-6


def test_fixed_point_is_the_position():
    box = Box(LENGTHS)
    anchor, _ = to_anchor(box, (jnp.array([10.0, 749.0]), jnp.array([1.0, 124.0])))
    moved = fixed_point(anchor[0], jnp.array([-20.0, 2.0]), box.extent[0])
    np.testing.assert_allclose(np.asarray(moved, float) * 750 / 2**32, [740.0, 1.0], atol=1e-4)


def test_place_is_differentiable_in_the_box(x64):
    """d(place)/dL is 0 for a given place and x/L for a given anchor: what follows from their definitions."""

    def place(length, x):
        box = Box(jnp.stack([length, length]))
        anchor, rest = to_anchor(box, (x, x))
        return absolute(box, *reanchor(box, anchor, rest))[0]

    x = jnp.array(3.3)
    np.testing.assert_allclose(jax.grad(place)(jnp.array(10.0), x), 0.0, atol=1e-15)
    np.testing.assert_allclose(jax.grad(place, argnums=1)(jnp.array(10.0), x), 1.0)
    anchor, rest = to_anchor(Box((10.0, 10.0)), (x, x))
    slope = jax.grad(lambda length: absolute(Box(jnp.stack([length, length])), anchor, rest)[0])(jnp.array(10.0))
    np.testing.assert_allclose(slope, 0.33, atol=1e-9)


def test_walls_widen_the_torus():
    box = Box((10.0, 6.0), (True, False), margin=2.0)
    assert [float(p) for p in box.extent] == [10.0, 8.0]
    assert float(box.volume) == 60.0 and box.dimension == 2
