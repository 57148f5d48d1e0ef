"""The finite-sample bias of Jarzynski's average."""

import numpy as np

from diffneq.fluctuations.free_energy.samples import declined, log_mean_exp, work_sample
from diffneq.statistics import Estimate


def large_sample_bias(dissipation: float, runs: float) -> float:
    """(e^(2 D) - 1)/(2 n): bias of dF/k_BT for Gaussian work with mean dissipation D [k_B T], n >> e^(2 D) runs.

    The variance is twice the bias; at n = 1 the bias is D. Source: J. Gore, F. Ritort, C. Bustamante, Proc. Natl.
    Acad. Sci. 100, 12564 (2003).

    >>> large_sample_bias(1.0, 1000).round(5)
    np.float64(0.00319)
    """
    return np.expm1(2 * dissipation) / (2 * np.asarray(runs, float))


def subsample_bias(
    work, runs, temperature: float = 1.0, *, repetitions: int = 200, seed: int = 0, unit: str = ""
) -> list[Estimate]:
    """B(m) = <dF_m> - dF_n: how much Jarzynski's average over m of the n runs is above that over all.

    A curve that has levelled off well below m = n shows convergence; one that still falls shows a bias that no error
    bar contains.

    Arguments: `work` (n,) [energy]; `runs`, sizes m < n; `temperature` k_B T; `repetitions`, random subsamples at
    least, disjoint within each shuffling, from `seed`. Returns one Estimate [energy] for each m, error from the
    scatter between subsamples (correlated between sizes, and blind to the bias of all n). Raises `ValueError` for
    sizes that are not in 1 .. n - 1. Source: D. M. Zuckerman, T. B. Woolf, Phys. Rev. Lett. 89, 180602 (2002).

    >>> work = np.random.default_rng(0).normal(1.0, 2**0.5, size=20_000)      # dissipation 1
    >>> print(subsample_bias(work, [10])[0])      # 0.192 is the mean over all samples
    0.200(13)
    """
    sample = work_sample("subsample_bias", work, temperature)
    sizes = [int(m) for m in np.atleast_1d(runs)]
    if any(not 0 < m < sample.count for m in sizes):
        raise ValueError(f"subsample_bias: sizes must lie between 1 and n - 1 = {sample.count - 1}, got {sizes}.")
    name, method = "Jarzynski bias", "subsamples"
    if sample.fault:
        return [declined(sample.fault, name, method, unit) for _ in sizes]
    whole, rng, found = -float(log_mean_exp(-sample.values)), np.random.default_rng(seed), []
    for m in sizes:
        each = sample.count // m
        rounds = -(-repetitions // each)
        picks = [rng.permutation(sample.values)[: each * m].reshape(each, m) for _ in range(rounds)]
        values = -log_mean_exp(-np.concatenate(picks))
        kept = values[np.isfinite(values)]
        lost = len(values) - len(kept)
        warnings = (f"{lost} of {len(values)} subsamples hold infinite works only",) if lost else ()
        if len(kept) < 2 or np.ptp(kept) == 0:
            found.append(declined("the subsamples do not differ: the work does not fluctuate", name, method, unit))
            continue
        independent = min(len(kept), each)  # shufflings share their runs
        error = float(np.std(kept, ddof=1)) / np.sqrt(independent) * temperature
        value = (float(kept.mean()) - whole) * temperature
        found.append(Estimate(value, error, unit, name, method, warnings, {"subsamples": len(kept), "runs": m}))
    return found
