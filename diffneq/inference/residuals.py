"""What a model leaves unexplained: standardised one-step errors, white and of variance one where it is right."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffneq.inference.kalman import innovations
from diffneq.inference.models import Linear
from diffneq.inference.parameters import in_double
from diffneq.inference.series import TimeSeries
from diffneq.inference.transition import moments
from diffneq.statistics import Estimate, autocovariance
from diffneq.statistics.distributions import chi_squared_tail


def residuals(model, series: TimeSeries, substeps: int = 1, blocks: int = 32) -> np.ndarray:
    """(x' - <x' | past>)/sqrt(Var(x' | past)) for a record of one variable, (B, L).

    Arguments: `model` of `diffneq.inference`; `series` from `time_series`; `substeps` as in `fit`. Raises `ValueError`
    for several variables.

    >>> from diffneq.inference import OrnsteinUhlenbeck, paths, time_series
    >>> model = OrnsteinUhlenbeck(1.0, 1.0)
    >>> x = paths(model, jax.random.key(0), replicas=8, records=500, dt=0.2)
    >>> bool(abs(np.std(residuals(model, time_series(x, 0.2))) - 1) < 0.05)
    True
    """
    series.scalar  # noqa: B018  one variable, or an error
    pieces = series.blocks(blocks)[..., 0]
    with jax.enable_x64(True):
        return np.asarray(_residuals(in_double(model), jnp.asarray(pieces), jnp.asarray(series.dt), substeps))


@eqx.filter_jit
def _residuals(model, pieces, dt, substeps: int):
    if isinstance(model, Linear):
        errors, variances = innovations(model.system(), pieces, dt)
        return (errors / jnp.sqrt(variances)[None, :])[:, 1:]
    mean, variance = jax.vmap(jax.vmap(lambda x: moments(model, x, dt, substeps)))(pieces[:, :-1])
    return (pieces[:, 1:] - mean) / jnp.sqrt(variance)


def whiteness(left: np.ndarray, lags: int = 20) -> tuple[np.ndarray, np.ndarray, Estimate]:
    """Autocorrelation (lags,) of the residuals at lags 1, 2, ..., its errors 1/sqrt(N), and Box and Pierce's Q.

    Q = sum over lags of (rho/error)^2 is chi-squared with `lags` degrees of freedom for white residuals; "p_value" in
    its diagnostics. Source: G. E. P. Box, D. A. Pierce, J. Am. Stat. Assoc. 65, 1509 (1970).

    >>> whiteness(np.random.default_rng(1).normal(size=(4, 500)))[2].diagnostics["p_value"] > 0.001
    True
    """
    lags = min(lags, left.shape[1] // 4)
    covariance = autocovariance(left - left.mean(), lags + 1).mean(0)
    rho, error = covariance[1:] / covariance[0], 1 / np.sqrt(left.shape[0] * (left.shape[1] - np.arange(1, lags + 1)))
    q = float(np.sum((rho / error) ** 2))
    p_value = chi_squared_tail(q, lags)
    warnings = ("the residuals are not white: the model misses some memory",) if p_value < 1e-3 else ()
    detail = {"p_value": p_value, "lags": lags}
    return rho, error, Estimate(q, float(np.sqrt(2 * lags)), "", "Q of the residuals", "Box-Pierce", warnings, detail)
