"""The ratchet: golden numbers, laws of thermodynamics, closed forms, gradients, and trajectories against solutions."""

import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import cumulative_simpson

from diffneq.models.ratchet import (
    FourierSeries,
    Ratchet,
    affinity,
    levels,
    overdamped,
    rates,
    simulate_ratchet,
    stall_torque,
    underdamped,
)
from diffneq.plotting.ratchet import hidden_entropy, ratchet_efficiency
from diffneq.studies.ratchet import RatchetOptions, run

SIZE = (31, 16)
COUNT = 4096


@pytest.mark.parametrize(
    "mass, sigma_1, leak, sigma_2", [(0.1, 1.801209, 1.787086, 0.01427084), (0.01, 17.885488, 17.870858, 0.01483191)]
)
def test_the_check_case(x64, mass, sigma_1, leak, sigma_2):
    """Numbers of an independent solution of the three levels, for the parameters that are the default."""
    found = levels(Ratchet(mass=mass), *SIZE)
    assert float(found.current) == pytest.approx(0.01319684, rel=1e-6)
    assert float(found.sigma_3) == pytest.approx(0.00931983, rel=1e-6)
    assert float(found.hidden_23_limit) == pytest.approx(0.00558229, rel=1e-6)
    assert float(found.sigma_1) == pytest.approx(sigma_1, rel=1e-6)
    assert float(found.hidden_12_limit) == pytest.approx(leak, rel=1e-6)
    assert float(found.sigma_2) == pytest.approx(sigma_2, rel=1e-6)
    # identities of the exact solution, which the discrete one keeps
    assert float(found.sigma_1 - found.sigma_2) == pytest.approx(float(found.hidden_12), rel=1e-12)
    assert abs(float(found.heat_1 + found.heat_2 - found.power_underdamped)) < 1e-12


def test_single_precision_keeps_four_digits():
    found = levels(Ratchet(mass=0.1), *SIZE)
    assert found.sigma_2.dtype == jnp.float32
    assert float(found.sigma_2) == pytest.approx(0.01427084, rel=1e-4)
    assert float(found.current_underdamped) == pytest.approx(0.012883429, rel=1e-4)


def test_hidden_entropy_production_tends_to_its_formulas(x64):
    """sigma_1 - sigma_2 ~ 1/m to relative order m, sigma_2 - sigma_3 to its limit to order m."""
    heavy, light = (levels(Ratchet(mass=m), *SIZE) for m in (0.01, 0.001))
    for name in ("hidden_12", "hidden_23"):
        gaps = [float(getattr(x, name) / getattr(x, f"{name}_limit")) - 1 for x in (heavy, light)]
        assert abs(gaps[1]) < 2e-3
        assert gaps[0] / gaps[1] == pytest.approx(10, rel=0.1)


def test_equilibrium(x64):
    """One temperature and no torque: no current, no entropy production on any level, canonical density."""
    still = Ratchet(temperatures=(0.8, 0.8), torque=0.0, mass=0.1)
    found, full = levels(still, *SIZE), underdamped(still, *SIZE)
    for name in ("current", "current_underdamped", "sigma_1", "sigma_2", "sigma_3", "heat_1"):
        assert abs(float(getattr(found, name))) < 1e-13
    weight = jnp.exp(-still.potential(full.angle) / 0.8)
    canonical = weight / full.integral(weight)
    np.testing.assert_allclose(full.density, canonical, rtol=1e-7)
    np.testing.assert_allclose(full.kinetic, 0.8 * full.density, rtol=1e-9)


def test_the_overdamped_current_has_a_closed_form(x64):
    """y = T_e rho obeys y' = (F/T_e) y - Gamma J on the ring: two quadratures give J, here by Simpson's rule."""
    ratchet = Ratchet(
        (0.4, 1.1), -0.3, frictions=(0.7, 2.0), potential=FourierSeries(0.0, (0.5, 0.2, 0.1), (1.0, -0.4, 2.0)),
        pawl_slope=FourierSeries(0.6, (0.3, -0.4), (0.0, 1.3)),
    )  # fmt: skip
    angle = np.linspace(0, 2 * np.pi, 20001)
    force, bath, friction = (
        np.asarray(f(jnp.asarray(angle))) for f in (ratchet.force, ratchet.effective_temperature, ratchet.friction)
    )
    step = lambda y: np.concatenate([[0.0], cumulative_simpson(y, x=angle)])
    phi = step(force / bath)
    inner = step(friction * np.exp(-phi))
    start = inner[-1] * np.exp(phi[-1]) / (np.exp(phi[-1]) - 1)
    density = np.exp(phi) * (start - inner) / bath  # over J
    exact = 1 / step(density)[-1]
    solved = overdamped(ratchet, 95)
    assert float(solved.current) == pytest.approx(exact, rel=1e-9)
    assert float(affinity(ratchet)) == pytest.approx(phi[-1], rel=1e-9)
    found = np.interp(np.asarray(solved.angle), angle, density * exact)
    np.testing.assert_allclose(solved.density, found, rtol=1e-6)


