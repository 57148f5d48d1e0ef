"""Stacking points into one batched tree."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffneq.sweeps.batching import same_shape, stack, varying


class Spring(eqx.Module):
    stiffness: jax.Array
    mass: float
    sites: jax.Array
    n: int = eqx.field(static=True, default=3)


def spring(k, mass=1.0, n=3):
    return Spring(jnp.asarray(k), mass, jnp.arange(float(n)), n)


def test_identical_leaves_stay_unbatched_and_vmap_accepts_the_axes():
    tree, axes = stack([spring(1.0), spring(2.0), spring(3.0)])
    assert tree.stiffness.shape == (3,)
    assert tree.mass == 1.0
    assert tree.sites.shape == (3,)
    assert (axes.stiffness, axes.mass, axes.sites) == (0, None, None)
    out = jax.vmap(lambda s, x: s.stiffness * s.mass * s.sites + x, in_axes=(axes, 0))(tree, jnp.zeros(3))
    np.testing.assert_array_equal(out, np.outer([1, 2, 3], [0, 1, 2]))


def test_python_floats_stay_weakly_typed():
    tree, axes = stack([spring(1.0, mass=0.1), spring(1.0, mass=0.2)])
    assert axes.mass == 0
    assert tree.mass.weak_type
    assert (tree.mass * jnp.float16(1)).dtype == jnp.float16


def test_one_choice_of_axes_for_every_block():
    points = [spring(1.0), spring(2.0), spring(2.0)]
    flags = varying(points[0], points[1])
    assert flags == (True, False, False)
    tree, axes = stack(points[1:], batched=flags)
    assert tree.stiffness.shape == (2,)
    assert axes.stiffness == 0
    with pytest.raises(ValueError, match="stiffness"):
        stack(points[:2], batched=(False, False, False))
    with pytest.raises(ValueError, match="one boolean per leaf"):
        stack(points, batched=(True,))


def test_points_of_other_shape_are_told_apart_and_refused():
    assert not same_shape(spring(1.0), spring(1.0, n=4))
    assert same_shape(spring(1.0), spring(2.0))
    with pytest.raises(ValueError, match="static fields"):
        stack([spring(1.0), spring(1.0, n=4)])
    with pytest.raises(ValueError, match="does not stack"):
        stack([{"x": np.zeros(3)}, {"x": np.zeros(4)}])
    with pytest.raises(ValueError, match="at least one"):
        stack([])


def test_integers_strings_and_functions_shape_the_program():
    assert not same_shape({"n": 3}, {"n": 4})
    assert not same_shape({"kind": "soft"}, {"kind": "stiff"})
    tree, axes = stack([{"f": jnp.sin, "n": 3, "none": None}] * 2)
    assert tree == {"f": jnp.sin, "n": 3, "none": None}
    assert axes == {"f": None, "n": None, "none": None}


def test_nan_and_keys_compare_by_their_bits():
    points = [{"x": jnp.asarray(jnp.nan), "k": jax.random.key(i)} for i in range(2)]
    tree, axes = stack(points)
    assert axes == {"x": None, "k": 0}
    assert tree["k"].shape == (2,)
