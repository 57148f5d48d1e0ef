"""The steady-state fluctuation theorem of Gallavotti and Cohen, from slopes at finite times."""

from diffneq.fluctuations.theorems.windows import FiniteTimeTest, finite_time_test


def gallavotti_cohen(production, dt: float, windows, *, relaxation_time: float = 0.0, unit: str = "") -> FiniteTimeTest:
    """(1/tau) ln p(s_tau = A)/p(-A) -> A/tau as tau -> infinity: the steady-state fluctuation theorem.

    Which data: entropy production (phase space contraction, work or heat over k_B T) of every step of long records
    of one steady state, or of many. At finite tau it lacks the entropy of its ends, so that slopes differ from 1 by
    O(1/tau): 1/slope is extrapolated linearly in 1/tau, exact for Gaussian sums with exponential memory.
    What is assumed: a steady state that is reached from everywhere, and increments whose ends stay bounded: heat in
    an unbounded potential has exponential tails and never reaches slope 1 beyond A = <A> (van Zon and Cohen).
    What a failure means: such tails, windows shorter than the memory, or dissipation that is not recorded.

    Arguments: `production` (T,) or (R, T), per step [k_B]; `dt` of a step [time]; `windows`, lengths in steps, two
    at least; `relaxation_time` [time]: windows shorter than three of it are shown, not extrapolated.
    Returns a FiniteTimeTest. Raises `ValueError` for records too short to be cut into 20 pieces longer than the
    windows. Source: G. Gallavotti, E. G. D. Cohen, Phys. Rev. Lett. 74, 2694 (1995); J. Kurchan, J. Phys. A 31, 3719
    (1998).

    >>> import numpy as np
    >>> steps = np.random.default_rng(0).normal(0.5, 1.0, (40, 1000))
    >>> print(gallavotti_cohen(steps, 1.0, [1, 2, 4]).slope)
    0.967(37)
    """
    return finite_time_test("Gallavotti-Cohen", "gallavotti_cohen", production, dt, windows, unit, 3 * relaxation_time)
