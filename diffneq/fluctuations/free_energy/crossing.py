"""Where forward and mirrored reverse work distributions cross: Crooks' theorem read as a graph."""

from collections.abc import Callable

import numpy as np

from diffneq.fluctuations.free_energy.jarzynski import NAME
from diffneq.fluctuations.free_energy.samples import FEW, TOO_FEW, Works, declined, work_sample
from diffneq.statistics import Estimate


def crossing(
    forward,
    reverse,
    temperature: float = 1.0,
    *,
    method: str = "gaussian",
    inefficiency: float | str = 1.0,
    bootstrap: int = 200,
    seed: int = 0,
    unit: str = "",
) -> Estimate:
    """P_F(W) = P_R(-W) at W = dF: the crossing of the two distributions.

    Arguments: `forward` (n_F,), `reverse` (n_R,) work done ON the system either way [energy]; `temperature` k_B T;
    `method` "gaussian", the intersection of two normal laws, or "kernel", of two densities smoothed by one Gaussian
    kernel (no assumption, larger error); `inefficiency` as in `jarzynski`; `bootstrap` resamplings for the error.
    Returns an Estimate [energy]. Diagnostics: `bias` (bootstrap mean minus value; for the kernel also that of
    smoothing, from a doubled squared width), `width` of the kernel, `skewness` either way, `gap` between the samples.
    Warns where the samples do not overlap, where Gaussian laws are contradicted by the skewness, where there is no
    crossing between the means. Raises `ValueError` for wrong shapes and methods.
    Source: G. E. Crooks, Phys. Rev. E 60, 2721 (1999); M. Goette, H. Grubmueller, J. Comput. Chem. 30, 447 (2009).

    >>> rng = np.random.default_rng(0)
    >>> forward, reverse = rng.normal(1.5, 1.0, 1000), rng.normal(-0.5, 1.0, 1000)      # dF = 1
    >>> print(crossing(forward, reverse))
    0.942(33)
    """
    if method not in ("gaussian", "kernel"):
        raise ValueError(f"crossing: method = {method!r} must be 'gaussian' or 'kernel'.")
    f = work_sample("crossing", forward, temperature, inefficiency, "forward")
    r = work_sample("crossing", reverse, temperature, inefficiency, "reverse")
    name = f"crossing of {method} densities, bootstrap of {bootstrap}"
    fault = f.fault or r.fault
    if not fault and (f.warnings or r.warnings):
        fault = "infinite works have no density; use bar"
    if not fault and min(np.ptp(f.values), np.ptp(r.values)) == 0:
        fault = "works that do not fluctuate have no density"
    if fault:
        return declined(fault, NAME, name, unit)
    width = _kernel_width(f, r)
    find: Callable = _gaussian if method == "gaussian" else lambda a, b: _kernel(a, b, width)
    value = find(f.values, -r.values)
    if not np.isfinite(value):
        return declined("the two densities do not cross between their means", NAME, name, unit)
    rng = np.random.default_rng(seed)
    found = np.array([find(rng.choice(f.values, f.count), -rng.choice(r.values, r.count)) for _ in range(bootstrap)])
    known = found[np.isfinite(found)]
    error = float(np.std(known, ddof=1) * np.sqrt(max(f.inefficiency, r.inefficiency))) if len(known) > 1 else np.inf
    bias = float(known.mean() - value) if len(known) else np.inf
    if method == "kernel":
        bias += _kernel(f.values, -r.values, np.sqrt(2) * width) - value
    diagnostics = {"skewness": (_skewness(f.values), _skewness(r.values)), "lost": int(bootstrap - len(known))}
    diagnostics |= {"gap": float(f.values.min() + r.values.min()) * temperature, "bias": bias * temperature}
    diagnostics |= {"width": width * temperature if method == "kernel" else np.nan}
    warnings, error = _verdict(f, r, method, error, bias, diagnostics)
    return Estimate(value * temperature, error * temperature, unit, NAME, name, warnings, diagnostics)


