"""A parameter of a particle model that follows a protocol: exact work relations at a long step, energy, derivatives."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from scipy.optimize import minimize
from systems import coupled, start_of, z_score

from diffneq.drives import Constant, Ramp
from diffneq.dynamics import Langevin
from diffneq.dynamics.protocol import ProtocolWork
from diffneq.models import EnergyModel, Fluid
from diffneq.particles.pair_laws import WCA, Hertzian
from diffneq.particles.space import absolute
from diffneq.simulation.loop import simulate
from diffneq.simulation.rollout import rollout
from diffneq.stochastic import PiecewiseLinear, reverse

KEY = jax.random.key(3)


def wells(positions, k):
    """Independent harmonic wells in the middle of a box of 40."""
    return 0.5 * k * jnp.sum((positions - 20.0) ** 2)


def in_wells(replicas, count, k, seed=0):
    random = np.random.default_rng(seed)
    shape = (replicas, count, 2)
    return 20.0 + random.normal(size=shape) / np.sqrt(k), random.normal(size=shape)


def test_jarzynski_for_particles_in_wells():
    """k from 1 to 2, two discs: <exp(-(W + W_shadow))> = (1/2)^(dN/2) at h = 1; protocol work alone misses it."""
    model = EnergyModel(wells, (40.0, 40.0), (2,), parameters={"k": 1.0})
    dynamics = ProtocolWork(Langevin(1.0, 1.0, 1.0), "model.parameters.k", Ramp(1.0, 2.0, 4.0))
    keys = jax.random.split(KEY, 30_000)
    result = simulate(
        model, dynamics, keys=keys, steps=4, record_every=2, start=in_wells(30_000, 2, 1.0), progress=False,
        record=("potential_energy",),
    )  # fmt: skip
    work, shadow = result.records["work"].sum(axis=1), 2 * result.records["shadow_work"].sum(axis=1)
    np.testing.assert_allclose(work, 2 * result.records["protocol_work"].sum(axis=1), atol=1e-4)
    assert abs(z_score(np.exp(-(work + shadow)), 0.25)) < 4
    assert abs(z_score(np.exp(-work), 0.25)) > 6  # the test can tell
    # Energies and records are of the model as it is then.
    np.testing.assert_allclose(result.diagnostics["energy_error"], shadow, atol=2e-4)
    places = np.stack([result.positions(r) for r in range(20)])
    energy = 2.0 * np.sum((places - 20.0) ** 2, axis=(1, 2)) / 2
    np.testing.assert_allclose(result.records["potential_energy"][:20, -1], energy, rtol=1e-3)
    assert result.units["protocol_work"] == "k_B T"


def test_energy_balance_with_a_drive(x64):
    """dE = W_drive + W_protocol + W_shadow + Q, the energies computed from positions and velocities alone."""
    model, protocol = coupled((4,)), PiecewiseLinear(0.9, 1.7, 0.5, [1.1, 1.4])
    dynamics = ProtocolWork(Langevin(0.05, 0.8, 0.7), "model.parameters.a", protocol)
    energies, works = [], []
    for steps in (0, 11):
        if not steps:
            places, velocities = start_of(model)
        else:
            state, records = rollout(model, dynamics, Constant(0.6), start=start_of(model), key=KEY, steps=steps)
            velocities = jnp.stack(state.velocity, axis=1)
            places = _places(model, state)
            names = ("work", "heat", "shadow_work")
            works.append([float(jnp.sum(records[name])) for name in names])
            assert abs(float(jnp.sum(records["work"] - records["protocol_work"]))) > 1e-3  # the drive's
        now = protocol(0.05 * steps)
        kinetic = float(model.mass[0] / 2 * jnp.sum(velocities**2))
        energies.append(kinetic + float(model.energy_fn(places, a=now)))
    np.testing.assert_allclose(np.array(energies[1:]) - energies[0], np.sum(works, axis=1), atol=1e-10)
    assert np.all(np.abs(works) > 1e-4)


def _places(model, state):
    return jnp.stack(absolute(model.box, state.anchor, state.displacement), axis=1)


@pytest.mark.slow
def test_derivatives_of_the_work(x64):
    """d(W + 0.3 W_shadow)/d(protocol, model, dynamics) through `rollout`, against central differences."""
    system = (
        coupled((3,)),
        ProtocolWork(Langevin(0.06, 0.8, 0.7), "model.parameters.a", PiecewiseLinear(0.9, 1.7, 0.53, [1.1, 1.4])),
    )
    arrays, static = eqx.partition(system, eqx.is_inexact_array)
    flat, unravel = ravel_pytree(arrays)

    def value(leaves):
        model, dynamics = eqx.combine(unravel(leaves), static)
        _, records = rollout(model, dynamics, start=start_of(system[0]), key=KEY, steps=10)
        return jnp.sum(records["work"] + 0.3 * records["shadow_work"])

    quick = {"xla_backend_optimization_level": 0}
    found = np.asarray(jax.jit(jax.grad(value), compiler_options=quick)(flat))
    plain = jax.jit(lambda x: jax.jvp(value, (x,), (x,))[0], compiler_options=quick)
    expected = np.array([float(plain(flat + h) - plain(flat - h)) / 2e-6 for h in 1e-6 * np.eye(flat.size)])
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * np.max(np.abs(expected)))
    slopes = unravel(found)[1].protocol
    assert float(slopes.start) != 0 and float(slopes.stop) != 0 and np.all(np.asarray(slopes.values) != 0)


def test_refusals():
    inner, fluid = Langevin(0.01, 1.0, 1.0), Fluid(WCA(1.0, 1.0), (8.0, 8.0), (10,))
    ramp = Ramp(1.0, 2.0, 1.0)
    with pytest.raises(ValueError, match="protocol must be a function"):
        ProtocolWork(inner, "model.law.epsilon", 2.0)
    cases = {
        "how far forces reach": ("model.law.sigma", ramp),
        "of the model's energy": ("dynamics.dt", ramp),
        "not 'model.box.lengths'": ("model.box.lengths", ramp),
        "has no parameter": ("model.law.stiffness", ramp),
        "one number for each replica": ("model.law.epsilon", Constant(jnp.ones(3))),
    }
    for sentence, (path, protocol) in cases.items():
        with pytest.raises(ValueError, match=sentence):
            ProtocolWork(inner, path, protocol).check(fluid)
    ProtocolWork(inner, "model.law.epsilon", ramp).check(fluid)


@pytest.mark.slow
def test_crooks_for_a_fluid():
    """Sixteen soft discs stiffened and softened at a long step: ln P_F(W)/P_R(-W) = W - dF, the slope being one."""
    duration, dt, replicas = 1.0, 0.05, 2500
    model = Fluid(Hertzian(10.0, 1.5), (6.0, 6.0), (16,))
    forward = PiecewiseLinear.ramp(10.0, 30.0, duration)
    works = []
    for index, protocol in enumerate((forward, reverse(forward, duration))):
        here = eqx.tree_at(lambda m: m.law.stiffness, model, jnp.asarray(float(protocol(0.0))))
        keys = jax.random.split(jax.random.key(index), replicas)
        settled = simulate(here, Langevin(0.02, 1.0, 1.0), keys=keys, steps=1000, progress=False)
        again = eqx.tree_at(lambda s: s.step, settled.state, jnp.zeros_like(settled.state.step))
        dynamics = ProtocolWork(Langevin(dt, 1.0, 1.0), "model.law.stiffness", protocol)
        run = simulate(here, dynamics, keys=jax.random.split(jax.random.key(9 + index), replicas),
                       steps=20, record_every=20, start=again, progress=False)  # fmt: skip
        works.append(run.records["work"][:, 0] + 20 * run.records["shadow_work"][:, 0])
    ahead, back = works[0], -works[1]
    loss = lambda p: np.mean(np.logaddexp(0, -(p[0] * ahead - p[1]))) + np.mean(np.logaddexp(0, p[0] * back - p[1]))
    found = minimize(loss, [1.0, np.mean(ahead + back) / 2])
    error = np.sqrt(np.linalg.inv(_information(loss, found.x) * replicas)[0, 0])
    assert error < 0.15 and np.mean(ahead) - np.mean(back) > 0.5
    assert abs(found.x[0] - 1) < 4 * error


def _information(loss, place, h=1e-3):
    """Second derivatives by differences."""
    slope = lambda p, a: (loss(p + a) - loss(p - a)) / (2 * h)
    steps = h * np.eye(2)
    return np.array([[(slope(place + b, a) - slope(place - b, a)) / (2 * h) for a in steps] for b in steps])
