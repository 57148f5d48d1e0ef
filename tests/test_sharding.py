"""One system over two devices: the same trajectory to the last bit, sums to round-off. Also: no program twice."""

import logging

import jax
import numpy as np
import pytest

import diffneq
from diffneq.dynamics import Langevin, Verlet
from diffneq.models import Fluid
from diffneq.particles.pair_laws import WCA, LennardJones
from diffneq.simulation.start import mesh_over

needs_two = pytest.mark.skipif(len(jax.local_devices()) < 2, reason="needs two devices")


def discs(count=2048):
    return Fluid(WCA(1.0, 1.0), ((count / 0.4) ** 0.5,) * 2, (count,))


def melt():
    side = (2048 / 0.8) ** (1 / 3)
    grid = np.stack(np.meshgrid(*[np.arange(16), np.arange(16), np.arange(8)], indexing="ij"), -1).reshape(-1, 3)
    velocities = np.random.default_rng(0).normal(size=grid.shape)
    positions = (grid + 0.5) * np.array([side / 16, side / 16, side / 8])
    return Fluid(LennardJones(1.0, 0.8, 2.0), (side,) * 3, (2048,)), (positions, velocities - velocities.mean(0))


def run(model, dynamics, devices, start=None, **options):
    return diffneq.simulate(
        model, dynamics, None, keys=jax.random.key(1), steps=30, record_every=10, start=start, progress=False,
        devices=devices, record=("kinetic_energy", "potential_energy"), **options,
    )  # fmt: skip


@needs_two
@pytest.mark.parametrize("case", ["discs, Langevin", pytest.param("melt, Verlet", marks=pytest.mark.slow)])
def test_two_devices_share_one_system(case):
    if case.startswith("discs"):
        model, dynamics, start = discs(), Langevin(0.005, 1.0, 1.0), None
    else:
        (model, start), dynamics = melt(), Verlet(0.002)
    one, two = (run(model, dynamics, n, start) for n in (1, 2))
    np.testing.assert_array_equal(one.positions(), two.positions())
    for a, b in zip(one.state.velocity, two.state.velocity, strict=True):
        np.testing.assert_array_equal(a, b)
    for name, values in one.records.items():
        np.testing.assert_allclose(two.records[name], values, rtol=1e-5, atol=1e-3)
    assert two.diagnostics["farthest_move"] == one.diagnostics["farthest_move"] > 0


@needs_two
def test_who_is_split():
    from diffneq.simulation.chunk import Batch

    axis = lambda model, replicas: mesh_over(2, Batch((model, None, None), (None,) * 3), replicas)[0]
    assert axis(discs(), 1).axis_names == ("particles",)
    assert axis(discs(), 2).axis_names == ("run",)
    assert axis(discs(400), 1) is None
    assert axis(diffneq.models.Conductor.preset("soft", electrons=900), 1) is None


def test_the_same_call_compiles_once(caplog):
    """A second run of the same shapes compiles nothing of the engine."""
    model = discs(300)
    go = lambda seed: diffneq.simulate(
        model, Langevin(0.005, 1.0, 1.0), None, keys=jax.random.key(seed), steps=40, progress=False, devices=1
    )
    go(0)
    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        go(1)
    assert [r.message for r in caplog.records if "Compiling" in r.message] == []
