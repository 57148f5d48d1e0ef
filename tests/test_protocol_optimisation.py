"""Protocols of least work by gradients through the simulation: those with closed forms, and others."""

from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffneq.fluctuations.protocol_optimisation import Driving, JarzynskiVariance, MeanWork, optimise
from diffneq.models import EnergyModel
from diffneq.plotting.work import optimised_protocol
from diffneq.simulation.rollout import rollout
from diffneq.stochastic import (
    BreathingTrap,
    DraggedDoubleWell,
    DraggedTrap,
    Overdamped,
    PiecewiseLinear,
    PulledChain,
    canonical,
)

KEY = jax.random.key(4)
COLD = 1e-26  # noise below round-off


def thermal(count, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=count).astype(np.float32))


def dragged(steps, count, duration=1.0):
    return Driving(DraggedTrap(1.0), Overdamped(duration / steps, 1.0), thermal(count), steps)


def mean_work_of_dragging(protocol, steps=100, duration=1.0):
    """Exact: the trap is harmonic, so mean work is the work of the mean path, without noise."""
    return float(Driving(DraggedTrap(1.0), Overdamped(duration / steps, COLD), jnp.zeros(1), steps)(protocol, KEY)[0])


@pytest.mark.slow
def test_dragged_trap_lands_on_schmiedl_and_seifert():
    """k = gamma = L = t = 1: W* = 1/(t + 2) = 1/3 within 1 %, with jumps 1/(t + 2) to (t + 1)/(t + 2)."""
    ramp = PiecewiseLinear.ramp(0.0, 1.0, 1.0, knots=4)
    found = optimise(dragged(100, 1024), ramp, KEY, iterations=120, progress=False)
    assert mean_work_of_dragging(ramp) == pytest.approx(np.exp(-1), rel=0.01)
    assert mean_work_of_dragging(found.protocol) == pytest.approx(1 / 3, rel=0.01)
    np.testing.assert_allclose(found.protocol.values, 1 / 3 + np.arange(4) / 9, atol=0.04)
    assert float(found.protocol.start) == 0.0 and float(found.protocol.stop) == 1.0
    for estimate, exact in ((found.before, np.exp(-1)), (found.after, 1 / 3), (found.saving, np.exp(-1) - 1 / 3)):
        assert abs(estimate.value - exact) < 4 * estimate.error + 0.002
    assert found.saving.error < 0.6 * found.after.error  # the same noise before and after
    assert found.history.shape == (121,) and "saving" in str(found)


def mean_work_of_breathing(protocol, duration, steps=20_000):
    """<W> = (1/2) int k' s dt with s' = 2 - 2 k s, each step exactly at constant k."""
    stiffness = np.asarray(jax.vmap(protocol)(jnp.arange(steps + 1) * (duration / steps)), float)
    square, work = 1 / stiffness[0], 0.0
    for now, then in pairwise(stiffness):
        work += (then - now) * square / 2
        square = 1 / then + (square - 1 / then) * np.exp(-2 * then * duration / steps)
    return work


@pytest.mark.slow
def test_breathing_trap_lands_on_schmiedl_and_seifert():
    """k from 1 to 2 in t = 1: W* = 0.402918361 (the ramp: 0.412465799), k(0+) = 1.190983, k(t-) = 1.763932."""
    ramp = PiecewiseLinear.ramp(1.0, 2.0, 1.0, knots=5)
    work = Driving(BreathingTrap(), Overdamped(0.01, 1.0), thermal(8192), 100)
    found = optimise(work, ramp, KEY, iterations=200, progress=False)
    assert mean_work_of_breathing(ramp, 1.0) == pytest.approx(0.412465798535, rel=1e-4)
    assert mean_work_of_breathing(found.protocol, 1.0) == pytest.approx(0.402918361125, rel=0.002)
    np.testing.assert_allclose(found.protocol.values[jnp.array([0, -1])], [1.190983, 1.763932], atol=0.06)


@pytest.mark.slow
def test_jarzynski_variance_of_dragging():
    """W is Gaussian with var = 2 <W>, so the same protocol is best: exp(2/3) - 1 instead of exp(2/e) - 1."""
    ramp = PiecewiseLinear.ramp(0.0, 1.0, 1.0, knots=4)
    found = optimise(dragged(100, 16384), ramp, KEY, JarzynskiVariance(1.0), iterations=150, progress=False)
    assert mean_work_of_dragging(found.protocol) == pytest.approx(1 / 3, rel=0.01)
    for estimate, exact in ((found.before, np.expm1(2 / np.e)), (found.after, np.expm1(2 / 3))):
        assert abs(estimate.value - exact) < 4 * estimate.error + 0.01
    assert found.saving.value > 5 * found.saving.error


