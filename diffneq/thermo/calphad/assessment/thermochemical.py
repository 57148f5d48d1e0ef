"""Enthalpies, entropies and heat capacities of single phases at given constitutions: linear in the parameters."""

import itertools
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from diffneq.thermo.calphad.assessment.data import Dataset
from diffneq.thermo.calphad.assessment.equilibria import Context
from diffneq.thermo.calphad.assessment.residuals import Residual
from diffneq.thermo.calphad.constitution import Phase
from diffneq.thermo.calphad.energy import formula_energy, formula_moles
from diffneq.thermo.calphad.phase_model import PROPERTIES
from diffneq.thermo.calphad.system import System
from diffneq.thermo.calphad.tables import Tables

# Standard deviations at weight 1 as in ESPEI (estimated there from uncertainties of NIST TRC); that of G is ours.
SIGMA = {"HM": 500.0, "SM": 0.2, "CPM": 0.2, "GM": 500.0}
_PROPERTY = {"HM": "enthalpy", "SM": "entropy", "CPM": "heat_capacity", "GM": "energy"}
_UNIT = {"HM": "J/mol", "SM": "J/(mol K)", "CPM": "J/(mol K)", "GM": "J/mol"}
_LOWEST = 298.15  # K; data below are left out, as in ESPEI: the functions of the elements start here
EXCLUSIONS = ("idmix", "mag")


class Thermochemical(Residual):
    """[X(y) - sum_r w_r X_r(y_r)] / M(y), J per mole of atoms (and per K), X = H, S, C_P or G of a formula unit.

    The reference states r are the pure elements in their phases (_FORM), the end-members (_MIX), or none.
    """

    phase: Int[Array, "n"]
    T: Float[Array, "n"]
    P: Float[Array, "n"]
    y: Float[Array, "n n_y"]
    atoms: Float[Array, "n"]
    reference_phase: Int[Array, "n r"]
    reference_y: Float[Array, "n r n_y"]
    reference_weight: Float[Array, "n r"]
    target: Float[Array, "n"]
    sigma: Float[Array, "n"]
    dataset: Int[Array, "n"]
    kind: str = eqx.field(static=True)
    unit: str = eqx.field(static=True)
    quantity: str = eqx.field(static=True)
    excluded: tuple[str, ...] = eqx.field(static=True)

    def model(self, context: Context):
        """See the class; no equilibrium is needed, so nothing fails."""
        tables, derive = _without(context.tables, self.excluded), PROPERTIES[_PROPERTY[self.quantity]]

        def of(phase, T, P, y):
            return derive(lambda t: formula_energy(tables, phase, t, P, y), T)

        def one(phase, T, P, y, atoms, r_phase, r_y, r_weight):
            references = jax.vmap(lambda n, z: of(n, T, P, z))(r_phase, r_y)
            return (of(phase, T, P, y) - r_weight @ references) / atoms

        value = jax.vmap(one)(
            self.phase, self.T, self.P, self.y, self.atoms,
            self.reference_phase, self.reference_y, self.reference_weight,
        )  # fmt: skip
        return value, jnp.zeros(value.shape, bool)


def _without(tables: Tables, excluded: tuple[str, ...]) -> Tables:
    if "idmix" in excluded:
        tables = eqx.tree_at(lambda t: t.entropy, tables, jnp.zeros_like(tables.entropy))
    if "mag" in excluded:
        tables = eqx.tree_at(lambda t: t.magnetism.kind, tables, jnp.zeros_like(tables.magnetism.kind))
    return tables


def thermochemical(system: System, data: Sequence[Dataset], notes: list[str]) -> list[Thermochemical]:
    """All thermochemical data, one array for every quantity; what had to be left out is added to the notes.

    Raises:
        ValueError: an excluded model contribution that is not known, a reference phase that the system lacks.
    """
    rows: dict[tuple, list[tuple]] = {}
    for number, dataset in enumerate(data):
        if dataset.kind != "thermochemical":
            continue
        unknown = set(dataset.excluded) - set(EXCLUSIONS)
        if unknown:
            raise ValueError(f"{dataset.file}: the key 'excluded_model_contributions' names {', '.join(unknown)}; "
                             f"known are {', '.join(EXCLUSIONS)}.")  # fmt: skip
        key = (dataset.output.split("_")[0], tuple(sorted(set(dataset.excluded))))
        rows.setdefault(key, []).extend(_rows(system, dataset, number, notes))
    return [_stacked(system, entries, *key) for key, entries in rows.items() if entries]


