"""phi of IAPWS-95 and its first and second derivatives, for many states: `by_terms` shaped for speed.

For a group of terms with one c, sums over n delta^d tau^t weighted with 1, d, d^2, t, t(t - 1), d t give all
derivatives; the exponential of the group enters once. Terms of one (c, d) are first summed over t, integer powers are
repeated products, and tau^(1/8) is three square roots: one pass holds some 400 multiplications and 16 exponentials. It
takes seconds to compile, so that it is worth its while from some thousand states on.
"""

from collections import defaultdict
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffneq.thermo.fluids.helmholtz import Alpha
from diffneq.thermo.fluids.iapws95 import by_terms
from diffneq.thermo.fluids.iapws95 import coefficients as table
from diffneq.thermo.fluids.iapws95.leaves import Leaves


@jax.custom_jvp
def alpha(delta: Float[Array, "*batch"], tau: Float[Array, "*batch"], leaves: Leaves) -> Alpha:
    """phi0 + phir and their scaled derivatives; differentiated, it is `by_terms.alpha`."""
    of_delta, of_tau = _integer_powers(delta), _powers_of_tau(tau)
    total = _ideal(delta, tau, leaves) + _power_terms(of_delta, of_tau, leaves.power)
    rows = zip(*map(jnp.unstack, leaves.gaussian), strict=True)
    for row, (d, t, *_) in zip(rows, table.GAUSSIAN, strict=True):
        total = total + _gaussian_term(delta, tau, of_delta(d), of_tau(float(t)), d, t, row)
    return total + _nonanalytic_terms(delta, tau, leaves)


@alpha.defjvp
def _rule(primals, tangents):
    return alpha(*primals), jax.jvp(by_terms.alpha, primals, tangents)[1]


def _ideal(delta: Array, tau: Array, leaves: Leaves) -> Alpha:
    """phi0; the sum over the oscillators written out, so that what is not asked for costs nothing."""
    constant, slope, log = leaves.ideal
    one = jnp.ones_like(delta)
    value = constant + slope * tau + log * jnp.log(tau) + jnp.log(delta)
    first, second = slope * tau + log, -log * one
    for n, gamma in zip(*map(jnp.unstack, leaves.bath), strict=True):
        x = gamma * tau
        filled = jnp.exp(-x)
        ratio = x / (1.0 - filled)
        value = value + n * jnp.log1p(-filled)
        first = first + n * ratio * filled
        second = second - n * ratio * ratio * filled
    return Alpha(value, one, -one, first, second, jnp.zeros_like(one))


def _integer_powers(x: Array) -> Callable[[int], Array]:
    """x^k by repeated products, each made once."""
    known = {1: x}

    def power(k: int) -> Array:
        if k not in known:
            known[k] = power(k // 2) * power(k - k // 2)
        return known[k]

    return power


def _powers_of_tau(tau: Array) -> Callable[[float], Array]:
    """tau^t for whole t > 0 and those eighths that occur."""
    whole = _integer_powers(tau)
    half = jnp.sqrt(tau)
    quarter = jnp.sqrt(half)
    eighth = jnp.sqrt(quarter)
    broken = {
        0.0: jnp.ones_like(tau), -0.5: 1.0 / half, 0.375: eighth * quarter, 0.5: half, 0.75: half * quarter,
        0.875: half * quarter * eighth,
    }  # fmt: skip
    return lambda t: broken[t] if t in broken else whole(int(t))


def _power_terms(of_delta: Callable[[int], Array], of_tau: Callable[[float], Array], n: Float[Array, "51"]) -> Alpha:
    """Terms 1 to 51."""
    t = np.array([row[2] for row in table.POWER])
    weights = tuple(jnp.unstack(w) for w in (n, n * t, n * t * (t - 1.0)))
    groups: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for k, (c, d, *_) in enumerate(table.POWER):
        groups[c][d].append(k)
    parts = [_one_group(of_delta, of_tau, weights, c, by_d) for c, by_d in sorted(groups.items())]
    return _sum(parts)


def _one_group(of_delta, of_tau, weights, c: int, by_d: dict[int, list[int]]) -> Alpha:
    """All terms n delta^d tau^t exp(-delta^c) of one c."""
    sums: list[list[Array]] = []
    for d, terms in by_d.items():
        f, f1, f2 = (sum(w[k] * of_tau(table.POWER[k][2]) for k in terms) * of_delta(d) for w in weights)
        sums.append([f, d * f, d * d * f, f1, f2, d * f1])
    s, s_d, s_dd, s_t, s_tt, s_dt = (sum(column) for column in zip(*sums, strict=True))
    if c == 0:
        return Alpha(s, s_d, s_dd - s_d, s_t, s_tt, s_dt)
    x = of_delta(c)
    decay, g = jnp.exp(-x), c * x
    second = s_dd - (2.0 * g + 1.0) * s_d + g * (g + 1.0 - c) * s
    each = (s, s_d - g * s, second, s_t, s_tt, s_dt - g * s_t)
    return Alpha(*(decay * e for e in each))


def _gaussian_term(delta, tau, delta_d, tau_t, d: int, t: int, row: tuple[Array, ...]) -> Alpha:
    """n delta^d tau^t exp(-alpha (delta - epsilon)^2 - beta (tau - gamma)^2)."""
    n, a, b, gamma, epsilon = row
    x, y = delta - epsilon, tau - gamma
    value = n * delta_d * tau_t * jnp.exp(-a * x * x - b * y * y)
    by_delta, by_tau = d - 2.0 * a * delta * x, t - 2.0 * b * tau * y
    second, third = -d - 2.0 * a * delta * delta, -t - 2.0 * b * tau * tau
    return _scaled(value, by_delta, by_tau, second, third, 0.0)


def _nonanalytic_terms(delta: Array, tau: Array, leaves: Leaves) -> Alpha:
    """n Delta^b delta psi."""
    x, y = by_terms.snapped(delta - 1.0), by_terms.snapped(tau - 1.0)
    log, (l_x, l_t, l_xx, l_tt, l_xt) = by_terms.log_distance(x, y, *leaves.distance)
    off = log > -jnp.inf
    log = jnp.where(off, log, 0.0)
    parts = []
    for b, n, C, D in zip(*map(jnp.unstack, leaves.nonanalytic), strict=True):
        value = jnp.where(off, n * delta * jnp.exp(b * log - C * x * x - D * y * y), 0.0)
        by_delta = 1.0 + delta * (b * l_x - 2.0 * C * x)
        by_tau = tau * (b * l_t - 2.0 * D * y)
        second, third = -1.0 + delta * delta * (b * l_xx - 2.0 * C), tau * tau * (b * l_tt - 2.0 * D)
        parts.append(_scaled(value, by_delta, by_tau, second, third, delta * tau * b * l_xt))
    return _sum(parts)


def _scaled(value: Array, l_d: Array, l_t: Array, l_dd: Array, l_tt: Array, l_dt: Array | float) -> Alpha:
    """A term and its derivatives from those of its logarithm."""
    factors = (1.0, l_d, l_dd + l_d * l_d, l_t, l_tt + l_t * l_t, l_dt + l_d * l_t)
    return Alpha(*(value * factor for factor in factors))


def _sum(parts: list[Alpha]) -> Alpha:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
