"""The ratchet: a rotor in one bath whose pawl lies in another."""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq._parameters import check_finite, check_positive, concrete, float_leaf


class FourierSeries(eqx.Module):
    """y(theta) = c + sum_k a_k cos(k theta + phi_k), k = 1, 2, ...

    Arguments: `mean` c, `amplitude` (K,) a_k, `phase` (K,) phi_k [rad].

    >>> round(float(FourierSeries(1.0, (0.5,), (0.0,))(0.0)), 6)
    1.5
    """

    mean: Array
    amplitude: Array
    phase: Array

    def __init__(self, mean, amplitude, phase):
        self.mean = float_leaf(mean)
        self.amplitude, self.phase = float_leaf(_array(amplitude)), float_leaf(_array(phase))
        if self.amplitude.shape != self.phase.shape or self.amplitude.ndim != 1:
            raise ValueError("FourierSeries: give one phase for each amplitude.")
        check_finite("FourierSeries", mean=self.mean, amplitude=self.amplitude, phase=self.phase)

    def __call__(self, theta: Array) -> Array:
        # one cosine and one sine whatever the number of harmonics, for they are most of the work of a time step
        cosine, sine = jnp.cos(theta), jnp.sin(theta)
        along, across, total = cosine, sine, self.mean
        for a, phi in zip(self.amplitude, self.phase, strict=True):
            total = total + a * (jnp.cos(phi) * along - jnp.sin(phi) * across)
            along, across = along * cosine - across * sine, across * cosine + along * sine
        return total


def slope(function: Callable, theta: Array) -> Array:
    """function'(theta), element by element."""
    return jax.jvp(function, (theta,), (jnp.ones_like(theta),))[1]


class Ratchet(eqx.Module):
    """m d^2 theta/dt^2 = -U'(theta) + f - sum_b [Gamma_b(theta) dtheta/dt - sqrt(2 Gamma_b(theta) T_b) xi_b], b = 1, 2.

    A rotor with friction Gamma_1 = G_1 in bath 1; its pawl, held tightly at x = X(theta), has friction g in bath 2
    and so lends the rotor Gamma_2 = g X'(theta)^2. The same motion is described on three levels: 1, two baths; 2, one
    bath of friction Gamma = Gamma_1 + Gamma_2 and temperature T_e = (Gamma_1 T_1 + Gamma_2 T_2)/Gamma; 3, without
    inertia, J = [(f - U') rho - d(T_e rho)/dtheta]/Gamma. The default parameters are our choice.

    Arguments:
        temperatures: (T_1, T_2) [energy].
        torque: f on the rotor [energy/rad]; negative, it is a load that a forward current lifts.
        mass: moment of inertia m [mass length^2].
        frictions: (G_1, g) [mass length^2/time].
        potential: U(theta) [energy], of period 2 pi: an equinox module or a module-level function.
        pawl_slope: X'(theta), of period 2 pi.

    Raises:
        ValueError: where a temperature, friction or the mass is not positive, or a function has not the period 2 pi.

    Source: Y. Nakayama, K. Kawaguchi, N. Nakagawa, Phys. Rev. E 98, 022102 (2018), for the coarse-graining.

    >>> ratchet = Ratchet(temperatures=(1.5, 0.75), torque=0.1)
    >>> round(float(ratchet.effective_temperature(0.0)), 4)
    1.1322
    """

    temperatures: Array
    torque: Array
    mass: Array
    frictions: Array
    potential: Callable
    pawl_slope: Callable

    def __init__(
        self,
        temperatures=(1.5, 0.75),
        torque=0.1,
        mass=0.1,
        frictions=(1.0, 1.2),
        potential: Callable | None = None,
        pawl_slope: Callable | None = None,
    ):
        self.temperatures, self.frictions = _pair("temperatures", temperatures), _pair("frictions", frictions)
        self.torque, self.mass = float_leaf(torque), float_leaf(mass)
        check_finite("Ratchet", temperatures=self.temperatures, torque=self.torque, mass=self.mass,
                     frictions=self.frictions)  # fmt: skip
        check_positive("Ratchet", temperatures=self.temperatures, mass=self.mass, frictions=self.frictions)
        self.potential = FourierSeries(0.0, (-0.8, -0.15), (0.0, 0.4)) if potential is None else potential
        self.pawl_slope = FourierSeries(1 / 1.8, (0.8 / 1.8,), (0.7,)) if pawl_slope is None else pawl_slope
        for name in ("potential", "pawl_slope"):
            _check_period(name, getattr(self, name), self.mass.dtype)

    def force(self, theta: Array) -> Array:
        """f - U'(theta)."""
        return self.torque - slope(self.potential, theta)

    def both_frictions(self, theta: Array) -> tuple[Array, Array]:
        """Gamma_1 and Gamma_2 at theta."""
        first, pawl = self.frictions[0], self.frictions[1]
        return jnp.broadcast_to(first, theta.shape), pawl * self.pawl_slope(theta) ** 2

    def friction(self, theta: Array) -> Array:
        """Gamma = Gamma_1 + Gamma_2."""
        one, two = self.both_frictions(jnp.asarray(theta))
        return one + two

    def effective_temperature(self, theta: Array) -> Array:
        """T_e = (Gamma_1 T_1 + Gamma_2 T_2)/Gamma."""
        one, two = self.both_frictions(jnp.asarray(theta))
        return (one * self.temperatures[0] + two * self.temperatures[1]) / (one + two)

    @property
    def carnot(self) -> Array:
        """1 - T_cold/T_hot."""
        return 1 - jnp.min(self.temperatures) / jnp.max(self.temperatures)


def _pair(name: str, value) -> Array:
    pair = float_leaf(_array(value))
    if pair.shape != (2,):
        raise ValueError(f"Ratchet: {name} are two numbers, of the rotor and of the pawl; got shape {pair.shape}.")
    return pair


def _array(value):
    """A sequence of numbers or of arrays as one array."""
    return jnp.stack([float_leaf(v) for v in value]) if isinstance(value, (tuple, list)) else value


def _check_period(name: str, function: Callable, dtype) -> None:
    angles = jnp.linspace(0.0, 6.0, 7, dtype=dtype)
    here, there = concrete(function(angles)), concrete(function(angles + 2 * np.pi))
    if here is None or there is None:
        return
    if not np.allclose(here, there, rtol=0, atol=1e-4 * (1 + float(np.ptp(here)))):
        raise ValueError(f"Ratchet: {name} must have the period 2 pi in theta.")
