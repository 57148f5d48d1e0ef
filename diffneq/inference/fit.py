"""`fit`: the parameters of a model from a record, by maximum likelihood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jax
import numpy as np

from diffneq.inference.objectives import likelihood
from diffneq.inference.parameters import in_double, parameters
from diffneq.inference.result import Fit, collected
from diffneq.inference.search import look, minimum
from diffneq.inference.series import time_series
from diffneq.inference.transition import Density


def fit(
    model,
    data,
    dt: float | None = None,
    *,
    time=None,
    variables=None,
    free: Sequence[str] | None = None,
    density: Density = "Gaussian closure",
    substeps: int = 1,
    blocks: int = 32,
    units: Mapping[str, str] | None = None,
) -> Fit:
    """max over parameters of sum_t ln p(x_{t+1} | x_t; dt): maximum likelihood.

    Langevin models, all variables recorded: the density is that of the integrator, one Euler-Maruyama step, or a
    Gaussian whose mean and variance are propagated over dt (`transition.moments`). Linear models: the exact density,
    hidden variables and measurement noise by the Kalman filter. The search runs in double precision, its gradients are
    automatic; the model comes back in its own precision.

    Arguments:
        model: a member of `diffneq.inference`, its numbers being the start of the search.
        data, dt, time, variables: see `time_series`.
        free: names of parameters to fit; default all but those that the model lists as given.
        density: "Gaussian closure" for data of a continuous process; "Euler-Maruyama" for data of that scheme at dt.
        substeps: Runge-Kutta steps of the closure in one dt; 2 or more where a variable has no noise of its own.
        blocks: pieces of the record for the errors; replicas, where there are more.
        units: parameter name -> unit.

    Errors: the sandwich H^-1 (sum_b s_b s_b^T) H^-1 of Hessian and scores of the blocks, right also where the model is
    wrong; that of the Hessian alone is in the diagnostics.

    Raises:
        ValueError: for a bad record, a diffusion that is not positive at the data, a likelihood that is not finite at
            the start, unknown names.

    >>> rng = np.random.default_rng(0)
    >>> x = np.zeros(4000)
    >>> for t in range(3999):
    ...     x[t + 1] = 0.9 * x[t] + rng.normal()
    >>> from diffneq.inference import OrnsteinUhlenbeck
    >>> found = fit(OrnsteinUhlenbeck(friction=1.0, temperature=1.0), x, dt=0.1)
    >>> found.converged, abs(found["friction"].z_score(-np.log(0.9) / 0.1)) < 3
    (True, True)
    """
    series = time_series(data, dt, time, variables)
    with jax.enable_x64(True):
        doubled = in_double(model)
        objective = likelihood(doubled, series.blocks(blocks), series.dt, density, substeps)
        chosen = parameters(doubled, free)
        start = chosen.at(doubled)
        if not np.all(np.isfinite(look(objective, chosen, start)[0])):
            raise ValueError(f"{type(model).__name__}: the likelihood is not finite at the start: no stationary state, "
                             f"or no positive diffusion; start from other parameters.")  # fmt: skip
        found = minimum(objective, chosen, start)
        method = "maximum likelihood, " + ("Kalman filter" if hasattr(model, "system") else density)
        return collected(model, chosen, found, method, units or {}, transitions=objective.blocks[:, 1:].shape[:2])
