"""The rim to jax-md: our integrators in its convention, its energies in our loop."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from systems import z_score

import diffneq
from diffneq.dynamics import Langevin, Verlet
from diffneq.dynamics.jax_md import langevin, verlet
from diffneq.models import EnergyModel, Fluid
from diffneq.particles.neighbours import Neighbours
from diffneq.particles.pair_laws import LennardJones
from diffneq.particles.space import Box, to_anchor

KEY = jax.random.key(2)
SIDE, COUNT = 9.0, 64


def soft_spheres():
    """jax-md's pair energy in our box, and a start near a square lattice."""
    from jax_md import energy

    box = Box((SIDE, SIDE))
    displacement, shift = box.jax_md_space()
    grid = np.stack(np.meshgrid(*[np.arange(8) * SIDE / 8 + 0.3] * 2, indexing="ij"), -1).reshape(-1, 2)
    start = jnp.asarray(grid + 0.1 * np.random.default_rng(0).normal(size=grid.shape))
    return box, energy.soft_sphere_pair(displacement, sigma=1.3, alpha=2.5, epsilon=5.0), shift, start


def test_verlet_follows_jax_md(x64):
    """The same positions and momenta as `jax_md.simulate.nve`, to round-off, over 200 steps; masses differ."""
    from jax_md import simulate

    _, energy_fn, shift, start = soft_spheres()
    mass = jnp.asarray(np.random.default_rng(1).uniform(0.5, 2.0, COUNT))
    dt = 2.0**-7  # jax-md rounds it to single precision
    init_fn, apply_fn = verlet(energy_fn, shift, dt)
    ours = init_fn(KEY, start, kT=1.0, mass=mass)
    begin, step = simulate.nve(energy_fn, shift, dt=jnp.float64(dt))
    theirs = begin(KEY, start, kT=jnp.float64(1.0), mass=mass).set(momentum=ours.momentum)
    both = jax.jit(lambda a, b: jax.lax.fori_loop(0, 200, lambda _, s: (apply_fn(s[0]), step(s[1])), (a, b)))
    ours, theirs = both(ours, theirs)
    np.testing.assert_allclose(ours.position, theirs.position, atol=1e-11)
    np.testing.assert_allclose(ours.momentum, theirs.momentum, atol=1e-11)
    np.testing.assert_allclose(ours.mass, theirs.mass)
    np.testing.assert_allclose(ours.velocity, ours.momentum / mass[:, None])


def test_langevin_samples_the_well_as_jax_md_does(x64):
    """<x^2> = kT/k, <p^2> = m kT (1 - (w dt)^2/4) for both, z <= 4; and heat is the energy that came in."""
    from jax_md import simulate

    k, kT, dt, count = 2.0, 1.3, 0.4, 20_000
    energy_fn, shift = lambda R: 0.5 * k * jnp.sum(R**2), lambda R, dR: R + dR
    start = jnp.zeros((count, 2))
    init_fn, apply_fn = langevin(energy_fn, shift, dt, kT, damping_rate=1.5)
    begin, step = simulate.nvt_langevin(energy_fn, shift, jnp.float64(dt), jnp.float64(kT), gamma=jnp.float64(1.5))
    ours, theirs = init_fn(KEY, start, mass=0.7), begin(KEY, start, mass=jnp.float64(0.7))
    first = float(jnp.sum(ours.momentum**2) / 1.4)
    both = jax.jit(lambda a, b: jax.lax.fori_loop(0, 40, lambda _, s: (apply_fn(s[0]), step(s[1])), (a, b)))
    ours, theirs = both(ours, theirs)
    for state in (ours, theirs):
        assert abs(z_score(state.position**2, kT / k)) < 4
        assert abs(z_score(state.momentum**2, 0.7 * kT * (1 - dt**2 * k / 0.7 / 4))) < 4
    gained = float(jnp.sum(ours.momentum**2) / 1.4 + energy_fn(ours.position)) - first
    assert abs(float(ours.heat) / gained - 1) < 0.3  # the splitting's own error at this long step


def test_langevin_is_the_step_of_simulate(x64):
    """The pair (init_fn, apply_fn) and our own dynamics give one trajectory, noise included."""
    box, energy_fn, shift, start = soft_spheres()
    init_fn, apply_fn = langevin(energy_fn, shift, 0.01, 0.8, damping_rate=0.5)
    state = init_fn(KEY, start)
    model = EnergyModel(energy_fn, box, (COUNT,))
    result = diffneq.simulate(
        model, Langevin(0.01, 0.8, 0.5), keys=KEY, steps=50, start=(start, state.velocity), progress=False
    )
    state = jax.jit(lambda s: jax.lax.fori_loop(0, 50, lambda _, x: apply_fn(x), s))(state)
    gap = result.positions() - np.asarray(state.position)
    np.testing.assert_allclose(gap - SIDE * np.round(gap / SIDE), 0, atol=1e-9)
    np.testing.assert_allclose(result.diagnostics["heat"][0], state.heat, rtol=1e-9)


