"""Static averages: the derivative of the Boltzmann weight."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from diffneq.response.derivatives.canonical import check_canonical, log_density
from diffneq.response.derivatives.curve import ResponseCurve
from diffneq.response.derivatives.ensemble import Ensemble
from diffneq.response.derivatives.scale import check_change
from diffneq.response.derivatives.transient_subtraction import force_slope


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
    one, zero = jnp.ones((), problem.model.mass.dtype), jnp.zeros((), problem.model.mass.dtype)
    step = check_change(change, ensemble)

    def each(state, neighbours):
        log_rho = lambda x: log_density(problem.changed(x), state, neighbours)
        observed = lambda x: problem.observe(problem.changed(x).model, state)
        value, slope = jax.jvp(observed, (zero,), (one,))
        base, score = jax.jvp(log_rho, (zero,), (one,))
        return value, slope, score, log_rho(step * one) - base

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
    return ResponseCurve(
        np.array([np.inf]), samples, "reweighting", problem.name, problem.unit, warnings, diagnostics
    )


def _check_density(ensemble: Ensemble) -> None:
    problem = ensemble.problem
    if not problem.parameter.startswith("drive"):
        return
    slopes = ensemble.evaluate(lambda s, n: force_slope(problem, s, n))
    if any(np.any(np.asarray(k) != 0) for k in slopes):
        raise ValueError(
            f"{problem.parameter!r} is the strength of a drive, on which the canonical density does not depend; use "
            "'fluctuation_dissipation' or 'transient_time_correlation'."
        )
