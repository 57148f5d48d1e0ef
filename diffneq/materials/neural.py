"""A small neural potential: invariants of the moments of each ion's surroundings, and one network for each species.

    E = sum_i [ e0 + w.x_i + net_{s_i}(x_i) ],      x_i = (M0_ik, |M1_ik|^2, M2_ik : M2_ik)_k, normalised
    M0_ik = sum_j f_k(r_ij),   M1_ik = sum_j f_k(r_ij) n_ij,   M2_ik = sum_j f_k(r_ij) (n_ij n_ij - 1/3)

The radial functions f_k are learnt for each pair of species, from Bessel functions that end smoothly at the cutoff. M0
alone is a sum over pairs; M1 and M2 know angles. The energy does not change when everything is shifted, turned, or
mirrored, or ions of a species are exchanged, because x does not.

It is there to show that any energy of positions and cell runs in the constant-current dynamics, and for small fits of
your own; large pretrained networks come in by the same door (`EnergyPotential`).

Sources: A. V. Shapeev, Multiscale Model. Simul. 14, 1153 (2016) for the moments; J. Behler, M. Parrinello, Phys. Rev.
Lett. 98, 146401 (2007) for a network an atom; J. Gasteiger, J. Gross, S. Guennemann, ICLR (2020) for the radial basis.
"""

from __future__ import annotations

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq._parameters import float_leaf
from diffneq.models.potentials import EnergyPotential
from diffneq.particles.electrostatics.lattice import reciprocal


class MomentNetwork(eqx.Module):
    """Energy of ions of S species from their neighbours within the cutoff; every array is a parameter.

    Arguments:
        key: typed key for the start.
        species: S.
        cutoff: r_c [L].
        channels: radial functions k of each pair of species.
        basis: Bessel functions that they are made of.
        width: of the two hidden layers.

    Raises:
        ValueError: for sizes that are not positive.

    >>> network = MomentNetwork(jax.random.key(0), species=2, cutoff=4.0)
    >>> apart = jnp.asarray([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
    >>> rows = jnp.asarray([[1], [0]])  # the neighbours of either ion; an empty slot holds N
    >>> network(apart, 10.0 * jnp.eye(3), rows, counts=(1, 1)).shape
    ()
    """

    radial: Array
    linear: Array
    layers: tuple[tuple[Array, Array], ...]
    offset: Array
    centre: Array
    spread: Array
    cutoff: float = eqx.field(static=True)

    def __init__(self, key: Array, species: int, cutoff: float, channels: int = 8, basis: int = 10, width: int = 24):
        if min(species, channels, basis, width) < 1 or not 0 < cutoff < np.inf:
            raise ValueError("MomentNetwork: species, channels, basis, width and cutoff are positive.")
        keys = jax.random.split(key, 5)
        features = 3 * channels
        normal = lambda k, *shape: jax.random.normal(k, (species, *shape)) / np.sqrt(shape[0])
        self.radial = normal(keys[0], species * basis, channels) * np.sqrt(species)
        self.linear = 0.1 * normal(keys[1], features)
        sizes = ((features, width, keys[2]), (width, width, keys[3]), (width, 1, keys[4]))
        self.layers = tuple((normal(k, n, m), jnp.zeros((species, m))) for n, m, k in sizes)
        self.offset = jnp.zeros(())
        self.centre, self.spread = jnp.zeros((species, features)), jnp.ones((species, features))
        self.cutoff = float(cutoff)

    def __call__(self, positions: Array, cell: Array, rows: Array, counts: tuple[int, ...]) -> Array:
        """E [energy] of ions at positions (N, 3) [L] in the cell (3, 3), species after species.

        Arguments: `rows` (N, K), the neighbours of each ion, where an empty slot holds N; `counts` of each species.
        """
        features = moments(self, positions, cell, rows, counts)
        return self.offset * positions.shape[0] + sum(jnp.sum(_site_energy(self, a, x)) for a, x in enumerate(features))


def potential(network: MomentNetwork, counts: tuple[int, ...]) -> EnergyPotential:
    """The network as a potential of `Electrolyte`, for these ions; its arrays are the parameter "network".

    >>> potential(MomentNetwork(jax.random.key(0), species=2, cutoff=4.0), (4, 4)).cutoff
    4.0
    """

    def energy(positions, cell, network, neighbor):
        return network(positions, cell, neighbor.idx, counts)

    return EnergyPotential(energy, {"network": network}, network.cutoff)


