"""Coulomb sums do what was asked for: measured errors against estimates, the choice of numbers, another program."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffneq.particles.electrostatics.accuracy import ewald_error, force_error, mesh_error, real_space_error
from diffneq.particles.electrostatics.coulomb import coulomb_energy
from diffneq.particles.electrostatics.ewald import Ewald
from diffneq.particles.electrostatics.lattice import heights, image_range
from diffneq.particles.electrostatics.mesh import ParticleMesh
from diffneq.particles.electrostatics.plan import force_scale, plan_ewald, plan_mesh

pytestmark = pytest.mark.usefixtures("x64")

TRICLINIC = np.array([[16.0, 0.0, 0.0], [3.2, 17.6, 0.0], [-2.4, 4.0, 15.2]])


def melt():
    """Rock salt, every ion displaced by 0.15 of a mean spacing: charges that screen one another."""
    sites = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), -1).reshape(-1, 3)
    charges = np.where(sites.sum(1) % 2 == 0, 1.0, -1.0)
    return 2.8 * (sites + 0.15 * np.random.default_rng(0).normal(size=sites.shape)), charges, 11.2 * np.eye(3)


def gas():
    """Random ions of three charges in a triclinic cell."""
    charges = np.repeat([2.0, -1.0, -1.0], 30)
    return np.random.default_rng(1).uniform(size=(90, 3)) @ TRICLINIC, charges, TRICLINIC


def oblong():
    charges = np.repeat([1.0, -1.0], 40)
    cell = np.diag([12.0, 20.0, 16.0])
    return np.random.default_rng(2).uniform(size=(80, 3)) @ cell, charges, cell


SYSTEMS = {"melt": melt, "gas": gas, "oblong": oblong}
_references = {}


def forces(method, positions, charges, cell):
    images = image_range(cell, method.cutoff)
    return -jax.grad(lambda x: coulomb_energy(method, x, charges, cell, images))(jnp.asarray(positions))


def reference(name):
    if name not in _references:
        positions, charges, cell = SYSTEMS[name]()
        _references[name] = np.asarray(forces(plan_ewald(charges, cell, 1e-9), positions, charges, cell))
    return _references[name]


def measured(method, name):
    found = forces(method, *SYSTEMS[name]())
    return float(np.sqrt(np.mean(np.sum((np.asarray(found) - reference(name)) ** 2, axis=1))))


more = pytest.mark.slow
CASES = [
    pytest.param("melt", plan_ewald, 1e-4, marks=more), pytest.param("melt", plan_mesh, 1e-4, marks=more),
    ("gas", plan_mesh, 1e-4),
    *(pytest.param(name, plan, accuracy, marks=more) for name in SYSTEMS for plan in (plan_ewald, plan_mesh)
      for accuracy in (1e-3, 1e-5, 1e-6)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "plan", "accuracy"), CASES)
def test_wanted_accuracy_is_met_without_waste(name, plan, accuracy):
    _, charges, cell = SYSTEMS[name]()
    method = plan(charges, cell, accuracy)
    wanted = accuracy * force_scale(charges, cell)
    assert wanted / 30 <= measured(method, name) <= wanted
    assert wanted / 4 <= force_error(method, charges, cell) <= 0.7 * wanted * (1 + 1e-9)


@pytest.mark.parametrize("order", [*(pytest.param(order, marks=more) for order in (4, 5, 6)), 7])
def test_estimate_of_the_mesh_is_the_error_of_random_charges(order):
    # alpha r_c = 5: all of the error is that of the mesh. Uncorrelated charges are what the estimate is about.
    _, charges, cell = gas()
    method = ParticleMesh(0.7, 5.0 / 0.7, (24, 27, 24), order)
    assert measured(method, "gas") == pytest.approx(force_error(method, charges, cell), rel=0.25)


@pytest.mark.slow
def test_estimates_of_both_sums_of_ewald_are_the_errors_of_random_charges():
    _, charges, cell = gas()
    for method in (Ewald(0.45, 5.5, (14, 14, 14)), Ewald(0.7, 7.2, (8, 9, 8))):
        assert measured(method, "gas") == pytest.approx(force_error(method, charges, cell), rel=0.3)


def test_estimates_scale_as_the_laws_that_they_come_from():
    cell = 20.0 * np.eye(3)
    # Everything twice as long: forces between unit charges a quarter.
    assert real_space_error(0.2, 10.0, 2 * cell) == pytest.approx(real_space_error(0.4, 5.0, cell) / 4, rel=1e-12)
    assert ewald_error(0.2, (6, 6, 6), 2 * cell) == pytest.approx(ewald_error(0.4, (6, 6, 6), cell) / 4, rel=1e-12)
    coarse = mesh_error(0.4, (20, 20, 20), 5, cell)
    assert mesh_error(0.2, (20, 20, 20), 5, 2 * cell) == pytest.approx(coarse / 4, rel=1e-9)
    # What slabs leave out, where all else is summed, is what lies beyond them: against the sum itself.
    n = np.stack(np.meshgrid(*[np.arange(-40, 41)] * 3, indexing="ij"), -1).reshape(-1, 3)
    n = n[np.abs(n).max(axis=1) > 6]
    k2 = np.sum((2 * np.pi / 20.0 * n) ** 2, axis=1)
    direct = np.sqrt(np.sum(16 * np.pi**2 * np.exp(-k2 / (2 * 0.4**2)) / k2)) / 20.0**3
    assert ewald_error(0.4, (6, 6, 6), cell) == pytest.approx(direct, rel=0.1)


def test_plans_obey_the_cutoff_and_the_cell():
    charges = np.tile([1.0, -1.0], 500)
    cell = np.diag([30.0, 34.0, 40.0])
    free = plan_mesh(charges, cell, 1e-4)
    assert float(free.cutoff) <= 0.5 * heights(cell).min()
    assert float(plan_mesh(charges, cell, 1e-4, shortest=9.0).cutoff) >= 9.0 - 1e-6
    fixed = plan_mesh(charges, cell, 1e-4, cutoff=8.0)
    assert float(fixed.cutoff) == 8.0
    assert fixed.mesh[0] < fixed.mesh[2]
    assert float(plan_mesh(charges, cell, 1e-6, cutoff=8.0).alpha) > float(fixed.alpha)
    for count in fixed.mesh:
        assert all(count % prime or prime in (2, 3, 5) for prime in (2, 3, 5, 7, 11, 13))


def test_bad_requests_say_what_to_do():
    charges, cell = np.tile([1.0, -1.0], 50), 20.0 * np.eye(3)
    with pytest.raises(ValueError, match="accuracy is 1e-10 to 1e-1"):
        plan_mesh(charges, cell, accuracy=2.0)
    with pytest.raises(ValueError, match="Add counter-ions"):
        plan_ewald(np.ones(10), cell)
    with pytest.raises(ValueError, match="all charges are zero"):
        plan_mesh(np.zeros(10), cell)
    with pytest.raises(ValueError, match="cutoff is a positive length"):
        plan_mesh(charges, cell, cutoff=-1.0)
    with pytest.raises(ValueError, match="no method reaches"):
        plan_mesh(charges, 1e3 * cell, 1e-10, cutoff=1.0)


@pytest.mark.parametrize(("name", "tolerance"), [("oblong", 1e-6), ("gas", 2e-5)], ids=["Ewald", "triclinic PME"])
def test_forces_and_energy_against_openmm(name, tolerance):
    # OpenMM has Ewald's sum for rectangular cells only; its mesh has splines of order 5, hence the second tolerance.
    openmm = pytest.importorskip("openmm")
    positions, charges, cell = SYSTEMS[name]()
    system, bonded = openmm.System(), openmm.NonbondedForce()
    for charge in charges:
        system.addParticle(1.0)
        bonded.addParticle(charge, 0.1, 0.0)
    nanometres = 0.1 * cell
    system.setDefaultPeriodicBoxVectors(*(openmm.Vec3(*row) for row in nanometres))
    bonded.setCutoffDistance(0.59)
    if name == "oblong":
        bonded.setNonbondedMethod(openmm.NonbondedForce.Ewald)
        bonded.setEwaldErrorTolerance(1e-9)
    else:
        bonded.setNonbondedMethod(openmm.NonbondedForce.PME)
        bonded.setPMEParameters(4.0 / 0.59, 96, 96, 96)
    system.addForce(bonded)
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("Reference"))
    context.setPositions(0.1 * positions)
    state = context.getState(energy=True, forces=True)
    theirs = np.array(state.getForces(asNumpy=True)._value)
    # kJ/mol, nm, e: OpenMM's own constant, 1/(4 pi epsilon_0).
    method = plan_mesh(charges, nanometres, 1e-7, cutoff=0.59, coulomb_constant=138.93545764438198)
    ours = np.asarray(forces(method, 0.1 * positions, charges, nanometres))
    assert np.sqrt(np.mean((ours - theirs) ** 2) / np.mean(theirs**2)) < tolerance
    energy = float(coulomb_energy(method, jnp.asarray(0.1 * positions), charges, nanometres))
    assert energy == pytest.approx(state.getPotentialEnergy()._value, rel=tolerance)
