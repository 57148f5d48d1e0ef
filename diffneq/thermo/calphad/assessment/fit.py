"""Fitting: from a problem to parameters with errors."""

import time
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
from tqdm import tqdm

from diffneq._parameters import check_finite
from diffneq.thermo.calphad.assessment.descent import LOSSES, METHODS, Tangent, descend
from diffneq.thermo.calphad.assessment.parameters import Space
from diffneq.thermo.calphad.assessment.problem import Problem
from diffneq.thermo.calphad.assessment.result import Assessment, assessment

_BAR_AFTER = 2.0  # s


def fit(
    problem: Problem,
    start: Mapping[str, float] | None = None,
    method: str = "levenberg-marquardt",
    loss: str = "squares",
    linear_start: bool = True,
    max_steps: int = 200,
    progress: bool = True,
) -> Assessment:
    """min over theta of sum_i rho(r_i(theta)) + sum_p [(theta_p - m_p)/s_p]^2 / 2, rho = r^2/2 for "squares".

    The derivatives of all residuals are exact, those of equilibria by the implicit function theorem. Errors are one
    standard error of the Laplace approximation, C = [J' W J + 1/s^2]^-1 at the minimum, W = rho'(r)/r (1 for
    squares), with the standard deviations of the data as they are stated. A residual whose equilibrium fails counts
    as ten standard deviations (`residuals.PENALTY`) and is counted in the result.

    Args:
        problem: from `problem`.
        start: name -> value; by default the values of the database (or the last ones of `problem.parameters`).
        method: "levenberg-marquardt" or "gauss-newton" (optimistix, squares only), "l-bfgs" (optimistix), "adam"
            (optax); the last two for any loss.
        loss: "squares", "huber" or "cauchy", the last two for data with outliers. Priors are always squares.
        linear_start: begin with the linear least-squares solution of the thermochemical data and priors alone, where
            that lowers the objective.
        max_steps: of the method.
        progress: show a bar if it takes more than two seconds.

    Raises:
        ValueError: an unknown name, a start that is not finite, or a method that does not fit the loss.
    """
    if method not in METHODS or loss not in LOSSES:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, and loss one of {', '.join(LOSSES)}.")
    if loss != "squares" and method not in ("l-bfgs", "adam"):
        raise ValueError(f"{method} is for squares; for the {loss} loss choose method='l-bfgs' or 'adam'.")
    run = _Run(problem, _starting_values(problem, start), loss, progress)
    if linear_start:
        run.linear_start()
    run.scale()
    path = descend(run.look, run.watch, np.zeros(len(problem.parameters)), method, loss, max_steps)
    theta = np.asarray(run.space.theta(jnp.asarray(path.u)))
    run.finish()
    how = {"method": method, "loss": loss, "steps": path.steps, "converged": path.converged,
           "linear_start": run.linear}  # fmt: skip
    return assessment(problem, theta, *problem.evaluate(theta), how, run.history, run.started)


def _starting_values(problem: Problem, start: Mapping[str, float] | None) -> np.ndarray:
    theta, names = problem.start, [p.name for p in problem.parameters]
    for name, value in (start or {}).items():
        if name not in names:
            raise ValueError(f"{name} is not among the parameters to fit: {', '.join(names)}.")
        check_finite("start", **{name: np.asarray(value, float)})
        theta[names.index(name)] = float(value)
    return theta


class _Run:
    """One fit: the space of its unknowns, and what is remembered of its steps."""

    def __init__(self, problem: Problem, theta: np.ndarray, loss: str, progress: bool):
        self.problem, self.loss, self.progress = problem, loss, progress
        self.started, self.history, self.bar = time.perf_counter(), [], None
        self.space: Space = problem.numbers.space._replace(start=jnp.asarray(theta))
        self.linear = False
        self._last: tuple[Any, Tangent] | None = None

    def look(self, u) -> Tangent:
        """Residuals of data and priors and their derivatives in u, the priors last."""
        u = jnp.asarray(u)
        if self._last is not None and np.array_equal(self._last[0], u):
            return self._last[1]
        theta, widths = jax.jvp(self.space.theta, (u,), (jnp.ones_like(u),))
        r, J, _ = self.problem.evaluate(theta)
        prior = self.space.prior_residuals(theta)
        slope = jnp.concatenate([jnp.asarray(J), jnp.diag(1.0 / self.space.prior_error)]) * widths[None]
        tangent = Tangent(jnp.concatenate([jnp.asarray(r), prior]), slope, u)
        self._last = (np.asarray(u), tangent)
        return tangent

    def objective(self, tangent: Tangent) -> float:
        """sum rho(r) of the data + half the squares of the priors."""
        data = len(self.problem.targets)
        rho = LOSSES[self.loss](tangent.residual[:data])
        return float(jnp.sum(rho) + 0.5 * jnp.sum(tangent.residual[data:] ** 2))

    def watch(self, tangent: Tangent) -> None:
        """Remembers (seconds, objective) and moves the bar."""
        passed, value = time.perf_counter() - self.started, self.objective(tangent)
        self.history.append((passed, value))
        if self.progress and self.bar is None and passed > _BAR_AFTER:
            self.bar = tqdm(desc="fit", unit=" evaluations", initial=len(self.history) - 1)
        if self.bar is not None:
            self.bar.update()
            self.bar.set_postfix_str(f"objective {value:.6g}")

    def finish(self) -> None:
        """Closes the bar."""
        if self.bar is not None:
            self.bar.close()

    def linear_start(self) -> None:
        """Gauss-Newton's step of the thermochemical residuals and the priors, exact where they are linear."""
        here = self.look(np.zeros(len(self.space.start)))
        kinds = [kind == "thermochemical" for kind, _, _ in self.problem.labels]
        rows = np.array(kinds + [True] * len(self.space.start))
        if not any(kinds):
            return
        operator = lx.MatrixLinearOperator(here.slope[rows])
        step = lx.linear_solve(operator, -here.residual[rows], lx.SVD(rcond=1e-6)).value
        there = self.look(step)
        if np.isfinite(step).all() and self.objective(there) < self.objective(here):
            self.space, self.linear = self.space._replace(start=self.space.theta(step)), True
        self._last = None

    def scale(self) -> None:
        """Marquardt's units: theta_p moves by one when u_p moves by 1/|dr/dtheta_p|."""
        here = self.look(np.zeros(len(self.space.start)))
        size = jnp.linalg.norm(here.slope, axis=0)
        self.space = self.space._replace(scale=jnp.where(size > 0, self.space.scale / size, self.space.scale))
        self._last = None
