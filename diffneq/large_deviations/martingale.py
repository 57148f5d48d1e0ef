"""Cumulant rates of a time-integrated current from records, by way of a martingale."""

from __future__ import annotations

import numpy as np

from diffneq.statistics import Estimate

_METHOD = "martingale increments, jackknife"


def martingale_cumulants(
    displacement, state, interval: float, *, memory: float, order: int = 3, corrector: int = 3, groups: int = 32
) -> list[Estimate]:
    """lim kappa_n(X_t)/t from d_j = X_{j+1} - X_j + g(V_{j+1}) - g(V_j) - mean, with g such that <d_j | V_j> = 0.

    X and X + g(V) have the same cumulant rates, because g(V) does not grow with time. But d_j is a martingale
    difference: no product of which the latest factor is single has a mean, and with S_j the sum of the d of the
    `memory` before j, and <.>_c joint cumulants,

        kappa_2 = <d^2>/h,  kappa_3 = (<d^3> + 3 <d^2 S>_c)/h,  kappa_4 = (<d^4>_c + 4 <d^3 S>_c + 6 <d^2 S S>_c)/h.

    The error of kappa_3 is then that of windows of length about sqrt(h memory) that need no correction for their ends.
    g is a polynomial in V, found by regression on the records: sum_k c_k cov(V^k_{j+1} - V^k_j, V^l_j)
    = -cov(X_{j+1} - X_j, V^l_j). What it lacks, and what `memory` cuts off, is a bias, the latter of relative size
    exp(-memory/relaxation time): half the memory is tried too, and a difference of more than two errors is a warning;
    so is a d that is correlated with S.

    Arguments: `displacement` X and `state` V (R, T) of a stationary Markov process that V determines, R >= 4
    independent replicas; `interval` h between two records, best a fraction of the relaxation time; `memory`, about six
    relaxation times; `order` 1 to 4 of the highest cumulant; `corrector`, the degree of g; `groups` of replicas for the
    jackknife. Returns an Estimate for each n = 1, ..., order.

    Raises `ValueError` for arrays of other shapes, NaN, or records shorter than two memories.

    Source: M. I. Gordin, Sov. Math. Dokl. 10, 1174 (1969), for the martingale; the sums follow from it.

    >>> rng = np.random.default_rng(0)
    >>> noise = rng.normal(size=(64, 2000))                              # X is a random walk: kappa_2 = 1
    >>> walk = np.cumsum(noise, axis=1)
    >>> [str(k) for k in martingale_cumulants(walk, rng.normal(size=walk.shape), 1.0, memory=5.0, order=2)]
    ['-0.0006(26)', '1.0029(36)']
    """
    x, v = (np.asarray(a, np.float64) for a in (displacement, state))
    lag = _checked(x, v, interval, memory, order)
    data = _Increments(x, v, corrector, int(min(groups, len(x))))
    full, half = _jackknife(data, lag), _jackknife(data, max(1, lag // 2))
    diagnostics = {"corrector": data.coefficients, "memory": lag * interval, "dof": len(full) - 2}
    correlated = _stands_out(full[:, 4], 4)
    out = []
    for n in range(1, order + 1):
        warnings = ()
        change, error = full[0, n - 1] - half[0, n - 1], _with_error(full[:, n - 1])[1]
        if n > 2 and abs(change) > 2 * error:
            warnings += ("half the memory gives another value: the memory may be too short",)
        if n > 1 and correlated:
            warnings += ("increments are correlated with those before: raise the degree of the corrector",)
        value, name = full[0, n - 1] / interval, f"kappa_{n} rate"
        out.append(Estimate(value, error / interval, "", name, _METHOD, warnings, diagnostics))
    return out


def _checked(x: np.ndarray, v: np.ndarray, interval: float, memory: float, order: int) -> int:
    """The memory in records."""
    owner = "martingale_cumulants"
    if x.ndim != 2 or x.shape != v.shape or len(x) < 4:
        raise ValueError(f"{owner}: displacement and state are both (R, T) with R >= 4; got {x.shape}, {v.shape}.")
    if not (np.isfinite(x).all() and np.isfinite(v).all()):
        raise ValueError(f"{owner}: the records have NaN or infinite entries; give an uninterrupted stretch.")
    if order not in (1, 2, 3, 4):
        raise ValueError(f"{owner}: order is 1 to 4, got {order}.")
    if not (interval > 0 and memory > 0):
        raise ValueError(f"{owner}: interval and memory must be positive, got {interval}, {memory}.")
    lag = max(1, round(memory / interval))
    if x.shape[1] < 2 * lag + 2:
        raise ValueError(
            f"{owner}: {x.shape[1]} records of {interval:g} are shorter than two memories of {memory:g}: record longer."
        )
    return lag


class _Increments:
    """Steps of X and of the powers of V/std V, and the regression, whole and without each of the groups."""

    def __init__(self, x: np.ndarray, v: np.ndarray, degree: int, groups: int):
        powers = [(v / np.std(v)) ** k for k in range(1, degree + 1)]
        self.step, self.change = np.diff(x, axis=1), [np.diff(p, axis=1) for p in powers]
        before = [p[:, :-1] - p[:, :-1].mean() for p in powers]
        self.split = np.array_split(np.arange(len(x)), groups)
        dot = lambda a, b: np.array([np.vdot(a[part], b[part]) for part in self.split])
        matrix = np.array([[dot(b, c) for c in self.change] for b in before])
        vector = np.array([dot(b, self.step) for b in before])
        solve = lambda m, r: -np.linalg.solve(m, r)
        total, right = matrix.sum(axis=2), vector.sum(axis=1)
        self.coefficients = solve(total, right)
        self.without = np.array([solve(total - matrix[..., g], right - vector[:, g]) for g in range(groups)])

    def sums(self, coefficients: np.ndarray, lag: int) -> np.ndarray:
        """Means over each group of d, and of the products d^a S^b of the d about their mean, (groups, 11)."""
        d = self.step + sum(c * change for c, change in zip(coefficients, self.change, strict=True))
        centred = d - d.mean()
        total = np.concatenate([np.zeros((len(d), 1)), np.cumsum(centred, axis=1)], axis=1)
        late, before = centred[:, lag:], total[:, lag:-1] - total[:, : -lag - 1]
        square = late * late
        products = (late, square, square * late, square * square, before, late * before, square * before,
                    square * late * before, before * before, square * before * before)  # fmt: skip
        each = np.stack([d.mean(axis=1), *(p.mean(axis=1) for p in products)], axis=1)
        return np.stack([each[part].mean(axis=0) for part in self.split])


def _jackknife(data: _Increments, lag: int) -> np.ndarray:
    """Cumulants of the increments (kappa_1..kappa_4, <d S>) from all groups, then without each; (groups + 1, 5).

    The regression is repeated without each group as well; its effect on the means is taken to first order.
    """
    sums = data.sums(data.coefficients, lag)
    size = np.array([len(part) for part in data.split])[:, None]
    everything, total = (size * sums).sum(axis=0), size.sum()
    left_out = (everything - size * sums) / (total - size)
    for k, coefficient in enumerate(data.coefficients):
        small = 1e-3 * max(abs(coefficient), 1e-2 * np.max(np.abs(data.coefficients)))
        shifted = data.coefficients + small * (np.arange(len(data.coefficients)) == k)
        slope = ((size * data.sums(shifted, lag)).sum(axis=0) - everything) / (total * small)
        left_out = left_out + (data.without[:, k] - coefficient)[:, None] * slope
    return np.array([_cumulants(m) for m in (everything / total, *left_out)])


def _cumulants(m: np.ndarray) -> np.ndarray:
    """From the means; those of d and S themselves are zero up to the ends of the records."""
    mean, _, d2, d3, d4, _, ds, d2s, d3s, s2, d2s2 = m
    fourth = d4 - 3 * d2**2 + 4 * (d3s - 3 * d2 * ds) + 6 * (d2s2 - d2 * s2 - 2 * ds**2)
    return np.array([mean, d2, d3 + 3 * d2s, fourth, ds])


def _with_error(values: np.ndarray) -> tuple[float, float]:
    """The value from all groups, first, and the jackknife's error from those that leave one out."""
    count = len(values) - 1
    return values[0], float(np.sqrt((count - 1) * np.var(values[1:])))


def _stands_out(values: np.ndarray, errors: float) -> bool:
    value, error = _with_error(values)
    return bool(abs(value) > errors * error)
