"""Linear models with hidden variables: memory kernels, coloured noise, velocities that are not recorded."""

from __future__ import annotations

import abc
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jax import Array

from diffneq._parameters import check_finite, check_positive, float_leaf
from diffneq.inference.conventions import Convention


class LinearSystem(NamedTuple):
    """dz = (A z + c) dt + noise of covariance Q dt; what is recorded is z[0] with noise of variance `measurement`.

    A (n, n) [1/t], c (n,), Q (n, n), measurement () [x^2].
    """

    matrix: Array
    constant: Array
    noise: Array
    measurement: Array


class Linear(eqx.Module):
    """dz = (A z + c) dt + B dW with additive noise, so that all conventions coincide; z[0] is what is recorded.

    `given`: parameters that are known and not fitted; `positive`: those that must be greater than zero.
    """

    convention: ClassVar[Convention] = "additive"
    given: ClassVar[tuple[str, ...]] = ()
    positive: ClassVar[tuple[str, ...]] = ()

    @abc.abstractmethod
    def system(self) -> LinearSystem:
        """A, c, Q and the measurement noise."""


def _check(owner: str, positive: dict[str, Array], other: dict[str, Array], measurement_noise: Array) -> None:
    check_finite(owner, **positive, **other, measurement_noise=measurement_noise)
    check_positive(owner, **positive)
    check_positive(owner, zero=True, measurement_noise=measurement_noise)


class OrnsteinUhlenbeck(Linear):
    """M dV = (F - g V) dt + sqrt(2 g T) dW: the plain Langevin equation of a velocity.

    Arguments: `friction` g [mass/time], `temperature` k_B T [energy], `force` F, `mass` M (given), and
    `measurement_noise`, the standard deviation of each reading [V] (given, 0). Raises `ValueError` for numbers that are
    not finite, or not positive where they must be. Source: G. E. Uhlenbeck, L. S. Ornstein, Phys. Rev. 36, 823 (1930).

    >>> OrnsteinUhlenbeck(friction=2.0, temperature=1.5).system().noise.tolist()
    [[6.0]]
    """

    friction: Array
    temperature: Array
    force: Array
    mass: Array
    measurement_noise: Array
    given: ClassVar[tuple[str, ...]] = ("mass", "measurement_noise")
    positive: ClassVar[tuple[str, ...]] = ("friction", "temperature", "measurement_noise")

    def __init__(self, friction, temperature, force=0.0, mass=1.0, measurement_noise=0.0):
        self.friction, self.temperature = float_leaf(friction), float_leaf(temperature)
        self.force, self.mass = float_leaf(force), float_leaf(mass)
        self.measurement_noise = float_leaf(measurement_noise)
        needed = {"friction": self.friction, "temperature": self.temperature, "mass": self.mass}
        _check("OrnsteinUhlenbeck", needed, {"force": self.force}, self.measurement_noise)

    def system(self) -> LinearSystem:
        rate = self.friction / self.mass
        noise = 2 * rate * self.temperature / self.mass
        return LinearSystem(-rate[None, None], (self.force / self.mass)[None], noise[None, None],
                            self.measurement_noise**2)  # fmt: skip


class GeneralisedLangevin(Linear):
    """M dV = (F - int_0^inf K(s) V(t - s) ds) dt + dR,  K(s) = 2 g delta(s) + sum_i (g_i/t_i) exp(-s/t_i), <RR> = T K.

    Embedded: M dV = (F - g V + sum_i z_i) dt + sqrt(2 g T) dW, t_i dz_i = -(z_i + g_i V) dt + sqrt(2 g_i T) dW_i.
    The fluctuation-dissipation theorem holds for each term; the z_i are hidden, only V is recorded.

    Arguments: `friction` g, the part without memory [mass/time]; `memory_friction` g_i and `memory_time` t_i, (k,);
    `temperature` k_B T; `force` F; `mass` M (given); `measurement_noise`, standard deviation of a reading (given, 0).
    Raises `ValueError` for numbers that are not finite or not positive, and unless there is one time for each g_i.

    Source: F. Marchesoni, P. Grigolini, J. Chem. Phys. 78, 6287 (1983), for the embedding.

    >>> GeneralisedLangevin(0.1, (1.0, 0.5), (2.0, 10.0), temperature=1.0).system().matrix.shape
    (3, 3)
    """

    friction: Array
    memory_friction: Array
    memory_time: Array
    temperature: Array
    force: Array
    mass: Array
    measurement_noise: Array
    given: ClassVar[tuple[str, ...]] = ("mass", "measurement_noise")
    positive: ClassVar[tuple[str, ...]] = (
        "friction", "memory_friction", "memory_time", "temperature", "measurement_noise",
    )  # fmt: skip

    def __init__(self, friction, memory_friction, memory_time, temperature, force=0.0, mass=1.0, measurement_noise=0.0):
        self.friction, self.temperature = float_leaf(friction), float_leaf(temperature)
        self.memory_friction = jnp.atleast_1d(float_leaf(memory_friction))
        self.memory_time = jnp.atleast_1d(float_leaf(memory_time))
        self.force, self.mass = float_leaf(force), float_leaf(mass)
        self.measurement_noise = float_leaf(measurement_noise)
        if self.memory_friction.shape != self.memory_time.shape or self.memory_time.ndim != 1:
            raise ValueError(f"GeneralisedLangevin: memory_friction and memory_time are of one length, got "
                             f"{self.memory_friction.shape} and {self.memory_time.shape}.")  # fmt: skip
        needed = {"friction": self.friction, "memory_friction": self.memory_friction, "memory_time": self.memory_time,
                  "temperature": self.temperature, "mass": self.mass}  # fmt: skip
        _check("GeneralisedLangevin", needed, {"force": self.force}, self.measurement_noise)

    def kernel(self, time: Array) -> Array:
        """The part of K(s) with memory, at times of any shape [mass/time^2]."""
        terms = zip(self.memory_friction, self.memory_time, strict=True)
        return sum((g / t * jnp.exp(-jnp.asarray(time) / t) for g, t in terms), jnp.zeros(jnp.shape(time)))

    def system(self) -> LinearSystem:
        rates = 1 / self.memory_time
        row = jnp.append(-self.friction, jnp.ones_like(rates)) / self.mass
        below = jnp.column_stack([-self.memory_friction * rates, -jnp.diag(rates)])
        constant = jnp.append(self.force / self.mass, jnp.zeros_like(rates))
        noise = jnp.append(self.friction / self.mass**2, self.memory_friction * rates**2)
        matrix = jnp.concatenate([row[None], below])
        return LinearSystem(matrix, constant, jnp.diag(2 * self.temperature * noise), self.measurement_noise**2)


