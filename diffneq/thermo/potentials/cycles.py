"""Integrals around closed paths: heat and work depend on the path, U and S do not."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from diffneq.thermo.potentials.relation import Potential


class Cycle(NamedTuple):
    """Integrals around a closed path, for amount N."""

    work: Array  # of the system on its surroundings, int P dV, J
    heat: Array  # taken in, int dQ with dQ = C_V dT + T (dP/dT)_V dV, J
    energy: Array  # int dU with dU = dQ - P dV: zero, J
    entropy: Array  # int dQ/T: zero, J/K
    scale: Array  # int |dQ/T|: what zero is to be compared with, J/K


def cycle(potential: Potential, path: Callable[[Array], tuple[Array, Array]], points: int = 256, N=1.0) -> Cycle:
    """Work, heat and the closed integrals of dU and dQ/T for F(T, V, N) along a closed path.

    Arguments: `potential`, of kind "F"; `path`, a smooth function of an angle from 0 to 2 pi to (T, V), periodic;
    `points` of the trapezoidal rule, whose error falls exponentially on such a path; `N`, amount.

    Raises ValueError: another kind of potential.

    >>> F = Potential(lambda T, V, N: -N * 8.314 * T * (1.0 + jnp.log(V / N * T**1.5)), "F")
    >>> with jax.enable_x64(True):
    ...     around = cycle(F, lambda a: (300.0 + 50.0 * jnp.cos(a), 0.02 + 0.005 * jnp.sin(a)))
    >>> round(float(around.work), 2), abs(float(around.entropy)) < 1e-12
    (331.76, True)
    """
    if potential.kind != "F":
        raise ValueError(f"cycle needs a potential F(T, V, N), got one of kind {potential.kind}; transform it first.")
    N = jnp.asarray(N, float)

    def rates(angle):
        (T, V), (dT, dV) = jax.jvp(path, (angle,), (jnp.ones_like(angle),))
        P = -jax.grad(potential, 1)(T, V, N)
        (TT, TV), _ = jax.hessian(potential, (0, 1))(T, V, N)
        dQ = -T * TT * dT - T * TV * dV
        return P * dV, dQ, dQ - P * dV, dQ / T, jnp.abs(dQ / T)

    angles = jnp.arange(points) * (2.0 * jnp.pi / points)
    return Cycle(*(jnp.mean(x) * 2.0 * jnp.pi for x in jax.vmap(rates)(angles)))
