"""A set of data and a set of parameters: all residuals as one function of the parameters."""

import dataclasses
from collections.abc import Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from diffneq.thermo.calphad.assessment.activity import activity
from diffneq.thermo.calphad.assessment.boundaries import driving_forces
from diffneq.thermo.calphad.assessment.data import THERMOCHEMICAL, Dataset
from diffneq.thermo.calphad.assessment.direct import coexistences
from diffneq.thermo.calphad.assessment.equilibria import Context, Equilibria, Wanted, planes
from diffneq.thermo.calphad.assessment.parameters import Parameter, Space
from diffneq.thermo.calphad.assessment.regions import regions
from diffneq.thermo.calphad.assessment.residuals import Residual, residual
from diffneq.thermo.calphad.assessment.thermochemical import Thermochemical, thermochemical
from diffneq.thermo.calphad.equilibrium import searcher_of
from diffneq.thermo.calphad.solver.search import Searcher
from diffneq.thermo.calphad.system import System


class Numbers(eqx.Module):
    """Everything that compiled code needs, as arrays."""

    searcher: Searcher
    space: Space
    equilibria: Equilibria
    parts: tuple[Residual, ...]
    elements: int = eqx.field(static=True)

    def context(self, theta: Float[Array, "p"]) -> Context:
        """The database with these parameters, and the equilibria that the residuals need."""
        coefficients = self.space.into(self.searcher.tables.coefficients, theta)
        searcher = eqx.tree_at(lambda s: s.tables.coefficients, self.searcher, coefficients)
        needed = any(not isinstance(part, Thermochemical) for part in self.parts)
        found = planes(searcher, self.equilibria) if needed else None
        return Context(searcher.tables, searcher.points, found, self.elements)  # type: ignore[arg-type]

    def residuals(self, theta: Float[Array, "p"]) -> tuple[Float[Array, "n"], Bool[Array, "n"]]:
        """(r, failed) of all data, without the priors."""
        context = self.context(theta)
        found = [residual(part, context) for part in self.parts]
        return jnp.concatenate([r for r, _ in found]), jnp.concatenate([f for _, f in found])


@dataclasses.dataclass(frozen=True, eq=False)
class Problem:
    """min over theta of sum_i r_i(theta)^2 + sum_p [(theta_p - m_p)/s_p]^2: made by `problem`.

    `numbers` is what compiled functions take; `notes` say which data were left out and why.
    """

    system: System
    parameters: tuple[Parameter, ...]
    data: tuple[Dataset, ...]
    numbers: Numbers
    notes: tuple[str, ...]

    @property
    def start(self) -> np.ndarray:
        """The parameters as the database has them."""
        return np.array([p.start for p in self.parameters])

    def evaluate(self, theta) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(r, dr/dtheta, failed) of all data at these parameters, without the priors; derivatives are exact."""
        r, J, failed = _evaluate(self.numbers, jnp.asarray(theta, float))
        return np.asarray(r), np.asarray(J), np.asarray(failed)

    def models(self, theta) -> tuple[np.ndarray, np.ndarray]:
        """(what the database says for every datum, in its unit, NaN where it failed; failed)."""
        r, _, failed = self.evaluate(theta)
        return np.where(failed, np.nan, self.targets + self.sigma * r), failed

    @property
    def labels(self) -> list[tuple[str, str, int]]:
        """(kind, unit, number of the dataset) of every residual."""
        return [(p.kind, p.unit, int(d)) for p in self.numbers.parts for d in np.asarray(p.dataset)]

    @property
    def sigma(self) -> np.ndarray:
        """Standard deviation of every datum, in its unit."""
        return np.concatenate([np.asarray(p.sigma) for p in self.numbers.parts])

    @property
    def targets(self) -> np.ndarray:
        """What was measured, in its unit; 0 for driving forces."""
        return np.concatenate([np.asarray(p.target) for p in self.numbers.parts])

    def with_targets(self, targets) -> "Problem":
        """The same problem with other measured values, for example simulated ones."""
        edges = np.cumsum([0] + [len(p.target) for p in self.numbers.parts])
        targets = np.asarray(targets, float)
        parts = tuple(
            eqx.tree_at(lambda p: p.target, part, jnp.asarray(targets[a:b]))
            for part, a, b in zip(self.numbers.parts, edges[:-1], edges[1:], strict=True)
        )
        return dataclasses.replace(self, numbers=eqx.tree_at(lambda n: n.parts, self.numbers, parts))


def problem(
    system: System,
    data: Sequence[Dataset],
    parameters: Sequence[Parameter],
    boundaries: str = "driving force",
    weights: Mapping[str, float] | None = None,
    density: float = 1.0,
) -> Problem:
    """The residuals of data as functions of parameters.

    Args:
        system: from `build`, with all phases that compete.
        data: from `read_data`.
        parameters: from `choose`.
        boundaries: how phase boundaries are compared: by "driving force", as ESPEI does, or "direct": compositions
            of tie-lines and temperatures and compositions of invariants (other regions still by driving force).
        weights: kind of output (ZPF, ACR, HM, SM, CPM) -> factor on the weights of all such data; the standard
            deviations at weight 1 are ESPEI's, and many assessments give {"ZPF": 20}.
        density: see `equilibrium`.

    Raises:
        ValueError: nothing to fit or to fit to, and what the parts of the data raise.
    """
    if boundaries not in ("driving force", "direct"):
        raise ValueError(f"boundaries must be 'driving force' or 'direct', not {boundaries!r}.")
    if not parameters:
        raise ValueError("Choose at least one parameter to fit.")
    data = [_weighted(d, weights or {}) for d in data]
    notes: list[str] = []
    wanted = Wanted(system.elements)
    parts: list[Residual] = [*thermochemical(system, data, notes), *activity(system, data, wanted, notes)]
    found = regions(system, data, wanted, notes)
    if boundaries == "direct":
        direct, found = coexistences(system, found)
        parts += direct
    parts += driving_forces(system, found)
    mixtures = [d for d in data if d.kind == "equilibrium"]
    notes += [f"{d.file}: left out, {d.output} of equilibria is not implemented." for d in mixtures]
    if not parts:
        raise ValueError("None of the data can be compared with this system: " + (" ".join(notes) or "there are none."))
    space = Space.of(parameters)
    numbers = Numbers(searcher_of(system, density), space, wanted.batch(), tuple(parts), len(system.elements))
    return Problem(system, tuple(parameters), tuple(data), numbers, tuple(notes))


def _weighted(data: Dataset, weights: Mapping[str, float]) -> Dataset:
    unknown = [k for k, w in weights.items() if k not in ("ZPF", "ACR", *THERMOCHEMICAL) or not w > 0]
    if unknown:
        raise ValueError(f"weights takes positive factors for ZPF, ACR, HM, SM, CPM or GM, not {', '.join(unknown)}.")
    return dataclasses.replace(data, weight=data.weight * weights.get(data.output.split("_")[0], 1.0))


@eqx.filter_jit
def _evaluate(numbers: Numbers, theta):
    def both(theta):
        r, failed = numbers.residuals(theta)
        return r, (r, failed)

    J, (r, failed) = jax.jacfwd(both, has_aux=True)(theta)
    return r, J, failed
