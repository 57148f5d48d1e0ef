"""Ideal gas in a cylinder whose piston moves at constant speed."""

from __future__ import annotations

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import erfc

from diffneq._parameters import check_finite, check_positive, concrete, float_leaf
from diffneq.fluctuations.exact.work import ExactWork

_FASTEST = 9.0  # thermal speeds: beyond lie 2e-19 of all particles


class PistonStroke(ExactWork):
    """One particle between a wall at 0 and a piston at L + v t, for a time tau, from equilibrium; L_t = L + v tau.

    Unfolded at the walls the particle flies freely: y uniform on [-L, L], speed u > 0 half-normal. It ends with
    n = floor[(y + u tau + L_t)/(2 L_t)], and W = -2 n m v (u - n v). n counts the hits; n < 0 those of a piston that
    overtakes the particle from behind, in compression. dF = -T ln(L_t/L). The probability of n at a given speed is
    piecewise linear in it, so that all averages of powers and exponentials of W are error functions.

    Arguments:
        speed: v [length/time], > 0 in expansion, < 0 in compression.
        duration: tau [time].
        length: L [length].
        mass: m [mass].
        temperature: k_B T [energy].
        hits: (lowest, highest) n that are counted. By default all that matter; to be given where this is made while JAX
            traces, or where parameters are to be changed a lot.

    Raises:
        ValueError: where a number is not finite, v is zero, one that must be positive is not, or the piston would pass
            the wall.

    Source: R. C. Lua, A. Y. Grosberg, J. Phys. Chem. B 109, 6805 (2005).

    >>> print(PistonStroke(speed=1.0, duration=1.0).mean_work().round(5))
    -0.14874
    """

    speed: Array
    duration: Array
    length: Array
    mass: Array
    temperature: Array
    hits: tuple[int, int] = eqx.field(static=True)

    def __init__(self, speed, duration, length=1.0, mass=1.0, temperature=1.0, hits: tuple[int, int] | None = None):
        self.speed, self.duration, self.length = float_leaf(speed), float_leaf(duration), float_leaf(length)
        self.mass, self.temperature = float_leaf(mass), float_leaf(temperature)
        positive = {name: getattr(self, name) for name in ("duration", "length", "mass", "temperature")}
        check_finite("PistonStroke", speed=self.speed, **positive)
        check_positive("PistonStroke", **positive, final_length=self.final_length)
        known = concrete(self.speed)
        if known is not None and np.any(known == 0):
            raise ValueError("PistonStroke: a piston at rest does no work; give a speed that is not zero.")
        self.hits = self._hits() if hits is None else hits

    def _hits(self) -> tuple[int, int]:
        values = [concrete(x) for x in (self.length, self.final_length, self.duration * self.thermal_speed)]
        if any(value is None for value in values):
            raise ValueError("PistonStroke: give hits=(lowest, highest) where the stroke is made while JAX traces.")
        first, last, free = (float(np.asarray(value)) for value in values)
        highest = (_FASTEST * free + first + last) / (2 * min(first, last))
        return math.floor((last - first) / (2 * last)), math.ceil(highest)

    @property
    def final_length(self) -> Array:
        """L_t [length]."""
        return self.length + self.speed * self.duration

    @property
    def thermal_speed(self) -> Array:
        """sqrt(T/m) [length/time]."""
        return jnp.sqrt(self.temperature / self.mass)

    def hit_numbers(self) -> Array:
        """All n that are counted, (hits,)."""
        return jnp.arange(self.hits[0], self.hits[1] + 1).astype(self.speed.dtype)

    def _kicks(self) -> Array:
        """n v in thermal speeds, (hits,)."""
        return self.hit_numbers() * self.speed / self.thermal_speed

    def _beyond(self, lowest: Array, tilt: Array) -> Array:
        """int over u > lowest of 2 M(u - tilt) P(n|u) du for every n, in thermal speeds; `lowest`, `tilt` (hits,).

        P(n|u) is the share of [-L, L] in an interval of half-length L_t that moves with u: four ramps.
        """
        free = self.duration * self.thermal_speed
        half, last = self.length, self.final_length
        middle = 2 * self.hit_numbers() * last
        total, inside = jnp.zeros_like(lowest), jnp.maximum(lowest, 0.0)
        corners = ((1.0, -half - last), (-1.0, -jnp.abs(half - last)), (-1.0, jnp.abs(half - last)), (1.0, half + last))
        for sign, corner in corners:
            from_ = jnp.maximum(inside, (middle + corner) / free)
            z = from_ - tilt
            ramp = free * _normal(z) + (tilt * free - middle - corner) * _tail(z)
            total = total + sign * ramp
        return total / half

    def hit_probabilities(self) -> Array:
        """P_n for each of `hit_numbers()`, (hits,)."""
        zero = jnp.zeros_like(self.hit_numbers())
        return self._beyond(zero, zero)

    def cumulant_generating_function(self, s) -> Array:
        kicks = self._kicks()
        weights = jnp.exp(2 * s * (s - 1) * kicks**2)
        return jnp.log(jnp.sum(weights * self._beyond(jnp.zeros_like(kicks), 2 * s * kicks)))

    def free_energy_difference(self) -> Array:
        return -self.temperature * jnp.log(self.final_length / self.length)

    def no_work_probability(self) -> Array:
        """P_0, the weight of the delta function at W = 0."""
        return self.hit_probabilities()[-self.hits[0]]

    def _speeds(self, work: Array) -> tuple[Array, Array]:
        """u_n in thermal speeds at which n hits do this work, and n v; n = 0 gets u = 0 and a kick of 1."""
        kicks = self._kicks()
        hit = kicks != 0
        safe = jnp.where(hit, kicks, 1.0)
        return jnp.where(hit, safe - work / self.temperature / (2 * safe), 0.0), safe

    def work_density(self, work) -> Array:
        """The continuous part of P(W) [1/energy], at each entry of `work`; sum_n M(u_n) P(n|u_n)/(2 m |n v|)."""
        free, half, last = self.duration * self.thermal_speed, self.length, self.final_length
        numbers = self.hit_numbers()

        def one(w):
            speeds, kicks = self._speeds(w)
            shift = speeds * free - 2 * numbers * last
            overlap = jnp.clip(jnp.minimum(half, shift + last) - jnp.maximum(-half, shift - last), 0.0)
            density = 2 * _normal(speeds) * overlap / (2 * half) / (2 * jnp.abs(kicks))
            return jnp.sum(jnp.where((speeds > 0) & (numbers != 0), density, 0.0)) / self.temperature

        return jnp.vectorize(one)(jnp.asarray(work))

    def work_cumulative(self, work) -> Array:
        """Probability that W <= work, the delta function at 0 included, at each entry of `work`."""
        numbers, probabilities = self.hit_numbers(), self.hit_probabilities()

        def one(w):
            speeds, kicks = self._speeds(w)
            above = self._beyond(speeds, jnp.zeros_like(speeds))
            below = jnp.where(kicks > 0, above, probabilities - above)
            return jnp.sum(jnp.where(numbers == 0, probabilities * (w >= 0), below))

        return jnp.vectorize(one)(jnp.asarray(work))

    def work_of(self, position, velocity) -> Array:
        """The work on a particle that starts at `position` in (0, L) with `velocity` of either sign [energy]."""
        u = jnp.abs(velocity)
        y = jnp.where(velocity < 0, -position, position)
        last = self.final_length
        n = jnp.floor((y + u * self.duration + last) / (2 * last))
        return -2 * self.mass * n * self.speed * (u - n * self.speed)

    def work_of_many(self, particles: int, spacing: float, cells: tuple[int, int]) -> tuple[Array, Array]:
        """The work on `particles` of them, in cells: its places [energy] and probabilities, by convolution.

        Arguments: `spacing` of the cells [energy]; `cells` (lowest, highest) that the work of one particle may fall
        into: cell j is [j - 1/2, j + 1/2] spacing, lowest <= 0 <= highest. Cells broaden the work by spacing^2/12 a
        particle, and cost (particles (highest - lowest))^2 operations.
        """
        if not cells[0] <= 0 <= cells[1] or particles < 1:
            raise ValueError("work_of_many: particles >= 1 and cells (lowest <= 0, highest >= 0) are needed.")
        edges = spacing * (jnp.arange(cells[0], cells[1] + 2, dtype=self.speed.dtype) - 0.5)
        square = jnp.diff(self.work_cumulative(edges))
        many, left = jnp.ones(1, self.speed.dtype), particles
        while left:  # particles in binary; sums of positive products, so that rare work keeps its relative accuracy
            many = jnp.convolve(many, square, precision="highest") if left % 2 else many
            left //= 2
            square = jnp.convolve(square, square, precision="highest") if left else square
        places = particles * cells[0] + jnp.arange(many.shape[0], dtype=self.speed.dtype)
        return spacing * places, many


def _normal(x: Array) -> Array:
    return jnp.exp(-(x**2) / 2) / jnp.sqrt(2 * jnp.pi)


def _tail(x: Array) -> Array:
    return erfc(x / jnp.sqrt(2.0)) / 2