@pytest.mark.parametrize("mass", [0.1, pytest.param(10.0, marks=pytest.mark.slow)])
def test_the_solution_does_not_depend_on_its_resolution(x64, mass):
    """Strong and weak friction; a current to every moment: the momentum equation, int F rho = int Gamma J."""
    ratchet = Ratchet(mass=mass)
    coarse, fine = underdamped(ratchet, 31, 32), underdamped(ratchet, 63, 64)
    assert float(coarse.current) == pytest.approx(float(fine.current), rel=1e-6)
    balance = fine.integral(ratchet.force(fine.angle) * fine.density)
    assert float(balance) == pytest.approx(float(fine.current * fine.integral(ratchet.friction(fine.angle))), rel=1e-10)


def test_gradients_against_differences(x64):
    """Reverse mode on every kind of parameter; forward mode is tested with the study, which uses it."""
    mix = {"current_underdamped": 10.0, "sigma_1": 1.0, "sigma_2": 30.0, "sigma_3": 50.0, "hidden_23_limit": 20.0}

    @eqx.filter_jit
    @eqx.filter_value_and_grad
    def mixed(ratchet):
        found = levels(ratchet, *SIZE)
        return sum(weight * getattr(found, name) for name, weight in mix.items())

    ratchet = Ratchet()
    gradient = mixed(ratchet)[1]
    for pick in (
        lambda r: r.torque,
        lambda r: r.mass,
        lambda r: r.temperatures,
        lambda r: r.frictions,
        lambda r: r.potential.amplitude,
        lambda r: r.pawl_slope.phase,
    ):
        value, h = pick(ratchet), 1e-5
        shift = h * jnp.zeros_like(value).at[(0,) * value.ndim].set(1.0)
        ends = [mixed(eqx.tree_at(pick, ratchet, value + sign * shift))[0] for sign in (1, -1)]
        assert float(pick(gradient).ravel()[0]) == pytest.approx(float(ends[0] - ends[1]) / (2 * h), rel=1e-6)


def test_efficiency(x64):
    """Level 1 is the truth, P/Q_hot, and O(m); level 3 reaches Carnot's at stall, level 2 neither."""
    stall = float(stall_torque(Ratchet()))
    loaded = [levels(Ratchet(torque=stall / 2, mass=m), *SIZE) for m in (0.1, 0.01)]
    one = loaded[0]
    assert float(one.efficiency[0]) == pytest.approx(float(one.power_underdamped / one.heat_1), rel=1e-10)
    eta = np.array([x.efficiency for x in loaded])
    assert np.all((0 < eta) & (eta < 0.5)) and np.all(np.diff(eta, axis=1) > 0)
    assert eta[0, 0] / eta[1, 0] == pytest.approx(10, rel=0.1)
    assert eta[0, 1] / eta[1, 1] == pytest.approx(1, rel=0.03)
    near = levels(Ratchet(torque=stall * 0.9999, mass=0.001), *SIZE)
    assert float(near.efficiency[2]) == pytest.approx(0.5, rel=1e-3)
    assert abs(float(near.efficiency[1])) < 1e-3
    still = levels(Ratchet(torque=stall), *SIZE)
    assert abs(float(still.current)) < 1e-15


def test_trajectories_find_the_rates_of_the_solutions():
    """Fixed keys, independent rotors; z-scores of at most 4. Gamma dt/m reaches 1.4 for the light rotor."""
    for mass, dt in ((0.1, 0.02), (0.01, 0.0065)):
        ratchet = Ratchet(mass=mass)
        exact = levels(ratchet, *SIZE)
        found = simulate_ratchet(ratchet, jax.random.key(3), 1000 * dt, dt, COUNT, progress=False)
        measured = rates(ratchet, found)
        for name in ("current_underdamped", "sigma_1", "sigma_2", "heat_1", "heat_2", "hidden_12"):
            assert abs(measured[name].z_score(float(getattr(exact, name)))) < 4, name
            assert not measured[name].warnings
        assert measured["sigma_1"].error < 5e-3 * measured["sigma_1"].value
        # first law of each rotor: what the step leaves is small beside the heat that it exchanges
        left = found.energy_change - found.heat - 0.1 * found.turned
        assert np.std(left) < 0.1 * np.std(found.heat)
        assert _chi_squared(underdamped(ratchet, *SIZE), found.angle) < 4


