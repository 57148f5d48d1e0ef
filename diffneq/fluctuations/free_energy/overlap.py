"""How far forward and reverse work distributions overlap, and what that costs."""

import numpy as np

from diffneq.fluctuations.free_energy.acceptance import acceptance, solve
from diffneq.fluctuations.free_energy.samples import declined, work_sample
from diffneq.statistics import Estimate


def bennett_overlap(forward, reverse, temperature: float = 1.0) -> Estimate:
    """O = int P_F(W) P_R(-W)/(P_F(W) + P_R(-W)) dW, from 0 (nothing in common) to 1/2 (one and the same).

    With N/2 runs either way Bennett's estimate of dF/k_BT has N var = 2/O - 4. O is the mean of the Fermi function
    f(W - dF) over forward runs, and of f(W + dF) over reverse runs; equal weight is given to the two.

    Arguments: `forward` (n_F,), `reverse` (n_R,) work done ON the system in either direction [energy]; `temperature`
    k_B T. Diagnostics: `variance_times_runs` 2/O - 4, `second_order` the same O from squares of the Fermi functions
    (they disagree where the overlap was not sampled). Raises `ValueError` for wrong shapes.
    Source: C. H. Bennett, J. Comput. Phys. 22, 245 (1976); A. M. Hahn, H. Then, Phys. Rev. E 80, 031111 (2009).

    >>> rng = np.random.default_rng(0)
    >>> found = bennett_overlap(rng.normal(1.0, 2**0.5, 4000), rng.normal(1.0, 2**0.5, 4000))
    >>> abs(found.value - 2 / (2.15492 + 4)) < 4 * found.error
    True
    """
    f = work_sample("bennett_overlap", forward, temperature, 1.0, "forward")
    r = work_sample("bennett_overlap", reverse, temperature, 1.0, "reverse")
    name, method = "Bennett overlap", "means of Fermi functions"
    if f.fault or r.fault:
        return declined(f.fault or r.fault, name, method, "")
    centre = solve(f, r, 0.0)
    up, down = acceptance(f, r, centre, 0.0)
    value = (up.mean() + down.mean()) / 2
    error = np.hypot(up.std() / np.sqrt(f.count), down.std() / np.sqrt(r.count)) / 2
    second = float(np.mean(up**2) + np.mean(down**2))
    warnings = ()
    if value * min(f.count, r.count) < 10:
        warnings = ("fewer than ten runs either way reach the overlap: its value is an upper or a lower guess",)
        error = max(error, value)
    diagnostics = {"variance_times_runs": 2 / value - 4, "second_order": second}
    return Estimate(value, error, "", name, method, warnings, diagnostics)


def shared_area(forward, reverse, free_energy: float, temperature: float = 1.0) -> Estimate:
    """A = int min(P_F(W), P_R(-W)) dW = P_F(W < dF) + P_R(W < -dF): the shared part of the two distributions.

    By Crooks' theorem the two cross at W = dF alone, so that A needs counts only; second-law violations, in words.
    Arguments as `bennett_overlap`; `free_energy` dF [energy]. The error is binomial; dF is taken as known.

    >>> rng = np.random.default_rng(0)
    >>> found = shared_area(rng.normal(2.0, 2.0, 5000), rng.normal(2.0, 2.0, 5000), 0.0)
    >>> abs(found.z_score(2 * 0.15866)) < 4
    True
    """
    f = work_sample("shared_area", forward, temperature, 1.0, "forward")
    r = work_sample("shared_area", reverse, temperature, 1.0, "reverse")
    name, method, dF = "shared area", "counts beyond the crossing", float(free_energy) / temperature
    if f.fault or r.fault:
        return declined(f.fault or r.fault, name, method, "")
    hits = np.array([np.sum(f.values < dF), np.sum(r.values < -dF)])
    counts = np.array([f.count, r.count])
    share = (hits + 0.5) / (counts + 1)  # never 0 +- 0
    error = float(np.sqrt(np.sum(share * (1 - share) / counts)))
    warnings = () if hits.min() >= 5 else (f"only {hits[0]} forward and {hits[1]} reverse runs beyond the crossing",)
    return Estimate(float(np.sum(hits / counts)), error, "", name, method, warnings, {"hits": hits})


def gaussian_overlap(dissipation: float) -> float:
    """O(D) for Gaussian work of mean dissipation D [k_B T] and variance 2 D, either way: how to plan a measurement.

    O = int p/(1 + e^x) dx, p the normal density of mean D and variance 2 D, by quadrature.

    >>> round(2 / gaussian_overlap(2.0) - 4, 4)      # N var of Bennett's estimate of dF/kT
    4.8968
    """
    D = float(dissipation)
    if not (np.isfinite(D) and D > 0):
        raise ValueError(f"gaussian_overlap: dissipation = {D:g} must be positive and finite, in units of k_B T.")
    # p(x) f(x) is even about 0 but for e^(-x/2): p e^(x/2) = exp(-x^2/(4 D) - D/4)/sqrt(4 pi D)
    reach = 40.0 + 12 * np.sqrt(2 * D)
    x = np.linspace(-reach, reach, 40_001)
    integrand = np.exp(-(x**2) / (4 * D) - D / 4) / (2 * np.cosh(x / 2)) / np.sqrt(4 * np.pi * D)
    return float(np.sum(integrand) * (x[1] - x[0]))
