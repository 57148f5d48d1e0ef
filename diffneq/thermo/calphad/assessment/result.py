"""What a fit returns: parameters with errors, residuals by dataset, counts of failures, provenance."""

import dataclasses
import platform
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from math import sqrt
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffneq.statistics import Estimate
from diffneq.thermo.calphad.assessment.descent import LOSSES
from diffneq.thermo.calphad.assessment.problem import Problem
from diffneq.thermo.calphad.assessment.residuals import PENALTY
from diffneq.thermo.calphad.assessment.uncertainty import Laplace, laplace, propagated
from diffneq.thermo.calphad.assessment.writing import write, written
from diffneq.thermo.calphad.database import Database
from diffneq.thermo.calphad.system import System

METHOD = "Laplace: [J' W J + prior]^-1 at the minimum, standard deviations of the data as stated"


class Group(NamedTuple):
    """The residuals of one kind of one dataset: their number, sum of squares, and how many could not be computed."""

    file: str
    reference: str
    kind: str
    number: int
    chi2: float
    failed: int


@dataclasses.dataclass(frozen=True, eq=False)
class Assessment:
    """Fitted parameters theta and all that can be said about them.

    `parameters` are Estimates with one standard error of the Laplace approximation; `covariance` and `correlation`
    (p, p); `residuals` r of all data, in standard deviations, with `failed`; `groups` by dataset; `converged`: no step
    was left and nothing had failed; `history` pairs of (seconds, objective); `provenance` versions, database, data.
    """

    problem: Problem
    parameters: tuple[Estimate, ...]
    theta: np.ndarray
    covariance: np.ndarray
    correlation: np.ndarray
    residuals: np.ndarray
    failed: np.ndarray
    groups: tuple[Group, ...]
    chi2: float
    dof: int
    converged: bool
    seconds: float
    history: tuple[tuple[float, float], ...]
    provenance: Mapping[str, Any]

    @property
    def system(self) -> System:
        """The system with the fitted parameters."""
        old = self.problem.system
        space = self.problem.numbers.space
        coefficients = space.into(old.tables.coefficients, jnp.asarray(self.theta))
        tables = eqx.tree_at(lambda t: t.coefficients, old.tables, coefficients)
        return dataclasses.replace(old, tables=tables)

    @property
    def failures(self) -> int:
        """How many residuals could not be computed and counted as a penalty."""
        return int(np.sum(self.failed))

    def propagate(self, function: Callable) -> tuple[np.ndarray, np.ndarray]:
        """(f, one standard error) of f(coefficients), by linear propagation of the covariance of the parameters.

        `function` takes `system.tables.coefficients` and is made of JAX operations, `stable_state` among them.
        """
        space, coefficients = self.problem.numbers.space, self.problem.system.tables.coefficients
        return propagated(lambda theta: function(space.into(coefficients, theta)), self.theta, self.covariance)

    def tdb(self) -> str:
        """The database with the fitted parameters, as the text of a TDB file."""
        return written(self.problem.system, self.problem.parameters, self.theta)

    def write(self, path: str | Path) -> Database:
        """Writes the fitted database to a TDB file and reads it back."""
        return write(self.problem.system, self.problem.parameters, self.theta, path)

    def table(self) -> str:
        """The parameters with their errors, and the residuals by dataset, for people."""
        width = max(len(p.name) for p in self.parameters)
        lines = [f"{'parameter':{width}}  value(one standard error)", ""]
        for p in self.parameters:
            lines.append(f"{p.name:{width}}  {p}" + ("  (!) " + "; ".join(p.warnings) if p.warnings else ""))
        lines += ["", "  n  chi^2/n  failed  kind                  dataset"]
        for g in self.groups:
            lines.append(f"{g.number:3d}  {g.chi2 / g.number:7.2f}  {g.failed:6d}  {g.kind:20}  {Path(g.file).stem}")
        state = "converged" if self.converged else "NOT converged"
        lines += ["", f"chi^2 = {self.chi2:.2f} for {self.dof} degrees of freedom; {self.failures} equilibria failed; "
                  f"{state} after {len(self.history)} evaluations, {self.seconds:.1f} s"]  # fmt: skip
        if self.failures:
            lines.append("What failed has no derivative and may hold the fit: start nearer, or from a fit with "
                         "boundaries='driving force'.")  # fmt: skip
        return "\n".join(lines + [f"note: {note}" for note in self.problem.notes])

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a program."""
        return {
            "parameters": [p.to_dict() for p in self.parameters], "correlation": self.correlation.tolist(),
            "covariance": self.covariance.tolist(), "chi2": self.chi2, "dof": self.dof, "failed": self.failures,
            "converged": self.converged, "seconds": self.seconds, "history": [list(h) for h in self.history],
            "datasets": [g._asdict() for g in self.groups], "notes": list(self.problem.notes),
            "provenance": dict(self.provenance),
        }  # fmt: skip


def assessment(
    problem: Problem, theta: np.ndarray, r: np.ndarray, J: np.ndarray, failed: np.ndarray, how: Mapping[str, Any],
    history: list[tuple[float, float]], started: float,
) -> Assessment:  # fmt: skip
    """The record of a fit that ended at theta with residuals r and derivatives J."""
    space = problem.numbers.space
    priors = np.isfinite(np.asarray(space.prior_error))
    weight = np.concatenate([_weights(how["loss"], r), np.ones(len(theta))])
    slope = np.concatenate([J, np.diag(1.0 / np.asarray(space.prior_error))])
    errors = laplace(slope, weight)
    chi2 = float(np.sum(r**2) + np.sum(np.asarray(space.prior_residuals(jnp.asarray(theta))) ** 2))
    dof = int(len(r) - np.sum(failed) + priors.sum() - len(theta))
    return Assessment(
        problem, _estimates(problem, theta, errors, chi2 - PENALTY**2 * failed.sum(), dof), theta, errors.covariance,
        errors.correlation, r, failed, _groups(problem, r, failed), chi2, dof,
        bool(how["converged"]) and not np.any(failed),
        time.perf_counter() - started, tuple(history), _provenance(problem, how),
    )  # fmt: skip


def _weights(loss: str, r: np.ndarray) -> np.ndarray:
    """rho'(r)/r."""
    slope = np.asarray(jax.vmap(jax.grad(LOSSES[loss]))(jnp.asarray(r)))
    return np.where(r == 0.0, 1.0, slope / np.where(r == 0.0, 1.0, r))