class ColouredNoise(Linear):
    """dx = (-r x + c + y) dt, dy = -(y/t_c) dt + (sqrt(2 D)/t_c) dW: <y(t) y(0)> = (D/t_c) exp(-|t|/t_c), y hidden.

    No fluctuation-dissipation theorem is implied. Arguments: `rate` r [1/t], `constant` c [x/t], `intensity` D
    [x^2/t], `correlation_time` t_c [t], `measurement_noise`, standard deviation of a reading (given, 0). r and 1/t_c
    may be exchanged without changing any record of x (with c and D rescaled): the fit finds one of the two. Raises
    `ValueError` for numbers that are not finite, or not positive where they must be.

    Source: P. Hanggi, P. Jung, Adv. Chem. Phys. 89, 239 (1995).

    >>> ColouredNoise(1.0, 0.0, 0.5, 0.2).system().matrix.tolist()
    [[-1.0, 1.0], [0.0, -5.0]]
    """

    rate: Array
    constant: Array
    intensity: Array
    correlation_time: Array
    measurement_noise: Array
    given: ClassVar[tuple[str, ...]] = ("measurement_noise",)
    positive: ClassVar[tuple[str, ...]] = ("rate", "intensity", "correlation_time", "measurement_noise")

    def __init__(self, rate, constant, intensity, correlation_time, measurement_noise=0.0):
        self.rate, self.constant, self.intensity = float_leaf(rate), float_leaf(constant), float_leaf(intensity)
        self.correlation_time, self.measurement_noise = float_leaf(correlation_time), float_leaf(measurement_noise)
        needed = {"rate": self.rate, "intensity": self.intensity, "correlation_time": self.correlation_time}
        _check("ColouredNoise", needed, {"constant": self.constant}, self.measurement_noise)

    def system(self) -> LinearSystem:
        one, zero = jnp.ones_like(self.rate), jnp.zeros_like(self.rate)
        matrix = jnp.stack([jnp.stack([-self.rate, one]), jnp.stack([zero, -1 / self.correlation_time])])
        noise = jnp.diag(jnp.stack([zero, 2 * self.intensity / self.correlation_time**2]))
        return LinearSystem(matrix, jnp.stack([self.constant, zero]), noise, self.measurement_noise**2)


class UnderdampedOscillator(Linear):
    """dx = v dt, M dv = -k (x - x_0) dt - g v dt + sqrt(2 g T) dW, of which only the position x is recorded.

    Arguments: `stiffness` k [energy/x^2], `friction` g [mass/time], `temperature` k_B T, `centre` x_0, `mass` M
    (given), `measurement_noise`, standard deviation of a reading (given, 0). Raises `ValueError` for numbers that are
    not finite, or not positive where they must be. Source: M. C. Wang, G. E. Uhlenbeck, Rev. Mod. Phys. 17, 323 (1945).

    >>> UnderdampedOscillator(4.0, 1.0, 1.0).system().matrix.tolist()
    [[0.0, 1.0], [-4.0, -1.0]]
    """

    stiffness: Array
    friction: Array
    temperature: Array
    centre: Array
    mass: Array
    measurement_noise: Array
    given: ClassVar[tuple[str, ...]] = ("mass", "measurement_noise")
    positive: ClassVar[tuple[str, ...]] = ("stiffness", "friction", "temperature", "measurement_noise")

    def __init__(self, stiffness, friction, temperature, centre=0.0, mass=1.0, measurement_noise=0.0):
        self.stiffness, self.friction = float_leaf(stiffness), float_leaf(friction)
        self.temperature, self.centre = float_leaf(temperature), float_leaf(centre)
        self.mass, self.measurement_noise = float_leaf(mass), float_leaf(measurement_noise)
        needed = {"stiffness": self.stiffness, "friction": self.friction, "temperature": self.temperature,
                  "mass": self.mass}  # fmt: skip
        _check("UnderdampedOscillator", needed, {"centre": self.centre}, self.measurement_noise)

    def system(self) -> LinearSystem:
        one, zero = jnp.ones_like(self.mass), jnp.zeros_like(self.mass)
        matrix = jnp.stack([jnp.stack([zero, one]), jnp.stack([-self.stiffness, -self.friction]) / self.mass])
        constant = jnp.stack([zero, self.stiffness * self.centre / self.mass])
        noise = jnp.diag(jnp.stack([zero, 2 * self.friction * self.temperature / self.mass**2]))
        return LinearSystem(matrix, constant, noise, self.measurement_noise**2)
