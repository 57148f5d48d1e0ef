"""Neighbour lists against SciPy's tree: no pair missing, none twice, none beyond the rounding of the radius."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial import cKDTree

from diffneq.particles.list_cost import quickest_skin
from diffneq.particles.neighbours import build, build_one, plan_list, replica_axes, widen
from diffneq.particles.space import Box


def random_anchors(seed, replicas, size, lengths, clustered=False):
    random = np.random.default_rng(seed)
    anchors = random.integers(0, 2**32, (len(lengths), replicas, size), dtype=np.uint64).astype(np.uint32)
    if clustered:  # half of the box is empty
        anchors[0] >>= 1
    return tuple(jnp.asarray(a) for a in anchors)


def built(lengths, size, radius, replicas=2, **options):
    """A list with enough room, its plan and the anchors."""
    box = Box(lengths)
    anchors = random_anchors(1, replicas, size, lengths, **options)
    plan = plan_list(box, size, 0.8 * radius, 0.2 * radius)
    while True:
        lists = jax.jit(lambda a, plan=plan: build(plan, box, a))(anchors)
        wider = widen(plan, int(lists.fill.max()), int(lists.cell_fill.max()))
        if wider == plan:
            return lists, plan, anchors
        plan = wider


def assert_exact(lists, plan, anchors, lengths):
    own = np.arange(plan.size)
    for r in range(anchors[0].shape[0]):
        one = jax.tree.map(lambda x, axis, r=r: jnp.take(x, r, axis), lists, replica_axes(lists))
        index = np.asarray(one.by_particle())
        positions = np.stack(
            [np.asarray(a[r], float) * (p / 2.0**32) for a, p in zip(anchors, lengths, strict=True)], 1
        )
        pairs = cKDTree(positions, boxsize=lengths).query_pairs(plan.radius, output_type="ndarray").astype(np.int64)
        wanted = np.concatenate([pairs, pairs[:, ::-1]]) @ [plan.size, 1]
        found = (own[None] * plan.size + index)[index != own[None]]
        assert len(np.unique(found)) == len(found)
        assert np.setdiff1d(wanted, found).size == 0
        i, j = np.divmod(np.setdiff1d(found, wanted), plan.size)
        apart = positions[i] - positions[j]
        apart -= np.round(apart / lengths) * np.asarray(lengths)
        assert np.all(np.sum(apart**2, axis=1) < (plan.radius * (1 + 3e-6)) ** 2)
        assert int(one.fill) == np.max(np.sum(index != own[None], axis=0))


@pytest.mark.parametrize(
    "lengths, size, radius, crowded",
    [
        ((100.0,), 400, 1.0, False),
        ((10.0,), 400, 1.0, True),
        ((150.0, 25.0), 700, 3.0, False),  # the thin gas of the conductor
        ((29.0, 29.0), 500, 1.5, False),  # discs
        ((300.0, 9.0), 900, 4.0, True),  # too narrow for three cells across
        ((20.0, 20.0, 20.0), 300, 2.8, False),
        ((9.0, 9.0, 9.0), 600, 2.8, True),  # three cells a side, and more than 32 in one
        ((6.0, 6.0, 6.0), 300, 2.8, True),  # one cell for all
        ((14.1, 14.1, 14.1), 2000, 2.8, True),
    ],
)
def test_no_pair_is_missed_or_made_up(lengths, size, radius, crowded):
    lists, plan, anchors = built(lengths, size, radius)
    assert plan.crowded == crowded
    assert_exact(lists, plan, anchors, lengths)


def test_uneven_density():
    for lengths, size, radius in (((150.0, 25.0), 700, 3.0), ((11.3, 11.3, 11.3), 1000, 2.8)):
        lists, plan, anchors = built(lengths, size, radius, clustered=True)
        assert_exact(lists, plan, anchors, lengths)


def test_cells_are_never_narrower_than_the_radius():
    """750 / 3 is 250 in floating point; the particles just inside the radius across a cell must not be lost."""
    lists, plan, anchors = built((750.0, 125.0), 3500, 3.0, replicas=1)
    assert np.all(np.array([750.0, 125.0]) / np.array(plan.cells) >= 3.0)
    assert_exact(lists, plan, anchors, (750.0, 125.0))


def test_overflow_is_reported():
    """Too narrow rows or too small cells: the counts say how much room was needed."""
    box = Box((14.1, 14.1, 14.1))
    anchors = random_anchors(3, 1, 2000, (14.1,) * 3)
    built((14.1,) * 3, 2000, 2.8, replicas=1)
    tight = plan_list(box, 2000, 0.8 * 2.8, 0.2 * 2.8, slots=8, cell_slots=10)
    lists = build(tight, box, anchors)
    assert int(lists.fill[0]) > 8 and int(lists.cell_fill[0]) > 10
    wider = widen(tight, int(lists.fill[0]), int(lists.cell_fill[0]))
    assert wider.slots > tight.slots and wider.cell_slots > tight.cell_slots
    thin = Box((150.0, 25.0))
    few = plan_list(thin, 700, 2.4, 0.6, slots=4, cell_slots=1)
    lists = build(few, thin, random_anchors(4, 1, 700, (150.0, 25.0), clustered=True))
    assert int(lists.cell_fill[0]) > 1


def test_a_replica_alone_has_the_same_list():
    lists, plan, anchors = built((29.0, 29.0), 500, 1.5, replicas=3)
    alone = build_one(plan, Box((29.0, 29.0)), tuple(a[1] for a in anchors))
    np.testing.assert_array_equal(alone.index, lists.index[:, 1])


def test_small_systems_list_all_pairs():
    plan = plan_list(Box((6.0, 6.0)), 40, 1.0, 0.3)
    assert plan.all_pairs
    index = np.asarray(
        build_one(plan, Box((6.0, 6.0)), tuple(a[0] for a in random_anchors(0, 1, 40, (6.0, 6.0)))).index
    )
    assert all(sorted([*index[:, i], i]) == list(range(40)) for i in range(40))


@pytest.mark.parametrize("lengths, size", [((750.0, 125.0), 3500), ((28.9, 28.9), 500), ((16.8,) * 3, 4000)])
def test_the_default_skin_fits_the_box(lengths, size):
    skins = [quickest_skin(Box(lengths), size, 1.5, stride) for stride in (0.002, 0.02, 0.2)]
    assert skins[0] <= skins[2] <= min(lengths) / 2 - 1.5  # in between, whole numbers of cells decide
    assert quickest_skin(Box(lengths), size, 1.5, None) > 0
