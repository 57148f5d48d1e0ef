"""Stationary solutions of the ratchet's Fokker-Planck equations, with derivatives with respect to every parameter."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from diffneq.models.ratchet.system import Ratchet


class Stationary(eqx.Module):
    """What a solution holds, on `points` angles 2 pi j/points.

    Arguments:
        angle: (points,) [rad].
        density: rho(theta), (points,) [1/rad].
        current: J, the same at every angle [1/time].
        kinetic: int m v^2 rho(theta, v) dv, (points,) [energy/rad]: rho times the kinetic temperature.
    """

    angle: Array
    density: Array
    current: Array
    kinetic: Array

    def integral(self, values: Array) -> Array:
        """int dtheta values(theta), by the trapezoidal rule, which is spectrally accurate on a ring."""
        return (2 * np.pi / self.angle.shape[0]) * jnp.sum(values)


@eqx.filter_jit
def overdamped(ratchet: Ratchet, points: int = 63) -> Stationary:
    """0 = dJ/dtheta, J = [(f - U') rho - d(T_e rho)/dtheta]/Gamma: level 3, by Fourier collocation.

    Arguments: `points`, odd; the error falls exponentially with it. The kinetic temperature is T_e.

    Raises:
        ValueError: where `points` is even or less than 5.

    >>> still = Ratchet(temperatures=(1.0, 1.0), torque=0.0)
    >>> abs(float(overdamped(still, 31).current)) < 1e-6
    True
    """
    angle, rate = _grid(ratchet, points)
    bath = ratchet.effective_temperature(angle)
    flux = (jnp.diag(ratchet.force(angle)) - rate @ jnp.diag(bath)) / ratchet.friction(angle)[:, None]
    density, current = _closed(flux)
    return Stationary(angle, density, current, bath * density)


@eqx.filter_jit
def underdamped(ratchet: Ratchet, points: int = 63, modes: int = 32) -> Stationary:
    """0 = -(p/m) d rho/dtheta - (f - U') d rho/dp + Gamma d/dp (p/m + T_e d/dp) rho: the Kramers equation, levels 1, 2.

    rho = sum_n c_n(theta) He_n(p/s) exp(-p^2/2s^2), s^2 = m T_0 with T_0 in the middle of the range of T_e: the
    amplitudes fall at least as (range/sum)^(n/2), at any mass. Collocation in theta and elimination of c_n from the
    highest n downwards (a matrix continued fraction) leave one linear system for the density.

    Arguments: `points`, odd, angles; `modes`, Hermite functions above the Maxwellian. Strong friction needs few of
    either; m Gamma^-2 U'' much larger than one needs more points. The cost is modes x points^3. In single precision
    expect five digits of the current, and an error of about 1e-6 Gamma/m in entropy production: choose double.

    Raises:
        ValueError: where `points` is even or less than 5, or `modes` less than 3.

    Source: H. Risken, The Fokker-Planck Equation (Springer, 1989), chapter 11, for a constant temperature.

    >>> solution = underdamped(Ratchet(mass=0.1), points=31, modes=16)
    >>> round(float(solution.integral(solution.density)), 4)
    1.0
    """
    if modes < 3:
        raise ValueError(f"underdamped: modes must be 3 or more, got {modes}.")
    angle, rate = _grid(ratchet, points)
    mass, friction = ratchet.mass, ratchet.friction(angle)
    bath = ratchet.effective_temperature(angle)
    middle = (jnp.max(bath) + jnp.min(bath)) / 2
    speed = jnp.sqrt(middle / mass)
    # of normalised Hermite functions: n -> n + 1, n -> n - 1 and n -> n + 2, before their factors sqrt(n + 1), ...
    up = jnp.diag(ratchet.force(angle) / jnp.sqrt(mass * middle)) - speed * rate
    down = -speed * rate
    double = jnp.diag(friction / mass * (bath / middle - 1))

    def eliminate(above, n):
        one, two = above  # c_{n+1} = one c_n + two c_{n-1}
        left = jnp.diag(n * friction / mass) - jnp.sqrt(n + 1) * (down @ one)
        right = jnp.concatenate(
            [jnp.sqrt(n) * up + jnp.sqrt(n + 1) * (down @ two), jnp.sqrt(n * (n - 1)) * double], axis=1
        )
        both = jnp.linalg.solve(left, right)
        return (both[:, :points], both[:, points:]), None

    nothing = jnp.zeros_like(rate)
    orders = jnp.arange(modes, 1, -1).astype(mass.dtype)
    second, _ = lax.scan(eliminate, (nothing, nothing), orders)
    first, _ = eliminate(second, jnp.ones((), mass.dtype))
    density, current = _closed(speed * first[0])
    quadratic = second[0] @ jnp.broadcast_to(current / speed, (points,)) + second[1] @ density
    return Stationary(angle, density, current, middle * (density + np.sqrt(2) * quadratic))


def _grid(ratchet: Ratchet, points: int) -> tuple[Array, Array]:
    """Angles, and the matrix that differentiates trigonometric polynomials on them."""
    if points < 5 or points % 2 == 0:
        raise ValueError(f"points must be odd and 5 or more, got {points}.")
    dtype, index = ratchet.mass.dtype, np.arange(points)
    apart = np.where(np.eye(points), points / 2, index[:, None] - index)  # the diagonal is set below
    rate = np.where(np.eye(points), 0.0, 0.5 * np.cos(np.pi * apart) / np.sin(np.pi * apart / points))
    return jnp.asarray(index * (2 * np.pi / points), dtype), jnp.asarray(rate, dtype)


def _closed(flux: Array) -> tuple[Array, Array]:
    """rho and J of: flux rho = J at every angle, int rho = 1."""
    points = flux.shape[0]
    column, row = -jnp.ones((points, 1), flux.dtype), jnp.full((1, points), 2 * np.pi / points, flux.dtype)
    matrix = jnp.block([[flux, column], [row, jnp.zeros((1, 1), flux.dtype)]])
    found = jnp.linalg.solve(matrix, jnp.zeros(points + 1, flux.dtype).at[-1].set(1.0))
    return found[:-1], found[-1]
