"""Random conditions over pycalphad's test databases: no state above pycalphad 0.11.2's, none uncertified in silence.

Where pycalphad's model of a phase is not the published one (see docs/calphad.md) its number of G cannot be compared;
the energy of the state that it found, by our model, always can: the minimum is not above it.
"""

import warnings

import jax
import numpy as np
import pycalphad
import pytest
from calphad_systems import WHEEL, wheel
from pycalphad import variables as v
from pycalphad.codegen.phase_record_factory import PhaseRecordFactory
from pycalphad.core.utils import instantiate_models
from pycalphad.core.workspace import Workspace

from diffneq.thermo.calphad import equilibrium

pytestmark = pytest.mark.usefixtures("x64")

# moles of the elements in the oxides that are mixed
OXIDES = {"ND O ZR": [[2, 3, 0], [0, 2, 1]], "AL O Y ZR": [[2, 3, 0, 0], [0, 3, 2, 0], [0, 2, 0, 1]]}
ZRYAL = "CORUNDUM FLUORITE M2O3B M2O3C MONO TETR YAG_AL5O12Y3 YAM_AL2O9Y4 YAP_ALO3Y ZR3Y4O12"

# file, elements, phases, temperatures, K
CASES = [
    ("COST507.tdb", "AL CU MG", None, 300, 1400),
    ("COST507.tdb", "AL CU MG SI", None, 350, 1400),
    ("COST507.tdb", "AL CU MG SI ZN", None, 400, 1300),
    ("COST507.tdb", "AL FE MG MN SI", None, 500, 1500),
    ("Al-Cu-Y.tdb", "AL CU Y", None, 400, 1600),
    ("CrFeNb_Jacob2016.tdb", "CR FE NB", None, 600, 2300),
    ("mc_fecocrnbti.tdb", "CO CR FE NB", None, 700, 2000),
    ("mc_fecocrnbti.tdb", "CO CR FE NB TI", None, 800, 2000),
    ("alcocrni.tdb", "AL CO CR", None, 900, 2000),
    ("alcocrni.tdb", "AL CO CR NI", None, 900, 2000),
    ("alcrni.tdb", "AL CR NI", None, 600, 2000),
    ("issue43.tdb", "AL CR NI", None, 600, 1700),
    ("crtiv_ghosh.tdb", "CR TI V", None, 400, 2300),
    ("alni_dupin_2001.tdb", "AL NI", None, 300, 2000),
    ("alni_tough_chempot.tdb", "AL NI", None, 300, 2000),
    ("alnifcc4sl.tdb", "AL NI", None, 400, 1700),
    ("alzn_mey.tdb", "AL ZN", None, 300, 1200),
    ("nbre_liu.tdb", "NB RE", None, 400, 3400),
    ("CoV-20Wan.tdb", "CO V", None, 400, 2300),
    ("femn.tdb", "FE MN", None, 200, 1900),
    ("cuo.tdb", "CU O", None, 500, 1600),
    ("alfeo.tdb", "AL FE O", None, 500, 2000),
    ("al2o3_nd2o3_zro2.tdb", "ND O ZR", None, 800, 2800),
    ("zrlayalo.tdb", "AL O Y ZR", ZRYAL, 800, 2800),
]
POINTS = 84  # 24 * 84 = 2,016


def database_system(file, elements, phases=None):
    """A system, without the gas where the file is COST507."""
    return wheel(file, elements, phases, without=("GAS",) if file == "COST507.tdb" else ())


def random_conditions(elements, low, high, count):
    """Temperatures and mole fractions (count, elements); every other point near a face of composition space."""
    rng = np.random.default_rng(sum(map(ord, elements)))
    oxides = np.array(OXIDES[elements], float) if elements in OXIDES else np.eye(len(elements.split()))
    concentration = np.where(np.arange(count) % 2 == 0, 0.3, 1.0)
    parts = np.stack([rng.dirichlet(np.full(len(oxides), c)) for c in concentration])
    x = np.maximum(parts, 1e-6) @ (oxides / oxides.sum(axis=1, keepdims=True))
    return rng.uniform(low, high, count), x / x.sum(axis=1, keepdims=True)


def energy_of(system, phase, T, y):
    """J per mole of atoms, by our model, of site fractions {(sublattice, species): value}."""
    return float(system.phase(phase).energy(T, [y[key] for key in system.phases[system.index(phase)].variables]))


