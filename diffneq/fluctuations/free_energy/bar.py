"""Bennett's acceptance ratio: a free energy difference from forward and reverse runs."""

import numpy as np

from diffneq.fluctuations.free_energy.acceptance import acceptance, log_ratio, solve
from diffneq.fluctuations.free_energy.jarzynski import NAME
from diffneq.fluctuations.free_energy.samples import FEW, Works, declined, work_sample
from diffneq.statistics import Estimate

# Measured on Gaussian work of 20 to 10^4 runs either way, dissipation 0.1 to 40: see the slow test of coverage.
_DOUBTFUL, _HOPELESS = 10.0, 1.0  # runs in the overlap
_GROUPS = 16  # of the jackknife of the bias


def bar(
    forward,
    reverse,
    temperature: float = 1.0,
    *,
    inefficiency: float | str | tuple[float | str, float | str] = 1.0,
    bootstrap: int = 0,
    seed: int = 0,
    unit: str = "",
) -> Estimate:
    """sum_F 1/(1 + e^(M + (W_F - dF)/kT)) = sum_R 1/(1 + e^(-M + (W_R + dF)/kT)), M = ln(n_F/n_R): solved for dF.

    Of all estimates from forward and reverse works this one has the least variance, N var(dF/kT) = 2/O - 4 for N/2
    runs either way with Bennett overlap O.

    Arguments: `forward` (n_F,), `reverse` (n_R,): work done ON the system by the protocol and by its reverse, each
    started in equilibrium [energy], +inf allowed (hard walls); `temperature` k_B T [energy]; `inefficiency` g, runs
    per independent run (one number, one for each direction, or "auto"); `bootstrap`, resamplings for the error
    instead of the asymptotic formula, 0 for none, from `seed`.
    Returns an Estimate [energy]; the error is infinite, with a warning, where less than one run reaches the overlap,
    and has few degrees of freedom (`dof`, twice the shared runs) where few do. Diagnostics: `bias` (grouped
    jackknife, not subtracted), `overlap` O, `shared_runs` (the sum above), `convergence` (first against second
    moments, 0 when converged), `dissipation` <W_F> - dF and `reverse_dissipation` <W_R> + dF, `runs_needed` either
    way for ten runs in the overlap. Raises `ValueError` for wrong shapes and an empty direction.
    Source: C. H. Bennett, J. Comput. Phys. 22, 245 (1976); M. R. Shirts, E. Bair, G. Hooker, V. S. Pande, Phys. Rev.
    Lett. 91, 140601 (2003); A. M. Hahn, H. Then, Phys. Rev. E 80, 031111 (2009).

    >>> rng = np.random.default_rng(0)
    >>> forward, reverse = rng.normal(1.5, 1.0, 1000), rng.normal(-0.5, 1.0, 1000)      # dF = 1, dissipation 1/2
    >>> print(bar(forward, reverse))
    0.984(22)
    """
    pair = inefficiency if isinstance(inefficiency, tuple) else (inefficiency, inefficiency)
    f = work_sample("bar", forward, temperature, pair[0], "forward")
    r = work_sample("bar", reverse, temperature, pair[1], "reverse")
    method = "Bennett acceptance ratio, " + (f"bootstrap of {bootstrap}" if bootstrap else "asymptotic error")
    if f.fault or r.fault:
        return declined(f.fault or r.fault, NAME, method, unit)
    centre, error, found = ratio_estimate(f, r)
    if bootstrap:
        error = _bootstrap(f, r, centre, bootstrap, seed)
    found["bias"] = _bias(f, r, centre)
    warnings, error = _verdict(f, r, error, found)
    for key in ("bias", "dissipation", "reverse_dissipation"):
        found[key] *= temperature
    return Estimate(centre * temperature, error * temperature, unit, NAME, method, warnings, found)


