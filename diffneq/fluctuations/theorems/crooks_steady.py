"""Crooks' theorem for steady states under driving that is symmetric in time."""

from diffneq.fluctuations.theorems.windows import FiniteTimeTest, finite_time_test


def crooks_steady(
    production, windows=(1, 2, 4), *, period: float = 1.0, memory: float = 0.0, unit: str = ""
) -> FiniteTimeTest:
    """ln P(w_n)/P(-w_n) -> w_n over n whole periods, n large: a driven steady state is its own reverse process.

    Which data: the work over k_B T of every period, in long records of a system that is driven periodically (an
    oscillating piston, a shaken trap) and has forgotten its start. Periods must begin at a moment about which the
    drive is symmetric in time, lambda(t_0 + t) = lambda(t_0 - t): at a turning point.
    What is assumed: one bath at k_B T, whose heat leaves at the rate at which work comes in.
    What a failure means: the drive is not symmetric, periods begin elsewhere, or another bath takes part.
    The work lacks the entropy of its ends: slopes reach 1 as 1/n. Total entropies (`total_entropy`) obey the
    equality at n = 1 already; passed here they give slope 1 in all windows.

    Arguments: `production` (T,) or (R, T), one entry a period [k_B]; `windows`, numbers of periods, two at least;
    `period` [time]; `memory` [time]: windows shorter than three of it are shown, not extrapolated. Returns a
    FiniteTimeTest. Raises `ValueError` for records too short. Source: G. E. Crooks, Phys. Rev. E 60, 2721 (1999).

    >>> import numpy as np
    >>> print(crooks_steady(np.random.default_rng(0).normal(0.5, 1.0, (40, 1000))).slope)
    0.967(37)
    """
    return finite_time_test("Crooks, steady driving", "crooks_steady", production, period, windows, unit, 3 * memory)
