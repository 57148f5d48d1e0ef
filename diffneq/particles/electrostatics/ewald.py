"""Ewald's sum over reciprocal vectors, by structure factors: exact as its limits allow, for any cell.

E = k/(2 pi V) sum_{m != 0} exp(-pi^2 m^2/alpha^2)/m^2 |S(m)|^2,      S(m) = sum_i q_i exp(2 pi i m.x_i)
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array

from diffneq._parameters import check_positive, float_leaf
from diffneq.particles.electrostatics.lattice import reciprocal, volume
from diffneq.particles.space import Vector


class Ewald(eqx.Module):
    """How the Coulomb energy is split, and which reciprocal vectors m = sum_a n_a b_a, |n_a| <= limits[a], are summed.

    The cost grows as N times the number of vectors: for a few hundred ions, or as the reference of `ParticleMesh`.

    Arguments:
        alpha: inverse width of the screening charges [1/L].
        cutoff: range r_c of the real-space sum [L].
        limits: the largest n_a, three integers.
        coulomb_constant: k [energy L/charge^2]; `materials.units.COULOMB` for eV, angstrom and e.

    Raises:
        ValueError: for values that are not positive.

    Source: P. P. Ewald, Ann. Phys. 369, 253 (1921); conducting ("tin-foil") surroundings.

    >>> Ewald(alpha=0.3, cutoff=9.0, limits=(6, 6, 6)).limits
    (6, 6, 6)
    """

    alpha: Array
    cutoff: Array
    coulomb_constant: Array
    limits: tuple[int, int, int] = eqx.field(static=True)

    def __init__(self, alpha, cutoff, limits, coulomb_constant=1.0):
        self.alpha, self.cutoff, self.coulomb_constant = map(float_leaf, (alpha, cutoff, coulomb_constant))
        self.limits = tuple(int(n) for n in limits)  # pyright: ignore[reportAttributeAccessIssue]
        check_positive("Ewald", alpha=self.alpha, cutoff=self.cutoff, coulomb_constant=self.coulomb_constant)
        if len(self.limits) != 3 or min(self.limits) < 1:
            raise ValueError(f"Ewald: limits are three integers, at least 1, got {limits}.")

    def reciprocal_energy(self, fractional: Vector, charges: Array, cell: Array) -> Array:
        """The sum over reciprocal vectors [energy] at coordinates s along the lattice vectors, three arrays (N,)."""
        real, imaginary = structure_factors(self.limits, fractional, charges)
        return jnp.sum(_weights(self, cell) * (real * real + imaginary * imaginary))

    def reciprocal_slopes(self, fractional: Vector, charges: Array, cell: Array) -> Vector:
        """dE/ds_a of every ion along the lattice vectors, three arrays (N,)."""
        return jax.grad(self.reciprocal_energy)(fractional, charges, cell)


def structure_factors(limits: tuple[int, int, int], fractional: Vector, charges: Array) -> tuple[Array, Array]:
    """S(n) = sum_i q_i exp(2 pi i n.s_i), real and imaginary part, (n_1 + 1, (2 n_2 + 1)(2 n_3 + 1)).

    n_1 >= 0 suffices, as S(-n) is the conjugate. The exponential factorises over the three directions, and the sum
    over the ions becomes a product of real matrices, which is what CPUs and GPUs do best.
    """
    x, y, z = (_powers(s, n) for s, n in zip(fractional, limits, strict=True))
    y, z = _both_signs(y), _both_signs(z)
    planes = _times(tuple(part[:, None, :] for part in y), tuple(part[None, :, :] for part in z))
    planes = tuple(part.reshape(-1, part.shape[-1]) for part in planes)
    rows, count = limits[0] + 1, planes[0].shape[0]
    left = jnp.concatenate([part * charges[None, :] for part in x])
    product = jnp.matmul(left, jnp.concatenate(planes).T, precision=jax.lax.Precision.HIGHEST)
    real = product[:rows, :count] - product[rows:, count:]
    return real, product[:rows, count:] + product[rows:, :count]


def _powers(s: Array, highest: int) -> tuple[Array, Array]:
    """cos and sin of 2 pi n s for n = 0, ..., highest: (highest + 1, N), by doubling, so that rounding stays small."""
    angle = 2 * jnp.pi * (s - jnp.round(s))[None, :]
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    while cosine.shape[0] < highest:
        turned = _times((cosine, sine), (cosine[-1:], sine[-1:]))
        cosine, sine = jnp.concatenate([cosine, turned[0]]), jnp.concatenate([sine, turned[1]])
    one = jnp.ones_like(angle)
    return jnp.concatenate([one, cosine[:highest]]), jnp.concatenate([jnp.zeros_like(one), sine[:highest]])


def _both_signs(powers: tuple[Array, Array]) -> tuple[Array, Array]:
    cosine, sine = powers
    return jnp.concatenate([cosine[:0:-1], cosine]), jnp.concatenate([-sine[:0:-1], sine])


def _times(a: tuple[Array, Array], b: tuple[Array, Array]) -> tuple[Array, Array]:
    """Product of complex numbers kept as two real arrays: XLA's CPU code for complex ones is ten times slower."""
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]


def _weights(method: Ewald, cell: Array) -> Array:
    """k/(2 pi V) exp(-pi^2 m^2/alpha^2)/m^2 at each vector kept, twice where its opposite is not kept."""
    first, second, third = method.limits
    n = (jnp.arange(first + 1), jnp.arange(-second, second + 1), jnp.arange(-third, third + 1))
    grid = jnp.meshgrid(*(k.astype(cell.dtype) for k in n), indexing="ij")
    rows = reciprocal(cell)
    m2 = sum(sum(g * rows[a, c] for a, g in enumerate(grid)) ** 2 for c in range(3))
    zero = (grid[0] == 0) & (grid[1] == 0) & (grid[2] == 0)
    m2 = jnp.where(zero, 1.0, m2)
    kernel = jnp.exp(-((jnp.pi / method.alpha.astype(cell.dtype)) ** 2) * m2) / m2
    kernel = jnp.where(zero, 0.0, jnp.where(grid[0] > 0, 2 * kernel, kernel))
    return (method.coulomb_constant / (2 * jnp.pi * volume(cell)) * kernel).reshape(first + 1, -1)
