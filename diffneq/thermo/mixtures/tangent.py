"""How far a model lies above or below a tangent plane: the global minimum of a smooth function on the simplex.

    h(x) = sum_i x_i [ln x_i + ln gamma_i(x) - d_i]

With d_i = mu_i/(R T) less the pure liquid's this is the tangent-plane distance of Gibbs (L. E. Baker, A. C. Pierce,
K. D. Luks, SPE J. 22 (1982) 731); min h >= 0 says that no liquid lies below the plane. The minimum is searched on a
grid and polished in M. L. Michelsen's variables (Fluid Phase Equilib. 9 (1982) 1), so a certificate is relative to the
basins that the grid reaches.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffneq.thermo.mixtures.models.excess import ExcessModel
from diffneq.thermo.mixtures.properties import log_gamma, plogp

TINY = 1e-30  # what stands for a mole fraction of zero in a logarithm
CERTIFIED = -1e-9  # over R T: a lower minimum is below the plane
_STEPS = 30
_STARTS = 4
_APART = 0.15  # in the sum of differences: starts are in different regions


class Lowest(NamedTuple):
    """Where h is least, and its value."""

    x: Float[Array, " n"]
    h: Float[Array, ""]


def height(model: ExcessModel, T, d: Float[Array, " n"], x: Float[Array, " n"]) -> Float[Array, ""]:
    """h(x) = sum x ln x + g^E/(R T) - d.x."""
    return jnp.sum(plogp(x)) + model.reduced(T, x) - jnp.dot(d, x)


def safe_log(x: Array) -> Array:
    """ln x, finite at zero."""
    return jnp.log(jnp.maximum(x, TINY))


def descend(model: ExcessModel, T, d: Float[Array, " n"], x: Float[Array, " n"]) -> Float[Array, " n"]:
    """The minimum of h in the basin of x: Newton's method for a_i = 2 sqrt(W_i), in which the ideal Hessian is 1.

    Minimises 1 + sum W_i [ln W_i + ln gamma_i(W) - d_i - 1] over free W; x = W/sum W, and min h = -ln sum W.
    """

    def slopes(W):
        return safe_log(W) + log_gamma(model, T, W / jnp.sum(W)) - d

    def objective(a):
        W = 0.25 * a**2
        return jnp.sum(W * (slopes(W) - 1.0))

    def step(a, _):
        W, rootW = 0.25 * a**2, 0.5 * a
        slope = slopes(W)
        coupling = jax.jacfwd(lambda W: log_gamma(model, T, W / jnp.sum(W)))(W)
        matrix = jnp.diag(1.0 + 0.5 * slope) + rootW[:, None] * rootW[None, :] * coupling
        values, vectors = jnp.linalg.eigh(0.5 * (matrix + matrix.T))
        values = jnp.maximum(jnp.abs(values), 0.05)  # downhill where the function is concave
        p = -vectors @ ((vectors.T @ (rootW * slope)) / values)
        p = p / jnp.maximum(1.0, jnp.max(jnp.abs(p)) / 0.5)
        lengths = jnp.array([1.0, 0.5, 0.2, 0.05, 0.0])
        trials = jnp.maximum(a[None, :] + lengths[:, None] * p[None, :], 0.1 * a[None, :])
        return trials[jnp.argmin(jax.vmap(objective)(trials))], None

    a, _ = jax.lax.scan(step, 2.0 * jnp.sqrt(jnp.maximum(x, TINY)), None, length=_STEPS)
    W = 0.25 * a**2
    return W / jnp.sum(W)


def starts(values: Float[Array, " points"], grid: Float[Array, "points n"], count: int) -> Float[Array, "count n"]:
    """The lowest points of the grid that are apart from each other."""

    def pick(values, _):
        x = grid[jnp.argmin(values)]
        near = jnp.sum(jnp.abs(grid - x[None, :]), axis=1) < _APART
        return jnp.where(near, jnp.inf, values), x

    return jax.lax.scan(pick, values, None, length=count)[1]


def lowest(model: ExcessModel, T, d: Float[Array, " n"], grid: Float[Array, "points n"]) -> Lowest:
    """min_x h(x), of one state, without derivatives with respect to the arguments' influence on x."""
    values = jax.vmap(lambda x: height(model, T, d, x))(grid)
    found = jax.vmap(lambda x: descend(model, T, d, x))(starts(values, grid, _STARTS))
    h = jax.vmap(lambda x: height(model, T, d, x))(found)
    best = jnp.argmin(h)
    return Lowest(found[best], h[best])
