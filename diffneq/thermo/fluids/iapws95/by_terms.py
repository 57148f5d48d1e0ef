"""phi of IAPWS-95 and its first and second derivatives, with the terms along one axis.

Every term is exp of something, and so are its derivatives products with those of its logarithm: with l = ln(term),

    delta d(term) = term l_d,   delta^2 d2(term) = term (l_dd + l_d^2), ...

Small to compile and to differentiate; `quick` has the same numbers for many states.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffneq.thermo.fluids.helmholtz import Alpha
from diffneq.thermo.fluids.iapws95 import coefficients as table
from diffneq.thermo.fluids.iapws95.leaves import Leaves

_C, _D, _T = (np.array([row[k] for row in table.POWER], float) for k in range(3))
_GAUSSIAN_D, _GAUSSIAN_T = (np.array([row[k] for row in table.GAUSSIAN], float) for k in range(2))


@jax.jit
def alpha(delta: Float[Array, "*batch"], tau: Float[Array, "*batch"], leaves: Leaves) -> Alpha:
    """phi0 + phir and their scaled derivatives."""
    delta, tau = delta[..., None], tau[..., None]
    parts = (_power(delta, tau, leaves), _gaussian(delta, tau, leaves), _nonanalytic(delta, tau, leaves))
    return ideal(delta[..., 0], tau[..., 0], leaves) + parts[0] + parts[1] + parts[2]


def ideal(delta: Array, tau: Array, leaves: Leaves) -> Alpha:
    """phi0 and its scaled derivatives."""
    lead, slope, log = leaves.ideal
    n, gamma = leaves.bath
    x = _row(gamma, tau) * tau[..., None]
    filled = jnp.exp(-x)
    ratio, n = x / (1.0 - filled), _row(n, tau)
    one = jnp.ones_like(delta * tau)
    bath = jnp.sum(n * jnp.log1p(-filled), axis=-1)
    value = jnp.log(delta) + lead + slope * tau + log * jnp.log(tau) + bath
    first = slope * tau + log + jnp.sum(n * ratio * filled, axis=-1)
    second = -log * one - jnp.sum(n * ratio * ratio * filled, axis=-1)
    return Alpha(value, one, -one, first, second, 0.0 * one)


def _power(delta: Array, tau: Array, leaves: Leaves) -> Alpha:
    """n delta^d tau^t exp(-delta^c)."""
    c, d, t, n = (_row(x, delta[..., 0]) for x in (_C, _D, _T, leaves.power))
    log = jnp.log(delta)
    x = jnp.where(c > 0.0, jnp.exp(c * log), 0.0)
    value = n * jnp.exp(d * log + t * jnp.log(tau) - x)
    return _summed(value, d - c * x, t, -d - c * (c - 1.0) * x, -t, jnp.zeros_like(x))


def _gaussian(delta: Array, tau: Array, leaves: Leaves) -> Alpha:
    """n delta^d tau^t exp(-alpha (delta - epsilon)^2 - beta (tau - gamma)^2)."""
    n, a, b, gamma, epsilon = (_row(x, delta[..., 0]) for x in leaves.gaussian)
    d, t = _row(_GAUSSIAN_D, delta[..., 0]), _row(_GAUSSIAN_T, delta[..., 0])
    x, y = delta - epsilon, tau - gamma
    value = n * jnp.exp(d * jnp.log(delta) + t * jnp.log(tau) - a * x * x - b * y * y)
    by_delta, by_tau = d - 2.0 * a * delta * x, t - 2.0 * b * tau * y
    second, third = -d - 2.0 * a * delta * delta, -t - 2.0 * b * tau * tau
    return _summed(value, by_delta, by_tau, second, third, jnp.zeros_like(x))


def _nonanalytic(delta: Array, tau: Array, leaves: Leaves) -> Alpha:
    """n Delta^b delta psi."""
    b, n, C, D = (_row(x, delta[..., 0]) for x in leaves.nonanalytic)
    x, y = snapped(delta - 1.0), snapped(tau - 1.0)
    log, slopes = log_distance(x, y, *leaves.distance)
    l_x, l_t, l_xx, l_tt, l_xt = slopes
    off = log > -jnp.inf
    term = jnp.exp(b * jnp.where(off, log, 0.0) - C * x * x - D * y * y)
    value = jnp.where(off, n * delta * term, 0.0)
    by_delta = 1.0 + delta * (b * l_x - 2.0 * C * x)
    by_tau = tau * (b * l_t - 2.0 * D * y)
    second, third = -1.0 + delta**2 * (b * l_xx - 2.0 * C), tau**2 * (b * l_tt - 2.0 * D)
    return _summed(value, by_delta, by_tau, second, third, delta * tau * b * l_xt)


def log_distance(x: Array, y: Array, A: Array, B: Array) -> tuple[Array, tuple[Array, ...]]:
    """ln Delta and its derivatives x, t, xx, tt, xt, with x = delta - 1, y = tau - 1.

    Delta = theta^2 + B |x|^(2 a),  theta = A |x|^(1/beta) - y. Where Delta = 0 it is minus infinity, the others zero.
    """
    q, e = 1.0 / table.NONANALYTIC_BETA, int(2 * table.NONANALYTIC_a)
    square = x * x
    apart = square > 0.0
    # |x|^(q - 2), from which the other powers follow without a division
    root = jnp.where(apart, jnp.exp(0.5 * (q - 2.0) * jnp.log(jnp.where(apart, square, 1.0))), 0.0)
    quintic = square * square * jnp.abs(x)  # |x|^(e - 2)
    theta, theta_x, theta_xx = A * root * square - y, A * q * root * x, A * q * (q - 1.0) * root
    D = theta * theta + B * quintic * square
    D_x = 2.0 * theta * theta_x + B * e * quintic * x
    D_xx = 2.0 * (theta_x * theta_x + theta * theta_xx) + B * e * (e - 1) * quintic
    off = D > 0.0
    safe = jnp.where(off, D, 1.0)
    inverse = jnp.where(off, 1.0 / safe, 0.0)
    l_x, l_t = D_x * inverse, -2.0 * theta * inverse
    l_xx, l_tt = D_xx * inverse - l_x * l_x, 2.0 * inverse - l_t * l_t
    l_xt = -2.0 * theta_x * inverse - l_x * l_t
    return jnp.where(off, jnp.log(safe), -jnp.inf), (l_x, l_t, l_xx, l_tt, l_xt)


def _summed(value: Array, l_d: Array, l_t: Array, l_dd: Array, l_tt: Array, l_dt: Array) -> Alpha:
    """Sums over the terms, which are along the last axis."""
    factors = (1.0, l_d, l_dd + l_d * l_d, l_t, l_tt + l_t * l_t, l_dt + l_d * l_t)
    return Alpha(*(jnp.sum(value * factor, axis=-1) for factor in factors))


def snapped(x: Array) -> Array:
    """x, with what is no more than the rounding of a number near one taken as zero.

    Whether rho/rho_c - 1 is zero at rho = rho_c depends on how a compiler contracts it.
    """
    return x - jax.lax.stop_gradient(jnp.where(jnp.abs(x) < 4e-16, x, 0.0))


def _row(numbers, like: Array) -> Array:
    """One number a term, beside states of any shape."""
    return jnp.asarray(numbers).reshape((1,) * like.ndim + (-1,))
