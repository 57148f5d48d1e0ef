"""Pair laws: closed forms, forces and parameter gradients against finite differences, both ends."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from diffneq.particles.pair_laws import (
    WCA,
    Hertzian,
    LennardJones,
    SoftSphere,
    energy_of_squared,
    mix,
    pair_force,
)

R = np.array([0.83, 0.95, 1.0, 1.07, 1.3, 1.7, 2.1, 2.45])


def full_lj(r):
    return 4 * 1.3 * ((0.9 / r) ** 12 - (0.9 / r) ** 6)


def slope_lj(r):
    return -24 * 1.3 * (2 * (0.9 / r) ** 12 - (0.9 / r) ** 6) / r


def examples():
    """Laws with their closed forms, written for every r below the cutoff."""
    return {
        "hertzian": (Hertzian(40.0, 2.0), lambda r: 40 * np.maximum(0, 2.0 - r) ** 2.5),
        "soft cut": (SoftSphere(1.3, 0.9, 12, 2.5, shifted=False), lambda r: 1.3 * (0.9 / r) ** 12),
        "soft shifted": (SoftSphere(1.3, 0.9, 9, 2.5), lambda r: 1.3 * ((0.9 / r) ** 9 - (0.9 / 2.5) ** 9)),
        "soft real": (SoftSphere(1.3, 0.9, 4.7, 2.5, False), lambda r: 1.3 * (0.9 / r) ** 4.7),
        "wca": (WCA(1.3, 0.9), lambda r: full_lj(r) + 1.3),
        "lj cut": (LennardJones(1.3, 0.9, 2.5, "cut"), full_lj),
        "lj shifted": (LennardJones(1.3, 0.9, 2.5, "shifted"), lambda r: full_lj(r) - full_lj(2.5)),
        "lj force-shifted": (
            LennardJones(1.3, 0.9, 2.5, "force_shifted"),
            lambda r: full_lj(r) - full_lj(2.5) - (r - 2.5) * slope_lj(2.5),
        ),
    }


NAMES = list(examples())


@pytest.mark.parametrize("name", NAMES)
def test_closed_form_and_its_square(name, x64):
    law, exact = examples()[name]
    expected = np.where(float(law.cutoff()) > R, exact(R), 0.0)
    direct, batched, squared = jax.jit(
        lambda r: (law.energy(r), jax.vmap(law.energy)(r), energy_of_squared(law, r**2))
    )(R)
    for found in (direct, batched, squared):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_force_is_minus_the_slope_and_the_same_from_the_square(name, x64):
    law, _ = examples()[name]
    h = 1e-6
    energy = jax.jit(lambda r: law.energy(r))
    force = jax.jit(lambda r: pair_force(law, r))
    by_square = jax.jit(jax.vmap(jax.grad(lambda s: energy_of_squared(law, s))))(R**2)
    curvature = jax.jit(jax.vmap(jax.grad(lambda r: pair_force(law, r))))(R)
    difference = -(energy(R + h) - energy(R - h)) / (2 * h)
    np.testing.assert_allclose(force(R), difference, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(-2 * R * by_square, force(R), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(curvature, (force(R + h) - force(R - h)) / (2 * h), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_parameter_gradients_agree_with_finite_differences(name, x64):
    law, _ = examples()[name]
    flat, unravel = ravel_pytree(law)
    r = jnp.array([0.9, 1.4])
    function = jax.jit(lambda x: jnp.stack([unravel(x).energy(r), pair_force(unravel(x), r)]))
    gradient = jax.jit(jax.jacrev(function))(flat)
    for i in range(flat.size):
        shift = jnp.zeros_like(flat).at[i].set(1e-6)
        difference = (function(flat + shift) - function(flat - shift)) / 2e-6
        np.testing.assert_allclose(gradient[..., i], difference, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_beyond_the_cutoff_every_derivative_is_zero(name):
    with jax.enable_x64(name != "hertzian"):
        law, _ = examples()[name]
        r = law.cutoff() * jnp.array([1 + 1e-6, 3.0, 1e6])

        @jax.jit
        def everything(law, r):
            found = [jax.vmap(jax.grad(lambda p, x: p.energy(x)), in_axes=(None, 0))(law, r)]
            for function, x in ((law.energy, r), (lambda s: energy_of_squared(law, s), r * r)):
                for _ in range(3):
                    found.append(jax.vmap(function)(x))
                    function = jax.grad(function)
            return found

        assert all(np.all(np.asarray(leaf) == 0) for leaf in jax.tree.leaves(everything(law, r)))


@pytest.mark.parametrize("name", NAMES)
def test_overlap_is_never_a_silent_zero(name):
    law, _ = examples()[name]
    if isinstance(law, Hertzian):
        assert law.energy(0.0) == pytest.approx(40 * 2**2.5)
        assert pair_force(law, 0.0) == pytest.approx(100 * 2**1.5)
    else:
        assert law.energy(0.0) == np.inf
    assert not np.isfinite(jax.grad(lambda s: energy_of_squared(law, s))(0.0))


def test_continuity_at_the_cutoff(x64):
    for name, (law, _) in examples().items():
        inside = law.cutoff() - 1e-9
        if "cut" not in name and "real" not in name:
            assert abs(law.energy(inside)) < 1e-7
        if name in ("hertzian", "wca", "lj force-shifted"):
            assert abs(pair_force(law, inside)) < 1e-6


def test_energy_differences_near_the_wca_cutoff_keep_their_digits():
    law = WCA(1.0, 1.0)
    r = np.float32(1.122)
    q = (1 / np.float64(r)) ** 6
    assert law.energy(r) == pytest.approx((2 * q - 1) ** 2, rel=2e-3)
    assert law.energy(r) >= 0


def test_agreement_with_jax_md(x64):
    energy = pytest.importorskip("jax_md").energy
    lj = LennardJones(1.3, 0.9, 1e3, "cut")
    np.testing.assert_allclose(lj.energy(R), energy.lennard_jones(R, sigma=0.9, epsilon=1.3), rtol=1e-6)
    # jax-md's soft sphere eps/alpha (1 - r/sigma)^alpha is our Hertzian with Y = eps/(alpha sigma^alpha)
    sigma, epsilon = jnp.float64(2.0), jnp.float64(3.0)
    theirs = energy.soft_sphere(jnp.asarray(R), sigma=sigma, epsilon=epsilon, alpha=jnp.float64(2.5))
    np.testing.assert_allclose(Hertzian(3.0 / 2.5 / 2.0**2.5, 2.0).energy(R), theirs, rtol=1e-6)


def test_tables_over_species_and_their_mixing():
    epsilon, sigma = mix([1.0, 4.0, 0.0], [1.0, 2.0, 3.0])
    law = LennardJones(epsilon, sigma, cutoff=2.5 * sigma, truncation="cut")
    pair = law.for_pair(0, 1)
    assert pair.epsilon == 2.0
    assert pair.cutoff() == pytest.approx(3.75)
    assert pair.energy(1.5) == pytest.approx(0.0, abs=1e-5)
    assert law.for_pair(0, 2).energy(1.0) == 0.0
    stacked = jax.tree.map(lambda leaf: jnp.stack([leaf, 2 * leaf]), law)
    assert stacked.for_pair(1, 1).epsilon.tolist() == [4.0, 8.0]
    gradient = jax.grad(lambda e: jnp.sum(mix(e, jnp.ones(2))[0]))(jnp.array([0.0, 1.0]))
    assert np.all(np.isfinite(gradient))


def test_custom_rules_are_the_rules_of_the_functions_they_replace(x64):
    law = Hertzian(1.0, 1.0)
    third = jax.grad(jax.grad(jax.grad(law.energy)))
    assert jax.jit(third)(0.36) == pytest.approx(-1.875 * 0.64**-0.5, rel=1e-12)


SKEW = [[1.0, 2.0], [3.0, 1.0]]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Hertzian(np.nan, 2.0), "stiffness must be finite"),
        (lambda: Hertzian(-1.0, 2.0), "stiffness must be zero or positive"),
        (lambda: Hertzian(1.0, 0.0), "diameter must be positive"),
        (lambda: Hertzian(SKEW, 1.0), "symmetric"),
        (lambda: Hertzian(np.ones((2, 3)), 1.0), r"\(S, S\) table"),
        (lambda: Hertzian(np.ones((2, 2)), np.ones((3, 3))), "same species"),
        (lambda: SoftSphere(1.0, 1.0, 0, 2.5), "exponent must be positive"),
        (lambda: SoftSphere(1.0, 1.0, 12, -2.5), "cutoff must be positive"),
        (lambda: WCA(1.0, [[1.0, 1.0], [1.0, -1.0]]), r"index \[1, 1\]"),
        (lambda: LennardJones(1.0, 1.0, 2.5, "smooth"), "truncation is one of"),
        (lambda: mix([1.0], [1.0, 2.0]), "one entry a species"),
        (lambda: mix([-1.0], [1.0]), "epsilon must be zero or positive"),
    ],
)
def test_misuse_is_one_sentence(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_parameters_may_be_traced():
    assert jax.jit(lambda y: Hertzian(y, 2.0).energy(1.0))(3.0) == 3.0
    assert [field.name for field in dataclasses.fields(WCA)] == ["epsilon", "sigma"]
