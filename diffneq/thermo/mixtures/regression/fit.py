"""Least squares for any model and any measurements, with errors of the parameters and comparison of models."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optimistix as optx
from jaxtyping import Array, Float

from diffneq.statistics import Estimate, fit_columns
from diffneq.statistics.distributions import chi_squared_tail
from diffneq.thermo.mixtures.checks import check_float64
from diffneq.thermo.mixtures.models.excess import ExcessModel
from diffneq.thermo.mixtures.regression.measurements import Measurements

_TOLERANCE = 1e-9
_MOST_STEPS = 200


class Candidate(NamedTuple):
    """A family of models: `build(theta)` makes one of the parameters theta (p,), `start` is where a fit begins."""

    name: str
    build: Callable[[Float[Array, " p"]], ExcessModel]
    start: np.ndarray
    names: tuple[str, ...]
    units: tuple[str, ...]


class Fit(NamedTuple):
    """The best parameters as Estimates (one standard error, data errors as stated), and what can be said of them.

    `covariance` = (J'J)^-1 of the residuals r in standard deviations; `chi2` = r.r with `dof`; `aic` = chi2 + 2 p + 2 p
    (p + 1)/(n - p - 1) (H. Akaike, IEEE Trans. Autom. Control 19 (1974) 716, with the correction for few data);
    `residuals` of what was measured, in standard deviations, in the order of the data.
    """

    candidate: Candidate
    model: ExcessModel
    parameters: tuple[Estimate, ...]
    covariance: np.ndarray
    correlation: np.ndarray
    residuals: np.ndarray
    chi2: float
    dof: int
    p_value: float
    aic: float
    converged: bool

    def table(self) -> str:
        """For a reader."""
        lines = [f"{self.candidate.name}: chi^2 = {self.chi2:.4g} for {self.dof} degrees of freedom"]
        lines += [
            f"  {p.name:8} {p}" + ("  (!) " + "; ".join(p.warnings) if p.warnings else "") for p in self.parameters
        ]
        return "\n".join([*lines, "" if self.converged else "  NOT converged"]).rstrip()


class Comparison(NamedTuple):
    """Fits of several candidates, the best first by AIC; `held_out`: chi^2 per residual of data left out of a fit."""

    fits: tuple[Fit, ...]
    held_out: tuple[float, ...]

    def table(self) -> str:
        """For a reader."""
        lines = [f"{'model':12} {'parameters':>10} {'chi^2/dof':>10} {'AIC':>10} {'held out':>10}"]
        for fit, out in zip(self.fits, self.held_out, strict=True):
            ratio = fit.chi2 / max(fit.dof, 1)
            lines.append(f"{fit.candidate.name:12} {len(fit.parameters):10d} {ratio:10.4g} {fit.aic:10.5g} {out:10.4g}")
        return "\n".join(lines)


def _stacked(model: ExcessModel, data: Sequence[Measurements]) -> Array:
    return jnp.concatenate([each.residuals(model).ravel() for each in data])


class _Problem(eqx.Module):
    """r(u) with theta = start + scale u, weights choosing the rows that take part."""

    data: tuple[Measurements, ...]
    start: Float[Array, " p"]
    scale: Float[Array, " p"]
    weight: Float[Array, " rows"]
    build: Callable = eqx.field(static=True)

    def residuals(self, u, _=None) -> Array:
        """Of the rows that take part, zero elsewhere."""
        r = self.weight * _stacked(self.build(self.start + self.scale * u), self.data)
        return jnp.where(jnp.isfinite(r), r, 1e3 * self.weight)  # a state without a solution is as bad as 1000 sigma


@eqx.filter_jit
def _minimised(problem: _Problem):
    solver = optx.LevenbergMarquardt(rtol=_TOLERANCE, atol=_TOLERANCE)
    start = jnp.zeros_like(problem.start)
    found = optx.least_squares(problem.residuals, solver, start, max_steps=_MOST_STEPS, throw=False)
    u = found.value
    both = lambda u: (lambda r: (r, r))(problem.residuals(u))
    J, r = jax.jacfwd(both, has_aux=True)(u)
    done = found.result == optx.RESULTS.successful
    return problem.start + problem.scale * u, r, J / problem.scale[None, :], done


def _solved(candidate: Candidate, data: Sequence[Measurements], weight: np.ndarray):
    start = np.asarray(candidate.start, float)
    scale = np.maximum(np.abs(start), 1.0 if np.all(start == 0) else 0.1 * np.abs(start).max())
    problem = _Problem(tuple(data), jnp.asarray(start), jnp.asarray(scale), jnp.asarray(weight), candidate.build)
    theta, r, J, done = _minimised(problem)
    return np.asarray(theta), np.asarray(r), np.asarray(J), bool(done)


def fit(candidate: Candidate, data: Measurements | Sequence[Measurements]) -> Fit:
    """min_theta sum_i r_i(theta)^2, r_i = (calculated - measured)/standard deviation, by Levenberg and Marquardt.

    Derivatives of the equilibria are exact (implicit function theorem). Errors are from the stated standard deviations
    and not rescaled; a fit that these do not allow (p < 0.001) warns.

    Arguments: `candidate`, from `candidate(...)` or of your own; `data`, one or more kinds of measurements.

    Raises:
        ValueError: fewer measurements than parameters; x64 is off.
    """
    check_float64()
    data = (data,) if isinstance(data, Measurements) else tuple(data)
    known = np.concatenate([np.asarray(each.measured()).ravel() for each in data])
    if known.sum() < len(candidate.start):
        raise ValueError(f"{candidate.name} has {len(candidate.start)} parameters, but there are {known.sum()} data.")
    theta, r, J, done = _solved(candidate, data, known.astype(float))
    linear = fit_columns(J[known], r[known], np.ones(known.sum()))
    errors = np.sqrt(np.diag(linear.covariance))
    chi2 = float(np.sum(r[known] ** 2))
    n, p = int(known.sum()), len(theta)
    dof = n - p
    p_value = chi_squared_tail(chi2, dof)
    warnings = ("the data scatter more than their stated errors: p < 0.001",) if p_value < 1e-3 else ()
    parameters = tuple(
        Estimate(value, error, unit, name, "least squares", warnings)
        for value, error, unit, name in zip(theta, errors, candidate.units, candidate.names, strict=True)
    )
    aic = chi2 + 2.0 * p + (2.0 * p * (p + 1) / (dof - 1) if dof > 1 else np.inf)
    return Fit(
        candidate, candidate.build(jnp.asarray(theta)), parameters, linear.covariance,
        linear.covariance / np.outer(errors, errors), r[known], chi2, dof, p_value, aic, done,
    )  # fmt: skip


def compare(candidates: Sequence[Candidate], data: Measurements | Sequence[Measurements], folds: int = 4) -> Comparison:
    """Fits of all candidates to the same data, sorted by AIC, with chi^2 of data held out in `folds` turns.

    In each turn every `folds`-th row of each kind of measurement is left out and predicted by a fit to the others.

    Raises:
        ValueError: see `fit`; fewer than two folds.
    """
    if folds < 2:
        raise ValueError("compare: hold out in two or more folds.")
    data = (data,) if isinstance(data, Measurements) else tuple(data)
    fits = sorted((fit(each, data) for each in candidates), key=lambda f: f.aic)
    return Comparison(tuple(fits), tuple(_held_out(f.candidate, data, folds) for f in fits))


def _held_out(candidate: Candidate, data: Sequence[Measurements], folds: int) -> float:
    """chi^2 per residual."""
    masks = [np.asarray(each.measured()) for each in data]
    rows = np.concatenate([np.repeat(np.arange(len(m)) % folds, m.shape[1]) for m in masks])
    known = np.concatenate([m.ravel() for m in masks])
    total = 0.0
    for turn in range(folds):
        theta, *_ = _solved(candidate, data, (known & (rows != turn)).astype(float))
        r = np.asarray(_predicted(candidate.build, jnp.asarray(theta), tuple(data)))
        total += float(np.sum(r[known & (rows == turn)] ** 2))
    return total / known.sum()


@eqx.filter_jit
def _predicted(build: Callable, theta, data: tuple[Measurements, ...]) -> Array:
    return _stacked(build(theta), data)
