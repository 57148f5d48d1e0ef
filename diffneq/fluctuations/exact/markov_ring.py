"""A walker on a ring: the simplest nonequilibrium steady state."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import gammaln, logsumexp

from diffneq._parameters import check_finite, check_positive, float_leaf


class MarkovRing(eqx.Module):
    """Steps forward at rate p, back at rate q; entropy ln(p/q) is made in each net step forward.

    Current p - q, variance rate p + q, sigma = (p - q) ln(p/q), ln<e^{sn}>/t = p (e^s - 1) + q (e^{-s} - 1), and
    I(j) = p + q - r + j ln[(j + r)/2p], r = sqrt(j^2 + 4pq), so that I(-j) - I(j) = j ln(p/q).

    Arguments:
        forward, backward: p, q [1/time].

    Raises:
        ValueError: where a rate is not positive.

    Source: J. L. Lebowitz, H. Spohn, J. Stat. Phys. 95, 333 (1999).

    >>> ring = MarkovRing(forward=2.0, backward=1.0)
    >>> print(ring.rate_function(-1.0).round(6), ring.uncertainty_product().round(6))
    0.693147 2.079442
    """

    forward: Array = eqx.field(converter=float_leaf)
    backward: Array = eqx.field(converter=float_leaf)

    def __check_init__(self):
        check_finite("MarkovRing", forward=self.forward, backward=self.backward)
        check_positive("MarkovRing", forward=self.forward, backward=self.backward)

    def affinity(self) -> Array:
        """ln(p/q), the entropy of a step."""
        return jnp.log(self.forward / self.backward)

    def current(self) -> Array:
        """<n>/t [1/time]."""
        return self.forward - self.backward

    def variance_rate(self) -> Array:
        """Var n/t [1/time]."""
        return self.forward + self.backward

    def entropy_production(self) -> Array:
        """sigma [1/time]."""
        return self.current() * self.affinity()

    def uncertainty_product(self) -> Array:
        """Var sigma/J^2 = A coth(A/2) >= 2, written so that it is finite at p = q."""
        half = self.affinity() / 2
        small = jnp.abs(half) < 1e-3
        safe = jnp.where(small, 1.0, half)
        return jnp.where(small, 2 + 2 * half**2 / 3, 2 * safe / jnp.tanh(safe))

    def scaled_cumulant_generating_function(self, s) -> Array:
        """ln<e^{s n}>/t [1/time]."""
        return self.forward * jnp.expm1(s) + self.backward * jnp.expm1(-s)

    def rate_function(self, current) -> Array:
        """I(j) = -ln P(n = j t)/t for t -> infinity [1/time]."""
        root = jnp.sqrt(current**2 + 4 * self.forward * self.backward)
        # (j + r)/2p = 2q/(r - j): the form without cancellation for each sign of j
        log = jnp.where(current > 0, jnp.log((root + jnp.abs(current)) / (2 * self.forward)), 0.0)
        log = jnp.where(current > 0, log, jnp.log(2 * self.backward / (root + jnp.abs(current))))
        return self.forward + self.backward - root + current * log

    def log_probability(self, steps, duration, terms: int = 200) -> Array:
        """ln P(n = steps in a time `duration`), one integer: a sum over `terms` numbers of steps back."""
        back = jnp.arange(terms, dtype=self.forward.dtype)
        ahead = back + steps
        valid = ahead >= 0
        count = jnp.where(valid, ahead, 0.0)
        logs = count * jnp.log(self.forward * duration) + back * jnp.log(self.backward * duration)
        logs = jnp.where(valid, logs - gammaln(count + 1) - gammaln(back + 1), -jnp.inf)
        return logsumexp(logs) - self.variance_rate() * duration
