"""A harmonic trap whose stiffness changes at once."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jax import Array

from diffneq._parameters import check_finite, check_positive, float_leaf
from diffneq.fluctuations.exact.work import ExactWork


class StiffnessQuench(ExactWork):
    """W = (k1 - k0) x^2/2 = a z^2 with z normal, a = T (k1/k0 - 1)/2: P(W) = e^{-W/2a}/sqrt(2 pi a W) for W/a > 0.

    <W> = a, Var W = 2 a^2, K(s) = -ln(1 + 2 s a/T)/2 (infinite from s = -T/2a on), dF = (T/2) ln(k1/k0).

    Arguments:
        start, stop: stiffness k0, k1 before and after [energy/length^2].
        temperature: k_B T [energy].

    Raises:
        ValueError: where a number is not positive.

    Source: C. Jarzynski, Phys. Rev. Lett. 78, 2690 (1997), in the limit of sudden switching.

    >>> trap = StiffnessQuench(start=1.0, stop=3.0)
    >>> float(trap.mean_work()), float(trap.work_variance())
    (1.0, 2.0)
    """

    start: Array = eqx.field(converter=float_leaf)
    stop: Array = eqx.field(converter=float_leaf)
    temperature: Array = eqx.field(converter=float_leaf, default=1.0)

    def __check_init__(self):
        positive = {"start": self.start, "stop": self.stop, "temperature": self.temperature}
        check_finite("StiffnessQuench", **positive)
        check_positive("StiffnessQuench", **positive)

    def scale(self) -> Array:
        """a, so that W = a z^2 [energy]."""
        return self.temperature * (self.stop / self.start - 1) / 2

    def cumulant_generating_function(self, s) -> Array:
        argument = 1 + s * (self.stop / self.start - 1)
        finite = argument > 0
        return jnp.where(finite, -jnp.log(jnp.where(finite, argument, 1.0)) / 2, jnp.inf)

    def free_energy_difference(self) -> Array:
        return self.temperature * jnp.log(self.stop / self.start) / 2

    def work_density(self, work) -> Array:
        """P(W) [1/energy] at each entry of `work`; it is integrable and infinite at W = 0."""
        ratio = jnp.asarray(work) / self.scale()
        inside = ratio > 0
        safe = jnp.where(inside, ratio, 1.0)
        density = jnp.exp(-safe / 2) / (jnp.abs(self.scale()) * jnp.sqrt(2 * jnp.pi * safe))
        return jnp.where(inside, density, 0.0)
