"""How large a finite change of a parameter is by default."""

from __future__ import annotations

import numpy as np
from jax.tree_util import Partial

from diffneq.response.derivatives.canonical import dissipation_rate
from diffneq.response.derivatives.ensemble import Ensemble

_PART = 0.05  # of a parameter that is not zero
_WORK = 0.2  # k_B T of work on a particle in the whole time, where it is zero


def default_change(ensemble: Ensemble) -> float:
    """5 % of the parameter; of one that is zero, what does about 0.2 k_B T of work on a particle in `problem.time`.

    Raises:
        ValueError: where the parameter is zero and no bath says what is much.
    """
    problem = ensemble.problem
    if problem.value != 0:
        return _PART * abs(problem.value)
    try:
        rates = np.asarray(ensemble.evaluate(Partial(dissipation_rate, problem.system, problem.theta)), float)
    except ValueError as error:
        raise ValueError(f"Give change=, the size of a weak change of {problem.parameter!r}. {error}") from None
    moving = sum(n for n, moves in zip(problem.model.counts, problem.model.mobile, strict=True) if moves)
    of_one = float(np.sqrt(np.mean(rates**2) / moving))
    if not of_one > 0:
        raise ValueError(f"{problem.parameter!r} does not enter the equations of motion.")
    return _WORK / (of_one * problem.time)


def check_change(change: float | None, ensemble: Ensemble) -> float:
    """The change that was asked for, or the default."""
    if change is None:
        return default_change(ensemble)
    if not (np.isfinite(change) and change > 0):
        raise ValueError(f"change = {change} must be a positive number.")
    return float(change)
