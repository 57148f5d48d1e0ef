"""The quick kernel against the plain one and against a direct double sum; frames, replicas, species, energies."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffneq.particles.forces import pair_energies, pair_forces
from diffneq.particles.kernels import plain_sum
from diffneq.particles.neighbours import build, plan_list, replica_axes, widen
from diffneq.particles.pair_laws import WCA, Hertzian, LennardJones, mix
from diffneq.particles.space import Box, to_anchor

LATTICES = {2: ((24, 12), 1.25), 3: ((9, 8, 8), 1.08)}


def system(dimension, replicas, dtype=float):
    """A shaken lattice: anchors and displacements (R, N), and the box."""
    counts, spacing = LATTICES[dimension]
    grid = np.stack(np.meshgrid(*[np.arange(n) * spacing for n in counts], indexing="ij"), -1).reshape(-1, dimension)
    random = np.random.default_rng(dimension)
    positions = grid + 0.08 * random.normal(size=(replicas, *grid.shape))
    box = Box(tuple(n * spacing for n in counts))
    anchors, rest = to_anchor(box, tuple(jnp.asarray(positions[..., a], dtype) for a in range(dimension)))
    shaken = tuple(u + jnp.asarray(0.01 * random.normal(size=u.shape), dtype) for u in rest)
    return box, anchors, shaken


def listed(box, anchors, cutoff):
    """A list with room for all."""
    plan = plan_list(box, anchors[0].shape[1], cutoff, 0.3)
    while True:
        lists = build(plan, box, anchors)
        wider = widen(plan, int(lists.fill.max()), int(lists.cell_fill.max()))
        if wider == plan:
            return lists
        plan = wider


def direct(law, species, box, anchors, displacement):
    """Forces and energy by a double sum over one replica."""
    lengths = [float(p) for p in box.extent]
    x = np.stack([np.asarray(a, float) * (p / 2.0**32) + np.asarray(u, float)
                  for a, u, p in zip(anchors, displacement, lengths, strict=True)], 1)  # fmt: skip
    apart = x[:, None] - x[None]
    apart -= np.round(apart / lengths) * np.asarray(lengths)
    r = np.sqrt(np.sum(apart**2, -1)) + np.eye(len(x))
    kinds = np.zeros(len(x), int) if species is None else species
    tables = jax.tree.map(lambda leaf: leaf[kinds[:, None], kinds[None]] if leaf.ndim == 2 else leaf, law)
    energy, slope = jax.jvp(tables.energy, (jnp.asarray(r),), (jnp.ones_like(r),))
    off = 1 - np.eye(len(x))
    forces = -np.sum((np.asarray(slope) * off / r)[..., None] * apart, axis=1)
    return forces, float(np.sum(np.asarray(energy) * off)) / 2


def laws():
    epsilon, sigma = mix([1.0, 1.3], [1.0, 1.1])
    return {
        "hertzian": (Hertzian(40.0, 1.6), False),
        "wca": (WCA(1.0, 1.1), False),
        "lj": (LennardJones(1.0, 1.0, 2.5), False),
        "lj table": (LennardJones(epsilon, sigma, 2.5), True),
    }


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("name", list(laws()))
def test_forces_and_energies(x64, name, dimension):
    law, table = laws()[name]
    box, anchors, shaken = system(dimension, 2)
    size = anchors[0].shape[1]
    species = np.repeat([0, 1], [size // 3, size - size // 3]).astype(np.int32) if table else None
    lists = listed(box, anchors, float(jnp.max(law.cutoff())))
    axes = (0, replica_axes(lists))
    forces = jax.jit(jax.vmap(lambda u, n: pair_forces(law, box, species, u, n), in_axes=axes))(shaken, lists)
    energies = jax.jit(jax.vmap(lambda u, n: pair_energies(law, box, species, u, n), in_axes=axes))(shaken, lists)
    for r in range(2):
        wanted, energy = direct(law, species, box, [a[r] for a in anchors], [u[r] for u in shaken])
        scale = np.max(np.abs(wanted))
        single = shaken[0].dtype == np.float32
        np.testing.assert_allclose(
            np.stack([f[r] for f in forces], 1), wanted, atol=scale * (3e-5 if single else 1e-11)
        )
        np.testing.assert_allclose(float(jnp.sum(energies[r])), energy, rtol=1e-5 if single else 1e-11)


@pytest.mark.slow
def test_single_precision_keeps_the_resolution_of_integers():
    law = LennardJones(1.0, 1.0, 2.5)
    box, anchors, shaken = system(3, 1, np.float32)
    lists = listed(box, anchors, 2.5)
    one = jax.tree.map(lambda x, axis: jnp.take(x, 0, axis), lists, replica_axes(lists))
    u = tuple(x[0] for x in shaken)
    quick = pair_forces(law, box, None, u, one)
    plain = plain_sum(law, box.torus, None, one.anchor, u, one.by_particle(), False)
    scale = max(float(jnp.max(jnp.abs(f))) for f in plain)
    for a, b in zip(quick, plain, strict=True):
        np.testing.assert_allclose(a, b, atol=3e-6 * scale)


def test_stacked_laws_and_a_replica_alone():
    """Every replica has a law of its own, and the same forces as in a run of its own."""
    law = Hertzian(jnp.array([20.0, 60.0]), 1.6)
    box, anchors, shaken = system(2, 2, np.float32)
    lists = listed(box, anchors, 1.6)
    axes = (eqx.tree_at(lambda x: (x.stiffness, x.diameter), law, (0, None)), 0, replica_axes(lists))
    both = jax.vmap(lambda w, u, n: pair_forces(w, box, None, u, n), in_axes=axes)(law, shaken, lists)
    for r in range(2):
        one = jax.tree.map(lambda x, axis, r=r: jnp.take(x, r, axis), lists, replica_axes(lists))
        alone = pair_forces(Hertzian(law.stiffness[r], 1.6), box, None, tuple(u[r] for u in shaken), one)
        np.testing.assert_array_equal(np.stack([f[r] for f in both]), np.stack(alone))
