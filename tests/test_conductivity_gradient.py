"""The gradient of a conductivity with respect to a parameter of the potential, by coupled runs and by long ones."""

import equinox as eqx
import jax
import numpy as np
import pytest

from diffneq.drives import Constant
from diffneq.dynamics import Norton, PeculiarLangevin
from diffneq.models import Fluid
from diffneq.particles.pair_laws import WCA
from diffneq.response import METHODS, Problem, sample
from diffneq.response.conductivity import constant_current
from diffneq.simulation.loop import simulate
from diffneq.statistics import Estimate

FIELD, DT, CHANGE = 0.5, 0.005, 0.5


def salt() -> Fluid:
    """Thirty-two ions of either sign that repel one another, n sigma^2 = 0.5."""
    return Fluid(WCA(1.0, 1.0), (8.0, 8.0), (16, 16), charge=(1.0, -1.0))


def conductivity(model: Fluid, flux: float, seed: int) -> Estimate:
    """At constant current, from 16 runs of 200 times."""
    dynamics, keys = Norton(DT, 1.0, 1.0, flux, peculiar=True), jax.random.split(jax.random.key(seed), 16)
    start = simulate(model, dynamics, keys=keys, steps=2000, progress=False, devices=1).state
    records = simulate(model, dynamics, keys=keys, steps=40_000, start=start, progress=False, devices=1).records
    return constant_current(records["multiplier"], flux, float(model.box.volume), 10 * DT)


@pytest.mark.slow
def test_gradient_with_respect_to_the_repulsion():
    """d<J>/d(epsilon) at constant field, by runs with the same noise at epsilon +- 0.5, past the relaxation time; and
    d(conductivity)/d(epsilon) by the same difference of long runs at constant current."""
    model = salt()
    problem = Problem(
        model,
        PeculiarLangevin(DT, 1.0, 1.0),
        Constant(FIELD),
        "current",
        "model.law.epsilon",
        time=6.0,
        record_every=20,
    )
    ensemble = sample(problem, jax.random.key(1), replicas=64, snapshots=8, equilibration=10.0)
    response = METHODS["coupled"](ensemble, change=CHANGE).at(since=3.0)
    volume = float(model.box.volume)
    gradient = Estimate(response.value / (volume * FIELD), response.error / (volume * FIELD))
    middle = conductivity(model, 10.0, 2)
    flux = middle.value * FIELD * volume
    low, high = (
        conductivity(eqx.tree_at(lambda m: m.law.epsilon, model, model.law.epsilon + step), flux, seed)
        for seed, step in ((3, -CHANGE), (4, CHANGE))
    )
    slope = Estimate((high.value - low.value) / (2 * CHANGE), np.hypot(high.error, low.error) / (2 * CHANGE))

    assert gradient.value < -3 * gradient.error and slope.value < -3 * slope.error
    assert abs(gradient.z_score(slope)) < 4
