"""Residue curves: how the liquid in a simple still changes."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from diffneq.thermo.mixtures.checks import check_float64, composition, positive
from diffneq.thermo.mixtures.mixture import Mixture
from diffneq.thermo.mixtures.points import boiling_temperatures

_ITERATIONS = 6


def _vapour(mixture: Mixture, P, x, log_T, y):
    """(ln T, y) of the bubble point by Newton steps in ln T from the state of the step before."""

    def step(carry, _):
        s, y = carry

        def total(s):
            W = x * jnp.exp(mixture.log_K(jnp.exp(s), P, x, y))
            return jnp.log(jnp.sum(W)), W

        (value, W), (slope, _) = jax.jvp(total, (s,), (jnp.ones_like(s),))
        return (s - jnp.clip(value / slope, -0.1, 0.1), W / jnp.sum(W)), None

    (s, y), _ = jax.lax.scan(step, (log_T, y), None, length=_ITERATIONS)
    return s, y


@eqx.filter_jit
def _curves(mixture: Mixture, P, starts, direction, step, steps: int):
    def one(x, direction):
        def slope(x, s, y):
            x = jnp.maximum(x, 0.0)
            s, y = _vapour(mixture, P, x / jnp.sum(x), s, y)
            return direction * (x - y), s, y

        def advance(carry, _):
            x, s, y = carry
            a, s, y = slope(x, s, y)
            b, s, y = slope(x + 0.5 * step * a, s, y)
            c, s, y = slope(x + 0.5 * step * b, s, y)
            d, s, y = slope(x + step * c, s, y)
            x = jnp.maximum(x + step / 6.0 * (a + 2.0 * b + 2.0 * c + d), 0.0)
            x = x / jnp.sum(x)
            return (x, s, y), (x, jnp.exp(s))

        s = jnp.log(x @ boiling_temperatures(mixture.saturation, P))
        for _ in range(4):  # from far away
            s, y = _vapour(mixture, P, x, s, x)
        _, (path, T) = jax.lax.scan(advance, (x, s, y), None, length=steps)  # pyright: ignore[reportPossiblyUnboundVariable]
        return jnp.concatenate([x[None], path]), jnp.concatenate([jnp.exp(s)[None], T])

    return jax.vmap(one)(starts, direction)


def residue_curves(
    mixture: Mixture, P: ArrayLike, starts: ArrayLike, step: float = 0.05, steps: int = 300
) -> tuple[Float[Array, "curves points n"], Float[Array, "curves points"]]:
    """dx/dt = x - y(x), dt the logarithm of the liquid that is left, through each start, in both directions.

    Arguments: P (Pa); `starts` (curves, n) mole fractions; `step` in t and number of `steps` each way, by the classical
    Runge-Kutta method. Returns x along the curves, from where they come (low boiling) to where they go, and T (K).
    Source: M. F. Doherty, J. D. Perkins, Chem. Eng. Sci. 33 (1978) 281.
    """
    check_float64()
    x = composition(jnp.atleast_2d(jnp.asarray(starts, float)), len(mixture.names), "starts")
    both, ways = jnp.concatenate([x, x]), jnp.repeat(jnp.array([-1.0, 1.0]), len(x))
    path, T = _curves(mixture, positive(P, "P"), both, ways, jnp.asarray(step), steps)
    back, onward = path[: len(x), 1:][:, ::-1], path[len(x) :]
    T_back, T_onward = T[: len(x), 1:][:, ::-1], T[len(x) :]
    return jnp.concatenate([back, onward], axis=1), jnp.concatenate([T_back, T_onward], axis=1)
