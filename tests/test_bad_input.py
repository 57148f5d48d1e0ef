"""Misuse: each gets one sentence, with the right call in it, before anything is computed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from systems import free_particles

import diffneq
from diffneq.drives import Constant, Sine, Table
from diffneq.dynamics import Langevin, ThermalWalls, Verlet
from diffneq.models import Conductor, EnergyModel, Fluid
from diffneq.particles.pair_laws import WCA, Hertzian, LennardJones
from diffneq.particles.space import Box
from diffneq.sweeps.batching import stack

KEY = jax.random.key(0)


def fluid(count=20, side=12.0, **options):
    return Fluid(WCA(1.0, 1.0), (side, side), (count,), **options)


def run(model=None, dynamics=None, drive=None, **options):
    given = {"steps": 20, "record_every": 10, "keys": KEY, "progress": False, **options}
    return diffneq.simulate(fluid() if model is None else model, dynamics or Verlet(0.001), drive, **given)


def places(count=20, side=12.0):
    grid = np.stack(np.unravel_index(np.arange(count), (5, 5)), -1) * (side / 5.0) + 0.5
    return jnp.asarray(grid, jnp.float32)


STILL = jnp.zeros((20, 2))
VECTOR = stack([(fluid(), Verlet(0.001), Constant(a)) for a in (0.1, 0.2)])

ARGUMENTS = {
    "steps not a multiple": (dict(steps=25), "steps = 25 must be a multiple of record_every = 10"),
    "no steps": (dict(steps=0), "positive integers"),
    "half a step": (dict(steps=20.5), "positive integers"),
    "negative records": (dict(record_every=-1), "positive integers"),
    "old keys": (dict(keys=jnp.zeros(2, jnp.uint32)), r"typed keys: jax.random.split\(jax.random.key\(0\)"),
    "a seed": (dict(keys=3), "typed keys"),
    "too many axes of keys": (dict(keys=jax.random.split(KEY, (2, 2))), r"shape \(R,\)"),
    "unknown record": (dict(record=("pressure",)), r"does not know \['pressure'\]"),
    "record as text": (dict(record="current"), r"record=\('current',\)"),
    "axes of one": (dict(in_axes=(None,)), "tuple of three"),
    "axes as list": (dict(in_axes=[None, None, None]), "tuple of three"),
    "axes beyond": (dict(in_axes=(None, None, 1), drive=Constant(0.1)), "stacked over replicas|0 .stacked"),
    "axes without stack": (dict(in_axes=(None, None, 0), drive=Constant(0.1)), "stacked over replicas"),
    "field of two": (dict(drive=Constant([0.1, 0.2])), r"fields of shape \(2,\)"),
    "another number of keys": (
        dict(drive=VECTOR[0][2], in_axes=(None, None, VECTOR[1][2]), keys=jax.random.split(KEY, 3)),
        "3 keys",
    ),
    "drive is a number": (dict(drive=0.1), "drive must be a field in time"),
    "dynamics is a number": (dict(dynamics=0.01), "dynamics must be an equation of motion"),
    "dt of two": (dict(dynamics=Verlet([0.1, 0.2])), "dt must be a scalar"),
    "too many devices": (dict(devices=64), "devices = 64, but this process has"),
    "resume what": (dict(resume=True), "needs checkpoint="),
    "wrong shape": (dict(start=(places()[:19], STILL)), r"positions must have shape \(20, 2\)"),
    "wrong velocities": (dict(start=(places(), STILL[:, :1])), r"velocities must have shape \(20, 2\)"),
    "nan": (dict(start=(places().at[3, 1].set(jnp.nan), STILL)), "positions must be finite"),
    "start as one array": (dict(start=places()), r"start is None, \(positions, velocities\)"),
    "coincident": (dict(start=(places().at[3].set(places()[4]), STILL)), "on top of each other"),
    "nearly coincident": (dict(start=(places().at[3].set(places()[4] + 1e-3), STILL)), "overlap|on top"),
    "overlapping": (dict(start=(places().at[3].set(places()[4] + 0.2), STILL)), "overlap"),
    "image of another": (dict(start=(places().at[3].set(places()[4] + 12.0), STILL)), "on top of each other"),
    "walls in a periodic box": (
        dict(dynamics=Verlet(0.01, ThermalWalls(1.0, (True,)))),
        "closed along axes .., but walls stand along .1.; .* walls=None",
    ),
    "too many rates": (dict(dynamics=Langevin(0.01, 1.0, (0.1, 0.2))), r"got shape \(2,\)"),
}


@pytest.mark.parametrize("name", list(ARGUMENTS))
def test_arguments_of_simulate(name):
    options, sentence = ARGUMENTS[name]
    with pytest.raises(ValueError, match=sentence) as caught:
        run(**options)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_unknown_keyword_is_refused():
    with pytest.raises(TypeError, match="temprature"):
        run(temprature=1.0)


def test_two_softly_overlapping_discs_are_no_error():
    """An overlap that a soft law allows is physics; only coincidence is refused."""
    model = Fluid(Hertzian(1.0, 1.0), (12.0, 12.0), (20,))
    assert run(model, start=(places().at[3].set(places()[4] + 0.2), STILL)).failures == []
    with pytest.raises(ValueError, match="on top of each other"):
        run(model, start=(places().at[3].set(places()[4]), STILL))


def test_coincidence_is_found_in_any_replica():
    spots = jnp.stack([places(), places().at[7].set(places()[11])])
    with pytest.raises(ValueError, match=r"in replica \[1\]"):
        run(start=(spots, jnp.zeros((2, 20, 2))), keys=jax.random.split(KEY, 2))


def test_fixed_species_must_be_at_rest():
    model = Conductor.preset("soft", electrons=30)
    positions, velocities = (jnp.stack(x, 1) for x in model.initial(KEY))
    with pytest.raises(ValueError, match="particles 60 to 69 do not move; give them velocity 0"):
        run(model, model.dynamics(), start=(positions, velocities.at[65].set(1.0)))


CLOSED = Box((12.0, 12.0), (True, False), margin=2.0)
CONSTRUCTIONS = {
    "negative temperature": (lambda: Langevin(0.01, -1.0, 0.1), "temperature must be positive"),
    "zero step": (lambda: Verlet(0.0), "dt must be positive"),
    "nan step": (lambda: Langevin(float("nan"), 1.0, 0.1), "dt must be finite"),
    "negative rate": (lambda: Langevin(0.01, 1.0, (0.1, -0.1)), "damping_rate must be zero or positive"),
    "infinite field": (lambda: Constant(float("inf")), "amplitude must be finite"),
    "nan frequency": (lambda: Sine(0.1, float("nan")), "frequency must be finite"),
    "nan in a table": (lambda: Table([0.0, 1.0], [0.0, float("nan")]), "values must be finite"),
    "cold wall": (lambda: ThermalWalls(0.0, (True,)), "temperature must be positive"),
    "no length": (lambda: Box((0.0, 1.0)), "positive finite numbers"),
    "length of one number": (lambda: Box(5.0), "positive finite numbers"),
    "periodic of three": (lambda: Box((5.0, 5.0), (True, True, True)), "one boolean for each of the 2"),
    "count as a number": (lambda: Fluid(WCA(1.0, 1.0), (9.0, 9.0), 100), r"\(200,\) for one"),
    "no particles": (lambda: Fluid(WCA(1.0, 1.0), (9.0, 9.0), (0,)), "counts"),
    "masses of three": (lambda: fluid(mass=(1.0, 2.0, 3.0)), "mass is one number, or one for each of the 1 species"),
    "negative mass": (lambda: fluid(mass=-1.0), "mass must be positive"),
    "nan charge": (lambda: fluid(charge=float("nan")), "charge must be finite"),
    "tables of three": (
        lambda: Fluid(LennardJones(np.ones((3, 3)), np.ones((3, 3)), 2.0), (9.0, 9.0), (5, 5)),
        "tables of the pair law must be over the 2 species",
    ),
    "energy is no function": (lambda: EnergyModel(3.0, (9.0, 9.0), (5,)), "function of positions"),
    "negative cutoff": (lambda: EnergyModel(jnp.sum, (9.0, 9.0), (5,), cutoff=-1.0), "positive length or None"),
    "no such preset": (lambda: Conductor.preset("hard"), r"choose one of \['soft', 'stiff'\]"),
    "too few electrons": (lambda: Conductor.preset("soft", electrons=3), "at least 30"),
    "no such variant": (lambda: Conductor.preset("soft", variant="open"), "'uniform' or 'walls'"),
    "two species of conductor": (lambda: Conductor(40.0, (50.0, 50.0), (9, 9)), "electrons, phonons, impurities"),
}


@pytest.mark.parametrize("name", list(CONSTRUCTIONS))
def test_parameters(name):
    build, sentence = CONSTRUCTIONS[name]
    with pytest.raises(ValueError, match=sentence):
        build()


SYSTEMS = {
    "box shorter than two cutoffs": (lambda: (fluid(4, 2.0), Verlet(0.01)), "shorter than twice the cutoff"),
    "no room": (lambda: (Fluid(WCA(1.0, 1.0), CLOSED, (150,)), None), "crowd|No room|walls"),
    "open box": (lambda: (free_particles((5,), box=CLOSED), Verlet(0.01)), r"closed along axes \[1\]"),
    "wall elsewhere": (
        lambda: (free_particles((5,), box=CLOSED), Verlet(0.01, ThermalWalls(1.0, (True,), axis=0))),
        r"closed along axes \[1\], but walls stand along \[0\]",
    ),
    "one species too few": (
        lambda: (free_particles((5, 5), box=CLOSED), Verlet(0.01, ThermalWalls(1.0, (True,)))),
        "one boolean for each of the 2 species",
    ),
    "no margin": (
        lambda: (
            free_particles((5,), box=Box((9.0, 9.0), (True, False))),
            Verlet(0.01, ThermalWalls(1.0, (True,))),
        ),
        "positive margin",
    ),
    "vector energy": (lambda: (EnergyModel(lambda R: R[:, 0], (9.0, 9.0), (5,)), Verlet(0.01)), "return a scalar"),
}


@pytest.mark.parametrize("name", list(SYSTEMS))
def test_systems_that_do_not_fit(name):
    build, sentence = SYSTEMS[name]
    model, dynamics = build()
    with pytest.raises(ValueError, match=sentence):
        run(model, dynamics)


def test_a_crowded_box_is_refused_by_the_conductor():
    with pytest.raises(ValueError, match="No room for 300 particles"):
        Conductor(40.0, (30.0, 30.0), (100, 100, 100)).initial(KEY)


def test_errors_come_before_any_work(monkeypatch):
    """Nothing is compiled or placed for a call that is wrong in its last argument."""
    monkeypatch.setattr("diffneq.simulation.start.starting_state", None)
    with pytest.raises(ValueError):
        run(steps=25)