def ratio_estimate(f: Works, r: Works) -> tuple[float, float, dict]:
    """dF/kT, its asymptotic error and what the Fermi functions say of the overlap."""
    ratio = log_ratio(f, r)
    centre = solve(f, r, ratio)
    up, down = acceptance(f, r, centre, ratio)
    error = np.sqrt(_relative(up) / f.independent + _relative(down) / r.independent)
    up_one, down_one = acceptance(f, r, centre, 0.0)
    overlap = float(up_one.mean() + down_one.mean()) / 2
    second = float(np.mean(up_one**2) + np.mean(down_one**2))
    shared = float(up.sum()) / f.inefficiency
    return (
        centre,
        float(error),
        {
            "dof": max(2 * shared, 1.0),
            "overlap": overlap,
            "shared_runs": shared,
            "convergence": 1 - second / overlap if overlap > 0 else 1.0,
            "dissipation": float(np.mean(f.values)) - centre,
            "reverse_dissipation": float(np.mean(r.values)) + centre,
            "runs_needed": _DOUBTFUL / overlap if overlap > 0 else np.inf,
            "inefficiency": (f.inefficiency, r.inefficiency),
        },
    )


def _relative(accepted: np.ndarray) -> float:
    """<f^2>/<f>^2 - 1; a scaling by the largest keeps tiny acceptances from underflow."""
    top = accepted.max()
    return float(np.var(accepted / top) / np.mean(accepted / top) ** 2) if top > 0 else np.inf


def _bootstrap(f: Works, r: Works, centre: float, times: int, seed: int) -> float:
    """Standard deviation over resampled works, widened by the inefficiencies."""
    rng = np.random.default_rng(seed)
    ratio, found = log_ratio(f, r), []
    for _ in range(times):
        pick = [Works(rng.choice(s.values, s.count), s.inefficiency, "", ()) for s in (f, r)]
        if all(np.isfinite(s.values).any() for s in pick):
            found.append(solve(*pick, ratio, centre))
    return float(np.std(found, ddof=1) * np.sqrt(max(f.inefficiency, r.inefficiency))) if len(found) > 1 else np.inf


def _bias(f: Works, r: Works, centre: float) -> float:
    """(G - 1)(mean over left-out groups - all), for each direction: the term of order 1/n of the bias."""
    total, ratio = 0.0, log_ratio(f, r)
    for which, sample in enumerate((f, r)):
        groups = min(_GROUPS, sample.count)
        if groups < 2:
            return np.inf
        left = []
        for group in range(groups):
            kept = np.delete(sample.values, slice(group, None, groups))
            if not np.isfinite(kept).any():
                return np.inf
            part = Works(kept, sample.inefficiency, "", ())
            left.append(solve(*((part, r) if which == 0 else (f, part)), ratio, centre))
        total += (groups - 1) * (float(np.mean(left)) - centre)
    return total


def _verdict(f: Works, r: Works, error: float, found: dict) -> tuple[tuple[str, ...], float]:
    """Warnings, and the error: as it is, widened, or infinite."""
    warnings, shared = [*f.warnings, *r.warnings], found["shared_runs"]
    needed = f"about {found['runs_needed']:.3g} either way are needed"
    if error <= 1e-12 or min(f.count, r.count) < 2:
        warnings.append("the works do not fluctuate, or there is one run only: their spread is not known")
        return tuple(warnings), np.inf
    if shared < _HOPELESS:
        warnings.append(f"no overlap: {shared:.2g} runs reach it, {needed}")
        return tuple(warnings), np.inf
    if min(f.independent, r.independent) < FEW:
        warnings.append("few independent runs in one direction: the asymptotic error is a guess")
    if shared < _DOUBTFUL:
        warnings.append(f"poor overlap: {shared:.2g} runs reach it, {needed}")
    if abs(found["bias"]) > 0.5 * error:
        warnings.append("the bias is more than half of the error: more runs, or slower ones")
    return tuple(warnings), error
