"""Derivatives along chaotic trajectories: measured, refused past their horizon; reverse mode in little memory."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import diffneq.simulation.chunk as chunk
from diffneq.drives import Constant
from diffneq.dynamics import Langevin, Verlet
from diffneq.models import EnergyModel, Fluid
from diffneq.particles.pair_laws import Hertzian
from diffneq.response.derivatives import METHODS, Problem, compare, derivative, sample
from diffneq.simulation.rollout import list_plan, rollout


def crowd():
    """Soft discs, every other one charged, that collide often."""
    return Fluid(Hertzian(100.0, 1.0), (5.0, 5.0), (12, 12), charge=(1.0, 0.0))


def question(time):
    langevin = Langevin(0.01, 1.0, 0.2)
    return Problem(crowd(), langevin, Constant(0.0), "current", "drive.amplitude", time, 10)


@pytest.mark.slow
def test_the_tangent_grows_and_is_refused_past_its_horizon():
    ensemble = sample(question(8.0), jax.random.key(0), replicas=32, snapshots=1, equilibration=5.0)
    result = compare(ensemble, ("tangent", "coupled", "transient_time_correlation"), {"coupled": {"change": 0.05}})
    curve = result.curves["tangent"]
    rate, horizon = curve.diagnostics["growth_rate"], curve.diagnostics["horizon"]
    assert rate > 5 * curve.diagnostics["growth_rate_error"] > 0
    assert 0 < horizon < 8.0
    assert "exp(" in result.refused["tangent"] and "coupled" in result.refused["tangent"]
    assert set(result.estimates()) == {"coupled", "transient_time_correlation"}
    assert "refused" in result.table()
    # before the horizon the tangent is right, and far better than the methods that subtract noise
    early = np.searchsorted(curve.time, 0.5)
    sound = result.curves["transient_time_correlation"]
    both = np.hypot(sound.error[early], curve.error[early])
    assert abs(sound.value[early] - curve.value[early]) < 4 * both
    assert curve.error[early] < 0.2 * sound.error[early]
    # the slope of ln |tangent| is that of the separation of two near trajectories: they decouple at some time
    assert curve.error[-1] > 20 * curve.error[early]
    with pytest.raises(ValueError, match="past t = "):
        derivative(
            crowd(), Langevin(0.01, 1.0, 0.2), Constant(0.0), observable="current", parameter="drive.amplitude",
            time=8.0, key=jax.random.key(0), method="tangent", replicas=32, snapshots=1, record_every=10,
            equilibration=5.0, progress=False,
        )  # fmt: skip


def test_methods_compile_once():
    """Other starts, other keys and another change run in the programs of the first call."""
    model = EnergyModel(lambda R: 0.0 * R.sum(), (4.0,), (1,), charge=1.0)
    problem = Problem(model, Langevin(0.05, 1.0, 1.0), Constant(0.0), "current", "drive.amplitude", 2.0, 2)
    ensemble = sample(problem, jax.random.key(0), replicas=8, snapshots=2)
    names = ("transient_time_correlation", "coupled", "transient_subtraction")
    for name in names:
        METHODS[name](ensemble, change=0.1)

    before = chunk._compiled._cached._cache_size()
    for name in names:
        METHODS[name](ensemble, change=0.3)
    assert chunk._compiled._cached._cache_size() == before


@pytest.mark.slow
def test_reverse_mode_needs_the_square_root_of_the_steps():
    def memory(steps):
        model = Fluid(Hertzian(100.0, 1.0), (40.0, 40.0), (400,), charge=1.0)
        place, speed = (jnp.stack(x, 1) for x in model.initial(jax.random.key(0), 1.0))

        plan = list_plan(model)

        def final(field):
            start = (place, speed)
            _, records = rollout(
                model, Verlet(0.01), Constant(field), start=start, key=jax.random.key(1), steps=steps, plan=plan
            )
            return records["current"][-1]

        return jax.jit(jax.grad(final)).lower(0.0).compile().memory_analysis().temp_size_in_bytes

    short, middle, long = (memory(n) for n in (100, 1600, 25600))
    state = 400 * 2 * 3 * 4  # bytes of positions, velocities and forces
    # 16 times as many steps, 4 times as many states
    assert (long - middle) < 6 * (middle - short)
    assert long - short < 6 * np.sqrt(25600) * state
