"""Carriers that lose their momentum at two rates: a memory that a kernel of positive exponentials cannot have."""

from __future__ import annotations

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.linalg import expm, solve_continuous_lyapunov

from diffneq._parameters import check_finite, check_positive, float_leaf
from diffneq.inference.models.linear import Linear, LinearSystem


class TwoRates(Linear):
    """V = V_1 + V_2 + u, dV_i = -r_i V_i dt + y_i dt, dy_i = -(y_i/t_c) dt + (sqrt(2 r_i v_i)/t_c) dW_i; V is recorded.

    Fast electrons meet more scatterers than slow ones, so that momentum relaxes at a spectrum of rates, of which two
    are kept; t_c is about the duration of a collision. For t_c -> 0, <dV(t) dV(0)> = v_1 exp(-r_1 t) + v_2 exp(-r_2 t).
    Written with a kernel, K(s) = (mean rate) delta(s) - (spread of rates) exp(-...): friction that decreases with time.

    Arguments: `rates` r_i [1/t] and `variances` v_i [V^2], (2,); `mean` u [V]; `correlation_time` t_c [t]. Raises
    `ValueError` for numbers that are not finite, or not positive where they must be.

    >>> TwoRates((0.2, 1.0), (0.02, 0.01), 0.0, 0.1).system().matrix.shape
    (4, 4)
    """

    rates: Array
    variances: Array
    mean: Array
    correlation_time: Array
    positive: ClassVar[tuple[str, ...]] = ("rates", "variances", "correlation_time")

    def __init__(self, rates, variances, mean, correlation_time):
        self.rates, self.variances = (jnp.atleast_1d(float_leaf(x)) for x in (rates, variances))
        self.mean, self.correlation_time = float_leaf(mean), float_leaf(correlation_time)
        if self.rates.shape != (2,) or self.variances.shape != (2,):
            raise ValueError(f"TwoRates: two rates and two variances, got {self.rates.shape}, {self.variances.shape}.")
        check_finite("TwoRates", mean=self.mean)
        check_positive("TwoRates", rates=self.rates, variances=self.variances, correlation_time=self.correlation_time)

    def system(self) -> LinearSystem:
        """Of (V, V_1, y_1 + y_2, y_1)."""
        one, two = self.rates[0], self.rates[1]
        fast = 1 / self.correlation_time
        zero, unit = jnp.zeros_like(fast), jnp.ones_like(fast)
        matrix = jnp.stack([
            jnp.stack([-two, two - one, unit, zero]),
            jnp.stack([zero, -one, zero, unit]),
            jnp.stack([zero, zero, -fast, zero]),
            jnp.stack([zero, zero, zero, -fast]),
        ])  # fmt: skip
        constant = jnp.stack([two * self.mean, zero, zero, zero])
        strength = 2 * self.rates * self.variances * fast**2
        both = jnp.stack([jnp.stack([jnp.sum(strength), strength[0]]), jnp.stack([strength[0], strength[0]])])
        noise = jnp.zeros((4, 4), both.dtype).at[2:, 2:].set(both)
        return LinearSystem(matrix, constant, noise, zero)


def correlation(model: Linear, lag: np.ndarray) -> np.ndarray:
    """<dV(t) dV(0)>/<dV^2> of a stationary linear model at `lag` (n,): [exp(A t) S]_00/S_00 with A S + S A^T + Q = 0.

    >>> from diffneq.inference import OrnsteinUhlenbeck
    >>> correlation(OrnsteinUhlenbeck(2.0, 1.0), np.array([0.0, 0.5])).round(4).tolist()
    [1.0, 0.3679]
    """
    system = model.system()
    matrix, noise = (np.asarray(x, float) for x in (system.matrix, system.noise))
    covariance = solve_continuous_lyapunov(matrix, -noise)
    return np.array([(expm(matrix * t) @ covariance)[0, 0] for t in lag]) / covariance[0, 0]
