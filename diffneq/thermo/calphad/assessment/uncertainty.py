"""Errors of parameters, and what follows from them for anything that is computed with the parameters."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

_RANK = 1e-10  # least eigenvalue of the scaled information matrix that counts


class Laplace(NamedTuple):
    """Covariance of the parameters, and which of them the data and priors do not determine."""

    covariance: np.ndarray  # (p, p)
    undetermined: np.ndarray  # (p,) bool

    @property
    def errors(self) -> np.ndarray:
        """Standard errors; infinite where undetermined."""
        return np.where(self.undetermined, np.inf, np.sqrt(np.diag(self.covariance)))

    @property
    def correlation(self) -> np.ndarray:
        """C_pq / (s_p s_q)."""
        s = np.sqrt(np.diag(self.covariance))
        return self.covariance / np.outer(s, s)


def laplace(slope: np.ndarray, weight: np.ndarray) -> Laplace:
    """C = [J' W J]^-1, the inverse of the Gauss-Newton Hessian of the objective at its minimum.

    Args:
        slope: J (n, p), derivatives of all residuals (priors among them) in the parameters.
        weight: (n,) rho'(r)/r of the loss, 1 for squares.

    >>> result = laplace(np.array([[2.0, 0.0], [0.0, 0.5]]), np.ones(2))
    >>> result.errors
    array([0.5, 2. ])
    """
    information = slope.T @ (weight[:, None] * slope)
    size = np.sqrt(np.maximum(np.diag(information), 0.0))
    size = np.where(size > 0, size, 1.0)
    values, vectors = np.linalg.eigh(information / np.outer(size, size))
    weak = values < _RANK * max(values.max(), 1e-300)
    covariance = (vectors / np.where(weak, np.inf, values)) @ vectors.T / np.outer(size, size)
    undetermined = (vectors[:, weak] ** 2).sum(axis=1) > 1e-6
    # A direction that nothing determines is left out of the covariance; the parameters in it have no error.
    covariance[np.diag_indices(len(size))] = np.maximum(np.diag(covariance), 1e-300)
    return Laplace(covariance, undetermined)


def propagated(function: Callable, theta: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(f, s): s^2 = (df/dtheta) C (df/dtheta)', linear propagation of errors; f may return an array of any shape.

    >>> with jax.enable_x64(True):
    ...     value, error = propagated(lambda t: t[0] * jnp.arange(3.0), np.array([2.0]), np.array([[0.01]]))
    >>> error.round(3).tolist()
    [0.0, 0.1, 0.2]
    """
    both = lambda t: (lambda f: (f, f))(function(t))
    slope, value = jax.jit(jax.jacfwd(both, has_aux=True))(jnp.asarray(theta, float))
    slope = np.asarray(slope)
    variance = np.einsum("...p,pq,...q->...", slope, covariance, slope)
    return np.asarray(value), np.sqrt(np.maximum(variance, 0.0))
