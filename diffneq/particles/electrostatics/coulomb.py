"""The Coulomb energy of ions in a periodic cell, its forces and its stress, by whichever method was planned.

    E = sum_{pairs, images} k q_i q_j erfc(alpha r)/r  +  E_reciprocal  -  k alpha/sqrt(pi) sum_i q_i^2

The first sum is a pair law and belongs, with the other pair laws, into one sum over a neighbour list
(`real_space_law`); the rest is `long_range_energy` and `long_range_forces`. `coulomb_energy` is all of it, for cells of
any size, also those shorter than the cutoff. Charges must add up to zero, and the surroundings conduct ("tin foil");
`dipole_energy` is what other surroundings add. Everything can be differentiated to any order in positions, charges,
cell and alpha.
"""

from __future__ import annotations

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from diffneq._parameters import concrete, float_leaf
from diffneq.particles.electrostatics.ewald import Ewald
from diffneq.particles.electrostatics.lattice import (
    cartesian_forces,
    cell_matrix,
    fractional,
    image_range,
    volume,
)
from diffneq.particles.electrostatics.mesh import ParticleMesh
from diffneq.particles.electrostatics.real_space import EwaldRealSpace
from diffneq.particles.pair_laws import energy_of_squared
from diffneq.particles.space import Vector

Method = Ewald | ParticleMesh


def check_neutral(charges, owner: str = "Coulomb energy") -> None:
    """Raise ValueError where charges known as numbers do not add up to zero within rounding."""
    numbers = concrete(jnp.asarray(charges))
    if numbers is None:
        return
    total, size = float(np.sum(numbers, dtype=float)), float(np.sum(np.abs(numbers), dtype=float))
    if not abs(total) <= 1e-5 * max(size, 1e-30):
        raise ValueError(
            f"{owner}: the cell carries the charge {total:g}; a periodic charged cell has no energy. "
            "Add counter-ions, or shift the charges so that they add up to zero."
        )


def real_space_law(method: Method, charges) -> EwaldRealSpace:
    """The pair law k q_a q_b erfc(alpha r)/r, r < r_c, over species of these charges (S,)."""
    charges = float_leaf(charges)
    strength = method.coulomb_constant * charges[:, None] * charges[None, :]
    return EwaldRealSpace(strength, method.alpha, method.cutoff)


def self_energy(method: Method, charges: Array) -> Array:
    """- k alpha/sqrt(pi) sum_i q_i^2 [energy]: each screening charge's energy in its own ion."""
    return -jnp.sum(charges * charges) * method.coulomb_constant * method.alpha / jnp.sqrt(jnp.pi)


def long_range_energy(method: Method, coordinates: Vector, charges: Array, cell: Array) -> Array:
    """What the pair law leaves out: reciprocal and self energy [energy].

    Arguments:
        method: `Ewald` or `ParticleMesh`.
        coordinates: s_1, s_2, s_3 along the lattice vectors, three arrays (N,), of any image.
        charges: (N,) [charge].
        cell: (3, 3), rows are lattice vectors [L].
    """
    return method.reciprocal_energy(coordinates, charges, cell) + self_energy(method, charges)


def long_range_forces(method: Method, coordinates: Vector, charges: Array, cell: Array) -> Vector:
    """Forces [energy/L] along x, y, z, three arrays (N,); arguments as in `long_range_energy`."""
    return cartesian_forces(method.reciprocal_slopes(coordinates, charges, cell), cell)