@pytest.mark.slow
def test_trajectories_without_inertia():
    """Level 3, at a step at which the rotor diffuses by 0.24: the current, its entropy production, the density."""
    ratchet = Ratchet()
    exact = levels(ratchet, *SIZE)
    run = simulate_ratchet(ratchet, jax.random.key(4), 20.0, 0.02, COUNT // 2, inertia=False, progress=False)
    measured = rates(ratchet, run)
    assert abs(measured["current"].z_score(float(exact.current))) < 4
    assert abs(measured["sigma_3"].z_score(float(exact.sigma_3))) < 4
    assert _chi_squared(overdamped(ratchet, 31), run.angle) < 4


def _chi_squared(solution, angles: np.ndarray) -> float:
    """Standard errors by which chi^2 of a histogram exceeds its mean; bins around the points of the solution."""
    points = solution.angle.size
    bins = np.round(angles / (2 * np.pi / points)).astype(int) % points
    expected = angles.size * np.asarray(solution.density, float) * 2 * np.pi / points
    chi2 = np.sum((np.bincount(bins, minlength=points) - expected) ** 2 / expected)
    return (chi2 - (points - 1)) / np.sqrt(2 * (points - 1))


@pytest.mark.slow
def test_trajectories_in_equilibrium():
    """One temperature: canonical in angle and momentum, no heat; a step that is too long is told."""
    ratchet = Ratchet((1.0, 1.0), torque=0.0)
    found = simulate_ratchet(ratchet, jax.random.key(8), 20.0, 0.02, COUNT, progress=False)
    weight = np.exp(-np.asarray(ratchet.potential(found.angle * 0 + np.linspace(-np.pi, np.pi, COUNT)), float))
    expected = np.average(np.linspace(-np.pi, np.pi, COUNT), weights=weight)
    assert abs(found.angle.mean() - expected) < 4 * found.angle.std() / np.sqrt(COUNT)
    # BAOAB: <p^2> = m T (1 - O(U'' dt^2/4m)), a thousandth
    squares = found.momentum**2 / 0.1
    assert abs(squares.mean() - 1) < 4 * np.sqrt(2 / COUNT)
    assert abs(rates(ratchet, found)["heat_1"].z_score(0.0)) < 4
    coarse = simulate_ratchet(ratchet, jax.random.key(8), 150.0, 0.15, COUNT, progress=False)
    assert "smaller dt" in rates(ratchet, coarse)["sigma_1"].warnings[0]


def test_new_parameters_need_no_new_program():
    seen = []

    class Counted(eqx.Module):
        inner: FourierSeries

        def __call__(self, theta):
            seen.append(isinstance(theta, jax.core.Tracer))
            return self.inner(theta)

    def once(torque):
        ratchet = Ratchet(torque=torque, potential=Counted(FourierSeries(0.0, (-0.8, -0.15), (0.0, 0.4))))
        levels(ratchet, *SIZE)
        return sum(seen)

    first = once(0.1)
    assert first > 0
    assert once(0.2) == first


def _with_a_gap(theta):
    """Not a number around theta = pi."""
    return jnp.sqrt(jnp.cos(theta) + 0.99)


def test_misuse_is_told():
    with pytest.raises(ValueError, match="mass must be positive"):
        Ratchet(mass=-1.0)
    with pytest.raises(ValueError, match="temperatures must be positive"):
        Ratchet(temperatures=(1.0, 0.0))
    with pytest.raises(ValueError, match="two numbers"):
        Ratchet(temperatures=(1.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="period 2 pi"):
        Ratchet(potential=jnp.square)
    with pytest.raises(ValueError, match="one phase for each"):
        FourierSeries(0.0, (1.0, 2.0), (0.0,))
    for points in (30, 3):
        with pytest.raises(ValueError, match="odd and 5 or more"):
            overdamped(Ratchet(), points)
    with pytest.raises(ValueError, match="modes must be 3 or more"):
        underdamped(Ratchet(), 31, 2)
    with pytest.raises(ValueError, match="time and dt must be positive"):
        simulate_ratchet(Ratchet(), jax.random.key(0), -1.0, 0.01)
    with pytest.raises(ValueError, match="multiple of 2"):
        simulate_ratchet(Ratchet(), jax.random.key(0), 1.0, 0.01, count=33)
    with pytest.raises(ValueError, match="finite at every angle"):
        gap = Ratchet(potential=_with_a_gap)
        simulate_ratchet(gap, jax.random.key(0), 20.0, 0.02, count=32, inertia=False, progress=False)
    for wrong, words in (
        ({"torque": float("nan")}, "torque must be finite"),
        ({"temperatures": (1.0, -1.0)}, "temperature 2 must be positive"),
        ({"method": "guess"}, "method must be fokker-planck or simulation"),
        ({"rotors": 1}, "rotors must be 16 or more"),
        ({"seed": -1}, "seed must be"),
    ):
        with pytest.raises(ValueError, match=words):
            RatchetOptions(**wrong)


def test_the_study_writes_table_record_and_pictures(tmp_path):
    report = run(RatchetOptions(torque=-0.02, out=tmp_path, progress=False))
    assert {p.name for p in tmp_path.iterdir()} == {"table.txt", "report.json", "efficiency.png", "hidden-entropy.png"}
    record = json.loads((tmp_path / "report.json").read_text())
    assert record["sigma_1"] == pytest.approx(1.8172598, rel=1e-6)
    assert record["current"] > 0 and record["warnings"] == []
    assert set(record["errors"]) >= {"sigma_1", "sigma_2", "sigma_3", "current"}
    assert max(record["errors"].values()) < 1e-8
    assert 0 < record["efficiency"][0] < record["efficiency"][1] < record["efficiency"][2] < record["carnot"] == 0.5
    assert "efficiency" in report.table() and "Carnot 0.5" in report.table()
    assert report.solution.levels.sigma_1.dtype == np.float64
    # sigma_3 = A J, so d sigma_3/df = J dA/df + A dJ/df with dA/df = int 1/T_e; level 3 knows no mass
    ratchet, slopes = Ratchet(torque=-0.02), record["derivatives"]
    inverse = 2 * np.pi * np.mean(1 / np.asarray(ratchet.effective_temperature(np.linspace(0, 2 * np.pi, 64)[:-1])))
    product = record["current"] * inverse + float(affinity(ratchet)) * slopes["current"]["torque"]
    assert slopes["sigma_3"]["torque"] == pytest.approx(product, rel=1e-5)
    assert slopes["sigma_3"]["mass"] == 0.0


@pytest.mark.slow
def test_the_study_by_simulation(tmp_path):
    report = run(RatchetOptions(method="simulation", time=50.0, rotors=8192, out=tmp_path, progress=False))
    found, record = report.simulated, report.to_dict()
    for name in ("sigma_1", "sigma_2", "sigma_3", "current", "current_underdamped", "heat_1", "heat_2", "hidden_12"):
        assert abs(found[name].z_score(float(getattr(report.levels, name)))) < 4, name
    assert record["sigma_1"] == found["sigma_1"].value and record["errors"]["sigma_1"] > 0
    assert abs(record["first_law"]) < 1e-3 * record["sigma_1"]


def test_pictures():
    torque = np.linspace(0, -0.04, 5)
    flat = np.full((5, 3), 0.1)
    figure = ratchet_efficiency({"m = 1": (torque, flat, np.ones((5, 3))), "m = 2": (torque, flat, -flat)}, 0.5)
    drawn = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 5]
    assert len(drawn) == 3  # nothing of an engine that does no work
    still = ratchet_efficiency({"m = 1": (torque, flat, -flat)}, 0.0).axes[0]
    assert still.get_yscale() == "linear" and "no work" in still.texts[0].get_text()
    with pytest.raises(ValueError, match="no curve"):
        ratchet_efficiency({}, 0.5)
    mass = np.logspace(-2, 0, 4)
    curves = {name: mass for name in ("sigma_1", "sigma_2", "sigma_3", "hidden_12", "hidden_23")}
    figure = hidden_entropy(mass, curves, curves, {"sigma_1": (0.1, 0.2, 0.01)})
    assert [axes.get_xscale() for axes in figure.axes] == ["log", "log"]
