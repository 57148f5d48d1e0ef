"""Which phases a mixture forms at given T, P and overall composition, how much of each, and the certificate."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from diffneq.thermo.mixtures.checks import check_float64, composition, positive, within_range
from diffneq.thermo.mixtures.grids import grid
from diffneq.thermo.mixtures.lanes import in_lanes
from diffneq.thermo.mixtures.minimisation import LIQUID, VAPOUR, Setting, minimum
from diffneq.thermo.mixtures.mixture import Mixture
from diffneq.thermo.mixtures.models.excess import ExcessModel
from diffneq.thermo.mixtures.roots import implicit
from diffneq.thermo.mixtures.status import NOT_CERTIFIED, NOT_CONVERGED, OUT_OF_RANGE, VIRIAL_DOUBTFUL, combined
from diffneq.thermo.mixtures.tangent import CERTIFIED

__all__ = ["LIQUID", "VAPOUR", "Phases", "flash", "liquid_phases", "rachford_rice"]


class Phases(eqx.Module):
    """Phases in n slots, the largest amount first; empty slots have kind 0, amount 0 and x NaN.

    `kind`: LIQUID (1) or VAPOUR (2); `amount` in moles of one mole in all; `potential` mu_i/(R T), relative to ideal
    gases at 1 Pa (pure liquids in `liquid_phases`); `certificate`: the height over R T of the lowest phase above the
    plane of the potentials, negative where a better state exists; `status`: bits, see `status.explain`.
    """

    kind: Int[Array, "*batch n"]
    amount: Float[Array, "*batch n"]
    x: Float[Array, "*batch n n"]
    potential: Float[Array, "*batch n"]
    certificate: Float[Array, "*batch"]
    status: Int[Array, "*batch"]

    @property
    def vapour_fraction(self) -> Float[Array, "*batch"]:
        """Moles of vapour of one mole in all."""
        return jnp.sum(jnp.where(self.kind == VAPOUR, self.amount, 0.0), axis=-1)

    @property
    def number(self) -> Int[Array, "*batch"]:
        """How many phases there are."""
        return jnp.sum(self.kind > 0, axis=-1)


def _lane(setting: Setting, z, points, outside) -> Phases:
    state = minimum(setting, z, points)
    order = jnp.argsort(-jax.lax.stop_gradient(jnp.where(state.kind > 0, state.amount, -1.0)), stable=True)
    kind, amount, x = state.kind[order], state.amount[order], state.x[order]
    dense = jnp.asarray(False)
    if setting.vapour is not None:
        doubt = lambda y: setting.vapour.doubtful(setting.T, jnp.exp(setting.log_P), y)  # pyright: ignore
        dense = jnp.any((kind == VAPOUR) & jax.vmap(doubt)(jnp.where(kind[:, None] > 0, x, 1.0)))
    bits = (
        (NOT_CONVERGED, ~(state.residual < 1e-9)), (NOT_CERTIFIED, ~(state.certificate >= CERTIFIED)),
        (OUT_OF_RANGE, outside), (VIRIAL_DOUBTFUL, dense),
    )  # fmt: skip
    status = combined(bits)
    return Phases(kind, amount, x, state.mu, state.certificate, status)


@eqx.filter_jit
def _flashes(mixture: Mixture, T, P, z, points) -> Phases:
    def one(T, P, z):
        setting = Setting(mixture.liquid, T, mixture.pure(T, P), jnp.log(P), mixture.vapour, True)
        return _lane(setting, z, points, mixture.saturation.outside(T))

    return jax.vmap(one)(T, P, z)


@eqx.filter_jit
def _liquids(model: ExcessModel, T, z, points) -> Phases:
    nil, no = jnp.zeros(()), jnp.asarray(False)
    return jax.vmap(lambda T, z: _lane(Setting(model, T, jnp.zeros_like(z), nil, None, False), z, points, no))(T, z)


def flash(mixture: Mixture, T: ArrayLike, P: ArrayLike, z: ArrayLike, extrapolate: bool = False) -> Phases:
    """min G at fixed T, P and z over any number of liquids and a vapour: isothermal flash, splitting and both at once.

    Arguments: T (K), P (Pa) and overall mole fractions z (.., n), broadcast. Results are differentiable in all three
    and in every parameter, at the phases that are stable. Mole fractions below 1e-15 count as 1e-15.

    Raises:
        ValueError: z that does not sum to one, T outside the range of a vapour pressure unless `extrapolate`.

    >>> from diffneq.thermo.mixtures import mixture
    >>> with jax.enable_x64(True):
    ...     phases = flash(mixture(["ethanol", "water"]), 355.0, 101325.0, [0.3, 0.7])
    ...     round(float(phases.vapour_fraction), 4), int(phases.status)
    (0.0876, 0)
    """
    check_float64()
    n = len(mixture.names)
    T, P, z = within_range(mixture, T, extrapolate), positive(P, "P"), composition(z, n, "z")
    shape = jnp.broadcast_shapes(T.shape, P.shape, z.shape[:-1])
    solve = lambda T, P, z: _flashes(mixture, T, P, z, grid(n))
    return in_lanes(solve, shape, [(T, 0), (P, 0), (z, 1)])


def liquid_phases(model: ExcessModel, T: ArrayLike, z: ArrayLike) -> Phases:
    """min g_mix at fixed T and z over any number of liquids of one model: how a liquid splits, or that it does not.

    Arguments: T (K) and z (.., n), broadcast. Errors and notes as of `flash`.

    >>> from diffneq.thermo.mixtures import regular
    >>> with jax.enable_x64(True):
    ...     phases = liquid_phases(regular(2.5 * 8.314462618 * 300.0), 300.0, [0.5, 0.5])
    ...     sorted(round(float(x), 5) for x in phases.x[:, 0])
    [0.14479, 0.85521]
    """
    check_float64()
    T, z = positive(T, "T"), composition(z, model.size, "z")
    shape, n = jnp.broadcast_shapes(T.shape, z.shape[:-1]), z.shape[-1]
    return in_lanes(lambda T, z: _liquids(model, T, z, grid(n)), shape, [(T, 0), (z, 1)])


def rachford_rice(z: ArrayLike, K: ArrayLike) -> Float[Array, "*batch"]:
    """V with sum_i z_i (K_i - 1)/(1 + V (K_i - 1)) = 0, the fraction of vapour at given K values.

    The root between the poles 1/(1 - K_max) and 1/(1 - K_min): outside of 0..1 the mixture is one phase ("negative
    flash", C. H. Whitson, M. L. Michelsen, Fluid Phase Equilib. 53 (1989) 51). NaN where no K lies on each side of 1.
    Source: H. H. Rachford, J. D. Rice, J. Pet. Technol. 4 (1952) 327. z and K (.., n) are broadcast.

    >>> round(float(rachford_rice([0.5, 0.5], [2.0, 0.5])), 6)
    0.5
    """
    return _rachford_rices(jnp.asarray(z, float), jnp.asarray(K, float))


@jax.jit
@functools.partial(jnp.vectorize, signature="(n),(n)->()")
def _rachford_rices(z, K):
    least, most = jnp.min(K), jnp.max(K)
    solvable = (least < 1.0) & (most > 1.0)
    low, high = 1.0 / (1.0 - jnp.where(solvable, most, 2.0)), 1.0 / (1.0 - jnp.where(solvable, least, 0.5))
    K = jnp.where(solvable, K, jnp.ones_like(K))
    balance = lambda V, z, K: jnp.sum(z * (K - 1.0) / (1.0 + V * (K - 1.0)))
    still = jax.lax.stop_gradient((z, K))

    def step(_, ends):
        low, high, V = ends
        value, slope = jax.value_and_grad(balance)(V, *still)
        low, high = jnp.where(value > 0, V, low), jnp.where(value > 0, high, V)  # the function falls everywhere
        by_newton = V - value / jnp.where(slope < 0, slope, -1.0)
        inside = (by_newton > low) & (by_newton < high)
        return low, high, jnp.where(inside, by_newton, 0.5 * (low + high))

    ends = jax.lax.stop_gradient((low, high, 0.5 * (low + high)))
    V = jax.lax.fori_loop(0, 60, step, ends)[2]
    found = implicit(lambda u: jnp.atleast_1d(balance(u[0], z, K)), jnp.atleast_1d(V)).u[0]
    return jnp.where(solvable, found, jnp.nan)