def _rows(system: System, dataset: Dataset, number: int, notes: list[str]) -> list[tuple]:
    if len(dataset.phases) != 1:
        raise ValueError(f"{dataset.file}: the key 'phases' must name one phase beside a solver.")
    (name,) = dataset.phases
    if name not in system.phase_names:
        notes.append(f"{dataset.file}: left out, the system has no phase {name}.")
        return []
    phase = system.phases[system.index(name)]
    ratios, own = np.array(dataset.solver["site_ratios"]), np.array(phase.site_ratios)
    if len(ratios) != len(own) or not np.allclose(ratios / ratios[0], own / own[0]):
        notes.append(f"{dataset.file}: left out, site ratios {ratios.tolist()} are not those of {name}, "
                     f"{phase.site_ratios}.")  # fmt: skip
        return []
    P, T = dataset.conditions["P"], dataset.conditions["T"]
    weight = np.broadcast_to(dataset.weight, dataset.values.shape)
    quantity, _, relative = dataset.output.partition("_")
    rows, foreign, cold = [], 0, 0
    for k, configuration in enumerate(dataset.solver["configurations"]):
        y = occupied(phase, configuration)
        if y is None:
            foreign += 1
            continue
        references = _references(system, phase, y, relative, dataset)
        for i, j in itertools.product(range(len(P)), range(len(T))):
            if T[j] < _LOWEST:
                cold += 1
                continue
            sigma = SIGMA[quantity] / weight[i, j, k]
            rows.append((system.index(name), T[j], P[i], y, references, dataset.values[i, j, k], sigma, number))
    if foreign:
        notes.append(f"{dataset.file}: {foreign} configurations left out, {name} does not have them.")
    if cold:
        notes.append(f"{dataset.file}: {cold} values below {_LOWEST} K left out.")
    return rows


def occupied(phase: Phase, configuration: Sequence[dict[str, float]]) -> np.ndarray | None:
    """Site fractions of a configuration; None if the phase has no such constituent."""
    for names, given in zip(phase.sublattices, configuration, strict=True):
        if not {n for n, share in given.items() if share > 0} <= set(names):
            return None
    return np.array([configuration[s].get(name, 0.0) for s, name in phase.variables])


def _references(system: System, phase: Phase, y: np.ndarray, relative: str, dataset: Dataset):
    """[(phase, y, weight)] to subtract, weights per formula unit."""
    index = system.index(phase.name)
    if relative == "":
        return []
    if relative == "MIX":
        return [(index, corner, weight) for corner, weight in end_members(phase, y)]
    if relative != "FORM":
        raise ValueError(f"{dataset.file}: the key 'output' ends in _{relative}; known are _FORM and _MIX.")
    moles = _moles(system, index, y)
    result = []
    for element, amount in zip(system.elements, moles, strict=False):
        if amount > 0:
            reference, corner = pure_reference(system, element)
            result.append((reference, corner, amount / _moles(system, reference, corner).sum()))
    return result


def end_members(phase: Phase, y: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """The corners of the phase with their shares prod_s y_s in the mechanical mixture of composition y."""
    sublattices = sorted({s for s, _ in phase.variables})
    choices = [[j for j, (t, _) in enumerate(phase.variables) if t == s and y[j] > 0] for s in sublattices]
    result = []
    for chosen in itertools.product(*choices):
        corner = np.zeros(len(y))
        corner[list(chosen)] = 1.0
        result.append((corner, float(np.prod(y[list(chosen)]))))
    return result


def pure_reference(system: System, element: str) -> tuple[int, np.ndarray]:
    """(phase, y) of the element in the phase that the database names as its reference.

    Raises:
        ValueError: the system was built without that phase.
    """
    named = system.database.content.refstates.get(element, {}).get("phase", "")
    for n, phase in enumerate(system.phases):
        if named in (phase.name, phase.disordered):
            return n, pure_y(phase, element, named)
    raise ValueError(f"The reference state of {element} is {named or 'not given by the database'}, which is not among "
                     f"the phases of the system; build it with {named}.")  # fmt: skip


def pure_y(phase: Phase, element: str, named: str) -> np.ndarray:
    """The element on every sublattice that can hold it, vacancies or what else there is on the others."""
    y = np.zeros(len(phase.variables))
    for s, names in enumerate(phase.sublattices):
        own = [j for j, (t, _) in enumerate(phase.variables) if t == s]
        if own:
            wanted = [j for j in own if phase.variables[j][1] == element] or [
                j for j in own if phase.variables[j][1] == "VA"]  # fmt: skip
            if not wanted:
                raise ValueError(f"{named} of sublattices {names} cannot be made of {element} alone.")
            y[wanted[0]] = 1.0
    return y


def _moles(system: System, index: int, y: np.ndarray) -> np.ndarray:
    return np.asarray(formula_moles(system.tables, index, jnp.asarray(padded(system, y))))


def padded(system: System, y: np.ndarray) -> np.ndarray:
    """Site fractions with the ones that fill the tables."""
    out = np.ones(system.tables.sizes[2])
    out[: len(y)] = y
    return out


def _stacked(system: System, rows: list[tuple], quantity: str, excluded: tuple[str, ...]) -> Thermochemical:
    most = max(1, max(len(r[4]) for r in rows))
    n_y = system.tables.sizes[2]
    phases, ys, weights = np.zeros((len(rows), most), int), np.ones((len(rows), most, n_y)), np.zeros((len(rows), most))
    for i, row in enumerate(rows):
        for r, (phase, y, weight) in enumerate(row[4]):
            phases[i, r], ys[i, r], weights[i, r] = phase, padded(system, y), weight
    column = lambda k: jnp.asarray(np.array([row[k] for row in rows]))
    return Thermochemical(
        phase=column(0), T=column(1), P=column(2), y=jnp.asarray([padded(system, row[3]) for row in rows]),
        atoms=jnp.asarray([_moles(system, row[0], row[3]).sum() for row in rows]),
        reference_phase=jnp.asarray(phases), reference_y=jnp.asarray(ys), reference_weight=jnp.asarray(weights),
        target=column(5), sigma=column(6), dataset=column(7),
        kind="thermochemical", unit=_UNIT[quantity], quantity=quantity, excluded=excluded,
    )  # fmt: skip
