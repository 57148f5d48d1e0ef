"""Langevin dynamics with inertia by splitting: a scheme is a word of the letters A, B and O."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jax import Array

from diffneq._parameters import check_finite, check_positive, float_leaf


class Underdamped(eqx.Module):
    """m dv = -dU/dx dt - m g v dt + sqrt(2 m g k_B T) dB, dx = v dt, by a splitting such as BAOAB.

    A is a drift x -> x + h v, B a kick v -> v + h F/m, O the exact solution of the bath's part,
    v -> c v + sqrt((1 - c^2) k_B T/m) xi with c = exp(-g h). Each letter shares the time step evenly among its
    occurrences. "BAOAB" has exact positions in a harmonic well; "BAOA", the leapfrog with a bath in its middle, carries
    velocities of half steps and has exact positions and velocities there.

    Arguments:
        dt: time step h [t].
        temperature: k_B T [energy], a scalar, or (d,): a bath for each coordinate.
        damping_rate: g [1/t], likewise.
        mass: m, likewise.
        splitting: a word of A, B and O in which each occurs, read from left to right.

    Raises:
        ValueError: for another word, and for parameters that are not finite and positive (a rate may be zero).

    Source: B. Leimkuhler, C. Matthews, Appl. Math. Res. Express 2013, 34; J. Fass et al., Entropy 20, 318 (2018).

    >>> Underdamped(dt=0.1, temperature=1.0, damping_rate=1.0).splitting
    'BAOAB'
    """

    dt: Array = eqx.field(converter=float_leaf)
    temperature: Array = eqx.field(converter=float_leaf)
    damping_rate: Array = eqx.field(converter=float_leaf)
    mass: Array = eqx.field(converter=float_leaf, default=1.0)
    splitting: str = eqx.field(static=True, default="BAOAB")

    def __check_init__(self):
        if not isinstance(self.splitting, str) or set(self.splitting) != set("ABO"):
            raise ValueError(
                f"Underdamped: splitting is a word of the letters A, B and O in which each occurs, such as 'BAOAB', "
                f"'OBABO', 'ABOBA', 'OABAO' or 'BAOA'; got {self.splitting!r}."
            )
        values = {"dt": self.dt, "temperature": self.temperature, "mass": self.mass}
        check_finite("Underdamped", damping_rate=self.damping_rate, **values)
        check_positive("Underdamped", **values)
        check_positive("Underdamped", zero=True, damping_rate=self.damping_rate)

    @property
    def has_velocity(self) -> bool:
        return True

    def draws(self, dimension: int) -> int:
        """Normal numbers that a step takes."""
        return self.splitting.count("O") * dimension

    def initial_velocity(self, xi: Array) -> Array:
        """Maxwellian, from normal numbers."""
        return jnp.sqrt(self.temperature / self.mass) * xi

    def kinetic_energy(self, velocity: Array) -> Array:
        return jnp.sum(self.mass * velocity**2) / 2

    def step(self, force, position: Array, velocity: Array, xi: list[Array]) -> tuple[Array, Array, Array]:
        """Position, velocity, and the heat of the step: what its O parts change in the kinetic energy.

        `force` is a function of the position; `xi` one array of normal numbers, shaped like the position, for each O.
        """
        share = {letter: self.dt / self.splitting.count(letter) for letter in "ABO"}
        decay = self.damping_rate * share["O"]
        keep = jnp.exp(-decay)
        # Two roots, so that the derivative with respect to the temperature is not 0/0 where the rate is zero.
        strength = jnp.sqrt(-jnp.expm1(-2 * decay)) * jnp.sqrt(self.temperature / self.mass)
        heat, used = jnp.zeros((), position.dtype), 0
        for letter in self.splitting:
            if letter == "A":
                position = position + share["A"] * velocity
            elif letter == "B":
                velocity = velocity + (share["B"] / self.mass) * force(position)
            else:
                before, velocity = velocity, keep * velocity + strength * xi[used]
                heat = heat + jnp.sum(self.mass * (velocity - before) * (velocity + before)) / 2
                used += 1
        return position, velocity, heat
