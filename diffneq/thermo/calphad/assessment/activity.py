"""Activities, compared as chemical potentials."""

from collections.abc import Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from diffneq.thermo.calphad.assessment.data import Dataset
from diffneq.thermo.calphad.assessment.equilibria import Context, Wanted
from diffneq.thermo.calphad.assessment.residuals import Residual
from diffneq.thermo.calphad.assessment.thermochemical import padded, pure_y
from diffneq.thermo.calphad.energy import molar_energy
from diffneq.thermo.calphad.system import System

SIGMA = 500.0  # J/mol at weight 1, of the chemical potential, as in ESPEI


class Activity(Residual):
    """mu_e(T, x) - mu_e^ref, compared with R T ln a; mu_e^ref is G of the pure element in the reference phase."""

    where: Int[Array, "n"]
    element: Int[Array, "n"]
    reference_phase: Int[Array, "n"]
    reference_y: Float[Array, "n n_y"]
    reference_T: Float[Array, "n"]
    reference_P: Float[Array, "n"]
    target: Float[Array, "n"]
    sigma: Float[Array, "n"]
    dataset: Int[Array, "n"]
    kind: str = eqx.field(static=True, default="activity")
    unit: str = eqx.field(static=True, default="J/mol")

    def model(self, context: Context):
        """See the class; it fails where the chemical potential is not determined by a certified equilibrium."""
        pure = jax.vmap(lambda n, T, P, y: molar_energy(context.tables, n, T, P, y))(
            self.reference_phase, self.reference_T, self.reference_P, self.reference_y
        )
        return context.planes.mu[self.element, self.where] - pure, ~context.planes.determined[self.where]


def activity(system: System, data: Sequence[Dataset], wanted: Wanted, notes: list[str]) -> list[Activity]:
    """All activities.

    Raises:
        ValueError: an element or composition that does not fit, a reference that is not a pure element of one phase.
    """
    rows = [row for n, d in enumerate(data) if d.kind == "activity" for row in _rows(system, d, n, wanted, notes)]
    if not rows:
        return []
    column = lambda k: jnp.asarray(np.array([row[k] for row in rows]))
    return [Activity(column(0), column(1), column(2), column(3), column(4), column(5), column(6), column(7), column(8))]


def _rows(system: System, dataset: Dataset, number: int, wanted: Wanted, notes: list[str]) -> list[tuple]:
    element = dataset.output.partition("_")[2]
    if element not in system.elements or not set(dataset.components) <= set(system.elements):
        notes.append(f"{dataset.file}: left out, not all its components are in the system.")
        return []
    reference = _reference(system, dataset, element)
    conditions, R = dataset.conditions, float(system.tables.gas_constant)
    x = compositions(system, dataset)
    weight = np.broadcast_to(dataset.weight, dataset.values.shape)
    if not (dataset.values > 0).all():
        raise ValueError(f"{dataset.file}: the key 'values' holds an activity that is not positive.")
    rows = []
    for (i, j, k), a in np.ndenumerate(dataset.values):
        if x[k][system.elements.index(element)] <= 0:
            raise ValueError(f"{dataset.file}: the activity of {element} is given where there is none of it.")
        T, P = conditions["T"][j], conditions["P"][i]
        rows.append((wanted.place(T, P, x[k]), system.elements.index(element), *reference,
                     R * T * np.log(a), SIGMA / weight[i, j, k], number))  # fmt: skip
    return rows


def compositions(system: System, dataset: Dataset) -> np.ndarray:
    """Mole fractions (n, elements); the component that is not given takes the rest."""
    given = {k[2:]: v for k, v in dataset.conditions.items() if k.startswith("X_")}
    return full_compositions(system, dataset, given)


def full_compositions(system: System, dataset: Dataset, given: Mapping[str, np.ndarray]) -> np.ndarray:
    """Mole fractions of all elements from those of all components of a dataset but one.

    Raises:
        ValueError: more than one component is open, or the fractions do not leave room.
    """
    open_ones = [c for c in dataset.components if c not in given]
    if len(open_ones) > 1 or not set(given) <= set(dataset.components):
        raise ValueError(f"{dataset.file}: give the fractions of all components but one as X_...")
    total = np.sum(list(given.values()), axis=0)
    if (total > 1 + 1e-9).any() or (not open_ones and not np.allclose(total, 1.0)):
        raise ValueError(f"{dataset.file}: the fractions X_... do not sum to one.")
    values = {**given, **{c: np.maximum(1.0 - total, 0.0) for c in open_ones}}
    return np.stack([values.get(e, np.zeros(total.shape)) for e in system.elements], axis=-1)


def _reference(system: System, dataset: Dataset, element: str) -> tuple:
    """(phase, y, T, P) of the reference state."""
    state = dataset.reference_state
    conditions, phases = state["conditions"], state["phases"]
    own = conditions.get(f"X_{element}")
    rest = sum(float(v[0]) for k, v in conditions.items() if k.startswith("X_") and k != f"X_{element}")
    pure = abs(float(own[0]) - 1.0) < 1e-9 if own is not None else abs(rest) < 1e-9
    if len(phases) != 1 or not pure or any(v.size != 1 for v in conditions.values()):
        raise ValueError(
            f"{dataset.file}: the key 'reference_state' must be pure {element} in one phase at one T and P."
        )
    index = system.index(phases[0])
    y = padded(system, pure_y(system.phases[index], element, phases[0]))
    return index, y, float(conditions["T"][0]), float(conditions["P"][0])
