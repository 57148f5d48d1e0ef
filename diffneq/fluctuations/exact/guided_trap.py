"""A particle in a harmonic trap that moves along any path, with or without inertia."""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jax import Array

from diffneq._parameters import check_finite, check_function_of_time, check_positive, float_leaf
from diffneq.fluctuations.exact.collocation import along, propagators, sampled, times
from diffneq.fluctuations.exact.work import GaussianWork


class GuidedTrap(GaussianWork):
    """m x'' + friction x' = -k (x - l(t)) + sqrt(2 friction T) xi for a time t, from equilibrium; m = None drops x''.

    <W> = k (l - <x>)^2/2 + m <x'>^2/2 at the end, plus int friction <x'>^2 dt: what the mean path dissipates. Only
    values of l are needed, so l may jump. It is equal to (k/2) int int l'(s) phi(s - s') l'(s') ds ds', where phi is
    the normalised correlation function of the position.

    Arguments:
        path: l(t), any module or function of time, such as a drive of `diffneq.drives`; the start is in equilibrium at
            l(0), the end is l(duration), jumps to and from these two values are part of the work.
        duration: t [time].
        stiffness: k [energy/length^2].
        friction: drag [mass/time].
        temperature: k_B T [energy].
        mass: m [mass], or None for overdamped motion.
        panels: of equal length, with four Gauss points each. A kink or a jump of l costs accuracy inside a panel, none
            between two.

    Raises:
        ValueError: where a number that must be positive is not.

    Source: the overdamped form is that of T. Schmiedl, U. Seifert, Phys. Rev. Lett. 98, 108301 (2007).

    >>> from diffneq.drives import Ramp
    >>> round(float(GuidedTrap(Ramp(0.0, 1.0, duration=1.0), duration=1.0).mean_work()), 5)
    0.36788
    """

    path: Callable[[Array], Array]
    duration: Array = eqx.field(converter=float_leaf)
    stiffness: Array = eqx.field(converter=float_leaf, default=1.0)
    friction: Array = eqx.field(converter=float_leaf, default=1.0)
    temperature: Array = eqx.field(converter=float_leaf, default=1.0)
    mass: Array | None = eqx.field(converter=lambda m: None if m is None else float_leaf(m), default=None)
    panels: int = eqx.field(static=True, default=64)

    def __check_init__(self):
        check_function_of_time("GuidedTrap", path=self.path)
        names = ("duration", "stiffness", "friction", "temperature", *(() if self.mass is None else ("mass",)))
        positive = {name: getattr(self, name) for name in names}
        check_finite("GuidedTrap", **positive)
        check_positive("GuidedTrap", **positive)

    def dissipation(self) -> Array:
        at, weights = times(self.duration, self.panels)
        first = jnp.asarray(self.path(jnp.zeros_like(self.duration)), at.dtype)
        last = jnp.asarray(self.path(self.duration), at.dtype)
        matrices = self._equation(sampled(self.path, at) - first)
        steps, stages = propagators(matrices, self.duration)
        start = jnp.zeros(matrices.shape[-1], at.dtype).at[-1].set(1.0)
        path = along(steps, start)
        inside = jnp.einsum("psab,pb->psa", stages, path[:-1])
        velocity = jnp.einsum("psab,psb->psa", matrices, inside)[..., 0]
        held = self.stiffness * (last - first - path[-1, 0]) ** 2 / 2
        if self.mass is not None:
            held = held + self.mass * path[-1, 1] ** 2 / 2
        return held + self.friction * jnp.sum(weights * velocity**2)

    def _equation(self, trap: Array) -> Array:
        """A of y' = A y for y = (<x>, 1) or (<x>, <x'>, 1), <x> from the trap's first place; (..., n, n)."""
        zero, one = jnp.zeros_like(trap), jnp.ones_like(trap)
        if self.mass is None:
            rate = self.stiffness / self.friction
            rows = [[-rate * one, rate * trap], [zero, zero]]
        else:
            w2, damping_rate = self.stiffness / self.mass, self.friction / self.mass
            rows = [[zero, one, zero], [-w2 * one, -damping_rate * one, w2 * trap], [zero, zero, zero]]
        return jnp.stack([jnp.stack(row, axis=-1) for row in rows], axis=-2)
