"""Protocols of many steps: free energies along the way, and staged switching."""

import numpy as np

from diffneq.fluctuations.free_energy.acceptance import acceptance, log_ratio
from diffneq.fluctuations.free_energy.bar import bar, ratio_estimate
from diffneq.fluctuations.free_energy.free_energies import FreeEnergies
from diffneq.fluctuations.free_energy.jarzynski import NAME
from diffneq.fluctuations.free_energy.samples import Works, work_sample
from diffneq.statistics import Estimate


def work_profile(forward, reverse, temperature: float = 1.0) -> FreeEnergies:
    """e^(-F_t) = sum_paths e^(-w_t)/(n_F + n_R e^(-(W - dF))): free energies at every step of one switching protocol.

    All works in k_BT. The sum runs over forward paths and over reverse paths read backwards; w_t is the work up to
    step t in the forward sense, W = w_K the whole. By Crooks' theorem for paths the two kinds make one weighted
    forward sample; at t = K the equation is Bennett's.

    Arguments: `forward` (n_F, K), the work done ON the system in each step of the forward protocol [energy];
    `reverse` (n_R, K), the same in the reverse runs, in the order in which THEY were made: step 0 of the reverse
    undoes step K - 1 of the forward; `temperature` k_B T.
    Returns `FreeEnergies` of the K + 1 states; covariances by influence functions (two independent samples, first
    order). Raises `ValueError` for wrong shapes and for works that are not finite (whole-run works may be infinite
    in `bar`). Source: D. D. L. Minh, A. B. Adib, Phys. Rev. Lett. 100, 180602 (2008); D. D. L. Minh, J. D. Chodera,
    J. Chem. Phys. 131, 134110 (2009).

    >>> rng = np.random.default_rng(0)      # two steps, dF = 1 and 0, dissipation 1/2 and variance 1 in each
    >>> forward = rng.normal([1.5, -0.5], 1.0, (2000, 2))
    >>> reverse = rng.normal([1.5, -0.5], 1.0, (2000, 2))
    >>> print(*work_profile(forward, reverse).profile())
    0.973(18) -0.029(23)
    """
    f, r = (_steps(w, temperature, n) for w, n in ((forward, "forward"), (reverse, "reverse")))
    if f.shape[1] != r.shape[1]:
        raise ValueError(f"work_profile: {f.shape[1]} forward and {r.shape[1]} reverse steps; give equally many.")
    whole = [work_sample("work_profile", w.sum(1), 1.0, 1.0, n) for w, n in ((f, "forward"), (r, "reverse"))]
    centre, _, found = ratio_estimate(*whole)
    log_a, w, a = _path_weights(f, r, centre)
    logs = log_a[:, None] - w
    top = logs.max(0)
    share = np.exp(logs - top)
    total = share.sum(0)
    values = -(np.log(total) + top)
    share = share / total
    slope = share.T @ (1 - len(f) * a)  # dF_t/d dF
    influence = _centred(-share, len(f)) + _bar_influence(*whole, centre)[:, None] * slope
    shared = np.full((len(values),) * 2, found["shared_runs"])
    np.fill_diagonal(shared, np.inf)
    method = "bidirectional path weights, influence functions"
    return FreeEnergies(values - values[0], influence.T @ influence, shared, None, method)


def _steps(work, temperature: float, name: str) -> np.ndarray:
    values = np.asarray(work, np.float64) / float(temperature)
    if values.ndim != 2 or min(values.shape, default=0) < 1 or len(values) < 2:
        raise ValueError(f"work_profile: {name} must be (n, K), n >= 2 runs of K steps, got shape {values.shape}.")
    if not np.isfinite(values).all():
        raise ValueError(f"work_profile: {name} holds NaN or infinity; bar takes infinite works of whole runs.")
    return values


def _path_weights(f: np.ndarray, r: np.ndarray, centre: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """ln a and a = 1/(n_F + n_R e^(-(W - dF))) of all paths (N,), and forward works up to every step (N, K + 1)."""
    steps = np.concatenate([f, -r[:, ::-1]])
    w = np.concatenate([np.zeros((len(steps), 1)), np.cumsum(steps, 1)], 1)
    log_a = -np.logaddexp(np.log(len(f)), np.log(len(r)) - w[:, -1] + centre)
    return log_a, w, np.exp(log_a)


def _centred(x: np.ndarray, first: int) -> np.ndarray:
    """Each of the two samples about its own mean: their sizes are given, not drawn."""
    return np.concatenate([x[:first] - x[:first].mean(0), x[first:] - x[first:].mean(0)])


def _bar_influence(f: Works, r: Works, centre: float) -> np.ndarray:
    """What each run adds to Bennett's dF to first order, (n_F + n_R,)."""
    up, down = acceptance(f, r, centre, log_ratio(f, r))
    slope = np.sum(up * (1 - up)) + np.sum(down * (1 - down))
    return -_centred(np.concatenate([up, -down]), f.count) / slope


def staged(forward, reverse, temperature: float = 1.0, *, unit: str = "", **options) -> Estimate:
    """dF = sum_i dF_i, each by Bennett's acceptance ratio from runs of its own: errors add in squares.

    Arguments: `forward`, `reverse`, sequences of the works (n_i,) of each stage, done by runs that start in the
    equilibrium at the ends of their stage; runs must not be shared between stages (`multistate` allows for that);
    `options` as in `bar`. Returns one Estimate; the Estimates of the stages are in the diagnostics, and their
    warnings are carried with the number of the stage. Raises `ValueError` for unequal numbers of stages.

    >>> rng = np.random.default_rng(0)
    >>> runs = [rng.normal(0.5, 1.0, 1000) for _ in range(4)]
    >>> print(staged(runs[:2], runs[2:]))      # dF = 0
    -0.018(32)
    """
    if len(forward) != len(reverse) or len(forward) == 0:
        raise ValueError(f"staged: {len(forward)} forward and {len(reverse)} reverse stages; give equally many.")
    stages = [bar(f, r, temperature, unit=unit, **options) for f, r in zip(forward, reverse, strict=True)]
    value = float(sum(stage.value for stage in stages))
    error = float(np.sqrt(sum(stage.error**2 for stage in stages)))
    warnings = tuple(f"stage {i}: {text}" for i, stage in enumerate(stages) for text in stage.warnings)
    bias = sum(stage.diagnostics.get("bias", np.nan) for stage in stages)
    diagnostics = {"stages": stages, "bias": bias}
    return Estimate(value, error, unit, NAME, f"sum of {len(stages)} Bennett stages", warnings, diagnostics)