def _gaussian(forward: np.ndarray, mirrored: np.ndarray) -> float:
    """The intersection of two normal laws that lies between, or else nearest to, their means."""
    m, s, M, S = forward.mean(), forward.std(ddof=1), mirrored.mean(), mirrored.std(ddof=1)
    if s == 0 or S == 0:
        return np.nan
    # (x - m)^2/s^2 - (x - M)^2/S^2 + 2 ln(s/S) = 0
    a, b, c = 1 / s**2 - 1 / S**2, -2 * (m / s**2 - M / S**2), m**2 / s**2 - M**2 / S**2 + 2 * np.log(s / S)
    root = b**2 - 4 * a * c
    if root < 0:
        return np.nan
    # the root that stays finite as the widths become equal is the one between the means
    q = -(b + np.copysign(np.sqrt(root), b)) / 2
    roots = np.array([c / q if q else 0.0, q / a if a else np.inf])
    return float(roots[np.argmin(np.abs(roots - (m + M) / 2))])


def _kernel_width(f: Works, r: Works) -> float:
    """Silverman's width, of the smaller sample and the narrower law."""
    spread = min(min(s.values.std(ddof=1), np.subtract(*np.percentile(s.values, [75, 25])) / 1.349) for s in (f, r))
    spread = spread if spread > 0 else min(f.values.std(), r.values.std())
    return float(0.9 * spread * min(f.independent, r.independent) ** -0.2)


def _kernel(forward: np.ndarray, mirrored: np.ndarray, width: float) -> float:
    """The crossing of the smoothed densities nearest to the middle of the means, on a grid between and beyond them."""
    low, high = sorted((forward.mean(), mirrored.mean()))
    x = np.linspace(low - 2 * width, high + 2 * width, 65)
    difference = _smooth(forward, x, width) - _smooth(mirrored, x, width)
    change = np.flatnonzero(np.diff(np.sign(difference)) != 0)
    if len(change) == 0:
        return np.nan
    at = change[np.argmin(np.abs(x[change] - (low + high) / 2))]
    share = difference[at] / (difference[at] - difference[at + 1])
    return float(x[at] + share * (x[at + 1] - x[at]))


def _smooth(values: np.ndarray, x: np.ndarray, width: float) -> np.ndarray:
    """A density on the grid x: the kernel over a histogram of a tenth of its width, quick for many runs."""
    edges = np.arange(values.min() - width, values.max() + 1.1 * width, width / 10)
    counts, edges = np.histogram(values, edges)
    centres = (edges[1:] + edges[:-1]) / 2
    return np.exp(-(((x[:, None] - centres) / width) ** 2) / 2) @ counts / (len(values) * width * np.sqrt(2 * np.pi))


def _skewness(values: np.ndarray) -> float:
    centred = values - values.mean()
    return float(np.mean(centred**3) / np.mean(centred**2) ** 1.5)


def _verdict(f: Works, r: Works, method: str, error: float, bias: float, found: dict) -> tuple[tuple[str, ...], float]:
    warnings = []
    if min(f.independent, r.independent) < FEW:
        warnings.append("few independent runs in one direction: the bootstrap error is a guess")
    if min(f.independent, r.independent) < TOO_FEW:
        error = np.inf
    if method == "gaussian":
        doubt = [abs(g) / np.sqrt(6 / s.independent) for g, s in zip(found["skewness"], (f, r), strict=True)]
        if max(doubt) > 4:
            warnings.append("the works are skewed, so not Gaussian: the crossing of Gaussian laws is biased")
    if found["gap"] > 0:
        warnings.append("the two samples do not overlap: the crossing is an extrapolation")
        error = error if method == "gaussian" else np.inf
    if found["lost"] > 0:
        warnings.append(f"{found['lost']} resampled pairs of densities do not cross")
    if not error > 0:
        return (*warnings, "the bootstrap shows no spread: there is no error"), np.inf
    if abs(bias) > error:
        warnings.append("the bias exceeds the error")
    return tuple(warnings), error
