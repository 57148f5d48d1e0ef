"""Coulomb sums: published lattice constants, independence of the split, derivatives, stress, replicas, bad input."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffneq.materials.units import COULOMB
from diffneq.particles.electrostatics.coulomb import (
    coulomb_energy,
    coulomb_stress,
    dipole_energy,
    long_range_energy,
    long_range_forces,
    real_space_law,
)
from diffneq.particles.electrostatics.ewald import Ewald, structure_factors
from diffneq.particles.electrostatics.lattice import fractional, image_range
from diffneq.particles.electrostatics.mesh import ParticleMesh
from diffneq.particles.electrostatics.real_space import EwaldRealSpace
from diffneq.particles.electrostatics.smeared import smeared

pytestmark = pytest.mark.usefixtures("x64")

FCC = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
TRICLINIC = np.array([[10.0, 0.0, 0.0], [2.0, 11.0, 0.0], [-1.5, 2.5, 9.5]])


def exact(limits=(14, 14, 14)):
    """Converged to rounding in the cell above; made within a test, in double precision."""
    return Ewald(0.6, 10.0, limits, COULOMB)


def ions(size=40, cell=TRICLINIC, seed=0):
    """Positions (N, 3), neutral charges, the cell."""
    rng = np.random.default_rng(seed)
    charges = rng.uniform(-2, 2, size)
    positions = rng.uniform(-1, 2, (size, 3)) @ cell
    return jnp.asarray(positions), jnp.asarray(charges - charges.mean()), jnp.asarray(cell)


@pytest.mark.parametrize("alpha", [3.0, 4.0])
@pytest.mark.parametrize(
    # D. Borwein, J. M. Borwein, K. F. Taylor, J. Math. Phys. 26, 2999 (1985) for NaCl; Y. Sakamoto, J. Chem. Phys. 28,
    # 164 (1958) for CsCl and zinc blende; all referred to the nearest distance and, for the last, to charges of one.
    ("sites", "pairs", "nearest", "published"),
    [
        (np.concatenate([FCC, FCC + np.array([0.5, 0, 0])]), 4, 0.5, 1.747564594633182),
        (np.array([[0, 0, 0], [0.5, 0.5, 0.5]]), 1, 3**0.5 / 2, 1.762674773070988),
        (np.concatenate([FCC, FCC + 0.25]), 4, 3**0.5 / 4, 1.638055053388789),
    ],
    ids=["NaCl", "CsCl", "ZnS"],
)
def test_madelung_constants(sites, pairs, nearest, published, alpha):
    method = Ewald(alpha, 6.2 / alpha, (14, 14, 14))
    charges = np.repeat([1.0, -1.0], pairs)
    energy = coulomb_energy(method, jnp.asarray(sites, float), charges, (1.0, 1.0, 1.0))
    assert float(-energy * nearest / pairs) == pytest.approx(published, abs=1e-11)


def test_energy_does_not_depend_on_the_split_or_on_the_choice_of_the_cell():
    positions, charges, cell = ions()
    energy = float(coulomb_energy(exact(), positions, charges, cell))
    other = Ewald(0.5, 12.0, (12, 12, 12), COULOMB)
    assert float(coulomb_energy(other, positions, charges, cell)) == pytest.approx(energy, rel=1e-11)
    # The same lattice by other lattice vectors, and twice as many ions in two cells side by side.
    same = jnp.asarray([[1.0, 0, 0], [1, 1, 0], [0, -1, 1]]) @ cell
    finer = exact((22, 22, 22))
    assert float(coulomb_energy(finer, positions, charges, same)) == pytest.approx(energy, rel=1e-11)
    double = jnp.concatenate([positions, positions + cell[1][None, :]])
    wide = cell * jnp.asarray([1.0, 2.0, 1.0])[:, None]
    twice = coulomb_energy(exact((14, 28, 14)), double, jnp.tile(charges, 2), wide)
    assert float(twice) == pytest.approx(2 * energy, rel=1e-11)


def test_structure_factors_are_the_sums_that_define_them():
    positions, charges, cell = ions(7)
    coordinates = fractional(positions, cell)
    real, imaginary = structure_factors((2, 3, 4), coordinates, charges)
    n = np.stack(np.meshgrid(range(3), range(-3, 4), range(-4, 5), indexing="ij"), -1).reshape(-1, 3)
    direct = np.exp(2j * np.pi * n @ np.asarray(coordinates)) @ np.asarray(charges)
    np.testing.assert_allclose(np.asarray(real + 1j * imaginary).reshape(-1), direct, atol=1e-12)


@pytest.mark.parametrize("order", [4, 5, 8])
def test_particle_mesh_converges_to_ewald_with_the_order_of_the_spline(order):
    positions, charges, cell = ions()
    coordinates = fractional(positions, cell)
    reference = jnp.stack(long_range_forces(exact(), coordinates, charges, cell))

    def error(points):
        method = ParticleMesh(0.6, 10.0, (points, points + 2, points + 1), order, COULOMB)
        forces = jnp.stack(long_range_forces(method, coordinates, charges, cell))
        return float(jnp.sqrt(jnp.mean((forces - reference) ** 2) / jnp.mean(reference**2)))

    coarse, fine = error(24), error(48)
    # The derivative of a spline of order p is of order p - 1; the errors themselves are those of test_accuracy.
    assert fine < 1.5 * coarse * 2.0 ** -(order - 1)
    assert coarse < 0.3 * 4.0**-order


def test_particle_mesh_agrees_with_ewald_to_1e_6_and_better():
    positions, charges, cell = ions()
    mesh = ParticleMesh(0.6, 10.0, (45, 50, 48), 8, COULOMB)
    whole = coulomb_energy(exact(), positions, charges, cell)
    assert float(coulomb_energy(mesh, positions, charges, cell) / whole) == pytest.approx(1.0, abs=1e-8)
    stress, reference = (coulomb_stress(m, positions, charges, cell) for m in (mesh, exact()))
    np.testing.assert_allclose(stress, reference, atol=1e-7 * float(jnp.max(jnp.abs(reference))))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(exact, id="Ewald", marks=pytest.mark.slow),
        pytest.param(lambda: ParticleMesh(0.6, 10.0, (24, 25, 24), 6, COULOMB), id="mesh"),
    ],
)
def test_forces_stress_and_charges_by_finite_differences(make):
    method = make()
    positions, charges, cell = ions(12)
    images = image_range(cell, method.cutoff)
    energy = jax.jit(lambda x, q, c: coulomb_energy(method, x, q, c, images))
    rng = np.random.default_rng(1)
    for argument, size in enumerate((positions, charges, cell)):
        direction = jnp.asarray(rng.normal(size=size.shape))
        if argument == 1:
            direction = direction - jnp.mean(direction)

        def along(t, argument=argument, direction=direction):
            given = [positions, charges, cell]
            given[argument] = given[argument] + t * direction
            return energy(*given)

        h = 1e-4
        numeric = (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h)
        assert float(jax.grad(along)(0.0)) == pytest.approx(float(numeric), rel=1e-7, abs=1e-7)
    # Forces in closed form are the slopes of the energy, and the stress that of a strained cell.
    coordinates = fractional(positions, cell)
    slope = jax.grad(lambda x: long_range_energy(method, fractional(x, cell), charges, cell))(positions)
    np.testing.assert_allclose(jnp.stack(long_range_forces(method, coordinates, charges, cell), 1), -slope, atol=1e-10)
    strain = np.array([[0.3, 0.1, -0.2], [0.1, -0.4, 0.25], [-0.2, 0.25, 0.2]])
    strained = lambda t: energy(positions @ (jnp.eye(3) + t * strain), charges, cell @ (jnp.eye(3) + t * strain))
    numeric = (strained(1e-4) - strained(-1e-4)) / 2e-4
    volume = float(jnp.abs(jnp.linalg.det(cell)))
    stress = coulomb_stress(method, positions, charges, cell)
    assert float(jnp.sum(stress * strain)) * volume == pytest.approx(float(numeric), rel=1e-6)
    np.testing.assert_allclose(stress, stress.T, atol=1e-12)


def test_trace_of_the_stress_is_the_energy():
    # E is homogeneous of degree -1 in all lengths, whatever the split: V tr(sigma) = -E.
    positions, charges, cell = ions()
    volume = float(jnp.abs(jnp.linalg.det(cell)))
    trace = float(jnp.trace(coulomb_stress(exact(), positions, charges, cell))) * volume
    assert trace == pytest.approx(-float(coulomb_energy(exact(), positions, charges, cell)), rel=1e-11)


@pytest.mark.slow
def test_second_derivatives_of_mesh_and_ewald_agree():
    positions, charges, cell = ions(10)
    mesh = ParticleMesh(0.6, 10.0, (48, 48, 48), 8, COULOMB)
    coordinates = fractional(positions, cell)

    def stiffness(method):
        total = lambda s: sum(jnp.sum(f * f) for f in long_range_forces(method, s, charges, cell))
        return jnp.stack(jax.jit(jax.grad(total))(coordinates))

    reference = stiffness(exact())
    np.testing.assert_allclose(stiffness(mesh), reference, atol=1e-6 * float(jnp.max(jnp.abs(reference))))


def test_replicas_under_vmap_are_those_one_by_one_and_compile_once():
    positions, charges, cell = ions(20)
    mesh = ParticleMesh(0.6, 5.0, (20, 21, 22), 5, COULOMB)
    coordinates = tuple(jnp.stack([s, s + 0.3, 1.1 * s]) for s in fractional(positions, cell))
    cells = cell[None] * jnp.asarray([1.0, 1.05, 0.97])[:, None, None]
    traced = []

    @jax.jit
    def many(coordinates, cells):
        traced.append(1)
        return jax.vmap(lambda s, c: (long_range_forces(mesh, s, charges, c), long_range_energy(mesh, s, charges, c)))(
            coordinates, cells
        )

    forces, energies = many(coordinates, cells)
    many(coordinates, cells * 1.01)
    assert len(traced) == 1
    for i in range(3):
        own = tuple(s[i] for s in coordinates)
        np.testing.assert_allclose(jnp.stack(forces)[:, i], jnp.stack(long_range_forces(mesh, own, charges, cells[i])))
        assert float(energies[i]) == pytest.approx(float(long_range_energy(mesh, own, charges, cells[i])))
    shared = jax.jit(jax.vmap(lambda s: long_range_forces(mesh, s, charges, cell)))(coordinates)
    np.testing.assert_allclose(jnp.stack(shared)[:, 0], jnp.stack(forces)[:, 0], atol=1e-12)


def test_single_precision_forces_are_those_of_double_precision():
    positions, charges, cell = ions(200, 3 * TRICLINIC)
    mesh = ParticleMesh(0.35, 9.0, (40, 45, 40), 6, COULOMB)
    coordinates = fractional(positions, cell)
    double = jnp.stack(long_range_forces(mesh, coordinates, charges, cell))
    single = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), (mesh, coordinates, charges, cell))
    forces = jnp.stack(long_range_forces(*single))
    assert forces.dtype == jnp.float32
    np.testing.assert_allclose(forces, double, atol=3e-5 * float(jnp.sqrt(jnp.mean(double**2))))


def test_real_space_law_is_erfc_with_all_its_derivatives():
    law = EwaldRealSpace(2.0, 0.7, 5.0)
    plain = jax.jit(lambda a, r: EwaldRealSpace(2.0, a, 5.0).energy(r))  # alpha traced: erfc itself
    assert law.reach == 3.75  # 3.5, rounded up
    for r in (0.3, 1.7, 4.9):
        ours, theirs = (lambda x: law.energy(x)), (lambda x: plain(0.7, x))
        for _ in range(3):
            assert float(ours(r)) == pytest.approx(float(theirs(r)), rel=3e-11, abs=1e-12)
            ours, theirs = jax.grad(ours), jax.grad(theirs)
    single = smeared(3.5, jnp.linspace(0.01, 12.0, 99, dtype=jnp.float32))
    np.testing.assert_allclose(single, smeared(3.5, jnp.linspace(0.01, 12.0, 99)), atol=5e-7)
    assert float(jax.grad(lambda a: EwaldRealSpace(2.0, a, 5.0).energy(1.5))(0.7)) == pytest.approx(
        -4 / np.sqrt(np.pi) * np.exp(-((0.7 * 1.5) ** 2)), rel=1e-12
    )
    table = real_space_law(exact(), [1.0, -2.0])
    assert float(table.for_pair(0, 1).energy(2.0)) < 0 < float(table.for_pair(1, 1).energy(2.0))


def test_dipole_energy_is_the_difference_between_vacuum_and_metal():
    # A sphere of unit cubes with a dipole each, summed directly in vacuum, against tin foil plus the dipole term.
    sites, charges = np.array([[0.5, 0.5, 0.4], [0.5, 0.5, 0.6]]), np.array([-1.0, 1.0])
    tin_foil = coulomb_energy(Ewald(3.0, 2.1, (8, 8, 8)), jnp.asarray(sites), charges, (1.0, 1.0, 1.0))
    term = dipole_energy(jnp.asarray(sites), charges, (1.0, 1.0, 1.0))
    reach = 30
    n = np.stack(np.meshgrid(*(np.arange(-reach, reach + 1),) * 3, indexing="ij"), -1).reshape(-1, 3)
    n = n[(n**2).sum(1) <= reach**2]
    direct = -1 / 0.2
    for shift, sign in ((0.0, 2.0), (0.2, -1.0), (-0.2, -1.0)):
        distance = np.sqrt((n[:, :2] ** 2).sum(1) + (n[:, 2] + shift) ** 2)
        direct += 0.5 * sign * np.sum(np.where((n == 0).all(1), 0.0, 1 / np.maximum(distance, 0.1)))
    assert float(tin_foil + term) == pytest.approx(direct, abs=2e-4)
    assert float(term) > 0.05


def test_teter_coulomb_energy_of_tetragonal_llzo():
    table = Path(__file__).parents[2] / "shared" / "data" / "structures" / "llzo_tetragonal_192.csv"
    if not table.exists():
        pytest.skip("the structure is not here")
    rows = [line.split(",") for line in table.read_text().splitlines() if not line.startswith(("#", "element"))]
    value = {"O": -1.2, "Li": 0.6, "La": 1.8, "Zr": 2.4}
    charges = [value[row[0]] for row in rows]
    cell = (13.23937, 13.23937, 12.764856)
    positions = jnp.asarray(np.array([row[1:] for row in rows], float) * np.array(cell))
    # An independent Ewald sum of these charges (J. Du, A. N. Cormack) gave -1736.84(2) eV, with k = 14.39986
    # eV angstrom (the constant of the program nap); that of CODATA makes it 0.03 eV less.
    exact = Ewald(0.45, 13.0, (16, 16, 16), 14.3998554737)
    whole = coulomb_energy(exact, positions, charges, cell)
    assert float(whole) == pytest.approx(-1736.84, abs=0.02)
    mesh = ParticleMesh(0.45, 13.0, (40, 40, 40), 8, 14.3998554737)
    assert float(coulomb_energy(mesh, positions, charges, cell) / whole) == pytest.approx(1.0, abs=1e-7)


def test_bad_input_says_what_to_do():
    positions, charges, cell = ions(4)
    with pytest.raises(ValueError, match="Add counter-ions"):
        coulomb_energy(exact(), positions, charges + 0.1, cell)
    with pytest.raises(ValueError, match="rows are lattice vectors"):
        coulomb_energy(exact(), positions, charges, jnp.ones((2, 2)))
    with pytest.raises(ValueError, match="span a volume"):
        coulomb_energy(exact(), positions, charges, jnp.ones((3, 3)))
    with pytest.raises(ValueError, match="images=image_range"):
        jax.grad(lambda c: coulomb_energy(exact(), positions, charges, c))(cell)
    with pytest.raises(ValueError, match="order is 3 to 10"):
        ParticleMesh(0.3, 9.0, (24, 24, 24), 2)
    with pytest.raises(ValueError, match="larger than the order"):
        ParticleMesh(0.3, 9.0, (24, 24, 5), 5)
    with pytest.raises(ValueError, match="limits are three integers"):
        Ewald(0.3, 9.0, (6, 6))
    with pytest.raises(ValueError, match="alpha must be positive"):
        Ewald(-0.3, 9.0, (6, 6, 6))
