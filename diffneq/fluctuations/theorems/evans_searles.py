"""The transient fluctuation theorem of Evans and Searles."""

from diffneq.fluctuations.theorems.logistic import mirrored
from diffneq.fluctuations.theorems.symmetry import SymmetryTest, exponential_average, sample, symmetry_test


def evans_searles(dissipation, *, inefficiency: float = 1.0) -> SymmetryTest:
    """ln p(Omega = A)/p(Omega = -A) = A and <e^-Omega> = 1, at every time: one sample and its mirror image.

    Omega = ln f(G_0)/f(G_t) - int Lambda ds, Lambda = div(flow), f the density of initial states.
    Which data: one Omega [dimensionless] of each run; for the trap dragged from equilibrium, the work over k_B T.
    What is assumed: reversible dynamics (deterministic or with a bath), initial states drawn from f = f(time
    reversed), and a protocol that is its own time reverse (constant driving is).
    What a failure means: runs did not start from f, Omega lacks its boundary term (heat alone fails), or the
    protocol is not time-symmetric: then compare with the reverse protocol by `crooks`.

    Arguments: `dissipation` (n,); `inefficiency` g, runs per independent run.
    Returns a SymmetryTest: the odds of the sign of Omega at given |Omega| by maximum likelihood, slope 1 and
    intercept 0 by the theorem, and the average. Raises `ValueError` for wrong shapes and values.
    Source: D. J. Evans, D. J. Searles, Phys. Rev. E 50, 1645 (1994) and Adv. Phys. 51, 1529 (2002).

    >>> import numpy as np
    >>> found = evans_searles(np.random.default_rng(0).normal(0.8, 1.6**0.5, 8000))
    >>> print(found.slope, found.intercept, found.average, found.holds())
    1.016(40) -0.028(44) 1.004(23) True
    """
    x = sample("evans_searles", dissipation, "dissipation")
    average = exponential_average(x, inefficiency)
    return symmetry_test("Evans-Searles", mirrored(x, inefficiency=inefficiency), average, "dissipation function")
