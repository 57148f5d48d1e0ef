"""The equation of Bennett's acceptance ratio: its Fermi functions and its root."""

import numpy as np
from scipy.optimize import brentq

from diffneq.fluctuations.free_energy.samples import Works

_NEWTON = 6  # steps before bisection takes over


def log_ratio(forward: Works, reverse: Works) -> float:
    """M = ln(n_F/n_R), of independent runs."""
    return float(np.log(forward.independent / reverse.independent))


def acceptance(forward: Works, reverse: Works, centre: float, ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """1/(1 + e^(M + W_F - dF)) of each forward run, 1/(1 + e^(-M + W_R + dF)) of each reverse run; W in k_B T."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(ratio + forward.values - centre)), 1 / (1 + np.exp(-ratio + reverse.values + centre))


def solve(forward: Works, reverse: Works, ratio: float, near: float | None = None) -> float:
    """dF/k_BT of <f>_F = e^(-M) <f>_R: the difference of the logarithms grows with dF and has one root.

    With `near`, a guess, Newton's method is tried first.
    """

    def difference(centre):
        up = -np.logaddexp(0.0, ratio + forward.values - centre)
        down = -np.logaddexp(0.0, -ratio + reverse.values + centre)
        return np.logaddexp.reduce(up) - np.logaddexp.reduce(down) + shift

    # of sums, not means: for M = ln(n_F/n_R) of independent runs the two are equal
    shift = -np.log(forward.count / reverse.count) + ratio
    for _ in range(_NEWTON if near is not None else 0):
        up, down = acceptance(forward, reverse, near, ratio)
        a, b = up.sum(), down.sum()
        if not (a > 0 and b > 0):
            break
        step = (np.log(a / b) + shift) / ((up @ (1 - up)) / a + (down @ (1 - down)) / b)
        near -= step
        if abs(step) < 1e-9:  # the next step would be its square
            return float(near)
    finite = np.concatenate([forward.values[np.isfinite(forward.values)], -reverse.values[np.isfinite(reverse.values)]])
    low, high, room = finite.min() - abs(ratio) - 1, finite.max() + abs(ratio) + 1, 10.0
    while difference(low) > 0:
        low, room = low - room, 2 * room
    while difference(high) < 0:
        high, room = high + room, 2 * room
    return float(brentq(difference, low, high, xtol=1e-13))
