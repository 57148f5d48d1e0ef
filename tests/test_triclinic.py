"""Triclinic cells: positions, lists against brute force and ASE, forces against a supercell, stress by differences."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffneq.models import Fluid
from diffneq.models.placement import lattice_positions, random_positions
from diffneq.models.stress import pressure, stress
from diffneq.particles.forces import pair_energies, pair_forces
from diffneq.particles.neighbours import build_one, plan_list, widen
from diffneq.particles.pair_laws import LennardJones, mix
from diffneq.particles.space import Box, absolute, fractional, reanchor, to_anchor

CELL = np.array([[9.0, 0.5, -0.4], [2.6, 8.5, 0.7], [-2.2, 3.1, 9.4]])
IMAGES = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), -1).reshape(-1, 3)


def cloud(box, size=400, seed=0, spread=1.0):
    """Random positions of any image, as d arrays."""
    random = np.random.default_rng(seed)
    x = (spread * (random.random((size, box.dimension)) - 0.3)) @ np.asarray(box.cell, float)
    return tuple(jnp.asarray(x[:, a]) for a in range(box.dimension)), x


def separations(box, x):
    """(N, N, d) to the nearest image, by all 27."""
    cell = np.asarray(box.cell, float)
    fraction = x @ np.linalg.inv(cell)
    apart = fraction[:, None] - fraction[None]
    apart = ((apart - np.round(apart))[:, :, None] + IMAGES) @ cell
    nearest = np.argmin(np.sum(apart**2, -1), axis=-1)
    return np.take_along_axis(apart, nearest[:, :, None, None], axis=2)[:, :, 0]


def listed(box, anchor, cutoff, skin, size):
    plan = plan_list(box, size, cutoff, skin)
    while True:
        lists = build_one(plan, box, anchor)
        wider = widen(plan, int(lists.fill), int(lists.cell_fill))
        if wider == plan:
            return lists, plan
        plan = wider


def test_the_standard_form_keeps_lengths_angles_and_handedness(x64):
    box = Box.triclinic(CELL)
    assert np.allclose(box.cell @ box.cell.T, CELL @ CELL.T)
    assert np.allclose(np.triu(np.asarray(box.cell), 1), 0)
    assert float(box.volume) == pytest.approx(np.linalg.det(CELL))
    heights = np.linalg.det(CELL) / [np.linalg.norm(np.cross(CELL[b], CELL[c])) for b, c in ((1, 2), (2, 0), (0, 1))]
    assert np.allclose([float(h) for h in box.heights], heights)
    slope = jax.grad(lambda c: Box.triclinic(c).volume)(jnp.asarray(CELL))
    assert np.allclose(slope, np.linalg.det(CELL) * np.linalg.inv(CELL).T)


@pytest.mark.parametrize("cell", [CELL, CELL[:2, :2]])
def test_positions_survive_anchors_and_displacements(cell, x64):
    box = Box.triclinic(cell)
    positions, x = cloud(box, spread=3.0)
    anchor, u = to_anchor(box, positions)
    assert max(float(jnp.max(jnp.abs(v))) for v in u) < 1e-8
    shifted = tuple(v + 0.3 for v in u)
    for a, v in ((anchor, shifted), reanchor(box, anchor, shifted)):
        place = np.stack(absolute(box, a, v), 1)
        turns = (place - x - 0.3) @ np.linalg.inv(np.asarray(box.cell))
        assert np.abs(turns - np.round(turns)).max() < 1e-12
        assert np.allclose(np.stack(fractional(box, a, v), 1) @ np.asarray(box.cell), place)
    assert max(float(jnp.max(jnp.abs(v))) for v in reanchor(box, anchor, shifted)[1]) < 1e-8


@pytest.mark.parametrize("size, scale", [(300, 1.0), (900, 1.6), (700, 4.0)])
def test_lists_hold_exactly_the_pairs_of_a_brute_force_search(size, scale):
    box = Box.triclinic(scale * CELL)  # all pairs of cells; many cells; a thin system
    positions, _ = cloud(box, size)
    anchor, _ = to_anchor(box, positions)
    lists, plan = listed(box, anchor, 2.5, 0.4, size)
    index = np.asarray(lists.by_particle())
    found = {(i, int(j)) for row in index for i, j in enumerate(row) if i != j}
    distance = np.linalg.norm(separations(box, np.asarray(np.stack(positions, 1), float)), axis=-1)
    sure = distance < plan.radius * (1 - 1e-5)
    maybe = distance < plan.radius * (1 + 1e-5)
    expected = {tuple(p) for p in np.argwhere(sure) if p[0] != p[1]}
    assert expected <= found
    assert all(maybe[pair] for pair in found)


def test_lists_agree_with_those_of_ase():
    neighborlist = pytest.importorskip("ase.neighborlist")
    box = Box.triclinic(1.5 * CELL)
    positions, x = cloud(box, 500, seed=3)
    anchor, _ = to_anchor(box, positions)
    lists, plan = listed(box, anchor, 2.6, 0.0, 500)
    first, second, distance = neighborlist.primitive_neighbor_list(
        "ijd", (True,) * 3, np.asarray(box.cell, float), x, 2.6
    )
    clear = np.abs(distance - plan.radius) > 1e-4
    theirs = set(zip(first[clear].tolist(), second[clear].tolist(), strict=True))
    ours = {(i, int(j)) for row in np.asarray(lists.by_particle()) for i, j in enumerate(row) if i != j}
    assert theirs <= ours and len(ours) - len(theirs) <= np.sum(~clear)


def crystal(cells, cutoff=2.5):
    """A shaken simple-cubic mixture described by a rectangular box, and the same by an oblique one."""
    spacing, random = 1.25, np.random.default_rng(1)
    grid = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), -1).reshape(-1, 3) * spacing
    x = grid + 0.08 * random.normal(size=grid.shape)
    edge = spacing * cells
    oblique = edge * np.array([[1.0, 0, 0], [1.0, 1.0, 0], [0.0, 1.0, 1.0]])
    epsilon, sigma = mix([1.0, 0.7], [1.0, 1.1])
    law = LennardJones(epsilon, sigma, cutoff, "force_shifted")
    return law, x, Box((edge,) * 3), Box.triclinic(oblique), (len(x) // 2, len(x) - len(x) // 2)


def state_of(box, x, velocity=None):
    anchor, u = to_anchor(box, tuple(jnp.asarray(x[:, a]) for a in range(3)))
    return anchor, tuple(v + 0.0 for v in u)


@pytest.mark.parametrize("kernel", ["quick", "plain"])
def test_an_oblique_description_of_a_cubic_crystal_has_the_same_forces(kernel, x64):
    law, x, straight, oblique, counts = crystal(9)
    kinds = np.repeat([0, 1], counts).astype(np.int32)
    found = []
    for box in (straight, oblique):
        anchor, u = state_of(box, x)
        lists, _ = listed(box, anchor, 2.5, 0.2, len(x))
        if kernel == "quick":
            force = np.stack(pair_forces(law, box, kinds, u, lists))
        else:
            force = -np.stack(jax.grad(lambda u, b=box, n=lists: jnp.sum(pair_energies(law, b, kinds, u, n)))(u))
        found.append((force, float(jnp.sum(pair_energies(law, box, kinds, u, lists)))))
    assert np.abs(found[0][0] - found[1][0]).max() < 1e-10 * np.abs(found[0][0]).max()
    assert found[0][1] == pytest.approx(found[1][1], rel=1e-12)


@pytest.mark.slow
def test_single_precision_integers_are_as_good_in_an_oblique_box():
    law, x, straight, oblique, counts = crystal(9)
    kinds = np.repeat([0, 1], counts).astype(np.int32)
    forces = []
    for box in (straight, oblique):
        anchor, u = state_of(box, x)
        lists, _ = listed(box, anchor, 2.5, 0.2, len(x))
        forces.append(np.stack(pair_forces(law, box, kinds, u, lists)))
    assert np.abs(forces[0] - forces[1]).max() < 2e-5 * np.abs(forces[0]).max()


class Snapshot(eqx.Module):
    displacement: tuple
    velocity: tuple


@pytest.mark.slow
def test_stress_and_pressure_are_slopes_of_the_energy(x64):
    """The virial by finite differences of cell and positions, x -> x (1 + eps)."""
    law, x, _, _, counts = crystal(7, cutoff=2.2)
    cell = 7 * 1.25 * np.array([[1.0, 0.0, 0.0], [0.15, 1.05, 0.0], [-0.1, 0.2, 0.95]])
    x = x @ np.linalg.inv(7 * 1.25 * np.eye(3)) @ cell
    model = Fluid(law, Box.triclinic(cell), counts, mass=(1.0, 2.0))
    random = np.random.default_rng(5)
    velocity = tuple(jnp.asarray(v) for v in random.normal(size=(3, len(x))))
    anchor, u = state_of(model.box, x)
    lists, plan = listed(model.box, anchor, 2.2, 0.2, len(x))
    found = stress(model, Snapshot(u, velocity), lists)

    def energy(strain):
        turn = np.eye(3) + strain
        moved = Box.triclinic(cell @ turn)
        turned = x @ np.linalg.inv(cell) @ np.asarray(moved.cell)  # as the box turns to its standard form
        a, v = state_of(moved, turned)
        return float(eqx.tree_at(lambda m: m.box, model, moved).potential_energy(v, build_one(plan, moved, a)))

    mass = np.repeat([1.0, 2.0], counts)
    flow = np.einsum("n,an,bn->ab", mass, np.stack(velocity), np.stack(velocity))
    for a in range(3):
        for b in range(a + 1):
            bump = np.zeros((3, 3))
            bump[a, b] = bump[b, a] = 0.5e-5 if a != b else 1e-5  # symmetric: no rotation
            slope = (energy(bump) - energy(-bump)) / 2e-5
            assert float(found[a, b] * model.box.volume + flow[a, b]) == pytest.approx(
                slope, abs=2e-6 * abs(flow[0, 0])
            )
    trace = -float(jnp.trace(found)) / 3
    assert float(pressure(model, Snapshot(u, velocity), lists)) == pytest.approx(trace, rel=1e-10)


def test_a_box_too_oblique_for_its_cutoff_is_refused():
    flat = Box.triclinic([[10.0, 0.0, 0.0], [9.0, 4.0, 0.0], [0.0, 0.0, 10.0]])
    with pytest.raises(ValueError, match="shorter than twice the cutoff"):
        plan_list(flat, 500, 2.5, 0.0)
    with pytest.raises(ValueError, match="right-handed"):
        Box.triclinic(CELL[[1, 0, 2]])
    with pytest.raises(ValueError, match="no walls"):
        Box((1.0, 1.0), periodic=(True, False), tilt=(0.1,))


def test_random_and_lattice_positions_keep_their_distance():
    box = Box.triclinic(CELL)
    for positions, least in (
        (random_positions(jax.random.key(0), box, 60, 1.2), 1.2),
        (lattice_positions(box, 200), 1.0),
    ):
        distance = np.linalg.norm(separations(box, np.asarray(np.stack(positions, 1), float)), axis=-1)
        assert np.min(distance + 99 * np.eye(len(distance))) > least * (1 - 1e-5)


def test_jax_md_measures_the_same_distances(x64):
    pytest.importorskip("jax_md")
    box = Box.triclinic(CELL)
    _, x = cloud(box, 60)
    displacement, _ = box.jax_md_space()
    theirs = jax.vmap(jax.vmap(displacement, (None, 0)), (0, None))(jnp.asarray(x), jnp.asarray(x))
    ours = separations(box, x)
    near = np.linalg.norm(ours, axis=-1) < min(float(h) for h in box.heights) / 2
    assert np.abs((np.asarray(theirs) - ours)[near]).max() < 1e-12