class Peer:
    """pycalphad on the same phases, compiled once."""

    def __init__(self, file, elements, system):
        self.database, self.components = pycalphad.Database(str(WHEEL / file)), [*elements.split(), "VA"]
        self.phases = list(system.phase_names)
        self.models = instantiate_models(self.database, self.components, self.phases)
        self.records = PhaseRecordFactory(self.database, self.components, {v.N, v.P, v.T}, self.models)

    def states(self, T, x):
        """(phase, amount, {(sublattice, species): site fraction}) of the stable phases."""
        conditions = {v.T: T, v.P: 101325.0, v.N: 1}
        conditions |= {v.X(e): value for e, value in zip(self.components[1:-1], x[1:], strict=True)}
        workspace = Workspace(
            database=self.database, components=self.components, phases=self.phases, conditions=conditions,
            models=self.models, phase_record_factory=self.records,
        )  # fmt: skip
        for _, composition_sets in workspace.enumerate_composition_sets():
            for found in composition_sets:
                record = found.phase_record
                y = found.dof[len(record.state_variables) :]
                names = [(variable.sublattice_index, variable.species.name) for variable in record.variables]
                yield record.phase_name, float(found.NP), dict(zip(names, map(float, y), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("file, elements, phases, low, high", CASES)
def test_no_state_is_above_that_of_pycalphad(file, elements, phases, low, high):
    system = database_system(file, elements, phases)
    T, x = random_conditions(elements, low, high, POINTS)
    own = equilibrium(system, T=T, x={e: x[:, k] for k, e in enumerate(system.elements) if k})
    certified = np.isin(own.status.values, (0, 8))
    assert certified.mean() >= 0.95  # the others say that they are not
    np.testing.assert_array_less(-1e-3, own.certificate.values[certified])
    peer, above = Peer(file, elements, system), []
    for i in np.flatnonzero(certified):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            states = list(peer.states(T[i], x[i]))
        energy = sum(amount * energy_of(system, name, T[i], y) for name, amount, y in states)
        if states and np.isfinite(energy) and own.G.values[i] > energy + 1e-2:
            above.append((T[i], x[i], own.G.values[i] - energy))
    jax.clear_caches()
    assert not above


# T, K; x of the elements; G, J/mol of atoms, by pycalphad 0.11.2 (2,000 points a phase) with its R
HARD = [
    ("alni_dupin_2001.tdb", "AL NI", 1641.797, (0.23, 0.77), -123677.1823, ("FCC_L12", "FCC_L12")),
    ("alni_dupin_2001.tdb", "AL NI", 1642.5, (0.23, 0.77), -123733.6249, ("FCC_L12", "FCC_L12")),
    ("COST507.tdb", "AL CU MG", 336.109, (0.026986, 0.100244, 0.87277), -14572.5814, ("CUMG2", "HCP_A3", "LAVES_C15")),
    ("alni_tough_chempot.tdb", "AL NI", 1503.251, (0.035306, 0.964694), -89059.3974, ("FCC_L12",)),
    ("alni_tough_chempot.tdb", "AL NI", 1273.167, (0.087115, 0.912885), -79772.4932, ("FCC_L12", "FCC_L12")),
]


@pytest.mark.slow
@pytest.mark.parametrize("file, elements, T, x, G, phases", HARD)
def test_conditions_where_a_basin_was_once_missed(file, elements, T, x, G, phases):
    system = database_system(file, elements)
    own = equilibrium(system, T=T, x=dict(zip(system.elements[1:], x[1:], strict=True)))
    assert int(own.status) == 0
    assert tuple(sorted(str(name) for name in own.phase.values if name)) == phases
    assert float(own.G) == pytest.approx(G, abs=2e-3)


@pytest.mark.slow
def test_a_phase_made_of_vacancies_is_not_a_state():
    """A denser grid reaches bcc with hardly an atom, which lies below any plane per mole of atoms."""
    system = database_system("alni_dupin_2001.tdb", "AL NI")
    usual, dense = (equilibrium(system, T=1642.0, x={"NI": 0.74}, density=d) for d in (1.0, 8.0))
    assert int(dense.status) == int(usual.status) == 0
    assert float(dense.G) == pytest.approx(float(usual.G), abs=1e-6)
