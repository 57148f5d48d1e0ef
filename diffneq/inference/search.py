"""The minimum of a negative log likelihood: optimistix decides where to go, one compiled function says what is there.

optimistix' BFGS asks, in one step, for the function and its slope at one point, `state.y_eval`. It is given the tangent
there, which agrees with the function in both: the same algorithm, but the likelihood is compiled once and not once
more inside the solver. Hessians are central differences of automatic gradients over a small part of a standard error,
where they are good to about eight digits, from the same compiled function.
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optimistix as optx
from jax import Array

from diffneq.inference.parameters import Parameters

CONVERGED = 1e-4  # Newton decrement: the squared distance to the minimum in standard errors
_NEWTON, _NEAR, _FAR = 10, 1e-14, 1e-2  # steps; decrements at which to stop, and up to which the Hessian serves on
_PART = 0.02  # of a standard error, the step of a difference


class Minimum(NamedTuple):
    """z (P,), the Hessian there (P, P), the scores of the blocks (B, P), their values (B,), decrement, steps."""

    z: np.ndarray
    hessian: np.ndarray
    scores: np.ndarray
    values: np.ndarray
    decrement: float
    steps: int


@eqx.filter_jit
def look(objective, parameters: Parameters, z: Array) -> tuple[Array, Array]:
    """f_b (B,) and df_b/dz (B, P): forward mode, for parameters are few."""
    blocks = lambda z: (objective(parameters.put(z)),) * 2
    scores, values = jax.jacfwd(blocks, has_aux=True)(z)
    return values, scores


def minimum(objective, parameters: Parameters, z: Array, max_steps: int = 200) -> Minimum:
    """min_z sum_b f_b(model(z)), with what errors need there: BFGS in coordinates of the first Hessian, then Newton.

    Arguments: `objective`, an equinox module: model -> (B,), negative log likelihoods of B independent blocks, +inf
    where the model is refused; z (P,) the start, where it is finite.
    """
    at = lambda z: tuple(np.asarray(part) for part in look(objective, parameters, jnp.asarray(z)))
    start, scale = np.asarray(z), _scale(_hessian(at, np.asarray(z)))

    def seen(w):
        values, scores = at(start + scale @ w)
        total = values.sum()
        return (total, scale.T @ scores.sum(0)) if np.isfinite(total) else (np.array(np.inf), np.zeros_like(w))

    w, steps = _descend(optx.BFGS(rtol=1e-3, atol=1e-3), seen, np.zeros_like(start), max_steps)
    best = start + scale @ w
    hessian = _hessian(at, best)
    values, scores = at(best)
    change, decrement = _newton(hessian, scores.sum(0))
    for _ in range(_NEWTON):
        if decrement < _NEAR:
            break
        tried = at(best - change)
        if not tried[0].sum() <= values.sum() + 1e-9 * abs(values.sum()):
            break
        best, (values, scores) = best - change, tried
        hessian = _hessian(at, best) if decrement > _FAR else hessian
        change, decrement = _newton(hessian, scores.sum(0))
    return Minimum(best, hessian, scores, values, decrement, steps)


def least_squares(objective, parameters: Parameters, z: Array, max_steps: int = 200) -> Minimum:
    """min_z |r(model(z))|^2/2 by Levenberg and Marquardt; the Hessian is J^T J.

    Arguments: `objective`, an equinox module: model -> r (n,), not finite where the model is refused.
    """
    start = np.asarray(z)
    at = lambda z: tuple(np.asarray(part) for part in look(objective, parameters, jnp.asarray(z)))
    size = np.linalg.norm(at(start)[1], axis=0)
    scale = 1 / np.where(size > 0, size, 1.0)

    def seen(w):
        residual, slope = at(start + scale * w)
        sound = np.all(np.isfinite(residual)) and np.all(np.isfinite(slope))
        return (residual, slope * scale) if sound else (np.full_like(residual, 1e150), np.zeros_like(slope))

    w, steps = _descend(optx.LevenbergMarquardt(rtol=1e-8, atol=1e-8), seen, np.zeros_like(start), max_steps)
    best = start + scale * w
    residual, slope = at(best)
    hessian = slope.T @ slope
    decrement = _newton(hessian, slope.T @ residual)[1]
    return Minimum(best, hessian, np.zeros((1, len(best))), np.array([residual @ residual / 2]), decrement, steps)


def _descend(solver, at, w: np.ndarray, max_steps: int) -> tuple[np.ndarray, int]:
    """An optimistix solver, one step at a time, from w; `at`: w -> the function there and its derivative."""
    see = lambda w: tuple(jnp.asarray(part) for part in (*at(np.asarray(w)), w))
    y = jnp.asarray(w)
    here = see(y)
    shape = jax.eval_shape(lambda: _tangent(y, here)[0])
    state = solver.init(_tangent, y, here, {}, shape, None, frozenset())
    for k in range(1, max_steps + 1):
        y, state, done = _step(solver, y, here, state)
        if bool(done):
            return np.asarray(y), k
        here = see(state.y_eval)
    return np.asarray(y), max_steps


def _tangent(w, here):
    value, slope, at = here
    return value + slope @ (w - at), None


@eqx.filter_jit
def _step(solver, y, here, state):
    options = {"autodiff_mode": "bwd"} if here[0].ndim == 0 else {}
    y, state, _ = solver.step(_tangent, y, here, options, state, frozenset())
    done, _ = solver.terminate(_tangent, y, here, {}, state, frozenset())
    return y, state, done


def _hessian(at, z: np.ndarray) -> np.ndarray:
    """d^2 f/dz^2, from gradients a small part of a standard error to either side."""
    size = np.sqrt(np.sum(at(z)[1] ** 2, axis=0))
    steps = _PART / np.where(size > 0, size, 1.0)
    rows = []
    for step in np.diag(steps):
        above, below = (at(z + sign * step)[1].sum(0) for sign in (1, -1))
        rows.append((above - below) / (2 * step.sum()))
    hessian = np.array(rows)
    return (hessian + hessian.T) / 2


def _scale(hessian: np.ndarray) -> np.ndarray:
    """Columns along which the function is steep by about one per unit."""
    values, vectors = np.linalg.eigh(np.where(np.isfinite(hessian), hessian, 0.0))
    size = np.abs(values)
    size = np.maximum(size, 1e-8 * size.max())
    return vectors / np.sqrt(np.where(size > 0, size, 1.0))


def _newton(hessian: np.ndarray, slope: np.ndarray) -> tuple[np.ndarray, float]:
    """H^-1 g and g H^-1 g, leaving out directions in which nothing bends."""
    inverse = np.linalg.pinv(hessian, rcond=1e-12, hermitian=True)
    change = inverse @ slope
    return change, float(slope @ change)
