"""A particle with inertia in a harmonic trap that moves at constant speed."""

from __future__ import annotations

import equinox as eqx
from jax import Array

from diffneq._parameters import check_finite, check_positive, float_leaf
from diffneq.fluctuations.exact.oscillator import twice_integrated
from diffneq.fluctuations.exact.work import GaussianWork


class UnderdampedDraggedTrap(GaussianWork):
    """m x'' = -k (x - v t) - m g x' + sqrt(2 m g T) xi for a time t, from equilibrium at rest.

    <W> = k v^2 int_0^t (t - s) phi(s) ds, where phi is the normalised correlation function of the position in the trap,
    phi = e^{-g t/2} [cos wt + (g/2w) sin wt], w^2 = k/m - g^2/4 of either sign; W is normal with variance 2 T <W>.

    Arguments:
        speed: v [length/time].
        duration: t [time].
        damping_rate: g [1/time].
        mass: m [mass].
        stiffness: k [energy/length^2].
        temperature: k_B T [energy].

    Raises:
        ValueError: where a number is not finite, or one that must be positive is not.

    Source: the kernel is that of S. Chandrasekhar, Rev. Mod. Phys. 15, 1 (1943), section II.3.

    >>> round(float(UnderdampedDraggedTrap(speed=1.0, duration=1.0, damping_rate=0.5).mean_work()), 6)
    0.463363
    """

    speed: Array = eqx.field(converter=float_leaf)
    duration: Array = eqx.field(converter=float_leaf)
    damping_rate: Array = eqx.field(converter=float_leaf)
    mass: Array = eqx.field(converter=float_leaf, default=1.0)
    stiffness: Array = eqx.field(converter=float_leaf, default=1.0)
    temperature: Array = eqx.field(converter=float_leaf, default=1.0)

    def __check_init__(self):
        names = ("duration", "damping_rate", "mass", "stiffness", "temperature")
        positive = {name: getattr(self, name) for name in names}
        check_finite("UnderdampedDraggedTrap", speed=self.speed, **positive)
        check_positive("UnderdampedDraggedTrap", **positive)

    def dissipation(self) -> Array:
        area = twice_integrated(self.duration, self.damping_rate, self.stiffness / self.mass)
        return self.stiffness * self.speed**2 * area
