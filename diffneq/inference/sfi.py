"""The estimators of the StochasticForceInference package, called with our records and giving our models back."""

from __future__ import annotations

from importlib import import_module

import jax.numpy as jnp
import numpy as np

from diffneq.inference.models import ItoPolynomial
from diffneq.inference.result import Fit
from diffneq.inference.selection import held_out_log_likelihood
from diffneq.inference.series import time_series
from diffneq.statistics import Estimate


def stochastic_force_inference(
    data, dt: float | None = None, *, time=None, variables=None, degree: int = 1, diffusion_degree: int = 0
) -> Fit:
    """dx = a(x) dt + sqrt(2 D(x)) dW (Ito), polynomials a and D by the linear estimators of StochasticForceInference.

    Their `infer_force_linear` and `infer_diffusion_linear` with monomials, replicas as particles that do not see each
    other, and their standard errors. Needs `pip install diffneq[sfi]`. They go on where this function stops: several
    variables, underdamped motion from positions, sparse bases, measurement noise.

    Arguments: `data`, `dt`, `time`, `variables`: see `time_series`, one variable; `degree` of a and `diffusion_degree`
    of D. Returns a `Fit` of an `ItoPolynomial`; its log likelihood is that of the Gaussian closure, evaluated here.

    Raises `ValueError` for a bad record, and ImportError where the package is not installed.

    Source: A. Frishman, P. Ronceray, Phys. Rev. X 10, 021009 (2020); github.com/ronceray/StochasticForceInference.
    """
    try:
        package, bases = import_module("SFI"), import_module("SFI.bases")
        collections = import_module("SFI.trajectory")
    except ImportError as error:
        message = "stochastic_force_inference calls the StochasticForceInference package: pip install diffneq[sfi]."
        raise ImportError(message) from error
    series = time_series(data, dt, time, variables)
    points = series.scalar.T[:, :, None]  # (time, particle, dimension)
    inference = package.OverdampedLangevinInference(
        collections.TrajectoryCollection.from_arrays(X=points, dt=series.dt)
    )
    inference.compute_diffusion_constant()
    inference.infer_force_linear(bases.monomials_up_to(order=degree, dim=1, rank="vector"))
    inference.compute_force_error()
    inference.infer_diffusion_linear(bases.monomials_up_to(order=diffusion_degree, dim=1, rank="symmetric_matrix"))
    inference.compute_diffusion_error()
    values, covariances = [], []
    for law in ("force", "diffusion"):
        values.append(np.asarray(getattr(inference, f"{law}_coefficients"), np.float64))
        covariances.append(np.asarray(getattr(inference, f"{law}_coefficients_covariance"), np.float64))
    model = ItoPolynomial(*(jnp.asarray(part, jnp.result_type(float)) for part in values))
    names = [f"drift_coefficients[{i}]" for i in range(len(values[0]))]
    names += [f"diffusion_coefficients[{i}]" for i in range(len(values[1]))]
    covariance = np.zeros((len(names), len(names)))
    cut = len(values[0])
    covariance[:cut, :cut], covariance[cut:, cut:] = covariances
    method = f"StochasticForceInference {package.__version__}" if hasattr(package, "__version__") else "SFI"
    errors = np.sqrt(np.diag(covariance))
    estimates = {
        name: Estimate(value, error, "", name, method)
        for name, value, error in zip(names, np.concatenate(values), errors, strict=True)
    }
    blocks = held_out_log_likelihood(model, series.blocks(), series.dt, "Gaussian closure", 1)
    return Fit(model, estimates, covariance, float(blocks.sum()), blocks, True, method)
