"""Jarzynski's equality: a free energy difference from the work of one-way runs."""

import numpy as np

from diffneq.fluctuations.free_energy.samples import FEW, TOO_FEW, Works, declined, log_mean_exp, work_sample
from diffneq.fluctuations.free_energy.tails import lognormal_spread, pareto_shape
from diffneq.statistics import Estimate

NAME = "free energy difference"
# Measured on Gaussian work of 20 to 10^4 runs: up to 0.1 the first-order error covers, up to 0.5 the expected one does.
_DOUBTFUL, _HOPELESS = 0.1, 0.5
_HEAVIEST = 0.7  # P(exp(-W) > x) ~ x^(-1/k): the mean converges too slowly to be of use (Vehtari and others 2024)


def jarzynski(work, temperature: float = 1.0, *, inefficiency: float | str = 1.0, unit: str = "") -> Estimate:
    """dF = -k_B T ln <exp(-W/k_B T)>, over runs that start in equilibrium, whatever the speed.

    The average is made by rare runs: of n runs of Gaussian work with mean dissipation D [k_B T] the variance of dF is
    (e^(2D) - 1)/n and its bias half of that while they are small; about exp(D_reverse) runs are needed, D_reverse
    the dissipation of the reverse process.

    Arguments: `work` (n,) done ON the system [energy], with the shadow work of the integrator; +inf counts as
    exp(-inf) = 0; `temperature` k_B T [energy]; `inefficiency` g, runs per independent run, or "auto".
    Returns an Estimate [energy]. Its error is that of first order (delta method); infinite, with a warning, where the
    tail of exp(-W) shows that the average was not resolved (`pareto_shape`), below 10 runs, and for works that do not
    fluctuate. Its degrees of freedom are the effective runs.
    Diagnostics: `bias` (jackknife, not subtracted), `bias_large_n`, `pareto_shape`, `effective_runs`
    (sum w)^2/sum w^2, `dissipation` <W> - dF, `reverse_dissipation` by reweighting and `runs_needed`, its
    exponential: both lower bounds when the average is not resolved. All in units of energy or pure numbers.
    Raises `ValueError` for wrong shapes. Source: C. Jarzynski, Phys. Rev. Lett. 78, 2690 (1997) and Phys. Rev. E 73,
    046105 (2006); J. Gore, F. Ritort, C. Bustamante, Proc. Natl. Acad. Sci. 100, 12564 (2003).

    >>> work = np.random.default_rng(0).normal(1.5, 1.0, size=1000)      # dF = 1.5 - 1/2
    >>> print(jarzynski(work))
    0.944(52)
    """
    sample = work_sample("jarzynski", work, temperature, inefficiency)
    method = "Jarzynski average, delta method"
    if sample.fault:
        value = np.inf if np.isposinf(sample.values).all() else np.nan
        return declined(sample.fault, NAME, method, unit, value)
    reduced, error, diagnostics = _average(sample)
    warnings, error = _verdict(sample, error, diagnostics)
    energies = ("bias", "bias_large_n", "dissipation", "reverse_dissipation")
    diagnostics |= {key: diagnostics[key] * temperature for key in energies}
    return Estimate(reduced * temperature, error * temperature, unit, NAME, method, warnings, diagnostics)


def _average(sample: Works) -> tuple[float, float, dict]:
    """dF/kT, its error to first order, and what there is to know about the average."""
    w, n = sample.values, sample.count
    reduced = -float(log_mean_exp(-w))
    weight = np.exp(reduced - w)  # mean 1
    variance = float(np.var(weight))
    error = np.sqrt(variance / sample.independent)
    with np.errstate(divide="ignore"):
        without = -np.log((n - weight) / (n - 1)) if n > 1 else np.full(1, np.inf)
    bias = sample.inefficiency * (n - 1) * float(np.mean(without))  # jackknife, relative to the full average
    shape, shape_error = pareto_shape(-np.sort(w)[:: round(sample.inefficiency)])  # one rank for each independent run
    finite = np.isfinite(w)
    effective = float(np.sum(weight) ** 2 / np.sum(weight**2)) / sample.inefficiency
    mean_reverse = float(np.sum(weight[finite] * w[finite]) / n)
    return (
        reduced,
        error,
        {
            "bias": bias,
            "bias_large_n": variance / (2 * sample.independent),
            "expected_error": float(np.sqrt(np.expm1(min(lognormal_spread(-w), 700.0)) / sample.independent)),
            "pareto_shape": shape,
            "pareto_shape_error": float(shape_error),
            "effective_runs": effective,
            "dissipation": float(np.mean(w)) - reduced,
            "reverse_dissipation": reduced - mean_reverse,
            "runs_needed": float(np.exp(min(reduced - mean_reverse, 700.0))),
            "dof": max(effective - 1, 1.0),
            "inefficiency": sample.inefficiency,
        },
    )


def _verdict(sample: Works, error: float, found: dict) -> tuple[tuple[str, ...], float]:
    """Warnings, and the error or infinity."""
    warnings, shape, expected = list(sample.warnings), found["pareto_shape"], found["expected_error"]
    if error <= 1e-12:
        warnings.append("the work does not fluctuate at all: the runs that matter were not sampled, or it is one run")
        return tuple(warnings), np.inf
    if sample.independent < FEW:
        warnings.append(f"{sample.independent:.3g} independent runs: too few to see whether rare ones are missing")
    if sample.independent < TOO_FEW:
        return tuple(warnings), np.inf
    heavy = shape - found["pareto_shape_error"] >= _HEAVIEST
    if heavy or expected > _HOPELESS:
        seen = f"expected relative error {expected:.2g}, tail index k = {shape:.2f}"
        warnings.append(f"{sample.count} runs do not resolve <exp(-W)> ({seen}): there is no honest error")
        return tuple(warnings), np.inf
    if expected > _DOUBTFUL:
        warnings.append("few runs reach the works that matter: the error is that of Gaussian work if it is larger")
        error = max(error, expected)
    if abs(found["bias"]) > 0.5 * error:
        warnings.append("the bias is more than half of the error: more runs, or slower ones")
    return tuple(warnings), error
