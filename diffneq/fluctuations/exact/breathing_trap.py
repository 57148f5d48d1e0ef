"""An overdamped particle in a harmonic trap whose stiffness changes in time."""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq._parameters import check_finite, check_function_of_time, check_positive, concrete, float_leaf
from diffneq.fluctuations.exact.collocation import along, propagators, sampled, times
from diffneq.fluctuations.exact.squares import density_of_squares
from diffneq.fluctuations.exact.work import ExactWork


class BreathingTrap(ExactWork):
    """friction x' = -k(t) x + sqrt(2 friction T) xi, W = int k' x^2/2 dt, from equilibrium at k(0).

    dF = (T/2) ln(k1/k0).

    The density of x, weighted by e^{-sW/T}, stays normal; with T = friction = 1 its variance c obeys
    c' = 2 - 2 k c - s k' c^2 and its weight K' = -s k' c/2. Written for b = 1/c - s k, which does not feel a jump of k,
    b' = 2 (b + s k)(k - b - s k), and b = p/q makes it linear: (p, q)' = [[2k(1 - 2s), 2s(1 - s)k^2], [2, 0]] (p, q),
    K = -ln[(p + s k q)_end/k(0)]/2 + (1 - s) int k dt. So only values of k are needed, and it may jump.

    Arguments:
        stiffness: k(t) > 0 [energy/length^2], any module or function of time, such as a drive of `diffneq.drives`; the
            values at 0 and at `duration` are those before and after, jumps to and from them are part of the work.
        duration: t [time].
        friction: drag [mass/time].
        temperature: k_B T [energy].
        panels: of equal length, with four Gauss points each; a kink or jump belongs between two of them.

    Raises:
        ValueError: where a number is not positive; `work_density` where k is not monotonic.

    Source: C. Jarzynski, Phys. Rev. Lett. 78, 2690 (1997), for K(1); T. Speck, J. Phys. A 44, 305001 (2011), for the
    distribution.

    >>> from diffneq.drives import Ramp
    >>> trap = BreathingTrap(Ramp(1.0, 2.0, duration=1.0), duration=1.0)
    >>> round(float(trap.mean_work()), 5), round(float(trap.free_energy_difference()), 5)
    (0.41247, 0.34657)
    """

    stiffness: Callable[[Array], Array]
    duration: Array = eqx.field(converter=float_leaf)
    friction: Array = eqx.field(converter=float_leaf, default=1.0)
    temperature: Array = eqx.field(converter=float_leaf, default=1.0)
    panels: int = eqx.field(static=True, default=64)

    def __check_init__(self):
        check_function_of_time("BreathingTrap", stiffness=self.stiffness)
        positive = {"duration": self.duration, "friction": self.friction, "temperature": self.temperature}
        check_finite("BreathingTrap", **positive)
        check_positive("BreathingTrap", **positive)
        first, last = self._ends()
        check_positive("BreathingTrap", first_stiffness=first, last_stiffness=last)

    def _ends(self) -> tuple[Array, Array]:
        dtype = self.duration.dtype
        first = self.stiffness(jnp.zeros_like(self.duration))
        return jnp.asarray(first, dtype), jnp.asarray(self.stiffness(self.duration), dtype)

    def cumulant_generating_function(self, s) -> Array:
        at, _ = times(self.duration, self.panels)
        k = sampled(self.stiffness, at) / self.friction
        first, last = (x / self.friction for x in self._ends())
        # e^{-2(1-s) int k} is taken out of p and q, which then neither grow nor need int k
        rows = [[-2 * s * k, 2 * s * (1 - s) * k**2], [2 * jnp.ones_like(k), -2 * (1 - s) * k]]
        matrices = jnp.stack([jnp.stack(row, axis=-1) for row in rows], axis=-2)
        steps, _ = propagators(matrices, self.duration)
        path = along(steps, jnp.stack([first * (1 - s), jnp.ones_like(first)]))
        before = jnp.append(k[:, 0], last)
        width = (path[:, 0] + s * before * path[:, 1]) / first
        finite = jnp.all(width > 0)  # the weighted variance has not diverged on the way
        return jnp.where(finite, -jnp.log(jnp.where(finite, width[-1], 1.0)) / 2, jnp.inf)

    def free_energy_difference(self) -> Array:
        first, last = self._ends()
        return self.temperature * jnp.log(last / first) / 2

    def work_density(self, work, steps: int = 200) -> Array:
        """P(W) [1/energy] at each entry of `work` (m,), for k(t) that only rises or only falls.

        The protocol is replaced by `steps` equal steps, whose work is a weighted sum of squares: exact for a protocol
        in steps, with an error O(1/steps^2) for a smooth one. P vanishes where W has the wrong sign.
        """
        width = self.duration / steps
        inside = sampled(self.stiffness, width * (jnp.arange(steps, dtype=width.dtype)[:, None] + 0.5))[:, 0]
        first, last = self._ends()
        stiffness = jnp.concatenate([first[None], inside, last[None]]) / self.friction
        jumps = jnp.diff(stiffness)
        rises = concrete(jumps)
        if rises is not None and np.any(rises > 0) and np.any(rises < 0):
            raise ValueError("BreathingTrap: work_density needs a stiffness that only rises or only falls.")
        factor = _factor(stiffness, width)
        form = factor.T @ (jumps[:, None] / 2 * factor)
        vectors = jax.lax.stop_gradient(jnp.linalg.eigh(form)[1])
        # v.A v is the eigenvalue, and has its derivative also where two eigenvalues coincide
        weights = jnp.einsum("ji,jk,ki->i", vectors, form, vectors)
        return density_of_squares(weights, jnp.asarray(work) / self.temperature) / self.temperature


def _factor(stiffness: Array, width: Array) -> Array:
    """x = L z at the jumps of a protocol in steps, z normal and independent; lower triangular."""
    rates = stiffness[1:-1]
    fresh = jnp.sqrt(-jnp.expm1(-2 * rates * width) / rates)
    scale = jnp.append(stiffness[0] ** -0.5, fresh)
    decayed = jnp.append(0.0, jnp.cumsum(rates * width))
    return jnp.tril(jnp.exp(-jnp.abs(decayed[:, None] - decayed[None, :])) * scale[None, :])
