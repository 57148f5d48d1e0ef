"""Markov jump processes with any rates: steady state, currents, entropy production, full counting statistics."""

from __future__ import annotations

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.linalg import expm

from diffneq._parameters import check_finite, check_positive, concrete, float_leaf
from diffneq.fluctuations.exact.work import derivatives
from diffneq.large_deviations import leading_eigenvalue, leading_eigenvector


class JumpNetwork(eqx.Module):
    """dp_j/dt = sum_i (p_i k_ij - p_j k_ji): jumps from state i to state j at rate k_ij.

    A counted current C = sum over jumps of w_ij has ln<e^{sC}>/t -> theta(s), the leading eigenvalue of the tilted
    generator, k_ij e^{s w_ij} off the diagonal. Its derivatives at s = 0 are the cumulant rates.

    Arguments:
        rates: k (n, n), row: from, column: to [1/time]; the diagonal is not read. The states must be connected.

    Raises:
        ValueError: where `rates` is not square, not finite or negative, or a state cannot be reached or left.

    Source: J. Schnakenberg, Rev. Mod. Phys. 48, 571 (1976); J. L. Lebowitz, H. Spohn, J. Stat. Phys. 95, 333 (1999).

    >>> network = JumpNetwork([[0, 1, 1], [2, 0, 3], [2, 1, 0]])
    >>> f"{float(network.entropy_production()):.6f}, {float(network.affinity([0, 1, 2])):.6f}"
    '0.183102, 1.098612'
    """

    rates: Array = eqx.field(converter=float_leaf)

    def __check_init__(self):
        if self.rates.ndim != 2 or self.rates.shape[0] != self.rates.shape[1]:
            raise ValueError(f"JumpNetwork: rates must have shape (n, n), got {self.rates.shape}.")
        check_finite("JumpNetwork", rates=self.rates)
        check_positive("JumpNetwork", zero=True, rates=self.rates)
        known = concrete(self.rates)
        if known is not None and not _connected(known):
            raise ValueError("JumpNetwork: the states must be connected, every one must be reached from every other.")

    def _off_diagonal(self) -> Array:
        return jnp.where(jnp.eye(self.rates.shape[0], dtype=bool), 0.0, self.rates)

    def escape_rates(self) -> Array:
        """sum_j k_ij, (n,) [1/time]."""
        return jnp.sum(self._off_diagonal(), axis=1)

    def tilted_generator(self, weights, s) -> Array:
        """(n, n), column: from. At s = 0 the generator L of dp/dt = L p."""
        return (self._off_diagonal() * jnp.exp(s * jnp.asarray(weights))).T - jnp.diag(self.escape_rates())

    def generator(self) -> Array:
        """L of dp/dt = L p, (n, n) [1/time]."""
        return self.tilted_generator(jnp.zeros_like(self.rates), 0.0)

    @eqx.filter_jit
    def stationary(self) -> Array:
        """pi with L pi = 0 and sum 1, (n,)."""
        return leading_eigenvector(self.generator())

    def fluxes(self) -> Array:
        """pi_i k_ij, (n, n) [1/time]."""
        return self.stationary()[:, None] * self._off_diagonal()

    def probability_currents(self) -> Array:
        """J_ij = pi_i k_ij - pi_j k_ji, (n, n) [1/time]."""
        fluxes = self.fluxes()
        return fluxes - fluxes.T

    def entropy_weights(self) -> Array:
        """ln(k_ij/k_ji), (n, n), what a jump adds to the entropy outside; infinite where none leads back."""
        k = self._off_diagonal()
        either, both = (k > 0) | (k.T > 0), (k > 0) & (k.T > 0)
        ratio = jnp.log(jnp.where(both, k, 1.0) / jnp.where(both, k.T, 1.0))
        return jnp.where(both, ratio, jnp.where(either, jnp.where(k > 0, jnp.inf, -jnp.inf), 0.0))

    @eqx.filter_jit
    def entropy_production(self) -> Array:
        """sigma = sum_ij pi_i k_ij ln(k_ij/k_ji) [1/time]; infinite where a jump has no way back."""
        fluxes = self.fluxes()
        weights = self.entropy_weights()
        used = fluxes > 0
        return jnp.sum(jnp.where(used, fluxes * jnp.where(used, weights, 0.0), 0.0))

    def affinity(self, cycle: Sequence[int]) -> Array:
        """ln of the product of rates around `cycle` over that of the way back, for states visited in this order."""
        ends = [*cycle[1:], cycle[0]]
        weights = self.entropy_weights()
        return sum((weights[i, j] for i, j in zip(cycle, ends, strict=True)), jnp.zeros((), self.rates.dtype))

    def scaled_cumulant_generating_function(self, weights, s) -> Array:
        """theta(s) = lim ln<e^{sC}>/t [1/time], C counting w_ij at each jump from i to j."""
        return leading_eigenvalue(self.tilted_generator(weights, s))

    @eqx.filter_jit
    def cumulant_rates(self, weights, order: int = 2) -> Array:
        """d^n theta/ds^n at s = 0 for n = 1 .. order <= 7, (order,): mean current, variance rate, ... [1/time]."""
        theta = lambda s: self.scaled_cumulant_generating_function(weights, s)
        return derivatives(theta, jnp.zeros((), self.rates.dtype), order)

    def cumulant_generating_function(self, weights, s, duration) -> Array:
        """ln<e^{sC}> of a finite time, started in the steady state; exact, by the exponential of the generator."""
        p = expm(duration * self.tilted_generator(weights, s)) @ self.stationary()
        return jnp.log(jnp.sum(p))


def three_states() -> JumpNetwork:
    """The smallest network with a cycle: k12 = 1, k21 = 2, k23 = 3, k32 = 1, k31 = 2, k13 = 1, affinity ln 3.

    >>> print((6 * three_states().probability_currents()[0, 1]).round(6))
    1.0
    """
    return JumpNetwork([[0.0, 1.0, 1.0], [2.0, 0.0, 3.0], [2.0, 1.0, 0.0]])


def edge(states: int, source: int, target: int) -> Array:
    """Weights (n, n) that count jumps source -> target as +1, jumps back as -1."""
    weights = np.zeros((states, states))
    weights[source, target], weights[target, source] = 1.0, -1.0
    return float_leaf(weights)


def _connected(rates: np.ndarray) -> bool:
    """Whether every state can be reached from every other."""
    steps = (rates > 0) | np.eye(len(rates), dtype=bool)
    for _ in range(max(1, int(np.ceil(np.log2(max(len(rates), 2)))))):
        steps = steps.astype(np.float32) @ steps.astype(np.float32) > 0
    return bool(steps.all())
