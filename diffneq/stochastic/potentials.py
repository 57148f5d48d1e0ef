"""Potentials with one parameter that a protocol moves; write your own as a function or an `equinox.Module`."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jax import Array

from diffneq._parameters import check_finite, check_positive, float_leaf


class DraggedTrap(eqx.Module):
    """U(x, l) = k |x - l|^2/2: a harmonic trap whose centre is moved; x of shape () or (d,).

    Arguments: `stiffness` k [energy/L^2]. Raises ValueError unless it is positive.

    >>> float(DraggedTrap(2.0)(jnp.array(3.0), 1.0))
    4.0
    """

    stiffness: Array = eqx.field(converter=float_leaf, default=1.0)

    def __check_init__(self):
        check_finite("DraggedTrap", stiffness=self.stiffness)
        check_positive("DraggedTrap", stiffness=self.stiffness)

    def __call__(self, x: Array, centre) -> Array:
        return self.stiffness * jnp.sum((x - centre) ** 2) / 2


class BreathingTrap(eqx.Module):
    """U(x, k) = k |x|^2/2: a harmonic trap whose stiffness is changed.

    >>> float(BreathingTrap()(jnp.array(3.0), 2.0))
    9.0
    """

    def __call__(self, x: Array, stiffness) -> Array:
        return stiffness * jnp.sum(x**2) / 2


class DraggedDoubleWell(eqx.Module):
    """U(x, l) = b (x^2/w^2 - 1)^2 + k (x - l)^2/2: wells at -w and w behind a barrier b, and a trap dragged across.

    Arguments: `barrier` b [energy], `width` w [L], `stiffness` k of the trap [energy/L^2]; Raises ValueError unless
    they are positive.

    >>> float(DraggedDoubleWell(barrier=4.0, width=1.0, stiffness=10.0)(jnp.array(0.0), 1.0))
    9.0
    """

    barrier: Array = eqx.field(converter=float_leaf)
    width: Array = eqx.field(converter=float_leaf)
    stiffness: Array = eqx.field(converter=float_leaf)

    def __check_init__(self):
        values = {"barrier": self.barrier, "width": self.width, "stiffness": self.stiffness}
        check_finite("DraggedDoubleWell", **values)
        check_positive("DraggedDoubleWell", **values)

    def __call__(self, x: Array, centre) -> Array:
        return self.barrier * ((x / self.width) ** 2 - 1) ** 2 + self.stiffness * (x - centre) ** 2 / 2


class PulledChain(eqx.Module):
    """U(x, l) = sum_i v(x_i - x_{i-1}) + k (x_d - l)^2/2 with x_0 = 0: d beads on springs, the last held in a trap.

    v(r) = s (r - a)^2/2 + q (r - a)^4/4, springs of rest length a, harmonic for q = 0.

    Arguments: `spring` s [energy/L^2] > 0, `rest` a [L], `quartic` q [energy/L^4] >= 0, `stiffness` k of the trap
    [energy/L^2] > 0. Raises ValueError otherwise.

    >>> float(PulledChain(spring=1.0, rest=1.0, stiffness=2.0)(jnp.array([1.0, 2.0, 3.0]), 4.0))
    1.0
    """

    spring: Array = eqx.field(converter=float_leaf)
    rest: Array = eqx.field(converter=float_leaf)
    stiffness: Array = eqx.field(converter=float_leaf)
    quartic: Array = eqx.field(converter=float_leaf, default=0.0)

    def __check_init__(self):
        check_finite("PulledChain", spring=self.spring, rest=self.rest, stiffness=self.stiffness, quartic=self.quartic)
        check_positive("PulledChain", spring=self.spring, stiffness=self.stiffness)
        check_positive("PulledChain", zero=True, quartic=self.quartic)

    def __call__(self, x: Array, end) -> Array:
        stretch = jnp.diff(x, prepend=0.0) - self.rest
        springs = jnp.sum(self.spring * stretch**2 / 2 + self.quartic * stretch**4 / 4)
        return springs + self.stiffness * (x[-1] - end) ** 2 / 2
