"""One time step of many rotors, with and without inertia, and the account of heat and entropy that goes with it."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jax import Array

from diffneq.models.ratchet.system import Ratchet, slope


class Rotors(eqx.Module):
    """n rotors and what happened to them since the start of the record, each (n,).

    Arguments: `angle` [rad], `momentum` [mass length^2/time], `turned` [rad], `heat` taken from both baths [energy],
    `heat_1` from bath 1 alone, `entropy` - sum Q/T_e. Without inertia there are only `angle` and `turned`.
    """

    angle: Array
    turned: Array
    momentum: Any = None
    heat: Any = None
    heat_1: Any = None
    entropy: Any = None


class WithInertia(eqx.Module):
    """BAOAB with the bath of the place: levels 1 and 2, whose law of motion is the same.

    p -> c p + sqrt((1 - c^2) m T_e) xi with c = exp(-Gamma(theta) dt/m) takes up the heat Q; bath b gives

        Q_b = (Gamma_b/Gamma) Q + (Gamma_1 Gamma_2/Gamma) (T_b - T_b') dt/m,

    the heat Q shared by friction and the leak between the baths. That is exact on average over the noise at fixed
    initial p, however large Gamma dt/m is, and the two parts add up to Q. What is left out of Q_b is a fluctuation
    of zero mean, uncorrelated from step to step.

    Where T_1 = T_2 the canonical density is kept as BAOAB keeps it, since theta does not move while the bath acts.
    """

    ratchet: Ratchet
    dt: Array

    def start(self, angle: Array, xi: Array) -> Rotors:
        """Maxwellian momenta."""
        momentum = jnp.sqrt(self.ratchet.mass * self.ratchet.effective_temperature(angle)) * xi
        zero = jnp.zeros_like(angle)
        return Rotors(angle, zero, momentum, zero, zero, zero)

    def energy(self, rotors: Rotors) -> Array:
        """p^2/2m + U."""
        return rotors.momentum**2 / (2 * self.ratchet.mass) + self.ratchet.potential(rotors.angle)

    def __call__(self, rotors: Rotors, xi: Array) -> Rotors:
        system, h, mass = self.ratchet, self.dt, self.ratchet.mass
        momentum = rotors.momentum + h / 2 * system.force(rotors.angle)
        first = h / 2 * momentum / mass
        angle = rotors.angle + first
        one, two = system.both_frictions(angle)
        friction, bath = one + two, system.effective_temperature(angle)
        keep = jnp.exp(-friction * h / mass)
        noise = jnp.sqrt(-jnp.expm1(-2 * friction * h / mass) * mass * bath)
        kicked = keep * momentum + noise * xi
        heat = (kicked - momentum) * (kicked + momentum) / (2 * mass)
        leak = one * two / friction * (system.temperatures[0] - system.temperatures[1]) * h / mass
        second = h / 2 * kicked / mass
        angle = angle + second
        momentum = kicked + h / 2 * system.force(angle)
        return Rotors(
            angle,
            rotors.turned + first + second,
            momentum,
            rotors.heat + heat,
            rotors.heat_1 + one / friction * heat + leak,
            rotors.entropy - heat / bath,
        )


class WithoutInertia(eqx.Module):
    """dtheta = [(f - U')/Gamma + T_e (1/Gamma)'] dt + sqrt(2 T_e/Gamma) dB (Ito), by a scheme of weak order 2: level 3.

    The Ito drift follows from the flux J = [(f - U') rho - (T_e rho)']/Gamma. The heat is -(f - U') o dtheta, so the
    entropy that flows out, int (f - U')/T_e o dtheta, is the affinity of one turn times the number of turns, but for
    a periodic function of theta.

    Source: P. E. Kloeden, E. Platen, Numerical Solution of Stochastic Differential Equations (Springer, 1992),
    section 15.1.
    """

    ratchet: Ratchet
    dt: Array

    def start(self, angle: Array, xi: Array) -> Rotors:
        return Rotors(angle, jnp.zeros_like(angle))

    def drift(self, angle: Array) -> Array:
        mobility = lambda x: 1 / self.ratchet.friction(x)
        thermal = self.ratchet.effective_temperature(angle) * slope(mobility, angle)
        return self.ratchet.force(angle) / self.ratchet.friction(angle) + thermal

    def noise(self, angle: Array) -> Array:
        return jnp.sqrt(2 * self.ratchet.effective_temperature(angle) / self.ratchet.friction(angle))

    def __call__(self, rotors: Rotors, xi: Array) -> Rotors:
        h, root, here = self.dt, jnp.sqrt(self.dt), rotors.angle
        drift, noise = self.drift(here), self.noise(here)
        ahead, spread = here + drift * h, noise * root
        right, left = self.noise(ahead + spread), self.noise(ahead - spread)
        moved = (
            (self.drift(ahead + spread * xi) + drift) * (h / 2)
            + (right + left + 2 * noise) * (root * xi / 4)
            + (right - left) * (root * (xi**2 - 1) / 4)
        )
        return Rotors(here + moved, rotors.turned + moved)
