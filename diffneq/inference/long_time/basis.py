"""Orthogonal polynomials of a model's stationary density: where its generator becomes a small matrix."""

from __future__ import annotations

from functools import lru_cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq.inference.models import Langevin

_PANELS, _NODES = 24, 16  # pieces of the window, nodes in each: what is singular at its ends stays there
_DEPTH = 60.0  # -ln of the density at the ends of the window, relative to its maximum
_ROUNDS, _TOO_FAR = 60, 1e12
_FLOOR = 1e-3  # of the diffusion in the middle: x must not come to where it is less
_NEVER = 1e-6  # of the maximum of the density


class Basis(eqx.Module):
    """Gauss-Legendre `nodes` x (n,) and `weights` (n,) of a window, panel by panel; `primitive` (n, n) integrates.

    `values` and `slopes` (n, m): polynomials of degree < m and their derivatives, orthonormal in the stationary density
    of the model that the basis was made for; those of models nearby are nearly so. `middle`: the node at its maximum.
    """

    nodes: Array
    weights: Array
    primitive: Array
    values: Array
    slopes: Array
    middle: Array


def basis(model: Langevin, size: int = 24, window: tuple[float, float] | None = None) -> Basis:
    """The basis of `size` polynomials for a model of one variable; concrete, made once before a fit.

    Arguments: `window`, between what limits x stays (reflecting ends); default where the stationary density is above
    e^-60 of its maximum. Raises `ValueError` for a model of several variables, one without a stationary density, and a
    diffusion that is not positive in the window.

    >>> from diffneq.inference import ItoPolynomial
    >>> made = basis(ItoPolynomial((0.0, -1.0), 1.0))
    >>> made.values.shape, bool(made.nodes[0] < -8)
    ((384, 24), True)
    """
    low, high = _window(model) if window is None else map(float, window)
    nodes, weights, primitive = _panels(low, high)
    drift, diffusion = (jnp.asarray(part) for part in _laws(model, nodes))
    middle = jnp.asarray(len(nodes) // 2)
    middle = jnp.argmax(_density(drift, diffusion, jnp.asarray(weights), jnp.asarray(primitive), middle))
    p = np.asarray(_density(drift, diffusion, jnp.asarray(weights), jnp.asarray(primitive), middle), np.float64)
    if not np.all(np.isfinite(p)):
        raise ValueError(f"{type(model).__name__}: the diffusion is not positive where x comes, between {low:.4g} and "
                         f"{high:.4g}: give the window of x that it keeps to, or other parameters.")  # fmt: skip
    values, slopes = _polynomials(nodes, weights * p, size)
    return Basis(*(jnp.asarray(part) for part in (nodes, weights, primitive, values, slopes)), middle)


def density(model: Langevin, made: Basis) -> Array:
    """p(x) = exp(int a/D dx)/(Z D), a being Ito's drift: the stationary density at the nodes (n,).

    NaN where the diffusion is not positive at a place that x comes to.
    """
    drift, diffusion = jax.vmap(model.ito_drift)(made.nodes), jax.vmap(model.diffusion)(made.nodes)
    return _density(drift, diffusion, made.weights, made.primitive, made.middle)


@eqx.filter_jit
def _density(drift: Array, diffusion: Array, weights: Array, primitive: Array, middle: Array) -> Array:
    """Between the places nearest to the middle where the diffusion vanishes, which x must not come to."""
    floor = _FLOOR * diffusion[middle]
    lost, place = ~(diffusion > floor), jnp.arange(len(weights))
    left = jnp.max(jnp.where(lost & (place <= middle), place, -1))
    right = jnp.min(jnp.where(lost & (place >= middle), place, len(weights)))
    inside = (place > left) & (place < right)
    floored = jnp.where(inside, diffusion, 1.0)
    exponent = primitive @ (jnp.where(inside, drift, 0.0) / floored) - jnp.log(floored)
    raw = jnp.where(inside, jnp.exp(exponent - jnp.max(jnp.where(inside, exponent, -jnp.inf))), 0.0)
    comes = (left >= 0) & (raw[left + 1] > _NEVER) | (right < len(weights)) & (raw[right - 1] > _NEVER)
    return jnp.where((floor > 0) & ~comes, raw / (weights @ raw), jnp.nan)


def _laws(model: Langevin, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    drift, diffusion = _evaluated(model, jnp.asarray(x))
    if drift.ndim != 1 or diffusion.ndim != 1:
        raise ValueError(f"{type(model).__name__} has several variables: the long time is solved for one.")
    return np.asarray(drift, np.float64), np.asarray(diffusion, np.float64)


@eqx.filter_jit
def _evaluated(model: Langevin, x: Array) -> tuple[Array, Array]:
    return jax.vmap(model.ito_drift)(x), jax.vmap(model.diffusion)(x)


def _window(model: Langevin) -> tuple[float, float]:
    """Where the stationary density is, found by looking closer or farther, ten standard deviations at a time."""
    centre, width = 0.0, 1.0
    for _ in range(_ROUNDS):
        x, log_density = _coarse(model, centre, width)
        p = np.exp(log_density - log_density.max())
        mean = float(p @ x / p.sum())
        spread = max(float(np.sqrt(p @ (x - mean) ** 2 / p.sum())), 0.1 * (x[1] - x[0]))
        settled = abs(mean - centre) < 0.1 * width and 0.8 < spread / width < 1.25
        centre, width = mean, spread
        if not (np.isfinite(mean) and spread < _TOO_FAR):
            break
        if settled:
            return _reached(*_coarse(model, centre, 4 * width), centre, 10 * width)
    raise ValueError(f"{type(model).__name__}: no stationary density was found: give the window of x that the process "
                     f"keeps to, or other parameters.")  # fmt: skip


def _reached(x: np.ndarray, log_density: np.ndarray, centre: float, reach: float) -> tuple[float, float]:
    """From the maximum outwards until the density is e^-60 of it, or rises again beyond `reach`: there it escapes."""
    core = np.abs(x - centre) <= reach
    top = int(np.argmax(np.where(core, log_density, -np.inf)))
    low = log_density < log_density[top] - _DEPTH
    rise = np.diff(log_density)
    right = np.flatnonzero((low | (~core & np.insert(rise > 0, 0, False)))[top:])
    left = np.flatnonzero((low | (~core & np.append(rise < 0, False)))[top::-1])
    last = top + right[0] - 1 if len(right) else len(x) - 1
    first = top - left[0] + 1 if len(left) else 0
    return float(x[first]), float(x[last])


def _coarse(model: Langevin, centre: float, width: float) -> tuple[np.ndarray, np.ndarray]:
    """ln p up to a constant on the stretch within ten widths of the centre in which the diffusion is positive."""
    x = np.linspace(centre - 10 * width, centre + 10 * width, 4001)
    drift, diffusion = _laws(model, x)
    bad = np.flatnonzero(~(diffusion > 0))
    middle = len(x) // 2
    if len(bad) and np.any(bad == middle):
        raise ValueError(f"{type(model).__name__}: the diffusion is not positive at {centre:.4g}.")
    first = bad[bad < middle].max() + 1 if np.any(bad < middle) else 0
    last = bad[bad > middle].min() if np.any(bad > middle) else len(x)
    x, drift, diffusion = x[first:last], drift[first:last], diffusion[first:last]
    trapezoid = lambda f: np.concatenate([[0.0], np.cumsum((f[1:] + f[:-1]) / 2)]) * (x[1] - x[0])
    return x, trapezoid(drift / diffusion) - np.log(diffusion)


def _panels(low: float, high: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes, weights, and the matrix of the integral from `low`, panel by panel."""
    unit_nodes, unit_weights, unit_primitive = _legendre(_NODES)
    edges = np.linspace(low, high, _PANELS + 1)
    half = (high - low) / (2 * _PANELS)
    nodes = ((edges[1:] + edges[:-1])[:, None] / 2 + half * unit_nodes).ravel()
    weights = np.tile(half * unit_weights, _PANELS)
    before = np.kron(np.tri(_PANELS, k=-1), np.ones((_NODES, 1)) * half * unit_weights)
    return nodes, weights, before + np.kron(np.eye(_PANELS), half * unit_primitive)


@lru_cache(maxsize=1)
def _legendre(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes, weights, and the matrix of int_{-1}^x of the interpolating polynomial, on [-1, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    table = np.polynomial.legendre.legvander(nodes, count)
    order = np.arange(count)
    expand = (2 * order[:, None] + 1) / 2 * weights * table[:, :count].T
    integrals = np.empty((count, count))
    integrals[:, 0] = nodes + 1
    integrals[:, 1:] = (table[:, 2:] - table[:, : count - 1]) / (2 * order[1:] + 1)
    return nodes, weights, integrals @ expand


def _polynomials(nodes: np.ndarray, mass: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Values and derivatives (n, size) of the polynomials orthonormal in the discrete measure (Stieltjes)."""
    values, slopes = np.zeros((len(nodes), size)), np.zeros((len(nodes), size))
    values[:, 0] = 1 / np.sqrt(mass.sum())
    for k in range(size - 1):
        value, slope = nodes * values[:, k], values[:, k] + nodes * slopes[:, k]
        for _ in range(2):  # the second time takes away what rounding left
            shares = (mass * value) @ values[:, : k + 1]
            value, slope = value - values[:, : k + 1] @ shares, slope - slopes[:, : k + 1] @ shares
        norm = np.sqrt(mass @ value**2)
        values[:, k + 1], slopes[:, k + 1] = value / norm, slope / norm
    return values, slopes