def coulomb_energy(method: Method, positions: Array, charges, cell, images=None) -> Array:
    """The whole Coulomb energy of one cell [energy].

    Arguments:
        method: `Ewald` or `ParticleMesh`.
        positions: (N, 3) [L], of any image.
        charges: (N,) [charge], adding up to zero.
        cell: (3, 3), rows are lattice vectors, or three edge lengths [L].
        images: `image_range(cell, cutoff)`; only needed where the cell is traced by JAX.

    Raises:
        ValueError: for a charged cell, or a traced one without `images`.

    >>> method = Ewald(alpha=3.0, cutoff=1.2, limits=(6, 6, 6))
    >>> sites = jnp.asarray([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]])  # caesium chloride
    >>> round(float(-coulomb_energy(method, sites, [1.0, -1.0], (1.0, 1.0, 1.0)) * 3**0.5 / 2), 4)  # Madelung: 1.7627
    1.7627
    """
    charges, cell = float_leaf(charges), cell_matrix(cell)
    check_neutral(charges)
    if images is None:
        if isinstance(cell, jax.core.Tracer) or isinstance(method.cutoff, jax.core.Tracer):
            raise ValueError("coulomb_energy: give images=image_range(cell, cutoff) where JAX traces the cell.")
        images = image_range(cell, method.cutoff)
    return _whole_energy(method, positions, charges, cell, tuple(images))


def coulomb_stress(method: Method, positions: Array, charges, cell, images=None) -> Array:
    """sigma = (1/V) dE/d(strain), (3, 3) [energy/L^3]: positive where the cell pulls; ions move with the cell."""
    cell = cell_matrix(cell)
    check_neutral(charges)
    images = image_range(cell, method.cutoff) if images is None else images
    return _stress(method, positions, float_leaf(charges), cell, tuple(images))


def dipole_energy(positions: Array, charges, cell, coulomb_constant=1.0, permittivity=1.0) -> Array:
    """2 pi k |M|^2/((2 eps + 1) V), M = sum_i q_i x_i: what surroundings of permittivity eps add to "tin foil".

    The cells fill a sphere; positions (N, 3) [L] are those of unwrapped ions, and eps = 1 is vacuum.

    Source: S. W. de Leeuw, J. W. Perram, E. R. Smith, Proc. R. Soc. A 373, 27 (1980).
    """
    charges, cell = float_leaf(charges), cell_matrix(cell)
    moment = charges @ positions
    return 2 * jnp.pi * coulomb_constant * jnp.sum(moment * moment) / ((2 * permittivity + 1) * volume(cell))


@partial(jax.jit, static_argnames="images")
def _whole_energy(method: Method, positions: Array, charges: Array, cell: Array, images) -> Array:
    coordinates = fractional(positions, cell)
    near = _real_space_energy(method, coordinates, charges, cell, images)
    return near + long_range_energy(method, coordinates, charges, cell)


@partial(jax.jit, static_argnames="images")
def _stress(method: Method, positions: Array, charges: Array, cell: Array, images) -> Array:
    def strained(strain):
        turn = jnp.eye(3, dtype=cell.dtype) + (strain + strain.T) / 2
        return _whole_energy(method, positions @ turn, charges, cell @ turn, images)

    return jax.grad(strained)(jnp.zeros_like(cell)) / volume(cell)


def _real_space_energy(method: Method, coordinates: Vector, charges: Array, cell: Array, images) -> Array:
    law = EwaldRealSpace(1.0, method.alpha, method.cutoff)
    apart = tuple(s[:, None] - s[None, :] for s in coordinates)
    apart = tuple(d - jnp.round(d) for d in apart)
    product = charges[:, None] * charges[None, :] * method.coulomb_constant
    itself = jnp.eye(charges.shape[0], dtype=bool)

    def add(total, shift):
        across = tuple(d + shift[a] for a, d in enumerate(apart))
        s = sum(sum(d * cell[a, c] for a, d in enumerate(across)) ** 2 for c in range(3))
        real = ~(itself & jnp.all(shift == 0))
        return total + jnp.sum(jnp.where(real, product * energy_of_squared(law, jnp.where(real, s, 1.0)), 0.0)), None

    shifts = list(itertools.product(*(range(-n, n + 1) for n in images)))
    total, _ = lax.scan(add, jnp.zeros((), charges.dtype), jnp.asarray(shifts, cell.dtype))
    return total / 2
