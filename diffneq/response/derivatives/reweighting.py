"""Static averages: the derivative of the Boltzmann weight."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from diffneq.response.derivatives.canonical import check_canonical, force_slope, log_density
from diffneq.response.derivatives.curve import ResponseCurve
from diffneq.response.derivatives.ensemble import Ensemble
from diffneq.response.derivatives.scale import check_change


def reweighting(ensemble: Ensemble, change: float | None = None) -> ResponseCurve:
    """d<A>/d(theta) = <dA/d theta> + cov(A, d ln rho/d theta), for U(theta): -cov(A, dU/d theta)/k_B T.

    The derivative of the stationary mean itself, t = inf; no daughters are run. The effective sample size of
    reweighting the snapshots to theta + change, (sum w)^2/sum w^2, tells how far they reach.

    Arguments:
        change: of the parameter, for the effective sample size alone; default `default_change`.

    Raises:
        ValueError: where the reference is not in canonical equilibrium, or the density does not depend on the
            parameter, as that of a field which does work around a ring.

    Source: S. Thaler, J. Zavadlav, Nat. Commun. 12, 6884 (2021).
    """
    problem = ensemble.problem
    check_canonical(problem, ensemble)
    _check_density(ensemble)
    step = check_change(change, ensemble)

    each = Partial(_scored, problem.observe, problem.system, problem.theta, jnp.asarray(step))
    parts = [[np.asarray(x, float) for x in ensemble.evaluate(each, states)] for states in ensemble.states]
    value, slope, score, weight = (np.stack(x) for x in zip(*parts, strict=True))
    count = value.size
    product = (value - value.mean()) * (score - score.mean()) * count / (count - 1)
    samples = (slope + product).mean(0)[:, None]
    weight = np.exp(weight - weight.max())
    effective = float(weight.sum() ** 2 / (weight**2).sum())
    diagnostics = {"effective_sample_size": effective, "samples": count, "change": step}
    warnings = ()
    if effective < 0.1 * count:
        warnings = (f"a change of {step:g} leaves {effective:.0f} of {count} samples effective",)
    return ResponseCurve(np.array([np.inf]), samples, "reweighting", problem.name, problem.unit, warnings, diagnostics)


def _scored(observe, system, theta, step, state, neighbours):
    """A, dA/d(theta), d ln rho/d(theta), and ln rho's change for a finite `step`, of one state."""
    zero = jnp.zeros((), system.model.mass.dtype)
    log_rho = lambda x: log_density(theta.shifted(system, x), state, neighbours)
    observed = lambda x: observe(theta.shifted(system, x).model, state)
    value, slope = jax.jvp(observed, (zero,), (jnp.ones_like(zero),))
    base, score = jax.jvp(log_rho, (zero,), (jnp.ones_like(zero),))
    return value, slope, score, log_rho(step) - base


def _check_density(ensemble: Ensemble) -> None:
    problem = ensemble.problem
    if not problem.parameter.startswith("drive"):
        return
    slopes = ensemble.evaluate(Partial(force_slope, problem.system, problem.theta))
    if any(np.any(np.asarray(k) != 0) for k in slopes):
        raise ValueError(
            f"{problem.parameter!r} is the strength of a drive, on which the canonical density does not depend; use "
            "'fluctuation_dissipation' or 'transient_time_correlation'."
        )