def _estimates(problem: Problem, theta, errors: Laplace, chi2: float, dof: int) -> tuple[Estimate, ...]:
    result = []
    ratio = chi2 / dof if dof > 0 else 1.0
    scatter = dof > 0 and ratio > 1.0 + 3.0 * sqrt(2.0 / dof)
    for k, (p, value, error) in enumerate(zip(problem.parameters, theta, errors.errors, strict=True)):
        warnings = []
        if errors.undetermined[k]:
            warnings.append("not determined by the data")
        if min(value - p.lower, p.upper - value) < 0.5 * min(error, p.upper - p.lower):
            warnings.append("at its bound")
        if scatter:
            warnings.append(f"the data scatter {sqrt(ratio):.1f} times more than their stated errors")
        result.append(Estimate(value, error, p.unit, p.name, METHOD, tuple(warnings), {"start": p.start}))
    return tuple(result)


def _groups(problem: Problem, r: np.ndarray, failed: np.ndarray) -> tuple[Group, ...]:
    keys = [(dataset, kind) for kind, _, dataset in problem.labels]
    result = []
    for key in sorted(set(keys)):
        own = np.array([k == key for k in keys])
        data = problem.data[key[0]]
        result.append(Group(data.file, data.reference, key[1], int(own.sum()), float(np.sum(r[own] ** 2)),
                            int(failed[own].sum())))  # fmt: skip
    return tuple(result)


def _provenance(problem: Problem, how: Mapping[str, Any]) -> dict[str, Any]:
    versions = {name: metadata.version(name) for name in ("diffneq", "jax", "optimistix", "optax", "pycalphad")}
    return {**problem.system.provenance, **how, **versions, "python": platform.python_version(),
            "penalty": PENALTY, "data": [d.file for d in problem.data]}  # fmt: skip
