"""Two states whose energy difference is ramped while they exchange heat with a bath."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array

from diffneq._parameters import check_finite, check_positive, float_leaf
from diffneq.fluctuations.exact.collocation import propagators, times
from diffneq.fluctuations.exact.work import ExactWork


class TwoLevelRamp(ExactWork):
    """E_0 = 0, E_1 = e(t) from `start` to `stop`, linear in time; rates k0/(1 + e^{e/T}) up, k0/(1 + e^{-e/T}) down.

    W = int e'(t) [in state 1] dt. The probabilities weighted by e^{-sW/T} obey g' = [R(t) - s (e'/T) diag(0, 1)] g,
    and h = diag(1, e^{s e/T}) g needs no e'. dF = -T ln[(1 + e^{-stop/T})/(1 + e^{-start/T})].

    Arguments:
        start, stop: energy of state 1 [energy].
        duration: t [time].
        rate: k0 [1/time], the sum of both rates.
        temperature: k_B T [energy].
        panels: of equal length, with four Gauss points each.

    Raises:
        ValueError: where a number is not finite, or one that must be positive is not.

    Source: F. Ritort, J. Stat. Mech. P10016 (2004).

    >>> system = TwoLevelRamp(start=0.0, stop=4.0, duration=1.0, rate=1.0)
    >>> round(float(system.mean_work()), 4), round(float(system.free_energy_difference()), 4)
    (1.6048, 0.675)
    """

    start: Array = eqx.field(converter=float_leaf)
    stop: Array = eqx.field(converter=float_leaf)
    duration: Array = eqx.field(converter=float_leaf)
    rate: Array = eqx.field(converter=float_leaf)
    temperature: Array = eqx.field(converter=float_leaf, default=1.0)
    panels: int = eqx.field(static=True, default=32)

    def __check_init__(self):
        positive = {"duration": self.duration, "rate": self.rate, "temperature": self.temperature}
        check_finite("TwoLevelRamp", start=self.start, stop=self.stop, **positive)
        check_positive("TwoLevelRamp", **positive)

    def occupation(self, energy: Array) -> Array:
        """Equilibrium probability of state 1."""
        return jax.nn.sigmoid(-energy / self.temperature)

    def cumulant_generating_function(self, s) -> Array:
        at, _ = times(self.duration, self.panels)
        first, last = self.start / self.temperature, self.stop / self.temperature
        e = first + (last - first) * at / self.duration
        up, down = jax.nn.sigmoid(-e), jax.nn.sigmoid(e)
        rows = [[-up, down * jnp.exp(-s * e)], [up * jnp.exp(s * e), -down]]
        matrices = self.rate * jnp.stack([jnp.stack(row, axis=-1) for row in rows], axis=-2)
        steps, _ = propagators(matrices, self.duration)
        filled = self.occupation(self.start)
        h = jnp.stack([1 - filled, filled * jnp.exp(s * first)])
        h, _ = jax.lax.scan(lambda x, step: (step @ x, None), h, steps)
        return jnp.log(h[0] + h[1] * jnp.exp(-s * last))

    def free_energy_difference(self) -> Array:
        t = self.temperature
        return t * (jax.nn.softplus(-self.start / t) - jax.nn.softplus(-self.stop / t))

    def atoms(self) -> tuple[Array, Array]:
        """Probabilities of no jump at all: W = 0 exactly, from state 0, and W = stop - start, from state 1."""
        at, weights = times(self.duration, self.panels)
        e = self.start + (self.stop - self.start) * at / self.duration
        filled = self.occupation(self.start)
        left = lambda leaving: jnp.exp(-self.rate * jnp.sum(weights * leaving))
        return (1 - filled) * left(self.occupation(e)), filled * left(1 - self.occupation(e))

    def work_distribution(self, steps: int = 400) -> tuple[Array, Array]:
        """The work in steps of (stop - start)/steps, and its probabilities, both (steps + 1,).

        Each step is half a relaxation, a jump of e, half a relaxation, all exact: an honest process in its own right,
        which obeys <e^{-W/T}> = e^{-dF/T} to round-off, and tends to the ramp as 1/steps^2. The first and the last
        entry hold the atoms.
        """
        fraction = jnp.arange(steps + 1, dtype=self.duration.dtype) / steps
        filled = self.occupation(self.start + (self.stop - self.start) * fraction)
        mixed = -jnp.expm1(-self.rate * self.duration / (2 * steps))

        def relaxed(low, high, target):
            moved = mixed * (high * (1 - target) - low * target)
            return low + moved, high - moved

        def step(carry, targets):
            low, high = relaxed(*carry, targets[0])
            return relaxed(low, jnp.roll(high, 1), targets[1]), None

        empty = jnp.zeros(steps + 1, self.duration.dtype)
        carry = (empty.at[0].set(1 - filled[0]), empty.at[0].set(filled[0]))
        (low, high), _ = jax.lax.scan(step, carry, jnp.stack([filled[:-1], filled[1:]], axis=1))
        return (self.stop - self.start) * fraction, low + high

    def work_density(self, work, steps: int = 400) -> Array:
        """P(W) between the two atoms [1/energy], at each entry of `work`; zero outside."""
        places, probabilities = self.work_distribution(steps)
        spacing = jnp.abs(self.stop - self.start) / steps
        fraction = jnp.asarray(work) / (self.stop - self.start)
        density = jnp.interp(fraction, (places / (self.stop - self.start))[1:-1], probabilities[1:-1] / spacing)
        return jnp.where((fraction > 0) & (fraction < 1), density, 0.0)
