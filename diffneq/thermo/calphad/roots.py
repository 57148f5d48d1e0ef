"""All zeros of a function of one variable that is evaluated on arrays."""

from collections.abc import Callable

import numpy as np

_POINTS = 256
_MOST_STEPS = 80
_CLOSE = 1e-13  # of the interval


def all_roots(function: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> np.ndarray:
    """The zeros of f between two numbers that are farther apart than 1/255 of the interval, ascending.

    Sign changes between neighbours of a row of points are narrowed together: regula falsi in the Illinois variant (M.
    Dowell, P. Jarratt, BIT 11 (1971) 168), bisection every fourth time. Where f is NaN no zero is looked for.

    >>> all_roots(lambda t: np.cos(t), 0.0, 6.0).round(6).tolist()
    [1.570796, 4.712389]
    """
    t = np.linspace(low, high, _POINTS)
    f = np.asarray(function(t))
    k = np.flatnonzero(np.sign(f[:-1]) * np.sign(f[1:]) < 0)
    a, b, fa, fb = t[k], t[k + 1], f[k], f[k + 1]
    for step in range(_MOST_STEPS):
        if not len(a) or (b - a).max() <= _CLOSE * (high - low):
            break
        middle = 0.5 * (a + b) if step % 4 == 3 else (a * fb - b * fa) / (fb - fa)
        value = np.asarray(function(middle))
        left = np.sign(value) == np.sign(fa)  # the zero lies to the right of the new point
        a, fa, b, fb = (
            np.where(left, middle, a), np.where(left, value, np.where(value == 0, 0.0, 0.5 * fa)),
            np.where(left, b, middle), np.where(left, 0.5 * fb, value),
        )  # fmt: skip
        a, b = np.where(value == 0, middle, a), np.where(value == 0, middle, b)
        fa, fb = np.where(value == 0, -1.0, fa), np.where(value == 0, 1.0, fb)
    return np.sort(np.concatenate([t[f == 0], 0.5 * (a + b)]))
