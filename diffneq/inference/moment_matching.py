"""Moment matching: parameters with which the mean and the variance of one step, given its start, are those measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq.inference.kramers_moyal import kramers_moyal
from diffneq.inference.models import Langevin
from diffneq.inference.objectives import check_diffusion
from diffneq.inference.parameters import in_double, parameters
from diffneq.inference.result import Fit, collected
from diffneq.inference.search import least_squares
from diffneq.inference.series import time_series
from diffneq.inference.transition import moments
from diffneq.statistics.distributions import chi_squared_tail


class StepMoments(eqx.Module):
    """[(D_1(model) - D_1)/error, (D_2(model) - D_2)/error] in the cells, both at the dt of the record."""

    centres: Array
    measured: Array
    error: Array
    dt: Array
    substeps: int = eqx.field(static=True)

    def __call__(self, model: Langevin) -> Array:
        mean, variance = jax.vmap(lambda x: moments(model, x, self.dt, self.substeps))(self.centres)
        change = mean - self.centres
        predicted = jnp.concatenate([change, (variance + change**2) / 2]) / self.dt
        sound = jnp.all(jax.vmap(model.diffusion)(self.centres) > 0)
        return jnp.where(sound, (predicted - self.measured) / self.error, jnp.nan)


def moment_matching(
    model: Langevin,
    data,
    dt: float | None = None,
    *,
    time=None,
    variables=None,
    bins: int = 24,
    free: Sequence[str] | None = None,
    substeps: int = 1,
    blocks: int = 32,
    units: Mapping[str, str] | None = None,
) -> Fit:
    """min over parameters of sum over cells of (D_k(model; dt) - D_k)^2/error^2, k = 1, 2: mean and variance of a step.

    Both sides are taken at the dt of the record, so that no limit dt -> 0 is needed; the model's moments are those of
    `transition.moments`. Quicker than the likelihood on long records, and blind to what goes beyond two moments.

    Arguments: as in `fit`; one variable; `bins`, of `kramers_moyal`, at whose mean state the model is evaluated.

    Diagnostics: "chi2", "dof", "p_value". Raises `ValueError` for a bad record, linear models with hidden variables,
    and a diffusion that is not positive in a cell.

    >>> from diffneq.inference import ItoPolynomial
    >>> rng = np.random.default_rng(0)
    >>> x = np.zeros((200, 400))
    >>> for t in range(399):
    ...     x[:, t + 1] = np.exp(-0.5) * x[:, t] + np.sqrt(1 - np.exp(-1)) * rng.normal(size=200)
    >>> found = moment_matching(ItoPolynomial((0.0, -0.5), 0.5), x[:, 50:], dt=0.5)
    >>> abs(found["drift_coefficients[1]"].z_score(-1.0)) < 4, abs(found["diffusion_coefficients[0]"].z_score(1.0)) < 4
    (True, True)
    """
    if not isinstance(model, Langevin):
        raise ValueError(f"{type(model).__name__} has hidden variables: fit it by the likelihood, `fit`.")
    series = time_series(data, dt, time, variables)
    series.scalar  # noqa: B018  one variable, or an error
    found = kramers_moyal(series, bins=bins, orders=2, blocks=blocks)
    keep = np.isfinite(found.drift[:, 0]) & (found.drift_error[:, 0] > 0) & (found.diffusion_error[:, 0, 0] > 0)
    column = lambda one, two: np.concatenate([one[keep, 0], two[keep, 0, 0]])
    with jax.enable_x64(True):
        doubled = in_double(model)
        centres = jnp.asarray(found.centres[keep, 0])
        check_diffusion(doubled, centres[:, None])
        measured, error = column(found.drift, found.diffusion), column(found.drift_error, found.diffusion_error)
        seen = (jnp.asarray(part) for part in (measured, error, series.dt))
        objective = StepMoments(centres, *seen, int(substeps))
        chosen = parameters(doubled, free)
        best = least_squares(objective, chosen, chosen.at(doubled))
        chi2, dof = 2 * float(best.values.sum()), len(measured) - len(chosen.names)
        p_value = chi_squared_tail(chi2, dof)
        notes = (f"the model does not describe the moments of the steps: p = {p_value:.1g}",) if p_value < 1e-3 else ()
        more = {"chi2": chi2, "dof": dof, "p_value": p_value}
        return collected(model, chosen, best, "moment matching", units or {}, notes, **more)
