"""Beads on springs in a row, each in its own heat bath."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jax import Array

from diffneq._parameters import check_finite, check_positive, float_leaf
from diffneq.fluctuations.exact.linear_langevin import LinearLangevin


def bead_chain(temperatures, stiffness=1.0, friction=1.0) -> LinearLangevin:
    """friction x_i' = k (x_{i-1} - 2 x_i + x_{i+1}) + sqrt(2 friction T_i) xi_i between walls, x_0 = x_{n+1} = 0.

    Arguments:
        temperatures: T_i (n,) [energy].
        stiffness: k of all springs [energy/length^2].
        friction: drag of each bead [mass/time].

    Raises:
        ValueError: where a number is not positive.

    Source: D.-K. Kim, Y. Bae, S. Lee, H. Jeong, Phys. Rev. Lett. 125, 140604 (2020), supplement: T_i linear in i.

    >>> f"{float(bead_chain(jnp.linspace(1.0, 10.0, 5)).entropy_production()):.4f}"
    '0.6298'
    """
    t, k, drag = float_leaf(temperatures), float_leaf(stiffness), float_leaf(friction)
    if t.ndim != 1:
        raise ValueError(f"bead_chain: temperatures must have shape (n,), got {t.shape}.")
    check_finite("bead_chain", temperatures=t, stiffness=k, friction=drag)
    check_positive("bead_chain", temperatures=t, stiffness=k, friction=drag)
    n = t.shape[0]
    springs = jnp.eye(n, k=1, dtype=t.dtype) + jnp.eye(n, k=-1, dtype=t.dtype) - 2 * jnp.eye(n, dtype=t.dtype)
    return LinearLangevin(k / drag * springs, t / drag)


class BeadChainEntropy(eqx.Module):
    """sigma of two and of five beads between temperatures T_1 and T_n, linear between, k = friction = 1: closed forms.

    two: (T_1 - T_2)^2/(4 T_1 T_2);
    five: (T_1 - T_5)^2 (111 T_1^2 + 430 T_1 T_5 + 111 T_5^2)/[495 T_1 T_5 (3 T_1 + T_5)(T_1 + 3 T_5)].

    Source: the code that comes with D.-K. Kim et al., Phys. Rev. Lett. 125, 140604 (2020).

    >>> f"{float(BeadChainEntropy(1.0, 10.0).two()):.4f}, {float(BeadChainEntropy(1.0, 10.0).five()):.6f}"
    '2.0250, 0.629817'
    """

    first: Array = eqx.field(converter=float_leaf)
    last: Array = eqx.field(converter=float_leaf)

    def two(self) -> Array:
        """sigma of two beads [friction/stiffness per time]."""
        return (self.first - self.last) ** 2 / (4 * self.first * self.last)

    def five(self) -> Array:
        """sigma of five beads."""
        a, b = self.first, self.last
        top = (a - b) ** 2 * (111 * a**2 + 430 * a * b + 111 * b**2)
        return top / (495 * a * b * (3 * a + b) * (a + 3 * b))
