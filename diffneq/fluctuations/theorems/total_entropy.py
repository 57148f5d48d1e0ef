"""Seifert's theorem for the total entropy production along a trajectory."""

from diffneq.fluctuations.theorems.logistic import mirrored, two_samples
from diffneq.fluctuations.theorems.symmetry import SymmetryTest, exponential_average, sample, symmetry_test


def total_entropy(
    medium, log_density_start, log_density_end, *, steady: bool = False, reverse=None, inefficiency: float = 1.0
) -> SymmetryTest:
    """s = s_m - ln p_t(x_t)/p_0(x_0): <e^-s> = 1 for any protocol and any initial density.

    Which data: the entropy s_m given to the medium along each run (-Q/k_BT, summed over baths), and the logarithms of
    the density of states at its start and at its end: of the ensemble itself, exact or fitted.
    What is assumed: Markov dynamics with local detailed balance; the runs are drawn from p_0.
    What a failure means: heat is missing (a slow variable not recorded), the density at the START is not that of
    these runs, or a density is not normalised. The average cannot see a wrong density at the end: any one whose
    integral is 1 obeys it; the slope can.

    Arguments: `medium` (n,), `log_density_start` ln p_0(x_0) (n,), `log_density_end` ln p_t(x_t) (n,); `steady` True
    when the state is stationary and the driving constant, a force and not a motion (a trap dragged at constant speed
    is no such state): then ln p(s)/p(-s) = s too, and slope and intercept come from the mirrored sample; or `reverse`
    (m,), total entropies of the reverse protocol started in p_t.
    Returns a SymmetryTest. Raises `ValueError` for wrong shapes and values.
    Source: U. Seifert, Phys. Rev. Lett. 95, 040602 (2005).

    >>> import numpy as np
    >>> start, end = np.random.default_rng(0).normal(size=(2, 5000))      # offsets in a trap moved by 1 in every step
    >>> heat = (start - 1) ** 2 / 2 - end**2 / 2      # given to the bath while x relaxes from one to the other
    >>> found = total_entropy(heat, -(start**2) / 2, -(end**2) / 2)
    >>> print(found.average)
    0.987(17)
    """
    parts = [
        sample("total_entropy", values, name)
        for values, name in (
            (medium, "medium"),
            (log_density_start, "log_density_start"),
            (log_density_end, "log_density_end"),
        )
    ]
    if len({len(part) for part in parts}) > 1:
        raise ValueError("total_entropy: medium and both log densities must be of one length, one entry a run.")
    if steady and reverse is not None:
        raise ValueError("total_entropy: give steady=True or the reverse runs, not both.")
    s = parts[0] + parts[1] - parts[2]
    average = exponential_average(s, inefficiency)
    fit = mirrored(s, inefficiency=inefficiency) if steady else None
    if reverse is not None:
        fit = two_samples(s, -sample("total_entropy", reverse, "reverse"), (inefficiency, inefficiency))
    return symmetry_test("total entropy", fit, average, "total entropy s")
