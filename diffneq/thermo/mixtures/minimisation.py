"""The state of least Gibbs energy at fixed T, P and overall composition: any number of liquids, and a vapour.

Columns of a grid give the lower hull (`hull`); polishing against its plane gives better columns; what is in one basin
is one phase; Newton's method on all conditions of equilibrium finishes, and the plane is certified (`tangent`).
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffneq.thermo.mixtures.hull import Basis, first_basis, lower_hull
from diffneq.thermo.mixtures.models.excess import ExcessModel
from diffneq.thermo.mixtures.properties import log_gamma, plogp
from diffneq.thermo.mixtures.roots import frozen, implicit, newton
from diffneq.thermo.mixtures.tangent import CERTIFIED, descend, lowest, safe_log, starts
from diffneq.thermo.mixtures.virial import VirialVapour

LIQUID, VAPOUR = 1, 2
TRACE = 1e-15  # the least overall mole fraction
_ROUNDS = 5
_ALONG = 5  # points between two columns
_REVISIONS = 6
_SUBSTITUTIONS = 40


class Setting(eqx.Module):
    """What the energies of one lane depend on; `pure` = ln f_i of the pure liquids, `with_vapour` whether one may form.

    Energies are over R T, relative to the ideal gases at 1 Pa (or the pure liquids, where `pure` is zero).
    """

    model: ExcessModel
    T: Float[Array, ""]
    pure: Float[Array, " n"]
    log_P: Float[Array, ""]
    vapour: VirialVapour | None
    with_vapour: bool = eqx.field(static=True)

    def liquid(self, x: Float[Array, " n"]) -> Float[Array, " n"]:
        """ln(f_i/x_i) in the liquid."""
        return log_gamma(self.model, self.T, x) + self.pure

    def gas(self, y: Float[Array, " n"]) -> Float[Array, " n"]:
        """ln(f_i/y_i) in the vapour."""
        phi = jnp.zeros_like(y) if self.vapour is None else self.vapour.log_phi(self.T, jnp.exp(self.log_P), y)
        return phi + self.log_P

    def liquid_energy(self, x: Float[Array, " n"]) -> Float[Array, ""]:
        """g of the liquid."""
        return jnp.sum(plogp(x)) + self.model.reduced(self.T, x) + jnp.dot(x, self.pure)

    def gas_energy(self, y: Float[Array, " n"]) -> Float[Array, ""]:
        """g of the vapour."""
        return jnp.sum(plogp(y)) + jnp.dot(y, self.gas(y))

    def lightest(self, mu: Float[Array, " n"]) -> tuple[Float[Array, " n"], Float[Array, ""]]:
        """The vapour that lies lowest against the plane of mu, by substitution, and its height."""
        start = jnp.exp(mu - self.log_P)
        again = lambda _, W: jnp.exp(mu - self.gas(W / jnp.sum(W)))
        W = jax.lax.fori_loop(0, 1 if self.vapour is None else _SUBSTITUTIONS, again, start)
        return W / jnp.sum(W), -jnp.log(jnp.sum(W))


class State(NamedTuple):
    """Phases of one lane in n slots: kind 0 (empty), LIQUID or VAPOUR; `certificate` the lowest height of any phase."""

    kind: Int[Array, " n"]
    amount: Float[Array, " n"]
    x: Float[Array, "n n"]
    mu: Float[Array, " n"]
    certificate: Float[Array, ""]
    residual: Float[Array, ""]


def energies(setting: Setting, grid: Float[Array, "P n"]) -> tuple[Array, Array, Array]:
    """(g, x, kind) of the columns of a grid."""
    liquid, kind = jax.vmap(setting.liquid_energy)(grid), jnp.full(len(grid), LIQUID)
    if not setting.with_vapour:
        return liquid, grid, kind
    gas = jax.vmap(setting.gas_energy)(grid)
    return jnp.concatenate([liquid, gas]), jnp.concatenate([grid, grid]), jnp.concatenate([kind, kind * VAPOUR])


def _columns(setting: Setting, basis: Basis, grid, grid_liquid) -> tuple[Array, Array, Array]:
    """New columns: liquids of the basis and the lowest regions of the grid, polished, and the lightest vapour."""
    mu = basis.mu
    extra = starts(grid_liquid - grid @ mu, grid, 2)
    x = jnp.concatenate([jnp.where(basis.kind[:, None] == LIQUID, basis.x, extra[:1]), extra])
    x = jax.vmap(lambda x: descend(setting.model, setting.T, mu - setting.pure, x))(x)
    g, kind = jax.vmap(setting.liquid_energy)(x), jnp.full(len(x), LIQUID)
    if not setting.with_vapour:
        return g, x, kind
    y, _ = setting.lightest(mu)
    return jnp.append(g, setting.gas_energy(y)), jnp.concatenate([x, y[None, :]]), jnp.append(kind, VAPOUR)


def _one_phase(setting: Setting, basis: Basis) -> Bool[Array, "n n"]:
    """Which columns are one phase: of one kind, and along the line between them the energy nowhere above its chord."""
    shares = jnp.linspace(0.0, 1.0, _ALONG + 2)[1:-1]

    def alike(a, b):
        between = lambda f: setting.liquid_energy((1.0 - f) * basis.x[a] + f * basis.x[b])
        chord = (1.0 - shares) * basis.g[a] + shares * basis.g[b]
        return jnp.all(jax.vmap(between)(shares) <= chord + 1e-13)

    index = jnp.arange(len(basis.g))
    liquids = jax.vmap(lambda a: jax.vmap(lambda b: alike(a, b))(index))(index)
    gas = basis.kind == VAPOUR
    either = jnp.where(gas[:, None] & gas[None, :], True, liquids)
    return either & (basis.kind[:, None] == basis.kind[None, :])


def _search(setting: Setting, z, grid) -> tuple[Array, Array, Array, Array]:
    """(kind, amount, x, mu) close to the solution, one slot a phase."""
    g, x, kind = energies(setting, grid)
    basis = lower_hull(g, x, kind, first_basis(z))
    improve = lambda _, basis: lower_hull(*_columns(setting, basis, grid, g[: len(grid)]), basis)
    basis = jax.lax.fori_loop(0, _ROUNDS, improve, basis)
    n, weight = len(z), jnp.maximum(basis.amount, 0.0)
    leader = jnp.argmax(_one_phase(setting, basis), axis=1)  # the first of each group
    own = leader[None, :] == jnp.arange(n)[:, None]
    amount = jnp.sum(jnp.where(own, weight[None, :], 0.0), axis=1)
    mean = jnp.where(own, weight[None, :], 0.0) @ basis.x / jnp.where(amount > 0, amount, 1.0)[:, None]
    used = amount > 1e-10
    x = jnp.where(used[:, None], mean, 1.0 / n)
    return jnp.where(used, basis.kind, 0), jnp.where(used, amount, 0.0), x, basis.mu


def _parts(u, n: int) -> tuple[Array, Array, Array]:
    return u[: n * n].reshape(n, n), u[n * n : n * n + n], u[n * n + n :]


def conditions(setting: Setting, kind: Int[Array, " n"], z: Float[Array, " n"], u: Float[Array, " m"]):
    """ln x_ki + ln(f/x)_ki = mu_i and sum_i x_ki = 1 for every phase k, sum_k N_k x_k = z; empty slots stand still."""
    n = len(z)
    log_x, amount, mu = _parts(u, n)
    x, used = jnp.exp(log_x), kind > 0
    fugacity = jax.vmap(setting.liquid)(x)
    if setting.with_vapour:
        fugacity = jnp.where((kind == VAPOUR)[:, None], jax.vmap(setting.gas)(x), fugacity)
    equal = jnp.where(used[:, None], log_x + fugacity - mu[None, :], log_x - jnp.log(1.0 / n))
    whole = jnp.where(used, jnp.sum(x, axis=1) - 1.0, amount)
    balance = jnp.where(used, amount, 0.0) @ x - z
    return jnp.concatenate([equal.ravel(), whole, balance])


def certificate(setting: Setting, mu, grid) -> tuple[Float[Array, ""], Float[Array, " n"], Int[Array, ""]]:
    """The lowest height of any phase above the plane of mu, where it is, and its kind."""
    liquid = lowest(setting.model, setting.T, mu - setting.pure, grid)
    if not setting.with_vapour:
        return liquid.h, liquid.x, jnp.asarray(LIQUID)
    y, h = setting.lightest(mu)
    lower = h < liquid.h
    return jnp.minimum(h, liquid.h), jnp.where(lower, y, liquid.x), jnp.where(lower, VAPOUR, LIQUID)


def _revised(setting: Setting, z, grid, carry):
    """Solve; phases of negative amount leave; what lies below the plane takes a free slot for the next time."""
    kind, u, *_ = carry
    n = len(z)
    u = newton(lambda u: conditions(setting, kind, z, u), u, 1.0)
    log_x, amount, mu = _parts(u, n)
    low, x, its_kind = certificate(setting, mu, grid)
    gone = (amount < 0.0) & (kind > 0)
    free = jnp.argmin(kind)
    enters = (low < 0.1 * CERTIFIED) & ~jnp.any(gone) & (kind[free] == 0)
    here = (jnp.arange(n) == free) & enters
    next_kind = jnp.where(here, its_kind, jnp.where(gone, 0, kind))
    log_x = jnp.where(here[:, None], safe_log(x)[None, :], log_x)
    log_x = jnp.where((next_kind == 0)[:, None], jnp.log(1.0 / n), log_x)
    amount = jnp.where(here, 1e-3, jnp.where(next_kind == 0, 0.0, amount))
    changed = enters | jnp.any(gone)
    start = jnp.where(changed, jnp.concatenate([log_x.ravel(), amount, mu]), u)
    return next_kind, start, low, changed


def minimum(setting: Setting, z: Float[Array, " n"], grid: Float[Array, "P n"]) -> State:
    """The equilibrium of one lane, differentiable in the setting and in z at its set of phases."""
    z = jnp.maximum(z, TRACE)
    quiet, still = frozen(setting), jax.lax.stop_gradient(z)
    kind, amount, x, mu = _search(quiet, still, grid)
    u = jnp.concatenate([safe_log(x).ravel(), amount, mu])
    more = lambda carry: carry[0][-1] & (carry[1] < _REVISIONS)
    again = lambda carry: (_revised(quiet, still, grid, carry[0]), carry[1] + 1)
    first = (kind, u, jnp.asarray(-jnp.inf, u.dtype), jnp.asarray(True))
    (kind, u, low, unfinished), _ = jax.lax.while_loop(more, again, (first, 0))
    kind, u = jax.lax.stop_gradient((kind, u))
    found = implicit(lambda u: conditions(setting, kind, z, u), u)
    log_x, amount, mu = _parts(found.u, len(z))
    x = jnp.where((kind > 0)[:, None], jnp.exp(log_x), jnp.nan)
    return State(kind, amount, x, mu, low, jnp.where(unfinished, jnp.inf, found.residual))