@pytest.mark.slow
def test_energies_of_jax_md_in_simulate(x64):
    """A jax-md function of a neighbour list, which we keep, and our own law: one trajectory; one of all pairs too."""
    from jax_md import smap, space

    box = Box((14.0, 14.0))
    displacement, _ = box.jax_md_space()
    own = Fluid(LennardJones(0.6, 1.0, 2.0, "cut"), box, (160,), charge=1.0)
    lattice = EnergyModel(lambda R: jnp.sum(0 * R), box, (160,))
    start = tuple(jnp.stack(x, axis=1) for x in lattice.initial(KEY, 0.7))

    def cut(dr, epsilon=0.6, **_):
        safe = jnp.where(dr > 0, dr, 1.0)
        return jnp.where((dr < 2.0) & (dr > 0), 4 * epsilon * (safe**-12 - safe**-6), 0.0)

    distance = space.metric(displacement)
    pair, neighbor_list = smap.pair(cut, distance), smap.pair_neighbor_list(cut, distance)
    listed = EnergyModel(neighbor_list, box, (160,), charge=1.0, cutoff=2.0)
    everyone = EnergyModel(lambda R: pair(R), box, (160,), charge=1.0)
    field = diffneq.drives.Constant(0.1)
    ends = []
    for model in (own, listed):
        result = diffneq.simulate(
            model, Verlet(0.004), field, keys=KEY, steps=100, start=start, progress=False, record=("potential_energy",)
        )
        ends.append((result.positions(), result.records["potential_energy"]))
    (place, potential), (other, same) = ends
    gap = place - other
    np.testing.assert_allclose(gap - 14 * np.round(gap / 14), 0, atol=1e-6)
    np.testing.assert_allclose(potential, same, rtol=1e-6)
    none = Neighbours(*to_anchor(box, tuple(jnp.asarray(place).T))[:1], jnp.zeros((0, 0), jnp.int32), 0, 0)
    rest = to_anchor(box, tuple(jnp.asarray(place).T))[1]
    np.testing.assert_allclose(everyone.potential_energy(rest, none), potential[0, -1], rtol=1e-9)


@pytest.mark.slow
def test_a_neighbour_list_is_passed_on(x64):
    """`neighbor=` reaches the force function of jax-md."""
    from jax_md import energy

    box, _, shift, start = soft_spheres()
    displacement, _ = box.jax_md_space()
    neighbor_fn, listed = energy.soft_sphere_neighbor_list(displacement, SIDE, sigma=1.3, alpha=2.5, epsilon=5.0)
    pair = energy.soft_sphere_pair(displacement, sigma=1.3, alpha=2.5, epsilon=5.0)
    with jax.numpy_rank_promotion("allow"):
        neighbor = neighbor_fn.allocate(start)
    with_list, without = verlet(listed, shift, 0.01), verlet(pair, shift, 0.01)
    a = with_list[0](KEY, start, kT=1.0, neighbor=neighbor)
    b = without[0](KEY, start, kT=1.0)
    for _ in range(3):
        a, b = with_list[1](a, neighbor=neighbor), without[1](b)  # nobody moves far
    np.testing.assert_allclose(a.position, b.position, atol=1e-12)


def test_keywords_and_forces():
    shift = lambda R, dR: R + dR
    swallow = lambda R, **_: jnp.sum(R**2)
    start = jnp.ones((4, 2))
    init_fn, apply_fn = langevin(swallow, shift, 0.1, 1.0)
    state = init_fn(KEY, start)
    for name in ("kt", "gamma", "dt", "temperature", "mass"):
        with pytest.raises(TypeError, match="no keyword of this simulator"):
            apply_fn(state, **{name: 99.0})
    with pytest.raises(TypeError):
        verlet(swallow, shift, 0.1)[1](state, kT=99.0)
    hot = apply_fn(state, kT=1e6)
    assert float(jnp.max(jnp.abs(hot.momentum))) > 10
    force = langevin(lambda R: -2 * R, shift, 0.1, 1.0)
    np.testing.assert_allclose(force[1](force[0](KEY, start)).position, apply_fn(state).position, rtol=1e-6)
    with pytest.raises(ValueError, match="scalar energy or forces"):
        langevin(lambda R: R[:, 0], shift, 0.1, 1.0)[0](KEY, start)
    for wrong in (dict(dt=0.0, kT=1.0), dict(dt=0.1, kT=-1.0), dict(dt=0.1, kT=1.0, damping_rate=-1.0)):
        with pytest.raises(ValueError, match="must be"):
            langevin(swallow, shift, **wrong)
    with pytest.raises(ValueError, match="mass"):
        init_fn(KEY, start, mass=jnp.ones(3))
    with pytest.raises(ValueError, match="R must be finite"):
        init_fn(KEY, start.at[0, 0].set(jnp.nan))


def test_precision_is_that_of_the_positions(x64):
    """Under x64 jax-md lets Python floats drop to single precision; here they take that of R."""
    init_fn, apply_fn = langevin(lambda R: jnp.sum(R**2), lambda R, dR: R + dR, 0.1, 1.0)
    for dtype in (jnp.float32, jnp.float64):
        state = apply_fn(init_fn(KEY, jnp.ones((4, 2), dtype)))
        kinds = {x.dtype for x in (state.position, state.momentum, state.force, state.mass, state.heat)}
        assert kinds == {jnp.dtype(dtype)}


def test_jax_md_is_imported_only_where_it_is_used():
    code = (
        "import sys, diffneq, diffneq.dynamics.jax_md, diffneq.models.energy, diffneq.simulation.rollout;"
        "assert 'jax_md' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_boxes_with_walls_are_not_jax_md_spaces():
    with pytest.raises(ValueError, match="no box with walls"):
        Box((5.0, 5.0), (True, False), margin=1.0).jax_md_space()
