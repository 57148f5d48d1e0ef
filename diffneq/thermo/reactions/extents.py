"""Extents of some reactions in one phase, ideal or with any excess Gibbs energy."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from diffneq._parameters import concrete

_STEPS = 150  # of Newton's method at most
_LONGEST = 2.0  # change of ln n in a step
_CLOSE = 1e-12
_SHARES = (0.0, 0.3, 0.6, 1.0)  # of the excess energy, one after the other


class Extents(NamedTuple):
    """Where the reactions stop."""

    extent: Float[Array, "reactions"]
    n: Float[Array, "species"]
    x: Float[Array, "species"]
    converged: Bool[Array, ""]


def extents(
    nu: Float[Array, "reactions species"],
    g: Float[Array, "species"],
    n0: Float[Array, "species"],
    excess: Callable[[Float[Array, "species"]], Array] | None = None,
) -> Extents:
    """sum_k nu_rk (g_k + ln x_k + ln gamma_k) = 0 for every reaction r, with n = n0 + nu^T xi >= 0.

    ln gamma_k is the derivative of n G^E/RT with respect to n_k.

    Arguments:
        nu: stoichiometric coefficients, products positive; species that do not react have zeros.
        g: G/RT of each species in its standard state; for a gas at P add ln(P/P0).
        n0: moles before.
        excess: x -> G^E/(R T) of one mole of mixture, any differentiable function; None: ideal.

    Differentiable in g, n0 and whatever `excess` refers to; one mixture, for many use `jax.vmap`. With an excess energy
    that demixes the result is one local equilibrium.

    Raises:
        ValueError: reactions that depend on each other, shapes that do not fit, negative amounts.

    >>> found = extents(jnp.array([[-1.0, 1.0]]), jnp.array([0.0, 1.0]), jnp.array([1.0, 0.0]))
    >>> round(float(found.x[1]), 4)  # 1/(1 + e)
    0.2689
    """
    matrix = np.asarray(nu, float)
    if matrix.ndim != 2 or matrix.shape[1:] != np.shape(g) or np.shape(g) != np.shape(n0):
        raise ValueError("nu is (reactions, species), g and n0 are (species,).")
    if np.linalg.matrix_rank(matrix) < len(matrix):
        raise ValueError("The reactions are not independent: leave out those that are sums of others.")
    numbers = concrete(jnp.asarray(n0))
    if numbers is not None and not (numbers >= 0).all():
        raise ValueError("An amount is negative.")
    energy = excess or (lambda x: jnp.zeros(()))
    kept = jnp.asarray(_conserved(matrix))
    frozen = jax.lax.stop_gradient
    g, n0 = jnp.asarray(g), jnp.asarray(n0)
    u, error = _search(kept, frozen(g), frozen(n0), energy)
    u = frozen(u)
    # One step of Newton's method from the solution has the derivatives of the implicit function theorem.
    jacobian = frozen(jax.jacfwd(lambda u: _conditions(kept, g, n0, energy, 1.0, u))(u))
    u = u - jnp.linalg.solve(jacobian, _conditions(kept, g, n0, energy, 1.0, u))
    n = jnp.exp(u[: len(g)])
    extent = jnp.linalg.lstsq(jnp.asarray(matrix).T, n - n0)[0]
    return Extents(extent, n, n / jnp.sum(n), error < 1e-9)


def _conserved(nu: np.ndarray) -> np.ndarray:
    """Rows c with c . nu_r = 0 for every reaction: what the reactions conserve, in reduced form."""
    work, pivots = nu.copy(), []
    for r in range(len(work)):
        k = int(np.argmax(np.abs(work[r])))
        work[r] /= work[r, k]
        for other in range(len(work)):
            if other != r:
                work[other] -= work[other, k] * work[r]
        pivots.append(k)
    rest = [k for k in range(nu.shape[1]) if k not in pivots]
    rows = np.zeros((len(rest), nu.shape[1]))
    for row, k in zip(rows, rest, strict=True):
        row[k] = 1.0
        row[pivots] = -work[:, k]
    return rows


def _conditions(kept: Array, g: Array, n0: Array, excess: Callable, share: float, u: Array) -> Array:
    """mu - c . lambda for every species, and what is conserved."""
    K = len(g)
    n = jnp.exp(u[:K])
    total = lambda n: jnp.sum(n) * excess(n / jnp.sum(n))
    mu = g + u[:K] - jnp.log(jnp.sum(n)) + share * jax.grad(total)(n)
    return jnp.concatenate([mu - u[K:] @ kept, kept @ (n - n0)])


def _search(kept: Array, g: Array, n0: Array, excess: Callable) -> tuple[Array, Array]:
    """Newton's method in (ln n, lambda), with more and more of the excess energy."""
    K = len(g)
    u = jnp.concatenate([jnp.log(jnp.full(K, jnp.sum(n0) / K)), jnp.zeros(len(kept))])
    for share in _SHARES:
        at = functools.partial(_conditions, kept, g, n0, excess, share)

        def step(carry, at=at):
            k, u, _ = carry
            change = jnp.linalg.solve(jax.jacfwd(at)(u), -at(u))
            size = jnp.max(jnp.abs(change[:K]))
            return k + 1, u + jnp.minimum(1.0, _LONGEST / jnp.maximum(size, 1e-30)) * change, size

        go_on = lambda carry: (carry[0] < _STEPS) & (carry[2] > _CLOSE)
        _, u, error = jax.lax.while_loop(go_on, step, (0, u, jnp.asarray(jnp.inf)))
    return u, error
