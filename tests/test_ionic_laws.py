"""Laws of ions against closed forms in NumPy, truncation, sums, derivatives, and the table of their forces."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erfc

from diffneq.particles.forces import pair_energies, pair_forces
from diffneq.particles.ionic_laws import (
    BondValenceMorse,
    BornMayerHuggins,
    Buckingham,
    ScreenedCoulomb,
    Sum,
    Truncated,
    tables,
)
from diffneq.particles.neighbours import build_one, plan_list, widen
from diffneq.particles.pair_laws import LennardJones, pair_force
from diffneq.particles.pair_table import plan_table, tabulate
from diffneq.particles.space import Box, to_anchor

R = np.linspace(1.3, 5.9, 47)
LAWS = {
    "Morse": (lambda: BondValenceMorse(0.98, 1.94, 1.9), lambda r: 0.98 * ((np.exp(1.94 * (1.9 - r)) - 1) ** 2 - 1)),
    "Coulomb": (lambda: ScreenedCoulomb(-3.0, 2.6, 0.8), lambda r: -3.0 * erfc(r / (0.8 * 2.6)) / r),
    "Buckingham": (
        lambda: Buckingham(2029.2204, 0.34364, 192.58, (46.462, 3.43, -0.32605, 1.906)),
        lambda r: np.where(
            r < 1.906, 46.462 / r**3.43 - 0.32605 * r**2, 2029.2204 * np.exp(-r / 0.34364) - 192.58 / r**6
        ),
    ),
    "Born": (
        lambda: BornMayerHuggins(0.21, 2.755, 0.317, 7.0, 8.7),
        lambda r: 0.21 * np.exp((2.755 - r) / 0.317) - 7.0 / r**6 - 8.7 / r**8,
    ),
}


@pytest.mark.parametrize("name", LAWS)
def test_energies_and_forces_are_the_closed_forms(name, x64):
    make, closed = LAWS[name]
    law = make()  # here, in double precision
    assert np.allclose(law.energy(R), closed(R), rtol=1e-12)
    h = 1e-5
    away = np.abs(R - 1.906) > 0.01  # the two forms of the splice meet there, not quite
    slope = (closed(R + h) - closed(R - h)) / (2 * h)
    assert np.allclose(pair_force(law, jnp.asarray(R))[away], -slope[away], rtol=1e-7, atol=1e-9)


def test_truncation_ends_energy_and_force_together(x64):
    inner = Sum(BondValenceMorse(0.98, 1.94, 1.9), ScreenedCoulomb(2.0, 2.6))
    law, edge = Truncated(inner, 6.0), jnp.asarray([6.0 - 1e-7, 6.0, 7.0])
    assert np.abs(law.energy(edge)).max() < 1e-12 and np.abs(pair_force(law, edge)).max() < 1e-6
    slope = float(-pair_force(inner, 6.0))
    assert np.allclose(law.energy(R), inner.energy(R) - inner.energy(6.0) - slope * (R - 6.0), atol=1e-12)
    shifted = Truncated(inner, 6.0, "shifted")
    assert np.allclose(pair_force(shifted, jnp.asarray(R)), pair_force(inner, jnp.asarray(R)), atol=1e-12)
    assert float(Truncated(inner, 6.0, "cut").energy(2.0)) == pytest.approx(float(inner.energy(2.0)))


def test_every_number_can_be_differentiated(x64):
    def energy(law):
        return law.energy(2.3)

    law = Truncated(Sum(BondValenceMorse(0.98, 1.94, 1.9), ScreenedCoulomb(2.0, 2.6, 0.8)), 6.0)
    slopes = jax.tree.leaves(jax.grad(energy)(law))
    for k, slope in enumerate(slopes):
        move = lambda h, k=k: eqx.tree_at(lambda one: jax.tree.leaves(one)[k], law, replace_fn=lambda x: x + h)
        assert float(slope) == pytest.approx(float(energy(move(1e-6)) - energy(move(-1e-6))) / 2e-6, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize(
    "make, sentence",
    [
        (lambda: BondValenceMorse(-1.0, 1.0, 1.0), "depth must be zero or positive"),
        (lambda: ScreenedCoulomb(1.0, 0.0), "length must be positive"),
        (lambda: Buckingham(1.0, 1.0, 1.0, splice=(1.0, 2.0)), "four numbers"),
        (lambda: BornMayerHuggins(1.0, 1.0, jnp.inf, 0.0, 0.0), "must be finite"),
        (lambda: BondValenceMorse(np.array([[1.0, 2.0], [0.0, 1.0]]), 1.0, 1.0), "must be symmetric"),
        (lambda: Truncated(BondValenceMorse(1.0, 1.0, 1.0), 5.0, "smooth"), "truncation is one of"),
        (lambda: Sum(), "one pair law or more"),
    ],
)
def test_bad_numbers_are_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def mixture():
    """A shaken crystal of two species with a law of exponentials and an error function."""
    morse = BondValenceMorse(tables(2, {(0, 1): 1.0}), tables(2, {(0, 1): 1.9}), tables(2, {(0, 1): 2.0}))
    repulsion = ScreenedCoulomb(
        tables(2, {(0, 0): 10.0, (1, 1): 20.0}), tables(2, {(0, 0): 2.5, (1, 1): 1.3}, rest=2.0)
    )
    random = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*[np.arange(6)] * 3, indexing="ij"), -1).reshape(-1, 3)
    order = np.argsort(grid.sum(1) % 2, kind="stable")
    x = 2.4 * grid[order] + 0.15 * random.normal(size=grid.shape)
    box = Box((14.4,) * 3)
    anchor, u = to_anchor(box, tuple(jnp.asarray(x[:, a]) for a in range(3)))
    plan = plan_list(box, len(x), 6.0, 0.3)
    lists = build_one(plan, box, anchor)
    plan = widen(plan, int(lists.fill), int(lists.cell_fill))
    return (
        Truncated(Sum(morse, repulsion), 6.0),
        box,
        np.repeat([0, 1], 108).astype(np.int32),
        u,
        build_one(plan, box, anchor),
    )


def test_forces_from_the_table_are_those_of_the_law_to_a_millionth(x64):
    law, box, kinds, u, lists = mixture()
    plan = plan_table(law, 2, 3.0, 1.0)
    assert plan is not None
    exact = np.stack(pair_forces(law, box, kinds, u, lists))
    table = tabulate(law, plan, 2)
    found = np.stack(pair_forces(table, box, kinds, u, lists))
    scale = np.sqrt(np.mean(exact**2))
    assert np.sqrt(np.mean((found - exact) ** 2)) < 1e-6 * scale
    assert 1e-12 * scale < np.abs(found - exact).max()  # or the table was not used
    assert np.array_equal(pair_energies(table, box, kinds, u, lists), pair_energies(law, box, kinds, u, lists))


def test_derivatives_do_not_see_the_table(x64):
    law, box, kinds, u, lists = mixture()
    table = tabulate(law, plan_table(law, 2, 3.0, 1.0), 2)
    square = lambda law: jnp.sum(pair_forces(law, box, kinds, u, lists)[0] ** 2)
    exact = jax.grad(lambda f: square(eqx.tree_at(lambda t: t.law.laws[1].factor, law, f)))(jnp.float64(1.0))
    found = jax.grad(lambda f: square(eqx.tree_at(lambda t: t.law.law.laws[1].factor, table, f)))(jnp.float64(1.0))
    assert float(found) == pytest.approx(float(exact), rel=1e-5)


def test_a_law_that_jumps_within_reach_gets_no_table():
    assert plan_table(LennardJones(1.0, 1.0, 1.2, "cut"), 1, 3.0, 1.0) is not None  # its jump is at the end
    jump = Buckingham(2029.2204, 0.34364, 192.58, splice=(60.0, 3.43, -0.32605, 3.0))
    assert plan_table(Truncated(jump, 6.0), 1, 3.0, 1.0) is None
