"""An overdamped particle in a harmonic trap that moves at constant speed."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jax import Array
from jax.scipy.stats import norm

from diffneq._parameters import check_finite, check_positive, float_leaf
from diffneq.fluctuations.exact.work import GaussianWork


class DraggedTrap(GaussianWork):
    """friction x' = -k (x - v t) + sqrt(2 friction T) xi for a time t, from equilibrium at rest.

    <W> = friction v^2 [t - tau (1 - e^{-t/tau})], tau = friction/k; W is normal with variance 2 T <W>; dF = 0.

    Arguments:
        speed: v [length/time].
        duration: t [time].
        stiffness: k [energy/length^2].
        friction: drag [mass/time].
        temperature: k_B T [energy].

    Raises:
        ValueError: where a number is not finite, or one that must be positive is not.

    Source: R. van Zon, E. G. D. Cohen, Phys. Rev. E 67, 046102 (2003).

    >>> round(float(DraggedTrap(speed=1.0, duration=1.0).mean_work()), 6)      # 1/e
    0.367879
    """

    speed: Array = eqx.field(converter=float_leaf)
    duration: Array = eqx.field(converter=float_leaf)
    stiffness: Array = eqx.field(converter=float_leaf, default=1.0)
    friction: Array = eqx.field(converter=float_leaf, default=1.0)
    temperature: Array = eqx.field(converter=float_leaf, default=1.0)

    def __check_init__(self):
        _check("DraggedTrap", self)

    def dissipation(self) -> Array:
        tau = self.friction / self.stiffness
        return self.friction * self.speed**2 * tau * lag(self.duration / tau)


class SteadyDraggedTrap(eqx.Module):
    """The work during a time t of a trap that has been moving for ever: <W> = friction v^2 t, W normal.

    Var W = 2 T friction v^2 [t - tau (1 - e^{-t/tau})], so ln P(W)/P(-W) = slope W/T with a slope that is 1 only for
    t >> tau: the steady-state fluctuation theorem holds asymptotically. Arguments, errors and source are those of
    `DraggedTrap`.

    >>> round(float(SteadyDraggedTrap(speed=1.0, duration=1.0).fluctuation_slope()), 6)     # e
    2.718282
    """

    speed: Array = eqx.field(converter=float_leaf)
    duration: Array = eqx.field(converter=float_leaf)
    stiffness: Array = eqx.field(converter=float_leaf, default=1.0)
    friction: Array = eqx.field(converter=float_leaf, default=1.0)
    temperature: Array = eqx.field(converter=float_leaf, default=1.0)

    def __check_init__(self):
        _check("SteadyDraggedTrap", self)

    def mean_work(self) -> Array:
        """<W> [energy]."""
        return self.friction * self.speed**2 * self.duration

    def work_variance(self) -> Array:
        """<W^2> - <W>^2 [energy^2]."""
        tau = self.friction / self.stiffness
        return 2 * self.temperature * self.friction * self.speed**2 * tau * lag(self.duration / tau)

    def cumulant_generating_function(self, s) -> Array:
        """ln<exp(-s W/T)>; it vanishes at s = `fluctuation_slope()`."""
        scaled = s / self.temperature
        return -scaled * self.mean_work() + scaled**2 * self.work_variance() / 2

    def fluctuation_slope(self) -> Array:
        """d ln[P(W)/P(-W)]/d(W/T) = 2 T <W>/Var W."""
        return 2 * self.temperature * self.mean_work() / self.work_variance()

    def work_density(self, work) -> Array:
        """P(W) [1/energy] at each entry of `work`."""
        return norm.pdf(jnp.asarray(work), self.mean_work(), jnp.sqrt(self.work_variance()))


def lag(x: Array) -> Array:
    """x - 1 + e^{-x} to full relative precision also at small x.

    >>> round(float(lag(jnp.asarray(1e-3))) / 5e-7, 4)
    0.9997
    """
    small = x < 0.5
    inner = jnp.where(small, x, 0.0)
    series = jnp.zeros_like(x)
    for n in range(14, 1, -1):  # x^2/2 (1 - x/3 (1 - x/4 (...)))
        series = 1 - inner * series / (n + 1)
    return jnp.where(small, inner**2 / 2 * series, x + jnp.expm1(-jnp.where(small, 1.0, x)))


def _check(owner: str, trap) -> None:
    positive = {name: getattr(trap, name) for name in ("duration", "stiffness", "friction", "temperature")}
    check_finite(owner, speed=trap.speed, **positive)
    check_positive(owner, **positive)
