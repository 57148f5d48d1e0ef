"""ln p(x)/q(x) = a x + b without bins: logistic regression of where a value came from."""

from dataclasses import dataclass

import numpy as np

from diffneq.statistics.distributions import chi_squared_tail

_STEPS = 100
_BINS = 12


@dataclass(frozen=True)
class LineFit:
    """a, b with their covariance (2, 2); `fault` where there is no finite maximum of the likelihood.

    `points` (3, B): x, ln p/q and its error in bins that hold both kinds; `linearity`, the p-value of the bins about
    the line (nan where values are correlated, or there are too few bins).
    """

    slope: float
    intercept: float
    covariance: np.ndarray
    points: np.ndarray
    linearity: float
    fault: str = ""


def two_samples(first, second, inefficiency: tuple[float, float] = (1.0, 1.0)) -> LineFit:
    """p from the sample `first` (n,), q from `second` (m,), drawn separately. +inf is counted, not fitted."""
    x = np.concatenate([first, second])
    is_first = np.arange(len(x)) < len(first)
    weight = np.where(is_first, 1 / inefficiency[0], 1 / inefficiency[1])
    offset = np.log(len(first) / inefficiency[0]) - np.log(len(second) / inefficiency[1])
    return _fit(x, is_first, weight, offset, strata=is_first)


def mirrored(values, groups=None, inefficiency: float = 1.0) -> LineFit:
    """p(x)/p(-x) for x > 0 from one sample (n,): the odds of the sign at given |x|. `groups` (n,) are independent."""
    x = np.asarray(values, float)
    seen = x != 0
    kept = None if groups is None else np.asarray(groups)[seen]
    weight = np.full(int(seen.sum()), 1 / inefficiency)
    return _fit(np.abs(x[seen]), x[seen] > 0, weight, 0.0, groups=kept)


def _fit(x, label, weight, offset, *, strata=None, groups=None) -> LineFit:
    good = np.isfinite(x)
    fault = _separation(x[good], label[good])
    if fault:
        return LineFit(np.nan, np.nan, np.full((2, 2), np.inf), np.zeros((3, 0)), np.nan, fault)
    x, label, weight = x[good], label[good], weight[good]
    centre, scale = x.mean(), x.std()
    z = np.stack([(x - centre) / scale, np.ones_like(x)])
    theta = np.array([0.0, -offset])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-(theta @ z + offset)))
        hessian = (z * (weight * p * (1 - p))) @ z.T
        step = np.linalg.lstsq(hessian, z @ (weight * (label - p)), rcond=1e-14)[0]
        theta = theta + step * min(1.0, 4.0 / max(np.max(np.abs(step)), 1e-300))
        if np.max(np.abs(step)) < 1e-10:
            break
    else:
        fault = "the likelihood has no finite maximum that Newton's method finds"
    p = 1 / (1 + np.exp(-(theta @ z + offset)))
    covariance = _sandwich(z, label - p, weight, hessian, None if strata is None else strata[good], groups)
    back = np.array([[1 / scale, 0.0], [-centre / scale, 1.0]])
    slope, intercept = back @ theta
    share = p  # of the first kind, at the fitted line
    points, linearity = _bins(x, label, share, offset, correlated=groups is not None or weight.min() < 1)
    return LineFit(float(slope), float(intercept), back @ covariance @ back.T, points, linearity, fault)


def _separation(x, label) -> str:
    """No line has finite slope where one kind lies wholly beyond the other."""
    if label.all() or not label.any():
        return "all values are of one kind: no value on the other side was sampled"
    one, other = x[label], x[~label]
    if one.min() >= other.max() or other.min() >= one.max():
        return "the two samples do not overlap: no run reaches where the other is"
    return ""


def _sandwich(z, residual, weight, hessian, strata, groups) -> np.ndarray:
    """H^-1 (sum of squared scores) H^-1; scores about their mean in samples of given size, summed over groups first."""
    score = z * (weight * residual)
    if strata is not None:  # the label was given, not drawn
        for kind in (strata, ~strata):
            score[:, kind] -= score[:, kind].mean(1, keepdims=True)
    if groups is not None:
        member = np.unique(groups, return_inverse=True)[1]
        score = np.stack([np.bincount(member, row) for row in score])
        count = score.shape[1]
        score = score * np.sqrt(count / max(count - 1, 1))
    else:
        score = score / np.sqrt(weight)
    inverse = np.linalg.pinv(hessian, hermitian=True)
    return inverse @ (score @ score.T) @ inverse


def _bins(x, label, share, offset, correlated: bool) -> tuple[np.ndarray, float]:
    """Log ratios in bins of equally many of the rarer kind, and the p-value of their counts given the line."""
    rare = np.sort(x[label] if label.sum() < (~label).sum() else x[~label])
    inner = np.linspace(0, len(rare), min(_BINS, max(len(rare) // 8, 1)) + 1)[1:-1].astype(int)
    place = np.searchsorted(np.unique(rare[inner]), x, side="right")
    size = place.max() + 1
    both, ones = np.bincount(place, minlength=size), np.bincount(place, label, size)
    expected, spread = np.bincount(place, share, size), np.bincount(place, share * (1 - share), size)
    seen = (ones >= 4) & (both - ones >= 4)
    one, other = ones[seen], (both - ones)[seen]
    # halfway between the means of the two kinds: ln of a ratio of integrals belongs there, to second order in the width
    middle = (np.bincount(place, x * label, size)[seen] / one + np.bincount(place, x * ~label, size)[seen] / other) / 2
    points = np.stack([middle, np.log(one / other) - offset, np.sqrt(1 / one + 1 / other)])
    if correlated or seen.sum() < 4:
        return points, np.nan
    chi2 = float(np.sum((ones - expected)[seen] ** 2 / spread[seen]))
    return points, chi_squared_tail(chi2, int(seen.sum()) - 2)
