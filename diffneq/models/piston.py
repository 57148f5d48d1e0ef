"""Rayleigh's piston between two ideal gases of equal pressure and different temperatures."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jax import Array

from diffneq._parameters import check_positive, float_leaf
from diffneq.models.effusion import flux_moment


class Piston(eqx.Module):
    """V -> V + a (v - V), a = 2m/(m + M), at the rates n_L A (v - V) f_L(v) for v > V, n_R A (V - v) f_R(v) for v < V.

    A piston of mass M without friction between two infinite ideal gases of particles of mass m, f_b Maxwell's
    distribution at T_b, at equal pressure p = n_L T_L = n_R T_R. Every particle meets the piston once: V is a Markov
    jump process. Though no net force acts when it is at rest, it moves on average towards the hotter gas.

    Arguments:
        mass_ratio: m/M.
        temperatures: (T_L, T_R), as energies.
        mass: M of the piston.
        area: A; 1 for gases in one dimension.
        pressure: p [energy/(area length)].

    Raises:
        ValueError: for numbers that are not positive, or anything but two temperatures.

    Source: Ch. Gruber, J. Piasecki, Physica A 268, 412 (1999).

    >>> piston = Piston(mass_ratio=0.01, temperatures=(1.0, 4.0))
    >>> [round(float(rate), 3) for rate in piston.collision_rates(0.0)]
    [3.989, 1.995]
    """

    mass_ratio: Array
    temperature_left: Array
    temperature_right: Array
    mass: Array
    area: Array
    pressure: Array

    def __init__(self, mass_ratio=0.01, temperatures=(1.0, 2.0), mass=1.0, area=1.0, pressure=1.0):
        if len(temperatures) != 2:
            raise ValueError(f"Piston: temperatures are two, on the left and on the right; got {len(temperatures)}.")
        self.mass_ratio = float_leaf(mass_ratio)
        self.temperature_left, self.temperature_right = (float_leaf(t) for t in temperatures)
        self.mass, self.area, self.pressure = float_leaf(mass), float_leaf(area), float_leaf(pressure)
        check_positive("Piston", **vars(self))

    @property
    def gas_mass(self) -> Array:
        """m of a gas particle."""
        return self.mass_ratio * self.mass

    @property
    def exchange(self) -> Array:
        """a = 2m/(m + M), the share of the relative velocity that a collision gives to the piston."""
        return 2 * self.mass_ratio / (1 + self.mass_ratio)

    @property
    def thermal_speeds(self) -> tuple[Array, Array]:
        """sqrt(T_b/m) of the gas on the left and on the right."""
        return jnp.sqrt(self.temperature_left / self.gas_mass), jnp.sqrt(self.temperature_right / self.gas_mass)

    @property
    def densities(self) -> tuple[Array, Array]:
        """n_b = p/T_b."""
        return self.pressure / self.temperature_left, self.pressure / self.temperature_right

    def collision_rates(self, velocity) -> tuple[Array, Array]:
        """r_b(V) = n_b A s_b I_1(+-V/s_b), collisions per time with the gas on the left and on the right."""
        left, right = self._flux_moments(velocity, 1)
        return left, right

    def moment(self, order: int, velocity) -> Array:
        """alpha_k(V) = A a^k [n_L int_V^inf (v-V)^{k+1} f_L dv + (-1)^k n_R int_-inf^V (V-v)^{k+1} f_R dv].

        The Kramers-Moyal moments: alpha_k dt = <(dV)^k | V> for a short time dt [velocity^k/time]; k = 0 gives the
        total rate of collisions. Arguments: `order` k, static; `velocity` V, any shape.

        >>> round(float(Piston(0.01, (2.0, 2.0)).moment(1, 0.3)), 5)        # friction: -gamma_0 V/M, nearly
        -0.06704
        """
        left, right = self._flux_moments(velocity, order + 1)
        return self.exchange**order * (left + (-1) ** order * right)

    def _flux_moments(self, velocity, order: int) -> tuple[Array, Array]:
        """A n_b int |v - V|^k f_b dv over the particles that approach, on both sides."""
        velocity = jnp.asarray(velocity, self.mass.dtype)
        out = []
        for side, speed, density in zip((1, -1), self.thermal_speeds, self.densities, strict=True):
            out.append(self.area * density * speed**order * flux_moment(side * velocity / speed, order))
        return out[0], out[1]

    @property
    def friction(self) -> Array:
        """gamma_0 = A p sqrt(8m/pi) (T_L^{-1/2} + T_R^{-1/2}) [mass/time], to leading order in m/M."""
        inverse = self.temperature_left**-0.5 + self.temperature_right**-0.5
        return self.area * self.pressure * jnp.sqrt(8 * self.gas_mass / jnp.pi) * inverse

    @property
    def friction_slope(self) -> Array:
        """gamma_1 = m A p (1/T_R - 1/T_L) [mass/length] of gamma(V) = gamma_0 + gamma_1 V, to leading order.

        The coefficient in M dV = -gamma(V) V dt + sqrt(2 gamma(V) T) dW (Ito), the equation of this form that has the
        piston's mean velocity, diffusion and third cumulant at long times. Its drift is alpha_1(V) to second order in
        V; its noise is not alpha_2(V), which has no term linear in V.
        """
        return self.gas_mass * self.area * self.pressure * (1 / self.temperature_right - 1 / self.temperature_left)

    @property
    def temperature(self) -> Array:
        """T = sqrt(T_L T_R), M times the variance of V, to leading order in m/M."""
        return jnp.sqrt(self.temperature_left * self.temperature_right)

    @property
    def mean_velocity(self) -> Array:
        """<V> = sqrt(pi m/8) (sqrt T_R - sqrt T_L)/M, towards the hotter gas, to leading order in m/M."""
        difference = jnp.sqrt(self.temperature_right) - jnp.sqrt(self.temperature_left)
        return jnp.sqrt(jnp.pi * self.gas_mass / 8) * difference / self.mass

    @property
    def relaxation_time(self) -> Array:
        """M/gamma_0, to leading order in m/M."""
        return self.mass / self.friction

    def leading_cumulant_rates(self) -> Array:
        """(<V>, 2T/gamma_0, 12 <V> T M/gamma_0^2): lim kappa_n/t of the displacement to leading order in m/M, (3,).

        The relative corrections are of order m/M; at equal temperatures the odd ones vanish.
        """
        drift, spread = self.mean_velocity, self.temperature / self.friction
        return jnp.stack([drift, 2 * spread, 12 * drift * spread * self.relaxation_time])