@pytest.mark.slow
def test_double_well_without_closed_form():
    """A bead dragged across a barrier of 4 kT: less work than by the ramp, far beyond errors, and above dF = 0."""
    well = DraggedDoubleWell(barrier=4.0, width=1.0, stiffness=8.0)
    start = canonical(well, -1.5, 1.0, jax.random.key(1), jnp.full(8192, -1.1), moves=400)
    work = Driving(well, Overdamped(0.01, 1.0), start, 200)
    found = optimise(work, PiecewiseLinear.ramp(-1.5, 1.5, 2.0, knots=9), KEY, iterations=200, progress=False)
    print("double well:", found)
    assert found.saving.value > 20 * found.saving.error and found.saving.value > 0.1 * found.before.value
    assert found.after.value > 0


@pytest.mark.slow
def test_pulled_chain_without_closed_form():
    """Eight beads on springs that stiffen, pulled at one end: many particles, one protocol."""
    chain = PulledChain(spring=4.0, rest=1.0, stiffness=8.0, quartic=2.0)
    rest = jnp.tile(jnp.arange(1.0, 9.0), (1024, 1))
    start = canonical(chain, 8.0, 1.0, jax.random.key(1), rest, moves=2000)
    work = Driving(chain, Overdamped(0.02, 1.0), start, 100)
    found = optimise(work, PiecewiseLinear.ramp(8.0, 12.0, 2.0, knots=6), KEY, iterations=100, progress=False)
    free_energy = chain_free_energy(chain, 12.0) - chain_free_energy(chain, 8.0)
    lost = [estimate.value - free_energy for estimate in (found.before, found.after)]
    print("chain:", found, "of which reversible", free_energy, "dissipated", lost)
    assert found.saving.value > 10 * found.saving.error and 0 < lost[1] < 0.95 * lost[0]


def chain_free_energy(chain, end, beads=8):
    """-ln Z(end) but for a constant: lengths of bonds are independent, their sum is held by the trap."""
    r = np.arange(-4096, 4096) * 0.01
    density = np.exp(-(float(chain.spring) * (r - 1) ** 2 / 2 + float(chain.quartic) * (r - 1) ** 4 / 4))
    total = np.fft.fft(np.fft.ifftshift(density)) ** beads
    total = np.fft.fftshift(np.fft.ifft(total).real)
    return -np.log(np.sum(total * np.exp(-float(chain.stiffness) * (r - end) ** 2 / 2)))


def wells(positions, k):
    return 0.5 * k * jnp.sum((positions - 20.0) ** 2)


class ParticleWork(eqx.Module):
    """Works of replicas of a particle model, by `rollout`."""

    model: EnergyModel
    start: tuple

    def __call__(self, protocol, key):
        from diffneq.dynamics import Langevin
        from diffneq.dynamics.protocol import ProtocolWork

        dynamics = ProtocolWork(Langevin(0.1, 1.0, 2.0), "model.parameters.k", protocol)

        def one(key, positions, velocities):
            _, records = rollout(self.model, dynamics, start=(positions, velocities), key=key, steps=20)
            return jnp.sum(records["work"] + records["shadow_work"])

        keys = jax.random.split(key, self.start[0].shape[0])
        return jax.vmap(one)(keys, *self.start)


@pytest.mark.slow
def test_through_the_particle_engine():
    """Four discs in wells that stiffen: saving by gradients through `rollout`, above dF = (dN/2) ln 2."""
    random = np.random.default_rng(0)
    start = tuple(jnp.asarray(c + random.normal(size=(1024, 4, 2)).astype(np.float32)) for c in (20.0, 0.0))
    model = EnergyModel(wells, (40.0, 40.0), (4,), parameters={"k": 1.0})
    ramp = PiecewiseLinear.ramp(1.0, 2.0, 2.0, knots=4)
    found = optimise(ParticleWork(model, start), ramp, KEY, iterations=60, progress=False)
    print("particles:", found)
    assert found.saving.value > 5 * found.saving.error
    assert found.after.value > 4 * np.log(2) - 4 * found.after.error


def test_refusals_and_a_picture():
    ramp = PiecewiseLinear.ramp(0.0, 1.0, 1.0, knots=2)
    with pytest.raises(ValueError, match="no float leaves that may be moved"):
        optimise(dragged(4, 64), ramp, KEY, fixed=("start", "stop", "duration", "values"), progress=False)
    with pytest.raises(ValueError, match="at least 64 trajectories"):
        optimise(dragged(4, 10), ramp, KEY, progress=False)
    with pytest.raises(ValueError, match="not finite at iteration 0"):
        optimise(dragged(4, 64), ramp, KEY, lambda w: jnp.sum(w) / 0.0, iterations=2, progress=False)
    assert MeanWork()(jnp.array([1.0, 3.0])) == 2.0
    random = np.random.default_rng(0)
    works = random.normal(size=(2, 99))
    figure = optimised_protocol([0, 1], [0, 1], [0.3, 0.7], *works, exact=[0, 1])
    assert [axes.get_xlabel() for axes in figure.axes] == ["time  $t$", "work  $W$  [$k_BT$]"]
    with pytest.raises(ValueError, match="of one length"):
        optimised_protocol([0, 1], [0, 1, 2], [0, 1], [1.0, 2.0], [1.0, 2.0])
