"""Published responses of Lennard-Jones fluids: shear by three routes, and how the variance of a tangent grows."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffneq.drives import Constant
from diffneq.dynamics import Langevin
from diffneq.models import ColourDrift, Fluid, Forced, ShearProfile
from diffneq.particles.pair_laws import LennardJones
from diffneq.particles.space import absolute
from diffneq.response import METHODS, Problem, green_kubo, sample
from diffneq.response.derivatives.observed import Observation, Observed
from diffneq.simulation.loop import simulate
from diffneq.statistics import mean

pytestmark = pytest.mark.slow


def fluid(count, density, forcing):
    law = LennardJones(1.0, 1.0, 2.5, "force_shifted")
    return Forced(Fluid(law, ((count / density) ** (1 / 3),) * 3, (count,)), forcing)


def viscosity(response, length, density=0.7, damping_rate=1.0):
    """eta = rho (F_1/R' - g) (L/2 pi)^2 for the sine profile."""
    return density * (0.5 / response - damping_rate) * (length / (2 * np.pi)) ** 2


def test_shear_at_a_field(capsys):
    """T = 0.8, rho = 0.7, N = 1000, sine profile of amplitude 0.5: U_1/eta = 0.32541(12).

    Source: N. Blassel, G. Stoltz, J. Stat. Phys. 191, 17 (2024), data of the authors' repository NortonMethod.
    """
    model = fluid(1000, 0.7, ShearProfile("sine"))
    langevin, every = Langevin(0.004, 0.8, 1.0), 50
    run = {"keys": jax.random.split(jax.random.key(1), 2), "record_every": every, "record": (), "progress": False}
    first = simulate(model, langevin, Constant(0.5), steps=2500, **run)
    result = simulate(model, langevin, Constant(0.5), steps=75_000, start=first.state, **run)
    found = mean(result.records["flux"] / 0.5, every * 0.004)
    with capsys.disabled():
        print(f"\nU_1/eta at 0.5: {found}; viscosity {viscosity(found.value, float(model.box.lengths[0])):.4f}")
    assert found.error < 0.006 * found.value
    assert abs(found.z_score(0.32541)) < 4


def transverse_currents(model, state):
    """The twelve equivalent U_1: flow and gradient along any two axes, sine and cosine."""
    places = absolute(model.box, state.anchor, state.displacement)
    turns = [2 * jnp.pi * x / length for x, length in zip(places, model.box.lengths, strict=True)]
    waves = [wave(turn) for turn in turns for wave in (jnp.sin, jnp.cos)]
    pairs = [(g, f) for g in range(3) for f in range(3) if f != g]
    return [jnp.mean(waves[2 * g + k] * state.velocity[f]) for g, f in pairs for k in (0, 1)]


@dataclasses.dataclass(frozen=True)
class Current:
    """One of them."""

    number: int

    def __call__(self, model, state):
        return transverse_currents(model, state)[self.number]


def test_shear_without_a_field(capsys):
    """U_1/eta = (N/k_B T) int <U_1(0) U_1(t)> dt = 0.32178(29) at T = 0.8, rho = 0.7, N = 1000; twelve currents."""
    count, dt, every, temperature = 1000, 0.004, 10, 0.8
    functions = {f"u{k}": Observation(Current(k)) for k in range(12)}
    model = Observed(fluid(count, 0.7, ShearProfile("sine")), functions)
    run = {"keys": jax.random.split(jax.random.key(4), 2), "record_every": every, "record": (), "progress": False}
    first = simulate(model, Langevin(dt, temperature, 1.0), None, steps=2500, **run)
    result = simulate(model, Langevin(dt, temperature, 1.0), None, steps=200_000, start=first.state, **run)
    currents = np.stack([result.records[name] for name in functions], axis=1)
    found = green_kubo(currents, every * dt, area=1 / count, temperature=temperature, steps=every)
    with capsys.disabled():
        print(f"\nGreen-Kubo: U_1/eta = {found}; {found.warnings}")
    assert found.error < 0.03 * found.value
    assert abs(found.z_score(0.32178)) < 4


def test_shear_by_transient_time_correlation(capsys):
    """The same at a field of 1e-4, from one current of each daughter: the error is that of few samples."""
    model = fluid(1000, 0.7, ShearProfile("sine"))
    problem = Problem(model, Langevin(0.004, 0.8, 1.0), Constant(0.0), "flux", "drive.amplitude", 3.0, 10)
    ensemble = sample(problem, jax.random.key(2), replicas=16, snapshots=8, equilibration=8.0, spacing=2.0)
    found = METHODS["transient_time_correlation"](ensemble, change=1e-4).at(2.5)
    with capsys.disabled():
        print(f"\ntransient time correlation: U_1/eta = {found}")
    assert found.error < 0.3 * found.value
    assert abs(found.z_score(0.32178)) < 4


def test_variance_of_transient_subtraction(capsys):
    """Mobility, T = 1.25, rho = 0.6, N = 1000: variance of int R/eta over that with a kick of eta = 0.01 subtracted.

    5.7e5 at t = 1, where the trajectories begin to decouple, and 485 at t = 2; the tangent's grows 2500-fold between.
    Orders of magnitude are compared: 64 samples of a distribution with a heavy tail. Kicks of +-eta/2 are eta apart,
    and their difference with independent noise has twice the variance of int R/eta.
    Source: P. Monmarche, R. Spacek, G. Stoltz, arXiv:2410.00212 (2024), tables of the repository TransientSubtraction.
    """
    model = fluid(1000, 0.6, ColourDrift())
    problem = Problem(model, Langevin(0.002, 1.25, 1.0), Constant(0.0), "flux", "drive.amplitude", 2.05, 25)
    ensemble = sample(problem, jax.random.key(3), replicas=32, snapshots=2, equilibration=4.0, spacing=2.0)
    method = METHODS["transient_subtraction"]
    same = method(ensemble, change=0.005).diagnostics["variance"]
    naive = method(ensemble, change=0.005, same_noise=False).diagnostics["variance"] / 2
    tangent = METHODS["tangent"](ensemble).diagnostics["variance"]
    one, two = (int(np.argmin(np.abs(problem.times - t))) for t in (1.0, 2.0))
    ratios = naive[one] / same[one], naive[two] / same[two]
    with capsys.disabled():
        print(f"\nratios {ratios[0]:.3g}, {ratios[1]:.3g}; tangent {tangent[one]:.3g} -> {tangent[two]:.3g}")
    assert 5e4 < ratios[0] < 5e6
    assert 5e1 < ratios[1] < 5e3
    assert 1e2 < tangent[two] / tangent[one] < 1e5
