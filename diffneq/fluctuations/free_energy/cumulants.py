"""Free energy differences from the cumulants of the work."""

from math import factorial

import numpy as np

from diffneq.fluctuations.free_energy.jarzynski import NAME
from diffneq.fluctuations.free_energy.samples import Works, declined, work_sample
from diffneq.statistics import Estimate

_GROUPS = 200  # of the jackknife; fewer runs are left out one by one


def cumulants(
    work, order: int = 2, temperature: float = 1.0, *, inefficiency: float | str = 1.0, unit: str = ""
) -> Estimate:
    """dF = <W> - kappa_2/(2 kT) + kappa_3/(6 kT^2) - kappa_4/(24 kT^3) .. to `order`: exact at 2 for Gaussian work.

    The cumulants are k-statistics, free of bias for independent runs. What is left out, the truncation, is not in the
    error: a warning says where the next term is seen, with more than three of its standard errors, to exceed it.

    Arguments: `work` (n,) done ON the system [energy]; `order` 1 (an upper bound), 2, 3 or 4; `temperature` k_B T
    [energy]; `inefficiency` as in `jarzynski`.
    Returns an Estimate [energy], error by jackknife over groups of runs. Diagnostics: `cumulants` kappa_1 .. kappa_4
    [energy^r] and `terms` [energy] with `term_errors`, `bias` of the order 1/n that is left (jackknife). Declines
    infinite works and fewer than 4 runs. Raises `ValueError` for another order.
    Source: C. Jarzynski, Phys. Rev. Lett. 78, 2690 (1997); k-statistics: R. A. Fisher (1929).

    >>> work = np.random.default_rng(0).normal(1.5, 1.0, size=1000)      # dF = 1.5 - 1/2
    >>> print(cumulants(work, 2))
    0.974(41)
    """
    if order not in (1, 2, 3, 4):
        raise ValueError(f"cumulants: order = {order} must be 1, 2, 3 or 4.")
    sample = work_sample("cumulants", work, temperature, inefficiency)
    method = f"cumulants to order {order}, jackknife"
    fault = sample.fault or ("infinite works have no cumulants; use jarzynski or bar" if sample.warnings else "")
    fault = fault or ("fewer than 4 runs have no four cumulants" if sample.count < 4 else "")
    if fault:
        return declined(fault, NAME, method, unit)
    kappa = k_statistics(sample.values)
    sign = np.array([(-1) ** (r + 1) / factorial(r) for r in (1, 2, 3, 4)])
    left = _left_out(sample) * sign
    groups, terms = len(left), kappa * sign
    scale = np.sqrt((groups - 1) * sample.inefficiency)
    errors = scale * np.std(left, axis=0)
    error = float(scale * np.std(left[:, :order].sum(1)))
    bias = (groups - 1) * float(np.mean(left[:, :order].sum(1)) - terms[:order].sum())
    warnings = _verdict(order, terms, errors, error, sample)
    diagnostics = {
        "cumulants": kappa * temperature ** np.arange(1, 5),
        "terms": terms * temperature,
        "term_errors": errors * temperature,
        "bias": bias * temperature,
        "dissipation": float(kappa[0] - terms[:order].sum()) * temperature,
        "dof": groups - 1,
        "inefficiency": sample.inefficiency,
    }
    value = float(terms[:order].sum()) * temperature
    return Estimate(value, np.inf if error <= 1e-12 else error * temperature, unit, NAME, method, warnings, diagnostics)


def _verdict(order: int, terms, errors, error: float, sample: Works) -> tuple[str, ...]:
    warnings = []
    if error <= 1e-12:
        warnings.append("the work does not fluctuate at all: its spread is not known")
    if sample.independent < 25:
        warnings.append(f"{sample.independent:.3g} independent runs: the error is a guess")
    if order < 4 and abs(terms[order]) > max(3 * errors[order], error):
        warnings.append(f"the term of order {order + 1} exceeds the error: the work is not what this order assumes")
    if order == 4 and abs(terms[3]) > max(3 * errors[3], error):
        warnings.append("the last term exceeds the error: the series is not seen to converge")
    return tuple(warnings)


def k_statistics(values, counts=None, sums=None) -> np.ndarray:
    """(.., 4): Fisher's k_1 .. k_4, unbiased estimates of the cumulants, of `values` (n,).

    Or, for many subsets at once, of their `counts` (..) and power sums (.., 4) about any one origin, whose shift is
    then missing from k_1.
    """
    if sums is None:
        values = np.asarray(values, float)
        centre = values.mean()
        powers = (values - centre)[:, None] ** np.arange(1, 5)
        return k_statistics(None, len(values), powers.sum(0)) + np.array([centre, 0, 0, 0])
    n = np.asarray(counts, float)
    s1, s2, s3, s4 = np.moveaxis(np.asarray(sums), -1, 0)
    m = s1 / n
    c2 = s2 - n * m**2
    c3 = s3 - 3 * m * s2 + 2 * n * m**3
    c4 = s4 - 4 * m * s3 + 6 * m**2 * s2 - 3 * n * m**4
    k2 = c2 / (n - 1)
    k3 = n * c3 / ((n - 1) * (n - 2))
    k4 = (n * (n + 1) * c4 - 3 * (n - 1) * c2**2) / ((n - 1) * (n - 2) * (n - 3))
    return np.stack([m, k2, k3, k4], -1)


def _left_out(sample: Works) -> np.ndarray:
    """(G, 4): the cumulants with each group of runs left out."""
    values, n = sample.values, sample.count
    centre = values.mean()
    powers = (values - centre)[:, None] ** np.arange(1, 5)
    groups = n if n - 1 < max(_GROUPS, 4) else _GROUPS
    member = np.arange(n) % groups
    sums = np.stack([np.bincount(member, powers[:, r], groups) for r in range(4)], -1)
    found = k_statistics(None, n - np.bincount(member, minlength=groups), powers.sum(0) - sums)
    return found + np.array([centre, 0, 0, 0])
