"""Published responses of Lennard-Jones fluids: shear by three routes, and how the variance of a tangent grows."""

import jax
import numpy as np
import pytest

from diffneq.drives import Constant
from diffneq.dynamics import Langevin
from diffneq.models import ColourDrift, Fluid, Forced, ShearProfile
from diffneq.particles.pair_laws import LennardJones
from diffneq.response import METHODS, Problem, sample
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


@pytest.mark.parametrize("method", ["fluctuation_dissipation", "transient_time_correlation"])
def test_shear_at_vanishing_field(method, capsys):
    """The same at vanishing field: U_1/eta = 0.32178(29), by runs that are driven weakly or not at all."""
    model = fluid(1000, 0.7, ShearProfile("sine"))
    problem = Problem(model, Langevin(0.004, 0.8, 1.0), Constant(0.0), "flux", "drive.amplitude", 3.0, 10)
    ensemble = sample(problem, jax.random.key(2), replicas=16, snapshots=8, equilibration=8.0, spacing=2.0)
    options = {} if method == "fluctuation_dissipation" else {"change": 1e-4}
    found = METHODS[method](ensemble, **options).at(2.5)
    with capsys.disabled():
        print(f"\n{method}: U_1/eta = {found}")
    assert found.error < 0.3 * found.value
    assert abs(found.z_score(0.32178)) < 4


def test_variance_of_transient_subtraction(capsys):
    """Mobility, T = 1.25, rho = 0.6: variance of the naive difference over that with the same noise, kick 0.01.

    5.7e5 at t = 1, where the trajectories begin to decouple, and 485 at t = 2; the tangent's grows 2500-fold between.
    Orders of magnitude are compared, at N = 216 instead of 1000.
    Source: P. Monmarche, R. Spacek, G. Stoltz, arXiv:2410.00212 (2024), tables of the repository TransientSubtraction.
    """
    model = fluid(216, 0.6, ColourDrift())
    problem = Problem(model, Langevin(0.002, 1.25, 1.0), Constant(0.0), "flux", "drive.amplitude", 2.05, 25)
    ensemble = sample(problem, jax.random.key(3), replicas=128, snapshots=2, equilibration=4.0, spacing=2.0)
    method = METHODS["transient_subtraction"]
    same = method(ensemble, change=0.01).diagnostics["variance"]
    naive = method(ensemble, change=0.01, same_noise=False).diagnostics["variance"]
    tangent = METHODS["tangent"](ensemble).diagnostics["variance"]
    one, two = (int(np.searchsorted(problem.times, t)) for t in (1.0, 2.0))
    ratios = naive[one] / same[one], naive[two] / same[two]
    with capsys.disabled():
        print(f"\nratios {ratios[0]:.3g}, {ratios[1]:.3g}; tangent {tangent[one]:.3g} -> {tangent[two]:.3g}")
    assert 5e4 < ratios[0] < 5e6
    assert 5e1 < ratios[1] < 5e3
    assert 1e2 < tangent[two] / tangent[one] < 1e5
