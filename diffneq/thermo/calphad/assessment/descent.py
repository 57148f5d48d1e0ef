"""The steps of a fit: optimistix or optax decide where to go, one compiled function says what is there.

optimistix' solvers ask, in one step, for the function and its derivative at one point, `state.y_eval`. So each step
is given the tangent r + J (u - u_k) at that point, which agrees with the function there in both: the same algorithm,
but the equilibria are compiled once and not once more inside of every solver, and a fit can report and be stopped.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import optimistix as optx
from jaxtyping import Array, Float

TOLERANCE = 1e-4  # of u, in about standard errors of the parameters, and relative of the residuals
_RATE = 0.3  # first step of Adam, in the same unit

# rho(r), with rho = r^2/2 for small r: P. J. Huber, Ann. Math. Statist. 35 (1964) 73; R. A. Maronna et al., Robust
# Statistics (Wiley 2006) for the Cauchy loss. The constants give 95 % efficiency for normal errors.
LOSSES: dict[str, Callable] = {
    "squares": lambda r: 0.5 * r**2,
    "huber": lambda r: jnp.where(jnp.abs(r) <= 1.345, 0.5 * r**2, 1.345 * (jnp.abs(r) - 0.5 * 1.345)),
    "cauchy": lambda r: 0.5 * 2.385**2 * jnp.log1p((r / 2.385) ** 2),
}


class Tangent(NamedTuple):
    """Residuals and their derivatives at a point."""

    residual: Float[Array, "n"]
    slope: Float[Array, "n p"]
    at: Float[Array, "p"]

    def __call__(self, u: Float[Array, "p"]) -> Float[Array, "n"]:
        """r + J (u - u_k)."""
        return self.residual + self.slope @ (u - self.at)


class Path(NamedTuple):
    """Where a descent ended, and whether it said that it was done."""

    u: np.ndarray
    converged: bool
    steps: int


Look = Callable[[Any], Tangent]
Watch = Callable[[Tangent], None]  # called after every evaluation


def descend(look: Look, watch: Watch, u: np.ndarray, method: str, loss: str, steps: int) -> Path:
    """Minimises sum rho(r(u)) by one of METHODS from u."""
    if method == "adam":
        return _adam(look, watch, u, loss, steps)
    solver, least_squares = METHODS[method](), method != "l-bfgs"
    rho = LOSSES[loss]
    objective = lambda u, tangent: (tangent(u) if least_squares else jnp.sum(rho(tangent(u))), None)
    options: dict[str, Any] = {} if least_squares else {"autodiff_mode": "bwd"}
    y = jnp.asarray(u)
    first = look(y)
    shape = jax.eval_shape(lambda: objective(y, first)[0])
    state = solver.init(objective, y, first, options, shape, None, frozenset())
    step = eqx.filter_jit(lambda y, tangent, state: solver.step(objective, y, tangent, options, state, frozenset()))
    tangent, k, done = first, 0, False
    for k in range(1, steps + 1):  # noqa: B007
        watch(tangent)
        y, state, _ = step(y, tangent, state)
        stop, result = solver.terminate(objective, y, tangent, options, state, frozenset())
        done = bool(stop)
        if done or result != optx.RESULTS.successful:
            break
        tangent = look(state.y_eval)
    return Path(np.asarray(y), done, k)


def _adam(look: Look, watch: Watch, u: np.ndarray, loss: str, steps: int) -> Path:
    """The best point of a descent whose rate falls as a cosine to zero."""
    optimiser = optax.adam(optax.cosine_decay_schedule(_RATE, steps))
    rho = LOSSES[loss]
    value_and_slope = jax.jit(jax.value_and_grad(lambda u, tangent: jnp.sum(rho(tangent(u)))))
    y = jnp.asarray(u)
    state, best = optimiser.init(y), (np.inf, y)
    for k in range(1, steps + 1):
        tangent = look(y)
        watch(tangent)
        value, slope = value_and_slope(y, tangent)
        best = min(best, (float(value), y), key=lambda pair: pair[0])
        if float(jnp.max(jnp.abs(slope))) < TOLERANCE:
            return Path(np.asarray(best[1]), True, k)
        change, state = optimiser.update(slope, state)
        y = optax.apply_updates(y, change)
    return Path(np.asarray(best[1]), False, steps)


METHODS: dict[str, Callable] = {
    "levenberg-marquardt": lambda: optx.LevenbergMarquardt(rtol=TOLERANCE, atol=TOLERANCE),
    "gauss-newton": lambda: optx.GaussNewton(rtol=TOLERANCE, atol=TOLERANCE),
    "l-bfgs": lambda: optx.LBFGS(rtol=TOLERANCE, atol=TOLERANCE),
    "adam": lambda: None,
}
