"""Vapour-liquid equilibrium of mixtures: stability test, flash at T and p, bubble and dew pressures.

M. L. Michelsen, Fluid Phase Equilib. 9 (1982) 1 and 21. Every function treats one condition and is a pure function;
batches come by `jax.vmap`, derivatives by the implicit function theorem.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from diffneq.thermo.fluids.cubic.mixture import CubicMixture
from diffneq.thermo.potentials.implicit import rooted_system

_STEPS, _NEWTON = 400, 12
_CLOSE, _ENOUGH = 1e-9, 1e-9
_TRIVIAL = 1e-4  # largest |ln K| at which two phases are one
_LEAST = -1e-9  # tangent-plane distance over R T below which a phase is unstable


class Stability(NamedTuple):
    """Tangent-plane distances over R T, min over w of sum w_i (ln w_i phi_i(w) - ln z_i phi_i(z)), from two starts."""

    distance: Float[Array, "2"]
    trial: Float[Array, "2 C"]  # compositions where it is reached

    @property
    def stable(self) -> Bool[Array, ""]:
        """No trial phase lies below the tangent plane."""
        return ~jnp.any(self.distance < _LEAST)


class Flash(NamedTuple):
    """A mixture at T and p."""

    vapour: Array  # share of moles; 1 or 0 where there is one phase
    x: Float[Array, "C"]  # liquid
    y: Float[Array, "C"]  # vapour
    two_phases: Bool[Array, ""]
    distance: Array  # lowest tangent-plane distance of the answer over R T: zero up to rounding
    converged: Bool[Array, ""]


class Boundary(NamedTuple):
    """A bubble or dew point."""

    p: Array  # Pa
    incipient: Float[Array, "C"]  # composition of the first bubble or drop
    converged: Bool[Array, ""]


@jax.jit
def stability(model: CubicMixture, T: ArrayLike, p: ArrayLike, z: Float[Array, "C"]) -> Stability:
    """Is a mixture of mole fractions z stable as one phase at T (K) and p (Pa)?"""
    T, p, z = (jnp.asarray(a, float) for a in (T, p, z))
    plane = jnp.log(z) + model.log_fugacity(T, p, z)
    K = model.wilson(T, p)

    def search(start):
        def body(carry):
            count, log_w, _ = carry
            w = jnp.exp(log_w)
            new = plane - model.log_fugacity(T, p, w / jnp.sum(w))
            return count + 1, new, jnp.max(jnp.abs(new - log_w))

        going = lambda carry: (carry[0] < _STEPS) & (carry[2] > _CLOSE)
        _, log_w, _ = jax.lax.while_loop(going, body, (0, jnp.log(start), jnp.asarray(jnp.inf)))
        w = jnp.exp(log_w)
        w = w / jnp.sum(w)
        return w @ (jnp.log(w) + model.log_fugacity(T, p, w) - plane), w

    return Stability(*jax.vmap(search)(jnp.stack([z * K, z / K])))


@jax.jit
def flash(model: CubicMixture, T: ArrayLike, p: ArrayLike, z: Float[Array, "C"]) -> Flash:
    """The stable state of a mixture of mole fractions z at T (K) and p (Pa): one phase, or liquid and vapour.

    ln K_i = ln phi_i(liquid) - ln phi_i(vapour), sum z_i (K_i - 1)/(1 + beta (K_i - 1)) = 0. The stability test decides
    whether there are two phases and where to start; successive substitution and Newton's method follow. `distance` is
    the stability test of the answer.

    >>> from diffneq.thermo.fluids.cubic.mixture import mixture
    >>> with jax.enable_x64(True):
    ...     found = jax.jit(flash)(mixture("PR", ["methane", "n-butane"]), 300.0, 2e6, jnp.array([0.5, 0.5]))
    >>> round(float(found.vapour), 3)
    0.544
    """
    T, p, z = (jnp.asarray(a, float) for a in (T, p, z))
    frozen, T0, p0, z0 = jax.lax.stop_gradient((model, T, p, z))
    test = stability(frozen, T0, p0, z0)
    first = test.trial[jnp.argmin(test.distance)]
    # The trial phase is taken as vapour if it is the more volatile one.
    ratio = jnp.log(first / z0)
    sign = jnp.where(jnp.sum(ratio * jnp.log(frozen.wilson(T0, p0))) >= 0.0, 1.0, -1.0)
    log_K = _substituted(frozen, T0, p0, z0, sign * ratio)
    start = jnp.concatenate([log_K, rachford_rice(z0, jnp.exp(log_K))[None]])
    solution = _newton(lambda u: _residual(frozen, T0, p0, z0, u), start)
    left = jnp.max(jnp.abs(_residual(frozen, T0, p0, z0, solution)))
    beta = solution[-1]
    two = ~test.stable & (beta > 0.0) & (beta < 1.0) & (jnp.max(jnp.abs(solution[:-1])) > _TRIVIAL)
    harmless = jnp.concatenate([jnp.log(frozen.wilson(T0, p0)), jnp.array([0.5])])
    solution = rooted_system(
        lambda u: jnp.where(two, _residual(model, T, p, z, u), u - harmless), jnp.where(two, solution, harmless)
    )
    K, beta = jnp.exp(solution[:-1]), solution[-1]
    x = z / (1.0 + beta * (K - 1.0))
    x, y = jnp.where(two, x, z), jnp.where(two, K * x, z)
    again = stability(frozen, T0, p0, jax.lax.stop_gradient(jnp.where(two, x / jnp.sum(x), z)))
    gas = frozen.compressibility(T0, p0, z0, jnp.asarray(False))
    b, _ = frozen.mixed(T0, z0)
    dilute = b * p0 / (gas * frozen.gas_constant * T0) < 0.3  # density below about the critical one, in units of 1/b
    share = jnp.where(two, beta, jnp.where(dilute, 1.0, 0.0))
    return Flash(share, x, y, two, jnp.min(again.distance), jnp.where(two, left < _ENOUGH, test.stable))


def _substituted(model: CubicMixture, T, p, z, log_K):
    """Successive substitution."""

    def body(carry):
        count, log_K, _ = carry
        x, y = _compositions(z, log_K, rachford_rice(z, jnp.exp(log_K)))
        new = model.log_fugacity(T, p, x, True) - model.log_fugacity(T, p, y, False)
        return count + 1, new, jnp.max(jnp.abs(new - log_K))

    going = lambda carry: (carry[0] < _STEPS) & (carry[2] > 1e-6)
    return jax.lax.while_loop(going, body, (0, log_K, jnp.asarray(jnp.inf)))[1]


def _compositions(z, log_K, beta):
    K = jnp.exp(log_K)
    x = z / (1.0 + beta * (K - 1.0))
    y = K * x
    return x / jnp.sum(x), y / jnp.sum(y)


def _residual(model: CubicMixture, T, p, z, u):
    log_K, beta = u[:-1], u[-1]
    K = jnp.exp(log_K)
    x = z / (1.0 + beta * (K - 1.0))
    y = K * x
    equal = log_K - model.log_fugacity(T, p, x / jnp.sum(x), True) + model.log_fugacity(T, p, y / jnp.sum(y), False)
    return jnp.concatenate([equal, jnp.sum(y - x)[None]])


def _newton(residual, start, steps: int = _NEWTON):
    def body(_, u):
        step = -jnp.linalg.solve(jax.jacfwd(residual)(u), residual(u))
        scale = jnp.minimum(1.0, 0.5 / jnp.maximum(jnp.max(jnp.abs(step)), 1e-300))
        return jnp.where(jnp.isfinite(step).all(), u + scale * step, u)

    return jax.lax.fori_loop(0, steps, body, start)


def rachford_rice(z: Float[Array, "C"], K: Float[Array, "C"]) -> Array:
    """beta in [0, 1] with sum z_i (K_i - 1)/(1 + beta (K_i - 1)) = 0, by bisection; an end where there is none."""

    def halve(_, pair):
        low, high = pair
        middle = 0.5 * (low + high)
        value = jnp.sum(z * (K - 1.0) / (1.0 + middle * (K - 1.0)))  # falls with beta
        return jnp.where(value > 0.0, middle, low), jnp.where(value > 0.0, high, middle)

    low, high = jax.lax.fori_loop(0, 50, halve, (jnp.zeros(()), jnp.ones(())))
    return 0.5 * (low + high)


@jax.jit
def bubble_pressure(model: CubicMixture, T: ArrayLike, x: Float[Array, "C"]) -> Boundary:
    """Where the first bubble appears in a liquid of mole fractions x at T (K): sum K_i x_i = 1.

    >>> from diffneq.thermo.fluids.cubic.mixture import mixture
    >>> with jax.enable_x64(True):
    ...     found = jax.jit(bubble_pressure)(mixture("PR", ["propane", "n-butane"]), 300.0, jnp.array([0.5, 0.5]))
    >>> round(float(found.p) / 1e5, 2)
    6.05
    """
    return _boundary(model, T, x, True)


@jax.jit
def dew_pressure(model: CubicMixture, T: ArrayLike, y: Float[Array, "C"]) -> Boundary:
    """Where the first drop appears in a vapour of mole fractions y at T (K): sum y_i/K_i = 1."""
    return _boundary(model, T, y, False)


def _boundary(model: CubicMixture, T: ArrayLike, z, bubble: bool) -> Boundary:
    T, z = jnp.asarray(T, float), jnp.asarray(z, float)
    frozen, T0, z0 = jax.lax.stop_gradient((model, T, z))
    unit = frozen.wilson(T0, 1.0)
    p = jnp.sum(z0 * unit) if bubble else 1.0 / jnp.sum(z0 / unit)
    start = jnp.concatenate([jnp.log(unit / p), jnp.log(p)[None]])

    def residual(model, T, z, u):
        log_K, p = u[:-1], jnp.exp(u[-1])
        other = z * jnp.exp(log_K if bubble else -log_K)
        x, y = (z, other / jnp.sum(other)) if bubble else (other / jnp.sum(other), z)
        equal = log_K - model.log_fugacity(T, p, x, True) + model.log_fugacity(T, p, y, False)
        return jnp.concatenate([equal, jnp.log(jnp.sum(other))[None]])

    found = _newton(lambda u: residual(frozen, T0, z0, u), start, 40)
    left = jnp.max(jnp.abs(residual(frozen, T0, z0, found)))
    u = rooted_system(lambda u: residual(model, T, z, u), found)
    converged = (left < _ENOUGH) & (jnp.max(jnp.abs(found[:-1])) > _TRIVIAL)
    other = z * jnp.exp(u[:-1] if bubble else -u[:-1])
    return Boundary(jnp.where(converged, jnp.exp(u[-1]), jnp.nan), other / jnp.sum(other), converged)
