"""Energies of all grid points for a chunk of conditions: one product of matrices for each tile of points."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffneq.thermo.calphad.physical import physical_energy
from diffneq.thermo.calphad.solver.energies import Phase, product
from diffneq.thermo.calphad.solver.grid import Grid
from diffneq.thermo.calphad.tables import Magnetism, Tables

NEVER = 1e6  # energy over R T of a point that is not there


class Points(eqx.Module):
    """What of the grid does not depend on temperature."""

    y: Float[Array, "tiles tile n_y"]
    phase: Int[Array, "tiles"]
    family: Int[Array, "tiles"]
    family_phase: Int[Array, "families"]
    valid: Bool[Array, "tiles tile"]
    features: Float[Array, "tiles tile n_f"]
    ideal: Float[Array, "tiles tile"]  # sum of weights z ln z, over R T per formula unit
    atoms: Float[Array, "tiles tile"]
    x: Float[Array, "points elements"]  # mole fractions
    magnetism: Magnetism  # of each tile

    @classmethod
    def of(cls, tables: Tables, stack: Phase, grid: Grid) -> "Points":
        """Tabulate the grid."""

        def tile(args):
            index, y = args
            phase = stack.at(index)
            y = y.T
            z = phase.constant[:, None] + phase.extended @ y
            features = product(z, phase.factors)
            log_z = jnp.where(z > 0, jnp.log(jnp.where(z > 0, z, 1.0)), 0.0)
            weights, moles = phase.entropy[:, None], phase.moles @ y
            if phase.feature_entropy is not None and phase.feature_moles is not None:
                weights = weights + phase.feature_entropy @ features
                moles = moles + phase.feature_moles @ features
            return features.T, jnp.sum(weights * z * log_z, axis=0), moles

        owner = jnp.asarray(grid.phase)
        features, ideal, moles = jax.lax.map(tile, (owner, jnp.asarray(grid.y)))
        atoms = moles.sum(axis=1)
        x = jnp.swapaxes(moles / atoms[:, None], 1, 2).reshape(-1, moles.shape[1])
        magnetism = jax.tree.map(lambda a: a[owner], tables.magnetism)
        given = (jnp.asarray(a) for a in (grid.y, grid.phase, grid.family, grid.family_phase, grid.valid))
        return cls(*given, features, ideal, atoms, x, magnetism)


def grid_energies(
    points: Points,
    energy: Float[Array, "phases n_f W"],
    physical: Float[Array, "phases channels n_f W"],
    T: Float[Array, "W"],
    R: Array,
    channels: tuple[str, ...],
) -> Float[Array, "points W"]:
    """G/RT per mole of atoms at every grid point; `energy` over R T, `physical` as it is (W may be 1)."""
    empty = jnp.zeros((points.features.shape[1], T.shape[0]))

    def tile(args):
        index, valid, features, ideal, atoms, magnetism = args
        value = features @ energy[index] + ideal[:, None]
        if channels:
            coefficients = physical[index]

            def order(_):
                values = jnp.einsum("pf,kfw->kpw", features, coefficients)
                values = jnp.broadcast_to(values, (len(channels), *empty.shape))
                T_here = jnp.broadcast_to(T, empty.shape)
                return physical_energy(channels, values, T_here, magnetism, R) / (R * T)

            value = value + jax.lax.cond(jnp.any(coefficients != 0), order, lambda _: empty, None)
        return jnp.where(valid[:, None], value / atoms[:, None], NEVER)

    g = jax.lax.map(tile, (points.phase, points.valid, points.features, points.ideal, points.atoms, points.magnetism))
    return g.reshape(-1, T.shape[0])


def smallest(values: Float[Array, "points W"]) -> tuple[Int[Array, "W"], Float[Array, "W"]]:
    """Index of the smallest value of each column and the value.

    The index replaces the lowest bits of the number, so that one plain minimum finds both: a reduction over pairs is
    several times slower on a CPU. Values that agree to 2^-36 count as equal.
    """
    packed, mask = with_places(values)
    index = place_of(jnp.min(packed, axis=0), mask)
    return index, jnp.take_along_axis(values, index[None], axis=0)[0]


def with_places(values: Float[Array, "points W"]) -> tuple[Float[Array, "points W"], Int[Array, ""]]:
    """The values with their row numbers in the lowest bits, and the mask of these bits."""
    mask = jnp.int64((1 << max(1, (values.shape[0] - 1).bit_length())) - 1)
    places = jnp.arange(values.shape[0], dtype=jnp.int64)[:, None]
    packed = (jax.lax.bitcast_convert_type(values, jnp.int64) & ~mask) | places
    return jax.lax.bitcast_convert_type(packed, values.dtype), mask


def place_of(packed: Float[Array, "*batch"], mask: Int[Array, ""]) -> Int[Array, "*batch"]:
    """The row number that a packed value carries."""
    return (jax.lax.bitcast_convert_type(packed, jnp.int64) & mask).astype(jnp.int32)