def normalised(network: MomentNetwork, positions: Array, cell: Array, rows: Array, counts) -> MomentNetwork:
    """The network with invariants of mean zero and variance one over the ions of some configurations (C, N, 3)."""
    many = jax.jit(jax.vmap(lambda x, h, r: moments(network, x, h, r, counts, raw=True)))(positions, cell, rows)
    flat = [x.reshape(-1, x.shape[-1]) for x in many]
    centre = jnp.stack([jnp.mean(x, axis=0) for x in flat])
    spread = jnp.stack([jnp.std(x, axis=0) for x in flat])
    # An invariant that hardly varies must not be blown up to be one.
    spread = jnp.maximum(spread, 1e-2 * jnp.maximum(jnp.abs(centre), jnp.mean(spread)))
    return eqx.tree_at(lambda n: (n.centre, n.spread), network, (centre, spread))


def moments(network: MomentNetwork, positions: Array, cell: Array, rows: Array, counts, raw=False) -> list[Array]:
    """The invariants of the ions of each species, (counts[a], 3 channels); `raw`: not normalised."""
    size, species = positions.shape[0], len(counts)
    real = rows < size
    partner = jnp.where(real, rows, 0)
    apart = positions[partner] - positions[:, None, :]
    apart = apart - jnp.round(apart @ reciprocal(cell).T) @ cell
    s = jnp.sum(apart * apart, axis=-1)
    real = real & (s < network.cutoff**2)
    r = jnp.sqrt(jnp.where(real, s, 1.0))
    unit = apart / r[..., None]
    basis = jnp.where(real[..., None], _bessel(r, network.cutoff, network.radial.shape[1] // species), 0.0)
    kind = jax.nn.one_hot(np.repeat(np.arange(species), counts), species, dtype=r.dtype)[partner]
    out, edges = [], np.cumsum((0, *counts))
    for a, (first, last) in enumerate(itertools.pairwise(edges)):
        own = slice(int(first), int(last))
        mixed = (kind[own][..., :, None] * basis[own][..., None, :]).reshape(last - first, rows.shape[1], -1)
        x = _invariants(mixed @ network.radial[a], unit[own])
        out.append(x if raw else (x - network.centre[a][None, :]) / network.spread[a][None, :])
    return out


def _invariants(f: Array, unit: Array) -> Array:
    """M0, |M1|^2 and M2:M2 of radial functions (n, K, channels) and directions (n, K, 3)."""
    scalar = jnp.sum(f, axis=1)
    vector = jnp.einsum("nkc,nka->nca", f, unit)
    tensor = jnp.einsum("nkc,nka,nkb->ncab", f, unit, unit)
    # The trace is M0: subtracting M0^2/3 leaves the square of the traceless part.
    square = jnp.sum(tensor * tensor, axis=(2, 3)) - scalar * scalar / 3
    return jnp.concatenate([scalar, jnp.sum(vector * vector, axis=2), square], axis=1)


def _bessel(r: Array, cutoff: float, count: int) -> Array:
    """sqrt(2/r_c) sin(n pi r/r_c)/r (1 - x)^3 (1 + 3 x + 6 x^2), x = r/r_c: two derivatives vanish at the cutoff."""
    x = (r / cutoff)[..., None]
    n = jnp.arange(1, count + 1, dtype=r.dtype)
    waves = jnp.sin(jnp.pi * x * n.reshape((1,) * r.ndim + (-1,))) / r[..., None]
    return np.sqrt(2 / cutoff) * waves * (1 - x) ** 3 * (1 + 3 * x + 6 * x * x)


def _site_energy(network: MomentNetwork, a: int, x: Array) -> Array:
    hidden = x
    for weight, bias in network.layers[:-1]:
        hidden = jax.nn.silu(hidden @ weight[a] + bias[a][None, :])
    weight, bias = network.layers[-1]
    return x @ network.linear[a] + (hidden @ weight[a] + bias[a][None, :])[:, 0]


def trained_parts(network: MomentNetwork) -> MomentNetwork:
    """Which leaves a fit may move: all but the normalisation, as a tree of booleans."""
    everything = jax.tree.map(lambda _: True, network)
    return eqx.tree_at(lambda n: (n.centre, n.spread), everything, (False, False))


def with_offset(network: MomentNetwork, energy_per_ion) -> MomentNetwork:
    """The network with another energy of an ion in surroundings of the mean, e0 [energy]."""
    return eqx.tree_at(lambda n: n.offset, network, float_leaf(energy_per_ion).astype(network.offset.dtype))
