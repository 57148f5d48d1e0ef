"""Energy of one phase, its gradient and its Hessian in the site fractions, for a block of lanes; in units of R T."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffneq.thermo.calphad.physical import physical_energy
from diffneq.thermo.calphad.solver.monomials import Monomials, unpacking
from diffneq.thermo.calphad.tables import Magnetism, Tables

FLOOR = 1e-14  # smallest site fraction


class Phase(eqx.Module):
    """What `evaluate` needs of one phase, or of all with a leading axis."""

    factors: Array
    constant: Array
    extended: Array
    entropy: Array
    moles: Array
    sites: Array
    charge: Array
    present: Array
    magnetism: Magnetism
    feature_moles: Array | None
    feature_entropy: Array | None
    monomials: Monomials

    @classmethod
    def all_of(cls, tables: Tables, monomials: Monomials) -> "Phase":
        """All phases of the tables, on a leading axis."""
        own = {name: getattr(tables, name) for name in cls.__dataclass_fields__ if name != "monomials"}
        return cls(**own, monomials=monomials)

    def at(self, index: Array | int) -> "Phase":
        """One of them."""
        return jax.tree.map(lambda x: x[index], self)


class Coefficients(NamedTuple):
    """Coefficients of one phase for each lane: of the energy over R T, and of the physical channels."""

    energy: Float[Array, "n_f B"]
    physical: Float[Array, "channels n_f B"]  # B may be 1
    T: Float[Array, "B"]
    gas_constant: Float[Array, ""]


class Energy(NamedTuple):
    """G/RT per mole of formula units, its derivatives, and the moles with theirs."""

    value: Float[Array, "B"]
    gradient: Float[Array, "n_y B"]
    hessian: Float[Array, "n_y n_y B"] | None  # of G - mu . M in the ionic liquid, where M is not linear
    moles: Float[Array, "elements B"]
    moles_gradient: Float[Array, "elements n_y B"]

    def above(self, mu: Float[Array, "elements B"]) -> Float[Array, "B"]:
        """G - mu . M over R T, per mole of formula units."""
        return self.value - jnp.sum(mu * self.moles, axis=0)


def product(z: Array, index: Array) -> Array:
    """prod_k z[index[:, k]], (m, B)."""
    out = z[index[:, 0]]
    for k in range(1, index.shape[1]):
        out = out * z[index[:, k]]
    return out


def evaluate(
    phase: Phase,
    c: Coefficients,
    y: Float[Array, "n_y B"],
    channels: tuple[str, ...],
    mu: Float[Array, "elements B"] | None = None,
    hessian: bool = True,
) -> Energy:
    """G/RT and derivatives at y; mu (over R T) is used only in systems with an ionic liquid."""
    m = phase.monomials
    z = phase.constant[:, None] + phase.extended @ y
    features, first = product(z, phase.factors), product(z, m.first_rest)
    derivative = lambda coefficient: m.first_out @ (coefficient[m.first_feature] * first)
    weights, effective = phase.entropy[:, None], c.energy
    log_z = jnp.where(z > 0, jnp.log(jnp.where(z > 0, z, 1.0)), 0.0)
    value = jnp.sum(c.energy * features, axis=0)
    if phase.feature_entropy is not None:  # numbers of sites that depend on y
        weights = weights + phase.feature_entropy @ features
        entropic = phase.feature_entropy.T @ (z * log_z)
        value, effective = value, effective + entropic
    value = value + jnp.sum(weights * z * log_z, axis=0)
    curved = effective
    if channels:
        physical, slopes, curvatures = _physical(phase, c, features, channels)
        value = value + physical
        effective = effective + jnp.einsum("kb,kfb->fb", slopes, c.physical)
        curved = effective
    gradient = derivative(effective) + phase.extended.T @ (weights * (log_z + 1.0))
    moles, moles_gradient = phase.moles @ y, jnp.broadcast_to(phase.moles[..., None], (*phase.moles.shape, y.shape[1]))
    if phase.feature_moles is not None:
        moles = moles + phase.feature_moles @ features
        weighted = phase.feature_moles[:, m.first_feature]  # (elements, m1)
        moles_gradient = moles_gradient + jnp.einsum("am,em,mb->eab", m.first_out, weighted, first)
        if mu is not None:
            curved = curved - phase.feature_moles.T @ mu
    if not hessian:
        return Energy(value, gradient, None, moles, moles_gradient)
    packed = m.second_out @ (curved[m.second_feature] * product(z, m.second_rest))
    inverse = jnp.where(z > 0, 1.0 / jnp.where(z > 0, z, 1.0), 0.0)
    packed = packed + m.ideal_out @ (weights * inverse)
    H = packed[unpacking(y.shape[0])]
    if channels:
        slope_of = jnp.stack([derivative(jnp.broadcast_to(ck, effective.shape)) for ck in c.physical])
        H = H + jnp.einsum("klb,kab,ldb->adb", curvatures, slope_of, slope_of)
    if phase.feature_entropy is not None:
        sites_gradient = jnp.einsum("am,jm,mb->jab", m.first_out, phase.feature_entropy[:, m.first_feature], first)
        mixed = jnp.einsum("jb,ja,jdb->adb", log_z + 1.0, phase.extended, sites_gradient)
        H = H + mixed + jnp.swapaxes(mixed, 0, 1)
    return Energy(value, gradient, H, moles, moles_gradient)


def _physical(phase: Phase, c: Coefficients, features: Array, channels: tuple[str, ...]):
    """Physical energy over R T with its first and second derivatives in the channels' values."""
    values = jnp.sum(c.physical * features, axis=1)
    directions = jnp.eye(len(channels))[..., None] * jnp.ones_like(values)

    def energy(v):
        return physical_energy(channels, v, c.T, phase.magnetism, c.gas_constant) / (c.gas_constant * c.T)

    def slopes(v):
        return jax.vmap(lambda direction: jax.jvp(energy, (v,), (direction,))[1])(directions)

    curvatures = jax.vmap(lambda direction: jax.jvp(slopes, (values,), (direction,))[1])(directions)
    return energy(values), slopes(values), curvatures
